package metactf

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"flagpole/internal/domain"
)

// StateKind says whether calls are let through.
type StateKind string

// The states of the client. In all but the first, calls wait; when the time has come one of them is sent as a probe, and
// what becomes of it decides.
const (
	Open         StateKind = "open"
	Paused       StateKind = "paused"        // the platform asked us to wait
	BreakerOpen  StateKind = "breaker_open"  // the platform fails for many users
	TokenRefused StateKind = "token_refused" // the platform does not take our token
)

// State is how the client stands, for pages and logs.
type State struct {
	Kind           StateKind
	Until          time.Time // when the next probe may be sent; zero while open
	Rate           float64   // calls per second now
	ConfiguredRate float64   // calls per second at most
	Token          TokenUse  // the one in use
	Waits          []Wait    // the latest times in which calls were held back, the oldest first
}

// Wait is a time in which calls were held back.
type Wait struct {
	Kind    StateKind
	BeganAt time.Time
	Until   time.Time // as it was planned
	EndedAt time.Time // zero: it goes on
}

// waitsKept is how many waits a gate remembers.
const waitsKept = 50

const (
	pauseUnsaid = 30 * time.Second // after a 429 that does not say how long
	tokenProbe  = time.Minute
)

// gate stands in front of every send: it spaces them, and holds them back while the platform must not be asked. One
// gate, so that no two reasons to wait can contradict each other.
type gate struct {
	clock domain.Clock
	after func(time.Duration) <-chan time.Time
	log   *slog.Logger
	head  chan struct{} // taken by the one call that waits in front: the order of arrival is kept

	mu      sync.Mutex
	pace    pace
	breaker breaker
	kind    StateKind
	until   time.Time
	probing bool
	slowed  bool          // the rate was lowered in this pause
	hold    time.Duration // how long the breaker stays open
	waits   []Wait        // the latest, the oldest first; all but the last have ended
	changed chan struct{} // closed and replaced with each change that a waiting call must see
}

func newGate(perSecond float64, clock domain.Clock, after func(time.Duration) <-chan time.Time, log *slog.Logger) *gate {
	return &gate{
		clock: clock, after: after, log: log, head: make(chan struct{}, 1),
		pace: newPace(perSecond), kind: Open, changed: make(chan struct{}),
	}
}

// State tells how the client stands now.
func (c *Client) State() State {
	s := c.gate.state()
	s.Token = c.tokens.inUse()
	return s
}

func (g *gate) state() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace.raise(g.clock())
	return State{Kind: g.kind, Until: g.until, Rate: g.pace.rate, ConfiguredRate: g.pace.configured, Waits: slices.Clone(g.waits)}
}

