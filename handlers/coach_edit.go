package handlers

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

const coachesPath = "/coaches"

func coachURL(id string) string { return coachesPath + "/" + url.PathEscape(id) }

func coachForm(c echo.Context) domain.Coach {
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	return domain.Coach{Name: value("coach_name"), Email: value("coach_email"), School: value("school"), Region: value("region")}
}

func coachFields(v domain.Coach, fault error) []views.EditField {
	wrong := roster.Problems(fault)
	return []views.EditField{
		{Name: "coach_name", Label: "Name", Value: v.Name, Type: "text", Required: true, Max: 200, Fault: wrong.In("coach_name"), Note: "First and last name: MetaCTF wants both."},
		{Name: "coach_email", Label: "Email", Value: v.Email, Type: "email", Required: true, Max: 254, Fault: wrong.In("coach_email")},
		{Name: "school", Label: "School", Value: v.School, Type: "text", Max: 200, Fault: wrong.In("school"), Note: "MetaCTF wants one for each team."},
		{Name: "region", Label: "Region", Value: v.Region, Type: "text", Max: 200, Fault: wrong.In("region")},
	}
}

// coachNew is the form for a coach who is to be added, and adds one.
func (p *pages) coachNew(c echo.Context, s *store.Scope) error {
	if c.Request().Method == http.MethodGet {
		return p.showNewCoach(c, s, domain.Coach{}, nil)
	}
	v := coachForm(c)
	id, err := s.CreateCoach(c.Request().Context(), v)
	if err != nil {
		return p.showNewCoach(c, s, v, err)
	}
	return seeOther(c, link(coachURL(id)+"/edit", "done", "added"))
}

func (p *pages) showNewCoach(c echo.Context, s *store.Scope, v domain.Coach, fault error) error {
	return p.showEdit(c, s, coachesPath+"/", fault, views.Edit{
		Title: "Add a coach", Intro: "Whether the coach sees results is decided by the rollout. A login is made on the page Users.", Action: "/admin/coaches/new", Button: "Add coach",
		Crumbs: []views.Crumb{{Label: "Coaches", URL: coachesPath}}, Fields: coachFields(v, fault), NoHistory: true,
	})
}

// coachEdit is the form for one coach, and stores what it says.
func (p *pages) coachEdit(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	row, err := s.Coach(ctx, idOf(c))
	if err != nil {
		return err
	}
	old := row.Coach
	if c.Request().Method == http.MethodGet {
		return p.showCoachForm(c, s, row, old, nil)
	}
	typed := coachForm(c)
	if c.FormValue("seen") != seenOf(old) {
		return p.showCoachForm(c, s, row, typed, domain.Errorf(domain.Clash, "Somebody has changed %s since you opened this page.", old.Name).
			WithHint("What you typed stands below, the history says what changed: look, and save again."))
	}
	if err := s.UpdateCoach(ctx, old, typed); err != nil {
		return p.showCoachForm(c, s, row, typed, err)
	}
	p.wake()
	return seeOther(c, link(coachURL(old.ID)+"/edit", "done", "saved"))
}

func (p *pages) showCoachForm(c echo.Context, s *store.Scope, row store.CoachRow, typed domain.Coach, fault error) error {
	changes, err := s.CoachChanges(c.Request().Context(), row.ID, changesShown)
	if err != nil {
		return err
	}
	view := views.Edit{
		Title: "Edit " + row.Name, Action: coachURL(row.ID) + "/edit", Button: "Save", Seen: seenOf(row.Coach), Crumbs: []views.Crumb{{Label: "Coaches", URL: coachesPath}},
		Fields: coachFields(typed, fault), History: changeRows(changes),
		Actions: []views.Action{
			{Label: "Add a competitor", URL: link("/admin/competitors/new", "coach", row.ID)}, {Label: "Add a team", URL: link("/admin/teams/new", "coach", row.ID)},
			{Label: "Deactivate…", URL: coachURL(row.ID) + "/active"},
		},
	}
	if row.Deactivated {
		view.Actions = []views.Action{{Label: "Activate…", URL: coachURL(row.ID) + "/active"}}
		view.Notes = []string{"This coach is not active any more."}
	}
	return p.showEdit(c, s, coachesPath+"/", fault, view)
}

// coachActive asks whether a coach looks after competitors, or sees to it.
func (p *pages) coachActive(c echo.Context, s *store.Scope) error {
	row, err := s.Coach(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	var fault error
	if c.Request().Method == http.MethodPost {
		if fault = s.SetCoachActive(c.Request().Context(), row.ID, c.FormValue("active") == "yes"); fault == nil {
			return seeOther(c, link(coachURL(row.ID)+"/edit", "done", "saved"))
		}
	}
	view := views.RosterConfirm{
		Title: "Deactivate " + row.Name + "?", Button: "Deactivate " + row.Name, Danger: true, Hidden: []views.Option{{Key: "active", Name: "no"}},
		Text: []string{"The coach’s logins end at once, and nothing more is sent to MetaCTF about the coach. What MetaCTF holds of the coach stays there.",
			"A coach with active competitors cannot be deactivated: move them to another coach, or deactivate them, first."},
		Crumbs: []views.Crumb{{Label: "Coaches", URL: coachesPath}, {Label: row.Name, URL: coachURL(row.ID) + "/edit"}}, Action: coachURL(row.ID) + "/active", BackURL: coachURL(row.ID) + "/edit",
	}
	if row.Deactivated {
		view.Title, view.Button, view.Danger, view.Hidden = "Activate "+row.Name+" again?", "Activate "+row.Name, false, []views.Option{{Key: "active", Name: "yes"}}
		view.Text = []string{"Competitors can be given to the coach again. The coach’s logins stay disabled until they are enabled on the page Users."}
	}
	return p.confirmRoster(c, s, fault, view)
}
