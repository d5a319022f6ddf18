package handlers

import (
	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

// eventsList shows the flash CTFs, newest first.
func (p *pages) eventsList(c echo.Context, s *store.Scope) error {
	list := views.Events{ExportURL: "/events.csv"}
	err := s.EachEvent(c.Request().Context(), func(e store.Event) error {
		list.Rows = append(list.Rows, eventSummary(e))
		return nil
	})
	if err != nil {
		return err
	}
	return render(c, views.EventsPage(p.shell(c, s.Viewer()), list), nil)
}

func eventSummary(e store.Event) views.EventSummary {
	return views.EventSummary{
		Name: e.Name, URL: views.EventURL(e.ID), StartsAt: e.StartsAt, Participants: e.Participants, Absent: e.Absent(),
		BestRank: e.BestRank, MaxPoints: e.MaxPoints,
	}
}

// eventsCSV exports the flash CTFs.
func (p *pages) eventsCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	if err := s.Audit(ctx, "events.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"event_id", "event", "starts", "took_part", "did_not", "best_rank", "possible_points"}
	return p.csv(c, "flash-ctf", scopeName(s, ""), header, func(row func(...any) error) error {
		return s.EachEvent(ctx, func(e store.Event) error {
			return row(e.ID, e.Name, e.StartsAt, e.Participants, e.Absent(), e.BestRank, e.MaxPoints)
		})
	})
}

// eventShow shows one flash CTF: results by rank, and who did not take part.
func (p *pages) eventShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	e, err := s.Event(ctx, idOf(c))
	if err != nil {
		return err
	}
	results, err := p.participants(c, s, e)
	if err != nil {
		return err
	}
	absent, err := p.absent(c, s, e)
	if err != nil {
		return err
	}
	if region := regionOf(c); region != "results" && region != "absent" {
		if err := s.Audit(ctx, "event.view", "", "event="+e.ID); err != nil {
			return err
		}
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = "/events/"
	view := views.Event{EventSummary: eventSummary(e), Participants: results, Absent: absent, ExportURL: views.EventURL(e.ID) + "/results.csv"}
	return render(c, views.EventPage(shell, view), regions{
		"results": views.ParticipantsRegion(shell, results), "absent": views.AbsentRegion(shell, absent),
	})
}

// eventPageOf reads which part of one of the page's two lists is asked for; the other keeps its own.
func eventPageOf(c echo.Context, list string) (page store.Page, to func(base string) func(name, cursor string) string) {
	page = store.Page{After: c.QueryParam(list + "_after"), Before: c.QueryParam(list + "_before"), Limit: usualSize}
	other := map[string]string{"results": "absent", "absent": "results"}[list]
	return page, func(base string) func(name, cursor string) string {
		return func(name, cursor string) string {
			return link(base, list+"_"+name, cursor, other+"_after", c.QueryParam(other+"_after"), other+"_before", c.QueryParam(other+"_before"))
		}
	}
}

func (p *pages) participants(c echo.Context, s *store.Scope, e store.Event) (views.Participants, error) {
	page, to := eventPageOf(c, "results")
	rows, place, err := s.ParticipantsPage(c.Request().Context(), e, page)
	if err != nil {
		return views.Participants{}, err
	}
	var list views.Participants
	for _, r := range rows {
		list.Rows = append(list.Rows, views.ParticipantRow{
			Name: r.Name(), URL: views.CompetitorURL(r.CompetitorID), Team: r.Team, CoachName: r.CoachName,
			Rank: r.Rank, Solves: r.ChallengesSolved, Points: r.Points, MaxPoints: r.MaxPoints,
		})
	}
	list.Pager = pager(rows, func(r store.Participant) string { return r.CompetitorID }, place, page.Limit, to(views.EventURL(e.ID)))
	return list, nil
}

func (p *pages) absent(c echo.Context, s *store.Scope, e store.Event) (views.Absent, error) {
	page, to := eventPageOf(c, "absent")
	rows, place, err := s.AbsentPage(c.Request().Context(), e, page)
	if err != nil {
		return views.Absent{}, err
	}
	list := views.Absent{Rows: p.competitorRows(rows, competitorList{}), Nobody: e.OnPlatform == 0}
	list.Pager = pager(rows, competitorID, place, page.Limit, to(views.EventURL(e.ID)))
	return list, nil
}

// resultsCSV exports one flash CTF: results by rank, then those who did not take part.
func (p *pages) resultsCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	e, err := s.Event(ctx, idOf(c))
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "event.export", "", "event="+e.ID); err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "team", "coach", "took_part", "rank", "solves", "points", "possible_points"}
	return p.csv(c, "flash-ctf-"+fileWord(e.Name), scopeName(s, ""), header, func(row func(...any) error) error {
		err := s.EachParticipant(ctx, e.ID, func(r store.Participant) error {
			return row(r.CompetitorID, r.FirstName, r.LastName, r.Email, r.Team, r.CoachName, true, r.Rank, r.ChallengesSolved, r.Points, r.MaxPoints)
		})
		if err != nil {
			return err
		}
		return s.EachCompetitor(ctx, store.CompetitorQuery{Absent: e.ID}, func(r store.CompetitorRow) error {
			return row(r.ID, r.FirstName, r.LastName, r.Email, r.Team, r.CoachName, false, "", "", "", "")
		})
	})
}
