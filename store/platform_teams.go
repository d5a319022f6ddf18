package store

import (
	"context"
	"database/sql"

	"flagpole/internal/domain"
)

// TeamToMake is a team that is to be made on the platform. Division is empty where its members are of several.
type TeamToMake struct {
	ID, CoachID, Name, School string
	Division                  domain.Division
}

const teamsToMake = `
	SELECT t.team_id, t.coach_id, t.name, co.school,
		COALESCE((SELECT CASE WHEN MIN(c.division) = MAX(c.division) THEN MIN(c.division) ELSE '' END FROM competitors c WHERE c.team_id = t.team_id AND c.deactivated_at IS NULL), '')
	FROM teams t JOIN coaches co ON co.coach_id = t.coach_id
	JOIN game_platform_coaches g ON g.coach_id = co.coach_id AND g.metactf_user_status = '` + string(domain.PlatformApproved) + `'
	WHERE ` + opted + ` AND NOT EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = t.team_id)
		AND EXISTS (SELECT 1 FROM competitors c LEFT JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
			WHERE c.team_id = t.team_id AND c.game_platform_id IS NOT NULL AND ` + toAssign + ` AND ` + approvedUser + `)`

// TeamsToMake lists the teams that somebody is to be put into and that are not on the platform yet.
func (sys *System) TeamsToMake(ctx context.Context, limit int) ([]TeamToMake, error) {
	var a args
	query := teamsToMake + notBefore(&a, domain.StepTeam, "t.team_id", sys.s.now()) + ` ORDER BY t.team_id LIMIT ` + a.add(limit)
	return teamRows(sys.s.db.reader().query(ctx, query, a...))
}

// TeamToMake reads a team again before something is sent; ok is false where nothing may be sent any more.
func (sys *System) TeamToMake(ctx context.Context, id string) (t TeamToMake, ok bool, err error) {
	list, err := teamRows(sys.s.db.reader().query(ctx, teamsToMake+` AND t.team_id = $1`, id))
	if err != nil || len(list) == 0 {
		return TeamToMake{}, false, err
	}
	return list[0], true, nil
}

func teamRows(rows *sql.Rows, err error) ([]TeamToMake, error) {
	if err != nil {
		return nil, wrap(err, "list teams to make")
	}
	var list []TeamToMake
	err = each(rows, func() error {
		var t TeamToMake
		err := rows.Scan(&t.ID, &t.CoachID, &t.Name, &t.School, &t.Division)
		list = append(list, t)
		return err
	})
	return list, wrap(err, "list teams to make")
}

// TeamMade keeps that a team is on the platform. known is false where it was there before and may differ.
func (sys *System) TeamMade(ctx context.Context, t TeamToMake, known bool) error {
	if !known {
		t.Name, t.School, t.Division = "", "", ""
	}
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			INSERT INTO game_platform_teams (syned_team_id, syned_coach_user_id, team_name, affiliation, division, made_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (syned_team_id) DO NOTHING`, t.ID, t.CoachID, t.Name, t.School, string(t.Division), sys.s.now())
		if err != nil {
			return err
		}
		return forgetFault(ctx, tx, domain.StepTeam, t.ID)
	})
	return wrap(err, "store a team")
}

// teamsToDelete are the teams on the platform (m) that the roster does not have any more, and in which nobody is.
const teamsToDelete = `
	FROM game_platform_teams m JOIN coaches co ON co.coach_id = m.syned_coach_user_id
	WHERE ` + opted + ` AND NOT EXISTS (SELECT 1 FROM teams t WHERE t.team_id = m.syned_team_id)
		AND NOT EXISTS (SELECT 1 FROM game_platform_assignments a WHERE a.syned_team_id = m.syned_team_id)`

// TeamsToDelete lists the ids of the teams that are to be deleted on the platform.
func (sys *System) TeamsToDelete(ctx context.Context, limit int) ([]string, error) {
	var a args
	query := `SELECT m.syned_team_id` + teamsToDelete + notBefore(&a, domain.StepTeamRemoval, "m.syned_team_id", sys.s.now()) +
		` ORDER BY m.syned_team_id LIMIT ` + a.add(limit)
	rows, err := sys.s.db.reader().query(ctx, query, a...)
	if err != nil {
		return nil, wrap(err, "list teams to delete")
	}
	var list []string
	err = each(rows, func() error {
		var id string
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	})
	return list, wrap(err, "list teams to delete")
}

// MayDeleteTeam reports whether a team is still to be deleted, right before it is.
func (sys *System) MayDeleteTeam(ctx context.Context, id string) (may bool, err error) {
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1`+teamsToDelete+` AND m.syned_team_id = $1)`, id).Scan(&may)
	return may, wrap(err, "look at a team again")
}

// TeamDeleted keeps that a team is not on the platform any more.
func (sys *System) TeamDeleted(ctx context.Context, id string) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		if _, err := tx.exec(ctx, `DELETE FROM game_platform_teams WHERE syned_team_id = $1`, id); err != nil {
			return err
		}
		return forgetFault(ctx, tx, domain.StepTeamRemoval, id)
	})
	return wrap(err, "store that a team is deleted")
}
