package handlers

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const (
	onboardingPath = "/admin/onboarding"
	mostCoaches    = 200 // on one page
)

func onboardingURL(coachID string) string { return onboardingPath + "/" + url.PathEscape(coachID) }

// onboardingList shows for which enrolled coaches somebody has agreed to what is sent.
func (p *pages) onboardingList(c echo.Context, s *store.Scope) error {
	rows, total, err := s.OnboardingCoaches(c.Request().Context(), p.conf.Onboarding, mostCoaches)
	if err != nil {
		return err
	}
	view := views.Onboarding{On: p.conf.Onboarding.Enabled, From: views.ProfileFrom(p.conf.Onboarding.Earliest), Total: total}
	for _, r := range rows {
		view.Rows = append(view.Rows, views.OnboardingRow{
			Name: r.Name, School: r.School, URL: onboardingURL(r.ID), State: views.CoachAccountState(r.Status), Accounts: r.Accounts, Moves: r.Moves, Faults: r.Faults,
			ConfirmedAt: r.ConfirmedAt, ConfirmedBy: r.ConfirmedBy,
		})
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = onboardingPath
	return render(c, views.OnboardingPage(shell, view), nil)
}

// onboardingShow shows by name and field what is going to be sent about a coach's people.
func (p *pages) onboardingShow(c echo.Context, s *store.Scope) error {
	return p.showOnboarding(c, s, nil)
}

// onboardingChange agrees to what was shown, or takes that back.
func (p *pages) onboardingChange(c echo.Context, s *store.Scope) error {
	ctx, id := c.Request().Context(), idOf(c)
	var err error
	switch do := c.FormValue("do"); do {
	case "confirm":
		err = s.ConfirmOnboarding(ctx, p.conf.Onboarding, id, c.FormValue("digest"))
	case "stop":
		err = s.StopOnboarding(ctx, id)
	default:
		err = domain.Errorf(domain.Invalid, "The form does not say what to do.").WithHint("Use one of the buttons.")
	}
	if err != nil {
		return p.showOnboarding(c, s, err)
	}
	p.wake()
	return seeOther(c, onboardingURL(id))
}

func (p *pages) showOnboarding(c echo.Context, s *store.Scope, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	preview, err := s.OnboardingPreview(c.Request().Context(), p.conf.Onboarding, idOf(c))
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodGet {
		if err := s.Audit(c.Request().Context(), "onboarding.preview", "", "coach="+preview.Coach.ID); err != nil {
			return err
		}
	}
	view := views.OnboardingPreview{
		CoachID: preview.Coach.ID, Coach: preview.Coach.Name, School: preview.Coach.School, On: p.conf.Onboarding.Enabled, State: views.CoachAccountState(preview.Status),
		ConfirmedAt: preview.ConfirmedAt, ConfirmedBy: preview.ConfirmedBy, Digest: preview.Digest(), Groups: sentGroups(preview.Sent), Problem: plainText(fault),
	}
	switch {
	case preview.Deactivated:
		view.Why = "The coach is not active any more, so nothing is sent."
	case !preview.Enrolled:
		view.Why = "The rollout has not reached this coach, so nothing is sent."
	case preview.ConfirmedAt.IsZero():
		view.MayConfirm = len(preview.Sent) > 0
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = onboardingPath + "/"
	return write(c, status, views.OnboardingPreviewPage(shell, view))
}

// sentGroups puts what is sent into tables, one for each kind.
func sentGroups(sent []store.Sent) []views.SentGroup {
	var groups []views.SentGroup
	for _, one := range sent {
		if len(groups) == 0 || groups[len(groups)-1].ID != string(one.Step) {
			words := views.SentTitles[one.Step]
			g := views.SentGroup{ID: string(one.Step), Title: words[0], Note: words[1]}
			for _, f := range one.Fields {
				g.Names = append(g.Names, f.Name)
			}
			groups = append(groups, g)
		}
		g := &groups[len(groups)-1]
		row := views.SentRow{Who: one.Who}
		switch one.Step {
		case domain.StepAccount, domain.StepAssignment, domain.StepRemoval:
			row.URL = views.CompetitorURL(one.SubjectID)
		case domain.StepTeam:
			row.URL = views.TeamURL(one.SubjectID)
		}
		for _, f := range one.Fields {
			row.Values = append(row.Values, f.Value)
		}
		g.Rows = append(g.Rows, row)
	}
	return groups
}
