package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// stage is a rollout of which every gate can pass: four coaches with six competitors each on the platform, two of them pilots who sign in.
type stage struct {
	*house
	failing map[string]*domain.CallError // by game platform id: how its syncs fail
}

func onStage(t *testing.T, test func(t *testing.T, s *stage)) {
	inBoth(t, func(t *testing.T, h *house) {
		s := &stage{house: h, failing: map[string]*domain.CallError{}}
		var rows []roster.Row
		for coach := range 4 {
			for i := range 6 {
				n := fmt.Sprintf("%d-%d", coach, i)
				rows = append(rows, roster.Row{
					Line: len(rows) + 2, CoachID: fmt.Sprint("co-", coach), CoachEmail: fmt.Sprintf("c%d@quill.example", coach), CoachName: fmt.Sprint("Coach ", coach),
					CompetitorID: "cp-" + n, GamePlatformID: "gp-" + n, FirstName: "Ada", LastName: "Lane", Email: "p" + n + "@quill.example",
					Division: domain.College, Status: domain.ProfileComplete,
				})
			}
		}
		if _, bad, err := h.sys.ImportRoster(t.Context(), rows, false); err != nil || bad != nil {
			t.Fatal(err, bad)
		}
		h.clock.Advance(31 * time.Minute) // so that a window has just closed when the hours are multiples of six
		for _, coach := range []string{"co-0", "co-1"} {
			h.change(store.RolloutChange{Action: store.AddPilot, CoachID: coach})
			addUser(h, "c"+strings.TrimPrefix(coach, "co-")+"@quill.example", domain.RoleCoach)
		}
		s.signIn()
		test(t, s)
	})
}

func (s *stage) signIn() {
	s.exec(fmt.Sprintf(`UPDATE users SET last_sign_in_at = %d`, s.clock.Now().UnixMicro()))
}

