package handlers

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// The columns that solves can be ordered by; newest first is usual.
var (
	solveColumns = []string{"date", "points", "category"}
	solveDown    = []string{"date", "points"}
	solveSorts   = []string{newestFirst, "date", "-points", "points", "category", "-category"}
)

const newestFirst = "-date"

// solveList is a competitor's list of solves as an address asks for it.
type solveList struct {
	store.SolveQuery
	sort        string
	from, until string // dates as they were typed
	params
}

// solveListIn reads filter and order of a competitor's solves. Whether the category and the flash CTF exist is for check to
// say.
func (p *pages) solveListIn(query url.Values, competitorID string) (solveList, error) {
	l := solveList{params: params{url.Values{}}}
	for _, name := range []string{"category", "source", "from", "to", "sort", "list"} {
		if value := query.Get(name); value != "" {
			l.values.Set(name, value)
		}
	}
	var err error
	if l.sort, err = oneIn(query, "sort", solveSorts); err != nil {
		return l, err
	}
	if l.sort == newestFirst {
		l.values.Del("sort")
	}
	column, desc := store.ParseSort(l.sort)
	l.from, l.until = query.Get("from"), query.Get("to")
	l.SolveQuery = store.SolveQuery{
		CompetitorID: competitorID, Category: query.Get("category"), Sort: store.SolveSort(column), Ascending: !desc,
	}
	switch source := query.Get("source"); domain.Source(source) {
	case "", domain.SourceODL, domain.SourceFlash:
		l.Source = domain.Source(source)
	default:
		l.EventID = source
	}
	l.From, l.Until, err = daysIn(query, p.conf.Zone)
	return l, err
}

// check refuses a flash CTF that the competitor has no result in.
func (l solveList) check(results []store.EventResult) error {
	if l.EventID == "" || slices.ContainsFunc(results, func(r store.EventResult) bool { return r.EventID == l.EventID }) {
		return nil
	}
	return domain.Errorf(domain.Invalid, "%q is not a source of this competitor's solves.", shorten(l.EventID)).
		WithHint("Use odl, flash, or the id of a flash CTF the competitor took part in.")
}

// checkCategory names a category. One that neither the portal nor the competitor's solves know is an Invalid error.
func checkCategory(key string, has []store.CategorySum) (name string, err error) {
	var keys []string
	for _, c := range has {
		if c.Key == key {
			return c.Name, nil
		}
		keys = append(keys, c.Key)
	}
	known, ok := domain.KnownCategory(key)
	if key == "" || ok {
		return known.Name, nil
	}
	bad := domain.Errorf(domain.Invalid, "%q is not a category.", shorten(key))
	if slices.Sort(keys); len(keys) > 0 {
		bad = bad.WithHint("Use one of: " + strings.Join(keys, ", ") + ".")
	}
	return "", bad
}

func (p *pages) solvesRegion(c echo.Context, s *store.Scope, d store.CompetitorDetail) (views.Solves, error) {
	l, err := p.solveListIn(c.QueryParams(), d.ID)
	if err != nil {
		return views.Solves{}, err
	}
	if err := l.check(d.Results); err != nil {
		return views.Solves{}, err
	}
	name, err := checkCategory(l.Category, d.Categories)
	if err != nil {
		return views.Solves{}, err
	}
	page := pageOf(c, usualSize)
	found, err := s.SolvesPage(c.Request().Context(), l.SolveQuery, page)
	if err != nil {
		return views.Solves{}, err
	}
	base := views.CompetitorURL(d.ID)
	list := views.Solves{
		Total: int(d.Solves()), Category: l.Category, CategoryName: name, Source: string(l.Source) + l.EventID, From: l.from, Until: l.until,
		List: l.values.Get("list"), BaseURL: base, ExportURL: l.with(base+"/solves.csv", "list", ""),
		FirstURL: l.with(base), ClearURL: l.with(base, "category", "", "source", "", "from", "", "to", ""),
		Sources: sourceOptions(d.Results),
		Sorting: sorting("solves", l.sort, solveColumns, solveDown, func(sort string) string {
			return l.with(base, "sort", strings.TrimSuffix(sort, newestFirst))
		}),
	}
	for _, category := range found.Categories {
		list.Categories = append(list.Categories, views.CategoryOption{Key: category.Key, Name: category.Name, Count: category.Solves})
	}
	slices.SortFunc(list.Categories, func(a, b views.CategoryOption) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range found.Rows {
		list.Rows = append(list.Rows, solveRow(r))
	}
	list.Chips = l.chips(list)
	list.Pager = pager(found.Rows, solveCursor, found.Place, page.Limit, func(name, cursor string) string { return l.with(base, name, cursor) })
	return list, nil
}

func sourceOptions(results []store.EventResult) []views.Option {
	list := []views.Option{{Key: string(domain.SourceODL), Name: domain.SourceODL.Label()}, {Key: string(domain.SourceFlash), Name: domain.SourceFlash.Label()}}
	for _, r := range results {
		list = append(list, views.Option{Key: r.EventID, Name: r.Name})
	}
	return list
}

func (l solveList) chips(list views.Solves) []views.Chip {
	var chips []views.Chip
	chip := func(id, label, value string) {
		if value != "" {
			chips = append(chips, views.Chip{ID: id, Label: label, URL: l.with(list.BaseURL, id, "")})
		}
	}
	chip("category", "Category: "+list.CategoryName, l.Category)
	chip("source", "Source: "+nameIn(list.Sources, list.Source), list.Source)
	chip("from", "From "+l.from, l.from)
	chip("to", "To "+l.until, l.until)
	return chips
}

func solveCursor(r store.SolveRow) string { return r.SolveKey.Cursor() }

func solveRow(r store.SolveRow) views.SolveRow {
	return views.SolveRow{
		Title: r.Title, Category: domain.CategoryOf(r.Category).Name, Event: r.Event, Source: r.Source,
		WorkRoles: r.WorkRoles, Points: r.Points, Retired: r.Retired, SolvedAt: r.SolvedAt,
	}
}

// solvesCSV exports the solves with the filter and order of the screen, all pages of them.
func (p *pages) solvesCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	d, err := s.Competitor(ctx, idOf(c), p.clock().Add(-time.Hour), p.conf.Zone)
	if err != nil {
		return err
	}
	l, err := p.solveListIn(c.QueryParams(), d.ID)
	if err != nil {
		return err
	}
	if err := l.check(d.Results); err != nil {
		return err
	}
	if _, err := checkCategory(l.Category, d.Categories); err != nil {
		return err
	}
	if err := s.Audit(ctx, "solves.export", d.ID, "csv"); err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "challenge", "category", "source", "event",
		"points", "retired", "nice_work_roles", "solved"}
	return p.csv(c, "solves", fileWord(d.ID), header, func(row func(...any) error) error {
		return s.EachSolve(ctx, l.SolveQuery, func(r store.SolveRow) error {
			return row(d.ID, d.FirstName, d.LastName, d.Email, r.Title, domain.CategoryOf(r.Category).Name, r.Source.Label(), r.Event,
				r.Points, r.Retired, strings.Join(r.WorkRoles, " "), r.SolvedAt)
		})
	})
}
