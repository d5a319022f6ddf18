package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// PlannedMove is a move that the rollout makes by itself: phase after phase, each when its gates pass.
type PlannedMove struct {
	Percent   int       // of the phase that it ends with
	NotBefore time.Time // of its first step; zero: as soon as gates pass
	Reason    string
	At        time.Time // when it was planned
	By        string    // email of a user, or the word for a program
	State     string    // waiting, done or stopped
	EndedAt   time.Time
	EndedWhy  string
	actor     string
}

const planColumns = `
	SELECT p.percent, p.not_before, p.reason, p.planned_at, COALESCE(u.email, p.planned_by), p.state, p.ended_at, p.ended_why, p.planned_by
	FROM rollout_plans p LEFT JOIN users u ON u.user_id = p.planned_by`

func (p *PlannedMove) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&p.Percent, into(&p.NotBefore), &p.Reason, into(&p.At), &p.By, &p.State, into(&p.EndedAt), &p.EndedWhy, &p.actor)
}

// Plan is the last planned move; found is false where there never was one.
func (r *Rollout) Plan(ctx context.Context) (p PlannedMove, found bool, err error) {
	err = p.scan(r.s.db.reader().row(ctx, planColumns+` ORDER BY p.plan_id DESC LIMIT 1`))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, wrap(err, "read the plan")
}

func waitingPlan(ctx context.Context, tx conn) (p PlannedMove, waits bool, err error) {
	err = p.scan(tx.row(ctx, planColumns+` WHERE p.state = 'waiting'`))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, wrap(err, "read the plan")
}

func planGone(err error) error {
	if err != nil {
		return err
	}
	return domain.Errorf(domain.Clash, "No move is planned.").WithHint("It may have been made, or somebody has stopped it.")
}

// endPlan ends the waiting plan, if there is one.
func endPlan(ctx context.Context, tx conn, now time.Time, state, why string) error {
	_, err := tx.exec(ctx, `UPDATE rollout_plans SET state = $1, ended_at = $2, ended_why = $3 WHERE state = 'waiting'`, state, micros(now), why)
	return wrap(err, "end the plan")
}

// reachPlan ends the waiting plan where the rollout is as far as it goes.
func reachPlan(ctx context.Context, tx conn, now time.Time, st RolloutState) error {
	p, waits, err := waitingPlan(ctx, tx)
	if err != nil || !waits || st.Off || st.Percent < p.Percent {
		return err
	}
	return endPlan(ctx, tx, now, "done", "")
}

// planMove stores a plan in the place of the one that waits.
func (r *Rollout) planMove(ctx context.Context, tx conn, c RolloutChange, o *RolloutOutcome) error {
	st, now := o.Before, r.s.clock()
	target, err := rollout.PhaseNamed(st.Phases, c.Phase)
	switch {
	case err != nil:
		return err
	case st.KillSwitch:
		return domain.Errorf(domain.Clash, "All syncs are stopped.").WithHint("Let them go on first.")
	case !st.FrozenAt.IsZero():
		return domain.Errorf(domain.Clash, "The guard has stopped the rollout.").WithHint("Decide about that first.")
	case target <= st.Phase():
		return domain.Errorf(domain.Invalid, "Only a later phase can be planned.").WithHint("Going back is done at once.")
	case !c.NotBefore.IsZero() && !c.NotBefore.After(now):
		return domain.Errorf(domain.Invalid, "That time is over.").WithHint("Choose a later one.")
	}
	if err := endPlan(ctx, tx, now, "stopped", "Another was planned."); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO rollout_plans (percent, not_before, reason, planned_at, planned_by, state) VALUES ($1, $2, $3, $4, $5, 'waiting')`,
		st.Phases[target].Level.Percent, nullMicros(c.NotBefore), c.Reason, micros(now), r.actor)
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}
