package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

// TestSyncHealthInTheBrowser looks at how the syncs are doing, and stops and starts them, on both databases.
func TestSyncHealthInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, browser, kind)
			t.Run("a run is watched", w.runWatched)
			t.Run("a pause over a restart", w.pausedOverARestart)
			t.Run("one coach, without JavaScript", w.plainSyncs)
			if kind == "sqlite" {
				t.Run("axe", w.healthWithAxe)
			}
		})
	}
}

// watched is a world whose portal can be started anew.
type watched struct {
	*world
	stop  func()
	start func() // serves until the end of the whole test
}

func newWatched(t *testing.T, browser context.Context, kind string) *watched {
	t.Helper()
	w := &watched{world: bareWorld(t, browser, kind, simulator.Options{Seed: 9, Competitors: 90, Coaches: 6, Teams: 9})}
	w.console.must("rollout", "set", "100", "--reason", "the tests look at everybody")
	w.addUsers(t, map[string]domain.Role{w.coach: domain.RoleCoach, adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct})
	w.console.do("", "sync", "--all") // some fail: the season has its faults
	w.start = func() { w.url, w.stop = startPortal(t, w.console.env) }
	w.start()
	return w
}

// slow has the platform take its time for each answer.
func (w *watched) slow(t *testing.T, by time.Duration) {
	t.Helper()
	var f simulator.Faults
	if by > 0 {
		f.Rules = []simulator.FaultRule{{Fault: simulator.Latency, Amount: by}}
	}
	if err := w.console.sim.SetFaults(f); err != nil {
		t.Fatal(err)
	}
}

// runWatched has everybody synced and follows the run on a page that is never loaded anew.
func (w *watched) runWatched(t *testing.T) {
	w.slow(t, 500*time.Millisecond)
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin/sync")
	all := b.number("#sync-all")
	b.follow("#sync-all")
	b.wantText("h1", fmt.Sprintf("Sync all %d?", all))
	b.wantText("main", "left out: they are not on the platform.")
	b.follow("#confirm")
	b.wantAt("/admin/sync")
	b.mark()
	b.until(`document.querySelector("#run progress")?.value > 0`)
	if most := js[int](b, `document.querySelector("#run progress").max`); most != all {
		t.Errorf("the bar ends at %d, the button said %d", most, all)
	}
	b.click("#hours-table-summary")
	b.click("#latency-table-summary")
	b.do(chromedp.Focus(chromedp.CSS("#runs-export")))
	js[chromedp.Void](b, `scrollTo(0, 400)`)
	js[chromedp.Void](b, `void (document.getElementById("said").textContent = "said before")`)
	b.old("health")
	before := js[int](b, `document.querySelector("#run progress").value`)
	b.until(fmt.Sprintf(`document.querySelector("#run progress")?.value > %d`, before))
	b.renewed("health")
	b.until(`document.querySelector("#run").textContent.includes("a second, done at about")`)
	b.same()
	b.wantFocus("runs-export")
	if y := js[int](b, `Math.round(scrollY)`); y != 400 {
		t.Errorf("the page is scrolled to %d, it was at 400", y)
	}
	if n := js[int](b, `document.querySelectorAll("#hours-table[open], #latency-table[open]").length`); n != 2 || b.has("#calls-table[open]") {
		t.Errorf("%d of the 2 tables that were opened are open, or the third is", n)
	}
	b.wantText("#said", "said before") // the sentence has not changed

	// Somebody else presses too, and is told of this run in place.
	other := b.another()
	other.expect("status of 409")
	other.open("/admin/sync/all")
	other.follow("#confirm")
	other.wantText("#fault", "A sync of everybody is under way already")
	if n := w.value(t, `SELECT COUNT(*) FROM sync_runs WHERE requested_by = 'page'`); n != "1" {
		t.Errorf("%s runs", n)
	}
	w.slow(t, 0)
	b.until(`!document.querySelector("#run progress")`)
	b.same()
	b.until(`[...document.querySelectorAll("#runs tbody tr")].some(r => r.textContent.includes("On request, everybody") && !r.textContent.includes("Running"))`)
}

