package handlers

import (
	"cmp"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const (
	syncPath  = "/admin/sync"
	runsShown = 20
	// deadAfter is how long a run may show no sign of life before it is taken for stopped.
	deadAfter = 5 * time.Minute
	// How often the page asks for itself while a run is on, and otherwise.
	pollWorking, pollIdle = "2s", "15s"
)

// syncShow says how the syncs are doing. It names no competitor.
func (p *pages) syncShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	h, err := s.SyncHealth(ctx, p.clock())
	if err != nil {
		return err
	}
	before := c.QueryParam("before")
	runs, more, err := s.RunsPage(ctx, before, runsShown)
	if err != nil {
		return err
	}
	names, err := p.coachNames(c, s, runs, h.Open)
	if err != nil {
		return err
	}
	v := s.Viewer()
	view := p.healthView(h, p.circumstances(v), names)
	view.MaySync, view.MayPause, view.Paused = v.May(domain.MayRetry) && v.May(domain.MayBulk), v.May(domain.MayPause), v.Pause.On()
	for _, r := range runs {
		view.Runs = append(view.Runs, p.runRow(r, names))
	}
	if more {
		view.OlderURL = link(syncPath, "before", runs[len(runs)-1].ID) + "#runs"
	}
	if before != "" {
		view.NewestURL, view.PollEvery = syncPath+"#runs", "" // what was turned to stays
	}
	shell := p.shell(c, v)
	return render(c, views.SyncPage(shell, view), regions{"health": views.SyncHealth(shell, view)})
}

// coachNames are the names of the coaches whom runs are for; who may not see people gets none.
func (p *pages) coachNames(c echo.Context, s *store.Scope, lists ...[]store.Run) (map[string]string, error) {
	if !s.Viewer().May(domain.MayView) {
		return map[string]string{}, nil
	}
	var ids []string
	for _, runs := range lists {
		for _, r := range runs {
			if r.CoachID != "" {
				ids = append(ids, r.CoachID)
			}
		}
	}
	return s.CoachNames(c.Request().Context(), ids)
}

// stopWords says why a run ended before it was done.
var stopWords = map[store.StopReason]string{
	store.StopTokenRefused: "the platform refused our token",
	store.StopInterrupted:  "somebody stopped it",
	store.StopCrashed:      "its process died",
	store.StopKillSwitch:   "the kill switch is on",
	store.StopPaused:       "syncs are paused",
	store.StopFault:        "a fault of the portal, see the log",
}

// runWhat says what a run is for.
func runWhat(r store.Run, coaches map[string]string) string {
	switch {
	case r.Kind == store.RunSchedule:
		return "Schedule"
	case r.Competitor:
		return "On request, one competitor"
	case r.CoachID != "":
		return "On request, " + cmp.Or(coaches[r.CoachID], "one coach")
	case r.Full:
		return "On request, everybody in full"
	}
	return "On request, everybody"
}

func (p *pages) runRow(r store.Run, coaches map[string]string) views.RunRow {
	row := views.RunRow{
		Kind: runWhat(r, coaches), Queued: r.Queued, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Stopped: r.Stopped != "", StoppedBecause: stopWords[r.Stopped], Counts: r.Counts,
	}
	if p.dead(r) {
		row.Stopped, row.FinishedAt = true, r.HeartbeatAt
	}
	return row
}

// dead reports whether an open run has shown no sign of life for long.
func (p *pages) dead(r store.Run) bool {
	return r.FinishedAt.IsZero() && !r.Queued && p.clock().Sub(r.HeartbeatAt) > deadAfter
}

// runsCSV exports the last runs. It names no competitor.
func (p *pages) runsCSV(c echo.Context, s *store.Scope) error {
	runs, err := s.LastRuns(c.Request().Context(), runsShown)
	if err != nil {
		return err
	}
	names, err := p.coachNames(c, s, runs)
	if err != nil {
		return err
	}
	header := []string{"run_id", "started", "finished", "started_by", "attempted", "changed", "unchanged", "blocked", "failed", "skipped",
		"new_solves", "api_calls", "result"}
	return p.csv(c, "runs", "", header, func(row func(...any) error) error {
		for _, run := range runs {
			r, n := p.runRow(run, names), run.Counts
			err := row(run.ID, r.StartedAt, r.FinishedAt, r.Kind, n.Attempted, n.Changed, n.Unchanged, n.Blocked, n.Failed, n.Skipped,
				n.NewSolves, n.APICalls, r.State().Text)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
