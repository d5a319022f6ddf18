package handlers

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// competitorRefresh asks for a sync of one competitor, and leads to the page that follows it.
func (p *pages) competitorRefresh(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	id := idOf(c)
	if !p.conf.SyncEnabled {
		return errSyncOff()
	}
	run, err := s.RequestRefresh(ctx, id)
	if wantsRegion(c) {
		return p.refreshAsked(c, s, id, run, err)
	}
	if err != nil {
		return err
	}
	p.wake()
	return seeOther(c, link(views.CompetitorURL(id), "run", run, "list", c.FormValue("list")))
}

// refreshAsked answers htmx with the region, which follows the run or says why there is none.
func (p *pages) refreshAsked(c echo.Context, s *store.Scope, id, run string, refused error) error {
	var known *domain.Error
	if refused != nil && (!errors.As(refused, &known) || known.Code == domain.NoSuch) {
		return refused
	}
	r, err := s.CompetitorRow(c.Request().Context(), id)
	if err != nil {
		return err
	}
	state := p.plainSyncState(c, s, r)
	if known != nil {
		state.Problem = known.Error()
	} else {
		p.wake()
		state.State, state.MayRefresh = views.Refreshing, false
		state.PollURL = link(state.URL, "run", run, "list", state.List)
	}
	return write(c, http.StatusOK, views.SyncRegion(p.shell(c, s.Viewer()), state))
}

// syncRegion is the region alone, as it asks for itself while a refresh is open.
func (p *pages) syncRegion(c echo.Context, s *store.Scope) error {
	r, err := s.CompetitorRow(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	state, err := p.syncState(c, s, r)
	if err != nil {
		return err
	}
	return write(c, http.StatusOK, views.SyncRegion(p.shell(c, s.Viewer()), state))
}

func (p *pages) plainSyncState(c echo.Context, s *store.Scope, r store.CompetitorRow) views.SyncState {
	list := c.FormValue("list") // of the address, or of the form
	return views.SyncState{
		URL: views.CompetitorURL(r.ID), List: list, BackURL: link(views.CompetitorURL(r.ID), "list", list), State: p.state(r.Sync), LastSyncedAt: r.Sync.LastSuccessAt, NextDueAt: r.Sync.NextDueAt,
		MayRefresh: r.GamePlatformID != "" && !r.Sync.Deactivated && p.conf.SyncEnabled && !s.Viewer().ViewingAs,
	}
}

// syncState is the region with the refresh that is open, or the one that the address names.
func (p *pages) syncState(c echo.Context, s *store.Scope, r store.CompetitorRow) (views.SyncState, error) {
	state := p.plainSyncState(c, s, r)
	asked := c.QueryParam("run")
	if asked == "" && !r.Refreshing {
		return state, nil
	}
	run, err := s.Refresh(c.Request().Context(), r.ID, asked)
	if domain.CodeOf(err) == domain.NoSuch {
		return state, nil // it has ended in the meantime, or is none of this competitor's
	}
	if err != nil {
		return state, err
	}
	if run.FinishedAt.IsZero() {
		state.State, state.MayRefresh = views.Refreshing, false
		state.PollURL = link(state.URL, "run", run.ID, "list", state.List)
		return state, nil
	}
	state.DoneKind, state.Done = refreshWords(run)
	return state, nil
}

// refreshWords say what a refresh brought.
func refreshWords(run store.Run) (kind, text string) {
	n := run.Counts
	switch {
	case run.Stopped != "":
		return "warn", strings.TrimSuffix("The refresh was stopped: "+stopWords[run.Stopped], ": ") + "."
	case n.Failed > 0:
		return "warn", "The platform could not be read just now. It is tried again by itself."
	case n.Blocked > 0:
		return "warn", "Asked again: the platform still gives no results."
	case n.NewSolves > 0:
		return "ok", views.Plural(n.NewSolves, "new solve", "new solves") + "."
	case n.Changed > 0:
		return "ok", "Refreshed: something has changed."
	}
	return "ok", "Refreshed: nothing new."
}
