package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// beginPlanning is what whoever makes or takes back items begins with: no import changes the roster meanwhile, and no other
// operation queues the same.
func (d *database) beginPlanning(ctx context.Context, tx conn) error {
	if err := d.shareRoster(ctx, tx); err != nil {
		return err
	}
	return tx.alone(ctx, "operations")
}

// planAtOnce is how many items are made in one transaction.
const planAtOnce = 1000

// WorkOperations makes the next items of the oldest operation that is not planned, and closes those with nothing left to do. It
// reports whether there is more to plan. Several processes may call it at once.
func (sys *System) WorkOperations(ctx context.Context) (more bool, err error) {
	var open bool
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1 FROM operations WHERE finished_at IS NULL)`).Scan(&open)
	if err != nil || !open {
		return false, wrap(err, "look for operations")
	}
	err = sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.beginPlanning(ctx, tx); err != nil {
			return err
		}
		var id int64
		err := tx.row(ctx, `SELECT COALESCE(MIN(operation_id), 0) FROM operations WHERE finished_at IS NULL AND planned_at IS NULL`).Scan(&id)
		if err != nil {
			return err
		}
		if id > 0 {
			if err := planSome(ctx, tx, id, sys.s.clock()); err != nil {
				return err
			}
		}
		if err := dropLost(ctx, tx, sys.s.now()); err != nil {
			return err
		}
		if err := closeDone(ctx, tx, sys.s.now()); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM operations WHERE finished_at IS NULL AND planned_at IS NULL)`).Scan(&more)
	})
	return more, wrap(err, "work on operations")
}

// closeDone closes operations with nothing left to do, and counts their items: they do not change any more, and the list of the
// last operations need not go through them. It closes first: an item that is settled between the two statements belongs to an
// operation that stays open, whose items are not counted yet.
func closeDone(ctx context.Context, tx conn, now int64) error {
	rows, err := tx.query(ctx, `
		UPDATE operations AS o SET finished_at = $1
		WHERE o.finished_at IS NULL AND o.planned_at IS NOT NULL AND NOT EXISTS (
			SELECT 1 FROM operation_items q WHERE q.operation_id = o.operation_id AND q.state = 'queued')
		RETURNING operation_id`, now)
	if err != nil {
		return wrap(err, "close operations")
	}
	var closed []int64
	err = each(rows, func() error {
		var id int64
		err := rows.Scan(&id)
		closed = append(closed, id)
		return err
	})
	for _, id := range closed {
		if err == nil {
			_, err = tx.exec(ctx, `
				INSERT INTO operation_counts (operation_id, state, skip_reason, items)
				SELECT operation_id, state, skip_reason, COUNT(*) FROM operation_items WHERE operation_id = $1 GROUP BY operation_id, state, skip_reason`, id)
		}
	}
	return wrap(err, "close operations")
}

// dropLost skips queued items whose competitor is not synced any more: the coach has lost the feature, or the account is gone.
func dropLost(ctx context.Context, tx conn, now int64) error {
	_, err := tx.exec(ctx, `
		UPDATE operation_items SET state = 'skipped', settled_at = $1, skip_reason = CASE
			WHEN EXISTS (SELECT 1 FROM competitors c WHERE c.competitor_id = operation_items.competitor_id AND c.deactivated_at IS NOT NULL) THEN 'inactive'
			WHEN EXISTS (SELECT 1 FROM competitors c WHERE c.competitor_id = operation_items.competitor_id AND c.game_platform_id IS NOT NULL) THEN 'not_enrolled'
			ELSE 'no_account' END
		WHERE state = 'queued' AND NOT EXISTS (
			SELECT 1 FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id
			WHERE c.competitor_id = operation_items.competitor_id AND c.game_platform_id IS NOT NULL AND c.deactivated_at IS NULL AND co.enrolled)`, now)
	return err
}

// planned is one failure an operation has come to.
type planned struct {
	failureID               int64
	competitorID, accountID string
	coachID, fingerprint    string
	state                   domain.FailureState
	due                     int64
	skip                    SkipReason
}

