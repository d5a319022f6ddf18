package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

func competitorEditURL(id string) string { return views.CompetitorURL(id) + "/edit" }

// competitorEdit is the form for one competitor, and stores what it says.
func (p *pages) competitorEdit(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	old, err := s.RosterCompetitor(ctx, idOf(c))
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodGet {
		if err := s.Audit(ctx, "competitor.view", old.ID, "edit"); err != nil {
			return err
		}
		return p.showCompetitorForm(c, s, old, old, nil)
	}
	typed := competitorForm(c)
	if c.FormValue("seen") != seenOf(old) {
		return p.showCompetitorForm(c, s, old, typed, domain.Errorf(domain.Clash, "Somebody has changed %s since you opened this page.", old.Name()).
			WithHint("What you typed stands below, the history says what changed: look, and save again."))
	}
	if err := s.UpdateCompetitor(ctx, old, typed); err != nil {
		return p.showCompetitorForm(c, s, old, typed, err)
	}
	p.wake()
	return seeOther(c, link(competitorEditURL(old.ID), "done", "saved"))
}

// competitorIn reads the form.
func competitorForm(c echo.Context) domain.Competitor {
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	return domain.Competitor{
		FirstName: value("first_name"), LastName: value("last_name"), Email: value("email"), Division: domain.Division(value("division")), Grade: value("grade"),
		Status: domain.ProfileStatus(value("status")), TeamID: value("team"), GamePlatformID: value("game_platform_id"),
	}
}

// competitorFields are the inputs for a competitor, with what is wrong with them.
func competitorFields(v domain.Competitor, teams []store.Choice, fault error) []views.EditField {
	wrong := roster.Problems(fault)
	teamOptions := append([]views.Option{{Key: "", Name: "No team"}}, options(teams)...)
	var divisions, statuses []views.Option
	for _, d := range domain.Divisions {
		divisions = append(divisions, views.Option{Key: string(d), Name: d.Label()})
	}
	for _, st := range domain.ProfileStatuses {
		statuses = append(statuses, views.Option{Key: string(st), Name: views.ProfileStatusName(st)})
	}
	return []views.EditField{
		{Name: "first_name", Label: "First name", Value: v.FirstName, Type: "text", Required: true, Max: 200, Fault: wrong.In("first_name")},
		{Name: "last_name", Label: "Last name", Value: v.LastName, Type: "text", Required: true, Max: 200, Fault: wrong.In("last_name")},
		{Name: "email", Label: "Email", Value: v.Email, Type: "email", Max: 254, Fault: wrong.In("email"), Note: "MetaCTF sends the first sign-in to it. Without one no account can be made."},
		{Name: "division", Label: "Division", Value: string(v.Division), Options: divisions, Fault: wrong.In("division")},
		{Name: "grade", Label: "Grade", Value: v.Grade, Type: "text", Max: 200, Fault: wrong.In("grade")},
		{Name: "status", Label: "Profile", Value: string(v.Status), Options: statuses, Fault: wrong.In("status")},
		{Name: "team", Label: "Team", Value: v.TeamID, Options: teamOptions, Fault: wrong.In("team")},
		{Name: "game_platform_id", Label: "Game platform id", Value: v.GamePlatformID, Type: "text", Max: 200, Fault: wrong.In("game_platform_id"),
			Note: "The id by which MetaCTF knows the account. Leave it empty where there is none: onboarding fills it in."},
	}
}

func (p *pages) showCompetitorForm(c echo.Context, s *store.Scope, old, typed domain.Competitor, fault error) error {
	ctx := c.Request().Context()
	teams, err := s.TeamsOf(ctx, old.CoachID)
	if err != nil {
		return err
	}
	row, err := s.CompetitorRow(ctx, old.ID)
	if err != nil {
		return err
	}
	changes, err := s.CompetitorChanges(ctx, old.ID, changesShown)
	if err != nil {
		return err
	}
	url := views.CompetitorURL(old.ID)
	view := views.Edit{
		Title: "Edit " + old.Name(), Intro: "Coach: " + row.CoachName, Action: url + "/edit", Button: "Save", Seen: seenOf(old), Crumbs: competitorCrumbs(old),
		Fields: competitorFields(typed, teams, fault), History: changeRows(changes),
		Actions: []views.Action{{Label: "Move to another coach…", URL: url + "/move"}, {Label: "Deactivate…", URL: url + "/active"}, {Label: "Personal data", URL: url + "/data"}},
	}
	if row.Sync.Deactivated {
		view.Actions[1].Label = "Activate…"
		view.Notes = append(view.Notes, "This competitor does not take part any more: nothing is fetched or sent.")
	}
	if old.GamePlatformID != "" {
		view.Notes = append(view.Notes, "MetaCTF keeps the name and email it was given: it has no call to change them. Ask its support if they matter there. A change of the team is passed on.")
	}
	return p.showEdit(c, s, competitorsPath+"/", fault, view)
}

// competitorNew is the form for a competitor who is to be added, and adds one. Somebody of the same name is pointed out first.
func (p *pages) competitorNew(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	if c.Request().Method == http.MethodGet {
		v := domain.Competitor{Division: domain.HighSchool, Status: domain.ProfilePending}
		email := ""
		if id := c.QueryParam("coach"); id != "" {
			coach, err := s.Coach(ctx, id)
			if err != nil {
				return wrongChoice(err, "coach", id)
			}
			email = coach.Email
		}
		return p.showNewCompetitor(c, s, v, email, nil, nil)
	}
	v, email := competitorForm(c), strings.TrimSpace(c.FormValue("coach_email"))
	coach, err := s.CoachByEmail(ctx, email)
	if domain.CodeOf(err) == domain.NoSuch {
		return p.showNewCompetitor(c, s, v, email, nil, wrongField("coach_email", "no coach has this email; choose one from the list"))
	}
	if err != nil {
		return err
	}
	v.CoachID = coach.ID
	if c.FormValue("anyway") != "yes" {
		same, err := s.SameName(ctx, v.Name(), sameShown)
		if err != nil {
			return err
		}
		if len(same) > 0 {
			return p.showNewCompetitor(c, s, v, email, same, domain.Errorf(domain.Clash, "There is a competitor of this name already."))
		}
	}
	id, err := s.CreateCompetitor(ctx, v)
	if err != nil {
		return p.showNewCompetitor(c, s, v, email, nil, err)
	}
	p.wake()
	return seeOther(c, link(competitorEditURL(id), "done", "added"))
}

func (p *pages) showNewCompetitor(c echo.Context, s *store.Scope, v domain.Competitor, email string, same []store.CompetitorRow, fault error) error {
	coach, err := p.coachField(c, s, email, fault)
	if err != nil {
		return err
	}
	fields := []views.EditField{coach}
	for _, f := range competitorFields(v, nil, fault) {
		if f.Name != "team" { // the teams are the coach's, who is not known yet
			fields = append(fields, f)
		}
	}
	view := views.Edit{
		Title: "Add a competitor", Intro: "A team is chosen once the competitor is there.", Action: "/admin/competitors/new", Button: "Add competitor", NoHistory: true,
		Crumbs: []views.Crumb{{Label: "Competitors", URL: competitorsPath}}, Fields: fields,
	}
	for _, r := range same {
		view.Same = append(view.Same, views.SameName{Name: r.Name(), URL: views.CompetitorURL(r.ID), Coach: r.CoachName, Email: r.Email})
	}
	return p.showEdit(c, s, competitorsPath+"/", fault, view)
}
