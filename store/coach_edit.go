package store

import (
	"context"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// CreateCoach adds a coach and returns the new id. Errors are those of CreateCompetitor.
func (sc *Scope) CreateCoach(ctx context.Context, c domain.Coach) (id string, err error) {
	c.ID = uuid.NewString()
	if err := roster.CheckCoach(c); err != nil {
		return "", err
	}
	err = sc.edit(ctx, "create coach", func(tx conn) error {
		if err := emailFree(ctx, tx, c); err != nil {
			return err
		}
		if err := sc.write(ctx, tx, roster.Plan{Coaches: []roster.Change[domain.Coach]{{New: c, Added: true}}}); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "coach.create", "", "coach="+c.ID)
	})
	return c.ID, err
}

// UpdateCoach stores a coach anew. Errors are those of UpdateCompetitor.
func (sc *Scope) UpdateCoach(ctx context.Context, old, c domain.Coach) error {
	c.ID = old.ID
	if err := roster.CheckCoach(c); err != nil {
		return err
	}
	return sc.edit(ctx, "update coach", func(tx conn) error {
		stored, err := rosterCoach(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if stored != old {
			return changedMeanwhile(stored.Name)
		}
		if c == stored {
			return nil
		}
		if err := emailFree(ctx, tx, c); err != nil {
			return err
		}
		if err := sc.write(ctx, tx, roster.Plan{Coaches: []roster.Change[domain.Coach]{{Old: stored, New: c}}}); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "coach.update", "", "coach="+c.ID)
	})
}

func rosterCoach(ctx context.Context, tx conn, id string) (domain.Coach, error) {
	var c domain.Coach
	err := tx.row(ctx, `SELECT coach_id, email, name, school, region FROM coaches WHERE coach_id = $1`, id).Scan(&c.ID, &c.Email, &c.Name, &c.School, &c.Region)
	return c, noSuch(err, "coach")
}

func emailFree(ctx context.Context, tx conn, c domain.Coach) error {
	var taken bool
	err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM coaches WHERE email_key = $1 AND coach_id <> $2)`, emailKey(c.Email), c.ID).Scan(&taken)
	if err == nil && taken {
		return wrong("coach_email", "another coach has this email")
	}
	return err
}

// SetCoachActive has a coach look after competitors, or not any more. A coach who still has active competitors is a Clash error. The
// coach's logins and place in the rollout end with it.
func (sc *Scope) SetCoachActive(ctx context.Context, id string, active bool) error {
	action := map[bool]string{true: "activate", false: "deactivate"}[active]
	return sc.edit(ctx, action+" coach", func(tx conn) error {
		c, err := rosterCoach(ctx, tx, id)
		if err != nil {
			return err
		}
		if !active {
			if err := nobodyLeft(ctx, tx, c); err != nil {
				return err
			}
		}
		var at any
		if !active {
			at = sc.s.now()
			if err := (&Rollout{sc.s, sc.viewer.UserID}).leave(ctx, tx, id); err != nil {
				return err
			}
		}
		n, err := tx.exec(ctx, `UPDATE coaches SET deactivated_at = $2, updated_at = $3 WHERE coach_id = $1 AND (deactivated_at IS NULL) <> $4`, id, at, sc.s.now(), active)
		if err != nil || n == 0 {
			return err
		}
		if err := sc.happened(ctx, tx, kindCoach, id, action+"d"); err != nil {
			return err
		}
		if !active {
			if err := endLogins(ctx, tx, id, sc.s.now()); err != nil {
				return err
			}
		}
		return sc.audit(ctx, tx, "coach."+action, "", "coach="+id)
	}, lockRollout) // a change of the rollout, too, locks it before it writes coaches
}

func nobodyLeft(ctx context.Context, tx conn, c domain.Coach) error {
	var n int
	err := tx.row(ctx, `SELECT COUNT(*) FROM competitors WHERE coach_id = $1 AND deactivated_at IS NULL`, c.ID).Scan(&n)
	if err == nil && n > 0 {
		return domain.Errorf(domain.Clash, "%s still has %d active competitors.", c.Name, n).WithHint("Move them to another coach, or deactivate them, first.")
	}
	return err
}

// endLogins disables the users of a coach, whose sessions are over at once.
func endLogins(ctx context.Context, tx conn, coachID string, now int64) error {
	if _, err := tx.exec(ctx, `UPDATE users SET disabled_at = $2 WHERE coach_id = $1 AND disabled_at IS NULL`, coachID, now); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM sessions WHERE user_id IN (SELECT user_id FROM users WHERE coach_id = $1)`, coachID)
	return err
}
