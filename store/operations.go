package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
	SkipInactive    SkipReason = "inactive"     // does not take part any more
	SkipNotEnrolled SkipReason = "not_enrolled" // the coach does not have the feature
	SkipQueued      SkipReason = "queued"       // another operation has queued it
	SkipRunning     SkipReason = "running"      // is tried right now
	SkipCleared     SkipReason = "cleared"      // has been cleared
)

// SkipReasons lists every reason in the order pages show them.
var SkipReasons = []SkipReason{SkipBlocked, SkipNoAccount, SkipInactive, SkipNotEnrolled, SkipQueued, SkipRunning, SkipCleared}

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
	return o.Kind == OpClear && o.UndoneAt.IsZero() && !o.PlannedAt.IsZero() && now.Before(o.RequestedAt.Add(undoFor)) && o.Done > 0
}

// one reports whether the filter names a single failure.
func (q FailureQuery) one() bool { return len(q.IDs) == 1 || q.CompetitorID != "" }

// mayOperate is a Denied error for who may not do it, and an Invalid one for failures that are over.
func (sc *Scope) mayOperate(kind OperationKind, q FailureQuery) error {
	for _, p := range append(kind.permissions(!q.one()), domain.MayView) {
		if err := sc.viewer.Require(p); err != nil {
			return err
		}
	}
	if q.State == domain.FailureResolved {
		return domain.Errorf(domain.Invalid, "Nothing can be done to failures that are over.").WithHint("Choose another state on the page Failures.")
	}
	return nil
}

// skip is the SQL for why an operation leaves a failure (f) alone, an empty text where it does not.
func (k OperationKind) skip(a *args, now time.Time) string {
	if k == OpClear {
		return `CASE WHEN f.state = 'cleared' THEN '` + string(SkipCleared) + `' ELSE '' END`
	}
	return `CASE
		WHEN ca.kind = 'blocked' THEN '` + string(SkipBlocked) + `'
		WHEN c.game_platform_id IS NULL THEN '` + string(SkipNoAccount) + `'
		WHEN c.deactivated_at IS NOT NULL THEN '` + string(SkipInactive) + `'
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

const operationColumns = `o.operation_id, o.kind, o.requested_at, COALESCE(u.email, o.requested_by), o.reason, o.filter,
	o.planned_at, o.finished_at, o.aborted_at, COALESCE(ab.email, o.aborted_by), o.undone_at, COALESCE(un.email, o.undone_by)`

const operationTables = ` FROM operations o LEFT JOIN users u ON u.user_id = o.requested_by LEFT JOIN users ab ON ab.user_id = o.aborted_by
	LEFT JOIN users un ON un.user_id = o.undone_by`

func scanOperation(scan func(...any) error) (Operation, error) {
	o := Operation{Skipped: map[SkipReason]int{}}
	var filter string
	err := scan(&o.ID, &o.Kind, into(&o.RequestedAt), &o.By, &o.Reason, &filter,
		into(&o.PlannedAt), into(&o.FinishedAt), into(&o.AbortedAt), &o.AbortedBy, into(&o.UndoneAt), &o.UndoneBy)
	if err == nil {
		err = json.Unmarshal([]byte(filter), &o.Filter)
	}
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
	query := `SELECT state, skip_reason, COUNT(*) FROM operation_items WHERE operation_id = $1 GROUP BY state, skip_reason`
	if !o.FinishedAt.IsZero() {
		query = `SELECT state, skip_reason, items FROM operation_counts WHERE operation_id = $1`
	}
	rows, err := tx.query(ctx, query, o.ID)
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
