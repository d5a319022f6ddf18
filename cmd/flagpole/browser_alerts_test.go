package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/notify/notifytest"
)

// TestAlertsInTheBrowser sees an alert, acknowledges it, sends a test by a real mail server, and tests the connection, on both
// databases.
func TestAlertsInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newAlerted(t, browser, kind)
			t.Run("acknowledged", w.acknowledged)
			t.Run("a test of the channels", w.channelsTried)
			t.Run("a test of the connection", w.connectionTried)
			if kind == "sqlite" {
				t.Run("axe", w.alertsWithAxe)
			}
		})
	}
}

// alerted is a world in which most syncs have failed, with a mail server.
type alerted struct {
	*world
	mail *notifytest.MailServer
}

func newAlerted(t *testing.T, browser context.Context, kind string) *alerted {
	t.Helper()
	w := &alerted{bareWorld(t, browser, kind, simulator.Options{Seed: 9, Competitors: 60, Coaches: 4, Teams: 8}), notifytest.StartMail(t, "", "")}
	w.console.must("rollout", "set", "100", "--reason", "the tests look at everybody")
	w.addUsers(t, map[string]domain.Role{adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct})
	if err := w.console.sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.Forbidden, Call: "/scores/get_odl_scores"}}}); err != nil {
		t.Fatal(err)
	}
	w.console.do("", "sync", "--all")
	w.console.env["FLAGPOLE_MAIL_URL"] = w.mail.URL()
	w.console.env["FLAGPOLE_MAIL_FROM"] = "portal@house.example"
	w.console.env["FLAGPOLE_ALERT_MAIL_TO"] = "night@house.example"
	w.url, _ = startPortal(t, w.console.env)
	return w
}

func (w *alerted) acknowledged(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin")
	b.follow(`a[href="/admin/alerts"]`)
	for !b.has("#acknowledge-sync_failure_rate") { // the portal asks the rules when it starts
		b.open("/admin/alerts")
	}
	b.do(chromedp.SetValue(chromedp.CSS("#note-sync_failure_rate"), "MetaCTF is told"))
	b.follow("#acknowledge-sync_failure_rate")
	b.wantText("#alerts table", "Acknowledged by admin.")
	b.wantText("#alerts table", "MetaCTF is told")
	if b.has("#acknowledge-sync_failure_rate") {
		t.Error("it can be acknowledged a second time")
	}
}

func (w *alerted) channelsTried(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail).withoutScripts()
	b.open("/admin/alerts")
	b.follow("#alerts-test")
	b.wantText("#alerts", "Flagpole: a test")
	w.signedIn(t, w.url, adminEmail).delivered()
	subjects := map[string]int{}
	for _, m := range w.mail.Mails() {
		subjects[m.Subject]++
	}
	if subjects["Flagpole: a test"] != 1 || subjects["Flagpole: Too many syncs fail"] != 1 {
		t.Errorf("mails: %v", subjects)
	}
}

// delivered waits until the page, which asks by itself, says that the test has arrived.
func (b *tab) delivered() {
	b.open("/admin/alerts")
	b.until(`[...document.querySelectorAll("#alerts tr")].some(r => r.textContent.includes("a test") && r.textContent.includes("Delivered"))`)
}

func (w *alerted) connectionTried(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin/connection")
	b.follow("#connection-test")
	b.until(`document.querySelector("#test")?.textContent.includes("The token is taken.")`)
	b.wantText("#test", "The platform answers")
	b.wantText("#connection", "GAME_PLATFORM_API_TOKEN")
	if strings.Contains(b.text("#connection"), w.console.env["GAME_PLATFORM_API_TOKEN"]) {
		t.Error("the page shows the token")
	}
}

func (w *alerted) alertsWithAxe(t *testing.T) {
	axe := axeSource(t)
	b := w.signedIn(t, w.url, adminEmail)
	b.look(axe, pageShown{"alerts", "/admin/alerts"}, pageShown{"connection", "/admin/connection"})
	w.signedIn(t, w.url, productEmail).look(axe, pageShown{"alerts of product staff", "/admin/alerts"})
}
