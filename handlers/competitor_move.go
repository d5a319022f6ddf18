package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// competitorMove gives a competitor another coach, after saying what follows.
func (p *pages) competitorMove(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	old, err := s.RosterCompetitor(ctx, idOf(c))
	if err != nil {
		return err
	}
	email := strings.TrimSpace(c.FormValue("coach_email"))
	if c.Request().Method == http.MethodGet {
		return p.showMove(c, s, old, email, nil)
	}
	coach, err := s.CoachByEmail(ctx, email)
	if domain.CodeOf(err) == domain.NoSuch {
		return p.showMove(c, s, old, email, wrongField("coach_email", "no coach has this email; choose one from the list"))
	}
	if err == nil {
		err = s.MoveCompetitor(ctx, old.ID, coach.ID)
	}
	if err != nil {
		return p.showMove(c, s, old, email, err)
	}
	p.wake()
	return seeOther(c, link(competitorEditURL(old.ID), "done", "saved"))
}

func (p *pages) showMove(c echo.Context, s *store.Scope, old domain.Competitor, email string, fault error) error {
	row, err := s.CompetitorRow(c.Request().Context(), old.ID)
	if err != nil {
		return err
	}
	coach, err := p.coachField(c, s, email, fault)
	if err != nil {
		return err
	}
	texts := []string{"The new coach sees " + old.Name() + " with all results from then on, and " + row.CoachName + " does not any more."}
	if row.Team != "" {
		texts = append(texts, "The team "+row.Team+" belongs to "+row.CoachName+", so "+old.Name()+" leaves it. Choose a team of the new coach afterwards.")
	}
	if old.GamePlatformID != "" {
		texts = append(texts, "MetaCTF cannot follow: the account stays under "+row.CoachName+" there. Ask MetaCTF’s support to move it. Its results are fetched as before.")
	}
	return p.confirmRoster(c, s, fault, views.RosterConfirm{
		Title: "Move " + old.Name() + " to another coach", Text: texts, Fields: []views.EditField{coach}, Button: "Move " + old.Name(),
		Crumbs: competitorCrumbs(old), Action: views.CompetitorURL(old.ID) + "/move", BackURL: competitorEditURL(old.ID),
	})
}

func competitorCrumbs(v domain.Competitor) []views.Crumb {
	return []views.Crumb{{Label: "Competitors", URL: competitorsPath}, {Label: v.Name(), URL: views.CompetitorURL(v.ID)}}
}

// competitorActive asks whether somebody takes part, or sees to it.
func (p *pages) competitorActive(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	row, err := s.CompetitorRow(ctx, idOf(c))
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodPost {
		if _, err := s.SetCompetitorActive(ctx, row.ID, c.FormValue("active") == "yes"); err != nil {
			return err
		}
		p.wake()
		return seeOther(c, link(competitorEditURL(row.ID), "done", "saved"))
	}
	view := views.RosterConfirm{
		Title: "Deactivate " + row.Name() + "?", Button: "Deactivate " + row.Name(), Danger: true, Hidden: []views.Option{{Key: "active", Name: "no"}},
		Crumbs: competitorCrumbs(row.Competitor), Action: views.CompetitorURL(row.ID) + "/active", BackURL: competitorEditURL(row.ID), Text: deactivationTexts(row),
	}
	if row.Sync.Deactivated {
		view.Title, view.Button, view.Danger, view.Hidden = "Activate "+row.Name()+" again?", "Activate "+row.Name(), false, []views.Option{{Key: "active", Name: "yes"}}
		view.Text = []string{"Results are fetched again, and what the roster says is passed on to MetaCTF as before."}
	}
	return p.confirmRoster(c, s, nil, view)
}

// deactivationTexts say what ends, what stays here, and what the platform still holds.
func deactivationTexts(row store.CompetitorRow) []string {
	texts := []string{"Nothing more is fetched, and nothing more is sent to MetaCTF. What was fetched until now stays here, and the coach still sees it. It can be taken back at any time."}
	if row.GamePlatformID == "" {
		return append(texts, "MetaCTF knows nothing of "+row.Name()+".")
	}
	held := "MetaCTF still holds the account"
	if row.Username != "" {
		held += " " + row.Username
	}
	held += " (id " + row.GamePlatformID + ") with the name and email it was given, and every solve. It has no call to delete an account: write to its support if it should go."
	if row.TeamID != "" {
		held += " With onboarding switched on, Flagpole takes " + row.Name() + " out of the team there."
	}
	return append(texts, held)
}
