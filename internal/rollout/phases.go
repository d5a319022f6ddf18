package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Phase is a stage of the rollout.
type Phase struct {
	Level Level
	Soak  time.Duration // how long it lasts before the next one may be entered
	Gates Criteria      // what must pass before it is entered
}

// Name is what a phase is called in addresses, by commands and on pages: "off", "pilot" or its percentage, as "10 %".
func (p Phase) Name() string {
	switch {
	case p.Level.Off:
		return "off"
	case p.Level.Percent == 0:
		return "pilot"
	}
	return strconv.Itoa(p.Level.Percent) + " %"
}

// Criteria are the gates that are asked, and from where on they pass.
type Criteria struct {
	Needed   []Gate        // in the order of Gates
	Success  float64       // least share of trials that succeed, from 0 to 1
	Failures float64       // most that fail, from 0 to 1
	Recent   time.Duration // without a success; as long is too long
	Reports  int           // problem reports within a week; as many are too many
}

// Needs reports whether a gate is asked.
func (c Criteria) Needs(g Gate) bool {
	for _, needed := range c.Needed {
		if needed == g {
			return true
		}
	}
	return false
}

func defaultCriteria(needed ...Gate) Criteria {
	return Criteria{Needed: needed, Success: .95, Failures: .10, Recent: 12 * time.Hour, Reports: 5}
}

// DefaultPhases are the phases where nobody has changed them. Pilots are chosen by hand, so that entering their phase asks no gate:
// what must be ready before it stands on the page of the launch.
func DefaultPhases() []Phase {
	return []Phase{
		{Level: Level{Off: true}, Gates: defaultCriteria()},
		{Soak: 48 * time.Hour, Gates: defaultCriteria()},
		{Level: Level{Percent: 10}, Soak: 48 * time.Hour, Gates: defaultCriteria(Gates...)},
		{Level: Level{Percent: 50}, Soak: 24 * time.Hour, Gates: defaultCriteria(Gates...)},
		{Level: Level{Percent: 100}, Gates: defaultCriteria(Gates...)},
	}
}

// What phases may be set to.
const (
	mostSoak    = 90 * 24 * time.Hour
	mostRecent  = 7 * 24 * time.Hour
	mostReports = 1000
)

// CheckPhases is an Invalid error where phases cannot be: off and the pilots come first, then percentages, each above the one before.
func CheckPhases(phases []Phase) error {
	invalid := func(hint, format string, values ...any) error {
		return domain.Errorf(domain.Invalid, format, values...).WithHint(hint)
	}
	if len(phases) < 3 || !phases[0].Level.Off || phases[1].Level != (Level{}) {
		return invalid("Off and the pilots come first, then at least one percentage.", "These are no phases.")
	}
	for i, p := range phases {
		if i > 1 && (p.Level.Off || p.Level.Percent <= phases[i-1].Level.Percent || p.Level.Percent > 100) {
			return invalid("Each is a whole number up to 100, and larger than the one before.", "%d %% cannot follow %s.", p.Level.Percent, phases[i-1].Name())
		}
		if p.Soak < 0 || p.Soak > mostSoak {
			return invalid("Use whole hours from 0 to 2,160.", "The time to soak of %s is not possible.", p.Name())
		}
		c := p.Gates
		if !(c.Success >= .5 && c.Success <= 1 && c.Failures >= 0 && c.Failures <= .5) { // so that NaN is refused too
			return invalid("At least 50 to 100 % of syncs succeed, at most 0 to 50 % fail.", "A share of %s is not possible.", p.Name())
		}
		if c.Recent < time.Hour || c.Recent > mostRecent {
			return invalid("Use whole hours from 1 to 168.", "The time without a success of %s is not possible.", p.Name())
		}
		if c.Reports < 1 || c.Reports > mostReports {
			return invalid("Use a whole number from 1 to 1,000.", "The number of problem reports of %s is not possible.", p.Name())
		}
		for _, g := range c.Needed {
			if !g.known() {
				return invalid("Choose from the list.", "There is no gate %q.", string(g))
			}
		}
	}
	return nil
}

