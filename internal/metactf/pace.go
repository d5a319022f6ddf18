package metactf

import "time"

const (
	slowest      = 0.01 // of the configured rate; it is never lowered further
	raiseBy      = 0.10 // of the configured rate, for each quiet minute
	quiet        = time.Minute
	timerGrain   = time.Millisecond // how late a timer may well be
	lateFraction = 2                // a send may be late by this part of the gap without moving the ones after it
)

// pace spaces sends. A token bucket of size 1 counts from the times it planned; a few senders that wake late together
// then go out in a bunch, and the second around them holds more than it may. So a send that is late by more than half
// a gap moves all later ones along: any second holds at most rate + 1 sends, up to 500 a second, from where on the gaps
// are finer than timers. Whoever uses a pace holds a lock.
type pace struct {
	configured float64 // sends per second
	rate       float64 // what it is now: lowered by slower, raised again by quiet minutes
	changed    time.Time
	next       time.Time // before it nothing is sent
}

func newPace(perSecond float64) pace { return pace{configured: perSecond, rate: perSecond} }

// wait is how long until the next send is due.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.next.Sub(now)) }

// sent notes a send at now.
func (p *pace) sent(now time.Time) {
	p.raise(now)
	gap := time.Duration(float64(time.Second) / p.rate)
	planned := now.Add(-max(gap/lateFraction, timerGrain))
	if p.next.After(planned) {
		planned = p.next
	}
	if p.next.IsZero() { // the first one is not late
		planned = now
	}
	p.next = planned.Add(gap)
}

// slower halves the rate.
func (p *pace) slower(now time.Time) {
	p.raise(now)
	p.rate = max(p.rate/2, p.configured*slowest)
	p.changed = now
}

// restless lets the quiet minutes begin at that time, which may lie ahead.
func (p *pace) restless(from time.Time) { p.changed = from }

// raise counts the quiet minutes since the last change.
func (p *pace) raise(now time.Time) {
	minutes := now.Sub(p.changed) / quiet
	if p.rate >= p.configured || minutes <= 0 {
		return
	}
	p.rate = min(p.configured, p.rate+float64(minutes)*raiseBy*p.configured)
	p.changed = p.changed.Add(minutes * quiet)
}
