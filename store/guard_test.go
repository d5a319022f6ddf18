package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
)

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
