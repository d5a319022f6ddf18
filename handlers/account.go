package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// accountPath is the page of the viewer's own account; its forms lead back to it.
const accountPath = "/account"

// doneWords say what has just been done, by the value of done in the address.
var doneWords = map[string]string{
	"password": "Your password is changed. All other sessions were ended.",
	"session":  "The session has ended.",
	"others":   "All other sessions have ended.",
}

// accountShow says who is signed in and where.
func (p *pages) accountShow(c echo.Context, s *store.Scope) error {
	done, err := oneOf(c, "done", "nothing", "password", "session", "others")
	if err != nil {
		return err
	}
	return p.showAccount(c, s, http.StatusOK, views.Account{Done: doneWords[done]})
}

// showAccount completes the page with the live sessions.
func (p *pages) showAccount(c echo.Context, s *store.Scope, status int, view views.Account) error {
	own, err := p.auth.OwnSessions(c.Request())
	if err != nil {
		return err
	}
	for _, o := range own {
		view.Sessions = append(view.Sessions, views.SessionRow{Handle: o.Handle, This: o.This, StartedAt: o.StartedAt, LastUsedAt: o.LastUsedAt})
	}
	if err := p.twoFactorView(c, s.Viewer(), &view.TwoFactor); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = accountPath
	return write(c, status, views.AccountPage(shell, view))
}

// passwordUpdate changes the viewer's password. What is wrong is told beside its field; no password is sent back.
func (p *pages) passwordUpdate(c echo.Context, s *store.Scope) error {
	current, next := c.FormValue("current"), c.FormValue("new")
	var view views.Account
	if err := auth.CheckNewPassword(current, next); err != nil {
		view.Password.New = err.Error()
	}
	if c.FormValue("again") != next {
		view.Password.Again = "This is not the same as the new password. Type both again."
	}
	if view.Password != (views.PasswordFaults{}) {
		return p.showAccount(c, s, http.StatusUnprocessableEntity, view)
	}
	err := p.auth.ChangePassword(c.Response(), c.Request(), current, next)
	var known *domain.Error
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, link(accountPath, "done", "password"))
	case !errors.As(err, &known):
		return err
	case known.Code == domain.NoSuch: // the session, ended from elsewhere in between
		return toLogin(c)
	case known.Code == domain.Denied:
		view.Password.Current = known.Error()
		return p.showAccount(c, s, http.StatusUnprocessableEntity, view)
	case known.Code == domain.Throttled:
		view.Password.Current = known.Error()
		return p.showAccount(c, s, http.StatusTooManyRequests, view)
	}
	return err
}

// sessionsEnd ends one session of the viewer's, or all but this one. Ending this one signs out.
func (p *pages) sessionsEnd(c echo.Context, _ *store.Scope) error {
	if c.FormValue("others") == "all" {
		if err := p.auth.EndOtherSessions(c.Request()); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, link(accountPath, "done", "others"))
	}
	signedOut, err := p.auth.EndSession(c.Response(), c.Request(), c.FormValue("session"))
	switch {
	case err != nil:
		return err
	case signedOut:
		return farewell(c)
	}
	return c.Redirect(http.StatusSeeOther, link(accountPath, "done", "session"))
}
