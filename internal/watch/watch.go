// Package watch has the rules of alerts asked again and again, and what they make known sent. It imports alert, notify and
// store.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/notify"
	"flagpole/store"
)

const (
	lookEvery   = 2 * time.Second  // for messages of other processes, and deliveries that are due
	firstAgain  = 10 * time.Second // until a failed delivery is tried again; it doubles with each further try
	mostAgain   = time.Hour
	giveUpAfter = 24 * time.Hour
	grace       = 5 * time.Second // for the delivery under way when the program stops
	blindAfter  = 3 * time.Minute // without an evaluation
)

// Watcher owns the goroutine that asks and sends. Each process has one; the store sees to it that nothing begins, ends or is
// sent twice.
type Watcher struct {
	store    *store.System
	rules    store.AlertRules
	notifier *notify.Notifier
	clock    domain.Clock
	log      *slog.Logger

	wake chan struct{}
	stop context.CancelFunc
	done sync.WaitGroup

	blindSince time.Time // evaluations have failed since; zero: the last one did not
	blindTold  bool
}

// Start starts the goroutine; Stop ends it.
func Start(s *store.System, rules store.AlertRules, n *notify.Notifier, clock domain.Clock, log *slog.Logger) *Watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{store: s, rules: rules, notifier: n, clock: clock, log: log, wake: make(chan struct{}, 1), stop: cancel}
	w.done.Go(func() { w.work(ctx) })
	return w
}

// Wake has the rules asked, and returns at once.
func (w *Watcher) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it asks already
	}
}

// Stop ends the work; a delivery under way gets a few seconds. It may be called twice.
func (w *Watcher) Stop() {
	w.stop()
	w.done.Wait()
}

func (w *Watcher) work(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			w.evaluate(ctx)
		case <-tick.C:
		}
		if err := w.deliver(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("cannot deliver messages; it is tried again", "error", err)
		}
	}
}

func (w *Watcher) evaluate(ctx context.Context) {
	changes, err := w.store.EvaluateAlerts(ctx, w.clock(), w.rules)
	if ctx.Err() != nil {
		return
	}
	w.blind(ctx, err)
	if err != nil {
		w.log.Error("cannot evaluate alerts; it is tried again", "error", err)
		return
	}
	for _, c := range changes {
		w.log.Warn("alert", "rule", c.Rule, "state", c.To.State, "evidence", c.To.Evidence, "incident", c.To.Incident)
	}
	w.guard(ctx)
}

// guard asks the gates of the rollout, right after the rules that they go by too.
func (w *Watcher) guard(ctx context.Context) {
	done, err := w.store.GuardRollout(ctx, w.clock())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.log.Error("cannot guard the rollout; it is tried again", "error", err)
	case done.Action != "":
		w.log.Warn("rollout", "action", done.Action, "why", done.Why, "gained", done.Gained)
	}
}

// deliver hands out new messages, and sends whatever is due.
func (w *Watcher) deliver(ctx context.Context) error {
	if _, err := w.store.HandOut(ctx, w.notifier.Targets()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		d, found, err := w.store.NextDelivery(ctx)
		if err != nil || !found {
			return err
		}
		if err := w.try(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// try sends one delivery and keeps how that went, also after ctx has ended.
func (w *Watcher) try(ctx context.Context, d store.Delivery) error {
	sending, cancel := outlasting(ctx, grace)
	defer cancel()
	err := w.notifier.Send(sending, d.Message, d.Target)
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	if err == nil {
		w.log.Info("message delivered", "message", d.Message.ID, "kind", d.Message.Kind, "channel", d.Target.Channel, "attempt", d.Attempts)
		return w.store.Delivered(closing, d)
	}
	again := w.clock().Add(wait(d.Attempts, rand.Float64()))
	if errors.Is(err, notify.ErrNoTarget) || again.Sub(d.Since) > giveUpAfter {
		w.log.Error("message given up", "message", d.Message.ID, "channel", d.Target.Channel, "attempt", d.Attempts, "error", err)
		return w.store.NotDelivered(closing, d, err.Error(), time.Time{})
	}
	w.log.Warn("message not delivered; it is tried again", "message", d.Message.ID, "channel", d.Target.Channel, "attempt", d.Attempts, "error", err)
	return w.store.NotDelivered(closing, d, err.Error(), again)
}

// outlasting is a context that ends a while after its parent.
func outlasting(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		select {
		case <-ctx.Done():
		case <-time.After(d):
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// wait is how long until a delivery is tried again after so many tries: doubled each time, up to an hour, and shortened by up
// to a quarter, so that what failed together is not tried together. random is from 0 up to 1.
func wait(attempts int, random float64) time.Duration {
	ceiling := mostAgain
	if attempts < 10 { // beyond it the doubled wait is above the ceiling
		ceiling = min(ceiling, firstAgain<<(attempts-1))
	}
	return time.Duration(float64(ceiling) * (1 - random/4))
}

// blind tells people by every channel that this process cannot ask the rules, and that it can again: what is to be known of a
// database that does not answer cannot be kept in it. It is sent once, and a failure of that is only logged.
func (w *Watcher) blind(ctx context.Context, err error) {
	now := w.clock()
	switch {
	case err == nil && w.blindTold:
		w.shout(ctx, domain.Message{Kind: domain.MessageResolved, At: now, Link: w.rules.Link, Subject: "Flagpole: Over: The database does not answer",
			Body: "The database answers again, and the rules of alerts are asked again. Nobody has to act.\n\n" + w.rules.Link + "\n"})
		fallthrough
	case err == nil:
		w.blindSince, w.blindTold = time.Time{}, false
	case w.blindSince.IsZero():
		w.blindSince = now
	case !w.blindTold && now.Sub(w.blindSince) >= blindAfter:
		w.blindTold = true
		w.shout(ctx, domain.Message{Kind: domain.MessageFired, At: now, Link: w.rules.Link, Subject: "Flagpole: The database does not answer",
			Body: "For 3 minutes the rules of alerts could not be asked, because the database failed. Pages and syncs will be failing too.\n" +
				domain.AlertDatabase.Advice().Do + " " + domain.AlertDatabase.Advice().Who + "\n\n" + w.rules.Link + "\n"})
	}
}

func (w *Watcher) shout(ctx context.Context, m domain.Message) {
	for _, t := range w.notifier.Targets() {
		if err := w.notifier.Send(ctx, m, t); err != nil {
			w.log.Error("message lost", "subject", m.Subject, "channel", t.Channel, "error", err)
		}
	}
}
