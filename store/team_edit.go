package store

import (
	"context"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// CreateTeam adds a team and returns the new id. Errors are those of CreateCompetitor; a name that the coach has already is a Clash.
func (sc *Scope) CreateTeam(ctx context.Context, t roster.Team) (id string, err error) {
	t.ID = uuid.NewString()
	if err := roster.CheckTeam(t); err != nil {
		return "", err
	}
	err = sc.edit(ctx, "create team", func(tx conn) error {
		if _, err := rosterCoach(ctx, tx, t.CoachID); err != nil {
			return err
		}
		if err := sc.writeTeam(ctx, tx, roster.Change[roster.Team]{New: t, Added: true}); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "team.create", "", "team="+t.ID)
	})
	return t.ID, err
}

// RenameTeam gives a team another name. Errors are those of CreateTeam, and NoSuch.
func (sc *Scope) RenameTeam(ctx context.Context, id, name string) error {
	if err := roster.CheckTeam(roster.Team{ID: id, Name: name}); err != nil {
		return err
	}
	return sc.edit(ctx, "rename team", func(tx conn) error {
		old, err := rosterTeam(ctx, tx, id)
		if err != nil || old.Name == name {
			return err
		}
		t := old
		t.Name = name
		if err := sc.writeTeam(ctx, tx, roster.Change[roster.Team]{Old: old, New: t}); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "team.rename", "", "team="+id)
	})
}

func (sc *Scope) writeTeam(ctx context.Context, tx conn, c roster.Change[roster.Team]) error {
	err := sc.write(ctx, tx, roster.Plan{Teams: []roster.Change[roster.Team]{c}})
	if violatesUnique(err) {
		return wrong("team", "the coach has a team of this name already")
	}
	return err
}

// RosterTeam reads a team as the roster has it, for a form. One that does not exist is a NoSuch error; who may not edit gets a Denied one.
func (sc *Scope) RosterTeam(ctx context.Context, id string) (roster.Team, error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return roster.Team{}, err
	}
	t, err := rosterTeam(ctx, sc.s.db.reader(), id)
	return t, wrap(err, "read team")
}

func rosterTeam(ctx context.Context, tx conn, id string) (roster.Team, error) {
	var t roster.Team
	err := tx.row(ctx, `SELECT team_id, coach_id, name FROM teams WHERE team_id = $1`, id).Scan(&t.ID, &t.CoachID, &t.Name)
	return t, noSuch(err, "team")
}

// DeleteTeam deletes a team in which nobody is. One that has members, deactivated ones too, is a Clash error.
func (sc *Scope) DeleteTeam(ctx context.Context, id string) error {
	return sc.edit(ctx, "delete team", func(tx conn) error {
		t, err := rosterTeam(ctx, tx, id)
		if err != nil {
			return err
		}
		var n int
		if err := tx.row(ctx, `SELECT COUNT(*) FROM competitors WHERE team_id = $1`, id).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return domain.Errorf(domain.Clash, "%s still has %d members.", t.Name, n).WithHint("Put them into another team, or into none, first.")
		}
		if _, err := tx.exec(ctx, `DELETE FROM teams WHERE team_id = $1`, id); err != nil {
			return err
		}
		if err := sc.happened(ctx, tx, kindTeam, id, "deleted"); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "team.delete", "", "team="+id)
	})
}
