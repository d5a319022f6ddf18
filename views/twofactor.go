package views

import "github.com/a-h/templ"

// TwoFactor is the account's second factor: off, being set up, or on.
type TwoFactor struct {
	On        bool
	CodesLeft int
	Setup     *TwoFactorSetup // nil where nothing is being set up
	Codes     []string        // new recovery codes; shown once
	Must      bool            // no other page opens before it is on
	Problem   string          // with what was tried last
	Tried     string          // which form: "begin", "confirm", "codes" or "off"
}

// TwoFactorSetup is what an authenticator app needs.
type TwoFactorSetup struct {
	Secret string
	QR     string // a data: address of the picture
}

func (t TwoFactor) problem(form string) string {
	if t.Tried == form {
		return t.Problem
	}
	return ""
}

// CodeForm asks for the code that finishes a sign-in.
type CodeForm struct {
	Problem, CSRF, Next string
	Assets              Assets
}

// InvitationForm is where somebody chooses a password by a link.
type InvitationForm struct {
	Email, Problem, CSRF string
	Again                string // what is wrong with the repetition
	Over                 string // why the link cannot be used; "" where it can
	Assets               Assets
}

// faultyBy ties a field to what is wrong with its form.
func faultyBy(form, problem string) templ.Attributes {
	if problem == "" {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": form + "-problem"}
}
