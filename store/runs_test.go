package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

func scheduled(h *house, slot time.Time) string {
	h.t.Helper()
	id, _, err := h.sys.ScheduledRun(h.t.Context(), slot)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func lastRuns(h *house, sc *store.Scope, limit int) []store.Run {
	h.t.Helper()
	runs, err := sc.LastRuns(h.t.Context(), limit)
	if err != nil {
		h.t.Fatal(err)
	}
	return runs
}

func TestAQuarterHourHasOneRunAndTheNextOneClosesIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		slot := storetest.Start
		first := scheduled(h, slot)
		h.clock.Advance(5 * time.Minute)
		if again := scheduled(h, slot); again != first {
			t.Errorf("two runs in one quarter hour: %s and %s", first, again)
		}
		p := h.pull("gp-a1")
		p.RunID = first
		h.store(p) // a sign of life 5 minutes after the start
		h.clock.Advance(9 * time.Minute)
		second := scheduled(h, slot.Add(15*time.Minute))
		if second == first {
			t.Error("the next quarter hour has the same run")
		}
		want := []store.Run{
			{ID: second, Kind: store.RunSchedule, StartedAt: slot.Add(15 * time.Minute), HeartbeatAt: slot.Add(15 * time.Minute)},
			{ID: first, Kind: store.RunSchedule, StartedAt: slot, HeartbeatAt: slot.Add(5 * time.Minute), FinishedAt: slot.Add(5 * time.Minute),
				Counts: domain.RunCounts{Attempted: 1, Unchanged: 1}},
		}
		if diff := cmp.Diff(want, lastRuns(h, h.admin(), 9)); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestAQuarterHourAskedForSideBySideHasOneRun(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		ids := make([]string, 8)
		var wait sync.WaitGroup
		for i := range ids {
			wait.Go(func() { ids[i], _, _ = h.sys.ScheduledRun(t.Context(), storetest.Start) })
		}
		wait.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("ids %q", ids)
			}
		}
	})
}

// begunRun is a run that somebody asked for and that was taken up.
func (h *house) begunRun(full bool) string {
	h.t.Helper()
	id, err := h.sys.QueueRun(h.t.Context(), store.RunRequest{Full: full, By: "command"})
	if err != nil {
		h.t.Fatal(err)
	}
	if req, err := h.sys.BeginRun(h.t.Context(), id); err != nil || req.Full != full {
		h.t.Fatalf("begun %+v, %v", req, err)
	}
	return id
}

func TestARunCountsEachSyncOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		id := h.begunRun(true)
		calls := []store.Attempt{{Endpoint: "GET /users"}, {Endpoint: "GET /scores/get_odl_scores"}}
		sync := func(competitor string, result domain.SyncResult, solves ...domain.Solve) {
			t.Helper()
			p := h.pull(competitor)
			p.RunID, p.Result, p.Attempts, p.ODL = id, result, calls, h.snapshot(solves...)
			h.store(p)
		}
		sync("gp-1", domain.SyncSuccess, odl(1), odl(2), odl(3))
		sync("gp-1", domain.SyncSuccess, odl(1), odl(2), odl(3))
		sync("gp-2", domain.SyncSuccess)
		sync("gp-3", domain.SyncBlocked)
		sync("gp-4", domain.SyncFailure, odl(1)) // what it learned is stored and counted, but it failed
		counts := domain.RunCounts{Attempted: 5, Changed: 1, Unchanged: 2, Blocked: 1, Failed: 1, NewSolves: 4, APICalls: 10}
		if got := lastRuns(h, h.admin(), 9)[0].Counts; got != counts {
			t.Errorf("while it runs: %+v, want %+v", got, counts)
		}
		counts.Skipped, counts.NotEnrolled = 7, 2
		if err := h.sys.FinishRun(t.Context(), id, counts, store.StopInterrupted); err != nil {
			t.Fatal(err)
		}
		want := []store.Run{{
			ID: id, Kind: store.RunCommand, StartedAt: storetest.Start, HeartbeatAt: h.clock.Now(), FinishedAt: h.clock.Now(), Stopped: store.StopInterrupted, Counts: counts, Full: true,
		}}
		if diff := cmp.Diff(want, lastRuns(h, h.admin(), 9)); diff != "" {
			t.Errorf("run (-want +got):\n%s", diff)
		}
	})
}

func TestEachCallOfASyncIsKept(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.pull("gp-a1")
		p.RunID = "r1"
		p.Attempts = []store.Attempt{
			{Endpoint: "GET /users", StartedAt: storetest.Start, Took: 300 * time.Millisecond, Status: 201},
			{Endpoint: "GET /scores/get_odl_scores", StartedAt: storetest.Start.Add(time.Minute), Took: 10 * time.Second,
				Class: domain.Timeout, Message: "no answer"},
		}
		h.store(p)
		h.want("attempts", `SELECT run_id, syned_user_id, endpoint, `+minutes("started_at")+`, duration_us, http_status, error_class, error_message
			FROM sync_attempts ORDER BY attempt_id`,
			"r1|gp-a1|GET /users|0|300000|201||", "r1|gp-a1|GET /scores/get_odl_scores|1|10000000|0|timeout|no answer")
	})
}

func TestGoodAttemptsAreKeptForAShorterTimeThanFailedOnes(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		days := func(n int) time.Time { return storetest.Start.AddDate(0, 0, -n) }
		p := h.pull("gp-a1")
		for _, age := range []int{1, 7, 8, 90, 91} {
			p.Attempts = append(p.Attempts,
				store.Attempt{Endpoint: "good", StartedAt: days(age), Status: 200},
				store.Attempt{Endpoint: "bad", StartedAt: days(age), Class: domain.Timeout})
		}
		h.store(p)
		n, err := h.sys.PruneAttempts(t.Context(), days(7), days(90))
		if err != nil || n != 4 {
			t.Errorf("pruned %d: %v", n, err)
		}
		h.want("kept", `SELECT endpoint, `+minutes("started_at")+` / -1440 FROM sync_attempts ORDER BY 1, 2`,
			"bad|1", "bad|7", "bad|8", "bad|90", "good|1", "good|7")
	})
}

func TestLastRunsListsWhatWasTriedOrIsOpenNewestFirst(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		quiet := scheduled(h, storetest.Start)
		h.clock.Advance(15 * time.Minute)
		busy := scheduled(h, storetest.Start.Add(15*time.Minute))
		p := h.pull("gp-a1")
		p.RunID = busy
		h.store(p)
		h.clock.Advance(15 * time.Minute)
		open := scheduled(h, storetest.Start.Add(30*time.Minute))
		var got []string
		for _, run := range lastRuns(h, h.admin(), 9) {
			got = append(got, run.ID)
		}
		if diff := cmp.Diff([]string{open, busy}, got); diff != "" {
			t.Errorf("(-want +got), %s was quiet:\n%s", quiet, diff)
		}
		if got := lastRuns(h, h.admin(), 1); len(got) != 1 || got[0].ID != open {
			t.Errorf("the newest is %+v", got)
		}
	})
}
