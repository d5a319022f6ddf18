package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// Rollout is the way to read and change who has the feature. It knows coaches and counts, and no competitor.
type Rollout struct {
	s     *Store
	actor string // a user's id, or a word for a program
}

// Rollout gives admins and product staff the rollout; for others it is a Denied error.
func (sc *Scope) Rollout() (*Rollout, error) {
	if !sc.seesSync() {
		return nil, domain.Errorf(domain.Denied, "The rollout is not for your role.")
	}
	return &Rollout{sc.s, sc.viewer.UserID}, nil
}

// Rollout gives the rollout to a program, under a word for it.
func (sys *System) Rollout(actor string) *Rollout { return &Rollout{sys.s, actor} }

// RolloutState is where the rollout stands.
type RolloutState struct {
	Level
	KillSwitch bool
	ChangeID   int64 // of the last change; 0: none
	Eligible   int   // coaches who are not held back
	Coaches    []RolloutCoach

	Phases   []rollout.Phase
	PhaseAt  time.Time // when the phase began; zero: the rollout has not begun
	Guard    rollout.Guard
	FrozenAt time.Time // since the guard has acted, and no person has decided since; zero: it has not
	FrozenBy string    // what it acted for, as a sentence
	WouldAct time.Time // since the guard, which only observes, would have acted; zero: it would not
	salt     string
}

// Phase is which of the phases is on.
func (st RolloutState) Phase() int { return rollout.PhaseAt(st.Phases, st.Level, !st.PhaseAt.IsZero()) }

// Level is how far the rollout has gone.
type Level = rollout.Level

// RolloutCoach is a coach in the rollout, with the competitors as counts.
type RolloutCoach struct {
	rollout.Coach
	Name, School            string
	Competitors, OnPlatform int
	Active                  int       // competitors with a solve in the last 7 calendar days
	WithoutEmail, Waiting   int       // competitors
	Since                   time.Time // enrolled; zero where the coach is not
	SignedInAt              time.Time // last sign-in; zero: never
	HasLogin                bool

	left bool // by the change: does not count any more
}

// Candidate is what decides whether the coach makes a good pilot.
func (c RolloutCoach) Candidate() rollout.Candidate {
	return rollout.Candidate{Competitors: c.Competitors, OnPlatform: c.OnPlatform, WithoutEmail: c.WithoutEmail, SignedInAt: c.SignedInAt}
}

// ids lists the coaches for whom is holds, in their order.
func (st RolloutState) ids(is func(RolloutCoach) bool) []string {
	list := []string{}
	for _, c := range st.Coaches {
		if is(c) {
			list = append(list, c.ID)
		}
	}
	return list
}

// Pilots, HeldBack and Enrolled are lists of coach ids, sorted and never nil.
func (st RolloutState) Pilots() []string { return st.ids(func(c RolloutCoach) bool { return c.Pilot }) }

// HeldBack are the coaches who are held back.
func (st RolloutState) HeldBack() []string {
	return st.ids(func(c RolloutCoach) bool { return c.HeldBack })
}

// Enrolled are the coaches who have the feature.
func (st RolloutState) Enrolled() []string {
	return st.ids(func(c RolloutCoach) bool { return c.Enrolled })
}

// ChangeAction says what a change of the rollout does.
type ChangeAction string

// The actions.
const (
	SetLevel    ChangeAction = "level"
	AddPilot    ChangeAction = "pilot_add"
	RemovePilot ChangeAction = "pilot_remove"
	HoldBack    ChangeAction = "hold_back"
	Release     ChangeAction = "release" // ends holding back
	Kill        ChangeAction = "kill"    // the kill switch on
	Unkill      ChangeAction = "unkill"
	Restore     ChangeAction = "restore" // who had it after an earlier change; the kill switch stays as it is
	EnterPhase  ChangeAction = "phase"   // the one that is on may be entered again: it begins anew
	Thaw        ChangeAction = "thaw"    // ends what the guard has frozen
	EditPhases  ChangeAction = "phases"
	SetGuard    ChangeAction = "guard"
	PlanMove    ChangeAction = "plan"
	StopPlan    ChangeAction = "plan_stop"
)

// Leave is what the deactivation of a coach does to the rollout; it cannot be asked for alone.
const Leave ChangeAction = "leave"

