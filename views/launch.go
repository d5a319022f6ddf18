package views

import "time"

// Launch is the page with the lists of the launch.
type Launch struct {
	Lists []LaunchList
	Days  []LaunchDay // oldest first
}

// LaunchList is what must be done before a step.
type LaunchList struct {
	ID, Title string
	Items     []LaunchItem
}

// Add adds an item that the portal knows, with what to say where it is done and where it is not.
func (l *LaunchList) Add(done bool, title, yes, no string) {
	item := LaunchItem{Title: title, Done: done, Detail: no}
	if done {
		item.Detail = yes
	}
	l.Items = append(l.Items, item)
}

// AddAt adds an item that is done since a time; zero: it is not.
func (l *LaunchList) AddAt(at time.Time, title, yes, no string) {
	l.Add(!at.IsZero(), title, yes, no)
	l.Items[len(l.Items)-1].At = at
}

func (l LaunchList) done() (n int) {
	for _, item := range l.Items {
		if item.Done {
			n++
		}
	}
	return n
}

func (l LaunchList) state() State {
	n, all := l.done(), len(l.Items)
	if n == all {
		return State{Kind: "ok", Text: "All done"}
	}
	return State{Kind: "warn", Text: Number(n) + " of " + Number(all) + " done"}
}

// LaunchItem is one line of a list.
type LaunchItem struct {
	ID            string // of what people confirm
	Title, Detail string
	Done, Confirm bool // Confirm: a person says so
	By            string
	At            time.Time
}

func (i LaunchItem) state() State {
	switch {
	case i.Done:
		return State{Kind: "ok", Text: "Done"}
	case i.Confirm:
		return State{Kind: "wait", Text: "To confirm"}
	}
	return State{Kind: "warn", Text: "Not yet"}
}

// LaunchDay is one calendar day of syncs.
type LaunchDay struct {
	Day               time.Time
	Succeeded, Trials int
	Rate              string // "" where nothing was tried
	Good              bool
}

func (d LaunchDay) state() State {
	switch {
	case d.Good:
		return State{Kind: "ok", Text: "Good"}
	case d.Trials == 0:
		return State{Kind: "off", Text: "Nothing tried"}
	}
	return State{Kind: "warn", Text: "Does not count"}
}
