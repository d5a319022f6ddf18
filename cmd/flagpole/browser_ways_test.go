package main

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// thereAndBack goes from a list to a competitor, through the list's neighbours, and back to the same place of the same list.
func (w *world) thereAndBack(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.do(chromedp.EmulateViewport(1280, 500))
	b.use("list", "#list-by-points") // the most first
	b.choose("list-activity", "active")
	b.use("list", "#list-apply")
	at, rows := b.at(), b.rows()
	if len(rows) < 5 {
		t.Fatalf("only %d rows", len(rows))
	}
	js[chromedp.Void](b, `scrollTo(0, 240)`)
	b.follow("#list tbody tr:nth-child(3) a")
	b.wantText("h1", rows[2]["Competitor"])
	b.wantText("[rel=prev]", rows[1]["Competitor"])
	b.wantText("[rel=next]", rows[3]["Competitor"])
	b.follow("[rel=next]")
	b.wantText("h1", rows[3]["Competitor"])
	b.wantText("[rel=prev]", rows[2]["Competitor"])
	b.use("solves", "#solves-by-points") // the list is not forgotten over the solves
	b.do(chromedp.Reload())
	b.wantText("[rel=next]", rows[4]["Competitor"])
	b.follow(".crumb a")
	b.wantRows(at, rows)

	for _, then := range []string{rows[3]["Competitor"] + " -points", rows[3]["Competitor"] + " null", rows[2]["Competitor"] + " null"} {
		b.history("back")
		b.until(fmt.Sprintf(`document.querySelector("h1").textContent + " " + new URLSearchParams(location.search).get("sort") === %q`, then))
	}
	b.history("back")
	b.until(fmt.Sprintf(`location.pathname + location.search === %q && document.readyState === "complete"`, at))
	b.wantRows(at, rows)
	b.until(`Math.abs(scrollY - 240) < 2`)
	if got := js[string](b, `document.getElementById("list-activity").value`); got != "active" {
		t.Errorf("after going back the form shows the activity %q", got)
	}
	b.do(chromedp.Reload())
	b.wantRows(at, rows)
	b.until(`Math.abs(scrollY - 240) < 2`)

	b.history("back") // within the list, before the filter
	b.until(`location.search === "?sort=-points" && document.getElementById("list-activity").value === "" && document.readyState === "complete"`)
	if n := len(b.rows()); n <= len(rows) {
		t.Errorf("%d rows without the filter, %d with it", n, len(rows))
	}
	b.history("forward")
	b.until(fmt.Sprintf(`location.pathname + location.search === %q && document.readyState === "complete"`, at))
	b.until(`document.getElementById("list-activity").value === "active"`)
	b.wantRows(at, rows)
	b.wantWhole()
}

// wantRows wants the list of competitors to be at an address and to have these rows.
func (b *tab) wantRows(at string, rows []rowShown) {
	b.t.Helper()
	b.wantAt(at)
	if diff := cmp.Diff(column(rows, "path"), column(b.rows(), "path")); diff != "" {
		b.t.Errorf("the list is another one (-want +got):\n%s", diff)
	}
}

// twoWindows narrows the list in two windows: neither takes from the other. Signing out in one ends the other.
func (w *world) twoWindows(t *testing.T) {
	one := w.signedIn(t, w.url, w.coach)
	two := one.another()
	two.open("/competitors?sort=-points")
	one.choose("list-division", "high_school")
	one.use("list", "#list-apply")
	two.choose("list-activity", "active")
	two.use("list", "#list-apply")
	one.use("list", "#list-by-last_solve")
	two.use("list", "#list-by-name")
	one.wantAt("/competitors?division=high_school&sort=-last_solve")
	two.wantAt("/competitors?activity=active")
	one.narrowed("Division", "High school")

	two.signOut()
	one.expect("status of 401")
	one.follow("#list-by-points")
	one.wantAt("/login?next=" + url.QueryEscape("/competitors?division=high_school&sort=-last_solve"))
	one.fillLogin(w.coach, anyPassword)
	one.wantAt("/competitors?division=high_school&sort=-last_solve")
}

// sessionEnded ends the session while somebody narrows a list, as the operator might: the filter is not lost.
func (w *world) sessionEnded(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.choose("list-division", "high_school")
	b.use("list", "#list-apply")
	at, rows := b.at(), b.rows()
	w.exec(t, "DELETE FROM sessions")
	b.expect("status of 401")
	b.choose("list-activity", "active")
	b.follow("#list-apply")
	b.wantAt("/login?next=" + url.QueryEscape(at))
	b.wantText("h1", "Sign in")
	if n := js[int](b, `document.querySelectorAll(".top, table").length`); n != 0 {
		t.Errorf("the login page stands inside another one\n%s", b.describe())
	}
	b.fillLogin(w.coach, anyPassword)
	b.wantRows(at, rows)
}
