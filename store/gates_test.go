package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/internal/roster"
	"flagpole/store"
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

// reports has coaches report so many problems.
func (s *stage) reports(n int) {
	for range n {
		s.exec(fmt.Sprintf(`INSERT INTO problem_reports (coach_id, user_id, page, as_of, text, state, reported_at, changed_at) VALUES ('co-0', 'u', '/', 0, 'x', 'open', %d, 0)`,
			s.clock.Now().UnixMicro()))
	}
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

func TestAPilotWhoHasLeftIsNotWaitedFor(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
		s.windows(4)
		s.exec(`UPDATE users SET last_sign_in_at = NULL WHERE coach_id = 'co-1'`)
		if r := s.gate(rollout.GatePilots); r.Verdict != rollout.Hold || r.N != 2 {
			t.Errorf("not ready: %s of %d", r.Verdict, r.N)
		}
		s.exec(`UPDATE coaches SET deactivated_at = 1 WHERE coach_id = 'co-1'`)
		if r := s.gate(rollout.GatePilots); r.Verdict != rollout.Pass || r.N != 1 {
			t.Errorf("has left: %s of %d", r.Verdict, r.N)
		}
		// The failures of the only coach who is left are not those of one among many.
		for i := range 6 {
			s.failing[fmt.Sprintf("gp-0-%d", i)] = unreadable
		}
		s.windows(12)
		if r := s.gate(rollout.GateFailures); r.Verdict != rollout.Fail {
			t.Errorf("all fail: %s, %s", r.Verdict, r.Sentence)
		}
	})
}

// A pilot of six is too few for an alert about the platform; that all of it failed is one about the failure rate.
func TestAnOutageThatMeetsFewHoldsToo(t *testing.T) {
	for name, test := range map[string]struct {
		failure *domain.CallError
		want    rollout.Verdict
		did     []store.ChangeAction
	}{"of the platform": {serverErr, rollout.Hold, nil}, "unreadable answers": {unreadable, rollout.Fail, []store.ChangeAction{"guard_freeze"}}} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.must(store.RolloutChange{Action: store.RemovePilot, CoachID: "co-1"})
				s.must(store.RolloutChange{Action: store.SetGuard, Guard: rollout.Guard{On: true, Act: rollout.Freeze}})
				s.must(store.RolloutChange{Action: store.EnterPhase, Phase: "pilot"})
				s.windows(12)
				for i := range 6 {
					s.failing[fmt.Sprintf("gp-0-%d", i)] = test.failure
				}
				did := s.windows(4)
				if !slices.Equal(did, test.did) {
					t.Errorf("by itself: %v", did)
				}
				s.want("an alert fires", `SELECT rule FROM alerts WHERE state <> 'resolved' AND rule = 'sync_failure_rate'`, "sync_failure_rate")
				if r := s.gate(rollout.GateAlerts); r.Verdict != test.want {
					t.Errorf("%s, %s", r.Verdict, r.Sentence)
				}
				if _, err := s.try(store.RolloutChange{Action: store.EnterPhase, Phase: "10"}); domain.CodeOf(err) != domain.Clash {
					t.Errorf("going on meanwhile: %v", err)
				}
				s.failing = map[string]*domain.CallError{}
				s.windows(2)
				if _, err := s.try(store.RolloutChange{Action: store.EnterPhase, Phase: "10"}); (err == nil) != (test.want == rollout.Hold) {
					t.Errorf("going on afterwards: %v", err)
				}
			})
		})
	}
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
		s.exec(`UPDATE alerts SET rule = 'disk_space' WHERE rule = 'job_timeout'`)
		if r := s.gate(rollout.GateAlerts); r.Verdict != rollout.Fail {
			t.Errorf("the disk, which no outage of the platform fills: %s, %s", r.Verdict, r.Sentence)
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
