package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// solveShown is a row of a competitor's solves, on the screen or in the export.
type solveShown struct{ Challenge, Category, Points, Solved string }

// solves are the rows on the screen.
func (b *tab) solves() []solveShown {
	b.t.Helper()
	return js[[]solveShown](b, `[...document.querySelectorAll("#solves tbody tr")].map(row => {
		const words = cell => [...cell.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.data.trim()).join("")
		return {
			Challenge: words(row.cells[0]), Category: row.cells[1].textContent.trim(),
			Points: row.cells[4].textContent.trim().replace(",", ""), Solved: row.querySelector("time").dateTime,
		}
	})`)
}

// listShown is what a coach takes the page for: its address and its table.
type listShown struct {
	At     string
	Solves []solveShown
}

func (b *tab) list() listShown {
	b.t.Helper()
	return listShown{b.at(), b.solves()}
}

func (b *tab) wantList(what string, want listShown) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.list()); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// busyCompetitor is the path of the competitor with the most solves of those whose solves stand on one page.
func (b *tab) busyCompetitor() string {
	b.t.Helper()
	return js[string](b, `[...document.querySelectorAll("#list tbody tr")].map(row => ({
		path: row.querySelector("a").pathname, solves: Number(row.cells[3].textContent) + Number(row.cells[4].textContent),
		synced: row.textContent.includes("Synced"),
	})).filter(c => c.synced && c.solves <= 50).sort((a, b) => b.solves - a.solves)[0].path`)
}

// opened is a tab of the coach at a competitor with solves, and their path.
func (w *world) opened(t *testing.T, url string) (b *tab, path string) {
	t.Helper()
	b = w.signedIn(t, url, w.coach)
	path = b.busyCompetitor()
	b.open(path)
	return b, path
}

// competitorJourney filters and sorts a competitor's solves, goes through the browser's history, and signs out.
func (w *world) competitorJourney(t *testing.T) {
	b, path := w.opened(t, w.url)
	states := b.useTheSolves(path)
	b.mark()
	for i := len(states) - 2; i >= 0; i-- {
		b.back(states[i])
	}
	for _, state := range states[1:] {
		b.forward(state)
	}
	b.dates(path, states[0].Solves)
	b.leave()
}

// plainCompetitor is the same with links and forms alone.
func (w *world) plainCompetitor(t *testing.T) {
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/competitors")
	b.fillLogin(w.coach, anyPassword)
	path := b.busyCompetitor()
	b.open(path)
	states := b.useTheSolves(path)
	b.back(states[len(states)-2])
	b.dates(path, states[0].Solves)
	b.leave()
}

// useTheSolves narrows and sorts the solves, and gives what the screen showed after each step that its history has.
func (b *tab) useTheSolves(path string) (states []listShown) {
	b.t.Helper()
	all := b.list()
	states = append(states, all)
	step := func(selector, want string) listShown {
		b.t.Helper()
		b.use("solves", selector)
		b.wantAt(path + want)
		now := b.list()
		states = append(states, now)
		return now
	}

	category := js[string](b, `[...document.querySelectorAll("#solves-category option")].slice(1)
		.sort((a, b) => parseInt(b.text.match(/\((\d+)/)[1]) - parseInt(a.text.match(/\((\d+)/)[1]))[0].value`)
	b.choose("solves-category", category)
	filtered := step("#solves-apply", "?category="+category+"&sort=-date")
	b.wantFocus("solves-apply")
	if n := len(filtered.Solves); n == 0 || n >= len(all.Solves) {
		b.t.Errorf("%d of %d solves are in the category %s", n, len(all.Solves), category)
	}
	for _, s := range filtered.Solves {
		if s.Category != filtered.Solves[0].Category {
			b.t.Errorf("%v is not in the category %s", s, filtered.Solves[0].Category)
		}
	}
	if !b.plain {
		b.until(fmt.Sprintf(`document.getElementById("said").textContent.includes("of %d")`, len(filtered.Solves)))
	}

	most := step("#solves-by-points", "?category="+category+"&sort=-points")
	b.wantFocus("solves-by-points")
	fewest := step("#solves-by-points", "?category="+category+"&sort=points")
	upwards := func(x, y solveShown) int { return atoi(b.t, x.Points) - atoi(b.t, y.Points) }
	downwards := func(x, y solveShown) int { return upwards(y, x) }
	if !slices.IsSortedFunc(fewest.Solves, upwards) || !slices.IsSortedFunc(most.Solves, downwards) {
		b.t.Errorf("not sorted by points:\n%v\n%v", most.Solves, fewest.Solves)
	}
	if n := js[int](b, `document.querySelectorAll("#solves thead [aria-sort]").length`); n != 1 {
		b.t.Errorf("%d columns claim to be sorted by", n)
	}
	b.do(chromedp.Reload())
	b.wantList("after a reload", fewest)
	b.wantExport(fewest.Solves)
	return states
}

// dates narrows the solves to the days between two of them, both included.
func (b *tab) dates(path string, all []solveShown) {
	b.t.Helper()
	b.open(path)
	first, last := all[len(all)*2/3].Solved[:10], all[len(all)/3].Solved[:10]
	b.choose("solves-from", first)
	b.choose("solves-to", last)
	b.use("solves", "#solves-apply")
	var want []solveShown
	for _, s := range all {
		if day := s.Solved[:10]; first <= day && day <= last {
			want = append(want, s)
		}
	}
	b.wantAt(path + "?from=" + first + "&to=" + last + "&sort=-date")
	b.wantList("from "+first+" to "+last, listShown{b.at(), want})
	b.wantText("#solves h2", fmt.Sprintf("%d of %d solves", len(want), len(all)))
	b.use("solves", "#solves-without-from")
	b.use("solves", "#solves-without-to")
	b.wantList("without dates", listShown{path, all})
}

func (b *tab) back(want listShown)    { b.t.Helper(); b.travel("back", want) }
func (b *tab) forward(want listShown) { b.t.Helper(); b.travel("forward", want) }

// travel uses the browser's history: address, table and form must be those of before, on one whole page.
func (b *tab) travel(way string, want listShown) {
	b.t.Helper()
	b.history(way)
	b.until(fmt.Sprintf(`location.pathname + location.search === %q && document.readyState === "complete"`, want.At))
	b.until(fmt.Sprintf(`document.querySelectorAll("#solves tbody tr").length === %d`, len(want.Solves)))
	b.until(fmt.Sprintf(`document.querySelector("#solves tbody time").dateTime === %q`, want.Solves[0].Solved))
	b.wantList("after going "+way, want)
	b.wantWhole()
	if got := js[string](b, `(new URLSearchParams(location.search).get("category") ?? "") === document.getElementById("solves-category").value ? "" : "other"`); got != "" {
		b.t.Errorf("after going %s the form shows another category than the address", way)
	}
}

// leave signs out and goes back: nothing of the pages before may be seen, nor lie in the browser's storage.
func (b *tab) leave() {
	b.t.Helper()
	if kept := js[string](b, `JSON.stringify({...localStorage, ...sessionStorage})`); strings.Contains(kept, "<") {
		b.t.Errorf("a page lies in the browser's storage: %.300s", kept) // htmx keeps an address there, which is well
	}
	b.signOut()
	b.wantAt("/login")
	b.mark()
	b.history("back")
	b.loaded()
	b.until(`location.pathname === "/login"`)
	if n := js[int](b, `document.querySelectorAll(".top, table").length`); n != 0 {
		b.t.Errorf("Back after signing out shows a page of before\n%s", b.describe())
	}
}
