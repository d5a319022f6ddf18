package handlers

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

const phasesPath = rolloutPath + "/phases"

// rolloutPhases shows the phases, tries edited ones on what is stored, or saves them.
func (p *pages) rolloutPhases(c echo.Context, s *store.Scope) error {
	if c.Request().Method == http.MethodGet {
		return p.showPhases(c, s, http.StatusOK, views.PhaseSettings{})
	}
	change := store.RolloutChange{Action: store.EditPhases, Reason: c.FormValue("reason")}
	_, st, err := standing(c, s)
	if err != nil {
		return err
	}
	if change.Phases, err = phasesOfForm(c, st.Phases); err == nil {
		_, err = p.changeRollout(c, s, change)
	}
	return p.phasesSaved(c, s, err, change.Reason)
}

// phasesSaved leads to the rollout, or shows what spoke against saving.
func (p *pages) phasesSaved(c echo.Context, s *store.Scope, fault error, reason string) error {
	if fault == nil {
		return seeOther(c, rolloutPath)
	}
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	return p.showPhases(c, s, status, views.PhaseSettings{Problem: plainText(fault), Reason: reason})
}

func (p *pages) showPhases(c echo.Context, s *store.Scope, status int, view views.PhaseSettings) error {
	ctx := c.Request().Context()
	desk, st, err := standing(c, s)
	if err != nil {
		return err
	}
	view.Seen, view.GuardOn, view.GuardAct = st.ChangeID, st.Guard.On, string(st.Guard.Act)
	for _, g := range rollout.Gates {
		view.Gates = append(view.Gates, views.GateField{Name: string(g), Title: g.Title()})
	}
	for i, phase := range st.Phases {
		view.Phases = append(view.Phases, phaseFields(i, phase))
	}
	if c.FormValue("soak-1") != "" { // a form was filled in
		for i := range view.Phases {
			typed(&view.Phases[i], c)
		}
	}
	if c.QueryParam("rehearse") == "yes" {
		view.Reason = c.QueryParam("reason")
		phases, err := phasesOfForm(c, st.Phases)
		var r store.Rehearsal
		if err == nil {
			r, err = desk.Rehearse(ctx, phases)
		}
		switch {
		case domain.CodeOf(err) == domain.Invalid:
			status, view.Problem = http.StatusUnprocessableEntity, plainText(err)
		case err != nil:
			return err
		default:
			view.Rehearsal = rehearsalView(r)
		}
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return write(c, status, views.PhaseSettingsPage(shell, view))
}

func rehearsalView(r store.Rehearsal) *views.RehearsalData {
	v := &views.RehearsalData{Since: r.Since}
	for _, f := range r.Freezes {
		v.Freezes = append(v.Freezes, views.RehearsedFreeze{From: f.From, To: f.To, Why: f.Gate.Title() + ": " + f.Sentence})
	}
	return v
}

func phaseFields(i int, phase rollout.Phase) views.PhaseFields {
	f := views.PhaseFields{
		Index: strconv.Itoa(i), Title: phaseTitle(phase), First: i == 0, Needed: map[string]bool{},
		Soak: strconv.Itoa(int(phase.Soak / time.Hour)), Success: percentField(phase.Gates.Success), Failures: percentField(phase.Gates.Failures),
		Hours: strconv.Itoa(int(phase.Gates.Recent / time.Hour)), Number: strconv.Itoa(phase.Gates.Reports),
	}
	if phase.Level.Percent > 0 {
		f.Percent = strconv.Itoa(phase.Level.Percent)
	}
	for _, g := range phase.Gates.Needed {
		f.Needed[string(g)] = true
	}
	return f
}

func percentField(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64)
}

// typed puts what was typed in the place of what is stored.
func typed(f *views.PhaseFields, c echo.Context) {
	if f.First {
		return
	}
	for name, field := range map[string]*string{
		"percent": &f.Percent, "soak": &f.Soak, "success": &f.Success, "failures": &f.Failures, "recent": &f.Hours, "reports": &f.Number,
	} {
		if name != "percent" || f.Percent != "" {
			*field = shorten(c.FormValue(name + "-" + f.Index))
		}
	}
	f.Needed = map[string]bool{}
	for _, g := range neededOf(c, f.Index) {
		f.Needed[g] = true
	}
}

// neededOf reads which gates of a phase were ticked, in a form or in an address.
func neededOf(c echo.Context, index string) []string {
	return c.Request().Form["needs-"+index] // FormValue has read it
}

// phasesOfForm reads edited phases, in a form or in an address: an Invalid error says which field is wrong.
func phasesOfForm(c echo.Context, stored []rollout.Phase) ([]rollout.Phase, error) {
	phases := slices.Clone(stored)
	for i := range phases {
		if i == 0 {
			continue
		}
		r := &fieldReader{value: c.FormValue, index: strconv.Itoa(i), phase: phaseTitle(phases[i])}
		phase := &phases[i]
		if phase.Level.Percent > 0 {
			phase.Level.Percent = int(r.number("percent", "percentage"))
		}
		phase.Soak = time.Duration(r.number("soak", "time to soak")) * time.Hour
		phase.Gates = rollout.Criteria{
			Success: r.share("success", "share of syncs that succeed"), Failures: r.share("failures", "failure rate"),
			Recent: time.Duration(r.number("recent", "time without a success")) * time.Hour, Reports: int(r.number("reports", "number of problem reports")),
		}
		ticked := neededOf(c, r.index)
		for _, g := range rollout.Gates {
			if slices.Contains(ticked, string(g)) {
				phase.Gates.Needed = append(phase.Gates.Needed, g)
			}
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return phases, nil
}

// fieldReader reads the fields of one phase and keeps the first fault.
type fieldReader struct {
	value        func(string) string
	index, phase string
	err          error
}

func (r *fieldReader) read(name, what string) float64 {
	text := strings.TrimSpace(r.value(name + "-" + r.index))
	n, err := strconv.ParseFloat(text, 64)
	if (err != nil || math.IsNaN(n) || math.Abs(n) > 1e6) && r.err == nil {
		r.err = domain.Errorf(domain.Invalid, "%s: the %s %q is not a number.", r.phase, what, shorten(text)).WithHint("Use digits.")
	}
	return n
}

func (r *fieldReader) number(name, what string) int64 {
	n := r.read(name, what)
	if n != math.Trunc(n) && r.err == nil {
		r.err = domain.Errorf(domain.Invalid, "%s: the %s must be a whole number.", r.phase, what)
	}
	return int64(n)
}

// share reads a percentage, to a tenth.
func (r *fieldReader) share(name, what string) float64 {
	return math.Round(r.read(name, what)*10) / 1000
}

// rolloutGuard saves how the guard is set.
func (p *pages) rolloutGuard(c echo.Context, s *store.Scope) error {
	act, err := rollout.ParseAct(shorten(c.FormValue("act")))
	if err == nil {
		_, err = p.changeRollout(c, s, store.RolloutChange{
			Action: store.SetGuard, Guard: rollout.Guard{On: c.FormValue("on") == "yes", Act: act}, Reason: c.FormValue("reason"),
		})
	}
	return p.phasesSaved(c, s, err, "")
}
