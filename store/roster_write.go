package store

import (
	"context"
	"fmt"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// writeRoster stores a plan. Keys that change are released first, because two records may swap them. A released key of a
// coach or team cannot be anybody's, for folded texts hold no upper-case letters. What changes is kept as the author's.
func writeRoster(ctx context.Context, tx conn, plan roster.Plan, by author, now int64) error {
	if err := writeCoaches(ctx, tx, plan.Coaches, now); err != nil {
		return fmt.Errorf("store coaches: %w", err)
	}
	if err := writeTeams(ctx, tx, plan.Teams, now); err != nil {
		return fmt.Errorf("store teams: %w", err)
	}
	if err := writeCompetitors(ctx, tx, plan.Competitors, now); err != nil {
		return fmt.Errorf("store competitors: %w", err)
	}
	if err := keepChanges(ctx, tx, plan, by, now); err != nil {
		return err
	}
	return listPlan(ctx, tx, plan, now)
}

// listPlan brings the lists in step with a stored plan: the coaches whom it changes, whose teams or competitors it changes.
func listPlan(ctx context.Context, tx conn, plan roster.Plan, now int64) error {
	coaches := map[string]bool{}
	for _, c := range plan.Coaches {
		coaches[c.New.ID] = true
	}
	for _, t := range plan.Teams {
		coaches[t.New.CoachID] = true
	}
	accounts := false
	for _, c := range plan.Competitors {
		coaches[c.New.CoachID] = true
		accounts = accounts || c.Old.GamePlatformID != c.New.GamePlatformID
	}
	for _, coach := range sortedKeys(coaches) {
		if err := relist(ctx, tx, now, "c.coach_id = $1", coach); err != nil {
			return err
		}
	}
	if accounts {
		return recountParticipants(ctx, tx)
	}
	return nil
}

func writeCoaches(ctx context.Context, tx conn, changes []roster.Change[domain.Coach], now int64) error {
	var release, write [][]any
	for _, c := range changes {
		if !c.Added && emailKey(c.Old.Email) != emailKey(c.New.Email) {
			release = append(release, []any{c.New.ID})
		}
		write = append(write, []any{
			c.New.ID, c.New.Email, emailKey(c.New.Email), c.New.Name, sortKey(c.New.Name), c.New.School, c.New.Region, now, now,
		})
	}
	err := inBatches(ctx, tx, release, func(ids string) string {
		return `UPDATE coaches SET email_key = 'RELEASED ' || coach_id WHERE coach_id IN (` + ids + `)`
	})
	if err != nil {
		return err
	}
	return inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO coaches (coach_id, email, email_key, name, sort_key, school, region, created_at, updated_at)
			VALUES ` + values + `
			ON CONFLICT (coach_id) DO UPDATE SET
				email = excluded.email, email_key = excluded.email_key, name = excluded.name, sort_key = excluded.sort_key,
				school = excluded.school, region = excluded.region, updated_at = excluded.updated_at`
	})
}

func writeTeams(ctx context.Context, tx conn, changes []roster.Change[roster.Team], now int64) error {
	var release, write [][]any
	for _, c := range changes {
		if !c.Added && nameKey(c.Old.Name) != nameKey(c.New.Name) {
			release = append(release, []any{c.New.ID})
		}
		write = append(write, []any{c.New.ID, c.New.CoachID, c.New.Name, nameKey(c.New.Name), sortKey(c.New.Name), now, now})
	}
	err := inBatches(ctx, tx, release, func(ids string) string {
		return `UPDATE teams SET name_key = 'RELEASED ' || team_id WHERE team_id IN (` + ids + `)`
	})
	if err != nil {
		return err
	}
	return inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO teams (team_id, coach_id, name, name_key, sort_key, created_at, updated_at)
			VALUES ` + values + `
			ON CONFLICT (team_id) DO UPDATE SET
				name = excluded.name, name_key = excluded.name_key, sort_key = excluded.sort_key, updated_at = excluded.updated_at`
	})
}

func writeCompetitors(ctx context.Context, tx conn, changes []roster.Change[domain.Competitor], now int64) error {
	var release, write [][]any
	for _, c := range changes {
		if !c.Added && (c.Old.GamePlatformID != c.New.GamePlatformID || emailKey(c.Old.Email) != emailKey(c.New.Email)) {
			release = append(release, []any{c.New.ID})
		}
		write = append(write, []any{
			c.New.ID, nullText(c.New.GamePlatformID), c.New.CoachID, nullText(c.New.TeamID), c.New.FirstName, c.New.LastName,
			nullText(c.New.Email), nullText(emailKey(c.New.Email)), string(c.New.Division), c.New.Grade, string(c.New.Status),
			nameKey(c.New.Name()), sortKey(c.New.Name()), now, now,
		})
	}
	err := inBatches(ctx, tx, release, func(ids string) string {
		return `UPDATE competitors SET game_platform_id = NULL, email_key = NULL WHERE competitor_id IN (` + ids + `)`
	})
	if err != nil {
		return err
	}
	return inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO competitors (competitor_id, game_platform_id, coach_id, team_id, first_name, last_name,
				email, email_key, division, grade, status, name_key, sort_key, created_at, updated_at)
			VALUES ` + values + `
			ON CONFLICT (competitor_id) DO UPDATE SET
				game_platform_id = excluded.game_platform_id, coach_id = excluded.coach_id, team_id = excluded.team_id,
				first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
				email_key = excluded.email_key, division = excluded.division, grade = excluded.grade, status = excluded.status,
				name_key = excluded.name_key, sort_key = excluded.sort_key, updated_at = excluded.updated_at`
	})
}

// maxBatch keeps the widest statement (23 columns) far below the 32,766 parameters SQLite takes.
const maxBatch = 512

// inBatches runs a statement over rows of arguments, many at a time. The sizes are powers of two, so that a statement
// has at most ten texts, however many rows there are: texts are remembered.
func inBatches(ctx context.Context, tx conn, rows [][]any, statement func(tuples string) string) error {
	for size := maxBatch; len(rows) > 0; {
		for size > len(rows) {
			size /= 2
		}
		var bound args
		for _, row := range rows[:size] {
			bound = append(bound, row...)
		}
		if _, err := tx.exec(ctx, statement(tuples(size, len(rows[0]))), bound...); err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}
