package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const problemsPath = "/problems"

// problemNew is the form for what is wrong with a page.
func (p *pages) problemNew(c echo.Context, s *store.Scope) error {
	if v := s.Viewer(); v.ViewingAs {
		return domain.Errorf(domain.Denied, "No problem can be reported while you look at the portal as %s.", v.CoachName).WithHint("Go back to your own view first.")
	}
	return p.showProblemForm(c, s, p.reported(c, c.QueryParam), nil)
}

// problemReport stores what a coach says is wrong.
func (p *pages) problemReport(c echo.Context, s *store.Scope) error {
	r := p.reported(c, c.FormValue)
	if _, err := s.ReportProblem(c.Request().Context(), r); err != nil {
		return p.showProblemForm(c, s, r, err)
	}
	return seeOther(c, problemsPath)
}

// reported reads a report from the parts of an address or a form.
func (p *pages) reported(c echo.Context, value func(name string) string) store.ProblemReport {
	return store.ProblemReport{Page: p.reportedPage(c, value("page")), AsOf: p.reportedAt(value("at")), Text: value("text")}
}

// reportedAt is when a page was as it is reported. What is no time, or is still to come, is now.
func (p *pages) reportedAt(text string) time.Time {
	now := p.clock()
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil || at <= 0 || at > now.Unix() {
		return now
	}
	return time.Unix(at, 0)
}

// reportedPage is the path of one of the portal's pages, without its query; anything else is "/".
func (p *pages) reportedPage(c echo.Context, target string) string {
	target, _, _ = strings.Cut(ownPage(target), "?")
	if utf8.RuneCountInString(target) > domain.MaxProblemPage || !p.isPage(c, target) {
		return "/"
	}
	return target
}

// isPage reports whether somebody who is signed in finds a page at an escaped path.
func (p *pages) isPage(c echo.Context, target string) bool {
	u, err := url.Parse(target)
	if err != nil || path.Clean(u.Path) != u.Path { // browsers resolve dots, and then it is another page
		return false
	}
	e := c.Echo()
	found := e.NewContext(c.Request(), nil)
	e.Router().Find(http.MethodGet, echo.GetPath(&http.Request{URL: u}), found)
	return slices.ContainsFunc(p.routes(), func(r route) bool {
		return r.method == http.MethodGet && r.path == found.Path() && len(r.roles) > 0 && path.Ext(r.path) == ""
	})
}

// pageAddress is the path of the page that a request shows, never its query: a search may hold a name. What a form is answered
// with belongs to the page that the form stands on.
func (p *pages) pageAddress(c echo.Context) string {
	target := c.Request().URL.EscapedPath()
	if c.Request().Method == http.MethodGet {
		return target
	}
	for target != "" && !p.isPage(c, target) {
		target = target[:max(0, strings.LastIndexByte(target, '/'))]
	}
	return target
}

// showProblemForm shows the form with what was typed, and what spoke against it.
func (p *pages) showProblemForm(c echo.Context, s *store.Scope, r store.ProblemReport, fault error) error {
	status := http.StatusOK
	var known *domain.Error
	switch {
	case fault == nil:
	case !errors.As(fault, &known) || known.Code != domain.Invalid && known.Code != domain.Throttled:
		return fault
	default:
		status = statusOf[known.Code]
	}
	view := views.ProblemForm{Page: r.Page, Kind: domain.PageKindOf(r.Page), At: r.AsOf, Text: r.Text, Problem: plainText(fault)}
	return write(c, status, views.ProblemNewPage(p.shell(c, s.Viewer()), view))
}

// problemsList lists reports: all of them for staff, the own ones for a coach.
func (p *pages) problemsList(c echo.Context, s *store.Scope) error {
	text, err := oneOf(c, "state", "", string(domain.ProblemOpen), string(domain.ProblemAnswered), string(domain.ProblemClosed))
	if err != nil {
		return err
	}
	before, err := problemBefore(c)
	if err != nil {
		return err
	}
	list, err := s.Problems(c.Request().Context(), domain.ProblemState(text), before, usualSize)
	if err != nil {
		return err
	}
	view := views.Problems{State: domain.ProblemState(text), Open: list.Open, LastWeek: list.LastWeek}
	for _, r := range list.Rows {
		view.Rows = append(view.Rows, problemRow(r))
	}
	if list.More {
		view.OlderURL = link(problemsPath, "state", text, "before", strconv.FormatInt(list.Rows[len(list.Rows)-1].ID, 10))
	}
	if before > 0 {
		view.NewestURL = link(problemsPath, "state", text)
	}
	shell := p.problemShell(c, s)
	return render(c, views.ProblemsPage(shell, view), regions{"problems": views.ProblemsList(shell, view)})
}

