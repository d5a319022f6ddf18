package handlers

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

func phaseURL(p rollout.Phase) string {
	name := p.Name()
	if p.Level.Percent > 0 {
		name = strconv.Itoa(p.Level.Percent)
	}
	return rolloutPath + "/phase/" + url.PathEscape(name)
}

func phaseTitle(p rollout.Phase) string { return levelName(p.Level) }

// addGates adds what the gates say, what was overridden, and what is planned.
func (p *pages) addGates(ctx context.Context, desk *store.Rollout, st store.RolloutState, view *views.Rollout) error {
	gates, err := desk.Gates(ctx)
	if err != nil {
		return err
	}
	at := st.Phase()
	view.Gates = views.GateTable{
		Phase: phaseTitle(st.Phases[gates.Phase]), Last: gates.Phase == at, Rows: gateRows(gates.Results),
		NextURL: phaseURL(st.Phases[gates.Phase]), GuardText: st.Guard.String(),
	}
	if at > 0 && st.Level == st.Phases[at].Level {
		view.Gates.AnewURL = phaseURL(st.Phases[at])
	}
	marked, err := desk.Overrides(ctx)
	if err != nil {
		return err
	}
	for _, o := range marked {
		v := views.RolloutOverride{Actor: o.Actor, Reason: o.Reason, Until: o.Until}
		v.Gates, v.Excused = gateTitles(o.Overridden), gateTitles(o.Excused)
		view.Overrides = append(view.Overrides, v)
	}
	plan, found, err := desk.Plan(ctx)
	if found && (plan.EndedAt.IsZero() || plan.State == "stopped" && p.clock().Sub(plan.EndedAt) < 24*time.Hour) {
		view.Plan = &views.RolloutPlan{
			Phase: levelName(store.Level{Percent: plan.Percent}), Reason: plan.Reason, By: plan.By, NotBefore: plan.NotBefore,
			Ended: plan.EndedAt, EndedWhy: plan.EndedWhy,
		}
	}
	return err
}

func gateTitles(gates []rollout.Gate) (titles []string) {
	for _, g := range gates {
		titles = append(titles, g.Title())
	}
	return titles
}

// overridden reads from a form which gates its sender has seen not to pass; none: nothing is overridden.
func overridden(value string) (list []rollout.Gate) {
	for name := range strings.SplitSeq(value, ",") {
		if name != "" {
			list = append(list, rollout.Gate(name))
		}
	}
	return list
}

func (p *pages) overrideText(e store.RolloutEntry) string {
	if e.OverrideUntil.IsZero() {
		return ""
	}
	return "Overrode " + views.Plural(len(e.Overridden), "gate", "gates") + ", until " + views.Stamp(e.OverrideUntil, p.clock(), p.conf.Zone)
}

// phaseSteps is the timeline: what is over, on, and to come, and when that may be at the earliest.
func (p *pages) phaseSteps(st store.RolloutState) (steps []views.PhaseStep) {
	at := st.Phase()
	earliest := st.PhaseAt // when the phase before may end
	for i, phase := range st.Phases {
		step := views.PhaseStep{Title: p.stepTitle(st, phase), URL: phaseURL(phase), Current: i == at, Over: i < at}
		soak := fmt.Sprintf("%.0f h", phase.Soak.Hours())
		switch {
		case i == at:
			lasted := time.Duration(0)
			if !st.PhaseAt.IsZero() {
				lasted = p.clock().Sub(st.PhaseAt)
			}
			step.Part = 100
			if phase.Soak > 0 {
				step.Part = int(100 * min(max(0, lasted), phase.Soak) / phase.Soak)
				step.Soaked = fmt.Sprintf("soaked %.0f of %s", math.Floor(min(lasted, phase.Soak).Hours()), soak)
			}
		case i > at:
			if phase.Soak > 0 {
				step.Then = "then soaks " + soak
			}
			if !earliest.IsZero() {
				step.Earliest = earliest
			}
		}
		if i >= at && !earliest.IsZero() {
			if earliest = earliest.Add(phase.Soak); earliest.Before(p.clock()) {
				earliest = p.clock()
			}
		}
		steps = append(steps, step)
	}
	return steps
}

func (p *pages) stepTitle(st store.RolloutState, phase rollout.Phase) string {
	switch n := rollout.Target(st.Eligible, phase.Level.Percent); {
	case phase.Level.Off:
		return "Off"
	case phase.Level.Percent > 0:
		return phaseTitle(phase) + ", " + views.Plural(n, "coach", "coaches")
	case len(st.Pilots()) == 0:
		return "Pilots, none yet"
	}
	return "Pilots, " + views.Plural(len(st.Pilots()), "coach", "coaches")
}

func plainResults(results []rollout.Result) (list []store.GateResult) {
	for _, r := range results {
		list = append(list, store.GateResult{Result: r})
	}
	return list
}

func gateRows(results []store.GateResult) (rows []views.GateRow) {
	for _, r := range results {
		row := views.GateRow{
			Name: string(r.Gate), Title: r.Gate.Title(), Verdict: string(r.Verdict), Wanted: gateWanted(r.Result), Over: gateOver(r.Result), Sentence: r.Sentence,
			Since: r.Since, Needed: r.Needed,
		}
		if r.Known {
			row.Value = gateValue(r.Result)
		}
		rows = append(rows, row)
	}
	return rows
}

// gateValue is the value of a gate as people read it.
func gateValue(r rollout.Result) string {
	switch r.Gate {
	case rollout.GateSuccess, rollout.GateFailures:
		return percentText(r.Value)
	case rollout.GateRecent:
		return fmt.Sprintf("%.1f h", r.Value)
	case rollout.GateSoak:
		return fmt.Sprintf("%.0f of %.0f h", math.Floor(min(r.Value, max(r.Threshold, 0))), r.Threshold)
	case rollout.GatePilots:
		return fmt.Sprintf("%.0f of %.0f", r.Value, r.Threshold)
	}
	return views.Number(int(r.Value))
}

func gateWanted(r rollout.Result) string {
	switch r.Gate {
	case rollout.GateSuccess:
		return "at least " + percentText(r.Threshold)
	case rollout.GateFailures:
		return "at most " + percentText(r.Threshold)
	case rollout.GateRecent:
		return fmt.Sprintf("under %.0f h", r.Threshold)
	case rollout.GateSoak:
		return fmt.Sprintf("%.0f h", r.Threshold)
	case rollout.GatePilots:
		return "all"
	case rollout.GateReports:
		return fmt.Sprintf("fewer than %.0f", r.Threshold)
	}
	return "none"
}

func gateOver(r rollout.Result) string {
	switch r.Gate {
	case rollout.GateSuccess, rollout.GateFailures:
		return views.Number(r.N) + " " + r.Over
	}
	return r.Over
}

// percentText writes a share with one digit where that says more than none: "95 %", "99.1 %".
func percentText(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + " %"
}
