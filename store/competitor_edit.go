package store

import (
	"context"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// edit runs fn in a transaction that has the roster to itself, for who may edit it. What is locked first comes before the roster.
func (sc *Scope) edit(ctx context.Context, what string, fn func(tx conn) error, first ...func(context.Context, conn) error) error {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		for _, lock := range append(first, sc.s.db.lockRoster) {
			if err := lock(ctx, tx); err != nil {
				return err
			}
		}
		return fn(tx)
	})
	sc.s.totals.changed()
	return wrap(err, what)
}

// write stores a plan as the viewer's. A key that is taken is a Clash error that says which.
func (sc *Scope) write(ctx context.Context, tx conn, plan roster.Plan) error {
	return writeRoster(ctx, tx, plan, author{sc.viewer.UserID, "page"}, sc.s.now())
}

// CreateCompetitor adds a competitor and returns the new id. What cannot be stored is an Invalid error with a roster.Invalid in its
// chain; an email or account that another competitor has is a Clash error.
func (sc *Scope) CreateCompetitor(ctx context.Context, c domain.Competitor) (id string, err error) {
	c.ID = uuid.NewString()
	if err := roster.CheckCompetitor(c); err != nil {
		return "", err
	}
	err = sc.edit(ctx, "create competitor", func(tx conn) error {
		if err := fits(ctx, tx, c); err != nil {
			return err
		}
		plan := roster.Plan{Competitors: []roster.Change[domain.Competitor]{{New: c, Added: true}}}
		if err := sc.write(ctx, tx, plan); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "competitor.create", c.ID, "")
	})
	return c.ID, err
}

// UpdateCompetitor stores a competitor anew, all but the coach: that is MoveCompetitor's. old is what the form was made from; where
// somebody has changed it since, that is a Clash error and nothing is stored. Errors are those of CreateCompetitor, and NoSuch.
func (sc *Scope) UpdateCompetitor(ctx context.Context, old, c domain.Competitor) error {
	c.ID, c.CoachID = old.ID, old.CoachID
	if err := roster.CheckCompetitor(c); err != nil {
		return err
	}
	return sc.edit(ctx, "update competitor", func(tx conn) error {
		stored, err := rosterCompetitor(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if stored != old {
			return changedMeanwhile(stored.Name())
		}
		if c == stored {
			return nil
		}
		return sc.replace(ctx, tx, stored, c, "competitor.update")
	})
}

// replace stores a competitor in the place of the one before.
func (sc *Scope) replace(ctx context.Context, tx conn, old, c domain.Competitor, action string) error {
	if err := fits(ctx, tx, c); err != nil {
		return err
	}
	if err := sc.write(ctx, tx, roster.Plan{Competitors: []roster.Change[domain.Competitor]{{Old: old, New: c}}}); err != nil {
		return err
	}
	return sc.audit(ctx, tx, action, c.ID, "")
}

// MoveCompetitor gives a competitor another coach, and no team. A coach or competitor that does not exist is a NoSuch error, the same
// coach a Clash.
func (sc *Scope) MoveCompetitor(ctx context.Context, id, coachID string) error {
	return sc.edit(ctx, "move competitor", func(tx conn) error {
		old, err := rosterCompetitor(ctx, tx, id)
		if err != nil {
			return err
		}
		if old.CoachID == coachID {
			return domain.Errorf(domain.Clash, "%s has this coach already.", old.Name()).WithHint("Nothing was changed.")
		}
		c := old
		c.CoachID, c.TeamID = coachID, ""
		return sc.replace(ctx, tx, old, c, "competitor.move")
	})
}

// SetCompetitorActive has a competitor take part, or not any more: then nothing is pulled or sent about them. It reports whether that was
// a change; a competitor who does not exist is a NoSuch error.
func (sc *Scope) SetCompetitorActive(ctx context.Context, id string, active bool) (changed bool, err error) {
	action := map[bool]string{true: "activate", false: "deactivate"}[active]
	err = sc.edit(ctx, action+" competitor", func(tx conn) error {
		if _, err := rosterCompetitor(ctx, tx, id); err != nil {
			return err
		}
		var at any
		if !active {
			at = sc.s.now()
		}
		n, err := tx.exec(ctx, `UPDATE competitors SET deactivated_at = $2, updated_at = $3 WHERE competitor_id = $1 AND (deactivated_at IS NULL) <> $4`,
			id, at, sc.s.now(), active)
		if err != nil || n == 0 {
			return err
		}
		changed = true
		if err := sc.happened(ctx, tx, kindCompetitor, id, action+"d"); err != nil {
			return err
		}
		if err := relist(ctx, tx, sc.s.now(), "c.competitor_id = $1", id); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "competitor."+action, id, "")
	})
	return changed, err
}

