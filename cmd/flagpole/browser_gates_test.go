package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flagpole/handlers"
	"flagpole/internal/alert"
	"flagpole/internal/auth"
	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/syncer"
	"flagpole/static"
	"flagpole/store"
	"flagpole/store/storetest"
)

// TestGatesInTheBrowser takes the rollout from a pilot to everybody by a clock that is moved, over the simulator; then a third of the
// answers cannot be read, and at last the platform is out of order.
func TestGatesInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newGated(t, browser, kind)
			t.Run("phases and the guard are set", w.settings)
			t.Run("from a pilot to 100 %", w.toEverybody)
			t.Run("a third cannot be read", w.third)
			t.Run("an outage of the platform", w.outage)
			if kind == "sqlite" {
				t.Run("axe", w.gatesWithAxe)
			}
		})
	}
}

// gated is a portal by a clock that is moved, and what syncs for it.
type gated struct {
	*world
	s     *store.Store
	clock *storetest.Clock
	sync  *syncer.Syncer
}

func newGated(t *testing.T, browser context.Context, kind string) *gated {
	t.Helper()
	w := &gated{world: bareWorld(t, browser, kind, simulator.Options{Seed: 7, Competitors: 120, Coaches: coachesThere, Teams: 12}), clock: storetest.NewClock()}
	now := time.Now().UTC()
	w.clock.Advance(now.Truncate(6 * time.Hour).Add(-5*time.Hour - 20*time.Minute).Sub(storetest.Start)) // 40 minutes into a window, when the one before has just closed
	w.addUsers(t, map[string]domain.Role{adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct})
	var err error
	if w.s, err = store.Open(context.Background(), w.console.env["DATABASE_URL"], w.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.s.Close() })
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	portal := httptest.NewServer(handlers.New(w.s, auth.New(w.s.Accounts(), false, w.clock.Now), files, handlers.Options{
		Zone: time.UTC, SyncEnabled: true, RateLimit: 5, SyncEvery: 30 * time.Minute, SyncAtMost: 8 * time.Hour,
	}, w.clock.Now, quiet))
	t.Cleanup(portal.Close)
	w.url = portal.URL
	w.restartSyncs(t)
	return w
}

