package views

// State is the state of a competitor's sync in words.
type State struct {
	Kind   string // one of ok, run, wait, warn, hold, bad, off: shape and colour
	Text   string // what is or happens next: "Synced", "Retrying at 22:53", "Awaiting approval"
	Detail string // one or two sentences: what happened, what to do, who does it; may be empty
}

// explains reports whether the state's detail is worth a note of its own on the competitor's page.
func (s State) explains() bool {
	switch s.Kind {
	case "wait", "warn", "hold", "bad":
		return s.Detail != ""
	}
	return false
}
