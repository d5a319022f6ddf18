package views

import (
	"cmp"
	"strings"
)

// ErrorView tells a person what went wrong: Message says what happened, Hint what to do. Reference is what to
// quote when reporting it. Empty fields are left out.
type ErrorView struct {
	Status                                              int
	Title, Message, Hint, Reference, BackURL, BackLabel string
	Assets                                              Assets // used when nobody is signed in
}

// fault reports whether the portal is to blame, not the request.
func (e ErrorView) fault() bool { return e.Status >= 500 }

func (e ErrorView) backLabel() string { return cmp.Or(e.BackLabel, "Back") }

// sentence ends a title with a full stop, so that text can follow it.
func sentence(title string) string {
	if title == "" || strings.ContainsAny(title[len(title)-1:], ".!?") {
		return title
	}
	return title + "."
}

// joinedWords puts a space between the texts that are not empty.
func joinedWords(texts ...string) string { return strings.TrimSpace(strings.Join(texts, " ")) }
