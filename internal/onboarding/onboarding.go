// Package onboarding brings coaches, competitors and teams onto the game platform, and keeps their assignments as the roster wants
// them. What is to be done is read from the database at every round, so that a round may be interrupted anywhere and the next goes
// on: every step looks before it makes anything, and our own ids are what the platform knows everybody by. It imports domain,
// metactf and store; pages never import it.
package onboarding

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

const (
	roundEvery   = 15 * time.Second
	stopEvery    = time.Second // between looks whether all calls were stopped
	coachEvery   = time.Hour   // between looks at a coach who is not approved yet
	readEvery    = time.Hour   // between complete reads of all assignments where nothing is to be done
	firstBackOff = time.Minute
	mostBackOff  = 8 * time.Hour
	atOnce       = 200 // of each step in a round
	mostSteps    = 100_000
)

// Onboarder does it. It must only run in the process that has the lead.
type Onboarder struct {
	store    *store.System
	client   *metactf.Client
	rules    store.OnboardingRules
	clock    domain.Clock
	log      *slog.Logger
	random   func() float64 // from 0 up to 1, for jitter
	wake     chan struct{}
	nextRead time.Time // not before it are the assignments read again after a read that failed
}

// New makes an Onboarder; it starts nothing.
func New(s *store.System, client *metactf.Client, rules store.OnboardingRules, clock domain.Clock, log *slog.Logger) *Onboarder {
	return &Onboarder{store: s, client: client, rules: rules, clock: clock, log: log, random: rand.Float64, wake: make(chan struct{}, 1)}
}

// Wake asks for a round and returns at once.
func (o *Onboarder) Wake() {
	select {
	case o.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// Run does a round every 15 seconds, and when it is woken, until ctx ends.
func (o *Onboarder) Run(ctx context.Context) {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		if err := o.Round(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errStopped) {
			o.log.Error("onboarding stopped; it goes on with the next round", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-o.wake:
		}
	}
}

// errStopped ends a round: the kill switch is on, or syncs are paused.
var errStopped = errors.New("all calls are stopped")

// Round does what is to be done now: coaches, then accounts, then teams. While onboarding is switched off it does nothing. A fault of
// one stays with that one; one of the whole platform ends the round. Its error is that fault, the context's, or the database's.
func (o *Onboarder) Round(ctx context.Context) error {
	if !o.rules.Enabled {
		return nil
	}
	ctx, halt := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer halt(nil)
	watch.Go(func() { o.watchStop(ctx, halt) })
	err := o.parts(ctx)
	if errors.Is(context.Cause(ctx), errStopped) {
		return errStopped
	}
	return err
}

// watchStop ends a round when somebody stops all calls: one may wait for its turn for up to an hour.
func (o *Onboarder) watchStop(ctx context.Context, halt context.CancelCauseFunc) {
	tick := time.NewTicker(stopEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := o.allowed(ctx); errors.Is(err, errStopped) {
				halt(errStopped)
			}
		}
	}
}

func (o *Onboarder) parts(ctx context.Context) error {
	for _, part := range []func(context.Context) error{o.coaches, o.accounts, o.teams} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// allowed is errStopped while nothing may be sent.
func (o *Onboarder) allowed(ctx context.Context) error {
	stopped, err := o.store.Stopped(ctx)
	if err == nil && stopped != "" {
		return errStopped
	}
	return err
}

// open waits until calls are let through and allowed. It comes before the last look at what is to be sent: what was true before a pause
// of the platform need not be after it.
func (o *Onboarder) open(ctx context.Context) error {
	if err := o.client.WaitOpen(ctx); err != nil {
		return err
	}
	return o.allowed(ctx)
}

// ask makes one call. A fault of the platform that concerns this call alone is returned as fault.
func (o *Onboarder) ask(call func() error) (fault *domain.CallError, err error) {
	err = call()
	if errors.As(err, &fault) {
		return fault, nil
	}
	return nil, err
}

// keep notes that a step failed. The error is the fault where the platform as a whole does not answer: others would fare no better.
func (o *Onboarder) keep(ctx context.Context, step domain.OnboardingStep, id string, fault *domain.CallError) error {
	o.log.Warn("onboarding failed", "step", step, "id", id, "endpoint", fault.Endpoint, "class", fault.Class, "status", fault.Status)
	if fault.Class == domain.Unauthorized || fault.Class == domain.RateLimited || fault.Class == domain.Unreachable {
		return fmt.Errorf("the platform does not answer: %w", fault)
	}
	return o.store.NoteFault(ctx, store.Fault{
		Step: step, SubjectID: id, Class: fault.Class, Endpoint: fault.Endpoint, Message: fault.Message, Status: fault.Status,
	}, func(failed int) time.Time { return o.clock().Add(o.backOff(fault.Class, failed)) })
}

// backOff is how long a step waits after so many failures in a row: from a minute doubling to 8 hours, of which a random part is
// taken off. What only people can change waits 8 hours at once; changing it ends the wait.
func (o *Onboarder) backOff(class domain.FailureClass, failed int) time.Duration {
	bound := mostBackOff
	if class != domain.InvalidCall && class != domain.Forbidden && class != domain.Conflict && failed < 10 {
		bound = min(mostBackOff, firstBackOff<<(failed-1))
	}
	return bound - time.Duration(o.random()*float64(bound)/2)
}

// missing is the fault of a step that cannot be sent because of what is on file.
func missing(endpoint, message string) *domain.CallError {
	return &domain.CallError{Class: domain.InvalidCall, Endpoint: endpoint, Message: message}
}

// absent reports whether a fault is the platform's word that there is no such user, or none that it shows.
func absent(fault *domain.CallError) bool {
	return fault != nil && (fault.Class == domain.NotFound || fault.Class == domain.Blocked)
}