// WaitOpen waits until a call would not be held back: the client is open, or the time of its next probe has come and
// nobody sends one yet. The error is that of ctx.
func (c *Client) WaitOpen(ctx context.Context) error {
	g := c.gate
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.mu.Lock()
		wait, changed := g.closedFor(g.clock(), false), g.changed
		g.mu.Unlock()
		if wait == 0 {
			return nil
		}
		if err := g.sleep(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// enter waits for the call's turn. A public call carries no token, so it is let through while that is refused. probe says
// that the call decides whether the gate opens: its end must be told to settle, as that of every call let in. The error
// is that of ctx.
func (g *gate) enter(ctx context.Context, public bool) (probe bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !public {
		select {
		case g.head <- struct{}{}:
			defer func() { <-g.head }()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	for {
		probe, wait, changed := g.tryEnter(public)
		if wait == 0 {
			return probe, nil
		}
		if err := g.sleep(ctx, wait, changed); err != nil {
			return false, err
		}
	}
}

// forever is a wait that only a change ends.
const forever = time.Duration(1<<63 - 1)

// tryEnter lets a call in, or says how long it has to wait at most.
func (g *gate) tryEnter(public bool) (probe bool, wait time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if wait := max(g.closedFor(now, public), g.pace.wait(now)); wait > 0 {
		return false, wait, g.changed
	}
	g.pace.sent(now)
	probe = g.shuts(public)
	g.probing = g.probing || probe
	return probe, 0, nil
}

// shuts tells whether the gate is closed to such a call.
func (g *gate) shuts(public bool) bool {
	return g.kind != Open && !(public && g.kind == TokenRefused)
}

func (g *gate) closedFor(now time.Time, public bool) time.Duration {
	switch {
	case !g.shuts(public):
		return 0
	case g.probing:
		return forever
	}
	return max(0, g.until.Sub(now))
}

// sleep waits until the time is over, something has changed, or ctx ends; only the last is an error.
func (g *gate) sleep(ctx context.Context, wait time.Duration, changed <-chan struct{}) error {
	var over <-chan time.Time
	if wait != forever {
		over = g.after(wait)
	}
	select {
	case <-over:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// end is how a call that was let in ended.
type end struct {
	q       call
	probe   bool
	givenUp bool              // the caller did not wait for the answer: it says nothing
	fault   *domain.CallError // nil: answered well

	otherToken bool // it was refused for its token, and there is another one
}

func (e end) class() domain.FailureClass {
	if e.fault == nil {
		return ""
	}
	return e.fault.Class
}

// pause is how long the platform asked everybody to wait; 0: it did not.
func (e end) pause() time.Duration {
	switch {
	case e.fault == nil:
		return 0
	case e.class() == domain.RateLimited && e.fault.RetryAfter <= 0:
		return pauseUnsaid
	}
	return e.fault.RetryAfter
}

// settle draws the conclusions from the end of a call that was let in.
func (g *gate) settle(e end) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if e.probe {
		g.probing = false
	}
	if g.kind != Open { // nobody waits for anything but time while it is open
		defer g.wake()
	}
	if e.givenUp {
		return // where this was the probe, the next call is
	}
	if e.class() == domain.RateLimited {
		g.slowDown(now)
	}
	trips := g.note(now, e)
	inconclusive := e.probe && e.class().OfPlatform()
	switch {
	case e.otherToken: // nothing is known yet; where this was the probe, the next call is
	case e.class() == domain.Unauthorized && !e.q.public:
		g.shut(TokenRefused, now.Add(tokenProbe))
	case e.pause() > 0:
		g.shut(Paused, now.Add(e.pause()))
	case inconclusive && g.kind == TokenRefused:
		g.shut(TokenRefused, now.Add(tokenProbe))
	case inconclusive && g.kind == BreakerOpen:
		g.hold = min(2*g.hold, breakerMost)
		g.shut(BreakerOpen, now.Add(g.hold))
	case e.probe:
		g.open(now)
	case trips && g.kind == Open:
		g.hold = breakerFirst
		g.shut(BreakerOpen, now.Add(g.hold))
	}
}

// note tells the breaker of a call about a user. A 429 says nothing about how the platform is.
func (g *gate) note(now time.Time, e end) (trips bool) {
	if e.class() == domain.RateLimited {
		return false
	}
	return g.breaker.note(now, e.q.userID, e.class().OfPlatform())
}

// slowDown lowers the rate, once in each pause: calls that were under way when the platform said 429 get one, too.
func (g *gate) slowDown(now time.Time) {
	if !g.slowed {
		g.slowed = true
		g.pace.slower(now)
	}
}

// shut closes the gate, or keeps it closed for longer.
func (g *gate) shut(kind StateKind, until time.Time) {
	if g.kind != Open && until.Before(g.until) {
		until = g.until
		if kind != TokenRefused {
			kind = g.kind
		}
	}
	if kind != g.kind {
		g.log.Warn("calls of the platform are held back", "state", kind, "until", until.UTC(), "rate", g.pace.rate)
	}
	g.wait(kind, until)
	g.kind, g.until = kind, until
	if kind == Paused {
		g.pace.restless(until)
	}
}

func (g *gate) open(now time.Time) {
	g.log.Info("calls of the platform go on", "was", g.kind, "rate", g.pace.rate)
	g.waits[len(g.waits)-1].EndedAt = now
	g.kind, g.until, g.slowed, g.hold = Open, time.Time{}, false, 0
	g.pace.restless(now)
	g.breaker.forget()
}

// wait remembers that calls are held back, or for longer than was planned. One kind after another is two waits.
func (g *gate) wait(kind StateKind, until time.Time) {
	if last := len(g.waits) - 1; last >= 0 && g.kind != Open {
		if g.kind == kind {
			g.waits[last].Until = until
			return
		}
		g.waits[last].EndedAt = g.clock()
	}
	if len(g.waits) == waitsKept {
		g.waits = slices.Delete(g.waits, 0, 1)
	}
	g.waits = append(g.waits, Wait{Kind: kind, BeganAt: g.clock(), Until: until})
}

func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}
