package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/views"
)

const usersPath = "/admin/users"

func userURL(id string) string { return usersPath + "/" + url.PathEscape(id) }

// userList is the list of users as an address asks for it.
type userList struct {
	store.UserQuery
	params
}

func userListIn(c echo.Context) (userList, error) {
	query := c.QueryParams()
	l := userList{params: params{url.Values{}}}
	var err error
	if l.Search, err = searchIn(query); err != nil {
		return l, err
	}
	role, err := oneIn(query, "role", []string{"", "coach", "admin", "product"})
	if err != nil {
		return l, err
	}
	state, err := oneIn(query, "state", []string{"", "active", "invited", "disabled"})
	if err != nil {
		return l, err
	}
	l.Role, l.State = domain.Role(role), store.UserState(state)
	for name, value := range map[string]string{"q": l.Search, "role": role, "state": state} {
		if value != "" {
			l.values.Set(name, value)
		}
	}
	return l, nil
}

// usersList lists who may sign in.
func (p *pages) usersList(c echo.Context, s *store.Scope) error {
	l, err := userListIn(c)
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, place, err := s.UsersPage(c.Request().Context(), l.UserQuery, page)
	if err != nil {
		return err
	}
	view := views.Users{Search: l.Search, Role: string(l.Role), State: string(l.State), ClearURL: usersPath}
	for _, u := range rows {
		view.Rows = append(view.Rows, userRow(u))
	}
	if l.Role != "" {
		view.Chips = append(view.Chips, views.Chip{ID: "role", Label: "Role: " + views.RoleName(l.Role), URL: l.with(usersPath, "role", "")})
	}
	if l.State != "" {
		view.Chips = append(view.Chips, views.Chip{ID: "state", Label: "State: " + string(l.State), URL: l.with(usersPath, "state", "")})
	}
	view.Pager = pager(rows, func(u store.UserRow) string { return u.ID }, place, page.Limit, func(name, cursor string) string { return l.with(usersPath, name, cursor) })
	shell := p.shell(c, s.Viewer())
	return render(c, views.UsersPage(shell, view), regions{"users": views.UsersList(shell, view)})
}

func userRow(u store.UserRow) views.UserRow {
	state := map[store.UserState]views.State{
		store.UserActive: {Kind: "ok", Text: "Active"}, store.UserInvited: {Kind: "hold", Text: "Invited"}, store.UserDisabled: {Kind: "off", Text: "Disabled"},
	}[u.State]
	return views.UserRow{
		Email: u.Email, URL: userURL(u.ID), Role: views.RoleName(u.Role), Coach: u.CoachName, State: state, LastSignInAt: u.LastSignInAt, TwoFactor: u.TwoFactor,
	}
}

// roleFields are the inputs for a role and, of a coach, whose login it is.
func (p *pages) roleFields(c echo.Context, s *store.Scope, role, email string, fault error) ([]views.EditField, error) {
	coach, err := p.coachField(c, s, email, fault)
	coach.Required, coach.Label, coach.Note = false, "Coach’s email, for a coach’s login", "Leave it empty for other roles."
	return []views.EditField{{Name: "role", Label: "Role", Value: role, Options: views.UserRoles(), Fault: roster.Problems(fault).In("role")}, coach}, err
}

// coachOfRole finds the coach that a form names; "" where it names none.
func coachOfRole(c echo.Context, s *store.Scope) (id string, err error) {
	email := strings.TrimSpace(c.FormValue("coach_email"))
	if email == "" {
		return "", nil
	}
	coach, err := s.CoachByEmail(c.Request().Context(), email)
	if domain.CodeOf(err) == domain.NoSuch {
		return "", wrongField("coach_email", "no coach has this email; choose one from the list")
	}
	return coach.ID, err
}

// userNew is the form for an invitation, and makes one.
func (p *pages) userNew(c echo.Context, s *store.Scope) error {
	if c.Request().Method == http.MethodGet {
		return p.showNewUser(c, s, nil)
	}
	coach, err := coachOfRole(c, s)
	if err != nil {
		return p.showNewUser(c, s, err)
	}
	token, link, err := p.auth.NewLink()
	if err != nil {
		return err
	}
	id, err := s.InviteUser(c.Request().Context(), c.FormValue("email"), domain.Role(c.FormValue("role")), coach, link)
	if err != nil {
		return p.showNewUser(c, s, err)
	}
	return p.showUser(c, s, id, views.UserPage{Link: p.conf.PublicURL + invitationPath + "/" + token, Done: "Invited."}, nil)
}

