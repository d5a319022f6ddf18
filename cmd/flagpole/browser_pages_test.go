package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// adminJourney turns the pages of all competitors and looks at the syncs.
func (w *world) adminJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.wantAt("/competitors")
	b.wantText("main .head p", "241 competitors of 9 coaches")
	first := b.names()
	b.mark()

	b.turn("next", "101 to 200 of 241")
	second := b.names()
	b.turn("next", "201 to 241 of 241")
	b.turn("prev", "101 to 200 of 241")
	if got := b.names(); strings.Join(got, ";") != strings.Join(second, ";") {
		t.Errorf("the page before has the names\n%v, want\n%v", got, second)
	}
	b.turn("prev", "1 to 100 of 241")
	if got := b.names(); strings.Join(got, ";") != strings.Join(first, ";") {
		t.Errorf("the first page has the names\n%v, want\n%v", got, first)
	}
	b.same()

	b.follow(`nav a[href="/admin/sync"]`)
	b.wantAt("/admin/sync")
	b.wantText("#runs-title", "Last runs")
	b.wantText("main table", "On request")
}

// turn goes to another page of the list; the focus stays with the link, and the list's top comes into view.
func (b *tab) turn(way, span string) {
	b.t.Helper()
	b.click("#list-" + way)
	b.until(fmt.Sprintf(`document.querySelector("#list .foot span").textContent === %q`, span))
	b.until(fmt.Sprintf(`document.getElementById("said").textContent.includes(%q)`, span))
	b.wantWhole()
	b.wantFocus("list-" + way)
	b.until(`Math.abs(document.getElementById("list").getBoundingClientRect().top) < innerHeight / 2`)
}

func (b *tab) names() []string {
	b.t.Helper()
	return js[[]string](b, `[...document.querySelectorAll("#list tbody th")].map(cell => cell.textContent.trim())`)
}

// productJourney sees how the syncs are doing, and nobody's name.
func (w *world) productJourney(t *testing.T) {
	b := w.signedIn(t, w.url, productEmail)
	b.wantAt("/admin/sync")
	if got := b.text(".top nav"); got != "Sync" {
		t.Errorf("the navigation is %q, want Sync alone", got)
	}
	b.expect("status of 403")
	b.open("/competitors")
	b.wantText("h1", "You may not do this")
	if n := js[int](b, `document.querySelectorAll("table").length`); n != 0 {
		t.Error("the refused page has a table")
	}
}

// pageShown is a page that axe looks at.
type pageShown struct{ name, path string }

// everyPage runs axe on all pages, in both colours, wide and narrow. At no width they scroll sideways.
func (w *world) everyPage(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("..", "..", "static", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	look := func(b *tab, pages ...pageShown) {
		for _, p := range pages {
			t.Run(p.name, func(t *testing.T) {
				b := b.in(t)
				b.open(p.path)
				b.examine(string(axe))
			})
		}
	}

	nobody := w.newTab(t, w.url)
	nobody.expect("status of 401")
	nobody.expect("status of 404")
	look(nobody, pageShown{"login", "/login"}, pageShown{"not found, signed out", "/nothing"})
	t.Run("login with a problem", func(t *testing.T) {
		b := nobody.in(t)
		b.open("/login")
		b.fillLogin("nobody@flagpole.example", "a wrong one")
		b.wantText("#login-problem", "password")
		b.examine(string(axe))
	})

	admin := w.signedIn(t, w.url, adminEmail)
	admin.expect("status of 404")
	admin.expect("status of 422")
	some := admin.someCompetitors()
	look(admin,
		pageShown{"admin's competitors", "/competitors"},
		pageShown{"a page past the end", "/competitors?after=C-nobody"},
		pageShown{"competitor with solves", some["solves"]},
		pageShown{"competitor with a filter", some["solves"] + "?category=web&sort=-points"},
		pageShown{"competitor with a filter that nothing matches", some["solves"] + "?category=social"},
		pageShown{"competitor that is blocked", some["blocked"]},
		pageShown{"competitor that fails", some["failing"]},
		pageShown{"competitor without solves", some["without solves"]},
		pageShown{"competitor without an account", some["without an account"]},
		pageShown{"sync", "/admin/sync"},
		pageShown{"account", "/account?done=session"},
		pageShown{"not found", "/competitors/nobody"},
		pageShown{"wrong address", some["solves"] + "?sort=sideways"},
	)

	t.Run("account with problems", func(t *testing.T) {
		b := admin.in(t)
		b.open("/account")
		for name, word := range map[string]string{"current": "a wrong one", "new": "short", "again": "shorter"} {
			b.do(chromedp.SendKeys(chromedp.CSS("#password-form [name="+name+"]"), word))
		}
		b.follow("#password-form button")
		b.wantText("#password-new-note", "too short")
		b.wantText("#password-again-note", "not the same")
		b.examine(string(axe))
	})

	look(w.signedIn(t, w.url, w.coach), pageShown{"coach's competitors", "/competitors"})
	look(w.signedIn(t, w.url, noviceEmail), pageShown{"coach without competitors", "/competitors"})

	product := w.signedIn(t, w.url, productEmail)
	product.expect("status of 403")
	look(product, pageShown{"refused", "/competitors"})
}

// in is the same tab for a part of its test.
func (b *tab) in(t *testing.T) *tab {
	part := *b
	part.t = t
	return &part
}

// someCompetitors are paths of competitors in different states, read from the admin's export.
func (b *tab) someCompetitors() map[string]string {
	b.t.Helper()
	found := js[map[string]string](b, `fetch("/competitors.csv").then(answer => answer.text()).then(text => {
		const [head, ...rows] = text.trim().split(/\r?\n/).map(line => line.split(","))
		const list = rows.map(row => Object.fromEntries(row.map((cell, i) => [head[i].replace("\ufeff", ""), cell])))
		const path = fits => "/competitors/" + list.find(fits).competitor_id
		return {
			"solves": path(c => c.state === "Synced" && c.odl_solves > 20 && c.flash_solves > 0),
			"blocked": path(c => c.state === "Awaiting approval"),
			"failing": path(c => c.state.startsWith("Retrying")),
			"without solves": path(c => c.state === "Synced" && c.points === "0"),
			"without an account": path(c => c.state === "Email missing"),
		}
	})`)
	return found
}

// examine looks at the open page as everybody may see it.
func (b *tab) examine(axe string) {
	b.t.Helper()
	for _, width := range []int64{320, 640, 820, 1121} {
		b.view(width, false)
		if over := js[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			b.t.Errorf("%d wide: the page is %d pixels wider", width, over)
		}
	}
	for _, width := range []int64{1280, 390} {
		for _, dark := range []bool{false, true} {
			b.view(width, dark)
			js[chromedp.Void](b, axe+`;void 0`)
			for _, fault := range js[[]string](b, `axe.run().then(found => found.violations.flatMap(v =>
				v.nodes.map(n => v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary)))`) {
				b.t.Errorf("%d wide, dark %v: %s", width, dark, fault)
			}
		}
	}
}

// policyWatch breaks the content security policy, so that it is known that the other tests would notice.
func (w *world) policyWatch(t *testing.T) {
	b := w.newTab(t, w.url)
	b.open("/login")
	b.expect("Content Security Policy")
	js[chromedp.Void](b, `document.body.setAttribute("style", "color: red")`)
}
