package handlers

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
)

// pageSize is how many rows of a list are shown at once: enough for every roster to stand on one page.
const pageSize = 100

// idOf is the id in the address. The router decodes an address only where that is unambiguous: of /competitors/a%2Fb it
// gives the part as it was sent. What cannot be decoded is "", which is nobody's id.
func idOf(c echo.Context) string {
	id := c.Param("id")
	if c.Request().URL.RawPath == "" {
		return id
	}
	decoded, err := url.PathUnescape(id)
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

// pageOf reads which part of a list is asked for.
func pageOf(c echo.Context) store.Page {
	return store.Page{After: c.QueryParam("after"), Before: c.QueryParam("before"), Limit: pageSize}
}

// oneOf reads a query parameter that has a few allowed values; the first of them stands for none. Another value is an
// Invalid error that lists them.
func oneOf(c echo.Context, name string, allowed ...string) (string, error) {
	value := cmp.Or(c.QueryParam(name), allowed[0])
	if !slices.Contains(allowed, value) {
		return "", domain.Errorf(domain.Invalid, "%q is not a value of %q.", shorten(value), name).
			WithHint("Use one of: " + strings.Join(allowed, ", ") + ".")
	}
	return value, nil
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
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
