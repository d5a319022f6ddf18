package schedule

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/roster"
	"flagpole/internal/syncer"
	"flagpole/store"
	"flagpole/store/storetest"
)

// logBuffer is a log that goroutines write side by side.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newLog() (*slog.Logger, *logBuffer) {
	b := &logBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// platform is a server that refuses every call, and a dispatcher that syncs with it; called gets each call's path.
func platform(t *testing.T, s *store.Store, clock *storetest.Clock, log *slog.Logger) (d *syncer.Dispatcher, called <-chan string) {
	t.Helper()
	calls := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- r.URL.Path
		http.Error(w, `{"detail": "out of order"}`, http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	client, err := metactf.New(metactf.Config{BaseURL: server.URL, Tokens: []metactf.Token{{Name: "token", Value: "token"}}, RateLimit: 1000}, log)
	if err != nil {
		t.Fatal(err)
	}
	settings := syncer.Settings{Concurrency: 1, RateLimit: 1000, Overlap: time.Hour, Every: time.Hour, AtMost: 8 * time.Hour, Zone: time.UTC}
	d = syncer.StartDispatcher(syncer.New(s.System(), client, settings, clock.Now, log))
	t.Cleanup(d.Stop)
	return d, calls
}

func TestFirstTickWakesTheDispatcherAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		row := roster.Row{Line: 2, CoachEmail: "h.osei@north.example", CoachName: "Halima Osei", FirstName: "Amara", LastName: "Nwosu",
			Email: "amara@pupil.example", Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-1", GamePlatformID: "P-1"}
		if _, wrong, err := s.System().ImportRoster(t.Context(), []roster.Row{row}, false); err != nil || len(wrong) > 0 {
			t.Fatal(err, wrong)
		}
		storetest.EnrolAll(t, s)
		log, _ := newLog()
		d, called := platform(t, s, clock, log)
		c, err := Start(Work{Dispatcher: d}, s.System(), clock.Now, time.UTC, log)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-called:
		case <-time.After(30 * time.Second):
			t.Error("nobody was synced")
		}
		d.Stop()
		if err := c.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestTicksOnAnEmptyStoreCallNobodyAndStopCleanly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		log, text := newLog()
		d, called := platform(t, s, clock, log)
		for range 3 {
			c, err := Start(Work{Dispatcher: d}, s.System(), clock.Now, time.UTC, log)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		d.Stop()
		if len(called) > 0 || text.String() != "" {
			t.Errorf("%d calls; log:\n%s", len(called), text)
		}
	})
}

