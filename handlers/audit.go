package handlers

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const auditPath = "/admin/audit"

// auditList is the audit log as an address asks for it.
type auditList struct {
	store.AuditQuery
	user, coach, competitor string // names of what is chosen
	filter                  views.AuditFilter
	params
}

// auditListIn reads the filters, and refuses a user, an action and a coach that the log cannot know. A competitor may be gone,
// so any id will do.
func (p *pages) auditListIn(c echo.Context, s *store.Scope) (auditList, error) {
	query := c.QueryParams()
	l := auditList{params: params{url.Values{}}}
	var err error
	if l.From, l.Until, err = daysIn(query, p.conf.Zone); err != nil {
		return l, err
	}
	if l.CompetitorID, err = competitorIDIn(query); err != nil {
		return l, err
	}
	if err := l.chooseAction(c, s); err != nil {
		return l, err
	}
	if err := l.choosePeople(c, s); err != nil {
		return l, err
	}
	l.filter.From, l.filter.Until = query.Get("from"), query.Get("to")
	l.filter.User, l.filter.UserText, l.filter.Action = l.UserID, l.user, l.Action
	l.filter.Competitor, l.filter.As = l.CompetitorID, l.CoachID
	for name, value := range map[string]string{
		"user": l.UserID, "action": l.Action, "competitor": l.CompetitorID, "as": l.CoachID, "from": l.filter.From, "to": l.filter.Until,
	} {
		if value != "" {
			l.values.Set(name, value)
		}
	}
	return l, nil
}

// chooseAction reads the action, one of those that are known or that the log has.
func (l *auditList) chooseAction(c echo.Context, s *store.Scope) error {
	found, err := s.AuditActions(c.Request().Context())
	if err != nil {
		return err
	}
	l.Action, l.filter.Actions = c.QueryParam("action"), views.AuditActions(found)
	if l.Action == "" || slices.ContainsFunc(l.filter.Actions, func(o views.Option) bool { return o.Key == l.Action }) {
		return nil
	}
	return domain.Errorf(domain.Invalid, "%q is not an action that is noted.", shorten(l.Action)).WithHint("Choose one from the list of actions.")
}

// choosePeople reads who did it, as which coach, and finds the names of all.
func (l *auditList) choosePeople(c echo.Context, s *store.Scope) (err error) {
	ctx := c.Request().Context()
	if who := strings.TrimSpace(c.QueryParam("user")); who != "" {
		user, err := s.AuditUser(ctx, who)
		if err != nil {
			return wrongChoice(err, "user", who)
		}
		l.UserID, l.user = user.ID, user.Name
	}
	if l.CoachID = c.QueryParam("as"); l.CoachID != "" {
		coach, err := s.Coach(ctx, l.CoachID)
		if err != nil {
			return wrongChoice(err, "coach", l.CoachID)
		}
		l.coach = coach.Name
	}
	l.competitor, err = competitorName(c, s, l.CompetitorID)
	return err
}

func competitorIDIn(query url.Values) (string, error) {
	id := strings.TrimSpace(query.Get("competitor"))
	if utf8.RuneCountInString(id) > maxSearch {
		return "", domain.Errorf(domain.Invalid, "The competitor's id is longer than %d characters.", maxSearch).WithHint("Copy it from the address of the competitor's page.")
	}
	return id, nil
}

// competitorName is a competitor's name, or the id where there is none (any more).
func competitorName(c echo.Context, s *store.Scope, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	r, err := s.CompetitorRow(c.Request().Context(), id)
	if domain.CodeOf(err) == domain.NoSuch {
		return id, nil
	}
	return r.Name(), err
}

