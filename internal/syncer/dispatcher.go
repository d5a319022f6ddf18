package syncer

import (
	"context"
	"errors"
	"sync"
	"time"

	"flagpole/store"
)

const (
	leadEvery  = time.Second // a process without the lead tries to take it this often
	queueEvery = time.Second // the one that has it looks for requests of other processes this often
)

// Dispatcher owns the one goroutine that does the scheduled syncs and the requested runs. It works only while its
// process has the lead. Wake it as often as you like: a wake while it works is one more round after it, never a second one
// beside it.
type Dispatcher struct {
	syncer *Syncer
	beside []func(context.Context)
	wake   chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// StartDispatcher starts the goroutine; Stop ends it. What runs beside it has goroutines of its own, and runs while the process has the
// lead: it returns when its context ends.
func StartDispatcher(s *Syncer, beside ...func(context.Context)) *Dispatcher {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dispatcher{syncer: s, beside: beside, wake: make(chan struct{}, 1), stop: cancel}
	d.done.Go(func() { d.work(ctx) })
	return d
}

// Wake asks for a round of syncs and returns at once.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// Stop cancels calls under way and waits for the goroutine. Syncs that were not stored stay due. It may be called
// twice.
func (d *Dispatcher) Stop() {
	d.stop()
	d.done.Wait()
}

// work waits for the lead, and leads until it is lost or the dispatcher is stopped.
func (d *Dispatcher) work(ctx context.Context) {
	for ctx.Err() == nil {
		lead, got, err := d.syncer.store.TryLead(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			d.syncer.log.Error("cannot take the lead; it is tried again", "error", err)
			pause(ctx, leadEvery)
		case !got:
			pause(ctx, leadEvery)
		default:
			d.lead(ctx, lead)
		}
	}
}

func (d *Dispatcher) lead(ctx context.Context, lead *store.Lead) {
	defer func() {
		if err := lead.Release(); err != nil {
			d.syncer.log.Error("cannot release the lead", "error", err)
		}
	}()
	ctx, cancel := whileLeading(ctx, lead)
	defer cancel()
	if err := d.syncer.takeOver(ctx); err != nil {
		if ctx.Err() != nil {
			return
		}
		d.syncer.log.Error("cannot take over; it is tried again", "error", err)
		pause(ctx, leadEvery)
		return
	}
	ctx, end := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer end()
	for _, run := range d.beside {
		others.Go(func() { run(ctx) })
	}
	requests := time.NewTicker(queueEvery)
	defer requests.Stop()
	for {
		round := d.syncer.TakeAsked
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			round = d.syncer.Dispatch
		case <-requests.C:
		}
		d.tell(ctx, round(ctx))
	}
}

// tell logs why a round ended early. After a refused token the client lets one call a minute through, so the next round
// waits by itself.
func (d *Dispatcher) tell(ctx context.Context, err error) {
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, ErrTokenRefused):
		d.syncer.log.Error("syncs wait: the platform refused our token; it is tried again in a minute")
		d.Wake()
	default:
		d.syncer.log.Error("syncs stopped; they go on at the next tick", "error", err)
		pause(ctx, leadEvery)
	}
}

// whileLeading ends with ctx, or when the lead is lost.
func whileLeading(ctx context.Context, lead *store.Lead) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-lead.Lost():
			cancel()
		case <-stop:
		}
	})
	return ctx, func() {
		close(stop)
		watch.Wait()
		cancel()
	}
}

// takeOver puts in order what the last process that had the lead left open, and what this one could not close.
func (s *Syncer) takeOver(ctx context.Context) error {
	closed, err := s.store.TakeOver(ctx, s.clock().Truncate(quarter))
	s.logClosed(closed)
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
