package syncer

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// rollout applies a change of the rollout.
func (b *bench) rollout(c store.RolloutChange) {
	b.t.Helper()
	c.Reason, c.Seen = "test", -1
	if _, err := b.store.System().Rollout("test").Apply(b.t.Context(), c); err != nil {
		b.t.Fatal(err)
	}
}

// outcome is what a run came to, and when.
type outcome struct {
	report Report
	err    error
}

// begin starts a run beside the test.
func (b *bench) begin() <-chan outcome {
	ended := make(chan outcome, 1)
	go func() {
		report, err := b.syncer.Do(b.t.Context(), store.RunRequest{By: "command"})
		ended <- outcome{report, err}
	}()
	return ended
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); pause(t.Context(), 5*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// killed wants a run to end in time because the kill switch went on.
func killed(t *testing.T, ended <-chan outcome) Report {
	t.Helper()
	select {
	case o := <-ended:
		if !errors.Is(o.err, ErrKilled) || o.report.Stopped != store.StopKillSwitch {
			t.Errorf("%+v, %v", o.report, o.err)
		}
		return o.report
	case <-time.After(5 * time.Second):
		t.Fatal("it still runs 5 seconds after the kill switch")
	}
	return Report{}
}

func TestTheKillSwitchEndsARunWithinSeconds(t *testing.T) {
	each(t, []string{"ada", "bo", "cy", "dot", "eli", "flo"}, func(t *testing.T, b *bench) {
		released, called := make(chan struct{}), make(chan struct{}, 100)
		b.platform.change(func(accounts map[string]*account) {
			for _, id := range []string{"ada", "bo", "cy", "dot", "eli", "flo"} {
				accounts[id] = approved(solve(1, time.Hour))
			}
		})
		answered := b.platform.server.Config.Handler
		b.platform.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called <- struct{}{}
			select { // nobody gets an answer until the end of the test
			case <-released:
				answered.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
		ended := b.begin()
		<-called
		b.rollout(store.RolloutChange{Action: store.Kill})
		if c := killed(t, ended).Counts; c.Attempted != 0 || c.Skipped != 6 {
			t.Errorf("got %+v", c)
		}
		calls := len(called)
		report, err := b.syncer.Do(t.Context(), store.RunRequest{By: "command"})
		if !errors.Is(err, ErrKilled) || report.Counts != (domain.RunCounts{}) || report.Stopped != store.StopKillSwitch {
			t.Errorf("a run under the kill switch: %+v, %v", report, err)
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Errorf("the schedule under the kill switch: %v", err)
		}
		if now := len(called); now != calls {
			t.Errorf("%d calls under the kill switch", now-calls)
		}
		close(released)
		b.rollout(store.RolloutChange{Action: store.Unkill})
		if c := b.run(store.RunRequest{By: "command"}).Counts; c.Attempted != 6 || c.NewSolves != 6 {
			t.Errorf("after it was lifted: %+v", c)
		}
	})
}

// A pause that the platform asked for may last an hour; nobody is to wait for its end.
func TestTheKillSwitchEndsAPauseToo(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved()
		b.platform.accounts["ada"].spoil = func(w http.ResponseWriter, _ string) bool {
			w.Header().Set("Retry-After", "3000")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		b.run(store.RunRequest{By: "command"}) // is told to wait
		ended := b.begin()
		until(t, "the second run waits", func() bool {
			runs, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 10)
			return err == nil && slices.ContainsFunc(runs, func(r store.Run) bool { return !r.Queued && r.FinishedAt.IsZero() })
		})
		b.rollout(store.RolloutChange{Action: store.Kill})
		killed(t, ended)
	})
}

// A pause is a switch of the same kind, of an admin: running jobs end, the schedule and requests stand still, and all goes on
// after it.
func TestAPauseEndsAJobAndTheScheduleUntilItIsLifted(t *testing.T) {
	people := []string{"ada", "bo", "cy", "dot", "eli", "flo"}
	each(t, people, func(t *testing.T, b *bench) {
		admin := b.store.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin})
		released, called := make(chan struct{}), make(chan struct{}, 100)
		b.platform.change(func(accounts map[string]*account) {
			for _, id := range people {
				accounts[id] = approved(solve(1, time.Hour))
			}
		})
		answered := b.platform.server.Config.Handler
		b.platform.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called <- struct{}{}
			select { // nobody gets an answer until the pause is over
			case <-released:
				answered.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
		ended := b.begin()
		<-called
		if open, err := admin.LastRuns(t.Context(), 1); err != nil || len(open) != 1 || open[0].Expected != 6 {
			t.Errorf("the run expects: %+v, %v", open, err)
		}
		if err := admin.PauseSyncs(t.Context(), "a test"); err != nil {
			t.Fatal(err)
		}
		select {
		case o := <-ended:
			if !errors.Is(o.err, ErrPaused) || o.report.Stopped != store.StopPaused || o.report.Counts.Skipped != 6 {
				t.Errorf("%+v, %v", o.report, o.err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("it still runs 5 seconds after the pause")
		}
		calls := len(called)
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Errorf("the schedule while paused: %v", err)
		}
		id, err := b.store.System().QueueRun(t.Context(), store.RunRequest{By: "api"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.syncer.TakeRequests(t.Context()); err != nil {
			t.Errorf("requests while paused: %v", err)
		}
		if run, err := b.store.System().Run(t.Context(), id); err != nil || run.Stopped != store.StopPaused || run.FinishedAt.IsZero() {
			t.Errorf("a requested run while paused: %+v, %v", run, err)
		}
		if now := len(called); now != calls {
			t.Errorf("%d calls while paused", now-calls)
		}
		close(released)
		if err := admin.ResumeSyncs(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Fatal(err)
		}
		runs, err := admin.LastRuns(t.Context(), 9)
		if err != nil || !slices.ContainsFunc(runs, func(r store.Run) bool {
			return r.Kind == store.RunSchedule && r.Counts.Attempted == 6 && r.Expected == 6
		}) {
			t.Errorf("the schedule afterwards: %+v, %v", runs, err)
		}
	})
}

func TestOnlyEnrolledCoachesCompetitorsAreAskedFor(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"], b.platform.accounts["bo"], b.platform.accounts["zoe"] = approved(solve(1, time.Hour)), approved(), approved()
		_, bad, err := b.store.System().ImportRoster(t.Context(), []roster.Row{{
			Line: 2, CoachID: "late", CoachEmail: "late@oak.example", CoachName: "Late", FirstName: "Player", LastName: "zoe", Email: "zoe@oak.example",
			Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-zoe", GamePlatformID: "zoe",
		}}, false)
		if err != nil || len(bad) > 0 {
			t.Fatal(err, bad)
		}
		if c := b.run(store.RunRequest{By: "command"}).Counts; c.Attempted != 2 || c.NotEnrolled != 1 {
			t.Errorf("got %+v", c)
		}
		if err := b.syncer.Dispatch(t.Context()); err != nil {
			t.Fatal(err)
		}
		asked := strings.Join(b.platform.asked(), "\n")
		if !strings.Contains(asked, "=ada") || strings.Contains(asked, "=zoe") {
			t.Errorf("the platform was asked:\n%s", asked)
		}
		b.rollout(store.RolloutChange{Action: store.AddPilot, CoachID: "late"})
		if c := b.run(store.RunRequest{By: "command", Selection: store.Selection{CoachID: "late"}}).Counts; c.Attempted != 1 || c.NotEnrolled != 0 {
			t.Errorf("the pilot: %+v", c)
		}
	})
}
