package store

import (
	"context"
	"encoding/json"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
)

// AlertFacts reads what the rules of alerts go by, at one moment. off says that the integration is switched off. A run counts
// here from five competitors on, as alert.Facts has it.
func (sys *System) AlertFacts(ctx context.Context, now time.Time, off bool) (alert.Facts, error) {
	f := alert.Facts{At: now, Disk: sys.s.db.disk()}
	if off {
		f.Stopped = "the integration is switched off"
	}
	err := sys.s.db.view(ctx, func(tx conn) error {
		for _, read := range []func(context.Context, conn, *alert.Facts) error{
			factStopped, factResults, factSuccess, factRuns, factCycle, factJobs, factFaults, factDeliveries, factToken, factHeldBack, factGuard,
		} {
			if err := read(ctx, tx, &f); err != nil {
				return err
			}
		}
		return nil
	})
	return f, wrap(err, "read the facts of alerts")
}

func factStopped(ctx context.Context, tx conn, f *alert.Facts) error {
	reason, err := callsStopped(ctx, tx, "")
	switch {
	case f.Stopped != "":
	case reason == StopKillSwitch:
		f.Stopped = "the kill switch is on"
	case reason == StopPaused:
		f.Stopped = "an admin has paused them"
	}
	return err
}

// factResults counts enrolled competitors by the result of their last sync, where that was in the window.
func factResults(ctx context.Context, tx conn, f *alert.Facts) error {
	a := args{micros(f.At.Add(-alert.Window))}
	return tx.row(ctx, `
		SELECT COUNT(*) FILTER (WHERE st.last_attempt_at > $1 AND st.last_result = 'success'),
			COUNT(*) FILTER (WHERE st.last_attempt_at > $1 AND st.last_result = 'failure'),
			COUNT(*) FILTER (WHERE st.last_attempt_at > $1 AND st.last_result = 'failure' AND st.error_class IN (`+listed(&a, texts(domain.PlatformClasses))+`)),
			MAX(st.last_attempt_at) FILTER (WHERE st.last_result IN ('success', 'failure'))
		FROM competitor_list c
		JOIN coaches co ON co.coach_id = c.coach_id
		JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		WHERE co.enrolled AND c.state <> 'deactivated'`, a...).
		Scan(&f.Succeeded, &f.Failed, &f.PlatformFailed, into(&f.LastTriedAt))
}

func factSuccess(ctx context.Context, tx conn, f *alert.Facts) error {
	return tx.row(ctx, `
		SELECT (SELECT MAX(last_success_at) FROM game_platform_sync_state),
			(SELECT started_at FROM sync_runs WHERE attempted > 0 AND NOT dry_run ORDER BY started_at LIMIT 1)`).
		Scan(into(&f.LastSuccessAt), into(&f.FirstTriedAt))
}

// runsKept is how many runs the facts hold at most.
const runsKept = 12

func factRuns(ctx context.Context, tx conn, f *alert.Facts) error {
	rows, err := tx.query(ctx, `
		SELECT started_at, finished_at IS NOT NULL, changed + unchanged, failed, platform_failed FROM sync_runs
		WHERE started_at > $1 AND NOT dry_run AND changed + unchanged + failed >= $2 ORDER BY started_at DESC, run_id LIMIT $3`,
		micros(f.At.Add(-alert.Window)), alert.AllFailedAtLeast, runsKept)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var r alert.Run
		err := rows.Scan(into(&r.StartedAt), &r.Finished, &r.Succeeded, &r.Failed, &r.PlatformErrors)
		f.Runs = append(f.Runs, r)
		return err
	})
}

// factCycle counts those who were due when the cycle began and have not been tried since.
func factCycle(ctx context.Context, tx conn, f *alert.Facts) error {
	var began int64
	if err := tx.row(ctx, `SELECT started_at, completed_at FROM sync_cycle`).Scan(&began, into(&f.Cycle.CompletedAt)); err != nil {
		return err
	}
	if began > 0 {
		f.Cycle.StartedAt = time.UnixMicro(began).UTC()
	}
	var a args
	from := targetsOf(&a, Selection{DueBy: f.Cycle.StartedAt}) // at first: everybody
	return tx.row(ctx, `SELECT COUNT(*)`+from+` AND COALESCE(st.last_attempt_at, 0) < `+a.add(max(began, 1)), a...).Scan(&f.Cycle.Left)
}

func factJobs(ctx context.Context, tx conn, f *alert.Facts) error {
	rows, err := tx.query(ctx, `SELECT name, timed_out_at, done_at FROM background_jobs WHERE timed_out_at IS NOT NULL ORDER BY name`)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var j alert.Job
		err := rows.Scan(&j.Name, into(&j.TimedOutAt), into(&j.DoneAt))
		f.Jobs = append(f.Jobs, j)
		return err
	})
}

func factFaults(ctx context.Context, tx conn, f *alert.Facts) error {
	return tx.row(ctx, `SELECT CAST(COALESCE(SUM(errors), 0) AS BIGINT) FROM database_error_minutes WHERE minute_at > $1`,
		micros(f.At.Add(-alert.DatabaseWindow))).Scan(&f.DatabaseErrors)
}

