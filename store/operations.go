package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// OperationKind is what an operation does to failures.
type OperationKind string

// The kinds.
const (
	OpRetry OperationKind = "retry" // makes their syncs due now
	OpClear OperationKind = "clear" // acknowledges them
)

// permissions are what an operation on one failure needs, and what one on many needs.
func (k OperationKind) permissions(many bool) []domain.Permission {
	needs := []domain.Permission{domain.MayRetry}
	if k == OpClear {
		needs[0] = domain.MayClear
	}
	if many {
		needs = append(needs, domain.MayBulk)
	}
	return needs
}

// SkipReason says why an operation leaves a failure alone.
type SkipReason string

// The reasons.
const (
	SkipBlocked     SkipReason = "blocked"      // waits for the platform
	SkipNoAccount   SkipReason = "no_account"   // nothing to sync with
	SkipNotEnrolled SkipReason = "not_enrolled" // the coach does not have the feature
	SkipQueued      SkipReason = "queued"       // another operation has queued it
	SkipRunning     SkipReason = "running"      // is tried right now
	SkipCleared     SkipReason = "cleared"      // has been cleared
	SkipGone        SkipReason = "gone"         // was over before its turn came
)

// SkipReasons lists every reason in the order pages show them.
var SkipReasons = []SkipReason{SkipBlocked, SkipNoAccount, SkipNotEnrolled, SkipQueued, SkipRunning, SkipCleared, SkipGone}

// OperationPlan is what an operation would do as of a moment: Matched is Eligible and all that are skipped together.
type OperationPlan struct {
	Matched, Eligible int
	Skipped           map[SkipReason]int
	LastFailure       int64 // the newest failure at that moment; later ones are not touched
	At                time.Time
}

// OperationRequest is what somebody wants done.
type OperationRequest struct {
	Kind        OperationKind
	Filter      FailureQuery
	Reason      string        // needed to clear, of 300 bytes at most
	LastFailure int64         // as the plan that was looked at has it; 0: as of now
	Pace        time.Duration // between two retries, so that they do not all fall due at once
}

// Operation is an operation and how far it has come. Matched is Queued, Done, Failed, Aborted and Skipped together, as far as it
// is planned.
type Operation struct {
	ID                                     int64
	Kind                                   OperationKind
	RequestedAt                            time.Time
	By                                     string // the name of the login, or a word for a program
	Reason                                 string
	Filter                                 FailureQuery
	Pace                                   time.Duration
	Matched, Queued, Done, Failed, Aborted int
	Skipped                                map[SkipReason]int
	PlannedAt, FinishedAt                  time.Time // zero: not yet
	AbortedAt, UndoneAt                    time.Time // zero: it was not
	AbortedBy, UndoneBy                    string
}

// SkippedAll counts those it left alone.
func (o Operation) SkippedAll() (n int) {
	for _, k := range o.Skipped {
		n += k
	}
	return n
}

// undoFor is how long a clear can be taken back.
const undoFor = 30 * 24 * time.Hour

// CanUndo reports whether the operation can be taken back at a time.
func (o Operation) CanUndo(now time.Time) bool {
	return o.Kind == OpClear && o.UndoneAt.IsZero() && now.Before(o.RequestedAt.Add(undoFor)) && o.Done > 0
}

// one reports whether the filter names a single failure.
func (q FailureQuery) one() bool { return len(q.IDs) == 1 || q.CompetitorID != "" }

func (sc *Scope) mayOperate(kind OperationKind, q FailureQuery) error {
	for _, p := range append(kind.permissions(!q.one()), domain.MayView) {
		if err := sc.viewer.Require(p); err != nil {
			return err
		}
	}
	return nil
}

// skip is the SQL for why an operation leaves a failure (f) alone, ” where it does not.
func (k OperationKind) skip(a *args, now time.Time) string {
	if k == OpClear {
		return `CASE WHEN f.state = 'cleared' THEN '` + string(SkipCleared) + `' ELSE '' END`
	}
	return `CASE
		WHEN ca.kind = 'blocked' THEN '` + string(SkipBlocked) + `'
		WHEN c.game_platform_id IS NULL THEN '` + string(SkipNoAccount) + `'
		WHEN NOT co.enrolled THEN '` + string(SkipNotEnrolled) + `'
		WHEN EXISTS (SELECT 1 FROM operation_items i WHERE i.competitor_id = f.competitor_id AND i.state = 'queued') THEN '` + string(SkipQueued) + `'
		WHEN f.running_at > ` + a.add(micros(now.Add(-domain.RunningFor))) + ` THEN '` + string(SkipRunning) + `'
		ELSE '' END`
}

