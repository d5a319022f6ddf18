package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// guardActor stands in the history for what the guard does.
const guardActor = "guard"

// Guarded is what the rollout did by itself at one evaluation.
type Guarded struct {
	Action ChangeAction // "" where it did nothing
	Why    string
	Gained int // coaches
}

// GuardRollout closes windows that are over, asks the gates, has the guard act where one fails, and makes a planned move whose gates
// pass; gates and what follows from them in one transaction. It may be called by several processes at once.
func (sys *System) GuardRollout(ctx context.Context, now time.Time) (done Guarded, err error) {
	if err := sys.closeWindows(ctx, now); err != nil {
		return done, wrap(err, "close windows")
	}
	err = sys.s.db.update(ctx, func(tx conn) error {
		if err := lockRollout(ctx, tx); err != nil {
			return err
		}
		var st RolloutState
		if err := st.readBase(ctx, tx); err != nil {
			return err
		}
		facts, err := gateFacts(ctx, tx, now, st)
		if err != nil {
			return err
		}
		results := rollout.Judge(facts, st.Phases[st.Phase()].Soak, st.Phases[rollout.Asked(st.Phases, st.Phase())].Gates)
		since, changed, err := keepVerdicts(ctx, tx, now, results)
		if err != nil {
			return err
		}
		if err := keepGateFacts(ctx, tx, st, facts, changed); err != nil {
			return err
		}
		trips, decided, err := tripping(ctx, tx, now, results, since)
		if err != nil {
			return err
		}
		if len(trips) > 0 {
			done, err = sys.guard(ctx, tx, now, st, trips, decided)
			return err
		}
		if !st.WouldAct.IsZero() {
			if _, err := tx.exec(ctx, `UPDATE rollout SET observed_at = NULL`); err != nil {
				return err
			}
		}
		done, err = sys.goOn(ctx, tx, now, st, results)
		return err
	})
	return done, wrap(err, "guard the rollout")
}

// tripping are the gates for which the guard acts. decided says that somebody had decided about each of them, which is over: then it
// takes nothing from anybody.
func tripping(ctx context.Context, tx conn, now time.Time, results []rollout.Result, since map[rollout.Gate]time.Time) (trips []rollout.Result, decided bool, err error) {
	failed := rollout.Failed(results)
	if len(failed) == 0 {
		return nil, false, nil
	}
	first := now
	for _, r := range failed {
		if at := since[r.Gate]; at.Before(first) {
			first = at
		}
	}
	list, err := overrides(ctx, tx, first.Add(-time.Microsecond))
	if err != nil {
		return nil, false, err
	}
	var excused, over []rollout.Gate
	for _, o := range list {
		if o.Until.After(now) {
			excused = append(excused, o.Excused...)
			continue
		}
		for _, g := range o.Overridden {
			if !o.Until.Before(since[g]) {
				over = append(over, g)
			}
		}
	}
	trips = rollout.Trips(results, excused)
	return trips, !slices.ContainsFunc(trips, func(r rollout.Result) bool { return !slices.Contains(over, r.Gate) }), nil
}

// observedAgain is how long the guard, which only observes, is silent about more.
const observedAgain = 24 * time.Hour

