package views

import (
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Account is the viewer's own account.
type Account struct {
	Done      string // a sentence on what has just been done; "" is nothing
	Password  PasswordFaults
	TwoFactor TwoFactor
	Sessions  []SessionRow // the live ones, the viewer's present one first
}

// PasswordFaults says what was wrong with the last try to change the password, by field; "" is nothing.
type PasswordFaults struct{ Current, New, Again string }

// SessionRow is one live session of the viewer.
type SessionRow struct {
	Handle                string // names it in the form that ends it
	This                  bool   // the one that the page is seen in
	StartedAt, LastUsedAt time.Time
}

// others counts the sessions elsewhere.
func (d Account) others() int {
	n := 0
	for _, r := range d.Sessions {
		if !r.This {
			n++
		}
	}
	return n
}

// signedInAs says who the viewer is and what the role lets them see.
func signedInAs(v domain.Viewer) string {
	who := v.Name
	if v.Email != v.Name {
		who += " (" + v.Email + ")"
	}
	return "You are signed in as " + who + ", " + roleWords(v.Role)
}

func roleWords(r domain.Role) string {
	switch r {
	case domain.RoleCoach:
		return "a coach. You see your own competitors."
	case domain.RoleAdmin:
		return "an admin. You see everybody."
	case domain.RoleProduct:
		return "one of the product staff. You see figures, and no names."
	}
	return string(r) + "."
}

// passwordField is one field of the form; Note is what is to be known of it before it is filled in.
type passwordField struct{ Name, Label, Autocomplete, Note, Fault string }

// passwordFields are the form's, top to bottom.
func passwordFields(f PasswordFaults) []passwordField {
	return []passwordField{
		{"current", "Current password", "current-password", "", f.Current},
		{"new", "New password", "new-password", "At least 8 characters; a few random words are good.", f.New},
		{"again", "New password again", "new-password", "", f.Again},
	}
}

// described ties the field to the line below it. Where it has a fault, that is what the line says, and where the cursor
// is: the first fault wins.
func (f passwordField) described() templ.Attributes {
	a := templ.Attributes{}
	if f.Note != "" || f.Fault != "" {
		a["aria-describedby"] = f.noteID()
	}
	if f.Fault != "" {
		a["aria-invalid"], a["autofocus"] = "true", true
	}
	return a
}

func (f passwordField) noteID() string { return "password-" + f.Name + "-note" }
