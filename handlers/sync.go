package handlers

import (
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

const (
	runsShown = 20
	// deadAfter is how long a run may show no sign of life before it is taken for stopped.
	deadAfter = 5 * time.Minute
)

// syncShow says how the syncs are doing. It names nobody.
func (p *pages) syncShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	n, err := s.SyncCounts(ctx)
	if err != nil {
		return err
	}
	runs, err := s.LastRuns(ctx, runsShown)
	if err != nil {
		return err
	}
	view := views.Sync{
		OnPlatform: n.OnPlatform, Synced: n.Synced, Failing: n.Failing, Blocked: n.Blocked, Waiting: n.Waiting,
		NotOnPlatform: n.NotOnPlatform, NotEnrolled: n.NotEnrolled,
	}
	view.Headline, view.Sub = p.syncSentence(n, s.Viewer().KillSwitch)
	for _, r := range runs {
		view.Runs = append(view.Runs, p.runRow(r))
	}
	return render(c, views.SyncPage(p.shell(c, s.Viewer()), view), nil)
}

// syncSentence says in words whether all is well.
func (p *pages) syncSentence(n store.SyncCounts, killed bool) (headline, sub string) {
	switch {
	case !p.conf.SyncEnabled:
		return "Syncs are switched off", "Set GAME_PLATFORM_INTEGRATION_ENABLED=true and restart the portal. An operator does it."
	case killed:
		return "All syncs are stopped", "Pages show what was stored. Product staff let syncs go on, on the page Rollout."
	case n.OnPlatform == 0 && n.NotEnrolled > 0:
		return "No coach has the game platform yet", "Competitors are synced as soon as the rollout gives it to their coaches."
	case n.OnPlatform == 0:
		return "Nobody is on the platform yet", "Competitors are synced as soon as the roster gives them a game platform id."
	case n.Waiting == n.OnPlatform:
		return "The first syncs are under way", "Results show as they arrive; nothing to do."
	case n.Failing > 0:
		return views.Plural(n.Failing, "competitor", "competitors") + " could not be synced",
			"They are tried again by themselves. " + views.Number(n.Synced) + " of " + views.Number(n.OnPlatform) + " are in step with the platform."
	}
	return "All is well", views.Number(n.Synced) + " of " + views.Number(n.OnPlatform) + " competitors are in step with the platform. " +
		views.Number(n.Blocked) + " wait for the platform or for data."
}

// stopWords says why a run ended before it was done.
var stopWords = map[store.StopReason]string{
	store.StopTokenRefused: "the platform refused our token",
	store.StopInterrupted:  "somebody stopped it",
	store.StopCrashed:      "its process died",
	store.StopKillSwitch:   "the kill switch is on",
	store.StopFault:        "a fault of the portal, see the log",
}

func (p *pages) runRow(r store.Run) views.RunRow {
	row := views.RunRow{
		Kind: "Schedule", Queued: r.Queued, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Stopped: r.Stopped != "", StoppedBecause: stopWords[r.Stopped], Counts: r.Counts,
	}
	if r.Kind == store.RunCommand {
		row.Kind = "On request"
	}
	if r.FinishedAt.IsZero() && !r.Queued && p.clock().Sub(r.HeartbeatAt) > deadAfter {
		row.Stopped, row.FinishedAt = true, r.HeartbeatAt
	}
	return row
}

// runsCSV exports the last runs. It names nobody.
func (p *pages) runsCSV(c echo.Context, s *store.Scope) error {
	runs, err := s.LastRuns(c.Request().Context(), runsShown)
	if err != nil {
		return err
	}
	header := []string{"run_id", "started", "finished", "started_by", "attempted", "changed", "unchanged", "blocked", "failed", "skipped",
		"new_solves", "api_calls", "result"}
	return p.csv(c, "runs", "", header, func(row func(...any) error) error {
		for _, run := range runs {
			r, n := p.runRow(run), run.Counts
			err := row(run.ID, r.StartedAt, r.FinishedAt, r.Kind, n.Attempted, n.Changed, n.Unchanged, n.Blocked, n.Failed, n.Skipped,
				n.NewSolves, n.APICalls, r.State().Text)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
