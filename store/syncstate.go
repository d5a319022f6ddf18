package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// storeState writes the competitor's sync state: result, cursor, freshness of each part, and when it is due again.
// Columns this pull learned nothing about stay as they are. It also says whether a sync of the window has succeeded before: then
// its trial is settled.
func storeState(ctx context.Context, tx conn, p Pull, t totals, w rollout.Window) (succeeded bool, err error) {
	failed := 0
	var lastSeen, failingSince time.Time
	err = tx.row(ctx, `
		SELECT failed_in_a_row, last_remote_accessed_at, failing_since,
			EXISTS (SELECT 1 FROM sync_trials t WHERE t.window_at = $2 AND t.syned_user_id = $1 AND t.succeeded)
		FROM game_platform_sync_state WHERE syned_user_id = $1`,
		p.GamePlatformID, micros(w.From)).Scan(&failed, into(&lastSeen), into(&failingSince), &succeeded)
	if err == sql.ErrNoRows { // the first sync, or one of somebody whom there is not any more
		erased, err := wasErased(ctx, tx, p.GamePlatformID)
		if err != nil {
			return false, fmt.Errorf("look for a deleted person: %w", err)
		}
		if erased {
			return false, errErased
		}
	} else if err != nil {
		return false, fmt.Errorf("read state: %w", err)
	}
	switch {
	case p.Result != domain.SyncFailure:
		failed, failingSince = 0, time.Time{}
	case failingSince.IsZero():
		failed, failingSince = failed+1, p.At
	default:
		failed++
	}
	var odlAt, flashAt, fullAt, successAt, cursor any
	if p.ODL != nil {
		odlAt, cursor = micros(p.ODL.RequestedAt), nullMicros(t.cursor)
		if !p.ODL.LastAccessedAt.IsZero() {
			lastSeen = p.ODL.LastAccessedAt
		}
	}
	if p.Flash != nil {
		flashAt = micros(p.Flash.RequestedAt)
	}
	if p.Full {
		fullAt = micros(p.At)
	}
	if p.Result == domain.SyncSuccess {
		successAt = micros(p.At)
	}
	failure := domain.CallError{}
	if p.Failure != nil {
		failure = *p.Failure
	}
	due := p.NextDue(Activity{LastSolveAt: t.lastSolve, LastSeenAt: lastSeen, FailedInARow: failed})
	_, err = tx.exec(ctx, `
		INSERT INTO game_platform_sync_state AS s (syned_user_id, last_odl_synced_at, last_flash_ctf_synced_at, last_full_pull_at,
			last_remote_accessed_at, last_attempt_at, last_success_at, last_result, odl_cursor_at,
			error_class, error_endpoint, error_message, failed_in_a_row, next_due_at, failing_since, error_status)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (syned_user_id) DO UPDATE SET
			last_odl_synced_at = COALESCE(excluded.last_odl_synced_at, s.last_odl_synced_at),
			last_flash_ctf_synced_at = COALESCE(excluded.last_flash_ctf_synced_at, s.last_flash_ctf_synced_at),
			last_full_pull_at = COALESCE(excluded.last_full_pull_at, s.last_full_pull_at),
			last_remote_accessed_at = COALESCE(excluded.last_remote_accessed_at, s.last_remote_accessed_at),
			last_attempt_at = excluded.last_attempt_at,
			last_success_at = COALESCE(excluded.last_success_at, s.last_success_at),
			last_result = excluded.last_result,
			odl_cursor_at = CASE WHEN excluded.last_odl_synced_at IS NULL THEN s.odl_cursor_at ELSE excluded.odl_cursor_at END,
			error_class = excluded.error_class, error_endpoint = excluded.error_endpoint, error_message = excluded.error_message,
			failed_in_a_row = excluded.failed_in_a_row, next_due_at = excluded.next_due_at, failing_since = excluded.failing_since,
			error_status = excluded.error_status`,
		p.GamePlatformID, odlAt, flashAt, fullAt, nullMicros(lastSeen), micros(p.At), successAt, string(p.Result), cursor,
		string(failure.Class), failure.Endpoint, failure.Message, failed, micros(due), nullMicros(failingSince), failure.Status)
	return succeeded, wrap(err, "state")
}

// Target is a competitor to sync and what the sync must know of the last one.
type Target struct {
	CompetitorID   string
	GamePlatformID string
	Cursor         time.Time // newest stored ODL solve; zero: pull everything
	FullPullAt     time.Time // when everything was last pulled; zero: never
	LastResult     domain.SyncResult
}