// What the guard does by itself; nobody can ask for it.
const (
	GuardFroze    ChangeAction = "guard_freeze"
	GuardBack     ChangeAction = "guard_back"
	GuardOff      ChangeAction = "guard_off"
	GuardObserved ChangeAction = "guard_observe" // it would have acted
)

// RolloutChange is a change that somebody asks for.
type RolloutChange struct {
	Action  ChangeAction
	Level   Level // for SetLevel
	Keep    bool  // for SetLevel downwards: who has it keeps it
	CoachID string
	Earlier int64  // for Restore: the change whose outcome comes back
	Phase   string // for EnterPhase and PlanMove: its name

	Override     bool            // for what gives more: also where gates do not pass
	OverrideOnly []rollout.Gate  // those that whoever overrides has seen; nil: whichever they are
	OverrideFor  time.Duration   // how long the override is marked, and keeps the guard from acting for these gates; 0: OverrideLasts
	NotBefore    time.Time       // for PlanMove; zero: as soon as gates pass
	Phases       []rollout.Phase // for EditPhases
	Guard        rollout.Guard   // for SetGuard

	Reason string // needed for all but pilots
	Seen   int64  // the change that the person had seen last; another one in between is a Clash. Less than 0: does not matter
}

// RolloutOutcome is what a change does.
type RolloutOutcome struct {
	Before, After RolloutState
	Gained, Lost  []RolloutCoach
	Forward       bool             // it gives more than there is, so that gates are asked
	Gates         []rollout.Result // of what it leads to, where it is forward
	Overridden    []rollout.Gate   // those that do not pass, where it was made nevertheless
	excused       []rollout.Gate   // of these, those that fail
}

// State reads where the rollout stands. Coaches who have left the programme are not in it.
func (r *Rollout) State(ctx context.Context) (RolloutState, error) {
	var st RolloutState
	err := r.s.db.view(ctx, func(tx conn) (err error) {
		st, err = rolloutState(ctx, tx, r.s.clock())
		return err
	})
	return st, wrap(err, "read the rollout")
}

func rolloutState(ctx context.Context, tx conn, now time.Time) (RolloutState, error) {
	var st RolloutState
	since := domain.ActiveSince(now, time.UTC) // counts of a load, not of people: the zone does not matter
	if err := st.readBase(ctx, tx); err != nil {
		return st, err
	}
	rows, err := tx.query(ctx, `
		SELECT c.coach_id, c.name, c.school, c.pilot, c.held_back, c.enrolled, c.competitors, c.on_platform,
			COALESCE(a.active, 0), c.waiting, (SELECT COUNT(*) FROM competitors p WHERE p.coach_id = c.coach_id AND p.email IS NULL),
			(SELECT MAX(e.gained_at) FROM rollout_enrolments e WHERE e.coach_id = c.coach_id AND e.lost_by IS NULL),
			u.last_sign_in_at, u.coach_id IS NOT NULL
		FROM coaches c
		LEFT JOIN (SELECT coach_id, COUNT(*) AS active FROM competitor_list WHERE last_solve_at >= $1 GROUP BY coach_id) a ON a.coach_id = c.coach_id
		LEFT JOIN (SELECT coach_id, MAX(last_sign_in_at) AS last_sign_in_at FROM users WHERE coach_id IS NOT NULL AND disabled_at IS NULL
			GROUP BY coach_id) u ON u.coach_id = c.coach_id
		WHERE c.deactivated_at IS NULL
		ORDER BY c.coach_id`, micros(since))
	if err != nil {
		return st, fmt.Errorf("read coaches: %w", err)
	}
	err = each(rows, func() error {
		var c RolloutCoach
		err := rows.Scan(&c.ID, &c.Name, &c.School, &c.Pilot, &c.HeldBack, &c.Enrolled, &c.Competitors, &c.OnPlatform,
			&c.Active, &c.Waiting, &c.WithoutEmail, into(&c.Since), into(&c.SignedInAt), &c.HasLogin)
		if !c.HeldBack {
			st.Eligible++
		}
		st.Coaches = append(st.Coaches, c)
		return err
	})
	return st, wrap(err, "read coaches")
}

