package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The order is frozen: who had the feature first must not change with the program.
func TestOrderIsFrozen(t *testing.T) {
	ids := []string{"coach-1", "coach-2", "coach-3", "coach-4", "coach-5", "Zoë", "", "coach-1\x00x"}
	for salt, want := range map[string][]string{
		"":     {"coach-1\x00x", "coach-3", "Zoë", "coach-5", "", "coach-4", "coach-2", "coach-1"},
		"salt": {"Zoë", "coach-1\x00x", "coach-4", "coach-5", "coach-3", "coach-1", "", "coach-2"},
	} {
		if diff := cmp.Diff(want, Order(salt, ids)); diff != "" {
			t.Errorf("salt %q (-want +got):\n%s", salt, diff)
		}
	}
}

func TestTargetIsRoundedUp(t *testing.T) {
	for _, test := range []struct{ base, percent, want int }{
		{26, 10, 3}, {26, 50, 13}, {26, 100, 26}, {26, 0, 0}, {0, 100, 0}, {1, 1, 1}, {200, 10, 20}, {201, 10, 21}, {3, 33, 1}, {3, 34, 2},
	} {
		if got := Target(test.base, test.percent); got != test.want {
			t.Errorf("%d %% of %d: %d, want %d", test.percent, test.base, got, test.want)
		}
	}
}

// world is a rollout under a random sequence of moves.
type world struct {
	random  *rand.Rand
	coaches []Coach
	level   Level
	next    int
}

func (w *world) newcomer() {
	w.next++
	w.coaches = append(w.coaches, Coach{ID: fmt.Sprintf("c%03d", w.next)})
}

func (w *world) move(to Level, keep bool) Plan {
	p := Move(w.coaches, "s", w.level, to, keep)
	w.level = to
	for i, c := range w.coaches {
		w.coaches[i].Enrolled = slices.Contains(p.Enrolled, c.ID)
	}
	return p
}

func (w *world) enrolled() []string {
	var ids []string
	for _, c := range w.coaches {
		if c.Enrolled {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestAnySequenceOfMovesIsExactStickyAndMonotone(t *testing.T) {
	for seed := range uint64(300) {
		w := &world{random: rand.New(rand.NewPCG(7, seed))}
		for range w.random.IntN(40) {
			w.newcomer()
		}
		for step := range 30 {
			for range w.random.IntN(3) {
				w.newcomer()
			}
			if n := len(w.coaches); n > 0 && w.random.IntN(4) == 0 {
				w.coaches[w.random.IntN(n)].Pilot = w.random.IntN(2) == 0
			}
			if n := len(w.coaches); n > 0 && w.random.IntN(6) == 0 {
				w.coaches[w.random.IntN(n)].HeldBack = w.random.IntN(2) == 0
			}
			before, from := slices.Clone(w.coaches), w.level
			had := w.enrolled()
			to, keep := Level{Percent: w.random.IntN(101)}, w.random.IntN(3) == 0
			if w.random.IntN(10) == 0 {
				to = Level{Off: true}
			}
			p := w.move(to, keep)
			what := fmt.Sprintf("seed %d, step %d: %v to %v, keep %v", seed, step, from, to, keep)
			checkPlan(t, what, before, from, to, keep, had, p)
			if again := Move(w.coaches, "s", to, to, false); len(again.Gained)+len(again.Lost) > 0 {
				t.Errorf("%s: the same move again changes %v and %v", what, again.Gained, again.Lost)
			}
		}
	}
}

func checkPlan(t *testing.T, what string, coaches []Coach, from, to Level, keep bool, had []string, p Plan) {
	t.Helper()
	eligible, pilots, stay := 0, 0, 0
	for _, c := range coaches {
		has := slices.Contains(p.Enrolled, c.ID)
		switch {
		case c.HeldBack && has:
			t.Errorf("%s: %s is held back and enrolled", what, c.ID)
		case c.HeldBack:
		default:
			eligible++
			if c.Enrolled || c.Pilot && !to.Off {
				stay++
			}
			if c.Pilot && !to.Off {
				pilots++
				if !has {
					t.Errorf("%s: the pilot %s is not enrolled", what, c.ID)
				}
			}
			if c.Enrolled && !has && (keep || !from.Below(to)) {
				t.Errorf("%s: %s lost it", what, c.ID)
			}
		}
	}
	target := (eligible*to.Percent + 99) / 100
	want := max(target, stay)
	if from.Below(to) && !keep {
		want = max(target, pilots)
	}
	if len(p.Enrolled) != want || p.Eligible != eligible || p.Target != target {
		t.Errorf("%s: %d enrolled of %d, target %d; want %d of %d, target %d", what, len(p.Enrolled), p.Eligible, p.Target, want, eligible, target)
	}
	var after []string
	for _, id := range had {
		if !slices.Contains(p.Lost, id) {
			after = append(after, id)
		}
	}
	after = append(after, p.Gained...)
	slices.Sort(after)
	if diff := cmp.Diff(after, p.Enrolled); diff != "" && len(after)+len(p.Enrolled) > 0 {
		t.Errorf("%s: gained and lost do not lead to enrolled (-want +got):\n%s", what, diff)
	}
}

func TestGoingDownLeavesTheFirstOfTheOrder(t *testing.T) {
	var coaches []Coach
	var ids []string
	for i := range 20 {
		id := fmt.Sprint("c", i)
		ids = append(ids, id)
		coaches = append(coaches, Coach{ID: id, Enrolled: true})
	}
	want := Order("s", ids)[:5]
	slices.Sort(want)
	got := Move(coaches, "s", Level{Percent: 100}, Level{Percent: 25}, false)
	if diff := cmp.Diff(want, got.Enrolled); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if kept := Move(coaches, "s", Level{Percent: 100}, Level{Percent: 25}, true); len(kept.Lost) > 0 {
		t.Errorf("lost %v though all keep it", kept.Lost)
	}
}

func TestDecide(t *testing.T) {
	on := Switches{Environment: true}
	for _, test := range []struct {
		name string
		s    Switches
		c    Coach
		want Decision
	}{
		{"environment off", Switches{}, Coach{Enrolled: true}, Decision{false, true, Disabled}},
		{"environment off, not enrolled", Switches{}, Coach{}, Decision{false, false, Disabled}},
		{"kill switch", Switches{true, true}, Coach{Enrolled: true, Pilot: true}, Decision{false, true, Killed}},
		{"held back", on, Coach{HeldBack: true, Enrolled: true}, Decision{false, false, HeldBack}},
		{"pilot", on, Coach{Pilot: true, Enrolled: true}, Decision{true, true, Pilot}},
		{"pilot while the level is off", on, Coach{Pilot: true}, Decision{false, false, Off}},
		{"enrolled", on, Coach{Enrolled: true}, Decision{true, true, Enrolled}},
		{"not yet", on, Coach{}, Decision{false, false, Off}},
	} {
		if got := Decide(test.s, test.c); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
