package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/rollout"
)

// OverrideLasts is how long an override is marked where nobody says how long.
const OverrideLasts = 48 * time.Hour

// mostOverride is how long it may be.
const mostOverride = 7 * 24 * time.Hour

// GateResult is what a gate says, and since when.
type GateResult struct {
	rollout.Result
	Since time.Time // zero: not known yet
}

// Gates are what the gates say of going on from where the rollout stands.
type Gates struct {
	Phase   int // the one they were asked for: the next, or the last where that is on
	Results []GateResult
}

// Gates asks every gate.
func (r *Rollout) Gates(ctx context.Context) (g Gates, err error) {
	err = r.s.db.view(ctx, func(tx conn) error {
		var st RolloutState
		if err := st.readBase(ctx, tx); err != nil {
			return err
		}
		g.Phase = rollout.Asked(st.Phases, st.Phase())
		facts, err := gateFacts(ctx, tx, r.s.clock(), st)
		if err != nil {
			return err
		}
		stored, err := readVerdicts(ctx, tx)
		for _, result := range rollout.Judge(facts, st.Phases[st.Phase()].Soak, st.Phases[g.Phase].Gates) {
			row := GateResult{Result: result}
			if was := stored[result.Gate]; was.verdict == result.Verdict {
				row.Since = was.since
			}
			g.Results = append(g.Results, row)
		}
		return err
	})
	return g, wrap(err, "ask the gates")
}

// gatesOf asks the gates of the phase that a level leads to.
func gatesOf(ctx context.Context, tx conn, now time.Time, st RolloutState, l Level) ([]rollout.Result, error) {
	facts, err := gateFacts(ctx, tx, now, st)
	if err != nil {
		return nil, err
	}
	return rollout.Judge(facts, st.Phases[st.Phase()].Soak, rollout.CriteriaFor(st.Phases, l)), nil
}

// gateFacts reads what the gates go by. What alerts go by too is taken from their last evaluation, so that both say the same.
func gateFacts(ctx context.Context, tx conn, now time.Time, st RolloutState) (rollout.Facts, error) {
	f := rollout.Facts{At: now, PhaseSince: st.PhaseAt}
	for _, read := range []func(context.Context, conn, *rollout.Facts) error{gateSyncs, gateAlerts, gateJobs, gatePilots, gateReports} {
		if err := read(ctx, tx, &f); err != nil {
			return f, err
		}
	}
	if st.PhaseAt.IsZero() {
		return f, nil
	}
	windows, err := closedWindows(ctx, tx, st.PhaseAt)
	f.Windows = windows
	return f, err
}

// gateSyncs reads what alerts last knew of syncs, and whether the platform is out of order. An outage that meets too few competitors
// for an alert about it shows in these facts.
func gateSyncs(ctx context.Context, tx conn, f *rollout.Facts) (err error) {
	if f.OutageSince, err = platformOut(ctx, tx); err != nil {
		return err
	}
	rows, err := tx.query(ctx, `SELECT facts FROM alert_facts ORDER BY minute_at DESC LIMIT 1`)
	if err != nil {
		return fmt.Errorf("read the facts of alerts: %w", err)
	}
	err = each(rows, func() error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var known alert.Facts
		err := json.Unmarshal([]byte(text), &known)
		f.FirstTriedAt, f.LastTriedAt, f.LastSuccessAt = known.FirstTriedAt, known.LastTriedAt, known.LastSuccessAt
		if f.OutageSince.IsZero() && known.OnlyPlatformFails() {
			f.OutageSince = known.LastTriedAt
		}
		return err
	})
	return wrap(err, "read the facts of alerts")
}

// gateAlerts reads the alerts that hold. What follows from an outage of the platform, is part of its incident, and began with or
// after it, comes from that.
func gateAlerts(ctx context.Context, tx conn, f *rollout.Facts) error {
	var asked int64
	if err := tx.row(ctx, `SELECT evaluated_at FROM alert_evaluation`).Scan(&asked); err != nil {
		return fmt.Errorf("read when alerts were evaluated: %w", err)
	}
	if asked > 0 {
		f.AlertsAskedAt = time.UnixMicro(asked).UTC()
	}
	rows, err := tx.query(ctx, `
		SELECT a.rule, a.fired_at, a.state,
			EXISTS (SELECT 1 FROM alerts o WHERE o.incident_id = a.incident_id AND o.rule = $1 AND o.fired_at <= a.fired_at + $3)
		FROM alerts a WHERE a.state <> 'resolved' AND a.rule <> $2 ORDER BY a.alert_id`,
		string(domain.AlertPlatform), string(domain.AlertGuard), rollout.OutageShows.Microseconds())
	if err != nil {
		return fmt.Errorf("read alerts: %w", err)
	}
	err = each(rows, func() error {
		var a rollout.Alert
		var rule domain.AlertRule
		var state domain.AlertState
		err := rows.Scan(&rule, into(&a.Since), &state, &a.Outage)
		a.Title, a.Known = rule.Title(), state == domain.AlertAcknowledged
		a.Outage = a.Outage && (rule == domain.AlertPlatform || alert.LeadsTo(domain.AlertPlatform, rule))
		f.Alerts = append(f.Alerts, a)
		return err
	})
	return wrap(err, "read alerts")
}

