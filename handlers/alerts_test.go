package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/store"
)

// alerted has a portal with two alerts that fire, and with mail and a webhook.
func alerted(t *testing.T, kind string) *portal {
	t.Helper()
	p := newPortal(t, kind, func(o *Options) {
		o.Alerting = Alerting{Thresholds: alert.Defaults(), Targets: []domain.Target{{Channel: domain.ChannelMail, Address: "night@house.example"}, {Channel: domain.ChannelWebhook}}}
		o.Platform = Platform{BaseURL: "https://platform.example/v1", Concurrency: 8, Timeout: 20 * time.Second, Retries: 3, HasToken: true}
	})
	rules := alert.Defaults()
	rules.DatabaseErrors = 0
	if _, err := p.store.System().EvaluateAlerts(t.Context(), p.clock.Now(), store.AlertRules{Thresholds: rules, Zone: time.UTC, Link: "/admin/alerts"}); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAlertsAreSeenAndAcknowledged(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := alerted(t, kind)
			b := p.as(admin)
			page := b.get("/admin/alerts")
			if rows := page.words("#alerts table:first-of-type tbody tr"); len(rows) < len(domain.AlertRules) {
				t.Errorf("%d rules are shown", len(rows))
			}
			wantEqual(t, "the first rule", page.words("#alerts > table tbody tr:first-child th"), []string{"The database reports errors"})
			if !strings.Contains(page.body, "night@house.example") || !strings.Contains(page.body, "Firing") {
				t.Error("channels or the alert are not shown")
			}
			wantStatus(t, b.press("/admin/alerts/acknowledge", "rule", "database_errors", "reason", "The disk is being replaced"), http.StatusSeeOther)
			page = b.get("/admin/alerts")
			if !strings.Contains(page.body, "Acknowledged") || !strings.Contains(page.body, "The disk is being replaced") {
				t.Error("who acknowledged it and why is not shown")
			}
			again := b.press("/admin/alerts/acknowledge", "rule", "database_errors")
			wantStatus(t, again, http.StatusConflict)
			if !strings.Contains(again.body, "does not fire any more") {
				t.Error(again.body)
			}
			wantStatus(t, b.press("/admin/alerts/acknowledge", "rule", "lunch"), http.StatusNotFound)
			wantStatus(t, b.get("/admin/alerts?before=lunch"), http.StatusUnprocessableEntity)
			wantStatus(t, b.press("/admin/alerts/test"), http.StatusSeeOther)
			if page := b.get("/admin/alerts"); !strings.Contains(page.body, "Flagpole: a test") {
				t.Error("the test is not listed")
			}
		})
	}
}

func TestProductStaffSeeAlertsButNobodysAddress(t *testing.T) {
	p := alerted(t, "sqlite")
	p.as(admin).press("/admin/alerts/acknowledge", "rule", "database_errors", "reason", "known")
	page := p.as(product).get("/admin/alerts")
	wantStatus(t, page, http.StatusOK)
	if strings.Contains(page.body, "@house.example") || strings.Contains(page.body, "acknowledge-") || strings.Contains(page.body, "alerts-test") || !strings.Contains(page.body, "Acknowledged by an admin.") {
		t.Error("product staff see an address, or may act")
	}
}

func TestTheConnectionIsShownAndTested(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := alerted(t, kind)
			now := p.clock.Now()
			skew := 3 * time.Minute
			sys := p.store.System()
			err := sys.NoteConnection(t.Context(), store.ConnectionNews{
				Connection: store.Connection{SeenAt: now, State: "paused", Until: now.Add(time.Minute), Rate: 2.5, ConfiguredRate: 5, Token: store.TokenUse{Fingerprint: "abcdef012345", Source: "GAME_PLATFORM_API_TOKEN_NEXT"}},
				Accepted:   now, Waits: []store.Wait{{State: "paused", BeganAt: now, Until: now.Add(time.Minute)}},
				Fields: []store.FieldSeen{{Field: "GET /users: badge", Fault: "unknown", FirstAt: now, LastAt: now, Times: 12}},
			})
			if err != nil {
				t.Fatal(err)
			}
			b := p.as(admin)
			page := b.get("/admin/connection")
			for _, text := range []string{"The platform asked us to wait.", "now 2.5 a second", "abcdef012345", "GAME_PLATFORM_API_TOKEN_NEXT", "GET /users: badge", "https://platform.example/v1"} {
				if !strings.Contains(page.body, text) {
					t.Errorf("%q is not shown", text)
				}
			}
			wantStatus(t, b.press("/admin/connection/test"), http.StatusSeeOther)
			wantStatus(t, b.press("/admin/connection/test"), http.StatusSeeOther) // one that waits serves for both
			if page := b.get("/admin/connection"); !strings.Contains(page.body, "The test is under way.") {
				t.Error("nothing says that a test is under way")
			}
			id, found, err := sys.NextTest(t.Context())
			if err != nil || !found {
				t.Fatal(found, err)
			}
			if _, twice, err := sys.NextTest(t.Context()); twice || err != nil {
				t.Error("a test is taken up twice", err)
			}
			if err := sys.FinishTest(t.Context(), store.ConnectionTest{ID: id, Answer: 300 * time.Millisecond, Skew: &skew, Token: "The platform refused our token."}); err != nil {
				t.Fatal(err)
			}
			page = b.get("/admin/connection")
			for _, text := range []string{"The platform answers", "300 ms", "The token was not taken.", "The clocks differ by 3 min", "Set the server’s clock."} {
				if !strings.Contains(page.body, text) {
					t.Errorf("%q is not shown", text)
				}
			}
			p.clock.Advance(3 * time.Minute)
			if page := b.get("/admin/connection"); !strings.Contains(page.body, "No word for some minutes.") {
				t.Error("an old word is shown as if it were new")
			}
		})
	}
}

func TestMetricsWantTheirToken(t *testing.T) {
	shown := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("flagpole_up 1\n")) })
	p := newPortal(t, "sqlite", func(o *Options) { o.Metrics, o.MetricsToken = shown, "sixteen-letters-x" })
	ask := func(p *portal, header string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		p.echo.ServeHTTP(w, r)
		return w
	}
	for header, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer sixteen-letters-y": http.StatusUnauthorized, "Bearer sixteen-letters-x": http.StatusOK,
	} {
		if w := ask(p, header); w.Code != want || (want == http.StatusOK) != (w.Body.String() == "flagpole_up 1\n") {
			t.Errorf("%q: status %d, %s", header, w.Code, w.Body)
		}
	}
	if w := ask(newPortal(t, "sqlite", func(o *Options) { o.Metrics = shown }), "Bearer "); w.Code != http.StatusNotFound {
		t.Errorf("without a token set: status %d", w.Code)
	}
}
