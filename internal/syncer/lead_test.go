package syncer

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// mute is a second process beside b: its client cannot reach the platform, so whatever it gets done, another did.
func (b *bench) mute() *Syncer {
	b.t.Helper()
	client, err := metactf.New(metactf.Config{BaseURL: "http://127.0.0.1:1", Tokens: []metactf.Token{{Name: "token", Value: "test-token"}}, RateLimit: 1000, Timeout: time.Second}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	return New(b.store.System(), client, b.syncer.set, b.clock.Now, slog.New(slog.DiscardHandler))
}

func TestARequestBesideALeaderIsDoneByTheLeader(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"], b.platform.accounts["bo"] = approved(solve(1, time.Hour)), approved()
		d := StartDispatcher(b.syncer)
		defer d.Stop()
		waitForLead(t, b.store.System())
		report, err := b.mute().Do(t.Context(), store.RunRequest{By: "command"})
		if err != nil {
			t.Fatal(err)
		}
		if c := report.Counts; report.RunID == "" || c.Attempted != 2 || c.Changed != 1 || c.NewSolves != 1 {
			t.Errorf("got %+v", report)
		}
	})
}

// waitForLead returns once somebody has the lead.
func waitForLead(t *testing.T, sys *store.System) {
	t.Helper()
	for range 1000 {
		lead, got, err := sys.TryLead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !got {
			return
		}
		if err := lead.Release(); err != nil {
			t.Fatal(err)
		}
		pause(t.Context(), 5*time.Millisecond)
	}
	t.Fatal("nobody took the lead")
}

func TestADryRunBesideALeaderLeavesNoTrace(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		d := StartDispatcher(b.syncer)
		defer d.Stop()
		waitForLead(t, b.store.System())
		report, err := b.mute().Do(t.Context(), store.RunRequest{DryRun: true, By: "command"})
		if err != nil || report.Counts.NewSolves != 1 || report.RunID != "" {
			t.Errorf("got %+v, %v", report, err)
		}
		if n := b.row("ada").Solves(); n != 0 {
			t.Errorf("%d solves are stored", n)
		}
		runs, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 10)
		if err != nil || len(runs) != 0 {
			t.Errorf("runs %+v, %v; want none", runs, err)
		}
	})
}