func factDeliveries(ctx context.Context, tx conn, f *alert.Facts) error {
	rows, err := tx.query(ctx, `
		SELECT d.channel, COUNT(*), MIN(d.created_at) FROM alert_deliveries d
		WHERE ((d.state = 'waiting' AND d.created_at <= $1) OR (d.state = 'given_up' AND d.ended_at > $2))
			AND NOT EXISTS (SELECT 1 FROM alert_deliveries later WHERE later.channel = d.channel AND later.address = d.address AND later.state = 'sent' AND later.message_id > d.message_id)
		GROUP BY d.channel ORDER BY d.channel`, micros(f.At.Add(-alert.LateAfter)), micros(f.At.Add(-alert.Window)))
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var u alert.Undelivered
		err := rows.Scan(&u.Channel, &u.Messages, into(&u.Since))
		f.Undelivered = append(f.Undelivered, u)
		return err
	})
}

func factToken(ctx context.Context, tx conn, f *alert.Facts) error {
	var h SyncHealth
	err := h.readRefusal(ctx, tx, f.At)
	f.TokenRefusedSince = h.TokenRefusedSince
	return err
}

func factGuard(ctx context.Context, tx conn, f *alert.Facts) error {
	return tx.row(ctx, `SELECT frozen_at, frozen_why FROM rollout`).Scan(into(&f.GuardActedAt), &f.GuardActed)
}

// seenWithin is how old the word of the process that calls the platform may be.
const seenWithin = 2 * time.Minute

func factHeldBack(ctx context.Context, tx conn, f *alert.Facts) error {
	return tx.row(ctx, `
		SELECT MAX(w.began_at) FROM platform_waits w JOIN platform_connection c ON c.state = w.state
		WHERE w.state = 'breaker_open' AND w.ended_at IS NULL AND c.seen_at > $1`, micros(f.At.Add(-seenWithin))).Scan(into(&f.HeldBackSince))
}

// keepCycle begins the next cycle where the one under way has come to everybody, or syncs are stopped: time in which nobody may
// be called does not count.
func keepCycle(ctx context.Context, tx conn, f alert.Facts) error {
	completed := f.Cycle.CompletedAt
	switch {
	case f.Stopped != "":
	case f.Cycle.StartedAt.IsZero():
	case f.Cycle.Left == 0:
		completed = f.At
	default:
		return nil
	}
	at := int64(0)
	if !completed.IsZero() {
		at = micros(completed)
	}
	_, err := tx.exec(ctx, `UPDATE sync_cycle SET started_at = $1, completed_at = $2`, micros(f.At), at)
	return err
}

// factsKept is how long facts are kept, to go through them again.
const factsKept = 7 * 24 * time.Hour

func keepFacts(ctx context.Context, tx conn, f alert.Facts) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO alert_facts (minute_at, facts) VALUES ($1, $2) ON CONFLICT (minute_at) DO UPDATE SET facts = excluded.facts`,
		micros(f.At.Truncate(time.Minute)), string(text))
	return err
}

// AlertHistory are the kept facts since a time, oldest first: one of each minute, of the last 7 days.
func (sys *System) AlertHistory(ctx context.Context, since time.Time) (history []alert.Facts, err error) {
	rows, err := sys.s.db.reader().query(ctx, `SELECT facts FROM alert_facts WHERE minute_at >= $1 ORDER BY minute_at`, micros(since.Truncate(time.Minute)))
	if err != nil {
		return nil, wrap(err, "read the history of alerts")
	}
	err = each(rows, func() error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var f alert.Facts
		err := json.Unmarshal([]byte(text), &f)
		history = append(history, f)
		return err
	})
	return history, wrap(err, "read the history of alerts")
}

// PruneAlerts deletes what nobody needs any more: facts after 7 days, counts of database errors after one, and incidents with
// their alerts and messages a year after their end.
func (sys *System) PruneAlerts(ctx context.Context, now time.Time) error {
	year := micros(now.AddDate(-1, 0, 0))
	err := sys.s.db.update(ctx, func(tx conn) error {
		for _, s := range []struct {
			query  string
			before int64
		}{
			{`DELETE FROM alert_facts WHERE minute_at < $1`, micros(now.Add(-factsKept))},
			{`DELETE FROM database_error_minutes WHERE minute_at < $1`, micros(now.Add(-24 * time.Hour))},
			{`DELETE FROM alert_messages WHERE at < $1`, year},
			{`DELETE FROM alerts WHERE state = 'resolved' AND incident_id IN (SELECT incident_id FROM alert_incidents WHERE ended_at < $1)`, year},
			{`DELETE FROM alert_incidents WHERE ended_at < $1 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident_id = alert_incidents.incident_id)`, year},
			{`DELETE FROM platform_waits WHERE began_at < $1`, micros(now.Add(-90 * 24 * time.Hour))},
			{`DELETE FROM platform_checks WHERE asked_at < $1`, micros(now.Add(-90 * 24 * time.Hour))},
		} {
			if _, err := tx.exec(ctx, s.query, s.before); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap(err, "prune alerts")
}

// JobDone keeps that a background job came to its end in time, or was ended because it took too long.
func (sys *System) JobDone(ctx context.Context, name string, at time.Time, timedOut bool) error {
	column := "done_at"
	if timedOut {
		column = "timed_out_at"
	}
	return sys.write(ctx, "note a job", `
		INSERT INTO background_jobs (name, `+column+`) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET `+column+` = excluded.`+column, name, micros(at))
}
