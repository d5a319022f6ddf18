// Package syncer keeps what is stored in step with the game platform: who is due, one competitor's sync, and runs of
// many. It calls the platform outside of any transaction and hands what it learned to the store, which writes it in one.
// It imports domain, metactf and store; pages never import it.
package syncer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// Settings are the limits and intervals of the syncs.
type Settings struct {
	Concurrency int           // syncs side by side
	RateLimit   float64       // requests per second; it bounds how many competitors fit into a job
	Overlap     time.Duration // taken off the cursor, for solves that arrive late
	Every       time.Duration // between syncs of an active competitor
	AtMost      time.Duration // between syncs of anybody; also the ceiling of the back-off
	Zone        *time.Location
}

const (
	fullEvery  = 24 * time.Hour   // a pull without a cursor catches late and back-dated solves
	jobTimeout = 10 * time.Minute // a job that takes longer is cancelled; the rest stay due
	maxJob     = 200              // competitors
	callsEach  = 3                // the most calls one sync makes
	quarter    = 15 * time.Minute
)

// ErrTokenRefused ends a run: the platform refused our token, so no other call would pass either.
var ErrTokenRefused = errors.New("the platform refused our token")

// Syncer runs syncs. It has one budget: the client's limiter.
type Syncer struct {
	store  *store.System
	client *metactf.Client
	set    Settings
	clock  domain.Clock
	log    *slog.Logger
	random func() float64 // from 0 up to 1, for jitter
}

// New makes a Syncer; it starts nothing.
func New(s *store.System, client *metactf.Client, set Settings, clock domain.Clock, log *slog.Logger) *Syncer {
	return &Syncer{store: s, client: client, set: set, clock: clock, log: log, random: rand.Float64}
}

// Request says what a run is to do.
type Request struct {
	Selection store.Selection
	Full      bool // without cursors
	DryRun    bool // ask the platform, store nothing
}

// Report is what a run did.
type Report struct {
	RunID  string
	Counts domain.RunCounts
	Took   time.Duration
}

// Run syncs everybody of the request, due or not, and waits for the end. It returns what it did even with an error: the
// context's, ErrTokenRefused, or a fault of the database.
func (s *Syncer) Run(ctx context.Context, req Request) (Report, error) {
	began := s.clock()
	job := newTally()
	id := ""
	var err error
	if !req.DryRun {
		if id, err = s.store.StartCommandRun(ctx, req.Full); err != nil {
			return Report{}, err
		}
	}
	err = s.runAll(ctx, req, id, job)
	report := Report{RunID: id, Counts: job.result(), Took: s.clock().Sub(began)}
	if !req.DryRun {
		err = errors.Join(err, s.finish(ctx, id, report.Counts, err != nil))
	}
	s.log.Info("run finished", "run", id, "dry_run", req.DryRun, "attempted", report.Counts.Attempted,
		"changed", report.Counts.Changed, "blocked", report.Counts.Blocked, "failed", report.Counts.Failed,
		"skipped", report.Counts.Skipped, "new_solves", report.Counts.NewSolves, "calls", report.Counts.APICalls)
	return report, err
}

// finish closes the run even when ctx has ended.
func (s *Syncer) finish(ctx context.Context, id string, c domain.RunCounts, stopped bool) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return s.store.FinishRun(closing, id, c.Skipped, c.NotEnrolled, stopped)
}

// runAll works through the selection, job by job, in the order of ids.
func (s *Syncer) runAll(ctx context.Context, req Request, runID string, t *tally) error {
	after := ""
	for {
		targets, err := s.store.Targets(ctx, req.Selection, after, s.jobSize())
		if err != nil || len(targets) == 0 {
			return err
		}
		if err := s.job(ctx, targets, order{runID, req.Full, req.DryRun}, t); err != nil {
			s.countRest(ctx, req, targets[len(targets)-1].CompetitorID, t)
			return err
		}
		after = targets[len(targets)-1].CompetitorID
	}
}

// countRest counts those whom a stopped run never came to as skipped.
func (s *Syncer) countRest(ctx context.Context, req Request, after string, t *tally) {
	counting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for {
		rest, err := s.store.Targets(counting, req.Selection, after, maxJob)
		if err != nil {
			s.log.Error("cannot count those left out of the run", "error", err)
			return
		}
		if len(rest) == 0 {
			return
		}
		t.skip(len(rest), 0)
		after = rest[len(rest)-1].CompetitorID
	}
}

