package store

import (
	"context"
	"fmt"

	"flagpole/internal/domain"
)

// AbortOperation takes back what an operation has not done yet: those that wait for a retry are due again when they would have
// been. One that has nothing left to do is a Clash error.
func (sc *Scope) AbortOperation(ctx context.Context, id int64) (Operation, error) {
	var o Operation
	if err := sc.viewer.Require(domain.MayBulk); err != nil {
		return o, err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		if err := sc.s.db.beginPlanning(ctx, tx); err != nil {
			return err
		}
		before, err := operation(ctx, tx, id)
		if err != nil {
			return err
		}
		if !before.FinishedAt.IsZero() || before.Queued == 0 && !before.PlannedAt.IsZero() {
			hint := "Nothing of it is left to stop."
			if before.AbortedBy != "" {
				hint = before.AbortedBy + " has stopped it."
			}
			return domain.Errorf(domain.Clash, "This is over already.").WithHint(hint)
		}
		if err := sc.takeBack(ctx, tx, id); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `
			UPDATE operations SET planned_at = COALESCE(planned_at, $2), aborted_at = $2, aborted_by = $3 WHERE operation_id = $1`,
			id, sc.s.now(), sc.viewer.UserID)
		if err == nil {
			err = closeDone(ctx, tx, sc.s.now())
		}
		if err != nil {
			return err
		}
		if o, err = operation(ctx, tx, id); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "operation.abort", "", fmt.Sprintf("operation=%d", id))
	})
	return o, wrap(err, "abort operation")
}

// takeBack waits for the syncs that are being stored first: what they settle is done, and due as they have said.
func (sc *Scope) takeBack(ctx context.Context, tx conn, id int64) error {
	const queued = `FROM operation_items i JOIN competitors c ON c.competitor_id = i.competitor_id WHERE i.operation_id = $1 AND i.state = 'queued'`
	_, err := tx.exec(ctx, `
		SELECT 1 FROM game_platform_sync_state s WHERE s.syned_user_id IN (SELECT c.game_platform_id `+queued+`) ORDER BY s.syned_user_id`+sc.s.db.forUpdate("s"), id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		UPDATE game_platform_sync_state SET next_due_at = (SELECT i.due_before `+queued+` AND c.game_platform_id = game_platform_sync_state.syned_user_id)
		WHERE syned_user_id IN (SELECT c.game_platform_id `+queued+`)`, id)
	if err != nil {
		return err
	}
	if err := tx.alone(ctx, "failures"); err != nil {
		return err
	}
	const own = `FROM operation_items i WHERE i.operation_id = $1 AND i.state = 'queued'`
	_, err = tx.exec(ctx, `
		UPDATE sync_failures SET next_due_at = (SELECT i.due_before `+own+` AND i.failure_id = sync_failures.failure_id)
		WHERE ended_at IS NULL AND failure_id IN (SELECT i.failure_id `+own+`)`, id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE operation_items SET state = 'aborted', settled_at = $2 WHERE operation_id = $1 AND state = 'queued'`, id, sc.s.now())
	return err
}

// UndoClear takes back that failures were cleared by an operation, for 30 days. Those that are over stay so. One that cannot be
// taken back any more is a Clash error.
func (sc *Scope) UndoClear(ctx context.Context, id int64) (n int, err error) {
	if err := sc.viewer.Require(domain.MayClear); err != nil {
		return 0, err
	}
	err = sc.s.db.update(ctx, func(tx conn) error {
		if err := sc.s.db.beginPlanning(ctx, tx); err != nil {
			return err
		}
		o, err := operation(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case !o.UndoneAt.IsZero():
			return domain.Errorf(domain.Clash, "This has been taken back already, by %s.", o.UndoneBy)
		case o.PlannedAt.IsZero():
			return domain.Errorf(domain.Clash, "This is under way.").WithHint("Stop the rest first, then take back what was done.")
		case !o.CanUndo(sc.s.clock()):
			return domain.Errorf(domain.Clash, "This cannot be taken back: only a clear can, for 30 days.")
		}
		if n, err = undoClear(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE operations SET undone_at = $2, undone_by = $3 WHERE operation_id = $1`, id, sc.s.now(), sc.viewer.UserID); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "failure.clear_undo", "", fmt.Sprintf("operation=%d", id))
	})
	return n, wrap(err, "undo clear")
}

// undoClear opens again what an operation has cleared and is not over, and counts it.
func undoClear(ctx context.Context, tx conn, id int64) (n int, err error) {
	if err := tx.alone(ctx, "failures"); err != nil {
		return 0, err
	}
	rows, err := tx.query(ctx, `
		SELECT f.failure_id, f.fingerprint, f.coach_id, l.state FROM sync_failures f JOIN competitor_list l ON l.competitor_id = f.competitor_id
		WHERE f.cleared_operation = $1 AND f.cleared_operation > 0 AND f.ended_at IS NULL AND f.state = 'cleared'`, id)
	if err != nil {
		return 0, err
	}
	sums := sumChanges{}
	of := map[domain.FailureState][]int64{}
	err = each(rows, func() error {
		var failure int64
		var print, coach string
		var state domain.State
		if err := rows.Scan(&failure, &print, &coach, &state); err != nil {
			return err
		}
		n++
		back := domain.FailureStateOf(state)
		of[back] = append(of[back], failure)
		sums.add(print, coach, domain.FailureCleared, -1)
		sums.add(print, coach, back, 1)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for state, ids := range of {
		err := updateFailures(ctx, tx, ids, `state = $1, cleared_at = NULL, cleared_by = '', cleared_reason = '', cleared_operation = 0`, string(state))
		if err != nil {
			return 0, err
		}
	}
	return n, sums.write(ctx, tx)
}
