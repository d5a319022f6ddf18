package handlers

import (
	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/report"
	"flagpole/store"
	"flagpole/views"
)

// competitorsList shows the viewer's competitors, narrowed and ordered as the address says.
func (p *pages) competitorsList(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.competitorListIn(c.QueryParams(), s.Viewer())
	if err != nil {
		return err
	}
	ch, err := choicesOf(ctx, s, l)
	if err != nil {
		return err
	}
	page := pageOf(c, l.size)
	rows, place, sums, err := s.CompetitorsWithSums(ctx, l.CompetitorQuery, page)
	if err != nil {
		return err
	}
	list := views.Competitors{
		Sums:   competitorSums(sums, l),
		Filter: l.filter(ch), Rows: p.competitorRows(rows, l), ExportURL: l.with("/competitors.csv", "size", ""), SheetURL: l.with("/competitors.xlsx", "size", ""),
		SelfURL: l.with(competitorsPath, "after", page.After, "before", page.Before),
		Sorting: sorting("list", l.sort, competitorColumns, competitorDown, func(sort string) string {
			if sort == competitorColumns[0] {
				sort = ""
			}
			return l.with(competitorsPath, "sort", sort)
		}),
	}
	list.Pager = pager(rows, competitorID, place, page.Limit, func(name, cursor string) string { return l.with(competitorsPath, name, cursor) })
	list.Sizes, list.Legend = l.sizes(place.Total), p.legend(rows)
	if err := listed(c, s, "list", "competitors.view", l.whose()); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	return render(c, views.CompetitorsPage(shell, list), regions{"list": views.CompetitorsList(shell, list)})
}

// competitorSums are the numbers above the list: of all, or of the chosen coach.
func competitorSums(n store.CompetitorSums, l competitorList) views.CompetitorSums {
	behind := func(name, value string) string { return link(competitorsPath, "coach", l.CoachID, name, value) }
	return views.CompetitorSums{
		Competitors: n.Competitors, OnPlatform: n.OnPlatform, Active: n.Active, InFlash: n.InFlashThisMonth, Waiting: n.Waiting,
		Teams: n.Teams, Coaches: n.Coaches, Solves: n.Solves, Points: n.Points,
		ActiveURL: behind("activity", string(domain.Active)), InFlashURL: behind("activity", store.InFlashThisMonth),
		WaitingURL: behind("state", store.StatesWaiting),
	}
}

func (p *pages) competitorRows(rows []store.CompetitorRow, l competitorList) []views.CompetitorRow {
	list := make([]views.CompetitorRow, 0, len(rows))
	for _, r := range rows {
		list = append(list, views.CompetitorRow{
			ID: r.ID, Name: r.Name(), URL: l.competitorURL(r.ID), Team: r.Team, CoachName: r.CoachName, Division: r.Division,
			ODLSolves: r.ODLSolves, FlashSolves: r.FlashSolves, Points: r.Points(), LastSolveAt: r.LastSolveAt, LastSeenAt: r.LastSeenAt,
			LastSyncedAt: r.Sync.LastSuccessAt, State: p.state(r.Sync), Refreshing: r.Refreshing,
		})
	}
	return list
}

// legend words the states among the rows that need it, each once, the most urgent first.
func (p *pages) legend(rows []store.CompetitorRow) []views.State {
	there := map[domain.State]views.State{}
	for _, r := range rows {
		state := r.Sync.StateAt(p.clock())
		if word := p.state(r.Sync); word.Detail != "" && !r.Refreshing {
			word.Text = views.StateName(state)
			there[state] = word
		}
	}
	var list []views.State
	for _, state := range domain.States {
		if word, ok := there[state]; ok {
			list = append(list, word)
		}
	}
	return list
}

// competitorHeader heads the exports of the list; competitorCells are a row of it.
var competitorHeader = []string{"competitor_id", "first_name", "last_name", "email", "username", "coach", "coach_email", "team", "division", "grade",
	"odl_solves", "flash_solves", "odl_points", "flash_points", "points", "last_solve", "last_seen", "last_synced", "state"}

func (p *pages) competitorCells(r store.CompetitorRow) []any {
	return []any{
		r.ID, r.FirstName, r.LastName, r.Email, r.Username, r.CoachName, r.CoachEmail, r.Team, r.Division.Label(), r.Grade,
		r.ODLSolves, r.FlashSolves, r.ODLPoints, r.FlashPoints, r.Points(),
		r.LastSolveAt, r.LastSeenAt, r.Sync.LastSuccessAt, p.state(r.Sync).Text,
	}
}

// competitorsExport reads what is to be exported, audits it, and gives the rows.
func (p *pages) competitorsExport(c echo.Context, s *store.Scope, kind string) (rows func(func(...any) error) error, scope string, err error) {
	ctx := c.Request().Context()
	l, err := p.competitorListIn(c.QueryParams(), s.Viewer())
	if err != nil {
		return nil, "", err
	}
	ch, err := choicesOf(ctx, s, l)
	if err != nil {
		return nil, "", err
	}
	if err := s.Audit(ctx, "competitors.export", "", kind); err != nil {
		return nil, "", err
	}
	return func(row func(...any) error) error {
		return s.EachCompetitor(ctx, l.CompetitorQuery, func(r store.CompetitorRow) error { return row(p.competitorCells(r)...) })
	}, scopeName(s, ch.coach.Name), nil
}

// competitorsCSV exports the list as it is narrowed and ordered on the screen, all pages of it.
func (p *pages) competitorsCSV(c echo.Context, s *store.Scope) error {
	rows, scope, err := p.competitorsExport(c, s, "csv")
	if err != nil {
		return err
	}
	return p.csv(c, "competitors", scope, competitorHeader, rows)
}

// competitorsSheet is the same as a spreadsheet, with numbers and times as such.
func (p *pages) competitorsSheet(c echo.Context, s *store.Scope) error {
	rows, scope, err := p.competitorsExport(c, s, "xlsx")
	if err != nil {
		return err
	}
	sheet, err := report.NewSheet("Competitors", competitorHeader, p.conf.Zone)
	if err != nil {
		return err
	}
	defer sheet.Close()
	if err := rows(sheet.Row); err != nil {
		return err
	}
	return p.download(c, "competitors", scope, "xlsx", sheet.Save)
}

// state is the sync state in a coach's words.
func (p *pages) state(f domain.SyncFacts) views.State {
	return views.StateOf(f, p.clock(), p.conf.Zone)
}
