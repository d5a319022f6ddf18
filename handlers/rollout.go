package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

const rolloutPath = "/rollout"

// rolloutShow shows where the rollout stands, and what a move would do.
func (p *pages) rolloutShow(c echo.Context, s *store.Scope) error {
	return p.showRollout(c, s, http.StatusOK, rolloutForm(c.QueryParam))
}

// rolloutForm reads the form, from an address or from what was sent.
func rolloutForm(value func(string) string) views.RolloutForm {
	f := views.RolloutForm{Percent: strings.TrimSpace(value("percent")), Keep: value("keep") == "yes", Reason: value("reason")}
	if f.Override = value("override"); f.Override != "" {
		f.Lasts = value("lasts")
	}
	if value("off") == "yes" {
		f.Percent = "off"
	}
	if f.Percent == "off" { // nobody has it then, so nobody keeps it
		f.Keep = false
	}
	return f
}

// previewedText is what a form sends back that was shown what it does.
func previewedText(l store.Level, keep bool) string {
	if keep {
		return l.String() + " keep"
	}
	return l.String()
}

// overrideFor reads how long an override is marked, in hours; "" is as long as usual.
func overrideFor(hours string) (time.Duration, error) {
	if hours == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(hours)
	if err != nil || n < 1 {
		return 0, domain.Errorf(domain.Invalid, "%q is no time for an override.", shorten(hours)).WithHint("Use 1 to 168 hours.")
	}
	return time.Duration(n) * time.Hour, nil
}

// standing is the way to the rollout, and where it stands.
func standing(c echo.Context, s *store.Scope) (*store.Rollout, store.RolloutState, error) {
	desk, err := s.Rollout()
	if err != nil {
		return nil, store.RolloutState{}, err
	}
	st, err := desk.State(c.Request().Context())
	return desk, st, err
}

// showRollout is the page with a form as it was filled in.
func (p *pages) showRollout(c echo.Context, s *store.Scope, status int, form views.RolloutForm) error {
	ctx := c.Request().Context()
	desk, st, err := standing(c, s)
	if err != nil {
		return err
	}
	level := st.Level
	if form.Percent != "" {
		if level, err = rollout.ParseLevel(shorten(form.Percent)); err != nil {
			return err
		}
	}
	form.Clash = form.Clash && c.FormValue("seen") != strconv.FormatInt(st.ChangeID, 10) // and not gates that do not pass
	form.Percent, form.Seen = level.String(), st.ChangeID
	preview, err := p.previewMove(ctx, desk, level, form)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath
	if regionOf(c) == "preview" {
		return write(c, status, views.RolloutPreview(shell, preview))
	}
	view := p.rolloutView(st)
	view.Form, view.Preview = form, preview
	if err := p.addGates(ctx, desk, st, &view); err != nil {
		return err
	}
	if view.History, err = p.rolloutHistory(c, desk, st); err != nil {
		return err
	}
	return write(c, status, views.RolloutPage(shell, view))
}

// previewMove says what a move would do, and how many it would take the feature from unless they keep it.
func (p *pages) previewMove(ctx context.Context, desk *store.Rollout, level store.Level, form views.RolloutForm) (views.RolloutPreviewData, error) {
	move := store.RolloutChange{Action: store.SetLevel, Level: level}
	taking, err := desk.Preview(ctx, move)
	if err != nil {
		return views.RolloutPreviewData{}, err
	}
	o := taking
	form.Keep = form.Keep && taking.Before.Level.Below(level)
	if move.Keep = form.Keep; move.Keep {
		if o, err = desk.Preview(ctx, move); err != nil {
			return views.RolloutPreviewData{}, err
		}
	}
	v := p.movePreview(o, form)
	v.Lasts = form.Lasts
	v.Previewed, v.TakenFrom = previewedText(level, form.Keep), len(taking.Lost)
	return v, nil
}

// rolloutMove saves a move, after its preview was seen.
func (p *pages) rolloutMove(c echo.Context, s *store.Scope) error {
	form := rolloutForm(c.FormValue)
	level, err := rollout.ParseLevel(shorten(form.Percent))
	if err != nil {
		form.Problem, form.Percent = plainText(err), ""
		return p.showRollout(c, s, http.StatusUnprocessableEntity, form)
	}
	if c.FormValue("previewed") != previewedText(level, form.Keep) {
		form.Problem = "Here is what this move does. Look at it, then save."
		return p.showRollout(c, s, http.StatusUnprocessableEntity, form)
	}
	change := store.RolloutChange{Action: store.SetLevel, Level: level, Keep: form.Keep, Reason: form.Reason, OverrideOnly: overridden(form.Override)}
	change.Override = len(change.OverrideOnly) > 0
	if change.OverrideFor, err = overrideFor(form.Lasts); err == nil {
		_, err = p.changeRollout(c, s, change)
	}
	if err == nil {
		return seeOther(c, rolloutPath)
	}
	form.Problem, form.Clash = plainText(err), domain.CodeOf(err) == domain.Clash
	status, err := inPlace(err)
	if err != nil {
		return err
	}
	return p.showRollout(c, s, status, form)
}

// changeRollout applies a change that was made on top of the change that the form had seen.
func (p *pages) changeRollout(c echo.Context, s *store.Scope, change store.RolloutChange) (store.RolloutOutcome, error) {
	desk, err := s.Rollout()
	if err != nil {
		return store.RolloutOutcome{}, err
	}
	seen, err := strconv.ParseInt(c.FormValue("seen"), 10, 64)
	if err != nil || seen < 0 {
		return store.RolloutOutcome{}, domain.Errorf(domain.Invalid, "The form is incomplete.").WithHint("Open the page again.")
	}
	change.Seen = seen
	o, err := desk.Apply(c.Request().Context(), change)
	if err == nil {
		p.wake() // who gained it is pulled without waiting for the clock
	}
	return o, err
}

