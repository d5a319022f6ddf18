package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// The columns of the list of teams, and those that begin with the most.
var (
	teamColumns = []string{"name", "coach", "members", "active", "solves", "points", "average"}
	teamDown    = []string{"members", "active", "solves", "points", "average"}
)

// teamList is the list of teams as an address asks for it.
type teamList struct {
	store.TeamQuery
	coach string // name of the chosen one
	sort  string
	params
}

func (p *pages) teamListIn(c echo.Context, s *store.Scope) (teamList, error) {
	l := teamList{params: params{url.Values{}}}
	var err error
	if l.sort, err = oneOf(c, "sort", bothWays(teamColumns)...); err != nil {
		return l, err
	}
	column, desc := store.ParseSort(l.sort)
	l.TeamQuery = store.TeamQuery{Bounds: domain.BoundsAt(p.clock(), p.conf.Zone), Sort: store.TeamSort(column), Desc: desc}
	if l.Search, err = searchIn(c.QueryParams()); err != nil {
		return l, err
	}
	if l.CoachID, err = coachIn(c.QueryParams(), s.Viewer()); err != nil {
		return l, err
	}
	for name, value := range map[string]string{"q": l.Search, "coach": l.CoachID, "sort": strings.TrimPrefix(l.sort, teamColumns[0])} {
		if value != "" {
			l.values.Set(name, value)
		}
	}
	if l.CoachID == "" {
		return l, nil
	}
	coach, err := s.Coach(c.Request().Context(), l.CoachID)
	l.coach = coach.Name
	return l, wrongChoice(err, "coach", l.CoachID)
}

const teamsPath = "/teams"

// teamsList shows the viewer's teams, and below them those without one and everybody.
func (p *pages) teamsList(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.teamListIn(c, s)
	if err != nil {
		return err
	}
	page := pageOf(c, usualSize)
	rows, place, err := s.TeamsPage(ctx, l.TeamQuery, page)
	if err != nil {
		return err
	}
	list := views.Teams{
		Search: l.Search, Coach: l.CoachID, ExportURL: l.with("/teams.csv"),
		Sorting: sorting("teams", l.sort, teamColumns, teamDown, func(sort string) string {
			if sort == teamColumns[0] {
				sort = ""
			}
			return l.with(teamsPath, "sort", sort)
		}),
	}
	for _, t := range rows {
		list.Rows = append(list.Rows, teamRow(t))
	}
	list.Pager = pager(rows, func(r store.Team) string { return r.ID }, place, page.Limit, func(name, cursor string) string { return l.with(teamsPath, name, cursor) })
	if list.None, list.All, err = p.teamSums(c, s, l); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	return render(c, views.TeamsPage(shell, list), regions{"teams": views.TeamsList(shell, list)})
}

// teamSums are the rows below the teams: those without one, nil where there are none, and everybody.
func (p *pages) teamSums(c echo.Context, s *store.Scope, l teamList) (none *views.TeamRow, all views.TeamRow, err error) {
	ctx := c.Request().Context()
	without, err := s.WithoutTeam(ctx, l.TeamQuery)
	if err != nil {
		return nil, all, err
	}
	n, err := s.CompetitorSums(ctx, l.CoachID, l.Bounds)
	if err != nil {
		return nil, all, err
	}
	all = teamRow(store.Team{Competitors: n.Competitors, OnPlatform: n.OnPlatform, Active: n.Active, Solves: n.Solves, Points: n.Points, LastSolveAt: n.LastSolveAt})
	all.Name, all.URL = "Everybody", link(competitorsPath, "coach", l.CoachID)
	if without.Competitors > 0 {
		row := teamRow(without)
		row.Name, row.URL = "No team", link(competitorsPath, "coach", l.CoachID, "team", store.NoTeam)
		none = &row
	}
	return none, all, nil
}

func teamRow(t store.Team) views.TeamRow {
	return views.TeamRow{
		Name: t.Name, URL: views.TeamURL(t.ID), CoachName: t.CoachName, Members: t.Competitors, OnPlatform: t.OnPlatform, Active: t.Active,
		Solves: t.Solves, Points: t.Points, Average: t.Average(), LastSolveAt: t.LastSolveAt,
	}
}

