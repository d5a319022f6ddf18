package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// pull asks the platform about one competitor. A failed part does not spoil the others: what was learned is in the Pull,
// and the first failure decides its result. The error is the context's or ErrTokenRefused; then nothing may be
// stored.
func (s *Syncer) pull(ctx context.Context, t store.Target, o order) (store.Pull, error) {
	now := s.clock()
	q := &question{s: s, target: t, full: o.full || s.fullDue(t, now)}
	q.pull = store.Pull{GamePlatformID: t.GamePlatformID, RunID: o.runID, At: now, Zone: s.set.Zone, Result: domain.SyncSuccess}
	err := q.ask(ctx)
	q.widen()
	p := q.pull
	p.Full = q.full && p.User != nil && p.ODL != nil && p.Flash != nil
	p.NextDue = s.nextDue(now, p.Result, p.Failure)
	return p, err
}

// fullDue reports whether the competitor is to be pulled without a cursor: the first time, and once a day.
func (s *Syncer) fullDue(t store.Target, now time.Time) bool {
	return t.FullPullAt.IsZero() || t.Cursor.IsZero() || now.Sub(t.FullPullAt) >= fullEvery
}

// question is one sync while it asks.
type question struct {
	s      *Syncer
	target store.Target
	full   bool
	pull   store.Pull
	faults []*domain.CallError // of each call; nil: it succeeded
}

// ask makes the calls of one sync. A competitor who was blocked is looked up first, and pulled at once when the platform
// has approved the account in the meantime.
func (q *question) ask(ctx context.Context) error {
	wasBlocked := q.target.LastResult == domain.SyncBlocked
	if q.full || wasBlocked {
		if stop, err := q.user(ctx); stop || err != nil {
			return err
		}
		if wasBlocked && waits(q.pull.User) {
			q.block("GET /users", "the account is "+string(q.pull.User.Status))
			return nil
		}
	}
	if stop, err := q.odl(ctx); stop || err != nil {
		return err
	}
	_, err := q.flash(ctx)
	return err
}

// waits reports whether the vendor's word keeps the competitor blocked.
func waits(u *domain.PlatformUser) bool {
	return u != nil && (u.Status == domain.PlatformPendingApproval || u.Status == domain.PlatformDenied || u.Status == domain.PlatformUnknown)
}

// user asks for the vendor's status. stop says that asking on is useless.
func (q *question) user(ctx context.Context) (stop bool, err error) {
	var user domain.PlatformUser
	fault, err := q.call(ctx, func(ctx context.Context) (err error) {
		user, err = q.s.client.User(ctx, q.target.GamePlatformID)
		return err
	})
	switch {
	case err != nil:
		return true, err
	case fault == nil:
		q.pull.User = &user
		return false, nil
	case fault.Class == domain.NotFound || fault.Class == domain.Blocked:
		q.pull.User = &domain.PlatformUser{Status: domain.PlatformUnknown}
		q.block(fault.Endpoint, "the platform does not know this account")
		return true, nil
	}
	return q.fail(fault), nil
}

func (q *question) odl(ctx context.Context) (stop bool, err error) {
	var after time.Time
	if !q.full {
		after = q.target.Cursor.Add(-q.s.set.Overlap).Truncate(time.Second)
	}
	asked := q.s.clock()
	var scores metactf.ODLScores
	fault, err := q.call(ctx, func(ctx context.Context) (err error) {
		scores, err = q.s.client.ODLScores(ctx, q.target.GamePlatformID, after)
		return err
	})
	switch {
	case err != nil:
		return true, err
	case fault != nil && fault.Class == domain.Blocked:
		return true, q.blocked(ctx, fault)
	case fault != nil:
		return q.fail(fault), nil
	}
	q.pull.ODL = &store.ODLPull{
		RequestedAt: asked, Snapshot: !scores.Filtered, Solves: scores.Solves, Malformed: scores.Malformed,
		TotalSolves: scores.TotalSolves, TotalPoints: scores.TotalPoints, LastAccessedAt: scores.LastAccessed,
	}
	return false, nil
}

func (q *question) flash(ctx context.Context) (stop bool, err error) {
	asked := q.s.clock()
	var progress metactf.FlashProgress
	fault, err := q.call(ctx, func(ctx context.Context) (err error) {
		progress, err = q.s.client.FlashProgress(ctx, q.target.GamePlatformID)
		return err
	})
	switch {
	case err != nil:
		return true, err
	case fault != nil && fault.Class == domain.Blocked:
		return true, q.blocked(ctx, fault)
	case fault != nil:
		return q.fail(fault), nil
	}
	q.pull.Flash = &store.FlashPull{RequestedAt: asked, Results: progress.Results, Malformed: progress.Malformed}
	return false, nil
}

// blocked handles the platform's one text for two causes, "not found or not approved": the vendor's status tells them
// apart.
func (q *question) blocked(ctx context.Context, fault *domain.CallError) error {
	if q.pull.User == nil {
		if stop, err := q.user(ctx); stop || err != nil {
			return err
		}
	}
	q.block(fault.Endpoint, fault.Message)
	return nil
}

// block makes the sync a blocked one: neither success nor failure.
func (q *question) block(endpoint, message string) {
	q.pull.Result = domain.SyncBlocked
	q.pull.Failure = &domain.CallError{Class: domain.Blocked, Endpoint: endpoint, Message: message}
}

// fail notes the first failure. It reports whether the fault is one of the whole platform, so that further calls would
// only add to it.
func (q *question) fail(fault *domain.CallError) bool {
	if q.pull.Failure == nil {
		q.pull.Result = domain.SyncFailure
		q.pull.Failure = fault
	}
	return fault.Class == domain.RateLimited || fault.Class == domain.Unreachable
}

// widen makes a failure one of every call where several were made and all failed in the same way: that is an outage of the
// platform, which is to read the same whichever call came first.
func (q *question) widen() {
	f := q.pull.Failure
	if q.pull.Result != domain.SyncFailure || len(q.faults) < 2 {
		return
	}
	for _, fault := range q.faults {
		if fault == nil || fault.Class != f.Class || fault.Status != f.Status || !platformFault(f.Class) {
			return
		}
	}
	wide := *f
	wide.Endpoint = domain.EveryCall
	q.pull.Failure = &wide
}

// platformFault reports whether a failure of the class says nothing of the competitor.
func platformFault(class domain.FailureClass) bool {
	return class == domain.ServerError || class == domain.Timeout || class == domain.Malformed
}

// call makes one call and keeps each of its sends as an attempt. A failure of the platform is returned as fault; err is
// the context's or ErrTokenRefused.
func (q *question) call(ctx context.Context, do func(context.Context) error) (fault *domain.CallError, err error) {
	err = do(metactf.WithExchanges(ctx, func(e metactf.Exchange) {
		q.pull.Attempts = append(q.pull.Attempts, store.Attempt{
			Endpoint: e.Endpoint, StartedAt: e.StartedAt, Took: e.Took, Status: e.Status, Class: e.Class, Message: e.Message,
		})
	}))
	if err != nil && !errors.As(err, &fault) {
		return nil, err
	}
	q.faults = append(q.faults, fault)
	if fault != nil && fault.Class == domain.Unauthorized {
		return nil, fmt.Errorf("%w: %w", ErrTokenRefused, fault)
	}
	return fault, nil
}
