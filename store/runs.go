package store

import (
	"context"
	"database/sql"
	"errors"
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
	RunCommand  RunKind = "command"  // one request of a person or a program
)

// Run is one run as it stands.
type Run struct {
	ID          string
	Kind        RunKind
	Queued      bool // asked for, not begun
	StartedAt   time.Time
	HeartbeatAt time.Time
	FinishedAt  time.Time  // zero: not finished
	Stopped     StopReason // why it ended before it was done; "" when it did not
	Counts      domain.RunCounts
	CoachID     string // whose competitors it is for
	Competitor  bool   // it is for one competitor, whom it does not name
	Full        bool   // without cursors

	Expected       int       // competitors it will try; 0: not known
	RoundAt        time.Time // when it last began to work: a scheduled run works in rounds
	RoundAttempted int       // what it had tried by then
}

// StopReason says why a run ended before it was done.
type StopReason string

// The reasons.
const (
	StopTokenRefused StopReason = "token_refused"
	StopInterrupted  StopReason = "interrupted" // somebody stopped the program
	StopCrashed      StopReason = "crashed"     // its process died
	StopFault        StopReason = "error"       // a fault of ours; the log has it
	StopKillSwitch   StopReason = "kill_switch" // the rollout's kill switch is on
	StopPaused       StopReason = "paused"      // an admin has paused all syncs
)

// RunRequest is what somebody asked for.
type RunRequest struct {
	Selection Selection // DueBy is not kept: a request is for everybody it names, due or not
	Full      bool      // without cursors
	DryRun    bool      // ask the platform, store nothing
	By        string    // "command", "api" or "page"
}

