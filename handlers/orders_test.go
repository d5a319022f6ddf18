package handlers

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// numberColumns are the places of the numbers in a coach's list.
var numberColumns = map[string]int{"odl": 3, "flash": 4, "points": 5}

func TestEverySortGoesBothWaysOverAllPages(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, who := range []string{other, admin} {
			b, shift := p.as(who), 0
			if who == admin {
				shift = 1
			}
			usual := firstCells(b.allRows("/competitors?size=100", "list"))
			for _, column := range competitorColumns {
				for _, sort := range []string{column, "-" + column} {
					path := "/competitors?size=25&sort=" + sort
					page, rows := b.get(path), b.allRows(path, "list")
					wantEqual(t, who+" "+sort+": everybody once", slices.Sorted(slices.Values(firstCells(rows))), slices.Sorted(slices.Values(usual)))
					if column != "coach" || who == admin {
						wantEqual(t, sort+": marked", page.attr("#list th[aria-sort] a", "id")+" "+page.attr("#list th[aria-sort]", "aria-sort"),
							"list-by-"+column+" "+map[bool]string{true: "descending", false: "ascending"}[sort != column])
					}
					if n, ok := numberColumns[column]; ok {
						p.wantAscending(who+" "+sort, rows, n+shift, sort != column, usual)
					}
					wantEqual(t, sort+": chosen", page.attr("#list-sort option[selected]", "value"), sort)
					wantEqual(t, sort+": file", len(names(b.get("/competitors.csv?sort="+sort))), len(rows))
					if got, want := names(b.get("/competitors.csv?sort=" + sort))[0], rows[0][0]; got != want {
						t.Errorf("%s: the file begins with %q, the page with %q", sort, got, want)
					}
				}
			}
		}
	})
}

func firstCells(rows [][]string) []string {
	var list []string
	for _, row := range rows {
		list = append(list, row[0])
	}
	return list
}

// wantAscending holds a column of numbers against its order; within equals names go as they usually do, either way.
func (p *portal) wantAscending(what string, rows [][]string, column int, desc bool, usual []string) {
	p.t.Helper()
	ok := slices.IsSortedFunc(rows, func(a, b []string) int {
		n := cmp.Compare(p.figure(a[column]), p.figure(b[column]))
		if desc {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(slices.Index(usual, a[0]), slices.Index(usual, b[0])))
	})
	if !ok {
		p.t.Errorf("%s: not in order", what)
	}
}

func TestSortsPutTheRightOnesFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for sort, want := range map[string]string{
			"name": "Dov Lindqvist", "-name": "Stale Bread", "-points": "Pupil 050 Many", "-flash": "Dov Lindqvist", "last_seen": "Dov Lindqvist",
			"team": "Dov Lindqvist", "-team": "Stale Bread", "-state": "Pupil 050 Many", "state": "Edda Marsh", "-last_sync": "Dov Lindqvist",
		} {
			if sort == "-team" || sort == "-state" { // the last in turn: those without a team, by name from Z
				continue
			}
			wantEqual(t, sort, p.as(other).get("/competitors?sort=" + sort).words("#list tbody tr:first-child th")[0], want)
		}
		wantEqual(t, "no team comes last", p.as(owner).get("/competitors?sort=team").words("#list tbody tr:last-child td:nth-child(2)"), []string{"No team"})
		wantEqual(t, "most urgent", p.as(owner).get("/competitors?sort=state").words("#list tbody td:last-child")[:2], []string{"Email missing", "Email missing"})
		wantEqual(t, "last seen, newest", p.as(owner).get("/competitors?sort=-last_seen").words("#list tbody tr:first-child th"), []string{oddName})
	})
}

func TestEverySizeOfAPageIsKeptByEveryLink(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november() // the other coach has 64
		b := p.as(other)
		for size, want := range map[string]string{"25": "1 to 25 of 64", "50": "1 to 50 of 64", "": "1 to 50 of 64", "100": "1 to 64 of 64"} {
			page := b.get("/competitors?sort=-points&size=" + size)
			wantEqual(t, "size "+size, page.place("list"), want)
			wantEqual(t, "chosen", page.words("#list .sizes b"), []string{cmp.Or(size, "50")})
			for _, href := range page.doc().Find("#list thead a, #list .foot .acts a[href]").Map(hrefOf) {
				query, err := url.ParseQuery(strings.TrimPrefix(href, "/competitors?"))
				if href == "/competitors" {
					query, err = url.Values{}, nil
				}
				wantSize := size
				if size == "50" {
					wantSize = query.Get("size") // it is the usual one, whether said or not
				}
				if err != nil || query.Get("size") != wantSize {
					t.Errorf("size %s: %s", size, href)
				}
			}
		}
		page := b.get("/competitors?size=25&sort=-points&q=pupil")
		wantEqual(t, "next", page.attr("#list-next", "href"), fmt.Sprintf("/competitors?after=%s&q=pupil&size=25&sort=-points", url.QueryEscape(lastID(page))))
		wantEqual(t, "to the usual size", page.attr("#list-size-50", "href"), "/competitors?q=pupil&sort=-points")
		wantEqual(t, "to a larger one", page.attr("#list-size-100", "href"), "/competitors?q=pupil&size=100&sort=-points")
		wantEqual(t, "few need no choice", p.as(owner).get("/competitors").doc().Find("#list .foot").Length(), 0)
		wantEqual(t, "the other way", page.attr("#list-by-points", "href"), "/competitors?q=pupil&size=25&sort=points")
		wantEqual(t, "back to names", page.attr("#list-by-name", "href"), "/competitors?q=pupil&size=25")
		after := b.get("/competitors?after=D-3&q=bread")
		wantEqual(t, "past the end", after.words("#list .empty h2"), []string{"Nobody on this page of the list"})
		wantEqual(t, "back to its start", after.attr("#list .empty a", "href"), "/competitors?q=bread")
	})
}

// lastID is the id of the last row of the list.
func lastID(page answer) string {
	page.t.Helper()
	href := page.attr("#list tbody tr:last-child th a", "href")
	path, _, _ := strings.Cut(strings.TrimPrefix(href, "/competitors/"), "?")
	id, err := url.PathUnescape(path)
	if err != nil {
		page.t.Fatal(err)
	}
	return id
}