// sync syncs every enrolled competitor now.
func (s *stage) sync() {
	s.t.Helper()
	targets, err := s.sys.Targets(s.t.Context(), store.Selection{}, "", 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, target := range targets {
		s.pull(target.GamePlatformID, s.failing[target.GamePlatformID])
	}
}

// pull stores a sync of one competitor that failed as said; nil: it succeeded.
func (s *stage) pull(account string, failure *domain.CallError) {
	s.t.Helper()
	p := store.Pull{GamePlatformID: account, RunID: "r", At: s.clock.Now(), Result: domain.SyncSuccess,
		NextDue: func(store.Activity) time.Time { return s.clock.Now().Add(time.Hour) }}
	if failure != nil {
		p.Result, p.Failure = domain.SyncFailure, failure
		if failure.Class == domain.Blocked {
			p.Result = domain.SyncBlocked
		}
	}
	if _, err := s.sys.StorePull(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

// tick asks alerts and gates, as the watcher does.
func (s *stage) tick() store.Guarded {
	s.t.Helper()
	s.evaluate()
	done, err := s.sys.GuardRollout(s.t.Context(), s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

func (s *stage) evaluate() {
	s.t.Helper()
	now := s.clock.Now()
	if err := s.sys.JobDone(s.t.Context(), "syncs", now, false); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.sys.EvaluateAlerts(s.t.Context(), now, store.AlertRules{Thresholds: alert.Defaults(), Zone: time.UTC}); err != nil {
		s.t.Fatal(err)
	}
}

// windows lets so many windows of syncs go by, and gives what the rollout did by itself.
func (s *stage) windows(n int) (did []store.ChangeAction) {
	s.t.Helper()
	for range n {
		for range 2 {
			s.sync()
			s.clock.Advance(3 * time.Hour)
			s.signIn()
			if done := s.tick(); done.Action != "" {
				did = append(did, done.Action)
			}
		}
	}
	return did
}

func (s *stage) gate(g rollout.Gate) store.GateResult {
	s.t.Helper()
	gates, err := s.desk().Gates(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range gates.Results {
		if r.Gate == g {
			return r
		}
	}
	s.t.Fatalf("no gate %s in %+v", g, gates)
	return store.GateResult{}
}

// try makes a change that somebody asks for who overrides nothing.
func (s *stage) try(c store.RolloutChange) (store.RolloutOutcome, error) {
	c.Seen, c.Reason = -1, "test"
	return s.desk().Apply(s.t.Context(), c)
}

func (s *stage) must(c store.RolloutChange) {
	s.t.Helper()
	if _, err := s.try(c); err != nil {
		s.t.Fatalf("%+v: %v", c, err)
	}
}

func (s *stage) wantPhase(want string) {
	s.t.Helper()
	if st := s.standing(); st.Phases[st.Phase()].Name() != want {
		s.t.Errorf("the phase is %s, want %s", st.Phases[st.Phase()].Name(), want)
	}
}

var (
	unreadable = &domain.CallError{Class: domain.Malformed, Endpoint: "scores", Message: "no JSON"}
	serverErr  = &domain.CallError{Class: domain.ServerError, Endpoint: "scores", Status: 500, Message: "status 500"}
	limited    = &domain.CallError{Class: domain.RateLimited, Endpoint: "scores", Status: 429, Message: "status 429"}
	waiting    = &domain.CallError{Class: domain.Blocked, Endpoint: "users", Message: "waits"}
	noEmail    = &domain.CallError{Class: domain.MissingEmail}
)

// fire has the platform's alert hold from a time on, as the rules of alerts would.
func (s *stage) fire(at time.Time) {
	s.t.Helper()
	s.exec(fmt.Sprintf(`INSERT INTO alert_incidents (began_at) VALUES (%d)`, at.UnixMicro()))
	s.exec(fmt.Sprintf(`INSERT INTO alerts (rule, incident_id, state, since, fired_at, evidence) SELECT 'platform_errors', MAX(incident_id), 'firing', %d, %d, '' FROM alert_incidents`,
		at.UnixMicro(), at.UnixMicro()))
}

func (s *stage) resolve(at time.Time) {
	s.t.Helper()
	s.exec(fmt.Sprintf(`UPDATE alerts SET state = 'resolved', since = %d, resolved_at = %d WHERE rule = 'platform_errors' AND state <> 'resolved'`, at.UnixMicro(), at.UnixMicro()))
}

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

// From a pilot to everybody: each step waits for its gates, and what is refused leaves nothing behind.
func TestThePhasesGoOnWhenTheirGatesPass(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.wantPhase("pilot")
		for _, step := range []struct {
			phase   string
			windows int
			has     int
		}{{"10 %", 9, 2}, {"50", 9, 2}, {"100%", 6, 4}} {
			before := s.standing().ChangeID
			if _, err := s.try(store.RolloutChange{Action: store.EnterPhase, Phase: step.phase}); domain.CodeOf(err) != domain.Clash || !strings.Contains(err.Error(), "Not all gates pass") {
				t.Fatalf("%s at once: %v", step.phase, err)
			}
			if _, err := s.try(level(99)); domain.CodeOf(err) != domain.Clash {
				t.Errorf("99 %% at once: %v", err)
			}
			if now := s.standing().ChangeID; now != before {
				t.Errorf("%s: what was refused is change %d", step.phase, now)
			}
			if did := s.windows(step.windows); did != nil {
				t.Errorf("%s: by itself %v", step.phase, did)
			}
			o, err := s.try(store.RolloutChange{Action: store.EnterPhase, Phase: step.phase})
			if err != nil || len(o.After.Enrolled()) != step.has {
				t.Fatalf("%s: %d have it, %v", step.phase, len(o.After.Enrolled()), err)
			}
		}
		s.wantPhase("100 %")
		s.want("nothing was overridden", `SELECT COUNT(*) FROM rollout_changes WHERE override_until IS NOT NULL AND action = 'phase'`, "0")
		s.want("phases", `SELECT phase FROM rollout_changes WHERE action = 'phase' ORDER BY change_id`, "pilot", "10 %", "50 %", "100 %")
	})
}

func TestAnOverrideIsMarkedAndItsEndTakesNothingAway(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		if _, err := s.desk().Apply(t.Context(), store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, Seen: -1}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := s.try(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: 169 * time.Hour}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("for too long: %v", err)
		}
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: 24 * time.Hour})
		has := s.standing().Enrolled()
		marked := func() int {
			list, err := s.desk().Overrides(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(list) > 0 && (list[0].Reason != "test" || !slices.Contains(list[0].Overridden, rollout.GateSoak)) {
				t.Errorf("marked: %+v", list[0])
			}
			return len(list)
		}
		if marked() != 1 || len(has) != 2 {
			t.Errorf("%d marked, %q have it", marked(), has)
		}
		s.clock.Advance(24*time.Hour - time.Microsecond)
		if marked() != 1 {
			t.Error("the mark is gone too early")
		}
		s.clock.Advance(time.Microsecond)
		if marked() != 0 || !slices.Equal(s.standing().Enrolled(), has) {
			t.Errorf("after its end: %d marked, %q have it", marked(), s.standing().Enrolled())
		}
		if log, err := s.desk().History(t.Context(), 0, 1); err != nil || log[0].OverrideUntil.IsZero() || len(log[0].Overridden) == 0 {
			t.Errorf("the history forgot it: %+v, %v", log, err)
		}
	})
}