// Dispatch syncs everybody who is due, as part of the running quarter hour's run, until nobody is. It must not run twice
// at once.
func (s *Syncer) Dispatch(ctx context.Context) error {
	tried := map[string]bool{}
	t := newTally()
	for {
		due, err := s.store.Targets(ctx, store.Selection{DueBy: s.clock()}, "", s.jobSize())
		if err != nil {
			return err
		}
		// Whoever is still due after having been tried could not be stored; the next tick tries again.
		fresh := due[:0]
		for _, d := range due {
			if !tried[d.CompetitorID] {
				fresh = append(fresh, d)
				tried[d.CompetitorID] = true
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		runID, err := s.store.ScheduledRun(ctx, s.clock().Truncate(quarter))
		if err != nil {
			return err
		}
		if err := s.job(ctx, fresh, order{runID: runID}, t); err != nil {
			return err
		}
	}
}

// order is how the competitors of a job are to be synced.
type order struct {
	runID  string
	full   bool
	dryRun bool
}

// jobSize is how many competitors a job takes on: at most 200, and no more than the request budget carries in half of
// the job's time.
func (s *Syncer) jobSize() int {
	fits := int(s.set.RateLimit * jobTimeout.Seconds() / 2 / callsEach)
	return max(1, min(maxJob, fits))
}

// job syncs a batch, several side by side. Those it does not come to are skipped and stay due. Its error is the
// context's or ErrTokenRefused.
func (s *Syncer) job(ctx context.Context, targets []store.Target, o order, t *tally) error {
	working, cancel := context.WithTimeoutCause(ctx, jobTimeout, errJobTimeout)
	defer cancel()
	halting, halt := context.WithCancelCause(working)
	defer halt(nil)
	queue := make(chan store.Target)
	var workers sync.WaitGroup
	for range s.set.Concurrency {
		workers.Go(func() {
			for target := range queue {
				s.one(halting, target, o, t, halt)
			}
		})
	}
	for _, target := range targets {
		select {
		case queue <- target:
		case <-halting.Done():
			t.skip(1, 0)
		}
	}
	close(queue)
	workers.Wait()
	if cause := context.Cause(halting); cause != nil && !errors.Is(cause, errJobTimeout) {
		return cause
	}
	return nil
}

var errJobTimeout = errors.New("the job took longer than 10 minutes")

// one syncs one competitor and counts it. Whatever happens to it stays with it, but for a refused token, which halts
// the job.
func (s *Syncer) one(ctx context.Context, target store.Target, o order, t *tally, halt context.CancelCauseFunc) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a sync panicked", "competitor", target.CompetitorID, "panic", r, "stack", string(debug.Stack()))
			t.add(domain.RunCounts{Attempted: 1, Failed: 1})
		}
	}()
	pull, err := s.pull(ctx, target, o)
	if err != nil {
		if errors.Is(err, ErrTokenRefused) {
			halt(ErrTokenRefused)
		}
		t.skip(1, len(pull.Attempts))
		return
	}
	t.add(s.keep(ctx, target, pull, o))
}

// keep stores what a sync learned, or only looks at what it would change, and says what to count.
func (s *Syncer) keep(ctx context.Context, target store.Target, pull store.Pull, o order) domain.RunCounts {
	if o.dryRun {
		stored, err := s.store.PreviewPull(ctx, pull)
		if err != nil {
			s.log.Error("cannot preview a sync", "competitor", target.CompetitorID, "error", err)
			pull.Result = domain.SyncFailure
		}
		return store.CountsOf(pull.Result, stored, len(pull.Attempts))
	}
	stored, err := s.store.StorePull(ctx, pull)
	if err == nil {
		s.logSync(target, pull, stored)
		return store.CountsOf(pull.Result, stored, len(pull.Attempts))
	}
	s.log.Error("cannot store a sync", "competitor", target.CompetitorID, "run", o.runID, "error", err)
	pull = s.withoutResults(pull)
	if _, err := s.store.StorePull(ctx, pull); err != nil {
		s.log.Error("cannot store a failed sync", "competitor", target.CompetitorID, "run", o.runID, "error", err)
	}
	return store.CountsOf(domain.SyncFailure, store.Stored{}, len(pull.Attempts))
}

// withoutResults is the pull reduced to the fact that it could not be stored.
func (s *Syncer) withoutResults(p store.Pull) store.Pull {
	p.User, p.ODL, p.Flash, p.Full = nil, nil, nil, false
	p.Result = domain.SyncFailure
	p.Failure = &domain.CallError{Class: domain.StoreFailed, Message: "the database refused the results; the log has the reason"}
	p.NextDue = s.nextDue(p.At, p.Result, p.Failure)
	return p
}

func (s *Syncer) logSync(target store.Target, p store.Pull, stored store.Stored) {
	if p.Failure == nil {
		s.log.Debug("synced", "competitor", target.CompetitorID, "run", p.RunID, "new_solves", stored.NewSolves, "changed", stored.Changed)
		return
	}
	s.log.Warn("sync "+string(p.Result), "competitor", target.CompetitorID, "run", p.RunID,
		"class", p.Failure.Class, "endpoint", p.Failure.Endpoint, "status", p.Failure.Status)
}

// tally adds up counts from many workers.
type tally struct {
	mu     sync.Mutex
	counts domain.RunCounts
}

func newTally() *tally { return &tally{} }

func (t *tally) add(c domain.RunCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Attempted += c.Attempted
	t.counts.Changed += c.Changed
	t.counts.Unchanged += c.Unchanged
	t.counts.Blocked += c.Blocked
	t.counts.Failed += c.Failed
	t.counts.Skipped += c.Skipped
	t.counts.NewSolves += c.NewSolves
	t.counts.APICalls += c.APICalls
}

// skip counts n competitors that were not synced, and the calls that were made all the same.
func (t *tally) skip(n, calls int) { t.add(domain.RunCounts{Skipped: n, APICalls: calls}) }

func (t *tally) result() domain.RunCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}