// rolloutView is the page without its form and preview.
func (p *pages) rolloutView(st store.RolloutState) views.Rollout {
	v := views.Rollout{
		Level: st.Level.String(), Eligible: st.Eligible, Enrolled: len(st.Enrolled()), KillSwitch: st.KillSwitch, SyncOff: !p.conf.SyncEnabled,
		Change: st.ChangeID, PhaseName: phaseTitle(st.Phases[st.Phase()]), PhaseSince: st.PhaseAt, Steps: p.phaseSteps(st),
		FrozenAt: st.FrozenAt, FrozenWhy: st.FrozenBy, WouldAct: st.WouldAct,
	}
	for _, c := range st.Coaches {
		switch {
		case c.Pilot:
			v.Pilots = append(v.Pilots, p.rolloutCoach(c, st))
		case c.HeldBack:
			v.HeldBack = append(v.HeldBack, p.rolloutCoach(c, st))
		}
	}
	v.Candidates = p.candidates(st)
	return v
}

// movePreview says what a change would do.
func (p *pages) movePreview(o store.RolloutOutcome, form views.RolloutForm) views.RolloutPreviewData {
	v := views.RolloutPreviewData{
		Level: form.Percent, Down: o.Before.Level.Below(o.After.Level), Keep: form.Keep, Seen: form.Seen, Reason: form.Reason,
		Eligible: o.After.Eligible, Enrolled: len(o.After.Enrolled()), Same: o.Before.Level == o.After.Level && len(o.Gained)+len(o.Lost) == 0,
	}
	if o.Forward {
		v.Gates = gateRows(plainResults(o.Gates))
	}
	v.Now, v.Then = p.load(o.Before), p.load(o.After)
	v.Budget = int(p.conf.RateLimit * 3600)
	for _, c := range o.Gained {
		v.Gained = append(v.Gained, c.Name)
		v.GainedCompetitors += c.Competitors
	}
	for _, c := range o.Lost {
		v.Lost = append(v.Lost, c.Name)
		v.LostCompetitors += c.Competitors
	}
	return v
}

// load is what the enrolled coaches' competitors ask of the platform.
func (p *pages) load(st store.RolloutState) views.RolloutLoad {
	l := rollout.Load{Every: p.conf.SyncEvery, AtMost: p.conf.SyncAtMost}
	for _, c := range st.Coaches {
		if c.Enrolled {
			l.Active += min(c.Active, c.OnPlatform)
			l.Others += c.OnPlatform - min(c.Active, c.OnPlatform)
		}
	}
	return views.RolloutLoad{Competitors: l.Active + l.Others, Calls: l.CallsPerHour()}
}

// rolloutCoach is a coach as the rollout's pages show one.
func (p *pages) rolloutCoach(c store.RolloutCoach, st store.RolloutState) views.RolloutCoach {
	d := rollout.Decide(rollout.Switches{Environment: p.conf.SyncEnabled, Kill: st.KillSwitch}, c.Coach)
	return views.RolloutCoach{
		ID: c.ID, Name: c.Name, School: c.School, URL: coachRolloutURL(c.ID), Competitors: c.Competitors, OnPlatform: c.OnPlatform,
		Enrolled: c.Enrolled, Pilot: c.Pilot, HeldBack: c.HeldBack, Since: c.Since, Why: views.ReasonText(d.Reason), MaySee: d.MaySee, MayCall: d.MayCall,
		Checks: p.readiness(c),
	}
}

const historyShown = 20

func (p *pages) rolloutHistory(c echo.Context, desk *store.Rollout, st store.RolloutState) ([]views.RolloutEntry, error) {
	entries, err := desk.History(c.Request().Context(), 0, historyShown)
	var list []views.RolloutEntry
	for _, e := range entries {
		list = append(list, views.RolloutEntry{
			ID: e.ID, At: e.At, Actor: e.Actor, What: changeText(e), Reason: e.Reason, Gained: e.Gained, Lost: e.Lost,
			Current: e.ID == st.ChangeID, RestoreURL: rolloutPath + "/restore/" + strconv.FormatInt(e.ID, 10), Override: p.overrideText(e),
		})
	}
	return list, err
}

// changeText says what a change was.
func changeText(e store.RolloutEntry) string {
	switch e.Action {
	case store.AddPilot:
		return "Pilot: " + e.Coach
	case store.RemovePilot:
		return "No longer a pilot: " + e.Coach
	case store.HoldBack:
		return "Held back: " + e.Coach
	case store.Release:
		return "No longer held back: " + e.Coach
	case store.Leave:
		return "Has left: " + e.Coach
	case store.Kill:
		return "Everything stopped"
	case store.Unkill:
		return "Goes on"
	case store.Restore:
		return "Restored: " + levelName(e.Level)
	case store.EnterPhase:
		return "Phase " + levelName(e.Level)
	case store.EditPhases:
		return "Phases and gates changed"
	case store.SetGuard:
		return "Guard changed"
	case store.PlanMove:
		return "Planned to go on"
	case store.StopPlan:
		return "Plan stopped"
	case store.Thaw:
		return "Guard's stop ended"
	case store.GuardFroze:
		return "The guard stopped the rollout"
	case store.GuardBack:
		return "The guard went back to " + levelName(e.Level)
	case store.GuardOff:
		return "The guard turned it off"
	case store.GuardObserved:
		return "The guard would have acted"
	}
	return levelName(e.Level)
}

func levelName(l store.Level) string {
	switch {
	case l.Off:
		return "Off"
	case l.Percent == 0:
		return "Pilot"
	}
	return fmt.Sprintf("%d %%", l.Percent)
}
