package handlers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
)

// route is one entry of the table: who may ask for it, and what answers. Without roles it is open to everybody.
type route struct {
	method, path string
	roles        []domain.Role
	answer       func(echo.Context, *store.Scope) error
}

var (
	everyRole = domain.Roles
	staff     = []domain.Role{domain.RoleAdmin, domain.RoleProduct}
	admins    = []domain.Role{domain.RoleAdmin}
	// whoSeesPeople may open competitors; which ones, the Scope decides.
	whoSeesPeople = []domain.Role{domain.RoleCoach, domain.RoleAdmin}
)

// An admin who looks at the portal as a coach may end that, and sign out; nothing else is changed meanwhile.
const viewingEndPath = "/viewing/end"

// routes is every page of the portal and who may open it.
func (p *pages) routes() []route {
	return []route{
		{http.MethodGet, "/login", nil, p.loginForm},
		{http.MethodPost, "/login", nil, p.login},
		{http.MethodGet, codePath, nil, p.codeForm},
		{http.MethodPost, codePath, nil, p.codeCheck},
		{http.MethodGet, invitationPath, nil, p.invitationForm},
		{http.MethodPost, invitationPath, nil, p.invitationAccept},
		{http.MethodGet, invitationPath + "/:token", nil, p.invitationOpen},
		{http.MethodPost, "/logout", nil, p.logout},
		{http.MethodGet, "/", everyRole, p.home},
		{http.MethodGet, "/competitors", whoSeesPeople, p.competitorsList},
		{http.MethodGet, "/competitors.csv", whoSeesPeople, p.competitorsCSV},
		{http.MethodGet, "/competitors.xlsx", whoSeesPeople, p.competitorsSheet},
		{http.MethodGet, "/competitors/:id", whoSeesPeople, p.competitorShow},
		{http.MethodGet, "/competitors/:id/solves.csv", whoSeesPeople, p.solvesCSV},
		{http.MethodGet, "/competitors/:id/categories.csv", whoSeesPeople, p.categoriesOfCSV},
		{http.MethodGet, "/competitors/:id/results.csv", whoSeesPeople, p.resultsOfCSV},
		{http.MethodPost, "/competitors/:id/refresh", whoSeesPeople, p.competitorRefresh},
		{http.MethodGet, "/teams", whoSeesPeople, p.teamsList},
		{http.MethodGet, "/teams.csv", whoSeesPeople, p.teamsCSV},
		{http.MethodGet, "/teams/:id", whoSeesPeople, p.teamShow},
		{http.MethodGet, "/teams/:id/unsolved.csv", whoSeesPeople, p.unsolvedCSV},
		{http.MethodGet, "/events", whoSeesPeople, p.eventsList},
		{http.MethodGet, "/events.csv", whoSeesPeople, p.eventsCSV},
		{http.MethodGet, "/events/:id", whoSeesPeople, p.eventShow},
		{http.MethodGet, "/events/:id/results.csv", whoSeesPeople, p.resultsCSV},
		{http.MethodGet, "/numbers", whoSeesPeople, p.numbersShow},
		{http.MethodGet, "/coaches", admins, p.coachesList},
		{http.MethodGet, "/coaches.csv", admins, p.coachesCSV},
		{http.MethodPost, "/coaches/:id/view", admins, p.coachView},
		{http.MethodPost, viewingEndPath, whoSeesPeople, p.viewingEnd},
		{http.MethodGet, "/admin/categories", admins, p.categoriesShow},
		{http.MethodGet, "/admin/categories.csv", admins, p.categoriesCSV},
		{http.MethodGet, adminPath, admins, p.adminShow},
		{http.MethodGet, "/admin/competitors/new", admins, p.competitorNew},
		{http.MethodPost, "/admin/competitors/new", admins, p.competitorNew},
		{http.MethodGet, "/competitors/:id/edit", admins, p.competitorEdit},
		{http.MethodPost, "/competitors/:id/edit", admins, p.competitorEdit},
		{http.MethodGet, "/competitors/:id/move", admins, p.competitorMove},
		{http.MethodPost, "/competitors/:id/move", admins, p.competitorMove},
		{http.MethodGet, "/competitors/:id/active", admins, p.competitorActive},
		{http.MethodPost, "/competitors/:id/active", admins, p.competitorActive},
		{http.MethodGet, "/competitors/:id/data", admins, p.personShow},
		{http.MethodGet, "/competitors/:id/data.json", admins, p.personExport},
		{http.MethodGet, "/competitors/:id/disclosures", admins, p.disclosuresShow},
		{http.MethodGet, "/competitors/:id/delete", admins, p.personDelete},
		{http.MethodPost, "/competitors/:id/delete", admins, p.personDelete},
		{http.MethodGet, "/admin/coaches/new", admins, p.coachNew},
		{http.MethodPost, "/admin/coaches/new", admins, p.coachNew},
		{http.MethodGet, "/coaches/:id/edit", admins, p.coachEdit},
		{http.MethodPost, "/coaches/:id/edit", admins, p.coachEdit},
		{http.MethodGet, "/coaches/:id/active", admins, p.coachActive},
		{http.MethodPost, "/coaches/:id/active", admins, p.coachActive},
		{http.MethodGet, "/admin/teams/new", admins, p.teamNew},
		{http.MethodPost, "/admin/teams/new", admins, p.teamNew},
		{http.MethodGet, "/teams/:id/edit", admins, p.teamEdit},
		{http.MethodPost, "/teams/:id/edit", admins, p.teamEdit},
		{http.MethodGet, "/teams/:id/delete", admins, p.teamDelete},
		{http.MethodPost, "/teams/:id/delete", admins, p.teamDelete},
		{http.MethodGet, importPath, admins, p.importForm},
		{http.MethodPost, importPath, admins, p.importUpload},
		{http.MethodGet, importPath + "/template.csv", admins, p.importTemplate},
		{http.MethodGet, importPath + "/:id", admins, p.importShow},
		{http.MethodPost, importPath + "/:id", admins, p.importConfirm},
		{http.MethodGet, importPath + "/:id/errors.csv", admins, p.importErrors},
		{http.MethodGet, "/admin/roster.csv", admins, p.rosterCSV},
		{http.MethodGet, pendingPath, admins, p.pendingShow},
		{http.MethodGet, pendingPath + ".csv", admins, p.pendingCSV},
		{http.MethodGet, onboardingPath, admins, p.onboardingList},
		{http.MethodGet, onboardingPath + "/:id", admins, p.onboardingShow},
		{http.MethodPost, onboardingPath + "/:id", admins, p.onboardingChange},
		{http.MethodGet, driftPath, admins, p.driftShow},
		{http.MethodPost, driftPath + "/apply", admins, p.driftApply},
		{http.MethodPost, driftPath + "/removals", admins, p.driftRemovals},
		{http.MethodGet, auditPath, admins, p.auditShow},
		{http.MethodGet, auditPath + ".csv", admins, p.auditCSV},
		{http.MethodPost, introductionPath, []domain.Role{domain.RoleCoach}, p.introductionSeen},
		{http.MethodGet, rolloutPath, staff, p.rolloutShow},
		{http.MethodPost, rolloutPath, staff, p.rolloutMove},
		{http.MethodGet, "/rollout/stop", staff, p.rolloutStop},
		{http.MethodPost, "/rollout/stop", staff, p.rolloutStop},
		{http.MethodGet, "/rollout/resume", staff, p.rolloutResume},
		{http.MethodPost, "/rollout/resume", staff, p.rolloutResume},
		{http.MethodGet, "/rollout/restore/:change", staff, p.rolloutRestore},
		{http.MethodPost, "/rollout/restore/:change", staff, p.rolloutRestore},
		{http.MethodGet, "/rollout/phase/:phase", staff, p.rolloutPhase},
		{http.MethodPost, "/rollout/phase/:phase", staff, p.rolloutPhase},
		{http.MethodGet, phasesPath, staff, p.rolloutPhases},
		{http.MethodPost, phasesPath, staff, p.rolloutPhases},
		{http.MethodPost, "/rollout/guard", staff, p.rolloutGuard},
		{http.MethodGet, launchPath, staff, p.launchShow},
		{http.MethodPost, launchPath, staff, p.launchConfirm},
		{http.MethodGet, "/rollout/thaw", staff, p.rolloutThaw},
		{http.MethodPost, "/rollout/thaw", staff, p.rolloutThaw},
		{http.MethodGet, "/rollout/plan/stop", staff, p.rolloutPlanStop},
		{http.MethodPost, "/rollout/plan/stop", staff, p.rolloutPlanStop},
		{http.MethodGet, "/rollout/coaches", staff, p.rolloutCoaches},
		{http.MethodGet, "/rollout/coaches.csv", staff, p.rolloutCoachesCSV},
		{http.MethodGet, "/rollout/coaches/:id", staff, p.rolloutCoachShow},
		{http.MethodGet, "/rollout/coaches/:id/brief", staff, p.rolloutBrief},
		{http.MethodGet, "/rollout/coaches/:id/:action", staff, p.coachChange},
		{http.MethodPost, "/rollout/coaches/:id/:action", staff, p.coachChange},
		{http.MethodGet, syncPath, staff, p.syncShow},
		{http.MethodGet, "/admin/sync/all", admins, p.syncAll},
		{http.MethodPost, "/admin/sync/all", admins, p.syncAll},
		{http.MethodGet, "/admin/sync/coach", admins, p.syncCoach},
		{http.MethodPost, "/admin/sync/coach", admins, p.syncCoach},
		{http.MethodGet, "/admin/sync/pause", admins, p.syncPause},
		{http.MethodPost, "/admin/sync/pause", admins, p.syncPause},
		{http.MethodGet, "/admin/sync/resume", admins, p.syncResume},
		{http.MethodPost, "/admin/sync/resume", admins, p.syncResume},
		{http.MethodGet, "/admin/sync/runs.csv", staff, p.runsCSV},
		{http.MethodGet, failuresPath, staff, p.failuresShow},
		{http.MethodGet, failuresPath + ".csv", admins, p.failuresCSV},
		{http.MethodGet, failuresPath + "/retry", admins, p.failuresRetry},
		{http.MethodPost, failuresPath + "/retry", admins, p.failuresRetry},
		{http.MethodGet, failuresPath + "/clear", admins, p.failuresClear},
		{http.MethodPost, failuresPath + "/clear", admins, p.failuresClear},
		{http.MethodGet, failuresPath + "/:id", admins, p.failureShow},
		{http.MethodPost, failuresPath + "/:id/retry", admins, p.failureRetry},
		{http.MethodPost, failuresPath + "/:id/email", admins, p.failureEmail},
		{http.MethodGet, operationsPath + "/:id", admins, p.operationShow},
		{http.MethodPost, operationsPath + "/:id/abort", admins, p.operationAbort},
		{http.MethodPost, operationsPath + "/:id/undo", admins, p.operationUndo},
		{http.MethodGet, alertsPath, staff, p.alertsShow},
		{http.MethodPost, alertsPath + "/acknowledge", admins, p.alertAcknowledge},
		{http.MethodPost, alertsPath + "/test", admins, p.alertsTest},
		{http.MethodGet, connectionPath, admins, p.connectionShow},
		{http.MethodPost, connectionPath + "/test", admins, p.connectionTest},
		{http.MethodGet, problemsPath, everyRole, p.problemsList},
		{http.MethodPost, problemsPath, []domain.Role{domain.RoleCoach}, p.problemReport},
		{http.MethodGet, problemsPath + "/new", []domain.Role{domain.RoleCoach}, p.problemNew},
		{http.MethodGet, problemsPath + "/:id", everyRole, p.problemShow},
		{http.MethodPost, problemsPath + "/:id/answer", admins, p.problemAnswer},
		{http.MethodPost, problemsPath + "/:id/close", admins, p.problemClose},
		{http.MethodPost, problemsPath + "/:id/reopen", admins, p.problemReopen},
		{http.MethodGet, guidePath, staff, p.guideShow},
		{http.MethodGet, accountPath, everyRole, p.accountShow},
		{http.MethodPost, "/account/password", everyRole, p.passwordUpdate},
		{http.MethodPost, "/account/sessions/end", everyRole, p.sessionsEnd},
		{http.MethodPost, "/account/two-factor", everyRole, p.twoFactorChange("begin", p.twoFactorBegin)},
		{http.MethodPost, "/account/two-factor/confirm", everyRole, p.twoFactorChange("confirm", p.twoFactorConfirm)},
		{http.MethodPost, "/account/two-factor/codes", everyRole, p.twoFactorChange("codes", p.twoFactorCodes)},
		{http.MethodPost, "/account/two-factor/off", everyRole, p.twoFactorChange("off", p.twoFactorOff)},
		{http.MethodGet, usersPath, admins, p.usersList},
		{http.MethodGet, usersPath + "/new", admins, p.userNew},
		{http.MethodPost, usersPath + "/new", admins, p.userNew},
		{http.MethodGet, usersPath + "/:id", admins, p.userShow},
		{http.MethodPost, usersPath + "/:id", admins, p.userChange},
	}
}

