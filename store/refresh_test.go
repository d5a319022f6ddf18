package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

const auditQuery = `SELECT user_id, action, competitor_id, detail, viewing_coach_id FROM audit_log ORDER BY audit_id`

func requestRefresh(h *house, sc *store.Scope, id string) string {
	h.t.Helper()
	run, err := sc.RequestRefresh(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return run
}

// refreshing reports whether the list says that a sync of the competitor was asked for.
func refreshing(h *house, id string) bool {
	h.t.Helper()
	d, err := h.admin().Competitor(h.t.Context(), id, h.clock.Now(), time.UTC)
	if err != nil {
		h.t.Fatal(err)
	}
	return d.Refreshing
}

func TestARefreshIsQueuedOnceAndAudited(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		run := requestRefresh(h, h.coach("co-a"), "cp-a1")
		h.clock.Advance(time.Minute)
		if again := requestRefresh(h, h.admin(), "cp-a1"); again != run || run == "" {
			t.Errorf("a second request while the first is open gives %q, not %q", again, run)
		}
		h.want("runs", `SELECT kind, queued, full_pull, dry_run, requested_by, coach_id, competitor_id, `+minutes("started_at")+` FROM sync_runs`, "command|1|0|0|page||cp-a1|0")
		h.want("audit", auditQuery, "u-co-a|competitor.refresh|cp-a1||")
		if !refreshing(h, "cp-a1") || refreshing(h, "cp-a2") {
			t.Error("it is refreshing, and nobody else is")
		}
		h.clock.Advance(time.Hour) // a page waits as long as it takes
		if next, err := h.sys.NextQueued(t.Context()); next != run || err != nil {
			t.Errorf("the next run to take up is %q: %v", next, err)
		}
		r, err := h.sys.BeginRun(t.Context(), run)
		if err != nil || r.Selection != (store.Selection{CompetitorID: "cp-a1"}) || r.DryRun || r.Full {
			t.Errorf("asked for was %+v: %v", r, err)
		}
		if again := requestRefresh(h, h.coach("co-a"), "cp-a1"); again != run {
			t.Errorf("while it runs another is queued: %q", again)
		}
		if err := h.sys.FinishRun(t.Context(), run, domain.RunCounts{Attempted: 1}, ""); err != nil {
			t.Fatal(err)
		}
		if refreshing(h, "cp-a1") {
			t.Error("it ended, but is refreshing")
		}
		if again := requestRefresh(h, h.coach("co-a"), "cp-a1"); again == run {
			t.Error("the run that ended is given again")
		}
	})
}

func TestARefreshIsThrottledForFiveMinutesAfterTheLastAttempt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		p := h.pull("gp-a1") // a failed one counts too
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout}
		if _, err := h.sys.StorePull(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait time.Duration
			hint string
		}{
			{0, "in 5 min."}, {time.Microsecond, "in 5 min."}, {time.Minute - time.Microsecond, "in 4 min."}, {time.Second, "in 4 min."},
			{3*time.Minute - time.Second, "in 1 min."}, {time.Minute - time.Microsecond, "in 1 min."},
		} {
			h.clock.Advance(step.wait)
			_, err := h.coach("co-a").RequestRefresh(t.Context(), "cp-a1")
			var told *domain.Error
			if !errors.As(err, &told) || told.Code != domain.Throttled || !strings.HasSuffix(told.Hint, step.hint) {
				t.Errorf("%v later: %v, want it %s", step.wait, err, step.hint)
			}
		}
		h.want("nothing was queued or audited", `SELECT (SELECT COUNT(*) FROM sync_runs) + (SELECT COUNT(*) FROM audit_log)`, "0")
		h.clock.Advance(time.Microsecond)
		requestRefresh(h, h.coach("co-a"), "cp-a1")
		requestRefresh(h, h.coach("co-a"), "cp-a2") // never tried
	})
}

func TestARefreshOfWhomThereIsNothingToRefreshIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, c := range []struct {
			scope *store.Scope
			id    string
			want  domain.Code
		}{
			{h.coach("co-a"), "cp-a3", domain.Clash}, {h.admin(), "cp-a3", domain.Clash}, {h.coach("co-b"), "cp-a3", domain.NoSuch},
			{h.coach("co-a"), "cp-b1", domain.NoSuch}, {h.coach("co-a"), "", domain.NoSuch}, {h.s.For(domain.Viewer{Role: domain.RoleProduct}), "cp-a1", domain.NoSuch},
		} {
			run, err := c.scope.RequestRefresh(t.Context(), c.id)
			if domain.CodeOf(err) != c.want || run != "" {
				t.Errorf("%s for %+v: %q, %v, want %s", c.id, c.scope.Viewer(), run, err, c.want)
			}
		}
		h.want("nothing was queued or audited", `SELECT (SELECT COUNT(*) FROM sync_runs) + (SELECT COUNT(*) FROM audit_log)`, "0")
	})
}