// guard acts for gates that fail, once until a person has decided.
func (sys *System) guard(ctx context.Context, tx conn, now time.Time, st RolloutState, trips []rollout.Result, decided bool) (Guarded, error) {
	if !st.FrozenAt.IsZero() || !st.Guard.On && !st.WouldAct.IsZero() || st.Phase() == 0 {
		return Guarded{}, nil
	}
	if !st.Guard.On {
		var last time.Time
		if err := tx.row(ctx, `SELECT MAX(at) FROM rollout_changes WHERE action = $1`, string(GuardObserved)).Scan(into(&last)); err != nil {
			return Guarded{}, err
		}
		if now.Sub(last) < observedAgain {
			_, err := tx.exec(ctx, `UPDATE rollout SET observed_at = $1`, micros(now))
			return Guarded{}, err
		}
	}
	st, err := rolloutState(ctx, tx, now)
	if err != nil {
		return Guarded{}, err
	}
	why := trips[0].Gate.Title() + ": " + trips[0].Sentence
	c := RolloutChange{Action: GuardObserved, Reason: why}
	level := st.Level
	switch {
	case !st.Guard.On:
	case decided || st.Guard.Act == rollout.Freeze:
		c.Action = GuardFroze
	case st.Guard.Act == rollout.StepBack:
		if c.Action, level = GuardBack, st.Phases[st.Phase()].Level; level == st.Level {
			level = st.Phases[st.Phase()-1].Level
		}
	default:
		c.Action, level = GuardOff, Level{Off: true}
	}
	r := &Rollout{sys.s, guardActor}
	planned := RolloutChange{Action: GuardFroze}
	if level != st.Level {
		planned = RolloutChange{Action: SetLevel, Level: level}
	}
	o, err := r.plan(ctx, tx, st, planned)
	if err != nil {
		return Guarded{}, err
	}
	if c.Action == GuardObserved {
		o.After.WouldAct = now
	} else {
		o.After.FrozenAt, o.After.FrozenBy, o.After.WouldAct = now, why, time.Time{}
		if err := endPlan(ctx, tx, now, "stopped", "The guard acted. "+why); err != nil {
			return Guarded{}, err
		}
	}
	return Guarded{Action: c.Action, Why: why}, r.write(ctx, tx, c, &o)
}

// goOn makes the planned move to the next phase, where its time has come and every gate passes.
func (sys *System) goOn(ctx context.Context, tx conn, now time.Time, st RolloutState, results []rollout.Result) (Guarded, error) {
	plan, waits, err := waitingPlan(ctx, tx)
	next := st.Phase() + 1
	if err != nil || !waits || st.KillSwitch || now.Before(plan.NotBefore) || next >= len(st.Phases) || !rollout.Passes(results) {
		return Guarded{}, err
	}
	if st, err = rolloutState(ctx, tx, now); err != nil {
		return Guarded{}, err
	}
	r := &Rollout{sys.s, plan.actor}
	c := RolloutChange{Action: EnterPhase, Phase: st.Phases[next].Name(), Reason: "By itself, when all gates passed: " + plan.Reason}
	o, err := r.plan(ctx, tx, st, c)
	if err != nil {
		return Guarded{}, err
	}
	if err := r.beside(ctx, tx, c, &o); err != nil {
		return Guarded{}, err
	}
	return Guarded{Action: EnterPhase, Why: c.Phase, Gained: len(o.Gained)}, r.write(ctx, tx, c, &o)
}

// beside stores what a change does beside the state, and what follows from it for plan and guard.
func (r *Rollout) beside(ctx context.Context, tx conn, c RolloutChange, o *RolloutOutcome) error {
	now, after := r.s.clock(), &o.After
	if c.moves() {
		if !o.Before.FrozenAt.IsZero() {
			if err := excuse(ctx, tx, now, o); err != nil {
				return err
			}
		}
		after.FrozenAt, after.FrozenBy, after.WouldAct = time.Time{}, "", time.Time{}
		if o.Before.Below(o.After.Level) {
			return endPlan(ctx, tx, now, "stopped", "Somebody went back.")
		}
		return reachPlan(ctx, tx, now, o.After)
	}
	switch c.Action {
	case EditPhases:
		if len(rollout.Differences(o.Before.Phases, c.Phases)) == 0 {
			return domain.Errorf(domain.Invalid, "Nothing is different.").WithHint("Change a number or a gate, then save.")
		}
		if !slices.EqualFunc(o.Before.Phases, c.Phases, func(a, b rollout.Phase) bool { return a.Level == b.Level }) {
			if err := endPlan(ctx, tx, now, "stopped", "The phases were changed."); err != nil {
				return err
			}
		}
		return writePhases(ctx, tx, c.Phases)
	case SetGuard:
		after.WouldAct = time.Time{}
		_, err := rollout.ParseAct(string(c.Guard.Act))
		return err
	case Thaw:
		return r.thaw(ctx, tx, now, o)
	case Kill:
		return endPlan(ctx, tx, now, "stopped", "All syncs were stopped.")
	case PlanMove:
		return r.planMove(ctx, tx, c, o)
	case StopPlan:
		if _, waits, err := waitingPlan(ctx, tx); err != nil || !waits {
			return planGone(err)
		}
		return endPlan(ctx, tx, now, "stopped", c.Reason)
	}
	return nil
}

