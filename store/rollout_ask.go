package store

import (
	"context"

	"flagpole/internal/rollout"
)

// RolloutAnswer is what the rollout's rules need to decide about one coach.
type RolloutAnswer struct {
	Level
	KillSwitch bool
	Known      bool // there is such a coach
	Coach      rollout.Coach
}

// Ask reads where the rollout stands and one coach in it, by the coach's key and not with all others as State does: programs
// ask often. A coach that does not exist is no error: the switches hold for everybody.
func (r *Rollout) Ask(ctx context.Context, coachID string) (RolloutAnswer, error) {
	a := RolloutAnswer{Coach: rollout.Coach{ID: coachID}}
	err := r.s.db.reader().row(ctx, `
		SELECT r.percent, r.off, r.kill_switch, c.coach_id IS NOT NULL,
			COALESCE(c.pilot, FALSE), COALESCE(c.held_back, FALSE), COALESCE(c.enrolled, FALSE)
		FROM rollout r
		LEFT JOIN coaches c ON c.coach_id = $1`, coachID).
		Scan(&a.Percent, &a.Off, &a.KillSwitch, &a.Known, &a.Coach.Pilot, &a.Coach.HeldBack, &a.Coach.Enrolled)
	return a, wrap(err, "ask the rollout about a coach")
}
