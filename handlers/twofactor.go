package handlers

import (
	"encoding/base64"
	"net/http"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const codePath = "/login/code"

// codeForm asks for the code after the right password.
func (p *pages) codeForm(c echo.Context, _ *store.Scope) error {
	awaited, err := p.auth.AwaitsCode(c.Request())
	if err != nil {
		return err
	}
	if !awaited {
		return seeOther(c, "/login")
	}
	return p.showCode(c, http.StatusOK, "")
}

// codeCheck finishes the sign-in.
func (p *pages) codeCheck(c echo.Context, _ *store.Scope) error {
	err := p.auth.SignInCode(c.Response(), c.Request(), c.FormValue("code"))
	switch domain.CodeOf(err) {
	case domain.Denied:
		return p.showCode(c, http.StatusUnauthorized, plainText(err))
	case domain.Throttled:
		return p.showCode(c, http.StatusTooManyRequests, plainText(err))
	case domain.NoSuch:
		return p.showLogin(c, http.StatusUnauthorized, "", plainText(err))
	}
	if err != nil {
		return err
	}
	return seeOther(c, ownPage(c.FormValue("next")))
}

func (p *pages) showCode(c echo.Context, status int, problem string) error {
	return write(c, status, views.CodePage(views.CodeForm{Problem: problem, CSRF: csrfToken(c), Next: ownPage(c.FormValue("next")), Assets: p.assets}))
}

// twoFactorChange is a form of the account page about the code at sign-in: try does what it asks for, and gives recovery codes where
// there are new ones. What is wrong is told beside the form.
func (p *pages) twoFactorChange(form string, try func(c echo.Context) (codes []string, err error)) func(echo.Context, *store.Scope) error {
	return func(c echo.Context, s *store.Scope) error {
		codes, err := try(c)
		switch domain.CodeOf(err) {
		case domain.Denied, domain.Clash, domain.Invalid:
			return p.showAccount(c, s, http.StatusUnprocessableEntity, views.Account{TwoFactor: views.TwoFactor{Tried: form, Problem: plainText(err)}})
		case domain.Throttled:
			return p.showAccount(c, s, http.StatusTooManyRequests, views.Account{TwoFactor: views.TwoFactor{Tried: form, Problem: plainText(err)}})
		case domain.NoSuch:
			return toLogin(c)
		}
		if err != nil {
			return err
		}
		if codes != nil {
			return p.showAccount(c, s, http.StatusOK, views.Account{TwoFactor: views.TwoFactor{Codes: codes}})
		}
		return seeOther(c, accountPath+"#two-factor")
	}
}

func (p *pages) twoFactorBegin(c echo.Context) ([]string, error) {
	return nil, p.auth.BeginTwoFactor(c.Request(), c.FormValue("password"))
}

func (p *pages) twoFactorConfirm(c echo.Context) ([]string, error) {
	return p.auth.TurnOnTwoFactor(c.Request(), c.FormValue("code"))
}

func (p *pages) twoFactorCodes(c echo.Context) ([]string, error) {
	return p.auth.RenewRecoveryCodes(c.Request(), c.FormValue("code"))
}

func (p *pages) twoFactorOff(c echo.Context) ([]string, error) {
	return nil, p.auth.TurnOffTwoFactor(c.Request(), c.FormValue("password"), c.FormValue("code"))
}

// twoFactorView completes what the account page says of the code at sign-in.
func (p *pages) twoFactorView(c echo.Context, v domain.Viewer, view *views.TwoFactor) error {
	on, left, setup, err := p.auth.TwoFactor(c.Request())
	if err != nil {
		return err
	}
	view.On, view.CodesLeft, view.Must = on, left, p.mustHaveCode(v)
	if setup != nil {
		view.Setup = &views.TwoFactorSetup{Secret: setup.Secret, QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(setup.QR)}
	}
	return nil
}

// mustHaveCode reports whether the viewer may see no other page before signing in takes a code.
func (p *pages) mustHaveCode(v domain.Viewer) bool {
	return p.conf.TwoFactorRequired && !v.TwoFactor && !v.ViewingAs && (v.Role == domain.RoleAdmin || v.Role == domain.RoleProduct)
}