// Selection says whom a sync is for. The zero Selection is everybody on the platform.
type Selection struct {
	CoachID      string
	CompetitorID string
	DueBy        time.Time // only those due by then; zero: due or not
}

// Targets lists at most limit active competitors of the selection that are on the platform and whose coach is enrolled, in the order of their ids, after the
// id given ("" is from the beginning). With DueBy they come in the order they fell due. A competitor without a state
// row is due, and so pulls in full.
func (sys *System) Targets(ctx context.Context, sel Selection, after string, limit int) ([]Target, error) {
	var a args
	order := "c.competitor_id"
	if !sel.DueBy.IsZero() {
		order = "COALESCE(st.next_due_at, 0), c.competitor_id"
	}
	rows, err := sys.s.db.reader().query(ctx, `
		SELECT c.competitor_id, c.game_platform_id,
			CASE WHEN EXISTS (SELECT 1 FROM game_platform_challenge_solves so WHERE so.syned_user_id = c.game_platform_id AND so.source = 'odl')
				THEN st.odl_cursor_at END,
			st.last_full_pull_at, COALESCE(st.last_result, '')`+targetsOf(&a, sel)+` AND c.competitor_id > `+a.add(after)+`
		ORDER BY `+order+` LIMIT `+a.add(limit), a...)
	if err != nil {
		return nil, fmt.Errorf("list sync targets: %w", err)
	}
	var list []Target
	err = each(rows, func() error {
		var t Target
		if err := rows.Scan(&t.CompetitorID, &t.GamePlatformID, into(&t.Cursor), into(&t.FullPullAt), &t.LastResult); err != nil {
			return err
		}
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sync targets: %w", err)
	}
	return list, nil
}

// CountNotEnrolled counts the competitors of the selection that are on the platform and left out because their coach is not
// enrolled. DueBy does not matter.
func (sys *System) CountNotEnrolled(ctx context.Context, sel Selection) (n int, err error) {
	var a args
	where := ""
	if sel.CoachID != "" {
		where += " AND c.coach_id = " + a.add(sel.CoachID)
	}
	if sel.CompetitorID != "" {
		where += " AND c.competitor_id = " + a.add(sel.CompetitorID)
	}
	err = sys.s.db.reader().row(ctx, `
		SELECT COUNT(*) FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id
		WHERE c.game_platform_id IS NOT NULL AND c.deactivated_at IS NULL AND NOT co.enrolled`+where, a...).Scan(&n)
	return n, wrap(err, "count those not enrolled")
}

// CountTargets counts those that Targets lists.
func (sys *System) CountTargets(ctx context.Context, sel Selection) (n int, err error) {
	var a args
	err = sys.s.db.reader().row(ctx, `SELECT COUNT(*) `+targetsOf(&a, sel), a...).Scan(&n)
	return n, wrap(err, "count sync targets")
}

// targetsOf is the statement from FROM on for those of the selection who take part, are on the platform and enrolled.
func targetsOf(a *args, sel Selection) string {
	query := `
		FROM competitors c
		JOIN coaches co ON co.coach_id = c.coach_id
		LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		WHERE c.game_platform_id IS NOT NULL AND c.deactivated_at IS NULL AND co.enrolled`
	if !sel.DueBy.IsZero() {
		query += " AND COALESCE(st.next_due_at, 0) <= " + a.add(micros(sel.DueBy))
	}
	if sel.CoachID != "" {
		query += " AND c.coach_id = " + a.add(sel.CoachID)
	}
	if sel.CompetitorID != "" {
		query += " AND c.competitor_id = " + a.add(sel.CompetitorID)
	}
	return query
}

// CheckSelection is a NoSuch error when the selection names a coach or competitor that does not exist.
func (sys *System) CheckSelection(ctx context.Context, sel Selection) error {
	var one int
	if sel.CoachID != "" {
		err := sys.s.db.reader().row(ctx, `SELECT 1 FROM coaches WHERE coach_id = $1`, sel.CoachID).Scan(&one)
		if err != nil {
			return noSuch(err, "coach")
		}
	}
	if sel.CompetitorID != "" {
		err := sys.s.db.reader().row(ctx, `SELECT 1 FROM competitors WHERE competitor_id = $1`, sel.CompetitorID).Scan(&one)
		if err != nil {
			return noSuch(err, "competitor")
		}
	}
	return nil
}
