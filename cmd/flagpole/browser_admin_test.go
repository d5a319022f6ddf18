package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// adminJourney turns the pages of all competitors, narrows them to a coach, looks at the portal as that coach, and at the
// categories and syncs.
func (w *world) adminJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.wantAt("/competitors")
	b.wantText("main .head p", "241 competitors of 9 coaches")
	first := column(b.rows(), "path")
	b.mark()
	b.use("list", "#list-size-100")
	b.turn("next", "101 to 200 of 241")
	second := column(b.rows(), "path")
	b.turn("next", "201 to 241 of 241")
	b.turn("prev", "101 to 200 of 241")
	if diff := cmp.Diff(second, column(b.rows(), "path")); diff != "" {
		t.Errorf("the page before is another one (-want +got):\n%s", diff)
	}
	b.turn("prev", "1 to 100 of 241")
	if diff := cmp.Diff(first, column(b.rows(), "path")[:50]); diff != "" {
		t.Errorf("the first page is another one (-want +got):\n%s", diff)
	}
	b.same()

	coach := js[[]string](b, `(o => [o.value, o.text])(document.querySelector("#list-coach option:nth-child(3)"))`)
	b.choose("list-coach", coach[0])
	b.use("list", "#list-apply")
	b.wantText(".chip", "Coach: "+coach[1])
	b.wantText("main .head p", "of "+coach[1])
	for _, row := range b.rows() {
		if row["Coach"] != coach[1] {
			t.Errorf("%s belongs to %s, want only %s", row["Competitor"], row["Coach"], coach[1])
		}
	}
	theirs := b.rows()
	b.choose("list-division", "college")
	b.use("list", "#list-apply")
	if n := len(b.rows()); n == 0 && !b.has(".empty") {
		t.Error("neither rows nor a word why there are none")
	}
	b.use("list", "#list-without-coach")
	if n := len(b.narrowed("Division", "College")); n == 0 {
		t.Error("nobody is at college")
	}

	b.follow(`nav a[href="/coaches"]`)
	b.choose("coaches-q", strings.ToUpper(coach[1][:len(coach[1])-1]))
	b.use("coaches", "#coaches-apply")
	if got := js[[]string](b, `[...document.querySelectorAll("#coaches tbody th")].map(cell => cell.textContent.trim())`); len(got) != 1 || got[0] != coach[1] {
		t.Errorf("the search finds %q, want %q alone", got, coach[1])
	}
	b.lookAs(coach[1], theirs)

	b.choose("coaches-q", "nobody of that name")
	b.use("coaches", "#coaches-apply")
	b.wantText(".empty", "No coach matches")
	b.use("coaches", ".empty a")

	b.follow(`nav a[href="/admin"]`)
	b.follow(`main a[href="/admin/categories"]`)
	b.wantText("h1", "Categories")
	b.wantText("[aria-labelledby=known-title]", "Cryptography")
	b.follow("[aria-labelledby=known-title] tbody a")
	b.wantText(".chip", "Solved in: ")

	b.follow(`nav a[href="/rollout"]`)
	b.wantText("h1", "Rollout")
	b.follow(`nav a[href="/admin/sync"]`)
	b.wantAt("/admin/sync")
	b.wantText("#runs-title", "Last runs")
	b.wantText("#runs table", "On request")
	b.auditOf(coach[1])
}

// auditOf finds in the audit log that the admin looked as the coach, at whom, and narrows it to that person.
func (b *tab) auditOf(coach string) {
	b.t.Helper()
	b.follow(`nav a[href="/admin"]`)
	b.follow(`main a[href="/admin/audit"]`)
	b.wantAt("/admin/audit")
	b.choose("audit-action", "view_as.begin")
	b.use("audit", "#audit-apply")
	b.wantAt("/admin/audit?action=view_as.begin")
	b.wantText("#audit tbody tr", "began to look as a coach")
	b.choose("audit-action", "competitor.view")
	b.use("audit", "#audit-apply")
	b.wantText(".chip", "Action: looked at a competitor")
	b.use("audit", `#audit tbody a[href*="as="]`)
	b.wantText("#audit-without-as", "Acting as: "+coach)
	if others := js[[]string](b, `[...document.querySelectorAll("#audit tbody td:nth-child(5)")].map(cell => cell.textContent.trim())`); len(others) == 0 || len(slices.Compact(others)) != 1 || others[0] != coach {
		b.t.Errorf("acting as %s shows %q", coach, others)
	}
	name := b.text("#audit tbody td:nth-child(4) a")
	b.use("audit", `#audit tbody a[href*="competitor="]`)
	b.wantText(".chip", "About: "+name)
	b.history("back")
	b.until(`!!document.querySelector("#audit-without-as")`)
	b.use("audit", "#audit-clear")
	b.wantAt("/admin/audit")
	b.follow(`#audit tbody td:nth-child(4) a[href^="/competitors/"]`)
	b.wantText(".crumb", "Competitors /")
}