// thaw ends what the guard froze.
func (r *Rollout) thaw(ctx context.Context, tx conn, now time.Time, o *RolloutOutcome) error {
	if o.Before.FrozenAt.IsZero() {
		return domain.Errorf(domain.Clash, "The guard has not stopped the rollout.").WithHint("Somebody else may have let it go on.")
	}
	o.After.FrozenAt, o.After.FrozenBy, o.After.WouldAct = time.Time{}, "", time.Time{}
	return excuse(ctx, tx, now, o)
}

// keepGateFacts keeps what the gates went by, to go through it again: once an hour, and whenever one of them says something else.
func keepGateFacts(ctx context.Context, tx conn, st RolloutState, f rollout.Facts, changed bool) error {
	var last time.Time
	if err := tx.row(ctx, `SELECT MAX(at) FROM rollout_facts`).Scan(into(&last)); err != nil {
		return fmt.Errorf("read the last facts: %w", err)
	}
	if !changed && f.At.Sub(last) < time.Hour {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO rollout_facts (at, percent, off, facts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (at) DO UPDATE SET percent = excluded.percent, off = excluded.off, facts = excluded.facts`,
		micros(f.At), st.Percent, st.Off, string(text))
	return wrap(err, "keep facts")
}

// PruneGates deletes what rehearsals do not go back to any more.
func (sys *System) PruneGates(ctx context.Context, now time.Time) error {
	before := micros(now.Add(-rehearsed))
	err := sys.s.db.update(ctx, func(tx conn) error {
		for _, query := range []string{`DELETE FROM rollout_facts WHERE at < $1`, `DELETE FROM sync_windows WHERE closed_at < $1`} {
			if _, err := tx.exec(ctx, query, before); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap(err, "prune gates")
}

// rehearsed is how far back a rehearsal goes.
const rehearsed = 365 * 24 * time.Hour

// Rehearsal is what the guard would have done with other phases.
type Rehearsal struct {
	Since   time.Time // of the oldest stored facts; zero: none are stored
	Freezes []rollout.Freezing
}

// Rehearse goes through the stored history of up to a year with phases as they might be, which is an Invalid error where they cannot be.
func (r *Rollout) Rehearse(ctx context.Context, phases []rollout.Phase) (result Rehearsal, err error) {
	if err := rollout.CheckPhases(phases); err != nil {
		return result, err
	}
	err = r.s.db.view(ctx, func(tx conn) error {
		since := r.s.clock().Add(-rehearsed)
		windows, err := closedWindows(ctx, tx, since)
		if err != nil {
			return err
		}
		rows, err := tx.query(ctx, `SELECT percent, off, facts FROM rollout_facts WHERE at >= $1 ORDER BY at`, micros(since))
		if err != nil {
			return err
		}
		var history []rollout.Moment
		err = each(rows, func() error {
			var m rollout.Moment
			var text string
			if err := rows.Scan(&m.Level.Percent, &m.Level.Off, &text); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(text), &m.Facts)
			history = append(history, m)
			return err
		})
		if len(history) > 0 {
			result.Since = history[0].At
		}
		result.Freezes = rollout.Rehearse(history, windows, phases)
		return err
	})
	return result, wrap(err, "rehearse the gates")
}