// inOutage is the predicate that the platform was out of order at a time; $1 is the rule of the alert about it, $2 how long before the
// alert an outage may show.
func inOutage(at string) string {
	return `EXISTS (SELECT 1 FROM alerts o WHERE o.rule = $1 AND o.fired_at - $2 <= ` + at + ` AND (o.resolved_at IS NULL OR o.resolved_at >= ` + at + `))`
}

func gateJobs(ctx context.Context, tx conn, f *rollout.Facts) error {
	if err := tx.row(ctx, `SELECT COUNT(*) FROM background_jobs`).Scan(&f.Jobs); err != nil {
		return fmt.Errorf("count jobs: %w", err)
	}
	known := alert.Facts{At: f.At}
	if err := factJobs(ctx, tx, &known); err != nil {
		return fmt.Errorf("read jobs: %w", err)
	}
	for _, j := range known.LateJobs() {
		var outage bool
		err := tx.row(ctx, `SELECT `+inOutage("$3"), string(domain.AlertPlatform), rollout.OutageShows.Microseconds(), micros(j.TimedOutAt)).Scan(&outage)
		if err != nil {
			return fmt.Errorf("ask whether a job was late in an outage: %w", err)
		}
		if outage {
			f.OutageJobs = append(f.OutageJobs, j.Name)
			continue
		}
		f.LateJobs = append(f.LateJobs, j.Name)
		if f.LateSince.IsZero() || j.TimedOutAt.Before(f.LateSince) {
			f.LateSince = j.TimedOutAt
		}
	}
	return nil
}

// gatePilots counts pilots, those who are ready, and coaches who have the feature; who has left the programme is neither.
func gatePilots(ctx context.Context, tx conn, f *rollout.Facts) error {
	if err := tx.row(ctx, `SELECT COUNT(*) FROM coaches WHERE enrolled AND deactivated_at IS NULL`).Scan(&f.Enrolled); err != nil {
		return fmt.Errorf("count who has it: %w", err)
	}
	rows, err := tx.query(ctx, `
		SELECT c.competitors, c.on_platform, (SELECT COUNT(*) FROM competitors p WHERE p.coach_id = c.coach_id AND p.email IS NULL),
			(SELECT MAX(u.last_sign_in_at) FROM users u WHERE u.coach_id = c.coach_id AND u.disabled_at IS NULL)
		FROM coaches c WHERE c.pilot AND NOT c.held_back AND c.deactivated_at IS NULL ORDER BY c.coach_id`)
	if err != nil {
		return fmt.Errorf("read pilots: %w", err)
	}
	err = each(rows, func() error {
		var c rollout.Candidate
		err := rows.Scan(&c.Competitors, &c.OnPlatform, &c.WithoutEmail, into(&c.SignedInAt))
		f.Pilots++
		if c.Ready(f.At) {
			f.PilotsReady++
		}
		return err
	})
	return wrap(err, "read pilots")
}

// gateReports counts the problem reports of a week, but those made while the platform was out of order.
func gateReports(ctx context.Context, tx conn, f *rollout.Facts) error {
	err := tx.row(ctx, `
		SELECT COUNT(*) FROM problem_reports r WHERE r.reported_at > $3 AND NOT `+inOutage("r.reported_at"),
		string(domain.AlertPlatform), rollout.OutageShows.Microseconds(), micros(f.At.Add(-rollout.Week))).Scan(&f.Reports)
	return wrap(err, "count problem reports")
}

// askGates asks the gates where a change gives more, in the transaction of the change. Where one does not pass, it takes an override.
func (r *Rollout) askGates(ctx context.Context, tx conn, c RolloutChange, o *RolloutOutcome) (err error) {
	if !o.Forward {
		return nil
	}
	if c.OverrideFor < 0 || c.OverrideFor > mostOverride {
		return domain.Errorf(domain.Invalid, "An override cannot last that long.").WithHint("Use 1 to 168 hours.")
	}
	if o.Gates, err = gatesOf(ctx, tx, r.s.clock(), o.Before, o.After.Level); err != nil {
		return err
	}
	open := rollout.NotPassed(o.Gates)
	if len(open) == 0 {
		return nil
	}
	if !c.Override && c.Action != Restore { // going back to what there was is asked for by name
		var why []string
		for _, g := range open {
			why = append(why, g.Gate.Title()+" ("+string(g.Verdict)+"): "+g.Sentence)
		}
		return domain.Errorf(domain.Clash, "Not all gates pass. %s", strings.Join(why, " ")).WithHint("Wait until they do, or override them.")
	}
	for _, g := range open {
		if c.OverrideOnly != nil && !slices.Contains(c.OverrideOnly, g.Gate) {
			return domain.Errorf(domain.Clash, "Meanwhile another gate does not pass. %s (%s): %s", g.Gate.Title(), g.Verdict, g.Sentence).
				WithHint("Look at it, and decide again.")
		}
		o.Overridden = append(o.Overridden, g.Gate)
	}
	o.excused = gatesThatFail(o.Gates)
	return nil
}

