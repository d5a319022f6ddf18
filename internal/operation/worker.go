// Package operation does what people have asked for many failures at once, step by step in the background. It imports store and
// makes no call: a retry is made due here, and the syncer tries it.
package operation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flagpole/store"
)

// lookEvery is how often the operations of other processes are looked for.
const lookEvery = time.Second

// Worker owns the goroutine that works on operations. Each process has one; the store sees to it that no step is done twice.
type Worker struct {
	store *store.System
	log   *slog.Logger
	wake  chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// Start starts the goroutine; Stop ends it.
func Start(s *store.System, log *slog.Logger) *Worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{store: s, log: log, wake: make(chan struct{}, 1), stop: cancel}
	w.done.Go(func() { w.work(ctx) })
	return w
}

// Wake has it look for work, and returns at once.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it looks already
	}
}

// Stop ends the work after the step under way, which is either done or taken back. It may be called twice.
func (w *Worker) Stop() {
	w.stop()
	w.done.Wait()
}

func (w *Worker) work(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-tick.C:
		}
		if err := Finish(ctx, w.store); err != nil && ctx.Err() == nil {
			w.log.Error("cannot work on operations; it is tried again", "error", err)
		}
	}
}

// Finish works until no operation is left to plan.
func Finish(ctx context.Context, s *store.System) error {
	for {
		more, err := s.WorkOperations(ctx)
		if err != nil || !more {
			return err
		}
	}
}
