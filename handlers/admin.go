package handlers

import (
	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

const adminPath = "/admin"

// adminShow leads to what admins do now and then.
func (p *pages) adminShow(c echo.Context, s *store.Scope) error {
	shell := p.shell(c, s.Viewer())
	shell.Path = adminPath
	return render(c, views.AdminPage(shell), nil)
}
