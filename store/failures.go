package store

import (
	"context"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// openFailure is the failure that is open for a competitor; its ID is 0 where none is.
type openFailure struct {
	ID                                    int64
	CoachID, Fingerprint, Message         string
	State                                 domain.FailureState
	LastAt, NextDue, Running, FailedInRow int64
}

// failureStep is what the facts of a competitor make of the failure that was open.
type failureStep struct {
	competitorID, coachID string
	before                openFailure
	cause                 domain.Cause
	fails                 bool
	message               string
	state                 domain.FailureState
	openedAt, lastAt      int64
	nextDue               any // NULL where it is not tried
	failedInRow           int
	end                   domain.FailureEnd // how the one before ends
}

// failure compares what was open with the facts.
func (f *listFacts) failure(now int64) failureStep {
	facts := domain.FailureFacts{SyncFacts: f.sync, Endpoint: f.endpoint, Message: f.message, Status: f.status}
	s := failureStep{competitorID: f.ID, coachID: f.CoachID, before: f.open, message: f.message, state: domain.FailureStateOf(facts.State()), failedInRow: f.sync.FailedInARow}
	s.cause, s.fails = domain.CauseOf(facts)
	s.lastAt = now
	if f.sync.OnPlatform && !f.sync.LastAttemptAt.IsZero() {
		s.lastAt, s.nextDue = micros(f.sync.LastAttemptAt), micros(f.sync.NextDueAt)
	}
	s.openedAt = s.lastAt
	if f.open.ID == 0 && !f.failingSince.IsZero() { // those that failed before failures were kept
		s.openedAt = micros(f.failingSince)
	}
	switch {
	case f.sync.Deactivated:
		s.end = domain.EndedInactive
	case s.fails:
		s.end = domain.EndedChanged
	case f.open.Fingerprint == (domain.Cause{Class: domain.MissingEmail}).Fingerprint():
		s.end = domain.EndedCompleted
	case f.sync.Result == domain.SyncSuccess:
		s.end = domain.EndedSynced
	default:
		s.end = domain.EndedForgotten
	}
	if s.cause.Class == domain.MissingEmail && s.same() { // it did not happen again, it goes on
		s.lastAt = f.open.LastAt
	}
	return s
}

// keep brings the failures in step with what is known of competitors. It comes last in what relist does: on Postgres
// whoever changes failures waits here for the others.
func (s failureSteps) keep(ctx context.Context, tx conn, now int64) error {
	var changed failureSteps
	for _, step := range s {
		if step.changes() {
			changed = append(changed, step)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := tx.alone(ctx, "failures"); err != nil {
		return err
	}
	if err := changed.refresh(ctx, tx); err != nil {
		return wrap(err, "read failures again")
	}
	sums := sumChanges{}
	var open failureSteps
	for _, step := range changed {
		if step.before.ID != 0 {
			if err := step.settle(ctx, tx, sums, now); err != nil {
				return wrap(err, "change failure")
			}
		}
		if step.opens() {
			open = append(open, step)
		}
	}
	if err := open.insert(ctx, tx, sums); err != nil {
		return wrap(err, "open failures")
	}
	return wrap(sums.write(ctx, tx), "count failures")
}

type failureSteps []failureStep

// refresh reads the states again: on Postgres somebody may have cleared failures, or taken that back, between their being read
// and this transaction's turn.
func (s failureSteps) refresh(ctx context.Context, tx conn) error {
	if tx.kind == "sqlite" {
		return nil
	}
	for i := range s {
		b := &s[i].before
		if b.ID == 0 {
			continue
		}
		if err := tx.row(ctx, `SELECT state FROM sync_failures WHERE failure_id = $1`, b.ID).Scan(&b.State); err != nil {
			return err
		}
	}
	return nil
}

func (s failureStep) same() bool { return s.fails && s.before.Fingerprint == s.cause.Fingerprint() }

func (s failureStep) opens() bool { return s.fails && !s.same() }

// changes reports whether anything is to be written.
func (s failureStep) changes() bool {
	b := s.before
	if !s.fails {
		return b.ID != 0
	}
	if !s.same() {
		return true
	}
	due, _ := s.nextDue.(int64)
	return b.LastAt != s.lastAt || b.NextDue != due || b.Running != 0 || b.CoachID != s.coachID || b.FailedInRow != int64(s.failedInRow) ||
		b.Message != s.message || b.State != domain.FailureCleared && b.State != s.state
}

// settle ends the failure that was open, or brings it up to date. One that was cleared stays so as long as the cause is the same.
func (s failureStep) settle(ctx context.Context, tx conn, sums sumChanges, now int64) error {
	b := s.before
	if !s.same() {
		sums.add(b.Fingerprint, b.CoachID, b.State, -1)
		_, err := tx.exec(ctx, `UPDATE sync_failures SET ended_at = $2, end_reason = $3, running_at = NULL WHERE failure_id = $1`, b.ID, now, string(s.end))
		return err
	}
	state := s.state
	if b.State == domain.FailureCleared {
		state = b.State
	}
	if state != b.State || s.coachID != b.CoachID {
		sums.add(b.Fingerprint, b.CoachID, b.State, -1)
		sums.add(b.Fingerprint, s.coachID, state, 1)
	}
	_, err := tx.exec(ctx, `
		UPDATE sync_failures SET coach_id = $2, message = $3, state = $4, last_at = $5, failed_in_a_row = $6, next_due_at = $7, running_at = NULL
		WHERE failure_id = $1`, b.ID, s.coachID, s.message, string(state), s.lastAt, s.failedInRow, s.nextDue)
	return err
}

func (s failureSteps) insert(ctx context.Context, tx conn, sums sumChanges) error {
	var failures, causes [][]any
	hours := map[string]map[int64]int{}
	for _, step := range s {
		c, print := step.cause, step.cause.Fingerprint()
		if hours[print] == nil {
			hours[print] = map[int64]int{}
			causes = append(causes, []any{print, string(c.Kind), string(c.Class), c.Endpoint, c.Status, c.Message})
		}
		hours[print][micros(time.UnixMicro(step.openedAt).UTC().Truncate(time.Hour))]++
		sums.add(print, step.coachID, step.state, 1)
		failures = append(failures, []any{
			step.competitorID, step.coachID, print, step.message, string(step.state), step.openedAt, step.lastAt, step.failedInRow, step.nextDue,
		})
	}
	err := inBatches(ctx, tx, causes, func(values string) string {
		return `INSERT INTO failure_causes (fingerprint, kind, class, endpoint, http_status, message) VALUES ` + values + ` ON CONFLICT (fingerprint) DO NOTHING`
	})
	if err != nil {
		return err
	}
	var counts [][]any
	for _, print := range sortedKeys(hours) {
		for _, hour := range sortedKeys(hours[print]) {
			counts = append(counts, []any{print, hour, hours[print][hour]})
		}
	}
	err = inBatches(ctx, tx, counts, func(values string) string {
		return `INSERT INTO failure_hours AS h (fingerprint, hour_at, failures) VALUES ` + values + `
			ON CONFLICT (fingerprint, hour_at) DO UPDATE SET failures = h.failures + excluded.failures`
	})
	if err != nil {
		return err
	}
	return inBatches(ctx, tx, failures, func(values string) string {
		return `INSERT INTO sync_failures (competitor_id, coach_id, fingerprint, message, state, opened_at, last_at, failed_in_a_row, next_due_at) VALUES ` + values
	})
}

// MarkRunning says that a competitor with an open failure is tried right now. The end of the sync takes it back.
func (sys *System) MarkRunning(ctx context.Context, competitorID string) error {
	return sys.write(ctx, "mark running", `
		UPDATE sync_failures SET running_at = $2 WHERE competitor_id = $1 AND ended_at IS NULL`, competitorID, sys.s.now())
}

// noneRunning is for the process that has the lead, while it runs nothing: whatever is marked as running was left so.
func noneRunning(ctx context.Context, tx conn) error {
	_, err := tx.exec(ctx, `UPDATE sync_failures SET running_at = NULL WHERE running_at IS NOT NULL`)
	return err
}

// keepFailures is how long failures that are over are kept.
const keepFailures = 90 * 24 * time.Hour

// PruneFailures deletes failures that ended before 90 days ago, operations of that age, and counts by hour that no page shows.
func (sys *System) PruneFailures(ctx context.Context) error {
	before := micros(sys.s.clock().Add(-keepFailures))
	err := sys.s.db.update(ctx, func(tx conn) error {
		if err := tx.alone(ctx, "failures"); err != nil { // a sync may be opening one for a cause that nobody has just now
			return err
		}
		for _, query := range []string{
			`DELETE FROM operation_counts WHERE operation_id IN (SELECT operation_id FROM operations WHERE finished_at < $1)`,
			`DELETE FROM operation_items WHERE operation_id IN (SELECT operation_id FROM operations WHERE finished_at < $1)`,
			`DELETE FROM operations WHERE finished_at < $1`,
			`DELETE FROM sync_failures WHERE ended_at < $1`,
			`DELETE FROM failure_hours WHERE hour_at < $1`,
		} {
			if _, err := tx.exec(ctx, query, before); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, `
			DELETE FROM failure_causes WHERE NOT EXISTS (SELECT 1 FROM sync_failures f WHERE f.fingerprint = failure_causes.fingerprint)`)
		return err
	})
	return wrap(err, "prune failures")
}

// FindFailures lists those who are not, and opens the failures of those who have none though they should: a roster may be written
// by hand.
func (sys *System) FindFailures(ctx context.Context) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		if err := relistAll(ctx, tx, sys.s.now(), true); err != nil {
			return err
		}
		return fillFailures(ctx, tx, sys.s.now())
	})
	sys.s.totals.changed()
	return wrap(err, "find failures")
}