// PhaseNamed finds a phase by its name; "10", "10%" and "10 %" are the same. An unknown one is an Invalid error that lists them.
func PhaseNamed(phases []Phase, name string) (int, error) {
	plain := func(s string) string { return strings.NewReplacer(" ", "", "%", "").Replace(strings.ToLower(s)) }
	var names []string
	for i, p := range phases {
		if name != "" && plain(p.Name()) == plain(name) {
			return i, nil
		}
		names = append(names, p.Name())
	}
	return 0, domain.Errorf(domain.Invalid, "%q is not a phase.", name).WithHint("Use one of: " + strings.Join(names, ", ") + ".")
}

// PhaseAt is the phase that a level is in: the last one that it has reached. begun says that the rollout ever began; before that, nobody
// has the feature and it is off.
func PhaseAt(phases []Phase, l Level, begun bool) int {
	if !begun || l.Off {
		return 0
	}
	at := 0
	for i, p := range phases {
		if !p.Level.Off && p.Level.Percent <= l.Percent {
			at = i
		}
	}
	return at
}

// Forward reports whether a move gives more than there is: only that has to pass gates.
func Forward(from, to Level) bool { return to.Below(from) }

// ParseLocal reads a time as forms send it ("2026-11-30T18:00"), by the clock of a zone. A time that is skipped when clocks go forward is
// an Invalid error; of one that comes twice it is the first.
func ParseLocal(text string, zone *time.Location) (time.Time, error) {
	const layout = "2006-01-02T15:04"
	t, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return time.Time{}, domain.Errorf(domain.Invalid, "%q is not a time.", text).WithHint("Write it like 2026-11-30T18:00.")
	}
	if t.Format(layout) != text {
		return time.Time{}, domain.Errorf(domain.Invalid, "There is no %s: clocks go forward then.", strings.Replace(text, "T", " ", 1)).
			WithHint("Choose a time an hour later.")
	}
	for earlier := t.Add(-2 * time.Hour); earlier.Before(t); earlier = earlier.Add(30 * time.Minute) {
		if earlier.Format(layout) == text {
			return earlier, nil
		}
	}
	return t, nil
}

// hours writes a duration as whole hours, rounded up.
func hours(d time.Duration) string {
	return fmt.Sprintf("%d h", int((d+time.Hour-1)/time.Hour))
}

// CriteriaFor are those of the phase that a level leads to: the first one that it does not exceed.
func CriteriaFor(phases []Phase, l Level) Criteria {
	if l.Off {
		return phases[0].Gates
	}
	for _, p := range phases {
		if !p.Level.Off && l.Percent <= p.Level.Percent {
			return p.Gates
		}
	}
	return phases[len(phases)-1].Gates
}

// Differences says what other phases have changed, a sentence for each phase that differs.
func Differences(before, after []Phase) (list []string) {
	for i := range min(len(before), len(after)) {
		a, b := before[i], after[i]
		var parts []string
		note := func(what, was, is string) {
			if was != is {
				parts = append(parts, what+" "+is+", was "+was)
			}
		}
		note("share", a.Name(), b.Name())
		note("soaks", hours(a.Soak), hours(b.Soak))
		note("succeed at least", share(a.Gates.Success), share(b.Gates.Success))
		note("fail at most", share(a.Gates.Failures), share(b.Gates.Failures))
		note("a success within", hours(a.Gates.Recent), hours(b.Gates.Recent))
		note("fewer reports than", domain.Number(a.Gates.Reports), domain.Number(b.Gates.Reports))
		for _, g := range Gates {
			switch was, is := a.Gates.Needs(g), b.Gates.Needs(g); {
			case is && !was:
				parts = append(parts, "now needs "+g.Title())
			case was && !is:
				parts = append(parts, "no longer needs "+g.Title())
			}
		}
		if len(parts) > 0 {
			list = append(list, a.Name()+": "+strings.Join(parts, "; ")+".")
		}
	}
	return list
}
