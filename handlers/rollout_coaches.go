package handlers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
	"flagpole/views"
)

// rolloutCoaches lists all coaches with what the rollout says of them; with at in the address, who had it then.
func (p *pages) rolloutCoaches(c echo.Context, s *store.Scope) error {
	view, err := p.coachesOfRollout(c, s)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return render(c, views.RolloutCoachesPage(shell, view), nil)
}

func (p *pages) coachesOfRollout(c echo.Context, s *store.Scope) (views.RolloutCoaches, error) {
	ctx := c.Request().Context()
	view := views.RolloutCoaches{At: c.QueryParam("at"), ExportURL: link(rolloutPath+"/coaches.csv", "at", c.QueryParam("at"))}
	desk, st, err := standing(c, s)
	if err != nil {
		return view, err
	}
	had := st.Enrolled()
	if view.At != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", view.At, p.conf.Zone)
		if err != nil {
			return view, domain.Errorf(domain.Invalid, "%q is not a time.", shorten(view.At)).WithHint("Write it like 2026-11-30T18:00.")
		}
		if had, err = desk.EnrolledAt(ctx, at); err != nil {
			return view, err
		}
	}
	slices.SortStableFunc(st.Coaches, func(a, b store.RolloutCoach) int { return cmp.Compare(a.Name, b.Name) })
	for _, coach := range st.Coaches {
		row := p.rolloutCoach(coach, st)
		row.Had = slices.Contains(had, coach.ID)
		if row.Had {
			view.Had++
		}
		view.Rows = append(view.Rows, row)
	}
	return view, nil
}

// rolloutCoachesCSV exports that list.
func (p *pages) rolloutCoachesCSV(c echo.Context, s *store.Scope) error {
	view, err := p.coachesOfRollout(c, s)
	if err != nil {
		return err
	}
	header := []string{"coach_id", "coach", "school", "competitors", "has_it", "since", "pilot", "held_back", "why"}
	return p.csv(c, "rollout", "", header, func(row func(...any) error) error {
		for _, r := range view.Rows {
			if err := row(r.ID, r.Name, r.School, r.Competitors, r.Had, r.Since, r.Pilot, r.HeldBack, r.Why); err != nil {
				return err
			}
		}
		return nil
	})
}

// rolloutCoachShow shows one coach's part in the rollout, and whether the coach is ready to be a pilot.
func (p *pages) rolloutCoachShow(c echo.Context, s *store.Scope) error {
	view, err := p.oneRolloutCoach(c, s)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return render(c, views.RolloutCoachPage(shell, view), nil)
}

// rolloutBrief is a page to print for a pilot.
func (p *pages) rolloutBrief(c echo.Context, s *store.Scope) error {
	view, err := p.oneRolloutCoach(c, s)
	if err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = rolloutPath + "/"
	return render(c, views.RolloutBriefPage(shell, view), nil)
}

func (p *pages) oneRolloutCoach(c echo.Context, s *store.Scope) (views.RolloutCoach, error) {
	_, st, err := standing(c, s)
	if err != nil {
		return views.RolloutCoach{}, err
	}
	coach, err := coachOf(st, idOf(c))
	view := p.rolloutCoach(coach, st)
	view.PeopleLinks = s.Viewer().Role == domain.RoleAdmin
	return view, err
}

// readiness are the checks of a pilot, each with what is missing.
func (p *pages) readiness(c store.RolloutCoach) (checks []views.RolloutCheck) {
	candidate := c.Candidate()
	for _, check := range rollout.Checks {
		v := views.RolloutCheck{OK: candidate.Passes(check, p.clock())}
		missing := ""
		switch check {
		case rollout.CheckSize:
			v.Name = fmt.Sprintf("%d to %d competitors", rollout.PilotLeast, rollout.PilotMost)
			missing = views.Plural(c.Competitors, "competitor", "competitors") + " on the roster."
		case rollout.CheckLogin:
			v.Name, missing = "Signs in regularly", p.signInMissing(c)
		case rollout.CheckEmails:
			v.Name, v.URL = "Roster complete, with emails", link(competitorsPath, "coach", c.ID, "state", string(domain.StateEmail))
			missing = views.Plural(c.WithoutEmail, "competitor has", "competitors have") + " no email."
		case rollout.CheckAccount:
			v.Name, v.URL = "Everybody on the platform", link(competitorsPath, "coach", c.ID, "state", store.StatesWaiting)
			missing = views.Plural(c.Competitors-c.OnPlatform, "competitor has", "competitors have") + " no account yet."
		}
		if !v.OK {
			v.Missing = missing
		}
		checks = append(checks, v)
	}
	return checks
}

func (p *pages) signInMissing(c store.RolloutCoach) string {
	switch {
	case !c.HasLogin:
		return "No login yet. An admin invites the coach."
	case c.SignedInAt.IsZero():
		return "Has never signed in."
	}
	return "Last signed in " + views.Relative(c.SignedInAt, p.clock(), p.conf.Zone) + "."
}

// candidates are the coaches who would make the best pilots, those with the most checks passed first.
func (p *pages) candidates(st store.RolloutState) []views.RolloutCoach {
	var list []views.RolloutCoach
	for _, c := range st.Coaches {
		if !c.Pilot && !c.HeldBack && c.Competitors > 0 {
			list = append(list, p.rolloutCoach(c, st))
		}
	}
	slices.SortStableFunc(list, func(a, b views.RolloutCoach) int {
		return cmp.Or(cmp.Compare(b.Ready(), a.Ready()), cmp.Compare(a.Name, b.Name))
	})
	const most = 5
	return list[:min(len(list), most)]
}

// introductionSeen notes that a coach has read the introduction.
func (p *pages) introductionSeen(c echo.Context, s *store.Scope) error {
	if err := s.SeeIntroduction(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, competitorsPath)
}
