package handlers

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// competitorsList shows the viewer's competitors by name.
func (p *pages) competitorsList(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	page := pageOf(c)
	rows, place, err := s.CompetitorsPage(ctx, page)
	if err != nil {
		return err
	}
	sums, err := s.CompetitorSums(ctx)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	list := views.Competitors{
		Total: sums.Competitors, OnPlatform: sums.OnPlatform, Teams: sums.Teams, Coaches: sums.Coaches,
		Solves: sums.Solves, Points: sums.Points, First: place.First, Last: place.Last, ExportURL: "/competitors.csv",
	}
	for _, r := range rows {
		list.Rows = append(list.Rows, p.competitorRow(r))
	}
	if place.First > 1 {
		list.PrevURL = link("/competitors", "before", rows[0].ID)
	}
	if place.Last < place.Total && len(rows) > 0 {
		list.NextURL = link("/competitors", "after", rows[len(rows)-1].ID)
		list.NextCount = min(page.Limit, place.Total-place.Last)
	}
	return render(c, views.CompetitorsPage(shell, list), regions{"list": views.CompetitorsList(shell, list)})
}

func (p *pages) competitorRow(r store.CompetitorRow) views.CompetitorRow {
	return views.CompetitorRow{
		ID: r.ID, Name: r.Name(), Team: r.Team, CoachName: r.CoachName, Division: r.Division,
		ODLSolves: r.ODLSolves, FlashSolves: r.FlashSolves, Points: r.Points(),
		LastSolveAt: r.LastSolveAt, LastSyncedAt: r.Sync.LastSuccessAt, State: p.state(r.Sync),
	}
}

// competitorsCSV exports the list as it is ordered on the screen, all pages of it.
func (p *pages) competitorsCSV(c echo.Context, s *store.Scope) error {
	if err := s.Audit(c.Request().Context(), "competitors.export", "", ""); err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "coach", "coach_email", "team", "division", "grade",
		"odl_solves", "flash_solves", "odl_points", "flash_points", "points", "last_solve", "last_synced", "state"}
	return p.csv(c, "competitors", header, func(row func(...string) error) error {
		return s.EachCompetitor(c.Request().Context(), func(r store.CompetitorRow) error {
			return row(r.ID, r.FirstName, r.LastName, r.Email, r.CoachName, r.CoachEmail, r.Team, r.Division.Label(), r.Grade,
				number(r.ODLSolves), number(r.FlashSolves), number(r.ODLPoints), number(r.FlashPoints), number(r.Points()),
				p.cellTime(r.LastSolveAt), p.cellTime(r.Sync.LastSuccessAt), p.state(r.Sync).Text)
		})
	})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// competitorShow shows one competitor with the solves. Opening the page is audited; turning pages within it is not.
func (p *pages) competitorShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	d, err := s.Competitor(ctx, idOf(c))
	if err != nil {
		return err
	}
	solves, err := p.solvesRegion(c, s, d.ID)
	if err != nil {
		return err
	}
	if regionOf(c) != "solves" {
		if err := s.Audit(ctx, "competitor.view", d.ID, ""); err != nil {
			return err
		}
	}
	view := p.competitorView(d)
	view.Solves = solves
	shell := p.shell(c, s.Viewer())
	shell.Path = "/competitors"
	return render(c, views.CompetitorPage(shell, view), regions{"solves": views.SolvesRegion(shell, view)})
}

func (p *pages) competitorView(d store.CompetitorDetail) views.Competitor {
	v := views.Competitor{
		ID: d.ID, Name: d.Name(), Team: d.Team, CoachName: d.CoachName, School: d.School, Grade: d.Grade, Division: d.Division,
		State: p.state(d.Sync), ODLSolves: d.ODLSolves, FlashSolves: d.FlashSolves, Points: d.Points(),
		LastSolveAt: d.LastSolveAt, LastSeenAt: d.LastSeenAt, LastSyncedAt: d.Sync.LastSuccessAt, Quarantined: d.Quarantined,
	}
	for _, r := range d.Results {
		v.Events = append(v.Events, views.EventRow{
			Name: r.Name, StartsAt: r.StartsAt, Rank: r.Rank, Solves: r.ChallengesSolved, Points: r.Points, MaxPoints: r.MaxPoints,
		})
	}
	return v
}

// state is the sync state in a coach's words.
func (p *pages) state(f domain.SyncFacts) views.State {
	return views.StateOf(f, p.clock(), p.conf.Zone)
}