// malformedThird makes the answers about two of each coach's six competitors unreadable.
func (s *stage) malformedThird() {
	for coach := range 4 {
		for i := range 2 {
			s.failing[fmt.Sprintf("gp-%d-%d", coach, i)] = unreadable
		}
	}
}

func TestTheGuardObservesUntilItIsSwitchedOn(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: time.Hour})
		s.windows(4)
		s.malformedThird()
		if did := s.windows(6); !slices.Equal(did, []store.ChangeAction{"guard_observe"}) {
			t.Fatalf("by itself: %v", did)
		}
		st := s.standing()
		if st.WouldAct.IsZero() || !st.FrozenAt.IsZero() || len(st.Enrolled()) != 4 {
			t.Errorf("standing %+v", st)
		}
		s.want("no alert of the guard", `SELECT COUNT(*) FROM alerts WHERE rule = 'rollout_guard'`, "0")
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
		if done := s.tick(); done.Action != "guard_freeze" {
			t.Errorf("switched on: %+v", done)
		}
	})
}

func TestTheGuardFreezesAlertsAndOnlyAPersonGoesOn(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: time.Hour})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "100"})
		s.malformedThird()
		if did := s.windows(8); !slices.Equal(did, []store.ChangeAction{"guard_freeze"}) {
			t.Fatalf("by itself: %v", did)
		}
		st := s.standing()
		if st.FrozenAt.IsZero() || st.FrozenBy == "" || len(st.Enrolled()) != 2 {
			t.Errorf("standing %+v", st)
		}
		s.tick()
		s.want("an alert fires", `SELECT state FROM alerts WHERE rule = 'rollout_guard'`, "firing")
		s.want("a message about it", `SELECT COUNT(*) FROM alert_messages WHERE subject LIKE '%guard has stopped%' OR body LIKE '%guard has stopped%'`, "1")
		if p, _, err := s.desk().Plan(t.Context()); err != nil || p.State != "stopped" || !strings.Contains(p.EndedWhy, "The guard acted") {
			t.Errorf("the plan: %+v, %v", p, err)
		}
		// It is mended; nothing goes on by itself.
		s.failing = map[string]*domain.CallError{}
		if did := s.windows(16); did != nil {
			t.Errorf("by itself: %v", did)
		}
		if r := s.gate(rollout.GateAlerts); r.Verdict != rollout.Pass {
			t.Errorf("the guard's own alert counts: %s", r.Sentence)
		}
		if _, err := s.try(store.RolloutChange{Action: store.PlanMove, Phase: "100"}); domain.CodeOf(err) != domain.Clash {
			t.Errorf("a plan while it is frozen: %v", err)
		}
		s.must(store.RolloutChange{Action: store.Thaw})
		if _, err := s.try(store.RolloutChange{Action: store.Thaw}); domain.CodeOf(err) != domain.Clash {
			t.Errorf("thawed twice: %v", err)
		}
		s.clock.Advance(time.Minute)
		s.tick()
		s.want("the alert is over", `SELECT state FROM alerts WHERE rule = 'rollout_guard'`, "resolved")
	})
}

func TestThawingWhileItFailsDoesNotFreezeAtOnceAgain(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: time.Hour})
		s.malformedThird()
		s.windows(8)
		s.must(store.RolloutChange{Action: store.Thaw})
		if did := s.windows(7); did != nil {
			t.Errorf("within 48 h: %v", did)
		}
		if did := s.windows(2); !slices.Equal(did, []store.ChangeAction{"guard_freeze"}) {
			t.Errorf("after 48 h: %v", did)
		}
	})
}