// happened keeps in a record's history what was done to the whole of it.
func (sc *Scope) happened(ctx context.Context, tx conn, kind, id, what string) error {
	return writeChanges(ctx, tx, [][]any{{sc.s.now(), sc.viewer.UserID, "page", kind, id, what, "", ""}})
}

// RosterCompetitor reads one of the viewer's competitors as the roster has them, for a form. Others are a NoSuch error; who may not edit
// gets a Denied one.
func (sc *Scope) RosterCompetitor(ctx context.Context, id string) (domain.Competitor, error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return domain.Competitor{}, err
	}
	c, err := rosterCompetitor(ctx, sc.s.db.reader(), id)
	return c, wrap(err, "read competitor")
}

// rosterCompetitor reads a competitor as the roster has them.
func rosterCompetitor(ctx context.Context, tx conn, id string) (domain.Competitor, error) {
	var c domain.Competitor
	err := tx.row(ctx, `
		SELECT competitor_id, COALESCE(game_platform_id, ''), coach_id, COALESCE(team_id, ''), first_name, last_name, COALESCE(email, ''), division, grade, status
		FROM competitors WHERE competitor_id = $1`, id).
		Scan(&c.ID, &c.GamePlatformID, &c.CoachID, &c.TeamID, &c.FirstName, &c.LastName, &c.Email, &c.Division, &c.Grade, &c.Status)
	return c, noSuch(err, "competitor")
}

// fits finds what keeps a competitor from being stored beside the others.
func fits(ctx context.Context, tx conn, c domain.Competitor) error {
	var coach, team, email, account, erased bool
	err := tx.row(ctx, `
		SELECT EXISTS (SELECT 1 FROM coaches WHERE coach_id = $1 AND deactivated_at IS NULL), EXISTS (SELECT 1 FROM teams WHERE team_id = $2 AND coach_id = $1),
			EXISTS (SELECT 1 FROM competitors WHERE email_key = $3 AND competitor_id <> $4),
			EXISTS (SELECT 1 FROM competitors WHERE game_platform_id = $5 AND competitor_id <> $4), EXISTS (SELECT 1 FROM erased_people WHERE game_platform_id = $5)`,
		c.CoachID, c.TeamID, emailKey(c.Email), c.ID, c.GamePlatformID).Scan(&coach, &team, &email, &account, &erased)
	switch {
	case err != nil:
		return err
	case !coach:
		return domain.Errorf(domain.NoSuch, "There is no such coach, or the coach is not active any more.").WithHint("Choose another coach.")
	case c.TeamID != "" && !team:
		return wrong("team", "this coach has no such team")
	case c.Email != "" && email:
		return wrong("email", "another competitor has this email")
	case c.GamePlatformID != "" && erased:
		return wrong("game_platform_id", "this account belongs to somebody who was deleted at their request")
	case c.GamePlatformID != "" && account:
		return wrong("game_platform_id", "another competitor has this account")
	}
	return nil
}

// wrong is a Clash error about one column.
func wrong(column, reason string) error {
	return domain.Errorf(domain.Clash, "Some of it cannot be stored.").WithHint("Mend what is marked, and save again.").
		Because(roster.Invalid{{Column: column, Reason: reason}})
}

func changedMeanwhile(name string) error {
	return domain.Errorf(domain.Clash, "Somebody has changed %s since you opened this page.", name).WithHint("Nothing was stored. Open the page again and look first.")
}
