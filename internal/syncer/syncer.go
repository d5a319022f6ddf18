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
	"slices"
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

	// Who counts what is done; nil: nobody.
	Synced  func(result string)                     // one sync was stored: changed, unchanged, blocked or failed
	JobDone func(took time.Duration, timedOut bool) // one job is over
}

const (
	fullEvery  = 24 * time.Hour   // a pull without a cursor catches late and back-dated solves
	jobTimeout = 10 * time.Minute // a job that takes longer is cancelled; the rest stay due
	maxJob     = 200              // competitors
	quarter    = 15 * time.Minute
)

// ErrKilled ends a run: the kill switch is on.
var ErrKilled = errors.New("the kill switch is on")

// ErrPaused ends a run: an admin has paused all syncs.
var ErrPaused = errors.New("syncs are paused")

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

// Report is what a run did.
type Report struct {
	RunID   string
	Counts  domain.RunCounts
	Took    time.Duration
	Stopped store.StopReason // "" when it came to its end
}

// execute does what a begun run asks for. It returns what it did even with an error: the context's, ErrTokenRefused, or a
// fault of the database.
func (s *Syncer) execute(ctx context.Context, id string, req store.RunRequest) (Report, error) {
	began := s.clock()
	t := &tally{}
	err := s.runAll(ctx, id, req, t)
	return Report{RunID: id, Counts: t.result(), Took: s.clock().Sub(began), Stopped: stopReason(ctx, err)}, err
}

// finish closes a run, also after ctx has ended.
func (s *Syncer) finish(ctx context.Context, r Report) error {
	s.logRun(r)
	closing, cancel := closingTime(ctx)
	defer cancel()
	return s.store.FinishRun(closing, r.RunID, r.Counts, r.Stopped)
}

// logRun is the one line that sums a run up.
func (s *Syncer) logRun(r Report) {
	c := r.Counts
	s.log.Info("run finished", "run", r.RunID, "stopped", r.Stopped, "attempted", c.Attempted, "changed", c.Changed, "unchanged", c.Unchanged,
		"blocked", c.Blocked, "failed", c.Failed, "skipped", c.Skipped, "not_enrolled", c.NotEnrolled, "new_solves", c.NewSolves, "calls", c.APICalls, "seconds", r.Took.Seconds())
}

// logClosed sums up runs that were closed because their time was over or their process had died.
func (s *Syncer) logClosed(runs []store.Run) {
	for _, run := range runs {
		s.logRun(Report{RunID: run.ID, Counts: run.Counts, Took: run.FinishedAt.Sub(run.StartedAt), Stopped: run.Stopped})
	}
}

func stopReason(ctx context.Context, err error) store.StopReason {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrTokenRefused):
		return store.StopTokenRefused
	case errors.Is(err, ErrKilled):
		return store.StopKillSwitch
	case errors.Is(err, ErrPaused):
		return store.StopPaused
	case ctx.Err() != nil:
		return store.StopInterrupted
	}
	return store.StopFault
}

// closingTime is a short while to put things in order after ctx has ended.
func closingTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
}

// runAll works through the request's selection, job by job, in the order of ids. Whom a job did not come to is tried once
// more at the end; who is left then is counted as skipped.
func (s *Syncer) runAll(ctx context.Context, id string, req store.RunRequest, t *tally) error {
	o := order{id, req.Full, req.DryRun}
	if err := s.allowed(ctx); err != nil {
		return err
	}
	if req.Selection == (store.Selection{}) && !req.DryRun {
		if err := s.store.FindFailures(ctx); err != nil {
			return err
		}
	}
	if req.Selection.CompetitorID != "" && !req.DryRun {
		if err := s.lookUp(ctx, req.Selection.CompetitorID, t); err != nil {
			return err
		}
	}
	out, err := s.store.CountNotEnrolled(ctx, req.Selection)
	if err != nil {
		return err
	}
	t.add(domain.RunCounts{NotEnrolled: out})
	if err := s.expect(ctx, id, req.Selection); err != nil {
		return err
	}
	var aside []store.Target
	after := ""
	for {
		targets, err := s.store.Targets(ctx, req.Selection, after, s.jobSize())
		if err != nil {
			t.skip(len(aside))
			return err
		}
		if len(targets) == 0 {
			break
		}
		after = targets[len(targets)-1].CompetitorID
		untried, err := s.job(ctx, targets, o, t)
		if err != nil {
			s.countRest(ctx, req.Selection, after, len(aside)+len(untried), t)
			return err
		}
		aside = append(aside, untried...)
	}
	for len(aside) > 0 {
		batch := aside[:min(len(aside), s.jobSize())]
		aside = aside[len(batch):]
		untried, err := s.job(ctx, batch, o, t)
		t.skip(len(untried))
		if err != nil {
			t.skip(len(aside))
			return err
		}
	}
	return nil
}

