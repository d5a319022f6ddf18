package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/internal/roster"
	"flagpole/store"
)

// coachesOf imports coaches "co-0" to "co-(n-1)", each with one competitor on the platform. Nobody is enrolled by it.
func (h *house) coachesOf(n int) {
	h.t.Helper()
	var rows []roster.Row
	for i := range n {
		rows = append(rows, roster.Row{
			Line: i + 2, CoachID: fmt.Sprintf("co-%02d", i), CoachEmail: fmt.Sprintf("c%d@quill.example", i), CoachName: fmt.Sprintf("Coach %02d", i),
			CompetitorID: fmt.Sprintf("cp-%02d", i), GamePlatformID: fmt.Sprintf("gp-%02d", i), FirstName: "Ada", LastName: "Lane",
			Email: fmt.Sprintf("p%d@quill.example", i), Division: domain.College, Status: domain.ProfileComplete,
		})
	}
	if _, bad, err := h.sys.ImportRoster(h.t.Context(), rows, false); err != nil || bad != nil {
		h.t.Fatal(err, bad)
	}
}

func (h *house) desk() *store.Rollout { return h.sys.Rollout("test") }

func (h *house) standing() store.RolloutState {
	h.t.Helper()
	st, err := h.desk().State(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return st
}

// change applies a change whatever was seen, and moves the clock on.
func (h *house) change(c store.RolloutChange) store.RolloutOutcome {
	h.t.Helper()
	c.Reason, c.Seen, c.Override = "test", -1, true
	o, err := h.desk().Apply(h.t.Context(), c)
	if err != nil {
		h.t.Fatalf("%+v: %v", c, err)
	}
	h.clock.Advance(time.Minute)
	return o
}

func level(percent int) store.RolloutChange {
	return store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: percent}}
}

func TestANewDatabaseHasNobodyEnrolled(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(3)
		st := h.standing()
		if st.Percent != 0 || st.Off || st.KillSwitch || st.ChangeID != 0 || st.Eligible != 3 || len(st.Enrolled()) != 0 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestADatabaseWithSolvesGoesOnForEverybody(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for name, want := range map[string]struct {
			solves  []domain.Solve
			percent int
			has     []string
		}{"no solve": {nil, 0, []string{}}, "a solve": {[]domain.Solve{odl(1)}, 100, []string{"co-a", "co-b"}}} {
			h.exec(`DELETE FROM game_platform_challenge_solves`)
			h.storeODL("gp-a1", h.snapshot(want.solves...))
			for m := (store.Migration{}); m.Version != 6; {
				var err error
				if m, err = h.s.MigrateDown(t.Context()); err != nil {
					t.Fatal(m, err)
				}
			}
			if _, err := h.s.MigrateUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			st := h.standing()
			at, err := h.desk().EnrolledAt(t.Context(), h.clock.Now())
			if diff := cmp.Diff([]any{want.percent, want.has, want.has}, []any{st.Percent, st.Enrolled(), at}); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			if log, err := h.desk().History(t.Context(), 0, 10); err != nil || len(log) != want.percent/100 {
				t.Errorf("%s: history %+v, %v", name, log, err)
			}
		}
	})
}

// anyChange draws a change that is possible in the state.
func anyChange(random *rand.Rand, st store.RolloutState, changes int64) store.RolloutChange {
	coach := st.Coaches[random.IntN(len(st.Coaches))]
	switch n := random.IntN(12); {
	case n == 0 && !coach.HeldBack:
		return store.RolloutChange{Action: store.AddPilot, CoachID: coach.ID}
	case n == 1:
		return store.RolloutChange{Action: store.RemovePilot, CoachID: coach.ID}
	case n == 2:
		return store.RolloutChange{Action: store.HoldBack, CoachID: coach.ID}
	case n == 3:
		return store.RolloutChange{Action: store.Release, CoachID: coach.ID}
	case n == 4:
		return store.RolloutChange{Action: store.SetLevel, Level: store.Level{Off: true}}
	case n == 5:
		return store.RolloutChange{Action: [...]store.ChangeAction{store.Kill, store.Unkill}[random.IntN(2)]}
	case n < 8 && changes > 0:
		return store.RolloutChange{Action: store.Restore, Earlier: 1 + random.Int64N(changes)}
	}
	c := level(random.IntN(101))
	c.Keep = random.IntN(3) == 0
	return c
}

