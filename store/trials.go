package store

import (
	"context"
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// saysNothing are classes of failures that say nothing of the portal: somebody else must act first, or calls came too fast.
func saysNothing(c domain.FailureClass) bool {
	switch c {
	case domain.Blocked, domain.MissingEmail, domain.MissingCoach, domain.AccountDenied, domain.RateLimited:
		return true
	}
	return false
}

// window is the one that is open now.
func (p Pull) window(now time.Time) rollout.Window {
	if p.Zone == nil {
		return rollout.WindowOf(now, time.UTC)
	}
	return rollout.WindowOf(now, p.Zone)
}

// storeTrial keeps what a sync means for the competitor's trial in a window.
func storeTrial(ctx context.Context, tx conn, p Pull, window rollout.Window, now time.Time) error {
	var failedAt, platformFailedAt any
	if p.Result == domain.SyncFailure && (p.Failure == nil || !saysNothing(p.Failure.Class)) {
		out, err := platformOut(ctx, tx)
		switch {
		case err != nil:
			return err
		case !out.IsZero(): // left out
		case p.Failure != nil && p.Failure.Class.OfPlatform():
			platformFailedAt = micros(now)
		default:
			failedAt = micros(now)
		}
	}
	_, err := tx.exec(ctx, `
		INSERT INTO sync_trials AS t (window_at, syned_user_id, closes_at, succeeded, failed_at, platform_failed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (window_at, syned_user_id) DO UPDATE SET
			succeeded = excluded.succeeded,
			failed_at = COALESCE(excluded.failed_at, t.failed_at),
			platform_failed_at = COALESCE(excluded.platform_failed_at, t.platform_failed_at)
		WHERE NOT t.succeeded`,
		micros(window.From), p.GamePlatformID, micros(window.To), p.Result == domain.SyncSuccess, failedAt, platformFailedAt)
	return wrap(err, "trial")
}

// platformOut is since when the platform fails for many, as far as alerts know; zero: it does not.
func platformOut(ctx context.Context, tx conn) (since time.Time, err error) {
	err = tx.row(ctx, `SELECT MAX(fired_at) FROM alerts WHERE rule = $1 AND state <> 'resolved'`, string(domain.AlertPlatform)).Scan(into(&since))
	return since, wrap(err, "ask for an outage")
}

// closeWindows counts the trials of every window that is over, and forgets whose they were. An alert about the platform may fire for a while
// after an outage began, so it waits for that; a sync that was stored when the window ended has come long before, too.
func (sys *System) closeWindows(ctx context.Context, now time.Time) error {
	by := micros(now.Add(-rollout.OutageShows))
	if _, over, err := oldestWindow(ctx, sys.s.db.reader(), by); err != nil || !over {
		return err
	}
	return sys.s.db.update(ctx, func(tx conn) error {
		if err := lockRollout(ctx, tx); err != nil { // one process at a time
			return err
		}
		for {
			w, over, err := oldestWindow(ctx, tx, by)
			if err != nil || !over {
				return err
			}
			if err := closeWindow(ctx, tx, micros(w.From), micros(w.To)); err != nil {
				return fmt.Errorf("close a window: %w", err)
			}
		}
	})
}

// oldestWindow finds the oldest window that is not closed, and says whether it was over by a time.
func oldestWindow(ctx context.Context, tx conn, by int64) (w rollout.Window, over bool, err error) {
	err = tx.row(ctx, `SELECT MIN(window_at), MIN(closes_at) FROM sync_trials WHERE window_at = (SELECT MIN(window_at) FROM sync_trials)`).
		Scan(into(&w.From), into(&w.To))
	return w, !w.From.IsZero() && micros(w.To) <= by, wrap(err, "look for a window to close")
}

// failingKept is how many of the coaches under whom trials failed a window names.
const failingKept = 20

func closeWindow(ctx context.Context, tx conn, from, to int64) error {
	rows, err := tx.query(ctx, `
		SELECT COALESCE(c.coach_id, ''), COUNT(*) FILTER (WHERE t.succeeded), COUNT(*) FILTER (WHERE NOT t.succeeded AND t.failed),
			COUNT(*) FILTER (WHERE NOT t.succeeded AND t.failed_at IS NOT NULL), COUNT(*)
		FROM (
			SELECT syned_user_id, succeeded, failed_at, failed_at IS NOT NULL OR platform_failed_at IS NOT NULL AND NOT EXISTS (
				SELECT 1 FROM alerts a WHERE a.rule = $2 AND a.fired_at >= platform_failed_at AND a.fired_at <= platform_failed_at + $3) AS failed
			FROM sync_trials WHERE window_at = $1
		) t
		LEFT JOIN competitors c ON c.game_platform_id = t.syned_user_id
		GROUP BY 1 ORDER BY 3 DESC, 1`, from, string(domain.AlertPlatform), rollout.OutageShows.Microseconds())
	if err != nil {
		return err
	}
	var w rollout.Trials
	own := 0 // failures that are not the platform's
	err = each(rows, func() error {
		var coach string
		var succeeded, failed, other, all int
		err := rows.Scan(&coach, &succeeded, &failed, &other, &all)
		own += other
		w.Succeeded += succeeded
		w.Failed += failed
		w.LeftOut += all - succeeded - failed
		if failed > 0 && coach != "" { // "" is nobody's, who has left the roster since
			w.FailingCoaches++
			if len(w.Failing) < failingKept {
				w.Failing = append(w.Failing, coach)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if w.Succeeded == 0 && own == 0 { // an outage that met too few competitors for an alert
		w.LeftOut, w.Failed, w.FailingCoaches, w.Failing = w.LeftOut+w.Failed, 0, 0, nil
	}
	// A clock that was set back may have opened it again.
	_, err = tx.exec(ctx, `
		INSERT INTO sync_windows AS w (window_at, closed_at, succeeded, failed, left_out, failing_coaches, failing) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (window_at) DO UPDATE SET succeeded = w.succeeded + excluded.succeeded, failed = w.failed + excluded.failed,
			left_out = w.left_out + excluded.left_out`,
		from, to, w.Succeeded, w.Failed, w.LeftOut, w.FailingCoaches, listJSON(w.Failing))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM sync_trials WHERE window_at = $1`, from)
	return err
}

// closedWindows lists the closed windows that began at a time or later, oldest first.
func closedWindows(ctx context.Context, tx conn, from time.Time) (list []rollout.Trials, err error) {
	rows, err := tx.query(ctx, `
		SELECT window_at, closed_at, succeeded, failed, left_out, failing_coaches, failing FROM sync_windows WHERE window_at >= $1 ORDER BY window_at`, micros(from))
	if err != nil {
		return nil, fmt.Errorf("read closed windows: %w", err)
	}
	err = each(rows, func() error {
		var w rollout.Trials
		err := rows.Scan(into(&w.From), into(&w.To), &w.Succeeded, &w.Failed, &w.LeftOut, &w.FailingCoaches, jsonList{&w.Failing})
		list = append(list, w)
		return err
	})
	return list, wrap(err, "read closed windows")
}
