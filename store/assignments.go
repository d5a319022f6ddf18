package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"flagpole/internal/domain"
)

// Assignment is who is in which team on the platform, by the platform's ids.
type Assignment struct{ UserID, TeamID string }

// wantedTeam is in SQL the team in which a competitor (c) of a coach with the game platform is to be on the platform, an empty text for none.
const wantedTeam = `CASE WHEN c.deactivated_at IS NULL THEN COALESCE(c.team_id, '') ELSE '' END`

// assigned joins what is known of a competitor's (c) assignment (a) and coach (co), and says that the portal may act on it.
const assigned = `
	FROM competitors c
	JOIN coaches co ON co.coach_id = c.coach_id
	LEFT JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
	WHERE c.game_platform_id IS NOT NULL AND ` + opted

// What the portal does by itself follows from three teams: the one that is wanted, the one of the last complete answer (theirs),
// and the one where the portal itself last put the competitor (ours). Where theirs is not ours, somebody has changed it over there:
// that is drift, and nothing is done about it without a person's word.
const (
	theirs = `COALESCE(a.syned_team_id, '')`
	ours   = `COALESCE(a.ours_team_id, '')`

	toRemove = theirs + ` <> '' AND ` + theirs + ` = ` + ours + ` AND ` + theirs + ` <> ` + wantedTeam
	toAssign = theirs + ` = '' AND ` + wantedTeam + ` <> '' AND ` + ours + ` <> ` + wantedTeam
	drifted  = theirs + ` <> ` + wantedTeam + ` AND ` + theirs + ` <> ` + ours + ` AND NOT (` + toAssign + `)`
)

// approvedUser is the predicate that the platform has approved the account of a competitor (c).
const approvedUser = `EXISTS (SELECT 1 FROM game_platform_users u WHERE u.syned_user_id = c.game_platform_id AND u.metactf_user_status = '` + string(domain.PlatformApproved) + `')`

// StoreAssignments keeps a complete answer about who is in which team. A partial one must never come here: whoever is not in all is
// in no team. What agrees with the roster is from then on what the portal itself would have done.
func (sys *System) StoreAssignments(ctx context.Context, all []Assignment, at time.Time) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		before, err := storedAssignments(ctx, tx)
		if err != nil {
			return err
		}
		write := movedSince(before, all, micros(at))
		err = inBatches(ctx, tx, write, func(values string) string {
			return `
				INSERT INTO game_platform_assignments (syned_user_id, syned_team_id, ours_team_id, since_at) VALUES ` + values + `
				ON CONFLICT (syned_user_id) DO UPDATE SET syned_team_id = excluded.syned_team_id, since_at = excluded.since_at`
		})
		if err != nil {
			return err
		}
		if err := agree(ctx, tx); err != nil {
			return err
		}
		// A team that somebody is in is there, and need not be made.
		_, err = tx.exec(ctx, `
			INSERT INTO game_platform_teams (syned_team_id, syned_coach_user_id, team_name, affiliation, division, made_at)
			SELECT t.team_id, t.coach_id, '', '', '', $1 FROM teams t
			WHERE EXISTS (SELECT 1 FROM game_platform_assignments a WHERE a.syned_team_id = t.team_id)
				AND NOT EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = t.team_id)`, micros(at))
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `
			INSERT INTO assignment_reads (only_one, read_at, assigned) VALUES (1, $1, $2)
			ON CONFLICT (only_one) DO UPDATE SET read_at = excluded.read_at, assigned = excluded.assigned`, micros(at), len(all))
		return err
	})
	return wrap(err, "store assignments")
}

// movedSince are the rows of those who are elsewhere than before: in another team, in one for the first time, or in none any more.
func movedSince(before map[string]string, all []Assignment, at int64) [][]any {
	now := make(map[string]string, len(all)) // should somebody stand in it twice, the last place counts
	for _, one := range all {
		now[one.UserID] = one.TeamID
	}
	var write [][]any
	for _, id := range sortedKeys(now) {
		if was, known := before[id]; !known || was != now[id] {
			write = append(write, []any{id, now[id], "", at})
		}
	}
	for _, id := range sortedKeys(before) {
		if _, there := now[id]; !there && before[id] != "" {
			write = append(write, []any{id, "", "", at})
		}
	}
	return write
}

func storedAssignments(ctx context.Context, tx conn) (map[string]string, error) {
	rows, err := tx.query(ctx, `SELECT syned_user_id, syned_team_id FROM game_platform_assignments`)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	err = each(rows, func() error {
		var user, team string
		err := rows.Scan(&user, &team)
		all[user] = team
		return err
	})
	return all, err
}

// agree takes for the portal's own what is on the platform as the roster wants it.
func agree(ctx context.Context, tx conn) error {
	_, err := tx.exec(ctx, `
		UPDATE game_platform_assignments AS a SET ours_team_id = syned_team_id
		WHERE ours_team_id <> syned_team_id AND EXISTS (
			SELECT 1 FROM competitors c WHERE c.game_platform_id = a.syned_user_id AND a.syned_team_id = `+wantedTeam+`)`)
	return err
}

// AssignmentsReadAt is when all assignments were last read completely; zero: never.
func (sys *System) AssignmentsReadAt(ctx context.Context) (at time.Time, err error) {
	err = sys.s.db.reader().row(ctx, `SELECT read_at FROM assignment_reads`).Scan(into(&at))
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, wrap(err, "read when assignments were read")
}

// TeamStep is what is to be done for one competitor's team: taken out of the team, or put into it.
type TeamStep struct {
	CompetitorID, CoachID string
	Assignment
}

