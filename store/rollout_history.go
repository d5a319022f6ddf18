package store

import (
	"context"
	"fmt"
	"time"
)

// EnrolledAt lists the coaches who had the feature at a moment, by id.
func (r *Rollout) EnrolledAt(ctx context.Context, at time.Time) ([]string, error) {
	rows, err := r.s.db.reader().query(ctx, `
		SELECT coach_id FROM rollout_enrolments WHERE gained_at <= $1 AND (lost_at IS NULL OR lost_at > $1) ORDER BY coach_id`, micros(at))
	if err != nil {
		return nil, fmt.Errorf("who had the feature: %w", err)
	}
	list := []string{}
	err = each(rows, func() error {
		var id string
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	})
	return list, wrap(err, "who had the feature")
}

// RolloutEntry is a change as the history has it.
type RolloutEntry struct {
	ID                int64
	At                time.Time
	Actor             string // email of a user, or the word for a program
	Action            ChangeAction
	Coach             string // name of whom it is about; "" where it is about nobody alone
	Reason            string
	Level             Level
	KillSwitch        bool
	Eligible, Holders int       // coaches not held back, and those with the feature, afterwards
	Gained, Lost      []string  // names of coaches
	Phase             string    // that it entered; "" where it entered none
	OverrideUntil     time.Time // zero: it overrode no gate
	Overridden        []string  // gates
}

// History lists the last changes, newest first, before the change given; 0 is from the newest on.
func (r *Rollout) History(ctx context.Context, before int64, limit int) ([]RolloutEntry, error) {
	var list []RolloutEntry
	err := r.s.db.view(ctx, func(tx conn) error {
		rows, err := tx.query(ctx, `
			SELECT h.change_id, h.at, COALESCE(u.email, h.actor), h.action, COALESCE(c.name, h.coach_id), h.reason, h.percent, h.off, h.kill_switch,
				h.eligible, h.enrolled, h.phase, h.override_until, h.overridden
			FROM rollout_changes h
			LEFT JOIN users u ON u.user_id = h.actor
			LEFT JOIN coaches c ON c.coach_id = h.coach_id
			WHERE $1 = 0 OR h.change_id < $1 ORDER BY h.change_id DESC LIMIT $2`, before, limit)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			var e RolloutEntry
			var enrolled []string
			err := rows.Scan(&e.ID, into(&e.At), &e.Actor, &e.Action, &e.Coach, &e.Reason, &e.Level.Percent, &e.Level.Off, &e.KillSwitch,
				&e.Eligible, jsonList{&enrolled}, &e.Phase, into(&e.OverrideUntil), jsonList{&e.Overridden})
			e.Holders = len(enrolled)
			list = append(list, e)
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			if err := movedBy(ctx, tx, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, wrap(err, "read the rollout's history")
}

// movedBy reads whom a change gave the feature, and from whom it took it.
func movedBy(ctx context.Context, tx conn, e *RolloutEntry) error {
	rows, err := tx.query(ctx, `
		SELECT COALESCE(c.name, e.coach_id), e.gained_by = $1 FROM rollout_enrolments e LEFT JOIN coaches c ON c.coach_id = e.coach_id
		WHERE e.gained_by = $1 OR e.lost_by = $1 ORDER BY c.sort_key, e.coach_id`, e.ID)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var name string
		var gained bool
		err := rows.Scan(&name, &gained)
		if gained {
			e.Gained = append(e.Gained, name)
		} else {
			e.Lost = append(e.Lost, name)
		}
		return err
	})
}
