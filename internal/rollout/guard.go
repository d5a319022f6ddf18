package rollout

import (
	"slices"
	"time"

	"flagpole/internal/domain"
)

// Act is what the guard does when a gate fails.
type Act string

// The acts.
const (
	Freeze   Act = "freeze" // nobody gets it by a plan any more; who has it keeps it
	StepBack Act = "back"   // one phase down
	TurnOff  Act = "off"    // nobody has it
)

// Acts lists every act, the mildest first.
var Acts = []Act{Freeze, StepBack, TurnOff}

// Guard is how the guard is set.
type Guard struct {
	On  bool // off: it observes, and says what it would have done
	Act Act
}

// String says what the guard does.
func (g Guard) String() string {
	if !g.On {
		return "The guard only observes."
	}
	switch g.Act {
	case StepBack:
		return "If a gate fails, the guard goes back one phase."
	case TurnOff:
		return "If a gate fails, the guard turns the rollout off."
	}
	return "If a gate fails, the guard freezes the rollout."
}

// ParseAct reads an act; an unknown one is an Invalid error.
func ParseAct(text string) (Act, error) {
	if a := Act(text); slices.Contains(Acts, a) {
		return a, nil
	}
	return "", domain.Errorf(domain.Invalid, "%q is nothing that the guard does.", text).WithHint("Use freeze, back or off.")
}

// Trips are the gates for which the guard acts: those that are needed and fail, but for those about which somebody has decided.
func Trips(results []Result, excused []Gate) (trips []Result) {
	for _, r := range Failed(results) {
		if !slices.Contains(excused, r.Gate) {
			trips = append(trips, r)
		}
	}
	return trips
}

// Asked are the phase whose gates matter at a phase: the next one, and at the last one itself.
func Asked(phases []Phase, at int) int { return min(at+1, len(phases)-1) }

// Freezing is a time in which the guard would have frozen the rollout.
type Freezing struct {
	From     time.Time
	To       time.Time // zero: until the end of what is stored
	Gate     Gate
	Sentence string // of when it began
}

// Moment is a part of the stored history: facts, with the phase that was on.
type Moment struct {
	Facts
	Level Level
}

// Rehearse goes through stored moments, oldest first, with phases as they might be, and says when the guard would have acted. windows
// are all closed windows of that time. A freeze begins when a gate fails, and counts as one until none does.
func Rehearse(history []Moment, windows []Trials, phases []Phase) (freezes []Freezing) {
	frozen := false
	for _, m := range history {
		at := PhaseAt(phases, m.Level, !m.PhaseSince.IsZero())
		f := m.Facts
		f.Windows = Since(windows, f.PhaseSince, f.At)
		failed := Failed(Judge(f, phases[at].Soak, phases[Asked(phases, at)].Gates))
		if at == 0 { // where nobody has it, there is nothing to freeze
			failed = nil
		}
		switch {
		case len(failed) > 0 && !frozen:
			freezes = append(freezes, Freezing{From: f.At, Gate: failed[0].Gate, Sentence: failed[0].Sentence})
		case len(failed) == 0 && frozen:
			freezes[len(freezes)-1].To = f.At
		}
		frozen = len(failed) > 0
	}
	return freezes
}

// Since are the windows that began at a time or later and had closed by another.
func Since(windows []Trials, from, by time.Time) []Trials {
	begin, _ := slices.BinarySearchFunc(windows, from, func(w Trials, t time.Time) int { return w.From.Compare(t) })
	end := begin
	for end < len(windows) && !windows[end].To.Add(OutageShows).After(by) {
		end++
	}
	return windows[begin:end]
}
