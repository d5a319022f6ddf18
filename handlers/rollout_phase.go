package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

// rolloutPhase asks whether to enter a phase, now or later, or does it.
func (p *pages) rolloutPhase(c echo.Context, s *store.Scope) error {
	form := views.PhaseForm{}
	if c.Request().Method == http.MethodGet {
		return p.showPhase(c, s, http.StatusOK, form)
	}
	form = views.PhaseForm{
		When: c.FormValue("when"), At: strings.TrimSpace(c.FormValue("at")), Keep: c.FormValue("keep") == "yes", Lasts: c.FormValue("lasts"),
		Reason: c.FormValue("reason"),
	}
	change, err := p.phaseChange(c, form)
	if err == nil {
		_, err = p.changeRollout(c, s, change)
	}
	if err == nil {
		return seeOther(c, rolloutPath)
	}
	form.Problem = plainText(err)
	status, err := inPlace(err)
	if err != nil {
		return err
	}
	return p.showPhase(c, s, status, form)
}

// phaseChange is what the form asks for.
func (p *pages) phaseChange(c echo.Context, form views.PhaseForm) (change store.RolloutChange, err error) {
	change = store.RolloutChange{Action: store.EnterPhase, Phase: c.Param("phase"), Keep: form.Keep, Reason: form.Reason, OverrideOnly: overridden(c.FormValue("override"))}
	change.Override = len(change.OverrideOnly) > 0
	switch form.When {
	case "", "now":
		change.OverrideFor, err = overrideFor(form.Lasts)
	case "gates":
		change.Action = store.PlanMove
	case "time":
		change.Action = store.PlanMove
		change.NotBefore, err = rollout.ParseLocal(shorten(form.At), p.conf.Zone)
	default:
		err = domain.Errorf(domain.Invalid, "When is not clear.").WithHint("Choose one of the three.")
	}
	return change, err
}

func (p *pages) showPhase(c echo.Context, s *store.Scope, status int, form views.PhaseForm) error {
	ctx := c.Request().Context()
	desk, st, err := standing(c, s)
	if err != nil {
		return err
	}
	at, err := rollout.PhaseNamed(st.Phases, shorten(c.Param("phase")))
	if err != nil {
		return echo.ErrNotFound
	}
	phase := st.Phases[at]
	o, err := desk.Preview(ctx, store.RolloutChange{Action: store.EnterPhase, Phase: phase.Name(), Keep: form.Keep})
	if err != nil {
		return err
	}
	form.Name, form.Action, form.Seen = phaseTitle(phase), c.Request().URL.EscapedPath(), o.Before.ChangeID
	form.Forward, form.Again = o.Forward, at == st.Phase() && !st.PhaseAt.IsZero() && st.Level == phase.Level
	if form.When == "" {
		if form.When = "now"; len(rollout.NotPassed(o.Gates)) > 0 {
			form.When = "gates"
		}
	}
	form.Preview = p.movePreview(o, views.RolloutForm{Percent: o.After.Level.String()})
	switch {
	case form.Again:
		form.Title = "Begin phase " + form.Name + " anew?"
	case form.Forward:
		form.Title = "Go on to " + form.Name + "?"
	default:
		form.Title = "Go back to " + form.Name + "?"
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return write(c, status, views.PhasePage(shell, form))
}

// rolloutThaw asks whether to end what the guard has stopped, or does it.
func (p *pages) rolloutThaw(c echo.Context, s *store.Scope) error {
	return p.confirmChange(c, s, store.RolloutChange{Action: store.Thaw}, views.RolloutConfirm{
		Title: "Let the rollout go on?", Button: "Let it go on",
		Text: "Moves can be planned again. For 48 hours the guard does not act again for what fails right now; for anything else it does.",
	})
}

// rolloutPlanStop asks whether to stop the plan, or does it.
func (p *pages) rolloutPlanStop(c echo.Context, s *store.Scope) error {
	return p.confirmChange(c, s, store.RolloutChange{Action: store.StopPlan}, views.RolloutConfirm{
		Title: "Stop the plan to go on?", Button: "Stop the plan",
		Text: "The rollout stays where it is. Who has the game platform keeps it.",
	})
}
