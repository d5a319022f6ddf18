package syncer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// refusedPause is how long the dispatcher waits after a refused token before it asks again.
const refusedPause = time.Minute

// Dispatcher owns the one goroutine that does the scheduled syncs. Wake it as often as you like: a wake while it works is
// one more round after it, never a second one beside it.
type Dispatcher struct {
	syncer *Syncer
	wake   chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// StartDispatcher starts the goroutine; Stop ends it.
func StartDispatcher(s *Syncer) *Dispatcher {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dispatcher{syncer: s, wake: make(chan struct{}, 1), stop: cancel}
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

func (d *Dispatcher) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		err := d.syncer.Dispatch(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrTokenRefused):
			d.syncer.log.Error("syncs wait: the platform refused our token; it is tried again in a minute")
			pause(ctx, refusedPause)
		case err != nil:
			d.syncer.log.Error("scheduled syncs stopped; they go on at the next tick", "error", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