// reports has coaches report so many problems.
func (s *stage) reports(n int) {
	for range n {
		s.exec(fmt.Sprintf(`INSERT INTO problem_reports (coach_id, user_id, page, as_of, text, state, reported_at, changed_at) VALUES ('co-0', 'u', '/', 0, 'x', 'open', %d, 0)`,
			s.clock.Now().UnixMicro()))
	}
}

// later moves the clock and asks.
func (s *stage) later(d time.Duration) store.Guarded {
	s.t.Helper()
	s.clock.Advance(d)
	return s.tick()
}

func TestTheEndOfAnOverrideTakesNothingAway(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.TurnOff}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: time.Hour})
		s.reports(6)
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: 2 * time.Hour})
		if done := s.later(time.Hour); done.Action != "" {
			t.Errorf("while it is marked: %+v", done)
		}
		if done := s.later(time.Hour); done.Action != "guard_freeze" || len(s.standing().Enrolled()) != 4 {
			t.Errorf("at its end: %+v, %d have it", done, len(s.standing().Enrolled()))
		}
	})
}

// What only held when it was overridden is not excused once it fails.
func TestAnOverrideExcusesOnlyWhatFailed(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.TurnOff}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: 168 * time.Hour})
		s.malformedThird()
		if did := s.windows(4); !slices.Equal(did, []store.ChangeAction{"guard_off"}) {
			t.Errorf("by itself: %v", did)
		}
	})
}

func TestTheGuardRespectsWhatAPersonDecides(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.StepBack}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true})
		s.reports(6)
		if done := s.later(time.Minute); done.Action != "guard_back" {
			t.Fatalf("reports: %+v", done)
		}
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50"}) // anew
		if done := s.later(time.Minute); done.Action != "" {
			t.Errorf("begun anew: %+v", done)
		}
		s.wantPhase("50 %")
		s.clock.Advance(48 * time.Hour)
		if done := s.later(time.Minute); done.Action != "guard_freeze" { // of what was decided about, nothing is taken away
			t.Errorf("two days later: %+v", done)
		}
	})
}

func TestAStepBackFromBetweenPhasesIsToTheOneBelow(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.StepBack}})
		s.must(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 75}, Override: true})
		s.reports(6)
		s.later(time.Minute)
		s.wantPhase("50 %")
		if st := s.standing(); st.Percent != 50 {
			t.Errorf("at %d %%", st.Percent)
		}
	})
}

func TestALateJobOfAnOutageIsWaitedFor(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		late := s.clock.Now()
		if err := s.sys.JobDone(t.Context(), "sync", late, true); err != nil {
			t.Fatal(err)
		}
		if r := s.gate(rollout.GateJobs); r.Verdict != rollout.Fail {
			t.Errorf("late: %s", r.Verdict)
		}
		s.fire(late.Add(10 * time.Minute))
		s.resolve(late.Add(2 * time.Hour))
		s.clock.Advance(3 * time.Hour)
		if r := s.gate(rollout.GateJobs); r.Verdict != rollout.Hold || !strings.Contains(r.Sentence, "outage") {
			t.Errorf("late in an outage that is over: %s, %s", r.Verdict, r.Sentence)
		}
	})
}

// An alert that was there long before a short outage is not excused by it.
func TestAnAlertFromBeforeAnOutageFails(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		now := s.clock.Now()
		s.tick()
		s.fire(now.Add(-time.Hour))
		s.resolve(now.Add(-50 * time.Minute))
		s.exec(fmt.Sprintf(`INSERT INTO alerts (rule, incident_id, state, since, fired_at, evidence) SELECT 'job_timeout', MAX(incident_id), 'firing', %[1]d, %[1]d, '' FROM alert_incidents`,
			now.Add(-24*time.Hour).UnixMicro()))
		if r := s.gate(rollout.GateAlerts); r.Verdict != rollout.Fail {
			t.Errorf("%s, %s", r.Verdict, r.Sentence)
		}
		s.exec(fmt.Sprintf(`UPDATE alerts SET fired_at = %d WHERE rule = 'job_timeout'`, now.Add(-55*time.Minute).UnixMicro()))
		if r := s.gate(rollout.GateAlerts); r.Verdict != rollout.Hold {
			t.Errorf("of the outage: %s, %s", r.Verdict, r.Sentence)
		}
	})
}

