package views

import (
	"time"

	"github.com/a-h/templ"
)

// FailureConfirm is the page that asks before something is done to many failures.
type FailureConfirm struct {
	Title, Button, Action, BackURL string
	Text                           []string
	Left                           []string // how many are left alone, and why
	Problem, Reason                string
	NeedsReason, Impossible        bool
	LastFailure                    int64 // the newest one that is meant
}

// Operation is how far an operation has come.
type Operation struct {
	Title                      string
	State                      State
	By                         string
	At                         time.Time
	Reason, What               string // What is the filter in words
	Done, Of                   int
	Stats                      []Stat
	Left                       []string
	Over                       string // a sentence about its end; "" while it goes on
	Problem                    string
	AbortURL, UndoURL, BackURL string
	SelfURL, Poll              string // Poll is "" once it is over
	Rate                       string
}

func (d Operation) polled() templ.Attributes {
	if d.Poll == "" {
		return nil
	}
	return polls(d.SelfURL, "operation", d.Poll)
}
