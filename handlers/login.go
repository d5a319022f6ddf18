package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

func (p *pages) loginForm(c echo.Context, _ *store.Scope) error {
	if _, signedIn := viewer(c); signedIn {
		return c.Redirect(http.StatusSeeOther, ownPage(c.QueryParam("next")))
	}
	return p.showLogin(c, http.StatusOK, "", "")
}

// login signs in and goes on to the page the person came for. Wrong data is told beside the form, which keeps the email.
func (p *pages) login(c echo.Context, _ *store.Scope) error {
	email := c.FormValue("email")
	awaitsCode, err := p.auth.SignIn(c.Response(), c.Request(), email, c.FormValue("password"), c.RealIP())
	var known *domain.Error
	switch {
	case err == nil && awaitsCode:
		return seeOther(c, link(codePath, "next", ownPage(c.FormValue("next"))))
	case err == nil:
		return c.Redirect(http.StatusSeeOther, ownPage(c.FormValue("next")))
	case errors.As(err, &known) && known.Code == domain.Throttled:
		return p.showLogin(c, http.StatusTooManyRequests, email, known.Error())
	case errors.As(err, &known):
		return p.showLogin(c, http.StatusUnauthorized, email, known.Error())
	}
	return err
}

func (p *pages) showLogin(c echo.Context, status int, email, problem string) error {
	return write(c, status, views.LoginPage(views.LoginForm{
		Email: email, Problem: problem, Next: ownPage(c.FormValue("next")), CSRF: csrfToken(c), Assets: p.assets,
	}))
}

// logout ends the session and has the browser forget what it kept of the portal.
func (p *pages) logout(c echo.Context, _ *store.Scope) error {
	if err := p.auth.SignOut(c.Response(), c.Request()); err != nil {
		return err
	}
	return farewell(c)
}

// farewell is the answer to whoever has signed out.
func farewell(c echo.Context) error {
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return c.Redirect(http.StatusSeeOther, "/login")
}