func TestAnyHistoryIsExactStickyAndAnswersForEveryMoment(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		random := rand.New(rand.NewPCG(11, 5))
		coaches := 0
		var log []store.RolloutState // after each change
		for step := range 60 {
			if step == 0 || random.IntN(8) == 0 {
				coaches += 1 + random.IntN(5)
				h.coachesOf(coaches)
			}
			before := h.standing()
			c := anyChange(random, before, int64(len(log)))
			foretold, err := h.desk().Preview(t.Context(), c)
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			o := h.change(c)
			after := h.standing()
			log = append(log, after)
			what := fmt.Sprintf("step %d, %+v", step, c)
			if diff := cmp.Diff(foretold.After.Enrolled(), after.Enrolled()); diff != "" {
				t.Errorf("%s: (-preview +stored):\n%s", what, diff)
			}
			checkChange(t, what, c, before, after, o)
			if c.Action == store.Restore {
				checkRestored(t, what, log[c.Earlier-1], after)
			}
			checkTargets(h, what, after)
		}
		checkMoments(h, log)
	})
}

// checkChange wants what holds after every change, and what its kind promises.
func checkChange(t *testing.T, what string, c store.RolloutChange, before, after store.RolloutState, o store.RolloutOutcome) {
	t.Helper()
	want := rollout.Target(after.Eligible, after.Percent)
	has := after.Enrolled()
	pilots := 0
	for _, coach := range after.Coaches {
		if coach.HeldBack && coach.Enrolled {
			t.Errorf("%s: %s is held back and enrolled", what, coach.ID)
		}
		if coach.Enrolled == coach.Since.IsZero() {
			t.Errorf("%s: %s enrolled %v since %v", what, coach.ID, coach.Enrolled, coach.Since)
		}
		if coach.Pilot {
			pilots++
		}
	}
	if c.Action == store.SetLevel {
		down := before.Below(c.Level)
		switch {
		case c.Level.Off && !c.Keep && len(has) != 0:
			t.Errorf("%s: %d have it though it is off", what, len(has))
		case down && !c.Keep && !c.Level.Off && len(has) != max(want, pilots):
			t.Errorf("%s: %d have it, want %d", what, len(has), max(want, pilots))
		case !down && (len(o.Lost) > 0 || len(has) < want):
			t.Errorf("%s: %d lost it, %d have it, the target is %d", what, len(o.Lost), len(has), want)
		case down && c.Keep && len(o.Lost) > 0:
			t.Errorf("%s: %d lost what they keep", what, len(o.Lost))
		}
	}
	if (c.Action == store.Kill || c.Action == store.Unkill) && len(o.Gained)+len(o.Lost) > 0 {
		t.Errorf("%s: the kill switch changes who has it", what)
	}
}

func checkRestored(t *testing.T, what string, then, now store.RolloutState) {
	t.Helper()
	of := func(st store.RolloutState) []any {
		return []any{st.Level, st.Pilots(), st.HeldBack(), st.Enrolled()}
	}
	if diff := cmp.Diff(of(then), of(now)); diff != "" {
		t.Errorf("%s (-then +now):\n%s", what, diff)
	}
}

// checkTargets wants the syncs to take exactly the coaches for whom the platform may be called.
func checkTargets(h *house, what string, st store.RolloutState) {
	h.t.Helper()
	want := []string{}
	for _, c := range st.Coaches {
		if rollout.Decide(rollout.Switches{Environment: true}, c.Coach).MayCall {
			want = append(want, strings.Replace(c.ID, "co-", "cp-", 1))
		}
	}
	targets, err := h.sys.Targets(h.t.Context(), store.Selection{}, "", 100)
	got := []string{}
	for _, target := range targets {
		got = append(got, target.CompetitorID)
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		h.t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
	out, err := h.sys.CountNotEnrolled(h.t.Context(), store.Selection{})
	if err != nil || out != len(st.Coaches)-len(want) {
		h.t.Errorf("%s: %d not enrolled, %v", what, out, err)
	}
}

// checkMoments asks who had it at every change, just before it and in between.
func checkMoments(h *house, log []store.RolloutState) {
	h.t.Helper()
	entries, err := h.desk().History(h.t.Context(), 0, len(log)+1)
	if err != nil || len(entries) != len(log) {
		h.t.Fatal(len(entries), err)
	}
	slices.Reverse(entries)
	at := func(moment time.Time, want []string) {
		h.t.Helper()
		got, err := h.desk().EnrolledAt(h.t.Context(), moment)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			h.t.Errorf("at %v: %v (-want +got):\n%s", moment, err, diff)
		}
	}
	had := []string{}
	for i, e := range entries {
		at(e.At.Add(-time.Microsecond), had)
		had = log[i].Enrolled()
		at(e.At, had)
		at(e.At.Add(30*time.Second), had)
		if e.Holders != len(had) {
			h.t.Errorf("change %d: %d in the history, want %d", e.ID, e.Holders, len(had))
		}
	}
}

