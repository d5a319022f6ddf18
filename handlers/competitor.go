package handlers

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/insight"
	"flagpole/store"
	"flagpole/views"
)

// competitorShow shows one competitor with the solves. Opening the page is audited; turning pages within it and following a
// refresh is not.
func (p *pages) competitorShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	if regionOf(c) == "sync" {
		return p.syncRegion(c, s)
	}
	id := idOf(c)
	year := insight.YearUntil(p.clock(), p.conf.Zone)
	d, err := s.Competitor(ctx, id, domain.DayIn(year.First, p.conf.Zone), p.conf.Zone)
	if err != nil {
		return err
	}
	solves, err := p.solvesRegion(c, s, d)
	if err != nil {
		return err
	}
	view := p.competitorView(d, year, c.QueryParam("list"))
	view.Solves = solves
	if d.FailureID > 0 {
		view.FailureURL = failurePath(d.FailureID)
	}
	if view.Around, err = p.around(c, s, id); err != nil {
		return err
	}
	if view.Sync, err = p.syncState(c, s, d.CompetitorRow); err != nil {
		return err
	}
	if regionOf(c) != "solves" {
		if err := s.Audit(ctx, "competitor.view", d.ID, ""); err != nil {
			return err
		}
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return render(c, views.CompetitorPage(shell, view), regions{"solves": views.SolvesRegion(shell, view)})
}

// around finds the competitor's neighbours in the list that the page was opened from; list in the address is that list's own
// query.
func (p *pages) around(c echo.Context, s *store.Scope, id string) (views.Around, error) {
	query, err := url.ParseQuery(c.QueryParam("list"))
	if err != nil {
		return views.Around{}, domain.Errorf(domain.Invalid, "The list you came from cannot be read.").WithHint("Open the page without it.").Because(err)
	}
	if s.Viewer().ViewingAs {
		query.Del("coach") // an admin's list, opened again while looking as a coach
	}
	l, err := p.competitorListIn(query, s.Viewer())
	if err != nil {
		return views.Around{}, err
	}
	before, after, err := s.Neighbours(c.Request().Context(), l.CompetitorQuery, id)
	a := views.Around{ListURL: l.with(competitorsPath), PrevName: before.Name, NextName: after.Name}
	if before.ID != "" {
		a.PrevURL = l.competitorURL(before.ID)
	}
	if after.ID != "" {
		a.NextURL = l.competitorURL(after.ID)
	}
	return a, err
}

// competitorView is the page without its regions; its links keep the list that it was opened from.
func (p *pages) competitorView(d store.CompetitorDetail, year insight.Year, list string) views.Competitor {
	bounds := domain.BoundsAt(p.clock(), p.conf.Zone)
	base := views.CompetitorURL(d.ID)
	v := views.Competitor{
		CategoriesCSV: base + "/categories.csv", ResultsCSV: base + "/results.csv",
		ID: d.ID, Name: d.Name(), Team: d.Team, TeamID: d.TeamID, CoachName: d.CoachName, School: d.School, Grade: d.Grade,
		Username: d.Username, Division: d.Division, ODLSolves: d.ODLSolves, FlashSolves: d.FlashSolves, Points: d.Points(),
		LastSolveAt: d.LastSolveAt, LastSeenAt: d.LastSeenAt, Quarantined: d.Quarantined, Fresh: freshParts(d),
		OverTime: overTime(d, year), Categories: categoryBars(d, list), Year: yearOfDays(d, year),
	}
	if d.GamePlatformID != "" {
		v.Activity = views.ActivityName(bounds.ActivityOf(d.LastSolveAt, d.LastSeenAt, d.Sync.LastSuccessAt))
	}
	if d.Drift != nil {
		v.Drift = &views.Drift{
			At: d.Drift.At, OurSolves: d.Drift.OurSolves, OurPoints: d.Drift.OurPoints,
			TheirSolves: d.Drift.TheirSolves, TheirPoints: d.Drift.TheirPoints,
		}
	}
	for _, r := range d.Results {
		v.Events = append(v.Events, views.EventRow{
			Name: r.Name, URL: views.EventURL(r.EventID), SolvesURL: link(base, "source", r.EventID, "list", list),
			StartsAt: r.StartsAt, Rank: r.Rank, Solves: r.ChallengesSolved, Points: r.Points, MaxPoints: r.MaxPoints,
		})
	}
	return v
}