func TestDispatcherIsTickedOnlyWhereThereIsOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		log, _ := newLog()
		d, _ := platform(t, s, clock, log)
		for _, test := range []struct {
			d    *syncer.Dispatcher
			want []string
		}{{nil, []string{"expire imports", "prune attempts", "roll up attempts"}}, {d, []string{"dispatch syncs", "expire imports", "prune attempts", "roll up attempts"}}} {
			c, err := Start(Work{Dispatcher: test.d}, s.System(), clock.Now, time.UTC, log)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, job := range c.cron.Jobs() {
				names = append(names, job.Name())
			}
			slices.Sort(names)
			if diff := cmp.Diff(test.want, names); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if err := c.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAttemptsArePrunedAtNightInThePortalsZone(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		log, _ := newLog()
		c, err := Start(Work{}, s.System(), clock.Now, zone, log)
		if err != nil {
			t.Fatal(err)
		}
		jobs := c.cron.Jobs()
		next, err := jobs[slices.IndexFunc(jobs, func(j gocron.Job) bool { return j.Name() == "prune attempts" })].NextRun()
		if err != nil || next.In(zone).Format("15:04") != "03:40" {
			t.Errorf("next at %v, %v", next.In(zone), err)
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAttemptsAreAddedUpWhileThePortalRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		pull := store.Pull{GamePlatformID: "P-1", At: clock.Now(), Result: domain.SyncSuccess, NextDue: func(store.Activity) time.Time { return clock.Now() },
			Attempts: []store.Attempt{{Endpoint: "GET /users", StartedAt: clock.Now(), Status: 200}}}
		if _, err := s.System().StorePull(t.Context(), pull); err != nil {
			t.Fatal(err)
		}
		log, text := newLog()
		c, err := Start(Work{}, s.System(), clock.Now, time.UTC, log)
		if err != nil {
			t.Fatal(err)
		}
		staff := s.For(domain.Viewer{Role: domain.RoleProduct})
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			h, err := staff.SyncHealth(t.Context(), clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			if h.Hours[store.HoursShown-1].Calls[""] == 1 {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it was not added up")
			}
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		rollUp(t.Context(), s.System(), log)
		if !strings.Contains(text.String(), "cannot add up attempts") {
			t.Errorf("log without database:\n%s", text)
		}
	})
}

func TestGoodAttemptsAreKeptAWeekAndFailedOnesNinetyDays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		attempt := func(daysAgo int, class domain.FailureClass) store.Attempt {
			return store.Attempt{Endpoint: "GET /users", StartedAt: clock.Now().AddDate(0, 0, -daysAgo), Status: 200, Class: class}
		}
		pull := store.Pull{GamePlatformID: "P-1", At: clock.Now(), Result: domain.SyncSuccess, NextDue: func(store.Activity) time.Time { return clock.Now() },
			Attempts: []store.Attempt{attempt(6, ""), attempt(8, ""), attempt(9, ""), attempt(8, domain.Timeout), attempt(89, domain.Timeout), attempt(91, domain.Timeout)}}
		if _, err := s.System().StorePull(t.Context(), pull); err != nil {
			t.Fatal(err)
		}
		log, text := newLog()
		prune(t.Context(), s.System(), clock.Now, log)
		prune(t.Context(), s.System(), clock.Now, log)
		if got := text.String(); !strings.Contains(got, "attempts=3") || !strings.Contains(got, "attempts=0") {
			t.Errorf("log:\n%s", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		prune(t.Context(), s.System(), clock.Now, log)
		if !strings.Contains(text.String(), "cannot delete old attempts") {
			t.Errorf("log without database:\n%s", text)
		}
	})
}

// The clock of the bubble stands still until everything in it waits, so that hours pass at once.
func TestPanickingJobIsLoggedAndRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := newLog()
		c := ticking(t)
		var runs atomic.Int64
		err := c.every("fragile", gocron.DurationJob(syncTick), func() {
			runs.Add(1)
			panic(errors.New("the roof fell in"))
		}, log, gocron.WithStartAt(gocron.WithStartImmediately()))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*syncTick + time.Second)
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		n := runs.Load() // the library may run it twice at one tick
		if n < 4 || int64(strings.Count(text.String(), "a scheduled job panicked")) != n || !strings.Contains(text.String(), `job=fragile panic="the roof fell in"`) {
			t.Errorf("%d runs; log:\n%s", n, text)
		}
	})
}

func TestJobNeverRunsBesideItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := newLog()
		c := ticking(t)
		var running, runs atomic.Int64
		err := c.every("slow", gocron.DurationJob(syncTick), func() {
			if running.Add(1) > 1 {
				t.Error("it runs beside itself")
			}
			runs.Add(1)
			time.Sleep(2*syncTick + time.Second)
			running.Add(-1)
		}, log, gocron.WithStartAt(gocron.WithStartImmediately()))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*syncTick + 5*time.Second) // after the end of the second run, before the third
		if err := c.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if runs.Load() != 2 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

func TestStopWaitsForTheJobUnderWay(t *testing.T) {
	log, _ := newLog()
	c := ticking(t)
	started, goOn := make(chan struct{}), make(chan struct{})
	var done atomic.Bool
	err := c.every("slow", gocron.DurationJob(time.Hour), func() {
		close(started)
		<-goOn
		done.Store(true)
	}, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	if err != nil {
		t.Fatal(err)
	}
	<-started
	stopped := make(chan error)
	go func() { stopped <- c.Stop() }()
	select {
	case <-stopped:
		t.Error("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if err := <-stopped; err != nil || !done.Load() {
		t.Errorf("stop: %v; done: %v", err, done.Load())
	}
}

func ticking(t *testing.T) *Clock {
	t.Helper()
	cron, err := gocron.NewScheduler()
	if err != nil {
		t.Fatal(err)
	}
	cron.Start()
	return &Clock{cron: cron, stop: func() {}}
}