func TestANewcomerWaitsForTheNextMove(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(4)
		h.change(level(100))
		h.coachesOf(6)
		if got := h.standing().Enrolled(); len(got) != 4 {
			t.Errorf("before the move: %q", got)
		}
		if o := h.change(level(100)); len(o.Gained) != 2 || len(o.Lost) != 0 {
			t.Errorf("the move: %+v, %+v", o.Gained, o.Lost)
		}
	})
}

// leave deactivates a coach and the only competitor there is.
func (h *house) leave(n int) error {
	h.t.Helper()
	h.deactivate(fmt.Sprintf("cp-%02d", n))
	return h.admin().SetCoachActive(h.t.Context(), fmt.Sprintf("co-%02d", n), false)
}

func TestWhoLeavesTheProgrammeLeavesTheRollout(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(5)
		h.change(store.RolloutChange{Action: store.AddPilot, CoachID: "co-00"})
		h.change(store.RolloutChange{Action: store.HoldBack, CoachID: "co-01"})
		h.change(level(100))
		changes := h.standing().ChangeID
		for i := range 2 { // a pilot, and who is held back
			if err := h.leave(i); err != nil {
				t.Fatal(err)
			}
		}
		st := h.standing()
		if want := []string{"co-02", "co-03", "co-04"}; !slices.Equal(st.Enrolled(), want) || st.Eligible != 3 || len(st.Pilots())+len(st.HeldBack()) > 0 || st.ChangeID != changes+2 {
			t.Errorf("after it: %+v", st)
		}
		log, err := h.desk().History(t.Context(), 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		pilot := log[1]
		if pilot.Action != store.Leave || pilot.Coach != "Coach 00" || pilot.Eligible != 3 || pilot.Holders != 3 || !slices.Equal(pilot.Lost, []string{"Coach 00"}) || len(log[0].Lost) != 0 {
			t.Errorf("the history has %+v", log)
		}
		// Nobody asks for it but by a deactivation, nothing is restored by the way, and whoever comes back waits.
		if _, err := h.desk().Apply(t.Context(), store.RolloutChange{Action: store.Leave, CoachID: "co-02", Reason: "x", Seen: -1}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("asked for: %v", err)
		}
		h.change(store.RolloutChange{Action: store.Restore, Earlier: changes})
		if err := h.admin().SetCoachActive(t.Context(), "co-00", true); err != nil {
			t.Fatal(err)
		}
		if st := h.standing(); len(st.Coaches) != 4 || len(st.Enrolled()) != 3 || len(st.Pilots()) != 0 {
			t.Errorf("back again: %+v", st)
		}
		if o := h.change(level(100)); len(o.Gained) != 1 || o.Gained[0].ID != "co-00" {
			t.Errorf("the next move gives it to %+v", o.Gained)
		}
	})
}

func TestWhoNeverHadTheFeatureLeavesWithoutAChange(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(2)
		h.change(store.RolloutChange{Action: store.AddPilot, CoachID: "co-00"})
		before := h.standing().ChangeID
		if err := h.leave(1); err != nil {
			t.Fatal(err)
		}
		if err := h.admin().SetCoachActive(t.Context(), "co-01", false); err != nil {
			t.Fatalf("once more: %v", err)
		}
		if st := h.standing(); st.ChangeID != before || st.Eligible != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestACoachLeavesWhileTheRolloutMoves(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.coachesOf(3)
	h.change(level(100))
	h.deactivate("cp-01")
	// Both have begun before the one that is first can end.
	queue(t, h, "rollout WHERE only_one = $1", "1",
		func(s *store.Store) error {
			_, err := s.System().Rollout("test").Apply(t.Context(), store.RolloutChange{Action: store.SetLevel, Reason: "x", Seen: -1})
			return err
		},
		func(s *store.Store) error {
			return s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).SetCoachActive(t.Context(), "co-01", false)
		})
	if st := h.standing(); st.Percent != 0 || st.Eligible != 2 || len(st.Enrolled()) != 0 {
		t.Errorf("%+v", st)
	}
}

