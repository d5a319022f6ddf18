package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

// coachesList shows all coaches, by name.
func (p *pages) coachesList(c echo.Context, s *store.Scope) error {
	search, err := searchIn(c.QueryParams())
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, place, err := s.CoachesPage(c.Request().Context(), search, page)
	if err != nil {
		return err
	}
	list := views.Coaches{Search: search, ExportURL: link("/coaches.csv", "q", search)}
	for _, r := range rows {
		list.Rows = append(list.Rows, views.CoachRow{
			ID: r.ID, Name: r.Name, School: r.School, Email: r.Email, CompetitorsURL: link(competitorsPath, "coach", r.ID),
			TeamsURL: link(teamsPath, "coach", r.ID), Competitors: r.Competitors, OnPlatform: r.OnPlatform, Waiting: r.Waiting,
			Teams: r.Teams, Solves: r.Solves, Points: r.Points,
		})
	}
	list.Pager = pager(rows, func(r store.CoachRow) string { return r.ID }, place, page.Limit, func(name, cursor string) string { return link("/coaches", "q", search, name, cursor) })
	shell := p.shell(c, s.Viewer())
	return render(c, views.CoachesPage(shell, list), regions{"coaches": views.CoachesList(shell, list)})
}

// coachesCSV exports the coaches that the search leaves.
func (p *pages) coachesCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	search, err := searchIn(c.QueryParams())
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "coaches.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"coach_id", "name", "email", "school", "region", "competitors", "on_platform", "waiting", "teams", "solves", "points"}
	return p.csv(c, "coaches", scopeName(s, ""), header, func(row func(...any) error) error {
		return s.EachCoach(ctx, search, func(r store.CoachRow) error {
			return row(r.ID, r.Name, r.Email, r.School, r.Region, r.Competitors, r.OnPlatform, r.Waiting, r.Teams, r.Solves, r.Points)
		})
	})
}

// coachView has an admin look at the portal as a coach, until viewingEnd.
func (p *pages) coachView(c echo.Context, _ *store.Scope) error {
	if err := p.auth.ViewAs(c.Request(), idOf(c)); err != nil {
		return err
	}
	return seeOther(c, competitorsPath)
}

// viewingEnd gives an admin the own view back.
func (p *pages) viewingEnd(c echo.Context, _ *store.Scope) error {
	if err := p.auth.ViewAs(c.Request(), ""); err != nil {
		return err
	}
	return seeOther(c, "/coaches")
}

func seeOther(c echo.Context, target string) error { return c.Redirect(http.StatusSeeOther, target) }

// numbersShow says what the portal's numbers mean.
func (p *pages) numbersShow(c echo.Context, s *store.Scope) error {
	return render(c, views.NumbersPage(p.shell(c, s.Viewer())), nil)
}