func TestNobodyOverridesAGateThatTheyHaveNotSeen(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		o, err := s.desk().Preview(t.Context(), store.RolloutChange{Action: store.EnterPhase, Phase: "10"})
		if err != nil {
			t.Fatal(err)
		}
		c := store.RolloutChange{Action: store.EnterPhase, Phase: "10", Override: true}
		for _, g := range rollout.NotPassed(o.Gates) {
			c.OverrideOnly = append(c.OverrideOnly, g.Gate)
		}
		s.reports(6)
		if _, err := s.try(c); domain.CodeOf(err) != domain.Clash || !strings.Contains(err.Error(), "Meanwhile another gate does not pass. Few problem reports (fail): 6 reports") {
			t.Errorf("another gate: %v", err)
		}
		c.OverrideOnly = append(c.OverrideOnly, rollout.GateReports)
		s.must(c)
	})
}

// A change that is restored may have had more coaches than its level says.
func TestRestoringMoreIsAnOverride(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 100}, Override: true})
		s.must(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 10}, Keep: true})
		kept := s.standing().ChangeID
		s.must(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 0}})
		s.must(store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 10}, Override: true})
		s.must(store.RolloutChange{Action: store.Restore, Earlier: kept})
		if n := len(s.standing().Enrolled()); n != 4 {
			t.Fatalf("%d have it", n)
		}
		s.want("it is marked", `SELECT override_until IS NOT NULL FROM rollout_changes WHERE action = 'restore'`, "1")
	})
}

func TestAPlanNeverGoesBeyondWhatItWasMadeFor(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "50"})
		phases := rollout.DefaultPhases()
		phases[3].Level.Percent = 40
		s.must(store.RolloutChange{Action: store.EditPhases, Phases: phases})
		if p, _, err := s.desk().Plan(t.Context()); err != nil || p.State != "stopped" || p.EndedWhy != "The phases were changed." {
			t.Errorf("the plan: %+v, %v", p, err)
		}
	})
}

func TestAGuardThatObservesSaysItOnceADay(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: time.Hour})
		for i := range 4 {
			s.reports(6)
			done := s.later(10 * time.Minute)
			if (done.Action == "guard_observe") != (i == 0) || s.standing().WouldAct.IsZero() {
				t.Errorf("time %d: %+v, since %v", i, done, s.standing().WouldAct)
			}
			s.exec(`DELETE FROM problem_reports`)
			if s.later(10 * time.Minute); !s.standing().WouldAct.IsZero() {
				t.Errorf("time %d: it is over, and the guard would act", i)
			}
		}
	})
}

func TestTheGuardStepsBackOrTurnsOff(t *testing.T) {
	for act, want := range map[rollout.Act]struct {
		action store.ChangeAction
		phase  string
		has    int
	}{rollout.StepBack: {"guard_back", "50 %", 2}, rollout.TurnOff: {"guard_off", "off", 0}} {
		t.Run(string(act), func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: act}})
				s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: time.Hour})
				s.malformedThird()
				if did := s.windows(8); !slices.Equal(did, []store.ChangeAction{want.action}) {
					t.Fatalf("by itself: %v", did)
				}
				s.wantPhase(want.phase)
				if st := s.standing(); len(st.Enrolled()) != want.has || st.FrozenAt.IsZero() {
					t.Errorf("%d have it, frozen at %v", len(st.Enrolled()), st.FrozenAt)
				}
			})
		})
	}
}

