package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// launchDays is how many good days make a stable production.
const launchDays = 7

// Launch is what the lists of the launch go by.
type Launch struct {
	TokenAcceptedAt time.Time // the token in use; zero: it never was, or was refused since
	TestAlertAt     time.Time // when a test alert was last delivered; zero: never
	Pending         int       // migrations
	Pilots, Ready   int

	PilotFrom, PilotTo time.Time      // the last pilot phase; PilotTo zero: it is on; PilotFrom zero: there was none
	Pilot              rollout.Trials // of it, added up
	PilotClean         bool           // enough of them succeeded, and the guard did not act

	Days     []rollout.DayTrials // the last 7 calendar days, oldest first
	Reports  int                 // problem reports within a week
	Critical []domain.AlertRule  // that fired within a week
	Ticks    map[string]Tick     // what people have confirmed, by item
}

// Tick is what somebody has confirmed.
type Tick struct {
	At time.Time
	By string // email of a user
}

// The items that people confirm.
var launchItems = []string{"pilots_briefed", "recommended_done", "documents_there", "team_trained"}

// Launch reads what the lists of the launch go by. zone is that of calendar days.
func (r *Rollout) Launch(ctx context.Context, zone *time.Location) (l Launch, err error) {
	if l.Pending, err = r.s.Pending(ctx); err != nil {
		return l, fmt.Errorf("read the launch: %w", err)
	}
	err = r.s.db.view(ctx, func(tx conn) error {
		now := r.s.clock()
		err := tx.row(ctx, `
			SELECT (SELECT t.accepted_at FROM platform_tokens t JOIN platform_connection c ON c.fingerprint = t.fingerprint
					WHERE t.accepted_at IS NOT NULL AND (t.refused_at IS NULL OR t.refused_at < t.accepted_at)),
				(SELECT MAX(d.ended_at) FROM alert_deliveries d JOIN alert_messages m ON m.message_id = d.message_id WHERE m.kind = 'test' AND d.state = 'sent')`).
			Scan(into(&l.TokenAcceptedAt), into(&l.TestAlertAt))
		if err != nil {
			return err
		}
		f := rollout.Facts{At: now}
		if err := gatePilots(ctx, tx, &f); err != nil {
			return err
		}
		if err := gateReports(ctx, tx, &f); err != nil {
			return err
		}
		l.Pilots, l.Ready, l.Reports = f.Pilots, f.PilotsReady, f.Reports
		if err := l.readPilotPhase(ctx, tx); err != nil {
			return err
		}
		windows, err := closedWindows(ctx, tx, now.AddDate(0, 0, -launchDays-1))
		if err != nil {
			return err
		}
		l.Days = rollout.LastDays(windows, now, zone, launchDays)
		if err := l.readCritical(ctx, tx, now.Add(-rollout.Week)); err != nil {
			return err
		}
		return l.readTicks(ctx, tx)
	})
	return l, wrap(err, "read the launch")
}

// readPilotPhase adds up the trials of the last pilot phase, up to the next change that entered another. One that began before phases were
// known has no such change, and is on where the level says so.
func (l *Launch) readPilotPhase(ctx context.Context, tx conn) error {
	var acted int
	err := tx.row(ctx, `
		SELECT p.at, (SELECT MIN(n.at) FROM rollout_changes n WHERE n.change_id > p.change_id AND n.phase NOT IN ('', 'pilot')),
			(SELECT COUNT(*) FROM rollout_changes g WHERE g.change_id > p.change_id AND g.action IN ('guard_freeze', 'guard_back', 'guard_off')
				AND g.change_id <= COALESCE((SELECT MIN(n.change_id) FROM rollout_changes n WHERE n.change_id > p.change_id AND n.phase NOT IN ('', 'pilot')), g.change_id))
		FROM (SELECT change_id, at FROM rollout_changes WHERE phase = 'pilot'
			UNION ALL SELECT 0, CASE WHEN r.percent = 0 AND NOT r.off THEN r.phase_at ELSE 0 END FROM rollout r) p ORDER BY p.change_id DESC LIMIT 1`).
		Scan(into(&l.PilotFrom), into(&l.PilotTo), &acted)
	if err != nil || l.PilotFrom.UnixMicro() == 0 {
		l.PilotFrom, l.PilotTo = time.Time{}, time.Time{}
		return wrap(err, "read the pilot phase")
	}
	windows, err := closedWindows(ctx, tx, l.PilotFrom)
	if err != nil {
		return err
	}
	if !l.PilotTo.IsZero() {
		windows = rollout.Since(windows, l.PilotFrom, l.PilotTo)
	}
	l.Pilot = rollout.Sum(windows)
	l.PilotClean = l.Pilot.Clean() && acted == 0
	return nil
}

func (l *Launch) readCritical(ctx context.Context, tx conn, since time.Time) error {
	rows, err := tx.query(ctx, `SELECT DISTINCT rule FROM alerts WHERE resolved_at IS NULL OR resolved_at > $1 ORDER BY rule`, micros(since))
	if err != nil {
		return fmt.Errorf("read alerts of a week: %w", err)
	}
	err = each(rows, func() error {
		var rule domain.AlertRule
		err := rows.Scan(&rule)
		if rule.Critical() {
			l.Critical = append(l.Critical, rule)
		}
		return err
	})
	return wrap(err, "read alerts of a week")
}

func (l *Launch) readTicks(ctx context.Context, tx conn) error {
	rows, err := tx.query(ctx, `
		SELECT t.item, t.ticked_at, COALESCE(u.email, t.ticked_by) FROM launch_ticks t LEFT JOIN users u ON u.user_id = t.ticked_by ORDER BY t.item`)
	if err != nil {
		return fmt.Errorf("read what is confirmed: %w", err)
	}
	l.Ticks = map[string]Tick{}
	err = each(rows, func() error {
		var item string
		var t Tick
		err := rows.Scan(&item, into(&t.At), &t.By)
		l.Ticks[item] = t
		return err
	})
	return wrap(err, "read what is confirmed")
}

// Confirm notes that the actor has confirmed an item of the launch; with done false it takes that back. What is confirmed already keeps
// its name and date. An unknown item is an Invalid error.
func (r *Rollout) Confirm(ctx context.Context, item string, done bool) error {
	if !slices.Contains(launchItems, item) {
		return domain.Errorf(domain.Invalid, "There is no item %q to confirm.", item).WithHint("Open the page again.")
	}
	query, values := `DELETE FROM launch_ticks WHERE item = $1`, []any{item}
	if done {
		query = `INSERT INTO launch_ticks (item, ticked_at, ticked_by) VALUES ($1, $2, $3) ON CONFLICT (item) DO NOTHING`
		values = append(values, r.s.now(), r.actor)
	}
	err := r.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, query, values...)
		return err
	})
	return wrap(err, "confirm an item of the launch")
}