// QueueRun keeps a request until the process that has the lead takes it up.
func (sys *System) QueueRun(ctx context.Context, r RunRequest) (string, error) {
	id := uuid.NewString()
	now := sys.s.now()
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, queued, dry_run, requested_by, coach_id, competitor_id)
			VALUES ($1, 'command', $2, $3, $3, TRUE, $4, $5, $6, $7)`,
			id, r.Full, now, r.DryRun, r.By, r.Selection.CoachID, r.Selection.CompetitorID)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("queue run: %w", err)
	}
	return id, nil
}

// followedFor is how long a queued request of a command counts without a sign of life of the command: it was killed, and
// nobody waits for the run.
const followedFor = 30 * time.Second

// FollowRun says that somebody still waits for a queued run.
func (sys *System) FollowRun(ctx context.Context, id string) error {
	return sys.write(ctx, "follow run", `UPDATE sync_runs SET heartbeat_at = $2 WHERE run_id = $1 AND queued`, id, sys.s.now())
}

// NextQueued is the id of the oldest request that nobody has taken up and somebody waits for, "" where there is none.
func (sys *System) NextQueued(ctx context.Context) (string, error) {
	var id string
	err := sys.s.db.reader().row(ctx, `
		SELECT run_id FROM sync_runs WHERE queued AND (requested_by <> 'command' OR heartbeat_at > $1)
		ORDER BY started_at, run_id LIMIT 1`, micros(sys.s.clock().Add(-followedFor))).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, wrap(err, "next queued run")
}

// BeginRun takes up a queued run and gives what was asked for. One that is not queued any more is a Clash error.
func (sys *System) BeginRun(ctx context.Context, id string) (RunRequest, error) {
	var r RunRequest
	now := sys.s.now()
	err := sys.s.db.update(ctx, func(tx conn) error {
		return tx.row(ctx, `
			UPDATE sync_runs SET queued = FALSE, started_at = $2, heartbeat_at = $2, attempted = 0, changed = 0, unchanged = 0,
				blocked = 0, failed = 0, skipped = 0, not_enrolled = 0, new_solves = 0, api_calls = 0, expected = 0, round_at = NULL, round_attempted = 0
			WHERE run_id = $1 AND queued
			RETURNING full_pull, dry_run, requested_by, coach_id, competitor_id`, id, now).
			Scan(&r.Full, &r.DryRun, &r.By, &r.Selection.CoachID, &r.Selection.CompetitorID)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, domain.Errorf(domain.Clash, "This run has been taken up already.")
	}
	return r, wrap(err, "begin run")
}

// ExpectRun says that a run begins to work, and how many competitors it will try from now on.
func (sys *System) ExpectRun(ctx context.Context, id string, n int) error {
	return sys.write(ctx, "expect of run", `
		UPDATE sync_runs SET expected = attempted + $2, round_at = $3, round_attempted = attempted, heartbeat_at = $3 WHERE run_id = $1`,
		id, n, sys.s.now())
}

// NoteStop keeps why a scheduled run does not get on; its next sync takes it back.
func (sys *System) NoteStop(ctx context.Context, id string, reason StopReason) error {
	return sys.write(ctx, "note stop", `UPDATE sync_runs SET stop_reason = $2 WHERE run_id = $1 AND kind = 'schedule'`, id, string(reason))
}

// RequeueRun puts a run back that was interrupted because its process stops: the next one takes it up from the start.
func (sys *System) RequeueRun(ctx context.Context, id string) error {
	return sys.write(ctx, "requeue run", `
		UPDATE sync_runs SET queued = TRUE, heartbeat_at = $2 WHERE run_id = $1 AND finished_at IS NULL`, id, sys.s.now())
}

// ForgetRun deletes a run that leaves no trace: a dry run, or one nobody waits for any more.
func (sys *System) ForgetRun(ctx context.Context, id string) error {
	return sys.write(ctx, "forget run", `DELETE FROM sync_runs WHERE run_id = $1`, id)
}

// TakeOver is for the process that has the lead, while it does no run: whatever requested run is open was left so by a
// process that died, or could not be closed, and is closed as stopped; so are requests that nobody waits for any more. The
// schedule's runs of quarter hours before slot are closed as done. It returns all that it closed.
func (sys *System) TakeOver(ctx context.Context, slot time.Time) (closed []Run, err error) {
	err = sys.s.db.update(ctx, func(tx conn) (err error) {
		if err := tx.alone(ctx, "failures"); err != nil {
			return err
		}
		if closed, err = closeScheduled(ctx, tx, slot); err != nil {
			return err
		}
		if err := noneRunning(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.query(ctx, `
			UPDATE sync_runs SET finished_at = heartbeat_at, queued = FALSE, stopped = TRUE, stop_reason = 'crashed'
			WHERE finished_at IS NULL AND kind = 'command' AND (NOT queued OR (requested_by = 'command' AND heartbeat_at <= $1))
			RETURNING `+runColumns, micros(sys.s.clock().Add(-followedFor)))
		if err != nil {
			return err
		}
		return each(rows, func() error {
			r, err := scanRun(rows.Scan)
			closed = append(closed, r)
			return err
		})
	})
	return closed, wrap(err, "take over")
}

// closeScheduled closes the schedule's runs of quarter hours before slot, and returns them.
func closeScheduled(ctx context.Context, tx conn, slot time.Time) (closed []Run, err error) {
	rows, err := tx.query(ctx, `
		UPDATE sync_runs SET finished_at = heartbeat_at WHERE kind = 'schedule' AND finished_at IS NULL AND slot_at < $1
		RETURNING `+runColumns, micros(slot))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		r, err := scanRun(rows.Scan)
		closed = append(closed, r)
		return err
	})
	return closed, err
}

const runColumns = `run_id, kind, queued, started_at, heartbeat_at, finished_at, stop_reason,
	attempted, changed, unchanged, blocked, failed, skipped, not_enrolled, new_solves, api_calls,
	coach_id, competitor_id <> '', full_pull, expected, round_at, round_attempted`

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	c := &r.Counts
	err := scan(&r.ID, &r.Kind, &r.Queued, into(&r.StartedAt), into(&r.HeartbeatAt), into(&r.FinishedAt), &r.Stopped,
		&c.Attempted, &c.Changed, &c.Unchanged, &c.Blocked, &c.Failed, &c.Skipped, &c.NotEnrolled, &c.NewSolves, &c.APICalls,
		&r.CoachID, &r.Competitor, &r.Full, &r.Expected, into(&r.RoundAt), &r.RoundAttempted)
	return r, err
}

// Run reads one run. One that does not exist is a NoSuch error.
func (sys *System) Run(ctx context.Context, id string) (Run, error) {
	r, err := scanRun(sys.s.db.reader().row(ctx, `SELECT `+runColumns+` FROM sync_runs WHERE run_id = $1`, id).Scan)
	return r, wrap(noSuch(err, "run"), "read run")
}

// ScheduledRun gives the run of the quarter hour that begins at slot, opened when it is not there yet, and closes those
// of earlier quarter hours, which it returns.
func (sys *System) ScheduledRun(ctx context.Context, slot time.Time) (id string, closed []Run, err error) {
	id = uuid.NewString()
	now := sys.s.now()
	err = sys.s.db.update(ctx, func(tx conn) (err error) {
		if closed, err = closeScheduled(ctx, tx, slot); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO sync_runs (run_id, kind, slot_at, full_pull, started_at, heartbeat_at)
			VALUES ($1, 'schedule', $2, FALSE, $3, $3) ON CONFLICT (kind, slot_at) DO NOTHING`, id, micros(slot), now); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT run_id FROM sync_runs WHERE kind = 'schedule' AND slot_at = $1`, micros(slot)).Scan(&id)
	})
	return id, closed, wrap(err, "scheduled run")
}

// FinishRun closes a run with its counts; stopped says why it ended before it was done, if it did.
func (sys *System) FinishRun(ctx context.Context, id string, c domain.RunCounts, stopped StopReason) error {
	return sys.write(ctx, "finish run", `
		UPDATE sync_runs SET finished_at = $2, heartbeat_at = $2, stopped = $3, attempted = $4, changed = $5, unchanged = $6,
			blocked = $7, failed = $8, skipped = $9, not_enrolled = $10, new_solves = $11, api_calls = $12, stop_reason = $13
		WHERE run_id = $1`, id, sys.s.now(), stopped != "", c.Attempted, c.Changed, c.Unchanged,
		c.Blocked, c.Failed, c.Skipped, c.NotEnrolled, c.NewSolves, c.APICalls, string(stopped))
}

func (sys *System) write(ctx context.Context, what, query string, arguments ...any) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, query, arguments...)
		return err
	})
	return wrap(err, what)
}

// countInRun adds one sync to its run, in the sync's own transaction.
func countInRun(ctx context.Context, tx conn, p Pull, stored Stored, now int64) error {
	c := CountsOf(p.Result, stored, len(p.Attempts))
	_, err := tx.exec(ctx, `
		UPDATE sync_runs SET attempted = attempted + 1, changed = changed + $2, unchanged = unchanged + $3,
			blocked = blocked + $4, failed = failed + $5, new_solves = new_solves + $6, api_calls = api_calls + $7, heartbeat_at = $8,
			platform_failed = platform_failed + $9,
			stop_reason = CASE WHEN kind = 'schedule' THEN '' ELSE stop_reason END
		WHERE run_id = $1`,
		p.RunID, c.Changed, c.Unchanged, c.Blocked, c.Failed, c.NewSolves, c.APICalls, now, p.platformFailed())
	return wrap(err, "count in run")
}

// platformFailed is 1 where the sync failed by a fault of the platform, which says nothing of the competitor.
func (p Pull) platformFailed() int {
	if p.Result == domain.SyncFailure && p.Failure != nil && p.Failure.Class.OfPlatform() {
		return 1
	}
	return 0
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

// CountSkipped adds competitors to a run that it did not come to; they stay due.
func (sys *System) CountSkipped(ctx context.Context, id string, n int) error {
	return sys.write(ctx, "count skipped", `UPDATE sync_runs SET skipped = skipped + $2 WHERE run_id = $1`, id, n)
}

// LastRuns lists the newest runs that tried anything, are still open, or were ended by somebody's order or a refused token,
// newest first. It names nobody, so every viewer of the sync page may read it.
func (sc *Scope) LastRuns(ctx context.Context, limit int) ([]Run, error) {
	runs, _, err := sc.RunsPage(ctx, "", limit)
	return runs, err
}

// RunsPage lists runs as LastRuns does, those that began before the run given; "" is from the newest on. more says that there
// are older ones. A run that is not there is an Invalid error.
func (sc *Scope) RunsPage(ctx context.Context, before string, limit int) (runs []Run, more bool, err error) {
	err = sc.s.db.view(ctx, func(tx conn) (err error) {
		runs, more, err = sc.runsPage(ctx, tx, before, limit)
		return err
	})
	return runs, more, wrap(err, "list runs")
}

func (sc *Scope) runsPage(ctx context.Context, tx conn, before string, limit int) (runs []Run, more bool, err error) {
	var a args
	where := a.add(sc.seesSync()) + ` AND NOT dry_run AND (attempted > 0 OR finished_at IS NULL OR stop_reason IN ('kill_switch', 'paused', 'token_refused'))`
	if before != "" {
		var began int64
		if err := tx.row(ctx, `SELECT started_at FROM sync_runs WHERE `+where+` AND run_id = $2`, sc.seesSync(), before).Scan(&began); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				err = errLostRow()
			}
			return nil, false, err
		}
		where += ` AND (started_at, run_id) < (` + a.add(began) + `, ` + a.add(before) + `)`
	}
	rows, err := tx.query(ctx, `
		SELECT `+runColumns+` FROM sync_runs WHERE `+where+` ORDER BY started_at DESC, run_id DESC LIMIT `+a.add(limit+1), a...)
	if err != nil {
		return nil, false, err
	}
	err = each(rows, func() error {
		r, err := scanRun(rows.Scan)
		runs = append(runs, r)
		return err
	})
	if len(runs) > limit {
		return runs[:limit], true, err
	}
	return runs, false, err
}

// seesSync reports whether the viewer may see sync health.
func (sc *Scope) seesSync() bool {
	return sc.viewer.Role == domain.RoleAdmin || sc.viewer.Role == domain.RoleProduct
}

// CoachNames are the names of coaches by their ids, for those who see whom runs were for.
func (sc *Scope) CoachNames(ctx context.Context, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 || !sc.seesSync() {
		return names, nil
	}
	var a args
	for _, id := range padded(ids) {
		a = append(a, id)
	}
	rows, err := sc.s.db.reader().query(ctx, `SELECT coach_id, name FROM coaches WHERE (coach_id) IN (VALUES `+tuples(len(a), 1)+`)`, a...)
	if err != nil {
		return nil, fmt.Errorf("names of coaches: %w", err)
	}
	err = each(rows, func() error {
		var id, name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	})
	return names, wrap(err, "names of coaches")
}