// expect says how many competitors a run is going to try now.
func (s *Syncer) expect(ctx context.Context, id string, sel store.Selection) error {
	n, err := s.store.CountTargets(ctx, sel)
	if err != nil {
		return err
	}
	return s.store.ExpectRun(ctx, id, n)
}

// countRest counts those a stopped run did not come to as skipped: untried ones, and everybody after the id given.
func (s *Syncer) countRest(ctx context.Context, sel store.Selection, after string, untried int, t *tally) {
	t.skip(untried)
	counting, cancel := closingTime(ctx)
	defer cancel()
	for {
		rest, err := s.store.Targets(counting, sel, after, maxJob)
		if err != nil {
			s.log.Error("cannot count those left out of the run", "error", err)
			return
		}
		if len(rest) == 0 {
			return
		}
		t.skip(len(rest))
		after = rest[len(rest)-1].CompetitorID
	}
}

// Dispatch syncs everybody who is due, as part of the running quarter hour's run, until nobody is. Requests that come in
// meanwhile go first. Only the process that has the lead may call it, and not twice at once.
func (s *Syncer) Dispatch(ctx context.Context) error {
	if err := s.takeOver(ctx); err != nil {
		return err
	}
	if err := s.allowed(ctx); err != nil {
		return errors.Join(s.TakeRequests(ctx), quiet(err))
	}
	tried, runID := map[string]bool{}, ""
	for {
		if err := s.TakeRequests(ctx); err != nil {
			return err
		}
		due, err := s.store.Targets(ctx, store.Selection{DueBy: s.clock()}, "", s.jobSize())
		if err != nil {
			return err
		}
		// Whoever is still due after having been tried could not be stored; the next tick tries again.
		fresh := slices.DeleteFunc(due, func(d store.Target) bool { return tried[d.CompetitorID] })
		if len(fresh) == 0 {
			return nil
		}
		for _, d := range fresh {
			tried[d.CompetitorID] = true
		}
		id, closed, err := s.store.ScheduledRun(ctx, s.clock().Truncate(quarter))
		if err != nil {
			return err
		}
		s.logClosed(closed)
		if id != runID { // the run's round begins, or the next quarter hour has
			runID = id
			if err := s.expect(ctx, runID, store.Selection{DueBy: s.clock()}); err != nil {
				return err
			}
		}
		untried, err := s.job(ctx, fresh, order{runID: runID}, &tally{})
		if err := errors.Join(err, s.noteRefusal(ctx, runID, err), s.countSkipped(ctx, runID, len(untried))); err != nil {
			return quiet(err)
		}
	}
}

// noteRefusal keeps with a scheduled run that it stands because the platform refused our token.
func (s *Syncer) noteRefusal(ctx context.Context, runID string, err error) error {
	if !errors.Is(err, ErrTokenRefused) {
		return nil
	}
	return s.store.NoteStop(ctx, runID, store.StopTokenRefused)
}

// countSkipped keeps, also after ctx has ended, that a scheduled run did not come to somebody.
func (s *Syncer) countSkipped(ctx context.Context, runID string, n int) error {
	if n == 0 {
		return nil
	}
	closing, cancel := closingTime(ctx)
	defer cancel()
	return s.store.CountSkipped(closing, runID, n)
}

// TakeRequests does the runs that people and programs have asked for, oldest first, until there is none. A run that is
// interrupted because this process stops goes back to the queue.
func (s *Syncer) TakeRequests(ctx context.Context) error {
	for {
		id, err := s.store.NextQueued(ctx)
		if err != nil || id == "" {
			return err
		}
		req, err := s.store.BeginRun(ctx, id)
		if domain.CodeOf(err) == domain.Clash {
			continue
		}
		if err != nil {
			return err
		}
		report, err := s.execute(ctx, id, req)
		if err != nil && ctx.Err() != nil {
			closing, cancel := closingTime(ctx)
			defer cancel()
			return errors.Join(ctx.Err(), s.store.RequeueRun(closing, id))
		}
		if err := errors.Join(quiet(err), s.finish(ctx, report)); err != nil {
			return err
		}
	}
}

