// Package schedule is the clock that starts background work. It only ticks: what a tick starts runs elsewhere, owned by
// whom it belongs to. It imports what it starts and gocron.
package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/syncer"
	"flagpole/internal/watch"
	"flagpole/store"
)

const (
	syncTick     = 15 * time.Second
	watchTick    = 15 * time.Second
	gaugeTick    = 30 * time.Second
	keepGood     = 7 * 24 * time.Hour  // attempts that succeeded
	keepBad      = 90 * 24 * time.Hour // attempts that failed
	pruneTimeout = time.Minute
	jobLimit     = 10 * time.Minute
	rollUpEvery  = 15 * time.Second
)

// Clock ticks until it is stopped.
type Clock struct {
	cron gocron.Scheduler
	stop context.CancelFunc                                   // ends a job under way
	done func(name string, took time.Duration, timedOut bool) // nil: nobody counts
}

// Work is what ticks wake.
type Work struct {
	Dispatcher *syncer.Dispatcher // nil: the integration is switched off
	Watcher    *watch.Watcher     // nil: nobody asks the rules of alerts

	ReadGauges func(context.Context)                                // nil: nobody shows them
	JobDone    func(name string, took time.Duration, timedOut bool) // counts jobs; nil: nobody
}

// Start begins to tick: dispatcher and watcher every 15 seconds, at once for the first time, what calls were made is added up by
// hour as often, gauges every 30 seconds, uploads that nobody decided about are dropped every hour, and what is old is deleted every night.
func Start(work Work, s *store.System, clock domain.Clock, zone *time.Location, log *slog.Logger) (*Clock, error) {
	cron, err := gocron.NewScheduler(gocron.WithLocation(zone))
	if err != nil {
		return nil, fmt.Errorf("start the schedule: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Clock{cron, stop, work.JobDone}
	if work.Dispatcher != nil {
		err = c.wakes("dispatch syncs", gocron.DurationJob(syncTick), work.Dispatcher.Wake, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	if err == nil && work.Watcher != nil {
		err = c.wakes("evaluate alerts", gocron.DurationJob(watchTick), work.Watcher.Wake, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	if err == nil && work.ReadGauges != nil {
		err = c.every("read gauges", gocron.DurationJob(gaugeTick), func() { work.ReadGauges(ctx) }, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	if err == nil {
		err = c.every("roll up attempts", gocron.DurationJob(rollUpEvery), func() { rollUp(ctx, s, log) }, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	if err == nil {
		err = c.every("expire imports", gocron.DurationJob(time.Hour), func() { expireImports(ctx, s, log) }, log, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	if err == nil {
		night := gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(3, 40, 0)))
		err = c.every("prune attempts", night, func() { prune(ctx, s, clock, log) }, log)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("start the schedule: %w", err)
	}
	cron.Start()
	return c, nil
}

// every adds a named job whose time is counted.
func (c *Clock) every(name string, when gocron.JobDefinition, do func(), log *slog.Logger, opts ...gocron.JobOption) error {
	return c.wakes(name, when, func() {
		began := time.Now()
		defer func() {
			if took := time.Since(began); c.done != nil {
				c.done(name, took, took > jobLimit)
			}
		}()
		do()
	}, log, opts...)
}

// wakes adds a named job that only wakes somebody, whose own time says nothing. It never runs beside itself, and its panic is
// logged instead of ending the process.
func (c *Clock) wakes(name string, when gocron.JobDefinition, do func(), log *slog.Logger, opts ...gocron.JobOption) error {
	opts = append(opts, gocron.WithName(name), gocron.WithSingletonMode(gocron.LimitModeReschedule),
		gocron.WithEventListeners(gocron.AfterJobRunsWithPanic(func(_ uuid.UUID, job string, recovered any) {
			log.Error("a scheduled job panicked", "job", job, "panic", recovered)
		})))
	_, err := c.cron.NewJob(when, gocron.NewTask(do), opts...)
	return err
}

// Stop ends the ticking, cancels a job under way and waits for it.
func (c *Clock) Stop() error {
	c.stop()
	return c.cron.Shutdown()
}

func rollUp(ctx context.Context, s *store.System, log *slog.Logger) {
	if _, err := s.RollUpAttempts(ctx); err != nil && ctx.Err() == nil {
		log.Error("cannot add up attempts; it is tried again", "error", err)
	}
}

// expireImports drops uploaded rosters that nobody decided about.
func expireImports(ctx context.Context, s *store.System, log *slog.Logger) {
	if err := s.ExpireImports(ctx); err != nil && ctx.Err() == nil {
		log.Error("cannot drop old uploads; it is tried again", "error", err)
	}
}

func prune(ctx context.Context, s *store.System, clock domain.Clock, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, pruneTimeout)
	defer cancel()
	now := clock()
	n, err := s.PruneAttempts(ctx, now.Add(-keepGood), now.Add(-keepBad))
	if err != nil {
		log.Error("cannot delete old attempts", "error", err)
		return
	}
	log.Info("old attempts deleted", "attempts", n)
	if err := s.PruneFailures(ctx); err != nil {
		log.Error("cannot delete old failures", "error", err)
	}
	if err := s.PruneAlerts(ctx, now); err != nil {
		log.Error("cannot delete old alerts", "error", err)
	}
	if err := s.PruneGates(ctx, now); err != nil {
		log.Error("cannot delete what gates went by long ago", "error", err)
	}
}
