package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const invitationPath = "/invitation"

// invitationOpen takes the secret out of the address at once: it goes on with a cookie.
func (p *pages) invitationOpen(c echo.Context, _ *store.Scope) error {
	p.auth.OpenInvitation(c.Response(), c.Param("token"))
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return seeOther(c, invitationPath)
}

// invitationForm is where somebody chooses a password by the link that was opened.
func (p *pages) invitationForm(c echo.Context, _ *store.Scope) error {
	return p.showInvitation(c, http.StatusOK, "")
}

func (p *pages) showInvitation(c echo.Context, status int, problem string) error {
	view := views.InvitationForm{Problem: problem, CSRF: csrfToken(c), Assets: p.assets}
	email, err := p.auth.Invited(c.Request())
	switch {
	case domain.CodeOf(err) == domain.NoSuch:
		view.Over, status = plainText(err), http.StatusNotFound
	case err != nil:
		return err
	}
	view.Email = email
	return write(c, status, views.InvitationPage(view))
}

// invitationAccept stores the password and signs in.
func (p *pages) invitationAccept(c echo.Context, _ *store.Scope) error {
	next := c.FormValue("new")
	if c.FormValue("again") != next {
		return p.showInvitation(c, http.StatusUnprocessableEntity, "The two passwords are not the same. Type both again.")
	}
	awaitsCode, err := p.auth.AcceptInvitation(c.Response(), c.Request(), next)
	switch domain.CodeOf(err) {
	case domain.Invalid:
		return p.showInvitation(c, http.StatusUnprocessableEntity, plainText(err))
	case domain.NoSuch:
		return p.showInvitation(c, http.StatusNotFound, "")
	}
	switch {
	case err != nil:
		return err
	case awaitsCode:
		return seeOther(c, codePath)
	}
	return seeOther(c, "/")
}
