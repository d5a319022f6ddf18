package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"flagpole/internal/domain"
)

// maxReason is how long a reason may be, in bytes.
const maxReason = 300

// PauseSyncs stops all calls of the platform until ResumeSyncs, over restarts too. Whoever comes second gets a Clash error
// that says who was first.
func (sc *Scope) PauseSyncs(ctx context.Context, reason string) error {
	if err := sc.viewer.Require(domain.MayPause); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return domain.Errorf(domain.Invalid, "A reason is needed, of %d letters at most.", maxReason).WithHint("Say in a few words why; staff read it on every page.")
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		for {
			n, err := tx.exec(ctx, `
				INSERT INTO sync_pause (only_one, paused_at, paused_by, reason) VALUES (1, $1, $2, $3) ON CONFLICT (only_one) DO NOTHING`,
				sc.s.now(), sc.viewer.UserID, reason)
			if err != nil {
				return err
			}
			if n > 0 {
				return sc.audit(ctx, tx, "sync.pause", "", reason)
			}
			before, err := pauseOf(ctx, tx)
			if err != nil {
				return err
			}
			if before.On() { // otherwise somebody has resumed them in between
				return pausedAlready(before)
			}
		}
	})
	return wrap(err, "pause syncs")
}

// pausedAlready is the Clash error for who wants what somebody else has done.
func pausedAlready(p domain.SyncPause) error {
	return domain.Errorf(domain.Clash, "Syncs are paused already: %s did it on %s UTC, because: %s", p.By, p.At.Format("2 Jan 2006, 15:04"), p.Reason).
		WithHint("Nothing was changed.")
}

// ResumeSyncs lets calls go on. Where nothing is paused it is a Clash error.
func (sc *Scope) ResumeSyncs(ctx context.Context) error {
	if err := sc.viewer.Require(domain.MayPause); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `DELETE FROM sync_pause`)
		if err != nil {
			return err
		}
		if n == 0 {
			return domain.Errorf(domain.Clash, "Syncs are not paused.").WithHint("Somebody else has resumed them in the meantime.")
		}
		return sc.audit(ctx, tx, "sync.resume", "", "")
	})
	return wrap(err, "resume syncs")
}

// Paused says whether, since when, by whom and why syncs are paused.
func (sys *System) Paused(ctx context.Context) (domain.SyncPause, error) {
	p, err := pauseOf(ctx, sys.s.db.reader())
	return p, wrap(err, "read the pause")
}

func pauseOf(ctx context.Context, tx conn) (domain.SyncPause, error) {
	var p domain.SyncPause
	err := tx.row(ctx, `
		SELECT p.paused_at, COALESCE(u.email, p.paused_by), p.reason FROM sync_pause p LEFT JOIN users u ON u.user_id = p.paused_by`).
		Scan(into(&p.At), &p.By, &p.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.SyncPause{}, nil
	}
	p.By = domain.LoginName(p.By)
	return p, err
}

// Stopped is why no call of the platform may be made: StopKillSwitch or StopPaused, "" where calls are allowed.
func (sys *System) Stopped(ctx context.Context) (StopReason, error) {
	reason, err := callsStopped(ctx, sys.s.db.reader(), "")
	return reason, wrap(err, "read whether calls are allowed")
}

// callsStopped reads the kill switch and the pause in one statement. lock may be the end of the statement that locks the
// rollout (r).
func callsStopped(ctx context.Context, tx conn, lock string) (StopReason, error) {
	var killed, paused bool
	err := tx.row(ctx, `SELECT r.kill_switch, EXISTS (SELECT 1 FROM sync_pause) FROM rollout r`+lock).Scan(&killed, &paused)
	switch {
	case err != nil:
		return "", err
	case killed:
		return StopKillSwitch, nil
	case paused:
		return StopPaused, nil
	}
	return "", nil
}

// stoppedError tells people that no call is made now.
func stoppedError(reason StopReason) error {
	switch reason {
	case "":
		return nil
	case StopPaused:
		return domain.Errorf(domain.Clash, "Syncs are paused at the moment.").WithHint("The programme's staff resumes them; results come again by themselves.")
	}
	return domain.Errorf(domain.Clash, "All syncs are stopped at the moment.").WithHint("The programme's staff knows; results come again by themselves.")
}