// readBase reads the state without the coaches.
func (st *RolloutState) readBase(ctx context.Context, tx conn) (err error) {
	var phaseAt int64
	err = tx.row(ctx, `
		SELECT salt, percent, off, kill_switch, change_id, phase_at, guard_on, guard_act, frozen_at, frozen_why, observed_at FROM rollout`).
		Scan(&st.salt, &st.Percent, &st.Off, &st.KillSwitch, &st.ChangeID, &phaseAt, &st.Guard.On, &st.Guard.Act, into(&st.FrozenAt), &st.FrozenBy, into(&st.WouldAct))
	if err != nil {
		return fmt.Errorf("read the rollout's state: %w", err)
	}
	if phaseAt > 0 {
		st.PhaseAt = time.UnixMicro(phaseAt).UTC()
	}
	st.Phases, err = readPhases(ctx, tx)
	return err
}

// Preview says what a change would do, and stores nothing.
func (r *Rollout) Preview(ctx context.Context, c RolloutChange) (RolloutOutcome, error) {
	var o RolloutOutcome
	err := r.s.db.view(ctx, func(tx conn) error {
		st, err := rolloutState(ctx, tx, r.s.clock())
		if err != nil {
			return err
		}
		if o, err = r.plan(ctx, tx, st, c); err != nil || !o.Forward {
			return err
		}
		o.Gates, err = gatesOf(ctx, tx, r.s.clock(), st, o.After.Level)
		return err
	})
	return o, wrap(err, "preview a change of the rollout")
}

// Apply makes a change, in one transaction with its history. A change that does nothing is stored too: somebody decided it.
func (r *Rollout) Apply(ctx context.Context, c RolloutChange) (RolloutOutcome, error) {
	var o RolloutOutcome
	err := r.s.db.update(ctx, func(tx conn) error {
		if err := lockRollout(ctx, tx); err != nil {
			return err
		}
		st, err := rolloutState(ctx, tx, r.s.clock())
		if err != nil {
			return err
		}
		if c.Seen >= 0 && c.Seen != st.ChangeID {
			return domain.Errorf(domain.Clash, "Somebody else has changed the rollout in the meantime.").
				WithHint("Look at what it is now, and decide again.")
		}
		if c.Reason = strings.TrimSpace(c.Reason); c.Reason == "" && c.Action != AddPilot && c.Action != RemovePilot {
			return domain.Errorf(domain.Invalid, "A reason is missing.").WithHint("Say in a few words why; it stands in the history.")
		}
		if c.Action == GuardFroze || c.Action == GuardObserved || c.Action == Leave {
			return domain.Errorf(domain.Invalid, "%q is not a change of the rollout.", c.Action)
		}
		if o, err = r.plan(ctx, tx, st, c); err != nil {
			return err
		}
		if err := r.askGates(ctx, tx, c, &o); err != nil {
			return err
		}
		if err := r.beside(ctx, tx, c, &o); err != nil {
			return err
		}
		c.Reason = c.told(o)
		return r.write(ctx, tx, c, &o)
	})
	return o, wrap(err, "change the rollout")
}

// leave takes a coach who leaves the programme out of the rollout, in the transaction of that: who comes back is a newcomer.
func (r *Rollout) leave(ctx context.Context, tx conn, coachID string) error {
	st, err := rolloutState(ctx, tx, r.s.clock())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(st.Coaches, func(c RolloutCoach) bool { return c.ID == coachID && (c.Pilot || c.HeldBack || c.Enrolled) }) {
		return nil
	}
	c := RolloutChange{Action: Leave, CoachID: coachID, Reason: "Left the programme."}
	o, err := r.plan(ctx, tx, st, c)
	if err != nil {
		return err
	}
	return r.write(ctx, tx, c, &o)
}

// told is the reason, with what the history would not say otherwise.
func (c RolloutChange) told(o RolloutOutcome) string {
	switch c.Action {
	case EditPhases:
		return strings.Join(append([]string{c.Reason + "."}, rollout.Differences(o.Before.Phases, o.After.Phases)...), " ")
	case SetGuard:
		return c.Reason + ". " + c.Guard.String()
	case PlanMove:
		if i, err := rollout.PhaseNamed(o.Before.Phases, c.Phase); err == nil { // beside has found it
			return "to " + o.Before.Phases[i].Name() + ": " + c.Reason
		}
	}
	return c.Reason
}

// lockRollout has whoever comes second wait, and then see what the first one did.
func lockRollout(ctx context.Context, tx conn) error {
	_, err := tx.exec(ctx, `UPDATE rollout SET only_one = only_one`)
	return wrap(err, "lock the rollout")
}

