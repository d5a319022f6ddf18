package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flagpole/internal/domain"
)

// RunKind says what started a run.
type RunKind string

// The kinds of runs.
const (
	RunSchedule RunKind = "schedule" // all scheduled syncs of one quarter hour
	RunCommand  RunKind = "command"  // one request of the command line
)

// Run is one run as it stands.
type Run struct {
	ID          string
	Kind        RunKind
	StartedAt   time.Time
	HeartbeatAt time.Time
	FinishedAt  time.Time // zero: not finished
	Stopped     bool      // ended before it was done
	Counts      domain.RunCounts
}

// StartCommandRun opens a run for one request.
func (sys *System) StartCommandRun(ctx context.Context, full bool) (string, error) {
	id := uuid.NewString()
	err := sys.s.db.update(ctx, func(tx conn) error {
		return insertRun(ctx, tx, id, RunCommand, nil, full, sys.s.now())
	})
	if err != nil {
		return "", fmt.Errorf("start run: %w", err)
	}
	return id, nil
}

// ScheduledRun gives the run of the quarter hour that begins at slot, opened when it is not there yet, and closes those
// of earlier quarter hours.
func (sys *System) ScheduledRun(ctx context.Context, slot time.Time) (string, error) {
	id := uuid.NewString()
	now := sys.s.now()
	err := sys.s.db.update(ctx, func(tx conn) error {
		if _, err := tx.exec(ctx, `
			UPDATE sync_runs SET finished_at = heartbeat_at WHERE kind = 'schedule' AND finished_at IS NULL AND slot_at < $1`,
			micros(slot)); err != nil {
			return err
		}
		if err := insertRun(ctx, tx, id, RunSchedule, micros(slot), false, now); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT run_id FROM sync_runs WHERE kind = 'schedule' AND slot_at = $1`, micros(slot)).Scan(&id)
	})
	if err != nil {
		return "", fmt.Errorf("scheduled run: %w", err)
	}
	return id, nil
}

func insertRun(ctx context.Context, tx conn, id string, kind RunKind, slot any, full bool, now int64) error {
	_, err := tx.exec(ctx, `
		INSERT INTO sync_runs (run_id, kind, slot_at, full_pull, started_at, heartbeat_at)
		VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (kind, slot_at) DO NOTHING`, id, string(kind), slot, full, now)
	return err
}

// FinishRun closes a run. skipped and notEnrolled are counted here because no sync was tried for them; stopped says
// that it ended before it was done.
func (sys *System) FinishRun(ctx context.Context, id string, skipped, notEnrolled int, stopped bool) error {
	now := sys.s.now()
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			UPDATE sync_runs SET finished_at = $2, heartbeat_at = $2, stopped = $3, skipped = skipped + $4, not_enrolled = not_enrolled + $5
			WHERE run_id = $1`, id, now, stopped, skipped, notEnrolled)
		return err
	})
	return wrap(err, "finish run")
}

// countInRun adds one sync to its run, in the sync's own transaction.
func countInRun(ctx context.Context, tx conn, p Pull, stored Stored) error {
	c := CountsOf(p.Result, stored, len(p.Attempts))
	_, err := tx.exec(ctx, `
		UPDATE sync_runs SET attempted = attempted + 1, changed = changed + $2, unchanged = unchanged + $3,
			blocked = blocked + $4, failed = failed + $5, new_solves = new_solves + $6, api_calls = api_calls + $7, heartbeat_at = $8
		WHERE run_id = $1`,
		p.RunID, c.Changed, c.Unchanged, c.Blocked, c.Failed, c.NewSolves, c.APICalls, micros(p.At))
	return wrap(err, "count in run")
}

// CountsOf is what one sync adds to its run: a failed or blocked one counts as such even when a part of it was stored.
func CountsOf(result domain.SyncResult, stored Stored, calls int) domain.RunCounts {
	c := domain.RunCounts{Attempted: 1, NewSolves: stored.NewSolves, APICalls: calls}
	switch {
	case result == domain.SyncFailure:
		c.Failed = 1
	case result == domain.SyncBlocked:
		c.Blocked = 1
	case stored.Changed:
		c.Changed = 1
	default:
		c.Unchanged = 1
	}
	return c
}

// PruneAttempts deletes attempts that succeeded before good and those that failed before bad.
func (sys *System) PruneAttempts(ctx context.Context, good, bad time.Time) (int64, error) {
	var n int64
	err := sys.s.db.update(ctx, func(tx conn) error {
		var err error
		n, err = tx.exec(ctx, `
			DELETE FROM sync_attempts
			WHERE started_at < $1 AND (error_class = '' OR started_at < $2)`, micros(good), micros(bad))
		return err
	})
	return n, wrap(err, "prune attempts")
}

// LastRuns lists the newest runs that tried anything or are still open, newest first. It names nobody, so every viewer of
// the sync page may read it.
func (sc *Scope) LastRuns(ctx context.Context, limit int) ([]Run, error) {
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT run_id, kind, started_at, heartbeat_at, finished_at, stopped,
			attempted, changed, unchanged, blocked, failed, skipped, not_enrolled, new_solves, api_calls
		FROM sync_runs WHERE $1 AND (attempted > 0 OR finished_at IS NULL)
		ORDER BY started_at DESC, run_id LIMIT $2`, sc.seesSync(), limit)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var list []Run
	err = each(rows, func() error {
		var r Run
		c := &r.Counts
		if err := rows.Scan(&r.ID, &r.Kind, into(&r.StartedAt), into(&r.HeartbeatAt), into(&r.FinishedAt), &r.Stopped,
			&c.Attempted, &c.Changed, &c.Unchanged, &c.Blocked, &c.Failed, &c.Skipped, &c.NotEnrolled, &c.NewSolves, &c.APICalls); err != nil {
			return err
		}
		list = append(list, r)
		return nil
	})
	return list, wrap(err, "list runs")
}

// seesSync reports whether the viewer may see sync health.
func (sc *Scope) seesSync() bool {
	return sc.viewer.Role == domain.RoleAdmin || sc.viewer.Role == domain.RoleProduct
}

// SyncCounts is how many competitors stand where.
type SyncCounts struct {
	OnPlatform, NotOnPlatform         int
	Synced, Failing, Blocked, Waiting int // of those on the platform; Waiting has not been tried yet
	LastSuccessAt                     time.Time
}

// SyncCounts counts competitors by sync result; it names nobody.
func (sc *Scope) SyncCounts(ctx context.Context) (SyncCounts, error) {
	var n SyncCounts
	err := sc.s.db.reader().row(ctx, `
		SELECT COUNT(c.game_platform_id), COUNT(*) - COUNT(c.game_platform_id),
			COUNT(*) FILTER (WHERE st.last_result = 'success'), COUNT(*) FILTER (WHERE st.last_result = 'failure'),
			COUNT(*) FILTER (WHERE st.last_result = 'blocked'),
			COUNT(*) FILTER (WHERE c.game_platform_id IS NOT NULL AND COALESCE(st.last_result, '') = ''),
			MAX(st.last_success_at)
		FROM competitors c LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		WHERE $1`, sc.seesSync()).
		Scan(&n.OnPlatform, &n.NotOnPlatform, &n.Synced, &n.Failing, &n.Blocked, &n.Waiting, into(&n.LastSuccessAt))
	return n, wrap(err, "count syncs")
}