const operationJoins = ` JOIN failure_causes ca ON ca.fingerprint = f.fingerprint
	JOIN competitors c ON c.competitor_id = f.competitor_id
	JOIN coaches co ON co.coach_id = c.coach_id`

// PlanOperation says what an operation would do, as of now. Who may not do it gets a Denied error.
func (sc *Scope) PlanOperation(ctx context.Context, kind OperationKind, q FailureQuery) (OperationPlan, error) {
	p := OperationPlan{Skipped: map[SkipReason]int{}, At: sc.s.clock()}
	if err := sc.mayOperate(kind, q); err != nil {
		return p, err
	}
	q.At = p.At
	err := sc.s.db.view(ctx, func(tx conn) error {
		if err := tx.row(ctx, `SELECT COALESCE(MAX(failure_id), 0) FROM sync_failures`).Scan(&p.LastFailure); err != nil {
			return err
		}
		var a args
		rows, err := tx.query(ctx, `SELECT `+kind.skip(&a, p.At)+`, COUNT(*) FROM sync_failures f`+operationJoins+
			` WHERE `+q.matches(&a)+` AND `+sc.visible(&a)+` GROUP BY 1`, a...)
		if err != nil {
			return err
		}
		return each(rows, func() error {
			var reason SkipReason
			var n int
			err := rows.Scan(&reason, &n)
			p.Matched += n
			if reason == "" {
				p.Eligible = n
			} else {
				p.Skipped[reason] = n
			}
			return err
		})
	})
	return p, wrap(err, "plan operation")
}

// checkReason trims a reason, which must not be empty where it is needed.
func checkReason(reason string, needed bool) (string, error) {
	reason = strings.TrimSpace(reason)
	if needed && reason == "" || len(reason) > maxReason {
		return "", domain.Errorf(domain.Invalid, "A reason is needed, of %d letters at most.", maxReason).
			WithHint("Say in a few words why; others read it when they come upon these failures.")
	}
	return reason, nil
}

// BeginOperation stores an operation, and makes its first items; the others are made by WorkOperations. Who may not do it gets a
// Denied error, without a reason where one is needed it is an Invalid one.
func (sc *Scope) BeginOperation(ctx context.Context, r OperationRequest) (Operation, error) {
	if err := sc.mayOperate(r.Kind, r.Filter); err != nil {
		return Operation{}, err
	}
	reason, err := checkReason(r.Reason, r.Kind == OpClear)
	if err != nil {
		return Operation{}, err
	}
	if r.Filter.At.IsZero() {
		r.Filter.At = sc.s.clock()
	}
	filter, err := json.Marshal(r.Filter)
	if err != nil {
		return Operation{}, fmt.Errorf("begin operation: %w", err)
	}
	var o Operation
	err = sc.s.db.update(ctx, func(tx conn) error {
		if err := sc.s.db.beginPlanning(ctx, tx); err != nil {
			return err
		}
		last := r.LastFailure
		if last == 0 {
			if err := tx.row(ctx, `SELECT COALESCE(MAX(failure_id), 0) FROM sync_failures`).Scan(&last); err != nil {
				return err
			}
		}
		var id int64
		err := tx.row(ctx, `
			INSERT INTO operations (kind, requested_at, requested_by, reason, filter, last_failure, cursor, pace_us)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7) RETURNING operation_id`,
			string(r.Kind), sc.s.now(), sc.viewer.UserID, reason, string(filter), last, r.Pace.Microseconds()).Scan(&id)
		if err != nil {
			return err
		}
		if err := planSome(ctx, tx, id, sc.s.clock()); err != nil {
			return err
		}
		if o, err = operation(ctx, tx, id); err != nil {
			return err
		}
		return sc.auditOperation(ctx, tx, o)
	})
	return o, wrap(err, "begin operation")
}

