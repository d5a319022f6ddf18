package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"flagpole/internal/metactf/simulator"
)

// twoSaving moves the rollout in two tabs: the second is told what the first did, and decides again.
func (w *staged) twoSaving(t *testing.T) {
	w.set(t, "set", "10", "--reason", "two tabs begin")
	one := w.staff(t)
	two := w.signedIn(t, w.url, adminEmail)
	two.open("/rollout")
	two.ask("50")
	two.typed("reason", "the second")
	one.ask("25")
	one.save("the first")
	w.wantStanding(t, 25, 3)

	two.expect("status of 409")
	two.follow("#save")
	two.wantText("#fault", "Nothing was saved. Somebody else has changed the rollout in the meantime.")
	two.wantText("#fault", "The last change: 25 % (+1 / −0), "+productEmail+": the first")
	two.wantText(".head p", "3 of 12 coaches")
	two.wantText("#say", "50 % → 6 of 12 coaches (+3 / −0)")
	two.wantWhole()
	w.wantStanding(t, 25, 3)
	if got := js[string](two, `document.getElementById("percent").value + document.getElementById("reason").value`); got != "50the second" {
		t.Errorf("what was typed is gone: %q", got)
	}
	two.follow("#save")
	two.wantAt("/rollout")
	two.wantText("[aria-labelledby=history-title] tbody tr:first-child", adminEmail+": the second")
	w.wantStanding(t, 50, 6)

	one.open("/rollout/stop") // the page that asks notices it as well
	w.set(t, "set", "50", "--reason", "in between")
	one.expect("status of 409")
	one.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "too late"))
	one.follow("#confirm")
	one.wantText("#fault", "Nothing was saved. Somebody else has changed the rollout in the meantime.")
	if got := js[string](one, `document.querySelector("[name=reason]").value`); got != "too late" || !w.standing(t).Enabled {
		t.Errorf("the reason is %q, enabled %v", got, w.standing(t).Enabled)
	}
}

// restored goes back to an earlier change of the history.
func (w *staged) restored(t *testing.T) {
	w.set(t, "set", "50", "--reason", "how it was")
	then := w.standing(t)
	w.set(t, "set", "100", "--reason", "how it became")
	b := w.staff(t)
	row := `[...document.querySelectorAll("[aria-labelledby=history-title] tbody tr")].find(row => row.textContent.includes("how it was"))`
	link := fmt.Sprintf(`a[href=%q]`, js[string](b, row+`.querySelector("a").getAttribute("href")`))
	b.follow(link)
	b.wantText("h1", "Restore the rollout of change ")
	b.wantText(".say", "50 % → 6 of 12 coaches (+0 / −6)")
	b.wantText(".confirm", "Would lose it")
	w.wantStanding(t, 100, coachesThere)
	b.follow(".acts .bare")
	b.wantAt("/rollout")
	b.follow(link)

	b.expect("status of 422")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), "  "))
	b.follow("#confirm")
	b.wantText("#fault", "A reason is missing.")
	b.wantText("h1", "Restore the rollout of change ")
	w.wantStanding(t, 100, coachesThere)
	b.confirm("it was better")
	b.wantAt("/rollout")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "Restored: 50 %")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", productEmail+": it was better")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "Lost it: ")
	now := w.standing(t)
	then.Gates, now.Gates = nil, nil // they go by the time
	if diff := cmp.Diff(then, now); diff != "" {
		t.Errorf("it is not as it was (-then +now):\n%s", diff)
	}
}

// heldBack holds a coach back who has it, and releases the coach again.
func (w *staged) heldBack(t *testing.T) {
	w.set(t, "set", "100", "--reason", "held back begins")
	b, coach := w.staff(t), w.signedIn(t, w.url, w.other.email)
	coach.wantOwnList()
	b.open(w.other.page())
	b.follow(`.acts a[href$="/hold-back"]`)
	b.wantText("h1", "Hold back "+w.other.name+"?")
	b.wantText(".say", "11 of 11 coaches (+0 / −1)")
	b.confirm("a school holiday")
	b.wantAt(w.other.page())
	b.wantText(".head .s", "Held back")
	b.wantText("[aria-labelledby=why-title]", "Held back by the staff.")
	w.wantStanding(t, 100, coachesThere-1)
	coach.wantComing()
	b.open("/rollout")
	b.wantText("[aria-labelledby=held-title] table", w.other.name)
	b.follow(`[aria-labelledby=held-title] tbody a`)
	b.follow(`.acts a[href$="/release"]`)
	b.wantText(".say", "11 of 12 coaches (+0 / −0)")
	b.confirm("it is over")
	b.wantText(".head .s", "Not yet")
	coach.wantComing() // until the next move
	b.open("/rollout")
	b.ask("99")
	b.wantText("#preview", "Would get it"+w.other.name)
	b.save("all again")
	coach.wantOwnList()
}

