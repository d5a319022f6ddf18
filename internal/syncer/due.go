package syncer

import (
	"math"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

const (
	firstRetry  = 2 * time.Minute  // ceiling of the wait after the first failed sync; it doubles with each further one
	soonest     = 20 * time.Second // no wait is shorter
	quietAfter  = 14 * 24 * time.Hour
	idleAfter   = 30 * 24 * time.Hour
	leastJitter = 0.8 // scheduled waits are spread over this share of the interval up to all of it
)

// nextDue gives the function that says when a competitor is due again, from the facts as they are after storing.
func (s *Syncer) nextDue(now time.Time, result domain.SyncResult, fault *domain.CallError) func(store.Activity) time.Time {
	return func(a store.Activity) time.Time {
		switch result {
		case domain.SyncFailure:
			wait := s.set.backOff(a.FailedInARow, s.random())
			if fault != nil {
				wait = max(wait, fault.RetryAfter)
			}
			return now.Add(wait)
		case domain.SyncBlocked:
			return now.Add(spread(s.set.AtMost, s.random()))
		}
		return now.Add(spread(s.set.interval(a, now), s.random()))
	}
}

// interval is how long to wait after a good sync: the shortest for who is active or was seen on the platform, growing
// with the quiet, up to the longest.
func (set Settings) interval(a store.Activity, now time.Time) time.Duration {
	last := a.LastSolveAt
	if a.LastSeenAt.After(last) {
		last = a.LastSeenAt
	}
	quiet := now.Sub(last)
	wait := set.AtMost
	switch {
	case !last.Before(domain.ActiveSince(now, set.Zone)):
		wait = set.Every
	case last.IsZero(): // on the platform but never there: the first sign in should not go unseen for long
		wait = 4 * set.Every
	case quiet < quietAfter:
		wait = 4 * set.Every
	case quiet < idleAfter:
		wait = 8 * set.Every
	}
	return min(wait, set.AtMost)
}

// backOff is exponential with full jitter: a random wait up to a ceiling that doubles with every failed sync in a row,
// up to the longest interval. random is from 0 up to 1.
func (set Settings) backOff(failed int, random float64) time.Duration {
	ceiling := math.Min(float64(set.AtMost), float64(firstRetry)*math.Pow(2, float64(max(failed, 1)-1)))
	return max(soonest, time.Duration(ceiling*random))
}

// spread shortens d by up to a fifth, so that what began together does not stay together.
func spread(d time.Duration, random float64) time.Duration {
	return time.Duration(float64(d) * (leastJitter + (1-leastJitter)*random))
}
