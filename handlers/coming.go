package handlers

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

const (
	numbersPath      = "/numbers"
	introductionPath = "/introduction"
)

// openToAll are what coaches may open before they have the feature: they show nobody.
var openToAll = []string{viewingEndPath, numbersPath, introductionPath}

// showsPeople reports whether a route is about competitors: every route for coaches that product staff may not open, but for
// the few that are known to show nobody, and that of problem reports, whose texts product staff do not get.
func (r route) showsPeople() bool {
	if slices.Contains(r.roles, domain.RoleCoach) && strings.HasPrefix(r.path, problemsPath) {
		return true
	}
	return slices.Contains(r.roles, domain.RoleCoach) && !slices.Contains(r.roles, domain.RoleProduct) && !slices.Contains(openToAll, r.path)
}

// maySee asks the rollout whether a viewer sees results. It is about coaches only.
func (p *pages) maySee(v domain.Viewer) bool {
	if v.Role != domain.RoleCoach {
		return true
	}
	switches := rollout.Switches{Environment: p.conf.SyncEnabled, Kill: v.KillSwitch}
	return rollout.Decide(switches, rollout.Coach{ID: v.CoachID, Enrolled: v.Enrolled}).MaySee
}

// coming answers a coach who does not have the feature: with the page that says what is coming, in the place of every page
// about people; what is no page is refused. A region is asked for by a page from before the coach lost it: that loads anew.
func (p *pages) coming(c echo.Context, s *store.Scope, r route) error {
	if r.method != http.MethodGet || path.Ext(r.path) != "" {
		return domain.Errorf(domain.Denied, "You do not have results from the game platform yet.").WithHint("The start page says what is coming.")
	}
	if wantsRegion(c) {
		c.Response().Header().Set("HX-Refresh", "true")
		return c.NoContent(http.StatusOK)
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath
	return write(c, http.StatusOK, views.ComingPage(shell))
}
