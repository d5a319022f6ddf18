package handlers

import (
	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

const (
	driftPath  = "/admin/drift"
	driftShown = 100 // of each kind
)

// driftShow shows where the platform differs from what is here.
func (p *pages) driftShow(c echo.Context, s *store.Scope) error { return p.showDrift(c, s, nil) }

// driftApply has the roster win for one competitor.
func (p *pages) driftApply(c echo.Context, s *store.Scope) error {
	if err := s.ApplyDrift(c.Request().Context(), c.FormValue("competitor"), c.FormValue("there")); err != nil {
		return p.showDrift(c, s, err)
	}
	p.wake()
	return seeOther(c, driftPath)
}

// driftRemovals agrees to removals that are too many to be made without somebody's word.
func (p *pages) driftRemovals(c echo.Context, s *store.Scope) error {
	if err := s.ConfirmRemovals(c.Request().Context(), c.FormValue("digest")); err != nil {
		return p.showDrift(c, s, err)
	}
	p.wake()
	return seeOther(c, driftPath)
}

func (p *pages) showDrift(c echo.Context, s *store.Scope, fault error) error {
	ctx := c.Request().Context()
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	d, err := s.DriftPage(ctx, driftShown)
	if err != nil {
		return err
	}
	held, err := s.HeldRemovals(ctx, p.conf.Onboarding, driftShown)
	if err != nil {
		return err
	}
	view := views.DriftLists{
		On: p.conf.Onboarding.Enabled, ReadAt: d.ReadAt, AssignmentsTotal: d.AssignmentsTotal, TotalsTotal: d.TotalsTotal, TeamsTotal: d.TeamsTotal, Problem: plainText(fault),
	}
	for _, r := range d.Assignments {
		view.Assignments = append(view.Assignments, views.AssignmentDrift{
			ID: r.CompetitorID, Name: r.Name, URL: views.CompetitorURL(r.CompetitorID), Coach: r.CoachName, Here: r.Wanted, There: r.Theirs, ThereID: r.TheirsID, Since: r.SinceAt,
		})
	}
	for _, r := range d.Totals {
		view.Totals = append(view.Totals, views.TotalsDrift{
			Name: r.Name, URL: views.CompetitorURL(r.CompetitorID), Coach: r.CoachName,
			OurSolves: r.OurSolves, OurPoints: r.OurPoints, TheirSolves: r.TheirSolves, TheirPoints: r.TheirPoints, At: r.At,
		})
	}
	for _, r := range d.Teams {
		view.Teams = append(view.Teams, views.TeamDrift{Name: r.Name, URL: views.TeamURL(r.TeamID), Coach: r.CoachName, There: r.Theirs})
	}
	if held.Held() && p.conf.Onboarding.Enabled {
		view.Held = &views.HeldRemovals{Total: held.Total, Without: held.Without, Digest: held.Digest}
		for _, r := range held.List {
			view.Held.Rows = append(view.Held.Rows, views.HeldRemoval{Name: r.Name, URL: views.CompetitorURL(r.CompetitorID), Coach: r.CoachName, From: r.Team, To: r.Wanted})
		}
	}
	if err := s.Audit(ctx, "drift.view", "", ""); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = driftPath
	return write(c, status, views.DriftPage(shell, view))
}