// auditShow shows the audit log, newest first. Opening it is noted, too, for it names people; turning its pages is not.
func (p *pages) auditShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.auditListIn(c, s)
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, ends, err := s.AuditPage(ctx, l.AuditQuery, page)
	if err != nil {
		return err
	}
	list := views.AuditLog{Filter: l.filter, ExportURL: l.with(auditPath + ".csv")}
	list.Filter.Chips, list.Filter.ClearURL = l.chips(), auditPath
	if list.Filter.Users, err = auditUsers(c, s, l); err != nil {
		return err
	}
	for _, e := range rows {
		list.Rows = append(list.Rows, l.row(e))
	}
	if len(rows) > 0 && ends.Newer {
		list.NewerURL = l.with(auditPath, "before", strconv.FormatInt(rows[0].ID, 10))
	}
	if len(rows) > 0 && ends.Older {
		list.OlderURL = l.with(auditPath, "after", strconv.FormatInt(rows[len(rows)-1].ID, 10))
	}
	if regionOf(c) != "audit" {
		if err := s.Audit(ctx, "audit.view", "", ""); err != nil {
			return err
		}
	}
	shell := p.shell(c, s.Viewer())
	return render(c, views.AuditPage(shell, list), regions{"audit": views.AuditList(shell, list)})
}

// auditUsers are the users to choose from, with the chosen one, who may not have done anything yet.
func auditUsers(c echo.Context, s *store.Scope, l auditList) ([]views.Option, error) {
	users, err := s.AuditUsers(c.Request().Context(), mostChoices)
	list := options(users)
	if l.UserID != "" && len(list) > 0 && !slices.ContainsFunc(list, func(o views.Option) bool { return o.Key == l.UserID }) {
		list = append(list, views.Option{Key: l.UserID, Name: l.user})
	}
	return list, err
}

// row is an entry as the page shows it. Its links narrow the list further, from the first page on.
func (l auditList) row(e store.AuditEntry) views.AuditRow {
	r := views.AuditRow{
		At: e.At, Who: whoDid(e), WhoURL: l.with(auditPath, "user", e.UserID), Action: e.Action, Detail: e.Detail, DetailName: e.DetailName,
		Competitor: e.CompetitorName, As: e.CoachName,
	}
	if e.CompetitorID != "" {
		r.AboutURL = link(auditPath, "competitor", e.CompetitorID)
	}
	if e.CompetitorName != "" {
		r.CompetitorURL = views.CompetitorURL(e.CompetitorID)
	} else {
		r.Competitor = e.CompetitorID
	}
	if e.CoachName != "" {
		r.AsURL = l.with(auditPath, "as", e.CoachID)
	} else {
		r.As = e.CoachID
	}
	return r
}

// whoDid names the one who did it as well as it is known.
func whoDid(e store.AuditEntry) string {
	switch {
	case e.UserName != "":
		return e.UserName
	case e.UserEmail != "":
		return e.UserEmail
	}
	return e.UserID
}

// chips name what is set, each with the way to the log without it.
func (l auditList) chips() []views.Chip {
	var list []views.Chip
	chip := func(id, label, value string) {
		if value != "" {
			list = append(list, views.Chip{ID: id, Label: label, URL: l.with(auditPath, id, "")})
		}
	}
	chip("user", "Who: "+l.user, l.UserID)
	chip("action", "Action: "+views.AuditAction(l.Action), l.Action)
	chip("competitor", "About: "+l.competitor, l.CompetitorID)
	chip("as", "Acting as: "+l.coach, l.CoachID)
	chip("from", "From "+l.filter.From, l.filter.From)
	chip("to", "To "+l.filter.Until, l.filter.Until)
	return list
}

// auditCSV exports the log as it is narrowed on the screen, all pages of it; the first line is this export's own.
func (p *pages) auditCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.auditListIn(c, s)
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "audit.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"at", "user", "user_email", "user_id", "action", "action_in_words", "competitor_id", "competitor", "acting_as_id", "acting_as", "detail", "detail_name"}
	return p.csv(c, "audit", "", header, func(row func(...any) error) error {
		return s.EachAudit(ctx, l.AuditQuery, func(e store.AuditEntry) error {
			return row(e.At, whoDid(e), e.UserEmail, e.UserID, e.Action, views.AuditAction(e.Action), e.CompetitorID, e.CompetitorName, e.CoachID, e.CoachName, e.Detail, e.DetailName)
		})
	})
}

// listed notes that an admin saw a list of names, also while looking as a coach. Coaches' lists of their own people are not
// noted: they open them all day, and each note is a write.
func listed(c echo.Context, s *store.Scope, region, action, detail string) error {
	v := s.Viewer()
	if regionOf(c) == region || v.Role != domain.RoleAdmin && !v.ViewingAs {
		return nil
	}
	return s.Audit(c.Request().Context(), action, "", detail)
}