// auditOperation notes an operation with whom it is about, where that is one.
func (sc *Scope) auditOperation(ctx context.Context, tx conn, o Operation) error {
	detail := fmt.Sprintf("operation=%d", o.ID) // its page has the reason
	if !o.Filter.one() {
		return sc.audit(ctx, tx, map[OperationKind]string{OpRetry: "failures.retry", OpClear: "failures.clear"}[o.Kind], "", detail)
	}
	var competitor string
	err := tx.row(ctx, `SELECT competitor_id FROM operation_items WHERE operation_id = $1 LIMIT 1`, o.ID).Scan(&competitor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return sc.audit(ctx, tx, map[OperationKind]string{OpRetry: "failure.retry", OpClear: "failure.clear"}[o.Kind], competitor, detail)
}

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
	var open int
	err = sys.s.db.reader().row(ctx, `SELECT COUNT(*) FROM operations WHERE finished_at IS NULL`).Scan(&open)
	if err != nil || open == 0 {
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
		if _, err := tx.exec(ctx, `
			UPDATE operations SET finished_at = $1 WHERE finished_at IS NULL AND planned_at IS NOT NULL AND NOT EXISTS (
				SELECT 1 FROM operation_items i WHERE i.operation_id = operations.operation_id AND i.state = 'queued')`, sys.s.now()); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM operations WHERE finished_at IS NULL AND planned_at IS NULL)`).Scan(&more)
	})
	return more, wrap(err, "work on operations")
}

// dropLost skips queued items whose competitor is not synced any more: the coach has lost the feature, or the account is gone.
func dropLost(ctx context.Context, tx conn, now int64) error {
	_, err := tx.exec(ctx, `
		UPDATE operation_items SET state = 'skipped', settled_at = $1, skip_reason = CASE
			WHEN EXISTS (SELECT 1 FROM competitors c WHERE c.competitor_id = operation_items.competitor_id AND c.game_platform_id IS NOT NULL) THEN 'not_enrolled'
			ELSE 'no_account' END
		WHERE state = 'queued' AND NOT EXISTS (
			SELECT 1 FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id
			WHERE c.competitor_id = operation_items.competitor_id AND c.game_platform_id IS NOT NULL AND co.enrolled)`, now)
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
	_, err = tx.exec(ctx, `
		UPDATE operations SET planned_at = $2, finished_at = CASE WHEN EXISTS (
			SELECT 1 FROM operation_items i WHERE i.operation_id = operations.operation_id AND i.state = 'queued') THEN NULL ELSE CAST($2 AS BIGINT) END
		WHERE operation_id = $1`, id, micros(now))
	return err
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
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxBatch)]
		ids = ids[len(some):]
		a := args{now, by, reason, id}
		var in []string
		for _, id := range padded(some) {
			in = append(in, a.add(id))
		}
		_, err := tx.exec(ctx, `
			UPDATE sync_failures SET state = 'cleared', cleared_at = $1, cleared_by = $2, cleared_reason = $3, cleared_operation = $4
			WHERE ended_at IS NULL AND failure_id IN (`+strings.Join(in, ", ")+`)`, a...)
		if err != nil {
			return err
		}
	}
	if err := insertItems(ctx, tx, items); err != nil {
		return err
	}
	return sums.write(ctx, tx)
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

const operationColumns = `o.operation_id, o.kind, o.requested_at, COALESCE(u.email, o.requested_by), o.reason, o.filter, o.pace_us,
	o.planned_at, o.finished_at, o.aborted_at, COALESCE(ab.email, o.aborted_by), o.undone_at, COALESCE(un.email, o.undone_by)`

const operationTables = ` FROM operations o LEFT JOIN users u ON u.user_id = o.requested_by LEFT JOIN users ab ON ab.user_id = o.aborted_by
	LEFT JOIN users un ON un.user_id = o.undone_by`

func scanOperation(scan func(...any) error) (Operation, error) {
	o := Operation{Skipped: map[SkipReason]int{}}
	var filter string
	var pace int64
	err := scan(&o.ID, &o.Kind, into(&o.RequestedAt), &o.By, &o.Reason, &filter, &pace,
		into(&o.PlannedAt), into(&o.FinishedAt), into(&o.AbortedAt), &o.AbortedBy, into(&o.UndoneAt), &o.UndoneBy)
	if err == nil {
		err = json.Unmarshal([]byte(filter), &o.Filter)
	}
	o.Pace = time.Duration(pace) * time.Microsecond
	o.By, o.AbortedBy, o.UndoneBy = domain.LoginName(o.By), domain.LoginName(o.AbortedBy), domain.LoginName(o.UndoneBy)
	return o, err
}

func operation(ctx context.Context, tx conn, id int64) (Operation, error) {
	o, err := scanOperation(tx.row(ctx, `SELECT `+operationColumns+operationTables+` WHERE o.operation_id = $1`, id).Scan)
	if err != nil {
		return o, noSuch(err, "operation")
	}
	return o, o.count(ctx, tx)
}

// count adds up the operation's items.
func (o *Operation) count(ctx context.Context, tx conn) error {
	rows, err := tx.query(ctx, `SELECT state, skip_reason, COUNT(*) FROM operation_items WHERE operation_id = $1 GROUP BY state, skip_reason`, o.ID)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var state string
		var reason SkipReason
		var n int
		err := rows.Scan(&state, &reason, &n)
		o.Matched += n
		switch state {
		case "queued":
			o.Queued += n
		case "done":
			o.Done += n
		case "failed":
			o.Failed += n
		case "aborted":
			o.Aborted += n
		default:
			o.Skipped[reason] += n
		}
		return err
	})
}

// Operation reads an operation. Who may not see whom failures are about gets a Denied error, one that is not there is a NoSuch
// error.
func (sc *Scope) Operation(ctx context.Context, id int64) (Operation, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return Operation{}, err
	}
	var o Operation
	err := sc.s.db.view(ctx, func(tx conn) (err error) {
		o, err = operation(ctx, tx, id)
		return err
	})
	return o, wrap(err, "read operation")
}

// Operations lists the newest operations, newest first. Who may not see whom failures are about gets a Denied error.
func (sc *Scope) Operations(ctx context.Context, limit int) ([]Operation, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	var list []Operation
	err := sc.s.db.view(ctx, func(tx conn) error {
		rows, err := tx.query(ctx, `SELECT `+operationColumns+operationTables+` ORDER BY o.operation_id DESC LIMIT $1`, limit)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			o, err := scanOperation(rows.Scan)
			list = append(list, o)
			return err
		})
		for i := range list {
			if err == nil {
				err = list[i].count(ctx, tx)
			}
		}
		return err
	})
	return list, wrap(err, "list operations")
}

// QueuedBy says who has queued a retry of the failure, and in which operation. Where nobody has it is a NoSuch error; who may not
// see whom failures are about gets a Denied one.
func (sc *Scope) QueuedBy(ctx context.Context, failureID int64) (Operation, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return Operation{}, err
	}
	o, err := scanOperation(sc.s.db.reader().row(ctx, `SELECT `+operationColumns+operationTables+`
		JOIN operation_items i ON i.operation_id = o.operation_id AND i.state = 'queued'
		WHERE i.competitor_id = (SELECT f.competitor_id FROM sync_failures f WHERE f.failure_id = $1) LIMIT 1`, failureID).Scan)
	return o, wrap(noSuch(err, "retry"), "find retry")
}

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
		if err := takeBack(ctx, tx, id, sc.s.now()); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `
			UPDATE operations SET planned_at = COALESCE(planned_at, $2), finished_at = $2, aborted_at = $2, aborted_by = $3 WHERE operation_id = $1`,
			id, sc.s.now(), sc.viewer.UserID)
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

func takeBack(ctx context.Context, tx conn, id, now int64) error {
	const queued = `FROM operation_items i JOIN competitors c ON c.competitor_id = i.competitor_id WHERE i.operation_id = $1 AND i.state = 'queued'`
	_, err := tx.exec(ctx, `
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
	_, err = tx.exec(ctx, `UPDATE operation_items SET state = 'aborted', settled_at = $2 WHERE operation_id = $1 AND state = 'queued'`, id, now)
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
		for len(ids) > 0 {
			some := ids[:min(len(ids), maxBatch)]
			ids = ids[len(some):]
			a := args{string(state)}
			var in []string
			for _, id := range padded(some) {
				in = append(in, a.add(id))
			}
			_, err := tx.exec(ctx, `
				UPDATE sync_failures SET state = $1, cleared_at = NULL, cleared_by = '', cleared_reason = '', cleared_operation = 0
				WHERE failure_id IN (`+strings.Join(in, ", ")+`)`, a...)
			if err != nil {
				return 0, err
			}
		}
	}
	return n, sums.write(ctx, tx)
}