// restartSyncs begins with a client of the platform that remembers nothing.
func (w *gated) restartSyncs(t *testing.T) {
	t.Helper()
	conf, err := config.Load(func(name string) string { return w.console.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	client, err := metactf.New(metactf.Config{BaseURL: conf.APIBaseURL, Tokens: tokens(conf), RateLimit: conf.RateLimit, Timeout: conf.CallTimeout}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	w.sync = syncer.New(w.s.System(), client, syncer.Settings{
		Concurrency: 4, RateLimit: conf.RateLimit, Overlap: conf.Overlap, Every: conf.SyncEvery, AtMost: conf.SyncAtLeast, Zone: time.UTC,
	}, w.clock.Now, quiet)
}

// windows lets so many windows of 6 hours go by: everybody is synced, then alerts and gates are asked.
func (w *gated) windows(t *testing.T, n int) {
	t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // in an outage a run would wait for its end
		_, err := w.sync.Do(ctx, store.RunRequest{By: "test"})
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		cancel()
		w.clock.Advance(15 * time.Second)
		w.ask(t)
		w.clock.Advance(6*time.Hour - 15*time.Second)
		w.ask(t)
	}
}

// ask asks alerts and gates, as a portal does four times a minute. How full the disk of this machine is does not matter.
func (w *gated) ask(t *testing.T) {
	t.Helper()
	rules := store.AlertRules{Thresholds: alert.Defaults(), Zone: time.UTC, Link: w.url + "/admin/alerts"}
	rules.Thresholds.DiskFree = 0
	if _, err := w.s.System().EvaluateAlerts(t.Context(), w.clock.Now(), rules); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.System().GuardRollout(t.Context(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
}

// staff is a tab of product staff on the page of the rollout.
func (w *gated) staff(t *testing.T) *tab {
	t.Helper()
	b := w.signedIn(t, w.url, productEmail)
	b.wantAt("/rollout")
	return b
}

func (w *gated) faults(t *testing.T, rules ...simulator.FaultRule) {
	t.Helper()
	if err := w.console.sim.SetFaults(simulator.Faults{Rules: rules}); err != nil {
		t.Fatal(err)
	}
}

func (w *gated) settings(t *testing.T) {
	b := w.staff(t)
	b.wantText(".head p", "0 of 12 coaches have the game platform. Phase Off")
	b.follow(`a[href="/rollout/phases"]`)
	for i := range 3 { // the simulated coaches do not sign in
		b.click(fmt.Sprintf(`[name="needs-%d"][value=pilots_ready]`, i+2))
	}
	b.do(chromedp.SetValue(chromedp.CSS("[name=percent-2]"), "60"))
	b.do(chromedp.SetValue(chromedp.CSS("#phases-form [name=reason]"), "simulated coaches"))
	b.expect("status of 422")
	b.follow("#save")
	b.wantText("#fault", "50 % cannot follow 60 %")
	b.do(chromedp.SetValue(chromedp.CSS("[name=percent-2]"), "10"))
	b.follow("#rehearse")
	b.wantText("#rehearsal", "Nothing is stored to go through yet.")
	b.do(chromedp.SetValue(chromedp.CSS("#phases-form [name=reason]"), "simulated coaches"))
	b.follow("#save")
	b.wantAt("/rollout")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "Phases and gates changed")
	b.open("/rollout/phases")
	b.click(`[name=on][value=yes]`)
	b.do(chromedp.SetValue(chromedp.CSS(".guard [name=reason]"), "it may act"))
	b.follow("#save-guard")
	b.wantAt("/rollout")
	b.wantText("#gates .meta", "If a gate fails, the guard freezes the rollout.")
}

func (w *gated) toEverybody(t *testing.T) {
	pilot := w.value(t, `SELECT coach_id FROM coaches WHERE competitors >= 9 ORDER BY coach_id LIMIT 1 OFFSET 1`) // all of whose competitors can be synced
	w.console.must("rollout", "pilot", "add", pilot)
	b := w.staff(t)
	b.follow(".phases li:nth-child(2) a")
	b.wantText("h1", "Begin phase Pilot anew?") // the first pilot began it
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "begin"))
	b.follow("#confirm")
	b.wantAt("/rollout")
	b.wantText(".phases [aria-current=step]", "soaked 0 of 48 h")
	b.wantText("#gates h2", "Gates for 10 %")
	b.wantText("#gates tbody tr:first-child", "Unknown")

	b.follow("#gates .acts a") // now it would be an override
	b.wantText("h1", "Go on to 10 %?")
	if !js[bool](b, `document.querySelector("[name=when][value=gates]").checked`) {
		t.Error("an override is the first choice")
	}
	b.wantText(".note", "Soaked long enough: 48 h more.")
	b.open("/rollout")

	w.windows(t, 9)
	b = w.staff(t)
	b.wantText("#gates .meta", "7 pass.")
	b.wantText(".phases [aria-current=step]", "soaked 48 of 48 h")
	b.follow("#gates .acts a")
	if b.has(".note.warn") {
		t.Errorf("there is something to override\n%s", b.describe())
	}
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "the pilot is content"))
	b.follow("#confirm")
	b.wantAt("/rollout")
	b.wantText(".head p", "2 of 12 coaches have the game platform. Phase 10 %")

	other := w.staff(t) // two at once
	b.open("/rollout/phase/100")
	other.open("/rollout/phase/50")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "by itself"))
	b.follow("#confirm")
	b.wantAt("/rollout")
	b.wantText("#plan", "Goes on by itself to 100 %, phase by phase")
	other.expect("status of 409")
	other.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "at the same time"))
	other.follow("#confirm")
	other.wantText("#fault", "Somebody else has changed the rollout in the meantime.")

	w.windows(t, 9)
	b = w.staff(t)
	b.wantText(".head p", "6 of 12 coaches have the game platform. Phase 50 %")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "By itself, when all gates passed: by itself")
	w.windows(t, 5)
	b = w.staff(t)
	b.wantText(".head p", "12 of 12 coaches have the game platform. Phase 100 %")
	if b.has("#plan") {
		t.Errorf("there is a plan where all have it\n%s", b.describe())
	}
	if n := w.value(t, `SELECT COUNT(*) FROM rollout_changes WHERE override_until IS NOT NULL`); n != "0" {
		t.Errorf("%s changes overrode gates", n)
	}
}

