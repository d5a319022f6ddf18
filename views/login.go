package views

import "github.com/a-h/templ"

// LoginForm is the sign-in form as it is shown: Problem is what was wrong with the last try, "" is none.
type LoginForm struct {
	Email, Problem, CSRF string
	Next                 string // page to go to afterwards, a path of this portal
	Assets               Assets
}

// described ties a field to the problem that is shown above the form.
func described(problem string) templ.Attributes {
	if problem == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "login-problem"}
}