// lookAs sees what a coach sees, and can change nothing.
func (b *tab) lookAs(name string, theirs []rowShown) {
	b.t.Helper()
	b.follow("#coaches tbody button")
	b.wantAt("/competitors")
	b.wantText(".band", "You see the portal as "+name+" does. Nothing can be changed.")
	if diff := cmp.Diff(column(theirs, "path"), column(b.rows(), "path")); diff != "" {
		b.t.Errorf("the coach's list is another one (-want +got):\n%s", diff)
	}
	if got := b.text(".top nav"); got != "CompetitorsTeamsFlash CTF" && got != "Competitors Teams Flash CTF" {
		b.t.Errorf("the navigation is %q, want a coach's", got)
	}
	if b.has("#list-coach") || b.has("#list-by-coach") {
		b.t.Error("a coach has no filter by coach")
	}
	b.follow(`#list tbody tr:has(.s.ok) a`)
	b.wantText(".band", "Nothing can be changed")
	if b.has("#refresh") || !b.has("#sync") {
		b.t.Error("there is a button to refresh, or nothing to refresh")
	}
	b.expect("status of 403")
	b.open("/coaches")
	b.wantText("h1", "You may not do this")
	b.follow(".band button")
	b.wantAt("/coaches")
	if b.has(".band") {
		b.t.Error("the banner is still there")
	}
}

// turn goes to another page of the list; the focus stays with the link, and the list's top comes into view.
func (b *tab) turn(way, span string) {
	b.t.Helper()
	b.click("#list-" + way)
	b.until(fmt.Sprintf(`document.querySelector("#list .foot span").textContent.includes(%q)`, span))
	b.until(fmt.Sprintf(`document.getElementById("said").textContent.includes(%q)`, span))
	b.wantWhole()
	b.wantFocus("list-" + way)
	b.until(`Math.abs(document.getElementById("list").getBoundingClientRect().top) < innerHeight / 2`)
}

// productJourney sees the rollout and how the syncs are doing, and no competitor's name.
func (w *world) productJourney(t *testing.T) {
	b := w.signedIn(t, w.url, productEmail)
	b.wantAt("/rollout")
	b.wantText("h1", "Rollout")
	if got := js[[]string](b, `[...document.querySelectorAll(".top nav a")].map(a => a.getAttribute("href"))`); !slices.Equal(got, []string{"/rollout", "/rollout/launch", "/admin/sync", "/admin/failures", "/problems"}) {
		t.Errorf("the navigation is %q, want the rollout, the launch, the syncs, their failures and the problem reports", got)
	}
	b.follow(`nav a[href="/admin/sync"]`)
	b.wantText("#runs-title", "Last runs")
	b.expect("status of 403")
	for _, path := range []string{"/competitors", "/teams", "/events", "/coaches", "/admin/categories", "/admin/audit"} {
		b.open(path)
		b.wantText("h1", "You may not do this")
		if n := js[int](b, `document.querySelectorAll("table").length`); n != 0 {
			t.Error("the refused page has a table")
		}
	}
}

// teamsAndEvents is what a coach looks at for a lesson: a team with what it has not solved, an event with who was there.
func (w *world) teamsAndEvents(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.follow(`nav a[href="/teams"]`)
	members := js[[]int](b, `[...document.querySelectorAll("#teams tbody tr, #teams tfoot tr")].map(row => Number(row.cells[1].textContent))`)
	sum := 0
	for _, n := range members[:len(members)-1] {
		sum += n
	}
	if everybody := members[len(members)-1]; sum != everybody {
		t.Errorf("the teams and those without one have %d members, everybody is %d", sum, everybody)
	}
	b.use("teams", "#teams-by-points")
	b.wantAt("/teams?sort=-points")
	name := b.text("#teams tbody a")
	b.follow("#teams tbody a")
	b.wantText("h1", name)
	if n, rows := js[int](b, `Number(document.querySelector(".stats small").textContent.match(/\d+/)[0])`),
		js[int](b, `document.querySelectorAll("[aria-labelledby=members-title] tbody tr").length`); n != rows {
		t.Errorf("the team has %d members, %d are listed", n, rows)
	}
	category := js[[]string](b, `(o => [o.value, o.text])(document.querySelector("#unsolved-category option:nth-child(2)"))`)
	b.choose("unsolved-category", category[0])
	b.use("unsolved", "#unsolved-apply")
	if other := js[[]string](b, `[...document.querySelectorAll("#unsolved tbody td:nth-child(2)")].map(cell => cell.textContent.trim())`); len(other) == 0 || strings.Trim(strings.Join(other, ""), category[1]) != "" {
		t.Errorf("unsolved in %s: %q", category[1], other)
	}
	b.follow("[aria-labelledby=members-title] tbody a")
	b.wantText(".crumb", "Competitors /")

	b.follow(`nav a[href="/events"]`)
	took := js[int](b, `Number(document.querySelector("main tbody tr").cells[2].textContent)`)
	b.follow("main tbody a")
	if rows := js[int](b, `document.querySelectorAll("#results tbody tr").length`); rows != took {
		t.Errorf("%d took part, %d are listed", took, rows)
	}
	both := js[int](b, `document.querySelectorAll("#absent tbody tr").length`) + took
	if of := js[int](b, `Number(document.querySelector(".stats small").textContent.match(/\d+/)[0])`); of != both {
		t.Errorf("%d are on the platform, %d are listed", of, both)
	}
	b.follow("body > footer a")
	b.wantText("h1", "What the numbers mean")
}
