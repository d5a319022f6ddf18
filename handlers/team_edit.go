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

func teamField(name string, fault error) views.EditField {
	return views.EditField{Name: "team", Label: "Name", Value: name, Type: "text", Required: true, Max: 200, Fault: roster.Problems(fault).In("team")}
}

// teamNew is the form for a team that is to be added to a coach's, and adds one.
func (p *pages) teamNew(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	id := c.FormValue("coach")
	coach, err := s.Coach(ctx, id)
	if err != nil {
		return wrongChoice(err, "coach", id)
	}
	var fault error
	name := strings.TrimSpace(c.FormValue("team"))
	if c.Request().Method == http.MethodPost {
		var team string
		if team, fault = s.CreateTeam(ctx, roster.Team{CoachID: coach.ID, Name: name}); fault == nil {
			return seeOther(c, link(views.TeamURL(team)+"/edit", "done", "added"))
		}
	}
	return p.showEdit(c, s, teamsPath+"/", fault, views.Edit{
		Title: "Add a team", Intro: "Coach: " + coach.Name + ". Who is in it is said on the competitors’ pages.", Action: link("/admin/teams/new", "coach", coach.ID), Button: "Add team",
		Crumbs: []views.Crumb{{Label: "Teams", URL: teamsPath}}, Fields: []views.EditField{teamField(name, fault)}, NoHistory: true,
	})
}

// teamEdit is the form for one team, and stores what it says.
func (p *pages) teamEdit(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	team, err := s.RosterTeam(ctx, idOf(c))
	if err != nil {
		return err
	}
	var fault error
	name := team.Name
	if c.Request().Method == http.MethodPost {
		name = strings.TrimSpace(c.FormValue("team"))
		switch {
		case c.FormValue("seen") != seenOf(team):
			fault = domain.Errorf(domain.Clash, "Somebody has renamed the team to %s since you opened this page.", team.Name).WithHint("Look, and save again.")
		default:
			fault = s.RenameTeam(ctx, team.ID, name)
		}
		if fault == nil {
			p.wake()
			return seeOther(c, link(views.TeamURL(team.ID)+"/edit", "done", "saved"))
		}
	}
	changes, err := s.TeamChanges(ctx, team.ID, changesShown)
	if err != nil {
		return err
	}
	return p.showEdit(c, s, teamsPath+"/", fault, views.Edit{
		Title: "Edit " + team.Name, Action: views.TeamURL(team.ID) + "/edit", Button: "Save", Seen: seenOf(team), History: changeRows(changes),
		Crumbs: []views.Crumb{{Label: "Teams", URL: teamsPath}, {Label: team.Name, URL: views.TeamURL(team.ID)}}, Fields: []views.EditField{teamField(name, fault)},
		Notes: []string{"MetaCTF cannot rename a team: one that is there keeps its name there."}, Actions: []views.Action{{Label: "Delete…", URL: views.TeamURL(team.ID) + "/delete"}},
	})
}

// teamDelete asks whether to delete a team, or deletes it.
func (p *pages) teamDelete(c echo.Context, s *store.Scope) error {
	team, err := s.RosterTeam(c.Request().Context(), idOf(c))
	if err != nil {
		return err
	}
	var fault error
	if c.Request().Method == http.MethodPost {
		if fault = s.DeleteTeam(c.Request().Context(), team.ID); fault == nil {
			p.wake()
			return seeOther(c, teamsPath)
		}
	}
	return p.confirmRoster(c, s, fault, views.RosterConfirm{
		Title: "Delete " + team.Name + "?", Button: "Delete " + team.Name, Danger: true,
		Text:   []string{"Only a team in which nobody is can be deleted. Nobody’s results go with it.", "With onboarding switched on, the team is deleted at MetaCTF too, once nobody is in it there."},
		Crumbs: []views.Crumb{{Label: "Teams", URL: teamsPath}, {Label: team.Name, URL: views.TeamURL(team.ID)}}, Action: views.TeamURL(team.ID) + "/delete", BackURL: views.TeamURL(team.ID) + "/edit",
	})
}