func TestOneProcessLeadsAtATimeAndTheNextTakesOver(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		first, got, err := b.store.System().TryLead(t.Context())
		if err != nil || !got {
			t.Fatalf("got %v, %v", got, err)
		}
		if _, got, err := b.store.System().TryLead(t.Context()); err != nil || got {
			t.Errorf("a second process has the lead too: %v, %v", got, err)
		}
		if err := first.Release(); err != nil {
			t.Error(err)
		}
		if err := first.Release(); err != nil {
			t.Errorf("a second release: %v", err)
		}
		second, got, err := b.store.System().TryLead(t.Context())
		if err != nil || !got {
			t.Fatalf("nobody can take over: %v, %v", got, err)
		}
		if err := second.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunsThatADeadProcessLeftOpenAreClosed(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved()
		sys := b.store.System()
		dead, err := sys.QueueRun(t.Context(), store.RunRequest{By: "command"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sys.BeginRun(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		b.run(store.RunRequest{})
		run, err := sys.Run(t.Context(), dead)
		if err != nil || run.Stopped != store.StopCrashed || run.FinishedAt.IsZero() {
			t.Errorf("got %+v, %v; want it closed as crashed", run, err)
		}
	})
}

func TestARunThatWasPutBackAfterALongPauseIsNotTakenForDead(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved()
		sys := b.store.System()
		id, err := sys.QueueRun(t.Context(), store.RunRequest{By: "command"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sys.BeginRun(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(5 * time.Minute) // the platform asked for a pause: nobody was synced meanwhile
		if err := sys.RequeueRun(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if run, err := sys.Run(t.Context(), id); err != nil || run.Stopped != "" || run.Counts.Attempted != 1 {
			t.Errorf("got %+v, %v; want it done", run, err)
		}
	})
}

func TestWhatCouldNotBeClosedIsClosedAtTheNextTick(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved()
		sys := b.store.System()
		id, err := sys.QueueRun(t.Context(), store.RunRequest{By: "api"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sys.BeginRun(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		for range 2 { // nobody is due the second time, a quarter of an hour later
			if err := b.syncer.Dispatch(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(16 * time.Minute)
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Fatal(err)
		}
		runs, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			if run.FinishedAt.IsZero() {
				t.Errorf("still open: %+v", run)
			}
		}
		if run, err := sys.Run(t.Context(), id); err != nil || run.Stopped != store.StopCrashed {
			t.Errorf("got %+v, %v", run, err)
		}
	})
}

func TestARequestWhoseCommandWasKilledIsNotDone(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved()
		sys := b.store.System()
		orphan, err := sys.QueueRun(t.Context(), store.RunRequest{By: "command"})
		if err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(20 * time.Second)
		if err := sys.FollowRun(t.Context(), orphan); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(20 * time.Second)
		if id, err := sys.NextQueued(t.Context()); err != nil || id != orphan {
			t.Errorf("next is %q, %v; somebody waits for the run", id, err)
		}
		b.clock.Advance(20 * time.Second)
		if id, err := sys.NextQueued(t.Context()); err != nil || id != "" {
			t.Errorf("next is %q, %v; nobody waits for the run", id, err)
		}
		b.run(store.RunRequest{By: "command"})
		if run, err := sys.Run(t.Context(), orphan); err != nil || run.Stopped != store.StopCrashed || run.Queued {
			t.Errorf("got %+v, %v; want it closed", run, err)
		}
	})
}

func TestARunThatStopsWithItsProcessIsTakenUpByTheNext(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		reached := make(chan struct{})
		release := make(chan struct{})
		var once bool
		ada := approved(solve(1, time.Hour))
		ada.spoil = func(w http.ResponseWriter, _ string) bool {
			if once {
				return false
			}
			once = true
			close(reached)
			<-release
			return false
		}
		b.platform.accounts["ada"] = ada
		id, err := b.store.System().QueueRun(t.Context(), store.RunRequest{By: "api"})
		if err != nil {
			t.Fatal(err)
		}
		d := StartDispatcher(b.syncer)
		<-reached
		d.Stop()
		close(release)
		if run, err := b.store.System().Run(t.Context(), id); err != nil || !run.Queued {
			t.Fatalf("after the stop: %+v, %v; want it queued again", run, err)
		}
		next := StartDispatcher(b.syncer)
		defer next.Stop()
		run := waitForRun(t, b.store.System(), id)
		if run.Stopped != "" || run.Counts.Attempted != 1 || run.Counts.NewSolves != 1 {
			t.Errorf("got %+v", run)
		}
	})
}

// waitForRun waits until a run is finished.
func waitForRun(t *testing.T, sys *store.System, id string) store.Run {
	t.Helper()
	for range 2000 {
		run, err := sys.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !run.FinishedAt.IsZero() && !run.Queued {
			return run
		}
		pause(t.Context(), 5*time.Millisecond)
	}
	t.Fatal("the run does not end")
	return store.Run{}
}

func TestARequestedRunGoesBetweenTheJobsOfAScheduledOne(t *testing.T) {
	each(t, []string{"ada", "bo", "cyd"}, func(t *testing.T, b *bench) {
		b.syncer.set.RateLimit = 0.001 // one competitor a job
		for _, id := range []string{"ada", "bo", "cyd"} {
			b.platform.accounts[id] = approved()
		}
		var asked string
		b.platform.accounts["ada"].spoil = func(http.ResponseWriter, string) bool {
			if asked == "" {
				id, err := b.store.System().QueueRun(t.Context(), store.RunRequest{Selection: store.Selection{CompetitorID: "C-cyd"}, By: "api"})
				if err != nil {
					t.Error(err)
				}
				asked = id
			}
			return false
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, call := range b.platform.asked() {
			if id := call[len(call)-3:]; len(order) == 0 || order[len(order)-1] != id {
				order = append(order, id)
			}
		}
		if len(order) != 3 || order[1] != "cyd" {
			t.Errorf("the order was %q, want cyd right after ada", order)
		}
		if run, err := b.store.System().Run(t.Context(), asked); err != nil || run.Counts.Attempted != 1 || run.FinishedAt.IsZero() {
			t.Errorf("got %+v, %v", run, err)
		}
	})
}

func TestTheNextSyncHealsWhatTheSupportTeamDeletes(t *testing.T) {
	each(t, []string{"mock-ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["mock-ada"] = approved(solve(1, 900*time.Hour), solve(2, time.Hour))
		b.platform.accounts["bo"] = approved(solve(3, time.Hour))
		b.run(store.RunRequest{})
		if n, err := b.store.System().CleanMock(t.Context()); err != nil || n != 2 {
			t.Fatalf("%d solves deleted, %v; want 2", n, err)
		}
		if a, o := b.row("mock-ada"), b.row("bo"); a.Solves() != 0 || o.Solves() != 1 {
			t.Errorf("%d and %d solves, want 0 and 1", a.Solves(), o.Solves())
		}
		if _, err := b.store.System().CleanSyncState(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c := b.run(store.RunRequest{}).Counts; c.Attempted != 2 || c.NewSolves != 2 {
			t.Errorf("got %+v, want the two solves back", c)
		}
		if a := b.row("mock-ada"); a.Solves() != 2 || a.Points() != 200 {
			t.Errorf("%d solves, %d points", a.Solves(), a.Points())
		}
	})
}
