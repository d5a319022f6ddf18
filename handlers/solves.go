package handlers

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// The orders of a list of solves, newest first by default.
const (
	newestFirst = "-date"
	oldestFirst = "date"
	mostFirst   = "-points"
	fewestFirst = "points"
)

// solveQuery reads filter and order of a competitor's solves. Whether the category exists is for checkCategory to say.
func solveQuery(c echo.Context, competitorID string) (q store.SolveQuery, sort string, err error) {
	sort, err = oneOf(c, "sort", newestFirst, oldestFirst, mostFirst, fewestFirst)
	return store.SolveQuery{
		CompetitorID: competitorID, Category: c.QueryParam("category"),
		ByPoints: sort == mostFirst || sort == fewestFirst, Ascending: sort == oldestFirst || sort == fewestFirst,
	}, sort, err
}

// checkCategory names a category. One that neither the portal nor the competitor's solves know is an Invalid error.
func checkCategory(key string, has []store.CategoryCount) (name string, err error) {
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
	if len(keys) > 0 {
		bad = bad.WithHint("Use one of: " + strings.Join(keys, ", ") + ".")
	}
	return "", bad
}

func (p *pages) solvesRegion(c echo.Context, s *store.Scope, competitorID string) (views.Solves, error) {
	q, sort, err := solveQuery(c, competitorID)
	if err != nil {
		return views.Solves{}, err
	}
	page := pageOf(c)
	found, err := s.SolvesPage(c.Request().Context(), q, page)
	if err != nil {
		return views.Solves{}, err
	}
	name, err := checkCategory(q.Category, found.Categories)
	if err != nil {
		return views.Solves{}, err
	}
	list := views.Solves{
		Total: found.All, Matching: found.Place.Total, First: found.Place.First, Last: found.Place.Last,
		Category: q.Category, CategoryName: name, Sort: sort,
	}
	for _, category := range found.Categories {
		list.Categories = append(list.Categories, views.CategoryOption{Key: category.Key, Name: category.Name, Count: category.Solves})
	}
	slices.SortFunc(list.Categories, func(a, b views.CategoryOption) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range found.Rows {
		list.Rows = append(list.Rows, solveRow(r))
	}
	addSolveLinks(&list, views.CompetitorURL(competitorID), found, page)
	return list, nil
}

func solveRow(r store.SolveRow) views.SolveRow {
	return views.SolveRow{
		Title: r.Title, Category: domain.CategoryOf(r.Category).Name, Event: r.Event, Source: r.Source,
		WorkRoles: r.WorkRoles, Points: r.Points, Retired: r.Retired, SolvedAt: r.SolvedAt,
	}
}

// addSolveLinks makes the region's links. Each keeps what the others set; the default order is left out.
func addSolveLinks(list *views.Solves, base string, found store.SolvesPage, page store.Page) {
	to := func(sort string, cursor ...string) string {
		if sort == newestFirst {
			sort = ""
		}
		return link(base, append([]string{"category", list.Category, "sort", sort}, cursor...)...)
	}
	other := func(first, second string) string {
		if list.Sort == first {
			return to(second)
		}
		return to(first)
	}
	list.BaseURL = base
	list.DateSortURL, list.PointsSortURL = other(newestFirst, oldestFirst), other(mostFirst, fewestFirst)
	list.ClearURL = link(base, "sort", strings.TrimPrefix(list.Sort, newestFirst))
	list.ExportURL = link(base+"/solves.csv", "category", list.Category, "sort", strings.TrimPrefix(list.Sort, newestFirst))
	if n := len(found.Rows); n > 0 {
		if found.Place.First > 1 {
			list.PrevURL = to(list.Sort, "before", found.Rows[0].SolveKey.Cursor())
		}
		if found.Place.Last < found.Place.Total {
			list.NextURL = to(list.Sort, "after", found.Rows[n-1].SolveKey.Cursor())
			list.NextCount = min(page.Limit, found.Place.Total-found.Place.Last)
		}
	}
}

// solvesCSV exports the solves with the filter and order of the screen, all pages of them.
func (p *pages) solvesCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	d, err := s.Competitor(ctx, idOf(c))
	if err != nil {
		return err
	}
	q, _, err := solveQuery(c, d.ID)
	if err != nil {
		return err
	}
	first, err := s.SolvesPage(ctx, q, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	if _, err := checkCategory(q.Category, first.Categories); err != nil {
		return err
	}
	if err := s.Audit(ctx, "solves.export", d.ID, "category="+q.Category); err != nil {
		return err
	}
	header := []string{"competitor_id", "first_name", "last_name", "email", "challenge", "category", "source", "event",
		"points", "retired", "nice_work_roles", "solved"}
	return p.csv(c, "solves", header, func(row func(...string) error) error {
		return s.EachSolve(ctx, q, func(r store.SolveRow) error {
			return row(d.ID, d.FirstName, d.LastName, d.Email, r.Title, domain.CategoryOf(r.Category).Name, r.Source.Label(), r.Event,
				number(r.Points), yesNo(r.Retired), strings.Join(r.WorkRoles, " "), p.cellTime(r.SolvedAt))
		})
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