// plainRollout moves it with links and forms alone.
func (w *staged) plainRollout(t *testing.T) {
	w.set(t, "set", "10", "--reason", "plain begins")
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/login")
	b.fillLogin(productEmail, anyPassword)
	b.wantAt("/rollout")
	b.ask("50")
	b.wantText("#say", "50 % → 6 of 12 coaches (+4 / −0)")
	b.wantText("#preview", "Would get it")
	w.wantStanding(t, 10, 2)
	b.save("half, plainly")
	w.wantStanding(t, 50, 6)

	b.ask("100")
	b.choose("percent", "75") // after its preview: what was not looked at is not saved
	b.choose("reason", "three quarters")
	b.expect("status of 422")
	b.follow("#save")
	b.wantText("#fault", "Here is what this move does. Look at it, then save.")
	b.wantText("#say", "75 % → 9 of 12 coaches (+3 / −0)")
	w.wantStanding(t, 50, 6)
	b.follow("#save")
	w.wantStanding(t, 75, 9)

	b.ask("50")
	b.keeping("50", true)
	b.wantText("#say", "50 % → 9 of 12 coaches (+0 / −0)")
	b.save("down, kept")
	w.wantStanding(t, 50, 9)
	b.open("/rollout?percent=10")
	b.previewed("10")
	b.wantText("#preview fieldset", "Take it from these 7")
	b.choose("reason", "  ")
	b.follow("#save")
	b.wantText("#fault", "A reason is missing.")
	b.wantText("#say", "10 % → 2 of 12 coaches (+0 / −7)")
	b.save("down, taken")
	w.wantStanding(t, 10, 2)
}

// killed stops everything while a sync runs, and lets it go on.
func (w *staged) killed(t *testing.T) {
	w.set(t, "set", "100", "--reason", "the kill switch begins")
	faults := func(f simulator.Faults) {
		t.Helper()
		if err := w.console.sim.SetFaults(f); err != nil {
			t.Fatal(err)
		}
	}
	faults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.Latency, Amount: 2 * time.Second}}})
	ended := make(chan outcome, 1)
	go func() { ended <- w.console.do("", "sync", "--all", "--full", "--json") }()
	b := w.staff(t)
	coach := w.signedIn(t, w.url, w.pilot.email)
	const done = `SELECT COUNT(*) FROM sync_attempts WHERE run_id IN (SELECT run_id FROM sync_runs WHERE kind = 'command' AND finished_at IS NULL)`
	for deadline := time.Now().Add(patience); w.value(t, done) == "0"; time.Sleep(10 * time.Millisecond) { // between two looks
		if time.Now().After(deadline) {
			t.Fatal("the sync does not begin")
		}
	}
	if b.has(".band") {
		t.Error("there is a banner before anything is stopped")
	}
	b.follow(`.acts a[href="/rollout/stop"]`)
	b.wantText("h1", "Stop all syncs?")
	b.wantText(".confirm", "Nobody loses it")
	began := time.Now()
	b.confirm("the platform is down")
	select {
	case o := <-ended:
		var r syncResult
		if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.status != 0 || r.Stopped != "kill_switch" {
			t.Errorf("status %d, %v: %s%s", o.status, err, o.stdout, o.stderr)
		}
	case <-time.After(patience):
		t.Fatal("the sync goes on")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the sync ended %s after the switch", took)
	}
	faults(simulator.Faults{})

	const band = "All syncs are stopped by the programme's staff. Pages show what was stored."
	b.wantAt("/rollout")
	b.wantText(".head .s", "All syncs are stopped")
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", "Everything stopped (+0 / −0)")
	for _, path := range []string{"/rollout", "/rollout/coaches", w.pilot.page(), "/rollout/resume", "/account", "/admin/sync"} {
		b.open(path)
		b.wantText(".band", band)
	}
	b.wantText("#runs table", "the kill switch is on")
	coach.wantOwnList()
	person := js[string](coach, `document.querySelector("#list tbody a").pathname`)
	for _, path := range []string{"/competitors", person, "/teams", "/events", "/numbers", "/account"} {
		coach.open(path)
		coach.wantText(".band", band)
	}
	w.wantStanding(t, 100, coachesThere)

	b.open("/rollout")
	b.follow(`.acts a[href="/rollout/resume"]`)
	b.wantText("h1", "Let syncs go on?")
	b.expect("status of 422")
	b.do(chromedp.SetValue(chromedp.CSS("[name=reason]"), " "))
	b.follow("#confirm")
	b.wantText("#fault", "A reason is missing.")
	if w.standing(t).Enabled {
		t.Error("it goes on without a reason")
	}
	b.confirm("it is up again")
	b.wantAt("/rollout")
	b.wantText(".head .s", "On")
	coach.open("/competitors")
	if b.has(".band") || coach.has(".band") || !w.standing(t).Enabled {
		t.Error("it is still stopped")
	}
}