// problemShell is the frame of pages of reports. Admins come to them from the page Admin.
func (p *pages) problemShell(c echo.Context, s *store.Scope) views.Shell {
	shell := p.shell(c, s.Viewer())
	if s.Viewer().Role == domain.RoleAdmin {
		shell.Path = adminPath
	}
	return shell
}

func problemBefore(c echo.Context) (int64, error) {
	text := c.QueryParam("before")
	if text == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil || before < 1 {
		return 0, domain.Errorf(domain.Invalid, "%q is no place in the list of reports.", shorten(text)).WithHint("Open the page of problems again.")
	}
	return before, nil
}

func problemRow(r store.Problem) views.ProblemRow {
	return views.ProblemRow{
		ID: r.ID, Coach: r.CoachName, Page: r.Page, Text: r.Text, Answer: r.Answer, Kind: r.Kind, AsOf: r.AsOf, ReportedAt: r.ReportedAt, State: r.State,
		AnsweredBy: r.AnsweredBy, AnsweredAt: r.AnsweredAt, ClosedAt: r.ClosedAt,
	}
}

// problemOf reads the report that the address names. What is no number is no report.
func problemOf(c echo.Context, s *store.Scope) (store.Problem, error) {
	id, err := strconv.ParseInt(idOf(c), 10, 64)
	if err != nil {
		id = 0 // nobody's
	}
	return s.Problem(c.Request().Context(), id)
}

// problemShow is one report.
func (p *pages) problemShow(c echo.Context, s *store.Scope) error { return p.showProblem(c, s, nil) }

// showProblem shows a report as it is now, with what was typed, and what spoke against it.
func (p *pages) showProblem(c echo.Context, s *store.Scope, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	r, err := problemOf(c, s)
	if err != nil {
		return err
	}
	view := views.Problem{
		ProblemRow: problemRow(r), Seen: strconv.FormatInt(r.Seen, 10), MayAct: s.Viewer().May(domain.MayAnswer), Problem: plainText(fault),
	}
	if typed, sent := c.Request().PostForm["answer"]; sent {
		view.Typed = strings.Join(typed, "")
	} else if r.State != domain.ProblemClosed {
		view.Typed = r.Answer // to be amended
	}
	return write(c, status, views.ProblemShowPage(p.problemShell(c, s), view))
}

// problemAnswer answers a report.
func (p *pages) problemAnswer(c echo.Context, s *store.Scope) error {
	return p.changeProblem(c, s, func(id, seen int64) error {
		return s.AnswerProblem(c.Request().Context(), id, seen, c.FormValue("answer"))
	})
}

// problemClose puts a report aside.
func (p *pages) problemClose(c echo.Context, s *store.Scope) error {
	return p.changeProblem(c, s, func(id, seen int64) error { return s.CloseProblem(c.Request().Context(), id, seen) })
}

// problemReopen has a report wait for an answer again.
func (p *pages) problemReopen(c echo.Context, s *store.Scope) error {
	return p.changeProblem(c, s, func(id, seen int64) error { return s.ReopenProblem(c.Request().Context(), id, seen) })
}

func (p *pages) changeProblem(c echo.Context, s *store.Scope, change func(id, seen int64) error) error {
	r, err := problemOf(c, s)
	if err != nil {
		return err
	}
	seen, err := strconv.ParseInt(c.FormValue("seen"), 10, 64)
	if err != nil {
		seen = 0 // no version: it reads like one that has changed
	}
	if err := change(r.ID, seen); err != nil {
		return p.showProblem(c, s, err)
	}
	return seeOther(c, views.ProblemURL(strconv.FormatInt(r.ID, 10)))
}