// A full outage of the platform: nothing fails, nothing passes, and afterwards it goes on.
func TestAnOutageOnlyHoldsAndThenItGoesOn(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "10"})
		s.windows(7) // 42 hours: not long enough
		s.wantPhase("pilot")
		for account := range 24 {
			s.failing[fmt.Sprintf("gp-%d-%d", account/6, account%6)] = serverErr
		}
		s.sync()
		s.clock.Advance(5 * time.Minute)
		s.fire(s.clock.Now())
		s.exec(fmt.Sprintf(`INSERT INTO platform_connection (only_one, seen_at, state, rate, configured_rate, fingerprint) VALUES (1, %d, 'breaker_open', 0, 0, '')`, s.clock.Now().UnixMicro()))
		s.exec(fmt.Sprintf(`INSERT INTO platform_waits (state, began_at, until_at) VALUES ('breaker_open', %d, 0)`, s.clock.Now().UnixMicro()))
		for range 5 { // 15 hours
			s.sync()
			s.clock.Advance(3 * time.Hour)
			s.exec(fmt.Sprintf(`UPDATE platform_connection SET seen_at = %d`, s.clock.Now().UnixMicro()))
			if done := s.tick(); done.Action != "" {
				t.Errorf("in the outage: %+v", done)
			}
			for _, g := range []rollout.Gate{rollout.GateSuccess, rollout.GateFailures, rollout.GateAlerts} {
				if r := s.gate(g); r.Verdict != rollout.Hold {
					t.Errorf("%s: %s, %s", g, r.Verdict, r.Sentence)
				}
			}
		}
		s.wantPhase("pilot")
		s.failing = map[string]*domain.CallError{}
		s.exec(`DELETE FROM platform_connection`)
		if did := s.windows(2); !slices.Equal(did, []store.ChangeAction{store.EnterPhase}) {
			t.Errorf("afterwards: %v", did)
		}
		s.wantPhase("10 %")
		s.want("what failed in it does not count", `SELECT CAST(SUM(failed) AS BIGINT) FROM sync_windows`, "0")
		s.want("by whom, and why", `SELECT actor, reason FROM rollout_changes WHERE phase = '10 %'`, "test|By itself, when all gates passed: test")
	})
}

func TestAPlanGoesPhaseByPhaseNotBeforeItsTimeAndOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		for name, c := range map[string]store.RolloutChange{
			"where it is already": {Phase: "pilot"}, "back": {Phase: "off"}, "a time that is over": {Phase: "10", NotBefore: s.clock.Now()}, "no phase": {Phase: "20"},
		} {
			c.Action = store.PlanMove
			if _, err := s.try(c); domain.CodeOf(err) != domain.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		begins := s.clock.Now().Add(72 * time.Hour)
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "10", NotBefore: begins.Add(time.Hour)})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "100", NotBefore: begins}) // in the place of the first
		if did := s.windows(11); did != nil {
			t.Errorf("before its time: %v", did)
		}
		s.windows(1)
		s.wantPhase("10 %")
		if did := s.windows(9); !slices.Equal(did, []store.ChangeAction{store.EnterPhase}) {
			t.Errorf("the second step: %v", did)
		}
		s.wantPhase("50 %")
		s.windows(4)
		s.sync()
		s.clock.Advance(3 * time.Hour)
		s.sync()
		s.clock.Advance(3 * time.Hour)
		s.signIn()
		s.evaluate()
		var all sync.WaitGroup
		for range 3 { // portals at once
			all.Go(func() {
				if _, err := s.sys.GuardRollout(t.Context(), s.clock.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s.wantPhase("100 %")
		s.want("each step once", `SELECT phase FROM rollout_changes WHERE reason LIKE 'By itself%' ORDER BY change_id`, "10 %", "50 %", "100 %")
		if p, found, err := s.desk().Plan(t.Context()); err != nil || !found || p.State != "done" {
			t.Errorf("the plan: %+v, %v", p, err)
		}
	})
}

func TestTheKillSwitchStopsAPlan(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "10"})
		s.windows(7)
		s.must(store.RolloutChange{Action: store.Kill})
		if _, err := s.try(store.RolloutChange{Action: store.PlanMove, Phase: "10"}); domain.CodeOf(err) != domain.Clash {
			t.Errorf("a plan while all is stopped: %v", err)
		}
		s.must(store.RolloutChange{Action: store.Unkill})
		if did := s.windows(4); did != nil {
			t.Errorf("after the kill switch: %v", did)
		}
		s.wantPhase("pilot")
		if _, err := s.try(store.RolloutChange{Action: store.StopPlan}); domain.CodeOf(err) != domain.Clash {
			t.Errorf("stopping what is stopped: %v", err)
		}
	})
}

