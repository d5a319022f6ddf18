package rollout

import "time"

// Candidate is what decides whether a coach is ready to be a pilot.
type Candidate struct {
	Competitors, OnPlatform, WithoutEmail int
	SignedInAt                            time.Time // zero: never
}

// What makes a good pilot: a roster that is small enough to look at and large enough to tell something, a coach who is there.
const (
	PilotLeast, PilotMost = 5, 10               // competitors
	SignedInWithin        = 14 * 24 * time.Hour // the last sign-in
)

// Check is one thing that makes a pilot ready.
type Check int

// The checks, in the order in which pages show them.
const (
	CheckSize    Check = iota // of the roster
	CheckLogin                // signs in
	CheckEmails               // every competitor has one
	CheckAccount              // every competitor is on the platform
)

// Checks lists all checks.
var Checks = []Check{CheckSize, CheckLogin, CheckEmails, CheckAccount}

// Passes reports whether a candidate passes a check.
func (c Candidate) Passes(check Check, now time.Time) bool {
	switch check {
	case CheckSize:
		return c.Competitors >= PilotLeast && c.Competitors <= PilotMost
	case CheckLogin:
		return !c.SignedInAt.IsZero() && now.Sub(c.SignedInAt) <= SignedInWithin
	case CheckEmails:
		return c.Competitors > 0 && c.WithoutEmail == 0
	case CheckAccount:
		return c.Competitors > 0 && c.OnPlatform == c.Competitors
	}
	return false
}

// Ready reports whether a candidate passes every check.
func (c Candidate) Ready(now time.Time) bool {
	for _, check := range Checks {
		if !c.Passes(check, now) {
			return false
		}
	}
	return true
}