// fillFailures opens the failures of those who failed before failures were kept, and of whoever has none for another reason.
func fillFailures(ctx context.Context, tx conn, now int64) error {
	rows, err := tx.query(ctx, `
		SELECT l.competitor_id FROM competitor_list l
		WHERE l.state IN (`+failedStates+`) AND NOT EXISTS (SELECT 1 FROM sync_failures f WHERE f.competitor_id = l.competitor_id AND f.ended_at IS NULL)
		ORDER BY l.competitor_id`)
	if err != nil {
		return fmt.Errorf("find failures: %w", err)
	}
	var ids []string
	err = each(rows, func() error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	for len(ids) > 0 && err == nil {
		batch := ids[:min(len(ids), maxBatch)]
		ids = ids[len(batch):]
		var a args
		for _, id := range padded(batch) {
			a = append(a, id)
		}
		err = relist(ctx, tx, now, "(c.competitor_id) IN (VALUES "+tuples(len(a), 1)+")", a...)
	}
	return wrap(err, "find failures")
}

// failedStates are the states of a competitor that domain.CauseOf has a cause for.
const failedStates = `'` + string(domain.StateDenied) + `', '` + string(domain.StateUnknown) + `', '` + string(domain.StateAttention) + `', '` +
	string(domain.StateEmail) + `', '` + string(domain.StateSignIn) + `', '` + string(domain.StateApproval) + `', '` + string(domain.StateRetrying) + `'`
