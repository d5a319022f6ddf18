package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/notify"
	"flagpole/internal/notify/notifytest"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func message() domain.Message {
	return domain.Message{
		ID: 7, Kind: domain.MessageFired, At: noon, Subject: "Flagpole: Too many syncs fail", Body: "467 of 467 <failed> & more.\nÜber all.\n\nhttps://portal.example/admin/alerts\n",
		Link:   "https://portal.example/admin/alerts",
		Alerts: []domain.MessageAlert{{Rule: domain.AlertFailureRate, State: domain.AlertFiring, Since: noon, Evidence: "467 of 467"}},
	}
}

func notifier(t *testing.T, c notify.Config) *notify.Notifier {
	t.Helper()
	c.Clock = func() time.Time { return noon }
	n, err := notify.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMailArrives(t *testing.T) {
	server := notifytest.StartMail(t, "portal", "open sesame")
	n := notifier(t, notify.Config{Mail: server.Config("ops@house.example", "night@house.example")})
	if len(n.Targets()) != 2 {
		t.Fatalf("targets: %v", n.Targets())
	}
	for _, target := range n.Targets() {
		if err := n.Send(t.Context(), message(), target); err != nil {
			t.Fatal(err)
		}
	}
	mails := server.Mails()
	if len(mails) != 2 || mails[0].To != "ops@house.example" || mails[1].To != "night@house.example" {
		t.Fatalf("%+v", mails)
	}
	m := mails[0]
	if m.Subject != "Flagpole: Too many syncs fail" || !strings.Contains(m.Body, "Über all.") || !strings.HasSuffix(m.MessageID, "@house.example>") || m.MessageID == "" {
		t.Errorf("%+v", m)
	}
	if m.From != "Flagpole <portal@house.example>" && m.From != `"Flagpole" <portal@house.example>` {
		t.Errorf("from %q", m.From)
	}
}

func TestAMailThatIsNotTakenSaysWhyWithoutSecrets(t *testing.T) {
	server := notifytest.StartMail(t, "portal", "open sesame")
	conf := server.Config("ops@house.example")
	wrong, refused, gone := conf, conf, conf
	wrong.Password = "shut sesame"
	refused.To = []string{"nobody@house.example"}
	gone.Port = 1
	for _, tc := range []struct {
		name string
		mail notify.Mail
		want string
	}{
		{"wrong password", wrong, "the user or the password"}, {"unknown recipient", refused, "code 550"}, {"no server", gone, "could not be reached"},
	} {
		n := notifier(t, notify.Config{Mail: tc.mail})
		err := n.Send(t.Context(), message(), n.Targets()[0])
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if got := server.Mails(); len(got) > 0 {
		t.Errorf("%d mails arrived", len(got))
	}
}

func TestWebhookIsSigned(t *testing.T) {
	const secret = "a secret of thirty-two characters"
	var body []byte
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
	}))
	defer server.Close()
	n := notifier(t, notify.Config{Webhook: notify.Webhook{URL: server.URL, Secret: secret}, AllowPrivate: true})
	if err := n.Send(t.Context(), message(), n.Targets()[0]); err != nil {
		t.Fatal(err)
	}
	at, signature, _ := strings.Cut(strings.TrimPrefix(header.Get("X-Flagpole-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "." + string(body)))
	if at != "1795003200" || signature != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature %q", header.Get("X-Flagpole-Signature"))
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	alert := got["alerts"].([]any)[0].(map[string]any)
	if got["id"] != 7.0 || got["kind"] != "fired" || alert["rule"] != "sync_failure_rate" || alert["evidence"] != "467 of 467" || header.Get("X-Flagpole-Delivery") != "7" {
		t.Errorf("%s, %v", body, header)
	}
}

func TestSlackGetsItsFormat(t *testing.T) {
	var got map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = json.NewDecoder(r.Body).Decode(&got) }))
	defer server.Close()
	n := notifier(t, notify.Config{Slack: server.URL, AllowPrivate: true})
	if err := n.Send(t.Context(), message(), n.Targets()[0]); err != nil {
		t.Fatal(err)
	}
	if want := "*Flagpole: Too many syncs fail*\n467 of 467 &lt;failed&gt; &amp; more.\nÜber all.\n\n<https://portal.example/admin/alerts|Open the page of alerts>"; got["text"] != want {
		t.Errorf("got %q", got["text"])
	}
}

func TestWebhooksDoNotReachPrivateAddressesUnlessAllowed(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	for _, url := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)} {
		n := notifier(t, notify.Config{Slack: url})
		err := n.Send(t.Context(), message(), n.Targets()[0])
		if err == nil || !strings.Contains(err.Error(), "private network") || called {
			t.Errorf("%s: %v, called: %v", url, err, called)
		}
	}
}

func TestWebhookFaultsSayNoAddress(t *testing.T) {
	status := http.StatusInternalServerError
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	n := notifier(t, notify.Config{Slack: server.URL + "/secret-path", AllowPrivate: true})
	try := func(want string) {
		t.Helper()
		err := n.Send(t.Context(), message(), n.Targets()[0])
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	try("status 500")
	status = http.StatusFound
	try("status 302")
	server.Close()
	n = notifier(t, notify.Config{Slack: server.URL + "/secret-path", AllowPrivate: true}) // with no connection left from before
	try("refused the connection")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Send(ended, message(), n.Targets()[0]); err == nil {
		t.Error("sent although its context has ended")
	}
	if err := n.Send(t.Context(), message(), domain.Target{Channel: domain.ChannelMail, Address: "x@y.example"}); err != notify.ErrNoTarget {
		t.Errorf("a channel that is not set up: %v", err)
	}
}
