package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flagpole/internal/metactf/simulator"
)

// behind brings about that a competitor was last fetched a while ago, and that the newest solve has come since.
func (w *world) behind(t *testing.T, path string) (account string) {
	t.Helper()
	account = w.value(t, `SELECT game_platform_id FROM competitors WHERE competitor_id = $1`, strings.TrimPrefix(path, "/competitors/"))
	w.exec(t, `UPDATE game_platform_sync_state SET last_attempt_at = last_attempt_at - $1 WHERE syned_user_id = $2`,
		(10 * time.Minute).Microseconds(), account)
	w.exec(t, `
		DELETE FROM game_platform_challenge_solves WHERE syned_user_id = $1 AND source = 'odl' AND solved_at = (
			SELECT MAX(solved_at) FROM game_platform_challenge_solves WHERE syned_user_id = $2 AND source = 'odl')`, account, account)
	return account
}

// hang keeps the platform from answering about one account, until what is returned is called.
func (w *world) hang(t *testing.T, account string) (goOn func()) {
	t.Helper()
	set := func(f simulator.Faults) {
		if err := w.console.sim.SetFaults(f); err != nil {
			t.Error(err)
		}
	}
	set(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.Hang, UserID: account}}})
	goOn = func() { set(simulator.Faults{}) }
	t.Cleanup(goOn)
	return goOn
}

// refreshJourney refreshes a competitor and sees it arrive, on the page and in the list.
func (w *world) refreshJourney(t *testing.T) {
	b, path := w.opened(t, w.url)
	list := b.another()
	goOn := w.hang(t, w.behind(t, path))
	row := `#list tbody tr:has(a[href^="` + path + `"]) `

	b.mark()
	b.old("sync")
	b.click("#refresh")
	b.renewed("sync")
	b.wantText("#sync", "Refreshing")
	b.wantText("#sync", "shows here when it is done")
	b.wantFocus("sync") // the button is gone
	if b.has("#refresh") {
		t.Error("the button is still there while the refresh runs")
	}
	b.old("sync")
	b.renewed("sync") // it asks again, and is still at it
	b.wantText("#sync", "Refreshing")

	list.open("/competitors")
	list.wantText(row+".s", "Refreshing")
	list.mark()
	list.old("list")
	list.do(chromedp.Focus(chromedp.CSS("#list-q")))
	list.renewed("list")
	list.wantText(row+".s", "Refreshing")
	list.wantFocus("list-q") // who types is not disturbed

	goOn()
	b.until(`document.querySelector("#sync").textContent.includes("new solve")`)
	b.wantText("#sync", "1 new solve.")
	list.until(`document.querySelector('` + row + `.s').textContent.includes("Synced")`)
	if n := js[int](b, `document.querySelectorAll("[hx-trigger]").length`) + js[int](list, `document.querySelectorAll("[hx-trigger]").length`); n != 0 {
		t.Errorf("%d regions still ask again", n)
	}
	b.same()
	list.same()
	b.follow("#sync a")
	b.wantAt(path)
	b.wantText("#sync", "Synced")

	before := b.text("h1")
	b.swap("sync", "#refresh") // too soon
	b.wantText("#sync [role=alert]", "less than 5 minutes ago")
	b.wantText("#sync [role=alert]", "Refresh again in")
	b.wantText("h1", before)
	b.wantFocus("refresh")
}

// plainRefresh is the same with a form and links.
func (w *world) plainRefresh(t *testing.T) {
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/competitors")
	b.fillLogin(w.coach, anyPassword)
	path := b.busyCompetitor()
	goOn := w.hang(t, w.behind(t, path))
	b.open(path)
	b.follow("#refresh")
	b.wantText("#sync", "Refreshing")
	goOn()
	for deadline := time.Now().Add(patience); strings.Contains(b.text("#sync"), "Refreshing"); {
		if time.Now().After(deadline) {
			t.Fatalf("the refresh does not end\n%s", b.describe())
		}
		b.follow("#sync noscript a")
	}
	b.wantText("#sync", "1 new solve.")
	b.follow("#sync p:last-child a")
	b.expect("status of 429")
	b.follow("#refresh")
	b.wantText("main", "less than 5 minutes ago")
}