func TestGoingBackStopsAPlan(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "50", Override: true, OverrideFor: time.Hour})
		s.must(store.RolloutChange{Action: store.PlanMove, Phase: "100"})
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		if p, _, err := s.desk().Plan(t.Context()); err != nil || p.State != "stopped" {
			t.Errorf("the plan: %+v, %v", p, err)
		}
		if did := s.windows(10); did != nil {
			t.Errorf("by itself: %v", did)
		}
	})
}

func TestPhasesAreEditedAndAskedAsTheyAreNow(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		phases := rollout.DefaultPhases()
		phases[2].Level.Percent, phases[1].Soak = 25, 6*time.Hour
		phases[2].Gates.Needed = []rollout.Gate{rollout.GateSoak}
		phases[2].Gates.Recent = 3 * time.Hour
		s.must(store.RolloutChange{Action: store.EditPhases, Phases: phases})
		s.want("the history says what", `SELECT reason LIKE 'test. pilot: soaks 6 h, was 48 h. 10 %: share 25 %%, was 10 %%; a success within 3 h%' FROM rollout_changes WHERE action = 'phases'`, "1")
		if _, err := s.try(store.RolloutChange{Action: store.EditPhases, Phases: phases}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("the same once more: %v", err)
		}
		if got := s.standing().Phases; fmt.Sprint(got) != fmt.Sprint(phases) {
			t.Errorf("got  %+v\nwant %+v", got, phases)
		}
		bad := rollout.DefaultPhases()
		bad[3].Level.Percent = 5
		if _, err := s.try(store.RolloutChange{Action: store.EditPhases, Phases: bad}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("phases that cannot be: %v", err)
		}
		s.windows(1)
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "25 %"})
		s.wantPhase("25 %")
	})
}

func TestARehearsalGoesThroughWhatIsStored(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "100", Override: true, OverrideFor: time.Hour})
		s.windows(4)
		s.malformedThird()
		s.windows(4)
		s.failing = map[string]*domain.CallError{}
		s.windows(8)
		rehearse := func(change func(*rollout.Criteria)) []rollout.Freezing {
			phases := rollout.DefaultPhases()
			change(&phases[4].Gates)
			r, err := s.desk().Rehearse(t.Context(), phases)
			if err != nil || r.Since.IsZero() {
				t.Fatal(r, err)
			}
			return r.Freezes
		}
		rates := []rollout.Gate{rollout.GateFailures}
		got := rehearse(func(c *rollout.Criteria) { c.Needed = rates })
		if len(got) != 1 || got[0].Gate != rollout.GateFailures || got[0].To.IsZero() || !strings.Contains(got[0].Sentence, "at most 10.0 % may") {
			t.Errorf("as it is: %+v", got)
		}
		if got := rehearse(func(c *rollout.Criteria) { c.Needed, c.Failures = rates, .5 }); len(got) != 0 {
			t.Errorf("half may fail: %+v", got)
		}
	})
}

func TestWhatGatesWentByIsKeptForAYear(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.windows(2)
		const kept = `SELECT (SELECT COUNT(*) FROM sync_windows) > 0, (SELECT COUNT(*) FROM rollout_facts) > 0`
		if err := s.sys.PruneGates(t.Context(), s.clock.Now().Add(364*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.want("for a year", kept, "1|1")
		if err := s.sys.PruneGates(t.Context(), s.clock.Now().Add(366*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.want("and no longer", kept, "0|0")
	})
}

func TestReportsInAnOutageDoNotCount(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		at := s.clock.Now()
		report := func(when time.Time) {
			s.exec(fmt.Sprintf(`INSERT INTO problem_reports (coach_id, user_id, page, as_of, text, state, reported_at, changed_at) VALUES ('co-0', 'u', '/', 0, 'x', 'open', %d, 0)`, when.UnixMicro()))
		}
		s.fire(at.Add(-10 * time.Hour))
		s.resolve(at.Add(-8 * time.Hour))
		for _, when := range []time.Duration{-8 * 24 * time.Hour, -7*24*time.Hour + time.Minute, -11 * time.Hour, -10*time.Hour - 20*time.Minute, -9 * time.Hour, -7 * time.Hour} {
			report(at.Add(when))
		}
		if r := s.gate(rollout.GateReports); r.N != 3 || r.Verdict != rollout.Pass {
			t.Errorf("%d reports, %s", r.N, r.Verdict)
		}
	})
}
