package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
)

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
