package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPageOfAnOrderReadsOnTheSideOfItsCursor(t *testing.T) {
	up, down := keyset{columns: []string{"a", "b"}}, keyset{columns: []string{"a", "b"}, desc: true}
	for _, c := range []struct {
		name                string
		keys                keyset
		page                Page
		order, beyond, upTo string
	}{
		{"from the beginning", up, Page{}, "a ASC, b ASC", "(a, b) > (x)", "(a, b) <= (x)"},
		{"after a row", up, Page{After: "r"}, "a ASC, b ASC", "(a, b) > (x)", "(a, b) <= (x)"},
		{"before a row", up, Page{Before: "r"}, "a DESC, b DESC", "(a, b) < (x)", "(a, b) < (x)"},
		{"down, after a row", down, Page{After: "r"}, "a DESC, b DESC", "(a, b) < (x)", "(a, b) >= (x)"},
		{"down, before a row", down, Page{Before: "r"}, "a ASC, b ASC", "(a, b) > (x)", "(a, b) > (x)"},
	} {
		want := []string{c.order, c.beyond, c.upTo}
		got := []string{c.keys.order(c.page), c.keys.beyond(c.page, "x"), c.keys.upTo(c.page, "x")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestPlaceCountsFromOne(t *testing.T) {
	for _, c := range []struct {
		name              string
		page              Page
		counted, n, total int
		want              Place
	}{
		{"the first page", Page{}, 0, 3, 10, Place{1, 3, 10}},
		{"after row 3", Page{After: "r"}, 3, 3, 10, Place{4, 6, 10}},
		{"the last, shorter", Page{After: "r"}, 9, 1, 10, Place{10, 10, 10}},
		{"before row 7", Page{Before: "r"}, 6, 3, 10, Place{4, 6, 10}},
		{"before row 3, shorter", Page{Before: "r"}, 2, 2, 10, Place{1, 2, 10}},
		{"nothing there", Page{}, 0, 0, 0, Place{}},
		{"after the last", Page{After: "r"}, 10, 0, 10, Place{0, 0, 10}},
	} {
		if got := c.page.place(c.counted, c.n, c.total); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if both := (Page{After: "a", Before: "b"}); both.cursorID() != "b" {
		t.Errorf("of two cursors %q was taken", both.cursorID())
	}
}
