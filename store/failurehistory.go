package store

import (
	"context"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// AttemptRow is one call that a sync of a competitor made.
type AttemptRow struct {
	ID int64
	Attempt
}

// FailureAttempts lists the stored attempts of the competitor that a failure is about, whatever came of them, newest first: those
// before the one given, 0 for the newest. more says that there are older ones. Who may not see them gets a Denied error.
func (sc *Scope) FailureAttempts(ctx context.Context, failureID, before int64, limit int) (list []AttemptRow, more bool, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, false, err
	}
	var a args
	older := ""
	if before > 0 {
		older = " AND (t.started_at, t.attempt_id) < (SELECT b.started_at, b.attempt_id FROM sync_attempts b WHERE b.attempt_id = " + a.add(before) + ")"
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT t.attempt_id, t.endpoint, t.started_at, t.duration_us, t.http_status, t.error_class, t.error_message
		FROM sync_failures f JOIN competitors c ON c.competitor_id = f.competitor_id JOIN sync_attempts t ON t.syned_user_id = c.game_platform_id
		WHERE f.failure_id = `+a.add(failureID)+` AND `+sc.visible(&a)+older+`
		ORDER BY t.started_at DESC, t.attempt_id DESC LIMIT `+a.add(limit+1), a...)
	if err != nil {
		return nil, false, fmt.Errorf("list attempts: %w", err)
	}
	err = each(rows, func() error {
		var t AttemptRow
		var took int64
		err := rows.Scan(&t.ID, &t.Endpoint, into(&t.StartedAt), &took, &t.Status, &t.Class, &t.Message)
		t.Took = time.Duration(took) * time.Microsecond
		list = append(list, t)
		return err
	})
	if len(list) > limit {
		return list[:limit], true, wrap(err, "list attempts")
	}
	return list, false, wrap(err, "list attempts")
}

// EarlierFailures lists the other failures of the competitor that a failure is about, newest first. Who may not see them gets a
// Denied error.
func (sc *Scope) EarlierFailures(ctx context.Context, failureID int64, limit int) ([]FailureRow, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+failureColumns+" FROM sync_failures f"+failureJoins+`
		WHERE f.competitor_id = (SELECT o.competitor_id FROM sync_failures o WHERE o.failure_id = `+a.add(failureID)+`)
			AND f.failure_id <> `+a.add(failureID)+` AND `+sc.visible(&a)+` ORDER BY f.failure_id DESC LIMIT `+a.add(limit), a...)
	if err != nil {
		return nil, fmt.Errorf("list failures: %w", err)
	}
	var list []FailureRow
	err = each(rows, func() error {
		r, err := scanFailure(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, wrap(err, "list failures")
}