// TakeAsked does what people and programs have asked for: runs, and retries that are due.
func (s *Syncer) TakeAsked(ctx context.Context) error {
	due, err := s.store.OperationDue(ctx)
	if err != nil {
		return err
	}
	if due && s.allowed(ctx) == nil {
		return s.Dispatch(ctx)
	}
	return s.TakeRequests(ctx)
}

// Ordered reports whether err is that somebody has stopped all calls: by the kill switch or a pause.
func Ordered(err error) bool { return errors.Is(err, ErrKilled) || errors.Is(err, ErrPaused) }

// quiet drops ErrKilled and ErrPaused: for the schedule they are a state, not a fault.
func quiet(err error) error {
	if Ordered(err) {
		return nil
	}
	return err
}

// allowed is ErrKilled while the kill switch is on, and ErrPaused while syncs are paused.
func (s *Syncer) allowed(ctx context.Context) error {
	stopped, err := s.store.Stopped(ctx)
	switch {
	case err != nil:
		return err
	case stopped == store.StopKillSwitch:
		return ErrKilled
	case stopped == store.StopPaused:
		return ErrPaused
	}
	return nil
}

// killEvery is how often a job looks whether calls are still allowed; it is to stop within seconds.
const killEvery = time.Second

// watchKill halts a job when somebody stops all calls, until ctx ends.
func (s *Syncer) watchKill(ctx context.Context, halt context.CancelCauseFunc) {
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.allowed(ctx); Ordered(err) {
				halt(err)
			}
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
	fits := int(s.set.RateLimit * jobTimeout.Seconds() / 2 / domain.CallsPerSync)
	return max(1, min(maxJob, fits))
}

// job syncs a batch, several side by side. It gives back those it did not come to, who stay due. Its error is the
// context's, ErrTokenRefused, ErrKilled or ErrPaused.
func (s *Syncer) job(ctx context.Context, targets []store.Target, o order, t *tally) (untried []store.Target, err error) {
	ctx, halt := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer halt(nil)
	watch.Go(func() { s.watchKill(ctx, halt) })
	if err := s.client.WaitOpen(ctx); err != nil { // a pause is no part of the job's time
		return targets, context.Cause(ctx)
	}
	if err := s.allowed(ctx); err != nil {
		return targets, err
	}
	halting, cancel := context.WithTimeoutCause(domain.WithRun(ctx, o.runID), jobTimeout, errJobTimeout)
	defer cancel()
	began := s.clock()
	queue := make(chan store.Target)
	var workers sync.WaitGroup
	var mu sync.Mutex
	leave := func(target store.Target) {
		mu.Lock()
		defer mu.Unlock()
		untried = append(untried, target)
	}
	for range min(s.set.Concurrency, len(targets)) {
		workers.Go(func() {
			for target := range queue {
				if !s.one(halting, target, o, t, halt) {
					leave(target)
				}
			}
		})
	}
	for _, target := range targets {
		select {
		case queue <- target:
		case <-halting.Done():
			leave(target)
		}
	}
	close(queue)
	workers.Wait()
	s.jobOver(ctx, s.clock().Sub(began), errors.Is(context.Cause(halting), errJobTimeout), o)
	if cause := context.Cause(halting); cause != nil && !errors.Is(cause, errJobTimeout) {
		return untried, cause
	}
	return untried, nil
}

// jobOver keeps how long a job took, and that it did not come to its end in time.
func (s *Syncer) jobOver(ctx context.Context, took time.Duration, timedOut bool, o order) {
	if s.set.JobDone != nil {
		s.set.JobDone(took, timedOut)
	}
	if timedOut {
		s.log.Error("a job took longer than 10 minutes; who was left stays due", "job", "sync", "run", o.runID)
	}
	if o.dryRun || ctx.Err() != nil {
		return
	}
	if err := s.store.JobDone(ctx, "sync", s.clock(), timedOut); err != nil {
		s.log.Error("cannot keep how a job went", "job", "sync", "error", err)
	}
}

var errJobTimeout = errors.New("the job took longer than 10 minutes")