// third has every third competitor's answers cut off in the middle.
func (w *gated) third(t *testing.T) {
	accounts := strings.Split(w.value(t, `SELECT string_agg(game_platform_id, ',') FROM competitors WHERE game_platform_id IS NOT NULL`), ",")
	var rules []simulator.FaultRule
	for i := 0; i < len(accounts); i += 3 {
		rules = append(rules, simulator.FaultRule{Fault: simulator.Truncated, UserID: accounts[i]})
	}
	w.faults(t, rules...)
	w.windows(t, 4)
	b := w.staff(t)
	b.wantText("#frozen", "The guard has stopped the rollout")
	b.wantText(".head p", "12 of 12 coaches") // freezing takes nothing away
	b.open("/admin/alerts")
	b.wantText("main", "The guard has stopped the rollout")
	if n := w.value(t, `SELECT COUNT(*) FROM alerts WHERE rule = 'rollout_guard' AND state = 'firing'`); n != "1" {
		t.Errorf("%s alerts of the guard fire", n)
	}
	w.faults(t)
	w.windows(t, 5)
	b = w.staff(t)
	b.wantText("#frozen", "The guard has stopped the rollout") // only a person goes on
	b.follow(`#frozen a[href="/rollout/thaw"]`)
	b.confirm("mended")
	b.wantAt("/rollout")
	if b.has("#frozen") {
		t.Errorf("it is still frozen\n%s", b.describe())
	}
	b.open("/rollout/phases")
	b.follow("#rehearse")
	b.wantText("#rehearsal", "Would have frozen")
}

// outage has every call fail for 18 hours, while the rollout is on its way.
func (w *gated) outage(t *testing.T) {
	b := w.staff(t)
	b.open("/rollout/phase/50")
	b.wantText("h1", "Go back to 50 %?")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "once more"))
	b.follow("#confirm")
	b.wantText(".head p", "6 of 12 coaches")
	b.open("/rollout/phase/100")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "after the outage"))
	b.follow("#confirm")
	b.wantText("#plan", "Goes on by itself to 100 %")
	w.windows(t, 2)
	w.faults(t, simulator.FaultRule{Fault: simulator.ServerError})
	w.windows(t, 3)
	b = w.staff(t)
	b.wantText("#gates tbody tr:first-child", "Hold")
	b.wantText("#gates", "The platform is out of order")
	b.wantText(".head p", "6 of 12 coaches")
	if b.has("#frozen") || !b.has("#plan") {
		t.Errorf("the guard acted in an outage\n%s", b.describe())
	}
	w.faults(t)
	w.restartSyncs(t)
	w.windows(t, 4)
	b = w.staff(t)
	b.wantText(".head p", "12 of 12 coaches have the game platform. Phase 100 %")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "By itself, when all gates passed: after the outage")
}

func (w *gated) gatesWithAxe(t *testing.T) {
	axe := axeSource(t)
	b := w.staff(t)
	b.look(axe,
		pageShown{"gates that pass", "/rollout"},
		pageShown{"launch", "/rollout/launch"},
		pageShown{"a phase anew", "/rollout/phase/100"},
		pageShown{"rehearsed", "/rollout/phases?rehearse=yes&" + strings.Join(phaseQuery(), "&")},
	)
	w.faults(t, simulator.FaultRule{Fault: simulator.Truncated})
	w.windows(t, 3)
	w.staff(t).look(axe, pageShown{"frozen", "/rollout"}, pageShown{"to go on after a freeze", "/rollout/thaw"})
}

// phaseQuery is the form of the phases as it stands in an address.
func phaseQuery() (parts []string) {
	for i, percent := range []string{"", "10", "50", "100"} {
		if percent != "" {
			parts = append(parts, fmt.Sprintf("percent-%d=%s", i+1, percent))
		}
		parts = append(parts, fmt.Sprintf("soak-%d=24&success-%d=99&failures-%d=1&recent-%d=12&reports-%d=5&needs-%d=failure_rate", i+1, i+1, i+1, i+1, i+1, i+1))
	}
	return parts
}
