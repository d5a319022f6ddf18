package rollout

import "time"

// windowHours is how long a window of trials is, by the clock on the wall.
const windowHours = 6

// OutageShows is how long before an alert about the platform its outage may have begun to show: a run must first meet enough
// faults. A window closes that long after its end.
const OutageShows = 30 * time.Minute

// Window is a quarter of a calendar day, in which each competitor is one trial at most.
type Window struct {
	From, To time.Time // To is no part of it
}

// WindowOf is the window that a moment is in. Windows begin at 0, 6, 12 and 18 o'clock in the zone, so that every window is part
// of one calendar day; where clocks change, one of them is an hour shorter or longer.
func WindowOf(t time.Time, zone *time.Location) Window {
	local := t.In(zone)
	year, month, day := local.Date()
	hour := local.Hour() / windowHours * windowHours
	start := func(hour int) time.Time { return time.Date(year, month, day, hour, 0, 0, 0, zone).UTC() }
	w := Window{start(hour), start(hour + windowHours)}
	switch { // where the hour at which a window begins is skipped or comes twice
	case t.Before(w.From):
		w = Window{start(hour - windowHours), w.From}
	case !t.Before(w.To):
		w = Window{w.To, start(hour + 2*windowHours)}
	}
	return w
}

// Trials are what came of a closed window. A trial is one competitor in it: succeeded if any sync did, failed if one was tried
// and none did, and left out if all that was tried says nothing: blocked, data missing, rate limited, or the platform was out
// of order.
type Trials struct {
	Window
	Succeeded, Failed, LeftOut int
	FailingCoaches             int      // coaches under whom one failed
	Failing                    []string // their ids, those with most failures first; of many only the first
}

// N is how many trials count.
func (t Trials) N() int { return t.Succeeded + t.Failed }

// Sum adds up windows. Coaches are counted as far as they are known by id: exactly up to two.
func Sum(windows []Trials) (all Trials) {
	coaches := map[string]bool{}
	for _, w := range windows {
		all.Succeeded += w.Succeeded
		all.Failed += w.Failed
		all.LeftOut += w.LeftOut
		all.FailingCoaches = max(all.FailingCoaches, w.FailingCoaches)
		for _, id := range w.Failing {
			coaches[id] = true
		}
	}
	all.FailingCoaches = max(all.FailingCoaches, len(coaches))
	return all
}