// one syncs one competitor and counts it; tried is false where nothing can be said of it because the job was halted.
// Whatever happens to it stays with it, but for a refused token, which halts the job.
func (s *Syncer) one(ctx context.Context, target store.Target, o order, t *tally, halt context.CancelCauseFunc) (tried bool) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a sync panicked", "competitor", target.CompetitorID, "panic", r, "stack", string(debug.Stack()))
			s.afterPanic(ctx, target, o, t)
			tried = true
		}
	}()
	if failing := target.LastResult == domain.SyncFailure || target.LastResult == domain.SyncBlocked; failing && !o.dryRun {
		if err := s.store.MarkRunning(ctx, target.CompetitorID); err != nil && ctx.Err() == nil {
			s.log.Error("cannot mark a sync as running", "competitor", target.CompetitorID, "error", err)
		}
	}
	pull, err := s.pull(ctx, target, o)
	if err != nil {
		if errors.Is(err, ErrTokenRefused) {
			halt(ErrTokenRefused)
		}
		t.add(domain.RunCounts{APICalls: len(pull.Attempts)})
		return false
	}
	counts, kept := s.keep(ctx, target, pull, o)
	if !kept { // halted while it was stored: nothing of it is, and it stays due
		counts = domain.RunCounts{APICalls: len(pull.Attempts)}
	}
	t.add(counts)
	if kept && !o.dryRun {
		s.synced(counts)
	}
	return kept
}

// synced tells who counts of one stored sync.
func (s *Syncer) synced(c domain.RunCounts) {
	if s.set.Synced == nil {
		return
	}
	for result, n := range map[string]int{"changed": c.Changed, "unchanged": c.Unchanged, "blocked": c.Blocked, "failed": c.Failed} {
		if n > 0 {
			s.set.Synced(result)
		}
	}
}

// afterPanic makes a panic one competitor's failed sync, tried again later like any other.
func (s *Syncer) afterPanic(ctx context.Context, target store.Target, o order, t *tally) {
	t.add(domain.RunCounts{Attempted: 1, Failed: 1})
	if o.dryRun {
		return
	}
	pull := s.withoutResults(store.Pull{GamePlatformID: target.GamePlatformID, RunID: o.runID, At: s.clock(), Zone: s.set.Zone})
	if _, err := s.store.StorePull(ctx, pull); err != nil {
		s.log.Error("cannot store a failed sync", "competitor", target.CompetitorID, "run", o.runID, "error", err)
	}
}

// keep stores what a sync learned, or only looks at what it would change, and says what to count. kept is false where the
// job was halted meanwhile.
func (s *Syncer) keep(ctx context.Context, target store.Target, pull store.Pull, o order) (counts domain.RunCounts, kept bool) {
	if o.dryRun {
		stored, err := s.store.PreviewPull(ctx, pull)
		if err != nil && ctx.Err() != nil {
			return domain.RunCounts{}, false
		}
		if err != nil {
			s.log.Error("cannot preview a sync", "competitor", target.CompetitorID, "error", err)
			pull.Result = domain.SyncFailure
		}
		return store.CountsOf(pull.Result, stored, len(pull.Attempts)), true
	}
	stored, err := s.store.StorePull(ctx, pull)
	if err == nil {
		s.logSync(target, pull, stored)
		return store.CountsOf(pull.Result, stored, len(pull.Attempts)), true
	}
	if ctx.Err() != nil {
		return domain.RunCounts{}, false
	}
	s.log.Error("cannot store a sync", "competitor", target.CompetitorID, "run", o.runID, "error", err)
	pull = s.withoutResults(pull)
	if _, err := s.store.StorePull(ctx, pull); err != nil {
		s.log.Error("cannot store a failed sync", "competitor", target.CompetitorID, "run", o.runID, "error", err)
	}
	return store.CountsOf(domain.SyncFailure, store.Stored{}, len(pull.Attempts)), true
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
	if p.Result == domain.SyncBlocked { // the page words it by the vendor's status
		s.log.Warn("sync blocked", "competitor", target.CompetitorID, "run", p.RunID, "endpoint", p.Failure.Endpoint, "message", p.Failure.Message)
		return
	}
	s.log.Warn("sync failed", "competitor", target.CompetitorID, "run", p.RunID,
		"class", p.Failure.Class, "endpoint", p.Failure.Endpoint, "status", p.Failure.Status, "advice", domain.AdviceFor(p.Failure.Class).String())
}

// tally adds up counts from many workers.
type tally struct {
	mu     sync.Mutex
	counts domain.RunCounts
}

func (t *tally) add(c domain.RunCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Attempted += c.Attempted
	t.counts.Changed += c.Changed
	t.counts.Unchanged += c.Unchanged
	t.counts.Blocked += c.Blocked
	t.counts.Failed += c.Failed
	t.counts.Skipped += c.Skipped
	t.counts.NotEnrolled += c.NotEnrolled
	t.counts.NewSolves += c.NewSolves
	t.counts.APICalls += c.APICalls
}

// skip counts n competitors that were not synced.
func (t *tally) skip(n int) { t.add(domain.RunCounts{Skipped: n}) }

func (t *tally) result() domain.RunCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}
