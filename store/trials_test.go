package store_test

import (
	"fmt"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// A trial is one competitor in one closed window, whatever was tried how often in it.
func TestTrials(t *testing.T) {
	const account = "gp-0-0"
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	for name, test := range map[string]struct {
		syncs    []*domain.CallError // ten minutes apart, from noon on
		firesAt  time.Duration       // when the platform's alert fires, from noon; 0: never
		resolves time.Duration
		want     string // succeeded, failed, left out, coaches
	}{
		"nothing tried":                      {want: ""},
		"a success":                          {syncs: []*domain.CallError{nil}, want: "1|0|0|0"},
		"two successes":                      {syncs: []*domain.CallError{nil, nil}, want: "1|0|0|0"},
		"a failure":                          {syncs: []*domain.CallError{unreadable}, want: "0|1|0|1"},
		"failures, then a success":           {syncs: []*domain.CallError{unreadable, serverErr, nil}, want: "1|0|0|0"},
		"a success, then failures":           {syncs: []*domain.CallError{nil, unreadable, unreadable}, want: "1|0|0|0"},
		"blocked":                            {syncs: []*domain.CallError{waiting}, want: "0|0|1|0"},
		"no email":                           {syncs: []*domain.CallError{noEmail}, want: "0|0|1|0"},
		"rate limited":                       {syncs: []*domain.CallError{limited, limited}, want: "0|0|1|0"},
		"rate limited, and failed":           {syncs: []*domain.CallError{limited, unreadable, limited}, want: "0|1|0|1"},
		"status 500 of one competitor":       {syncs: []*domain.CallError{serverErr}, want: "0|1|0|1"},
		"status 500 before an outage shows":  {syncs: []*domain.CallError{serverErr}, firesAt: minutes(10), want: "0|0|1|0"},
		"status 500 long before an outage":   {syncs: []*domain.CallError{serverErr}, firesAt: minutes(40), want: "0|1|0|1"},
		"malformed just before an outage":    {syncs: []*domain.CallError{unreadable}, firesAt: minutes(10), want: "0|1|0|1"},
		"anything in an outage":              {syncs: []*domain.CallError{unreadable}, firesAt: -minutes(1), want: "0|0|1|0"},
		"half a window of outage, then well": {syncs: []*domain.CallError{serverErr, serverErr, nil}, firesAt: minutes(5), resolves: minutes(15), want: "1|0|0|0"},
		"half a window of outage, then not":  {syncs: []*domain.CallError{serverErr, serverErr, serverErr}, firesAt: minutes(5), resolves: minutes(15), want: "0|1|0|1"},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				noon := storetest.Start
				s.clock.Advance(noon.Add(time.Hour).Sub(s.clock.Now())) // a window that began before is not looked at
				at := s.clock.Now()
				if test.firesAt < 0 {
					s.fire(at.Add(test.firesAt))
				}
				for i, failure := range test.syncs {
					passed := time.Duration(i) * 10 * time.Minute
					if test.firesAt > 0 && passed > test.firesAt && passed-10*time.Minute <= test.firesAt {
						s.fire(at.Add(test.firesAt))
					}
					if test.resolves > 0 && passed > test.resolves && passed-10*time.Minute <= test.resolves {
						s.resolve(at.Add(test.resolves))
					}
					s.pull(account, failure)
					s.clock.Advance(10 * time.Minute)
				}
				if test.firesAt >= time.Duration(len(test.syncs))*10*time.Minute && test.firesAt > 0 {
					s.fire(at.Add(test.firesAt))
				}
				const counts = `SELECT succeeded - 1, failed, left_out, failing_coaches FROM sync_windows`
				if len(test.syncs) > 0 {
					s.pull("gp-1-0", nil) // or all of the window would have met faults of the platform
				}
				if _, err := s.sys.GuardRollout(t.Context(), noon.Add(6*time.Hour+30*time.Minute-time.Microsecond)); err != nil {
					t.Fatal(err)
				}
				s.want("the window is open", counts)
				if _, err := s.sys.GuardRollout(t.Context(), noon.Add(6*time.Hour+30*time.Minute)); err != nil {
					t.Fatal(err)
				}
				if test.want == "" {
					s.want("nothing", counts)
				} else {
					s.want("the window", counts, test.want)
				}
				s.want("nobody is in what is kept", `SELECT syned_user_id FROM sync_trials`)
			})
		})
	}
}

// The support team may delete the states of syncs; what has succeeded stays a success.
func TestATrialOutlivesTheStateOfTheSync(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.pull("gp-0-0", nil)
		s.exec(`DELETE FROM game_platform_sync_state WHERE 1=1`)
		s.pull("gp-0-0", unreadable)
		s.want("the trial", `SELECT succeeded FROM sync_trials`, "1")
	})
}

// With few competitors an outage fires no alert: then a window in which nobody succeeded, and all met faults of the platform, is left out.
func TestAnOutageOfFewIsLeftOut(t *testing.T) {
	for name, test := range map[string]struct {
		other *domain.CallError
		want  string
	}{"all of the platform": {serverErr, "0|0|2"}, "one of its own": {unreadable, "0|2|0"}, "one succeeded": {nil, "1|1|0"}} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.pull("gp-0-0", serverErr)
				s.pull("gp-0-1", test.other)
				if _, err := s.sys.GuardRollout(t.Context(), s.clock.Now().Add(7*time.Hour)); err != nil {
					t.Fatal(err)
				}
				s.want("the window", `SELECT succeeded, failed, left_out FROM sync_windows`, test.want)
			})
		})
	}
}

func TestWindowsCloseByTheZoneOfTheSync(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		pacific, err := time.LoadLocation("America/Los_Angeles")
		if err != nil {
			t.Fatal(err)
		}
		p := store.Pull{GamePlatformID: "gp-0-0", RunID: "r", At: s.clock.Now(), Zone: pacific, Result: domain.SyncSuccess,
			NextDue: func(store.Activity) time.Time { return s.clock.Now() }}
		if _, err := s.sys.StorePull(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		// Noon in UTC is 4 in the morning there.
		s.want("the window", fmt.Sprintf(`SELECT window_at = %d, closes_at = %d FROM sync_trials`,
			time.Date(2026, 11, 18, 0, 0, 0, 0, pacific).UnixMicro(), time.Date(2026, 11, 18, 6, 0, 0, 0, pacific).UnixMicro()), "1|1")
	})
}