// Removals lists the competitors who are to be taken out of the team in which the portal put them.
func (sys *System) Removals(ctx context.Context, limit int) ([]TeamStep, error) {
	var a args
	query := `SELECT c.competitor_id, c.coach_id, c.game_platform_id, ` + theirs + assigned + ` AND ` + toRemove +
		notBefore(&a, domain.StepRemoval, "c.competitor_id", sys.s.now())
	return teamSteps(sys.s.db.reader().query(ctx, query+` ORDER BY c.competitor_id LIMIT `+a.add(limit), a...))
}

// Assignments lists the competitors who are to be put into a team that is on the platform.
func (sys *System) Assignments(ctx context.Context, limit int) ([]TeamStep, error) {
	var a args
	query := `SELECT c.competitor_id, c.coach_id, c.game_platform_id, ` + wantedTeam + assigned + ` AND ` + toAssign + ` AND ` + approvedUser + `
		AND EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = c.team_id)` + notBefore(&a, domain.StepAssignment, "c.competitor_id", sys.s.now())
	return teamSteps(sys.s.db.reader().query(ctx, query+` ORDER BY c.competitor_id LIMIT `+a.add(limit), a...))
}

// StillWanted reports whether a step is still to be done, right before it is: the roster may have changed since it was listed.
func (sys *System) StillWanted(ctx context.Context, step domain.OnboardingStep, t TeamStep) (wanted bool, err error) {
	condition := toRemove + ` AND ` + theirs + ` = $2`
	if step == domain.StepAssignment {
		condition = toAssign + ` AND ` + wantedTeam + ` = $2`
	}
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1`+assigned+` AND `+condition+` AND c.competitor_id = $1)`, t.CompetitorID, t.TeamID).Scan(&wanted)
	return wanted, wrap(err, "look at a step again")
}

func teamSteps(rows *sql.Rows, err error) ([]TeamStep, error) {
	if err != nil {
		return nil, wrap(err, "list steps")
	}
	var list []TeamStep
	err = each(rows, func() error {
		var t TeamStep
		err := rows.Scan(&t.CompetitorID, &t.CoachID, &t.UserID, &t.TeamID)
		list = append(list, t)
		return err
	})
	return list, wrap(err, "list steps")
}

// Assigned keeps that the portal has put a competitor into a team, or with no team out of it.
func (sys *System) Assigned(ctx context.Context, step domain.OnboardingStep, t TeamStep) error {
	team := t.TeamID
	if step == domain.StepRemoval {
		team = ""
	}
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			INSERT INTO game_platform_assignments (syned_user_id, syned_team_id, ours_team_id, since_at) VALUES ($1, $2, $2, $3)
			ON CONFLICT (syned_user_id) DO UPDATE SET syned_team_id = excluded.syned_team_id, ours_team_id = excluded.ours_team_id, since_at = excluded.since_at`,
			t.UserID, team, sys.s.now())
		if err != nil {
			return err
		}
		if step == domain.StepRemoval {
			if _, err := tx.exec(ctx, `DELETE FROM confirmed_removals WHERE syned_user_id = $1 AND syned_team_id = $2`, t.UserID, t.TeamID); err != nil {
				return err
			}
		}
		return forgetFault(ctx, tx, step, t.CompetitorID)
	})
	return wrap(err, "store an assignment")
}

// RemovalBudget says how many removals may be made now without anybody's word: the share of all assignments, at least one, less
// those of the last 24 hours.
func (sys *System) RemovalBudget(ctx context.Context, r OnboardingRules) (left int, err error) {
	return removalBudget(ctx, sys.s.db.reader(), r, sys.s.clock())
}

func removalBudget(ctx context.Context, tx conn, r OnboardingRules, now time.Time) (left int, err error) {
	var assigned, done int
	err = tx.row(ctx, `
		SELECT COALESCE((SELECT assigned FROM assignment_reads), 0),
			(SELECT COUNT(*) FROM disclosures WHERE endpoint = 'POST /users/delete_assignment' AND at > $1 AND COALESCE(http_status, 0) <> $2)`,
		micros(now.Add(-24*time.Hour)), domain.NotSent).Scan(&assigned, &done)
	return max(0, max(1, int(r.Removals*float64(assigned)))-done), wrap(err, "count removals")
}

// ConfirmedRemovals are the removals that somebody has agreed to.
func (sys *System) ConfirmedRemovals(ctx context.Context) (map[Assignment]bool, error) {
	rows, err := sys.s.db.reader().query(ctx, `SELECT syned_user_id, syned_team_id FROM confirmed_removals`)
	if err != nil {
		return nil, wrap(err, "list confirmed removals")
	}
	all := map[Assignment]bool{}
	err = each(rows, func() error {
		var one Assignment
		err := rows.Scan(&one.UserID, &one.TeamID)
		all[one] = true
		return err
	})
	return all, wrap(err, "list confirmed removals")
}

// TeamWork reports whether anything is to be removed, made, assigned or deleted, as far as is known.
func (sys *System) TeamWork(ctx context.Context) (any bool, err error) {
	var a args
	now := sys.s.now()
	query := `SELECT EXISTS (SELECT 1` + assigned + ` AND ` + toRemove + notBefore(&a, domain.StepRemoval, "c.competitor_id", now) + `)
		OR EXISTS (SELECT 1` + assigned + ` AND ` + toAssign + ` AND ` + approvedUser + notBefore(&a, domain.StepAssignment, "c.competitor_id", now) + `
			AND EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = c.team_id))
		OR EXISTS (` + teamsToMake + notBefore(&a, domain.StepTeam, "t.team_id", now) + `)
		OR EXISTS (SELECT 1` + teamsToDelete + notBefore(&a, domain.StepTeamRemoval, "m.syned_team_id", now) + `)`
	err = sys.s.db.reader().row(ctx, query, a...).Scan(&any)
	return any, wrap(err, "look for work on teams")
}