// scoped hands the route's answer a Scope of the viewer, after checking the viewer's role.
func (p *pages) scoped(s *store.Store, r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, signedIn := viewer(c)
		switch {
		case len(r.roles) == 0:
		case !signedIn:
			return toLogin(c)
		case !slices.Contains(r.roles, v.Role):
			return domain.Errorf(domain.Denied, "This page is not for your role.").WithHint("Ask an admin if you need it.")
		case v.ViewingAs && r.method != http.MethodGet && r.path != viewingEndPath:
			return domain.Errorf(domain.Denied, "Nothing can be changed while you look at the portal as %s.", v.CoachName).
				WithHint("Go back to your own view first.")
		}
		if p.mustHaveCode(v) && len(r.roles) > 0 && !strings.HasPrefix(r.path, accountPath) {
			return seeOther(c, accountPath+"#two-factor")
		}
		if err := checkQuery(c); err != nil {
			return err
		}
		if r.showsPeople() && !p.maySee(v) {
			return p.coming(c, s.For(v), r)
		}
		return r.answer(c, s.For(v))
	}
}

// stray answers what no route does: 405 where the address takes another method, else 404.
func stray(e *echo.Echo) echo.HandlerFunc {
	return func(c echo.Context) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			probe := e.NewContext(c.Request(), nil)
			e.Router().Find(method, echo.GetPath(c.Request()), probe)
			if probe.Path() != c.Path() {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return echo.ErrNotFound
		}
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(allowed, ", "))
		return echo.ErrMethodNotAllowed
	}
}

// home sends people to the page they came for.
func (p *pages) home(c echo.Context, s *store.Scope) error {
	if s.Viewer().Role == domain.RoleProduct {
		return c.Redirect(http.StatusSeeOther, rolloutPath)
	}
	return c.Redirect(http.StatusSeeOther, "/competitors")
}