func TestRequestsSideBySideQueueOneRefresh(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var wait sync.WaitGroup
		runs := make([]string, 8)
		for i := range runs {
			wait.Go(func() {
				var err error
				if runs[i], err = h.coach("co-a").RequestRefresh(t.Context(), "cp-a1"); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for _, run := range runs {
			if run != runs[0] {
				t.Errorf("runs %q", runs)
				break
			}
		}
		h.want("runs", `SELECT COUNT(*) FROM sync_runs`, "1")
		h.want("audit", auditQuery, "u-co-a|competitor.refresh|cp-a1||")
	})
}

func TestARefreshIsReadByWhoSeesTheCompetitor(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		run, other := requestRefresh(h, h.coach("co-a"), "cp-a1"), requestRefresh(h, h.coach("co-b"), "cp-b1")
		if _, err := h.sys.QueueRun(t.Context(), store.RunRequest{Selection: store.Selection{CompetitorID: "cp-a2"}, DryRun: true, By: "command"}); err != nil {
			t.Fatal(err)
		}
		everybodys, err := h.sys.QueueRun(t.Context(), store.RunRequest{By: "command"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name    string
			scope   *store.Scope
			id, run string
			found   bool
		}{
			{"by its id", h.coach("co-a"), "cp-a1", run, true}, {"the open one", h.coach("co-a"), "cp-a1", "", true}, {"admin", h.admin(), "cp-a1", run, true},
			{"another coach", h.coach("co-b"), "cp-a1", run, false}, {"another coach, the open one", h.coach("co-b"), "cp-a1", "", false},
			{"another's under one's own", h.coach("co-a"), "cp-a1", other, false}, {"a run of everybody", h.coach("co-a"), "cp-a1", everybodys, false},
			{"a dry run is none", h.coach("co-a"), "cp-a2", "", false}, {"of nobody", h.admin(), "", everybodys, false},
			{"product staff", h.s.For(domain.Viewer{Role: domain.RoleProduct}), "cp-a1", run, false},
		} {
			got, err := c.scope.Refresh(t.Context(), c.id, c.run)
			if (err == nil) != c.found || c.found && (got.ID != run || !got.Queued) || !c.found && domain.CodeOf(err) != domain.NoSuch {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
		}
		if refreshing(h, "cp-a2") {
			t.Error("a dry run is shown as a refresh")
		}
		if err := h.sys.FinishRun(t.Context(), run, domain.RunCounts{}, store.StopCrashed); err != nil {
			t.Fatal(err)
		}
		if got, err := h.coach("co-a").Refresh(t.Context(), "cp-a1", run); err != nil || got.FinishedAt.IsZero() || got.Stopped != store.StopCrashed {
			t.Errorf("once it ended: %+v, %v", got, err)
		}
		if _, err := h.coach("co-a").Refresh(t.Context(), "cp-a1", ""); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("none is open: %v", err)
		}
	})
}

func TestARefreshThatIsAskedForWhileTheLastOneEndsWaitsItsFiveMinutes(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	run, err := h.coach("co-a").RequestRefresh(t.Context(), "cp-a1")
	if err != nil {
		t.Fatal(err)
	}
	queueBehind(t, h, "LOCK TABLE sync_pause IN ACCESS EXCLUSIVE MODE", nil, // which whoever asks reads before open runs
		func(s *store.Store) error {
			viewer := domain.Viewer{UserID: "u-co-a", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true}
			_, err := s.For(viewer).RequestRefresh(t.Context(), "cp-a1")
			wantCode(t, "again", err, domain.Throttled)
			return nil
		},
		func(s *store.Store) error {
			p := h.pull("gp-a1")
			p.RunID = run
			if _, err := s.System().StorePull(t.Context(), p); err != nil {
				return err
			}
			return s.System().FinishRun(t.Context(), run, domain.RunCounts{}, "")
		})
	h.want("runs", `SELECT COUNT(*) FROM sync_runs`, "1")
}
