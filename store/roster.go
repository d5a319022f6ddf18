package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// ImportRoster stores what rows say about coaches, teams and competitors, and reports what that changed. All or nothing:
// with a single LineError nothing is stored. A dry run does everything and takes it back. Imports run one after the other.
func (sys *System) ImportRoster(ctx context.Context, rows []roster.Row, dryRun bool) (roster.Report, []roster.LineError, error) {
	var plan roster.Plan
	var wrong []roster.LineError
	takeBack := errors.New("take it back")
	err := sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.lockRoster(ctx, tx); err != nil {
			return fmt.Errorf("wait for another import: %w", err)
		}
		stored, err := storedRoster(ctx, tx)
		if err != nil {
			return err
		}
		plan, wrong = roster.NewPlan(stored, rows, uuid.NewString)
		if len(wrong) > 0 {
			return takeBack
		}
		if err := writeRoster(ctx, tx, plan, author{"command", "import"}, sys.s.now()); err != nil {
			return err
		}
		if dryRun {
			return takeBack
		}
		return nil
	})
	sys.s.totals.changed()
	if err != nil && !errors.Is(err, takeBack) {
		return roster.Report{}, nil, fmt.Errorf("import roster: %w", err)
	}
	plan.Report.DryRun = dryRun
	return plan.Report, wrong, nil
}

// storedRoster reads everybody.
func storedRoster(ctx context.Context, tx conn) (roster.Stored, error) {
	var all roster.Stored
	var err error
	if all.Erased, err = erasedIDs(ctx, tx); err != nil {
		return all, fmt.Errorf("read who was deleted: %w", err)
	}
	rows, err := tx.query(ctx, `SELECT coach_id, email, name, school, region FROM coaches ORDER BY coach_id`)
	if err != nil {
		return all, fmt.Errorf("read coaches: %w", err)
	}
	var c domain.Coach
	if err := each(rows, func() error {
		err := rows.Scan(&c.ID, &c.Email, &c.Name, &c.School, &c.Region)
		all.Coaches = append(all.Coaches, c)
		return err
	}); err != nil {
		return all, fmt.Errorf("read coaches: %w", err)
	}
	rows, err = tx.query(ctx, `SELECT team_id, coach_id, name FROM teams ORDER BY team_id`)
	if err != nil {
		return all, fmt.Errorf("read teams: %w", err)
	}
	var t roster.Team
	if err := each(rows, func() error {
		err := rows.Scan(&t.ID, &t.CoachID, &t.Name)
		all.Teams = append(all.Teams, t)
		return err
	}); err != nil {
		return all, fmt.Errorf("read teams: %w", err)
	}
	rows, err = tx.query(ctx, `
		SELECT competitor_id, COALESCE(game_platform_id, ''), coach_id, COALESCE(team_id, ''), first_name, last_name,
		       COALESCE(email, ''), division, grade, status
		FROM competitors
		ORDER BY competitor_id`)
	if err != nil {
		return all, fmt.Errorf("read competitors: %w", err)
	}
	var p domain.Competitor
	if err := each(rows, func() error {
		err := rows.Scan(&p.ID, &p.GamePlatformID, &p.CoachID, &p.TeamID, &p.FirstName, &p.LastName,
			&p.Email, &p.Division, &p.Grade, &p.Status)
		all.Competitors = append(all.Competitors, p)
		return err
	}); err != nil {
		return all, fmt.Errorf("read competitors: %w", err)
	}
	return all, nil
}