// freshParts says of each part when it was last brought in step.
func freshParts(d store.CompetitorDetail) []views.Freshness {
	if d.GamePlatformID == "" {
		return nil
	}
	f := d.Freshness
	return []views.Freshness{
		{Part: "ODL solves", At: f.ODLAt}, {Part: "Flash CTF results", At: f.FlashAt}, {Part: "Everything anew, once a day", At: f.FullAt},
		{Part: "Account on the platform", At: f.AccountAt}, {Part: "Last try", At: f.AttemptAt}, {Part: "Next sync", At: f.NextDueAt},
	}
}

const weeksShown = 12

// overTime is the growth of the last weeks, nil where there is none to draw.
func overTime(d store.CompetitorDetail, year insight.Year) *views.PointsOverTime {
	if d.Points() == 0 {
		return nil
	}
	weeks := year.LastWeeks(weeksShown)
	picture := &views.PointsOverTime{Who: d.FirstName, From: weeks.First, To: weeks.Last, Mine: weeks.Growth(d.Points(), days(d.Days), 1)}
	if d.Mates.OnPlatform > 1 {
		picture.Team = d.Team
		picture.Average = weeks.Growth(d.Mates.Points, days(d.TeamDays), d.Mates.OnPlatform)
	}
	return picture
}

func days(list []store.DaySum) []insight.Day {
	all := make([]insight.Day, len(list))
	for i, d := range list {
		all[i] = insight.Day{Date: d.Day, Points: d.Points}
	}
	return all
}

func categoryBars(d store.CompetitorDetail, list string) views.CategoryBars {
	bars := views.CategoryBars{Who: d.FirstName, URL: func(key string) string {
		return link(views.CompetitorURL(d.ID), "category", key, "list", list) + "#solves"
	}}
	members := d.Mates.OnPlatform
	if members > 1 {
		bars.Team = d.Team
	}
	for _, c := range d.Categories {
		row := views.CategoryBar{Name: c.Name, Key: c.Key, Solves: int(c.Solves), Points: c.Points}
		if members > 1 {
			row.TeamAverage = float64(c.TeamPoints) / float64(members)
		}
		bars.Rows = append(bars.Rows, row)
	}
	return bars
}

func yearOfDays(d store.CompetitorDetail, year insight.Year) views.YearOfDays {
	y := views.YearOfDays{Who: d.FirstName, First: year.First, Last: year.Last}
	for _, day := range d.Days {
		y.Days = append(y.Days, views.DayCount{Day: day.Day, Solves: int(day.Solves), Points: day.Points})
	}
	return y
}

// competitorExport reads one competitor for an export of a part of the page, and audits it.
func (p *pages) competitorExport(c echo.Context, s *store.Scope, part string) (store.CompetitorDetail, error) {
	ctx := c.Request().Context()
	d, err := s.Competitor(ctx, idOf(c), p.clock(), p.conf.Zone)
	if err != nil {
		return d, err
	}
	return d, s.Audit(ctx, part+".export", d.ID, "csv")
}

// categoriesOfCSV exports one competitor's categories, with the team's averages.
func (p *pages) categoriesOfCSV(c echo.Context, s *store.Scope) error {
	d, err := p.competitorExport(c, s, "categories")
	if err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "category", "solves", "points", "team_average"}
	return p.csv(c, "categories", fileWord(d.ID), header, func(row func(...any) error) error {
		for _, bar := range categoryBars(d, "").Rows {
			if err := row(d.ID, d.FirstName, d.LastName, d.Email, bar.Name, bar.Solves, bar.Points, bar.TeamAverage); err != nil {
				return err
			}
		}
		return nil
	})
}

// resultsOfCSV exports one competitor's results in flash CTFs.
func (p *pages) resultsOfCSV(c echo.Context, s *store.Scope) error {
	d, err := p.competitorExport(c, s, "results")
	if err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "event", "starts", "rank", "solves", "points", "possible_points"}
	return p.csv(c, "flash-ctf", fileWord(d.ID), header, func(row func(...any) error) error {
		for _, r := range d.Results {
			if err := row(d.ID, d.FirstName, d.LastName, d.Email, r.Name, r.StartsAt, r.Rank, r.ChallengesSolved, r.Points, r.MaxPoints); err != nil {
				return err
			}
		}
		return nil
	})
}