func gatesThatFail(results []rollout.Result) (gates []rollout.Gate) {
	for _, r := range rollout.Failed(results) {
		gates = append(gates, r.Gate)
	}
	return gates
}

// excuse has the guard not act again for what fails right now: somebody decides after it has acted. That is marked like an override.
func excuse(ctx context.Context, tx conn, now time.Time, o *RolloutOutcome) error {
	st := o.After
	facts, err := gateFacts(ctx, tx, now, st)
	if err != nil {
		return err
	}
	for _, g := range gatesThatFail(rollout.Judge(facts, 0, st.Phases[rollout.Asked(st.Phases, st.Phase())].Gates)) {
		if !slices.Contains(o.excused, g) {
			o.excused = append(o.excused, g)
		}
		if !slices.Contains(o.Overridden, g) {
			o.Overridden = append(o.Overridden, g)
		}
	}
	return nil
}

// overrideUntil is when the mark of an override ends, as stored.
func (o RolloutOutcome) overrideUntil(c RolloutChange, now time.Time) any {
	if len(o.Overridden) == 0 {
		return nil
	}
	lasts := OverrideLasts
	if c.OverrideFor > 0 {
		lasts = c.OverrideFor
	}
	return micros(now.Add(lasts))
}

// entered is the phase that a change enters, where it enters one.
func (o RolloutOutcome) entered() string {
	if o.After.PhaseAt.Equal(o.Before.PhaseAt) {
		return ""
	}
	return o.After.Phases[o.After.Phase()].Name()
}

// Override is a change that was made though gates did not pass, while it is marked.
type Override struct {
	Until, At  time.Time
	Actor      string // email of a user, or the word for a program
	Reason     string
	Overridden []rollout.Gate
	Excused    []rollout.Gate // of these, those that failed: the guard does not act for them while this is marked
}

// Overrides lists the overrides that are marked now, newest first.
func (r *Rollout) Overrides(ctx context.Context) (list []Override, err error) {
	err = r.s.db.view(ctx, func(tx conn) (err error) {
		list, err = overrides(ctx, tx, r.s.clock())
		return err
	})
	return list, wrap(err, "read overrides")
}

// overrides lists those that are marked at a time or later.
func overrides(ctx context.Context, tx conn, from time.Time) (list []Override, err error) {
	rows, err := tx.query(ctx, `
		SELECT h.override_until, h.at, COALESCE(u.email, h.actor), h.reason, h.overridden, h.excused
		FROM rollout_changes h LEFT JOIN users u ON u.user_id = h.actor
		WHERE h.override_until > $1 ORDER BY h.change_id DESC`, micros(from))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var o Override
		var overridden, excused []string
		err := rows.Scan(into(&o.Until), into(&o.At), &o.Actor, &o.Reason, jsonList{&overridden}, jsonList{&excused})
		o.Overridden, o.Excused = gatesNamed(overridden), gatesNamed(excused)
		list = append(list, o)
		return err
	})
	return list, err
}

type storedVerdict struct {
	verdict rollout.Verdict
	since   time.Time
}

func readVerdicts(ctx context.Context, tx conn) (map[rollout.Gate]storedVerdict, error) {
	rows, err := tx.query(ctx, `SELECT gate, verdict, since_at FROM rollout_gates`)
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	stored := map[rollout.Gate]storedVerdict{}
	err = each(rows, func() error {
		var g rollout.Gate
		var v storedVerdict
		err := rows.Scan(&g, &v.verdict, into(&v.since))
		stored[g] = v
		return err
	})
	return stored, wrap(err, "read verdicts")
}

// keepVerdicts stores what gates say where that is something else than before. It gives since when each says so, and whether one was
// new.
func keepVerdicts(ctx context.Context, tx conn, now time.Time, results []rollout.Result) (since map[rollout.Gate]time.Time, changed bool, err error) {
	stored, err := readVerdicts(ctx, tx)
	if err != nil {
		return nil, false, err
	}
	since = map[rollout.Gate]time.Time{}
	for _, r := range results {
		if since[r.Gate] = stored[r.Gate].since; stored[r.Gate].verdict == r.Verdict {
			continue
		}
		changed, since[r.Gate] = true, now
		_, err := tx.exec(ctx, `
			INSERT INTO rollout_gates (gate, verdict, since_at) VALUES ($1, $2, $3)
			ON CONFLICT (gate) DO UPDATE SET verdict = excluded.verdict, since_at = excluded.since_at`, string(r.Gate), string(r.Verdict), micros(now))
		if err != nil {
			return nil, false, fmt.Errorf("write a verdict: %w", err)
		}
	}
	return since, changed, nil
}

// texts are values of a type of texts as plain texts.
func texts[T ~string](list []T) (plain []string) {
	for _, v := range list {
		plain = append(plain, string(v))
	}
	return plain
}

func gatesNamed(names []string) (gates []rollout.Gate) {
	for _, name := range names {
		gates = append(gates, rollout.Gate(name))
	}
	return gates
}
