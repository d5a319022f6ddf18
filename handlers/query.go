package handlers

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// idOf is the id in the address, decoded as by partOf.
func idOf(c echo.Context) string { return partOf(c, "id") }

// partOf is a named part of the address. The router decodes an address only where that is unambiguous: of /competitors/a%2Fb it
// gives the part as it was sent. What cannot be decoded is "", which is nobody's id.
func partOf(c echo.Context, name string) string {
	part := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return part
	}
	decoded, err := url.PathUnescape(part)
	if err != nil {
		return ""
	}
	return decoded
}

// checkQuery refuses a query with a part that cannot be read: left out, it would not be missed, and the page would show
// something else than what was asked for.
func checkQuery(c echo.Context) error {
	if _, err := url.ParseQuery(c.Request().URL.RawQuery); err != nil {
		return domain.Errorf(domain.Invalid, "The part after the question mark cannot be read.").
			WithHint("Leave it out, or open the page again from its link.").Because(err)
	}
	return nil
}

// usualSize is how many rows a page of a list has where nobody asks for another number; pageSizes are the numbers to ask for.
const usualSize = 50

var pageSizes = []string{"25", "50", "100"}

// pageOf reads which part of a list of so many rows a page is asked for.
func pageOf(c echo.Context, size int) store.Page {
	return store.Page{After: c.QueryParam("after"), Before: c.QueryParam("before"), Limit: size}
}

// pager makes the links of a list's page. cursor names a row; to makes the address of a page from the name and value of a
// cursor.
func pager[T any](rows []T, cursor func(T) string, place store.Place, size int, to func(name, cursor string) string) views.Pager {
	p := views.Pager{First: place.First, Last: place.Last, Of: place.Total}
	if len(rows) == 0 {
		return p
	}
	if place.First > 1 {
		p.PrevURL = to("before", cursor(rows[0]))
	}
	if place.Last < place.Total {
		p.NextURL, p.NextCount = to("after", cursor(rows[len(rows)-1])), min(size, place.Total-place.Last)
	}
	return p
}

// competitorID is the cursor of lists of competitors.
func competitorID(r store.CompetitorRow) string { return r.ID }

// params are the parameters of a list that differ from the usual ones.
type params struct{ values url.Values }

// with is the address of the list with other values for some of its parameters.
func (l params) with(path string, pairs ...string) string {
	q := maps.Clone(l.values)
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(path, q)
}

// sorting makes the links of a list's heads: each sorts by its column, and the other way round where it does already. Numbers
// and times begin with the most and newest, and so do columns whose name stands in down; others with A.
func sorting(region, sort string, columns, down []string, to func(sort string) string) views.Sorting {
	s := views.Sorting{Region: region, Sort: sort, URLs: map[string]string{}}
	for _, column := range columns {
		first, second := column, "-"+column
		if slices.Contains(down, column) {
			first, second = second, first
		}
		if sort == first {
			first = second
		}
		s.URLs[column] = to(first)
	}
	return s
}

// bothWays are the values of a sort by any of the columns.
func bothWays(columns []string) []string {
	list := slices.Clone(columns)
	for _, column := range columns {
		list = append(list, "-"+column)
	}
	return list
}

// oneOf reads a query parameter that has a few allowed values; none is the first of them. Another value is an Invalid error
// that lists them.
func oneOf(c echo.Context, name string, allowed ...string) (string, error) {
	return oneIn(c.QueryParams(), name, allowed)
}

func oneIn(query url.Values, name string, allowed []string) (string, error) {
	value := query.Get(name)
	if value == "" {
		return allowed[0], nil
	}
	if !slices.Contains(allowed, value) {
		allowed = slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		return "", domain.Errorf(domain.Invalid, "%q is not a value of %q.", shorten(value), name).
			WithHint("Use one of: " + strings.Join(allowed, ", ") + ".")
	}
	return value, nil
}

// maxSearch is how long a search may be, in characters.
const maxSearch = 100

// searchIn reads what was typed into a search field.
func searchIn(query url.Values) (string, error) {
	text := strings.TrimSpace(query.Get("q"))
	if utf8.RuneCountInString(text) > maxSearch {
		return "", domain.Errorf(domain.Invalid, "The search is longer than %d characters.", maxSearch).WithHint("Search for a part of it.")
	}
	return text, nil
}

// dateIn reads a calendar day, the zero time where there is none. It is that day's first moment in the zone.
func dateIn(query url.Values, name string, zone *time.Location) (time.Time, error) {
	text := query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 1970 {
		return time.Time{}, domain.Errorf(domain.Invalid, "%q is not a date for %q.", shorten(text), name).WithHint("Write it like 2026-11-30.")
	}
	return domain.DayIn(day, zone), nil
}

// daysIn reads the first and the last of some calendar days, as the moments from the one on and before the other; zero times
// where they are open.
func daysIn(query url.Values, zone *time.Location) (from, until time.Time, err error) {
	if from, err = dateIn(query, "from", zone); err != nil {
		return from, until, err
	}
	last, err := dateIn(query, "to", zone)
	if err != nil || last.IsZero() {
		return from, until, err
	}
	until = domain.DayIn(last.In(zone).AddDate(0, 0, 1), zone)
	if !until.After(from) {
		err = domain.Errorf(domain.Invalid, "The first day is after the last one.").WithHint("Swap the two dates.")
	}
	return from, until, err
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// link is a path with the query parameters that are not empty.
func link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(path, q)
}

func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