// pausedOverARestart pauses all syncs, ends the portal and starts it again.
func (w *watched) pausedOverARestart(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin/sync")
	b.click("#sync-more-summary")
	b.follow("#pause")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "the platform is being mended"))
	b.follow("#confirm")
	b.wantAt("/admin/sync")
	b.wantText("h1", "Syncs are paused since")

	w.stop()
	w.start()
	b.url = w.url
	b.open("/admin/sync")
	b.wantText("h1", "Syncs are paused since")
	b.wantText(".head p", "admin paused them: the platform is being mended.")
	if b.has("#sync-all") || !b.has("#resume") {
		t.Error("it offers to sync while paused, or not to resume")
	}
	b.expect("status of 409")
	b.open("/admin/sync/pause")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "once more"))
	b.follow("#confirm")
	b.wantText("#fault", "admin did it")
	if r, status := w.console.json("--all"); r.Stopped != "paused" || status != 0 || r.Attempted != 0 {
		t.Errorf("the command says %+v, status %d", r, status)
	}
	product := w.signedIn(t, w.url, productEmail)
	product.open("/admin/sync")
	product.wantText(".band", "the platform is being mended")
	if product.has("#health .head .acts") {
		t.Error("product staff have buttons")
	}
	coach := w.signedIn(t, w.url, w.coach)
	coach.wantText(".band", "Syncs are paused by the programme's staff.")
	if strings.Contains(coach.text(".band"), "mended") {
		t.Error("coaches read why")
	}
	path := coach.busyCompetitor()
	w.behind(t, path)
	coach.open(path)
	coach.swap("sync", "#refresh")
	coach.wantText("#sync [role=alert]", "Syncs are paused at the moment.")

	b.open("/admin/sync")
	b.follow("#resume")
	b.follow("#confirm")
	b.wantAt("/admin/sync")
	if b.has(".band") || !b.has("#sync-all") {
		t.Errorf("it is still paused\n%s", b.describe())
	}
}

// plainSyncs is the page and a sync of one coach's competitors with links and forms alone.
func (w *watched) plainSyncs(t *testing.T) {
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/login")
	b.fillLogin(adminEmail, anyPassword)
	b.open("/admin/sync")
	b.wantWhole()
	b.open("/admin/sync/coach")
	name := b.text("#coaches tbody th a")
	b.choose("coaches-q", name)
	b.follow("#coaches-apply")
	b.follow("#coaches tbody th a")
	b.wantText("h1", "Sync the competitors of "+name+"?")
	b.follow("#confirm")
	b.wantAt("/admin/sync")
	b.wantText("#runs tbody", "On request, "+name)
	for deadline := time.Now().Add(patience); w.value(t, `SELECT COUNT(*) FROM sync_runs WHERE requested_by = 'page' AND finished_at IS NULL`) != "0"; time.Sleep(20 * time.Millisecond) { // between two looks
		if time.Now().After(deadline) {
			t.Fatal("the run does not end")
		}
	}
}

// healthWithAxe looks at all of it in both colours and at all widths.
func (w *watched) healthWithAxe(t *testing.T) {
	axe := axeSource(t)
	b := w.signedIn(t, w.url, adminEmail)
	for range 25 { // more than a page of runs
		w.console.do("", "sync", "--competitor", w.value(t, `SELECT competitor_id FROM competitors WHERE game_platform_id IS NOT NULL ORDER BY competitor_id LIMIT 1`))
	}
	b.open("/admin/sync")
	older := js[string](b, `(a => a.pathname + a.search)(document.getElementById("runs-older"))`)
	b.look(axe,
		pageShown{"health", "/admin/sync"}, pageShown{"older runs", older}, pageShown{"sync all", "/admin/sync/all"},
		pageShown{"choose a coach", "/admin/sync/coach"}, pageShown{"no coach", "/admin/sync/coach?q=nobody+of+that+name"},
		pageShown{"pause", "/admin/sync/pause"}, pageShown{"resume", "/admin/sync/resume"},
	)
	b.state(axe, "tables and menu opened", func(b *tab) {
		b.open("/admin/sync")
		js[chromedp.Void](b, `document.querySelectorAll("#health details").forEach(d => d.open = true)`)
	})
	b.open(older)
	if b.has("[hx-trigger]") || !b.has("#runs-newest") {
		t.Error("a page of older runs asks for itself, or has no way back")
	}
	b.do(chromedp.EmulateViewport(390, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
	b.open("/admin/sync")
	for _, cell := range []string{"td:nth-child(7)", "td:last-child"} { // failed, result
		if !js[bool](b, `(r => r.width > 0 && r.left >= 0 && r.right <= innerWidth)(document.querySelector("#runs tbody `+cell+`").getBoundingClientRect())`) {
			t.Errorf("%s of a run is not on the phone's screen", cell)
		}
	}
	w.slow(t, time.Second)
	b.state(axe, "in progress", func(b *tab) {
		b.open("/admin/sync/all")
		b.follow("#confirm")
		b.until(`!!document.querySelector("#run progress")`)
	})
	b.expect("status of 409")
	b.state(axe, "in progress already", func(b *tab) {
		b.open("/admin/sync/all")
		b.follow("#confirm")
		b.wantText("#fault", "under way already")
	})
	b.state(axe, "paused", func(b *tab) {
		b.open("/admin/sync/pause")
		b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "axe"))
		b.follow("#confirm")
	})
	w.slow(t, 0)
}