// plan works out what a change does.
func (r *Rollout) plan(ctx context.Context, tx conn, st RolloutState, c RolloutChange) (RolloutOutcome, error) {
	after := st
	after.Coaches = slices.Clone(st.Coaches)
	enrolled := st.Enrolled()
	switch c.Action {
	case EnterPhase:
		i, err := rollout.PhaseNamed(st.Phases, c.Phase)
		if err != nil {
			return RolloutOutcome{}, err
		}
		after.Level, after.PhaseAt = st.Phases[i].Level, r.s.clock()
		enrolled = rollout.Move(after.plain(), st.salt, st.Level, after.Level, c.Keep).Enrolled
	case SetLevel:
		if c.Level.Percent < 0 || c.Level.Percent > 100 || c.Level.Off && c.Level.Percent != 0 {
			return RolloutOutcome{}, domain.Errorf(domain.Invalid, "%d is not a percentage.", c.Level.Percent).WithHint("Use a whole number from 0 to 100.")
		}
		if after.Level = c.Level; after.Level != st.Level || st.PhaseAt.IsZero() && c.Level.Percent > 0 {
			after.PhaseAt = r.s.clock()
		}
		enrolled = rollout.Move(after.plain(), st.salt, st.Level, after.Level, c.Keep).Enrolled
	case Kill, Unkill:
		after.KillSwitch = c.Action == Kill
	case Restore:
		var err error
		if enrolled, err = restore(ctx, tx, &after, c.Earlier); err != nil {
			return RolloutOutcome{}, err
		}
		after.PhaseAt = r.s.clock()
	case EditPhases:
		if err := rollout.CheckPhases(c.Phases); err != nil {
			return RolloutOutcome{}, err
		}
		after.Phases = c.Phases
	case SetGuard:
		after.Guard = c.Guard
	case Thaw, PlanMove, StopPlan, GuardFroze, GuardObserved:
	default:
		if err := after.mark(c); err != nil {
			return RolloutOutcome{}, err
		}
		if enrolled = after.keeping(c); c.Action == AddPilot && st.PhaseAt.IsZero() {
			after.PhaseAt = r.s.clock()
		}
	}
	o := st.outcome(after, enrolled)
	o.Forward = c.moves() && (rollout.Forward(st.Level, after.Level) || after.Phase() > st.Phase()) || c.Action == Restore && len(o.Gained) > 0
	return o, nil
}

// moves reports whether a change is one of the level.
func (c RolloutChange) moves() bool {
	return c.Action == SetLevel || c.Action == EnterPhase || c.Action == Restore
}

// mark makes a coach a pilot, or held back, or ends it.
func (st *RolloutState) mark(c RolloutChange) error {
	i := slices.IndexFunc(st.Coaches, func(o RolloutCoach) bool { return o.ID == c.CoachID })
	if i < 0 {
		return domain.Errorf(domain.NoSuch, "There is no such coach.").WithHint("It may have moved.")
	}
	coach := &st.Coaches[i]
	switch c.Action {
	case AddPilot:
		if coach.HeldBack {
			return domain.Errorf(domain.Clash, "%s is held back.", coach.Name).WithHint("End that first.")
		}
		coach.Pilot = true
	case RemovePilot:
		coach.Pilot = false
	case HoldBack:
		coach.HeldBack, coach.Pilot = true, false
	case Release:
		coach.HeldBack = false
	case Leave:
		coach.Pilot, coach.HeldBack, coach.left = false, false, true
	default:
		return domain.Errorf(domain.Invalid, "%q is not a change of the rollout.", c.Action)
	}
	return nil
}

// keeping are those who have it after a coach was marked: everybody as before, pilots, and nobody held back. A coach who is
// no longer a pilot keeps it only where the percentage leaves room, or where the change says so.
func (st RolloutState) keeping(c RolloutChange) []string {
	list := st.ids(func(c RolloutCoach) bool { return !c.HeldBack && !c.left && (c.Enrolled || c.Pilot && !st.Off) })
	if c.Action == RemovePilot && !c.Keep && len(list) > rollout.Target(len(st.Coaches)-len(st.HeldBack()), st.Percent) {
		list = slices.DeleteFunc(list, func(id string) bool { return id == c.CoachID })
	}
	return list
}

// plain is the coaches as the rollout's rules take them.
func (st RolloutState) plain() []rollout.Coach {
	list := make([]rollout.Coach, len(st.Coaches))
	for i, c := range st.Coaches {
		list[i] = c.Coach
	}
	return list
}

