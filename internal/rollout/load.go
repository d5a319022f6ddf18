package rollout

import "time"

// Load is what the scheduled syncs of some competitors ask of the platform.
type Load struct {
	Active, Others int           // competitors, with and without a solve in the last 7 days
	Every, AtMost  time.Duration // how often the two kinds are synced, at the latest
}

// callsEach is how many requests a usual sync makes: ODL scores and flash CTF progress.
const callsEach = 2

// CallsPerHour is the number of requests an hour, rounded up.
func (l Load) CallsPerHour() int {
	hour := float64(time.Hour)
	calls := callsEach * (float64(l.Active)*hour/float64(l.Every) + float64(l.Others)*hour/float64(l.AtMost))
	whole := int(calls)
	if float64(whole) < calls {
		whole++
	}
	return whole
}
