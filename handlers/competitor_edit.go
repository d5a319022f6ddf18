package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

const (
	changesShown = 50
	sameShown    = 10
)

func competitorEditURL(id string) string { return views.CompetitorURL(id) + "/edit" }

// savedWords say what has just been done, by the value of done in the address.
var savedWords = map[string]string{"saved": "Saved.", "added": "Added."}

// seenOf changes with every value of a record, so that a form can say what it was made from.
func seenOf(record any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+q", record))
	return hex.EncodeToString(sum[:12])
}

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
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	done, err := oneOf(c, "done", "nothing", "saved", "added")
	if err != nil {
		return err
	}
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
		Title: "Edit " + old.Name(), Intro: "Coach: " + row.CoachName, Action: url + "/edit", Button: "Save", Seen: seenOf(old), Done: savedWords[done], Problem: plainText(fault),
		Crumbs: []views.Crumb{{Label: "Competitors", URL: competitorsPath}, {Label: old.Name(), URL: url}}, Fields: competitorFields(typed, teams, fault),
		Actions: []views.Action{{Label: "Move to another coach…", URL: url + "/move"}, {Label: "Deactivate…", URL: url + "/active"}, {Label: "Personal data", URL: url + "/data"}}, History: changeRows(changes),
	}
	if row.Sync.Deactivated {
		view.Actions[1].Label = "Activate…"
		view.Notes = append(view.Notes, "This competitor does not take part any more: nothing is fetched or sent.")
	}
	if old.GamePlatformID != "" {
		view.Notes = append(view.Notes, "MetaCTF keeps the name and email it was given: it has no call to change them. Ask its support if they matter there. A change of the team is passed on.")
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, status, views.EditPage(shell, view))
}

func changeRows(changes []store.RosterChange) []views.ChangeRow {
	var list []views.ChangeRow
	for _, h := range changes {
		row := views.ChangeRow{At: h.At, By: h.By, Source: h.Source, Field: views.ChangeField(h.Field), Old: h.Old, New: h.New}
		switch h.Field {
		case "status":
			row.Old, row.New = views.ProfileStatusName(domain.ProfileStatus(h.Old)), views.ProfileStatusName(domain.ProfileStatus(h.New))
		case "division":
			row.Old, row.New = domain.Division(h.Old).Label(), domain.Division(h.New).Label()
		}
		list = append(list, row)
	}
	return list
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

// wrongField is an Invalid error about one input.
func wrongField(column, reason string) error {
	return domain.Errorf(domain.Invalid, "Some of it cannot be stored.").WithHint("Mend what is marked, and save again.").Because(roster.Invalid{{Column: column, Reason: reason}})
}

func (p *pages) showNewCompetitor(c echo.Context, s *store.Scope, v domain.Competitor, email string, same []store.CompetitorRow, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
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
		Crumbs: []views.Crumb{{Label: "Competitors", URL: competitorsPath}}, Fields: fields, Problem: plainText(fault),
	}
	for _, r := range same {
		view.Same = append(view.Same, views.SameName{Name: r.Name(), URL: views.CompetitorURL(r.ID), Coach: r.CoachName, Email: r.Email})
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = competitorsPath + "/"
	return write(c, status, views.EditPage(shell, view))
}

// coachField is the input for a coach's email, with those to choose from while typing, where they are not too many.
func (p *pages) coachField(c echo.Context, s *store.Scope, email string, fault error) (views.EditField, error) {
	f := views.EditField{
		Name: "coach_email", Label: "Coach’s email", Value: email, Type: "email", Required: true, Max: 254, Fault: roster.Problems(fault).In("coach_email"),
		Note: "Begin to type, and choose from the list.",
	}
	rows, _, err := s.CoachesPage(c.Request().Context(), "", store.Page{Limit: mostCoaches})
	for _, r := range rows {
		f.List = append(f.List, views.Option{Key: r.Email, Name: r.Name})
	}
	return f, err
}

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

// confirmRoster shows a page that asks, and with it what spoke against it. Other errors are not its business.
func (p *pages) confirmRoster(c echo.Context, s *store.Scope, fault error, view views.RosterConfirm) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	view.Problem = plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = "/confirm"
	return write(c, status, views.RosterConfirmPage(shell, view))
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