// planSome makes the next items of an operation in the order of failures, and does what it does to them.
func planSome(ctx context.Context, tx conn, id int64, now time.Time) error {
	var kind OperationKind
	var filter, by, reason string
	var last, cursor, pace int64
	err := tx.row(ctx, `
		SELECT kind, filter, requested_by, reason, last_failure, cursor, pace_us FROM operations WHERE operation_id = $1 AND planned_at IS NULL`, id).
		Scan(&kind, &filter, &by, &reason, &last, &cursor, &pace)
	if err != nil {
		return noSuch(err, "operation")
	}
	var q FailureQuery
	if err := json.Unmarshal([]byte(filter), &q); err != nil {
		return fmt.Errorf("filter of operation %d: %w", id, err)
	}
	if kind == OpClear { // what is read must not change before it is cleared
		if err := tx.alone(ctx, "failures"); err != nil {
			return err
		}
	}
	var a args
	rows, err := tx.query(ctx, `
		SELECT f.failure_id, f.competitor_id, COALESCE(c.game_platform_id, ''), f.coach_id, f.fingerprint, f.state, COALESCE(f.next_due_at, 0), `+kind.skip(&a, now)+`
		FROM sync_failures f`+operationJoins+`
		WHERE `+q.matches(&a)+` AND f.failure_id > `+a.add(cursor)+` AND f.failure_id <= `+a.add(last)+`
		ORDER BY f.failure_id LIMIT `+a.add(planAtOnce), a...)
	if err != nil {
		return err
	}
	var batch []planned
	err = each(rows, func() error {
		var p planned
		err := rows.Scan(&p.failureID, &p.competitorID, &p.accountID, &p.coachID, &p.fingerprint, &p.state, &p.due, &p.skip)
		batch = append(batch, p)
		return err
	})
	if err != nil {
		return err
	}
	if kind == OpClear {
		err = clearSome(ctx, tx, id, batch, by, reason, micros(now))
	} else {
		err = retrySome(ctx, tx, id, batch, pace, micros(now))
	}
	if err != nil {
		return err
	}
	if len(batch) == planAtOnce {
		_, err = tx.exec(ctx, `UPDATE operations SET cursor = $2 WHERE operation_id = $1`, id, batch[len(batch)-1].failureID)
		return err
	}
	if _, err := tx.exec(ctx, `UPDATE operations SET planned_at = $2 WHERE operation_id = $1`, id, micros(now)); err != nil {
		return err
	}
	return closeDone(ctx, tx, micros(now))
}

// retrySome makes the syncs due: the first now, each further one a pace later, at a moment of it that its id decides.
func retrySome(ctx context.Context, tx conn, id int64, batch []planned, pace, now int64) error {
	var before int64
	if err := tx.row(ctx, `SELECT COUNT(*) FROM operation_items WHERE operation_id = $1 AND due_at IS NOT NULL`, id).Scan(&before); err != nil {
		return err
	}
	var due, items, shown [][]any
	for _, p := range batch {
		if p.skip != "" {
			items = append(items, []any{id, p.failureID, p.competitorID, "skipped", string(p.skip), nil, nil, now})
			continue
		}
		at := now
		if before > 0 {
			at += before*pace - jitter(p.failureID, pace)
		}
		before++
		due = append(due, []any{p.accountID, strconv.FormatInt(at, 10)}) // Postgres takes values of no table for texts
		shown = append(shown, []any{strconv.FormatInt(p.failureID, 10), strconv.FormatInt(at, 10)})
		items = append(items, []any{id, p.failureID, p.competitorID, "queued", "", at, p.due, nil})
	}
	if err := setDue(ctx, tx, due); err != nil {
		return wrap(err, "make due")
	}
	if len(shown) > 0 {
		if err := tx.alone(ctx, "failures"); err != nil {
			return err
		}
	}
	err := inBatches(ctx, tx, shown, func(values string) string {
		return `WITH v (failure_id, due_at) AS (VALUES ` + values + `)
			UPDATE sync_failures SET next_due_at = (SELECT CAST(v.due_at AS BIGINT) FROM v WHERE CAST(v.failure_id AS BIGINT) = sync_failures.failure_id)
			WHERE failure_id IN (SELECT CAST(failure_id AS BIGINT) FROM v)`
	})
	if err != nil {
		return wrap(err, "show due")
	}
	return insertItems(ctx, tx, items)
}

