package syncer

import (
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

var settings = Settings{Every: 30 * time.Minute, AtMost: 8 * time.Hour, Zone: time.UTC}

func TestTheQuieterTheRarer(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	cases := map[string]struct {
		activity store.Activity
		want     time.Duration
	}{
		"solved today":                             {store.Activity{LastSolveAt: now}, 30 * time.Minute},
		"solved at the first of the seven days":    {store.Activity{LastSolveAt: time.Date(2026, 11, 12, 0, 0, 0, 0, time.UTC)}, 30 * time.Minute},
		"solved just before the seven days":        {store.Activity{LastSolveAt: time.Date(2026, 11, 11, 23, 59, 59, 0, time.UTC)}, 2 * time.Hour},
		"quiet, but seen on the platform today":    {store.Activity{LastSolveAt: ago(40), LastSeenAt: now}, 30 * time.Minute},
		"quiet for 13 days":                        {store.Activity{LastSolveAt: ago(13)}, 2 * time.Hour},
		"quiet for 20 days":                        {store.Activity{LastSolveAt: ago(20)}, 4 * time.Hour},
		"quiet for 60 days":                        {store.Activity{LastSolveAt: ago(60)}, 8 * time.Hour},
		"never there: not missed for long, either": {store.Activity{}, 2 * time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := settings.interval(c.activity, now); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestBackOffDoublesUpToItsCeilingAndIsSpreadOverAllOfIt(t *testing.T) {
	const nearlyOne = 0.999999
	for failed, want := range map[int]time.Duration{1: 2 * time.Minute, 2: 4 * time.Minute, 5: 32 * time.Minute, 9: 8 * time.Hour, 400: 8 * time.Hour} {
		if got := settings.backOff(failed, nearlyOne).Round(time.Second); got != want {
			t.Errorf("after %d failures at most %s, want %s", failed, got, want)
		}
		if got := settings.backOff(failed, 0); got != soonest {
			t.Errorf("after %d failures at least %s, want %s", failed, got, soonest)
		}
	}
}

func TestWaitsArePutApart(t *testing.T) {
	if got := spread(time.Hour, 0); got != 48*time.Minute {
		t.Errorf("the shortest is %s, want 48m", got)
	}
	if got := spread(time.Hour, 1); got != time.Hour {
		t.Errorf("the longest is %s, want 1h: nobody waits longer than promised", got)
	}
}

func TestNoRetryBeforeThePlatformWantsIt(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	s := &Syncer{set: settings, random: func() float64 { return 0 }}
	due := s.nextDue(now, domain.SyncFailure, &domain.CallError{Class: domain.RateLimited, RetryAfter: 40 * time.Minute})
	if got := due(store.Activity{FailedInARow: 1}); got.Before(now.Add(40 * time.Minute)) {
		t.Errorf("tried again at %s, %s after being asked for 40m", got, got.Sub(now))
	}
	blocked := s.nextDue(now, domain.SyncBlocked, nil)
	if got := blocked(store.Activity{}).Sub(now); got < 6*time.Hour || got > 8*time.Hour {
		t.Errorf("blocked is looked up after %s, want about 8h", got)
	}
}

func TestAJobIsNoLargerThanTheBudgetCarriesInItsTime(t *testing.T) {
	for limit, want := range map[float64]int{5: 200, 1: 100, 0.5: 50, 0.001: 1, 500: 200} {
		s := &Syncer{set: Settings{RateLimit: limit}}
		if got := s.jobSize(); got != want {
			t.Errorf("at %g requests a second a job has %d competitors, want %d", limit, got, want)
		}
	}
}
