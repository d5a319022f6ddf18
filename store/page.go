package store

import (
	"strings"

	"flagpole/internal/domain"
)

// Page says which part of an ordered list is wanted: Limit rows after the row After, or before the row Before, or, with
// neither, from the beginning. Rows are named by their ids.
type Page struct {
	After, Before string
	Limit         int
}

// Place is where a page stands in its list: rows First to Last of Total, counted from 1. An empty list is 0 to 0.
type Place struct{ First, Last, Total int }

// keyset is the order of a list: columns that together are unique, all in one direction.
type keyset struct {
	columns []string
	desc    bool
}

// order is the ORDER BY of the page; a page before a row is read backwards.
func (k keyset) order(p Page) string {
	direction := " ASC"
	if k.desc != (p.Before != "") {
		direction = " DESC"
	}
	return strings.Join(k.columns, direction+", ") + direction
}

// beyond is the predicate that leaves the rows on the wanted side of the cursor, a subquery that gives the cursor row's
// columns.
func (k keyset) beyond(p Page, cursor string) string {
	sign := ">"
	if k.desc != (p.Before != "") {
		sign = "<"
	}
	return k.row() + " " + sign + " (" + cursor + ")"
}

// upTo is the predicate for counting the rows that stand before the page (After) or before its end (Before).
func (k keyset) upTo(p Page, cursor string) string {
	sign := "<="
	switch {
	case k.desc && p.Before == "":
		sign = ">="
	case k.desc:
		sign = ">"
	case p.Before != "":
		sign = "<"
	}
	return k.row() + " " + sign + " (" + cursor + ")"
}

func (k keyset) row() string { return "(" + strings.Join(k.columns, ", ") + ")" }

// cursorID is the row the page is counted from, "" where there is none.
func (p Page) cursorID() string {
	if p.Before != "" {
		return p.Before
	}
	return p.After
}

// place works out where n read rows stand, from the number of rows that upTo counted.
func (p Page) place(counted, n, total int) Place {
	switch {
	case n == 0:
		return Place{0, 0, total}
	case p.Before != "":
		return Place{counted - n + 1, counted, total}
	}
	return Place{counted + 1, counted + n, total}
}

// errLostRow is for a page link whose row is gone.
func errLostRow() error {
	return domain.Errorf(domain.Invalid, "The list has changed since this link was made.").WithHint("Open it again from its first page.")
}
