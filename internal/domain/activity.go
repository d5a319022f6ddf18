package domain

import "time"

// Activity tells the kinds of silence apart. A competitor has exactly one at a time.
type Activity string

// The activities, in the order in which they are asked: the first that fits is the competitor's.
const (
	Active        Activity = "active"          // at least one solve in the last 7 calendar days
	NotSynced     Activity = "not_synced"      // no good sync in the last 32 hours, so nothing can be said
	NeverSignedIn Activity = "never_signed_in" // the platform has never seen the competitor
	SignsIn       Activity = "signs_in"        // seen on the platform in the last 7 calendar days, without a solve
	Idle          Activity = "idle"            // neither
)

// Activities lists every activity.
var Activities = []Activity{Active, NotSynced, NeverSignedIn, SignsIn, Idle}

// Bounds are the moments that people are sorted by at one time.
type Bounds struct {
	ActiveSince time.Time // a solve from here on makes active
	FreshSince  time.Time // a sync from here on is fresh
	MonthSince  time.Time // the calendar month begins
}

// BoundsAt are the bounds at now, with the calendar days of the zone.
func BoundsAt(now time.Time, zone *time.Location) Bounds {
	y, m, _ := now.In(zone).Date()
	return Bounds{ActiveSince(now, zone), now.Add(-staleAfter), startOfDay(time.Date(y, m, 1, 12, 0, 0, 0, zone))}
}

// ActivityOf is what a competitor does, from the last solve, the last time the platform saw the competitor, and the last
// good sync; zero times are never.
func (b Bounds) ActivityOf(lastSolve, lastSeen, lastSuccess time.Time) Activity {
	switch {
	case !lastSolve.IsZero() && !lastSolve.Before(b.ActiveSince):
		return Active
	case lastSuccess.IsZero() || lastSuccess.Before(b.FreshSince):
		return NotSynced
	case lastSolve.IsZero() && lastSeen.IsZero():
		return NeverSignedIn
	case !lastSeen.IsZero() && !lastSeen.Before(b.ActiveSince):
		return SignsIn
	}
	return Idle
}