// outcome gives those in the list the feature, and takes it from all others.
func (st RolloutState) outcome(after RolloutState, enrolled []string) RolloutOutcome {
	o := RolloutOutcome{Before: st}
	has := make(map[string]bool, len(enrolled))
	for _, id := range enrolled {
		has[id] = true
	}
	after.Eligible = 0
	for i := range after.Coaches {
		c := &after.Coaches[i]
		had := c.Enrolled
		c.Enrolled = has[c.ID]
		if !c.HeldBack && !c.left {
			after.Eligible++
		}
		switch {
		case c.Enrolled && !had:
			o.Gained = append(o.Gained, *c)
		case had && !c.Enrolled:
			o.Lost = append(o.Lost, *c)
		}
	}
	o.After = after
	return o
}

// restore makes pilots, held back and level what they were after an earlier change, and gives who had the feature then. Coaches
// who came since then are as newcomers are.
func restore(ctx context.Context, tx conn, st *RolloutState, id int64) (enrolled []string, err error) {
	var pilots, heldBack []string
	err = tx.row(ctx, `SELECT percent, off, pilots, held_back, enrolled FROM rollout_changes WHERE change_id = $1`, id).
		Scan(&st.Percent, &st.Off, jsonList{&pilots}, jsonList{&heldBack}, jsonList{&enrolled})
	if err != nil {
		return nil, noSuch(err, "change")
	}
	for i := range st.Coaches {
		c := &st.Coaches[i]
		c.Pilot, c.HeldBack = slices.Contains(pilots, c.ID), slices.Contains(heldBack, c.ID)
	}
	return enrolled, nil
}

// write stores a change: the state, who has the feature, and the history.
func (r *Rollout) write(ctx context.Context, tx conn, c RolloutChange, o *RolloutOutcome) error {
	now := r.s.now()
	after := &o.After
	err := tx.row(ctx, `
		INSERT INTO rollout_changes (at, actor, action, coach_id, reason, percent, off, kill_switch, eligible, pilots, held_back, enrolled,
			phase, override_until, overridden, excused)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING change_id`,
		now, r.actor, string(c.Action), c.CoachID, c.Reason, after.Percent, after.Off, after.KillSwitch, after.Eligible,
		listJSON(after.Pilots()), listJSON(after.HeldBack()), listJSON(after.Enrolled()),
		o.entered(), o.overrideUntil(c, r.s.clock()), listJSON(texts(o.Overridden)), listJSON(texts(o.excused))).Scan(&after.ChangeID)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	phaseAt := int64(0)
	if !after.PhaseAt.IsZero() {
		phaseAt = micros(after.PhaseAt)
	}
	_, err = tx.exec(ctx, `
		UPDATE rollout SET percent = $1, off = $2, kill_switch = $3, change_id = $4, phase_at = $5, guard_on = $6, guard_act = $7,
			frozen_at = $8, frozen_why = $9, observed_at = $10`,
		after.Percent, after.Off, after.KillSwitch, after.ChangeID, phaseAt, after.Guard.On, string(after.Guard.Act),
		nullMicros(after.FrozenAt), after.FrozenBy, nullMicros(after.WouldAct))
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	for i, coach := range after.Coaches {
		old := o.Before.Coaches[i]
		if old.Coach != coach.Coach {
			if _, err := tx.exec(ctx, `UPDATE coaches SET pilot = $2, held_back = $3, enrolled = $4 WHERE coach_id = $1`,
				coach.ID, coach.Pilot, coach.HeldBack, coach.Enrolled); err != nil {
				return fmt.Errorf("write coach: %w", err)
			}
		}
	}
	for _, coach := range o.Gained {
		if _, err := tx.exec(ctx, `INSERT INTO rollout_enrolments (coach_id, gained_by, gained_at) VALUES ($1, $2, $3)`,
			coach.ID, after.ChangeID, now); err != nil {
			return fmt.Errorf("write gain: %w", err)
		}
	}
	for _, coach := range o.Lost {
		if _, err := tx.exec(ctx, `UPDATE rollout_enrolments SET lost_by = $2, lost_at = $3 WHERE coach_id = $1 AND lost_by IS NULL`,
			coach.ID, after.ChangeID, now); err != nil {
			return fmt.Errorf("write loss: %w", err)
		}
	}
	return nil
}
