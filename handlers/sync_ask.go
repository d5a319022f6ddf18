package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// Each of these has a page that says what it does, and a POST on the same address that does it.

// syncAll asks whether to sync everybody, or has it done.
func (p *pages) syncAll(c echo.Context, s *store.Scope) error { return p.askForSync(c, s, "") }

// syncCoach lets a coach be chosen, asks whether to sync the coach's competitors, or has it done.
func (p *pages) syncCoach(c echo.Context, s *store.Scope) error {
	coach := c.FormValue("coach") // of the address, or of the form
	switch {
	case coach != "":
		return p.askForSync(c, s, coach)
	case c.Request().Method == http.MethodPost:
		return domain.Errorf(domain.Invalid, "No coach was chosen.").WithHint("Choose one on the page Sync one coach.")
	}
	return p.chooseCoach(c, s)
}

func (p *pages) chooseCoach(c echo.Context, s *store.Scope) error {
	search, err := searchIn(c.QueryParams())
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, place, err := s.CoachesPage(c.Request().Context(), search, page)
	if err != nil {
		return err
	}
	const path = syncPath + "/coach"
	list := views.SyncCoach{Search: search}
	for _, r := range rows {
		list.Rows = append(list.Rows, views.SyncCoachRow{ID: r.ID, Name: r.Name, School: r.School, URL: link(path, "coach", r.ID), OnPlatform: r.OnPlatform})
	}
	list.Pager = pager(rows, func(r store.CoachRow) string { return r.ID }, place, page.Limit, func(name, cursor string) string { return link(path, "q", search, name, cursor) })
	shell := p.shell(c, s.Viewer())
	return render(c, views.SyncCoachPage(shell, list), regions{"coaches": views.SyncCoachList(shell, list)})
}

// askForSync is the page that says whom a sync comes to and how long it takes, and what does it.
func (p *pages) askForSync(c echo.Context, s *store.Scope, coachID string) error {
	ctx := c.Request().Context()
	plan, err := s.SyncPlan(ctx, coachID)
	if err != nil {
		return err
	}
	view := views.SyncConfirm{Action: c.Request().URL.EscapedPath(), CoachID: coachID, Text: p.planTexts(plan), Impossible: plan.Competitors == 0}
	number := views.Number(plan.Competitors)
	view.Title, view.Button = "Sync all "+number+"?", "Sync all "+number
	if coachID != "" {
		view.Title, view.Button = "Sync the competitors of "+plan.Coach+"?", "Sync "+number
	}
	if c.Request().Method == http.MethodGet {
		return p.confirmSync(c, s, view, nil)
	}
	if !p.conf.SyncEnabled {
		return p.confirmSync(c, s, view, errSyncOff())
	}
	if _, err := s.RequestSync(ctx, coachID); err != nil {
		return p.confirmSync(c, s, view, err)
	}
	p.wake()
	return seeOther(c, syncPath)
}

// atMost is how long so many syncs take at most under the rate limit, as people say it.
func (p *pages) atMost(syncs int) string {
	took := time.Duration(float64(syncs*domain.CallsPerSync) / p.conf.RateLimit * float64(time.Second))
	return views.Took(max(took, time.Second))
}

// planTexts say how many are synced, how long it takes, and who is left out why.
func (p *pages) planTexts(plan store.SyncPlan) []string {
	texts := []string{"Nobody is synced: there is no competitor on the platform whose coach has it."}
	if plan.Competitors > 0 {
		texts[0] = views.Plural(plan.Competitors, "competitor is", "competitors are") + " synced now, due or not. At the limit of the platform, and with " +
			strconv.Itoa(domain.CallsPerSync) + " calls each, it takes at most " + p.atMost(plan.Competitors) + ", once what is running already has ended."
	}
	if plan.NotEnrolled > 0 {
		texts = append(texts, views.Plural(plan.NotEnrolled, "is", "are")+" left out: their coach does not have the game platform yet.")
	}
	if plan.NotOnPlatform > 0 {
		texts = append(texts, views.Plural(plan.NotOnPlatform, "is", "are")+" left out: they are not on the platform.")
	}
	return texts
}

// confirmSync shows the page that asks, and with it what spoke against it. Other errors are not its business.
func (p *pages) confirmSync(c echo.Context, s *store.Scope, view views.SyncConfirm, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	view.Problem = plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = syncPath + "/"
	return write(c, status, views.SyncConfirmPage(shell, view))
}

// syncPause asks for a reason to pause all syncs, or pauses them.
func (p *pages) syncPause(c echo.Context, s *store.Scope) error {
	view := views.SyncConfirm{
		Title: "Pause all syncs?", Button: "Pause all syncs", Danger: true, Action: c.Request().URL.EscapedPath(), AsksReason: true, Reason: c.FormValue("reason"),
		Text: []string{"No call of the platform is made until an admin resumes them, also after a restart. A run in progress ends within seconds; who was not tried stays due. Coaches read that syncs are paused, and staff why."},
	}
	if c.Request().Method == http.MethodGet {
		return p.confirmSync(c, s, view, nil)
	}
	if err := s.PauseSyncs(c.Request().Context(), view.Reason); err != nil {
		return p.confirmSync(c, s, view, err)
	}
	return seeOther(c, syncPath)
}

// syncResume asks whether syncs go on, or lets them.
func (p *pages) syncResume(c echo.Context, s *store.Scope) error {
	view := views.SyncConfirm{
		Title: "Resume syncs?", Button: "Resume syncs", Action: c.Request().URL.EscapedPath(),
		Text: []string{"Whoever is due is synced at once, those who waited longest first."},
	}
	if c.Request().Method == http.MethodGet {
		return p.confirmSync(c, s, view, nil)
	}
	if err := s.ResumeSyncs(c.Request().Context()); err != nil {
		return p.confirmSync(c, s, view, err)
	}
	p.wake()
	return seeOther(c, syncPath)
}