func TestTheSecondOfTwoWhoSaveIsTold(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(10)
		h.change(level(10))
		seen := h.standing().ChangeID
		var all sync.WaitGroup
		faults := make([]error, 4)
		for i := range faults {
			all.Go(func() {
				c := level(20 + 10*i)
				c.Seen, c.Reason, c.Override = seen, "at the same time", true
				_, faults[i] = h.desk().Apply(t.Context(), c)
			})
		}
		all.Wait()
		saved := 0
		for _, err := range faults {
			switch {
			case err == nil:
				saved++
			case domain.CodeOf(err) != domain.Clash:
				t.Error(err)
			}
		}
		log, err := h.desk().History(t.Context(), 0, 10)
		if saved != 1 || len(log) != 2 || err != nil {
			t.Errorf("%d saved, %d changes, %v", saved, len(log), err)
		}
		h.want("state and history agree", `SELECT r.percent = c.percent FROM rollout r JOIN rollout_changes c ON c.change_id = r.change_id`, "1")
	})
}

func TestWhatIsNoChangeIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.coachesOf(2)
		h.change(store.RolloutChange{Action: store.HoldBack, CoachID: "co-01"})
		before := h.standing()
		for name, test := range map[string]struct {
			c    store.RolloutChange
			want domain.Code
		}{
			"no reason":             {store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 5}, Reason: " \t"}, domain.Invalid},
			"kill without a reason": {store.RolloutChange{Action: store.Kill}, domain.Invalid},
			"more than everybody":   {store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 101}, Reason: "x"}, domain.Invalid},
			"less than nobody":      {store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: -1}, Reason: "x"}, domain.Invalid},
			"off with a share":      {store.RolloutChange{Action: store.SetLevel, Level: store.Level{Percent: 5, Off: true}, Reason: "x"}, domain.Invalid},
			"an unknown coach":      {store.RolloutChange{Action: store.AddPilot, CoachID: "co-99"}, domain.NoSuch},
			"a pilot held back":     {store.RolloutChange{Action: store.AddPilot, CoachID: "co-01"}, domain.Clash},
			"an unknown change":     {store.RolloutChange{Action: store.Restore, Earlier: 99, Reason: "x"}, domain.NoSuch},
			"what the guard does":   {store.RolloutChange{Action: store.GuardFroze, Reason: "x"}, domain.Invalid},
			"an unknown action":     {store.RolloutChange{Action: "party", CoachID: "co-00", Reason: "x"}, domain.Invalid},
		} {
			test.c.Seen = -1
			var known *domain.Error
			if _, err := h.desk().Apply(t.Context(), test.c); !errors.As(err, &known) || known.Code != test.want {
				t.Errorf("%s: %v, want %s", name, err, test.want)
			}
		}
		if diff := cmp.Diff(before.ChangeID, h.standing().ChangeID); diff != "" {
			t.Errorf("something was stored (-before +after):\n%s", diff)
		}
	})
}

func TestTheRolloutIsForStaff(t *testing.T) {
	h := newHouse(t, "sqlite")
	for role, want := range map[domain.Role]domain.Code{domain.RoleAdmin: "", domain.RoleProduct: "", domain.RoleCoach: domain.Denied, "": domain.Denied} {
		if _, err := h.s.For(domain.Viewer{UserID: "u", Role: role, CoachID: "co-a", Enrolled: true}).Rollout(); domain.CodeOf(err) != want {
			t.Errorf("%q: %v", role, err)
		}
	}
}

func TestTheIntroductionIsSeenOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		const query = `SELECT coach_id, introduced_at IS NOT NULL FROM coaches ORDER BY 1`
		h.want("at first", query, "co-a|0", "co-b|0")
		for range 2 {
			if err := h.coach("co-a").SeeIntroduction(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Hour)
		}
		h.want("once", query, "co-a|1", "co-b|0")
		h.want("the first time counts", fmt.Sprintf(`SELECT introduced_at = %d FROM coaches WHERE coach_id = 'co-a'`, h.clock.Now().Add(-2*time.Hour).UnixMicro()), "1")
	})
}