// setDue writes when accounts are due.
func setDue(ctx context.Context, tx conn, due [][]any) error {
	return inBatches(ctx, tx, due, func(values string) string {
		return `WITH v (account, due_at) AS (VALUES ` + values + `)
			UPDATE game_platform_sync_state SET next_due_at = (SELECT CAST(v.due_at AS BIGINT) FROM v WHERE v.account = game_platform_sync_state.syned_user_id)
			WHERE syned_user_id IN (SELECT account FROM v)`
	})
}

// jitter is a share of the pace, the same for a failure each time.
func jitter(failureID, pace int64) int64 {
	const prime = 2654435761 // spreads neighbours over the whole range
	return int64(uint64(failureID) * prime % (1 << 32) * uint64(pace) >> 32)
}

// insertItems writes operation, failure, competitor, state, skip reason, due, due before and settled.
func insertItems(ctx context.Context, tx conn, items [][]any) error {
	return wrap(inBatches(ctx, tx, items, func(values string) string {
		return `INSERT INTO operation_items (operation_id, failure_id, competitor_id, state, skip_reason, due_at, due_before, settled_at) VALUES ` + values
	}), "write items")
}

func clearSome(ctx context.Context, tx conn, id int64, batch []planned, by, reason string, now int64) error {
	sums := sumChanges{}
	var items [][]any
	var ids []int64
	for _, p := range batch {
		state := "skipped"
		if p.skip == "" {
			state = "done"
			ids = append(ids, p.failureID)
			sums.add(p.fingerprint, p.coachID, p.state, -1)
			sums.add(p.fingerprint, p.coachID, domain.FailureCleared, 1)
		}
		items = append(items, []any{id, p.failureID, p.competitorID, state, string(p.skip), nil, nil, now})
	}
	err := updateFailures(ctx, tx, ids, `state = 'cleared', cleared_at = $1, cleared_by = $2, cleared_reason = $3, cleared_operation = $4`, now, by, reason, id)
	if err != nil {
		return err
	}
	if err := insertItems(ctx, tx, items); err != nil {
		return err
	}
	return sums.write(ctx, tx)
}

// updateFailures changes open failures, many at a time; set is what follows SET.
func updateFailures(ctx context.Context, tx conn, ids []int64, set string, arguments ...any) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxBatch)]
		ids = ids[len(some):]
		a := args(slices.Clone(arguments))
		in := listed(&a, padded(slices.Clone(some)))
		_, err := tx.exec(ctx, `UPDATE sync_failures SET `+set+` WHERE ended_at IS NULL AND failure_id IN (`+in+`)`, a...)
		if err != nil {
			return err
		}
	}
	return nil
}

// settleItems counts a sync in the operation that asked for it.
func settleItems(ctx context.Context, tx conn, p Pull, now int64) error {
	state := "failed"
	if p.Result == domain.SyncSuccess {
		state = "done"
	}
	_, err := tx.exec(ctx, `
		UPDATE operation_items SET state = $2, settled_at = $3
		WHERE state = 'queued' AND competitor_id = (SELECT competitor_id FROM competitors WHERE game_platform_id = $1)`, p.GamePlatformID, state, now)
	return wrap(err, "settle operations")
}

// OperationDue reports whether a retry that somebody asked for is due.
func (sys *System) OperationDue(ctx context.Context) (due bool, err error) {
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1 FROM operation_items WHERE state = 'queued' AND due_at <= $1)`, sys.s.now()).Scan(&due)
	return due, wrap(err, "look for retries")
}