// teamsCSV exports the teams as they are ordered on the screen, all pages of them, then those without a team.
func (p *pages) teamsCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.teamListIn(c, s)
	if err != nil {
		return err
	}
	without, err := s.WithoutTeam(ctx, l.TeamQuery)
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "teams.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"team_id", "team", "coach", "members", "on_platform", "active", "solves", "points", "average", "last_solve"}
	return p.csv(c, "teams", scopeName(s, l.coach), header, func(row func(...any) error) error {
		write := func(t store.Team) error {
			return row(t.ID, t.Name, t.CoachName, t.Competitors, t.OnPlatform, t.Active, t.Solves, t.Points, t.Average(), t.LastSolveAt)
		}
		if err := s.EachTeam(ctx, l.TeamQuery, write); err != nil || without.Competitors == 0 || l.Search != "" {
			return err
		}
		without.Name = "No team"
		return write(without)
	})
}

// unsolvedShown is how many challenges a team's page lists before all of them are asked for.
const unsolvedShown = 25

// teamShow shows one team: its members, and what nobody in it has solved yet.
func (p *pages) teamShow(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.competitorListIn(url.Values{"team": {idOf(c)}}, s.Viewer())
	if err != nil {
		return err
	}
	t, err := s.Team(ctx, l.TeamID, l.Bounds)
	if err != nil {
		return err
	}
	unsolved, err := p.unsolved(c, s, t)
	if err != nil {
		return err
	}
	if regionOf(c) == "unsolved" {
		return write(c, http.StatusOK, views.UnsolvedRegion(unsolved))
	}
	rows, _, err := s.CompetitorsPage(ctx, l.CompetitorQuery, store.Page{Limit: mostMembers})
	if err != nil {
		return err
	}
	if err := s.Audit(ctx, "team.view", "", "team="+t.ID); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = teamsPath + "/"
	return render(c, views.TeamPage(shell, views.Team{
		TeamRow: teamRow(t), Members: views.Competitors{
			Rows: p.competitorRows(rows, l), Sorting: views.Sorting{Sort: l.sort}, OneTeam: true, Legend: p.legend(rows),
		}, ListURL: l.with(competitorsPath), Unsolved: unsolved,
	}), nil)
}

// mostMembers is how many members a team's page shows; teams have at most a handful.
const mostMembers = 100

func (p *pages) unsolved(c echo.Context, s *store.Scope, t store.Team) (views.Unsolved, error) {
	ctx := c.Request().Context()
	base := views.TeamURL(t.ID)
	all, err := oneOf(c, "show", "", "all")
	if err != nil {
		return views.Unsolved{}, err
	}
	u := views.Unsolved{Category: c.QueryParam("category"), BaseURL: base}
	var has []store.CategorySum
	err = s.EachUnsolved(ctx, t.ID, "", func(ch store.Challenge) error {
		category := domain.CategoryOf(ch.Category)
		if !slices.ContainsFunc(has, func(c store.CategorySum) bool { return c.Key == category.Key }) {
			has = append(has, store.CategorySum{Category: category})
			u.Categories = append(u.Categories, views.Option{Key: category.Key, Name: category.Name})
		}
		if u.Category != "" && category.Key != u.Category {
			return nil
		}
		if u.Total++; all == "all" || u.Total <= unsolvedShown {
			u.Rows = append(u.Rows, views.ChallengeRow{Title: ch.Title, Category: category.Name, Points: ch.Points})
		}
		return nil
	})
	if err != nil {
		return u, err
	}
	name, err := checkCategory(u.Category, has)
	if err != nil {
		return u, err
	}
	if u.Category != "" && !slices.ContainsFunc(u.Categories, func(o views.Option) bool { return o.Key == u.Category }) {
		u.Categories = append(u.Categories, views.Option{Key: u.Category, Name: name})
	}
	slices.SortFunc(u.Categories, func(a, b views.Option) int { return strings.Compare(a.Name, b.Name) })
	u.ExportURL = link(base+"/unsolved.csv", "category", u.Category)
	if u.Total > len(u.Rows) {
		u.MoreURL = link(base, "category", u.Category, "show", "all") + "#unsolved"
	}
	return u, nil
}

// unsolvedCSV exports the challenges that nobody in a team has solved.
func (p *pages) unsolvedCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	t, err := s.Team(ctx, idOf(c), domain.BoundsAt(p.clock(), p.conf.Zone))
	if err != nil {
		return err
	}
	if _, err := p.unsolved(c, s, t); err != nil { // refuses an unknown category
		return err
	}
	if err := s.Audit(ctx, "unsolved.export", "", "csv team="+t.ID); err != nil {
		return err
	}
	return p.csv(c, "unsolved", fileWord(t.Name), []string{"team", "challenge_id", "challenge", "category", "points"}, func(row func(...any) error) error {
		return s.EachUnsolved(ctx, t.ID, c.QueryParam("category"), func(ch store.Challenge) error {
			return row(t.Name, ch.ID, ch.Title, domain.CategoryOf(ch.Category).Name, ch.Points)
		})
	})
}