func (p *pages) showNewUser(c echo.Context, s *store.Scope, fault error) error {
	role := c.FormValue("role")
	if role == "" {
		role = string(domain.RoleCoach)
	}
	fields, err := p.roleFields(c, s, role, c.FormValue("coach_email"), fault)
	if err != nil {
		return err
	}
	email := views.EditField{Name: "email", Label: "Email to sign in with", Value: c.FormValue("email"), Type: "email", Required: true, Max: 254}
	return p.showEdit(c, s, usersPath+"/", fault, views.Edit{
		Title: "Invite somebody", Intro: "You get a link to send to them. With it they choose a password.", Action: usersPath + "/new", Button: "Make the link", NoHistory: true,
		Crumbs: []views.Crumb{{Label: "Users", URL: usersPath}}, Fields: slices.Concat([]views.EditField{email}, fields),
	})
}

// userDone says what has just been done to a user.
var userDone = map[string]string{
	"role": "The role is changed.", "sessions": "Signed out everywhere.", "two-factor-off": "The code is off: the password alone is enough.",
	"disable": "Disabled. Nobody signs in as this user now.", "enable": "Enabled.",
}

// userShow is one user, and what can be done.
func (p *pages) userShow(c echo.Context, s *store.Scope) error {
	done := c.QueryParam("done")
	if userDone[done] == "" && done != "" {
		return domain.Errorf(domain.Invalid, "%q is nothing that can be done to a user.", shorten(done)).WithHint("Open the user from the list.")
	}
	return p.showUser(c, s, idOf(c), views.UserPage{Done: userDone[done]}, nil)
}

// userChange does what a form of the page asks for.
func (p *pages) userChange(c echo.Context, s *store.Scope) error {
	ctx, id, do := c.Request().Context(), idOf(c), c.FormValue("do")
	var err error
	switch do {
	case "role":
		var coach string
		if coach, err = coachOfRole(c, s); err == nil {
			err = s.SetUserRole(ctx, id, domain.Role(c.FormValue("role")), coach)
		}
	case "reset":
		token, link, tokenErr := p.auth.NewLink()
		if tokenErr != nil {
			return tokenErr
		}
		if err = s.ResetUser(ctx, id, link); err == nil { // the answer is the only place where the link stands
			return p.showUser(c, s, id, views.UserPage{Link: p.conf.PublicURL + invitationPath + "/" + token, Done: "The password is gone, and all sessions have ended."}, nil)
		}
	case "sessions":
		err = s.EndUserSessions(ctx, id)
	case "two-factor-off":
		err = s.DropTwoFactor(ctx, id)
	case "disable", "enable":
		err = s.SetUserDisabled(ctx, id, do == "disable")
	default:
		err = domain.Errorf(domain.Invalid, "The form does not say what to do.").WithHint("Use one of the buttons.")
	}
	if err != nil {
		return p.showUser(c, s, id, views.UserPage{}, err)
	}
	return seeOther(c, link(userURL(id), "done", do))
}

func (p *pages) showUser(c echo.Context, s *store.Scope, id string, view views.UserPage, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	u, err := s.User(c.Request().Context(), id)
	if err != nil {
		return err
	}
	email := c.FormValue("coach_email")
	if email == "" && u.CoachID != "" {
		coach, err := s.Coach(c.Request().Context(), u.CoachID)
		if err != nil {
			return err
		}
		email = coach.Email
	}
	if view.RoleFields, err = p.roleFields(c, s, string(u.Role), email, fault); err != nil {
		return err
	}
	view.ID, view.URL, view.Row, view.Sessions, view.LinkUntil = u.ID, userURL(u.ID), userRow(u), u.Sessions, u.LinkUntil
	view.Self, view.Disabled, view.LinkFor, view.Problem = u.ID == s.Viewer().UserID, u.State == store.UserDisabled, u.Email, plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = usersPath + "/"
	return write(c, status, views.UserShowPage(shell, view))
}
