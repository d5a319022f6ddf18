package metactf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// doorkeeper is a platform that takes some tokens and remembers who asked.
type doorkeeper struct {
	mu     sync.Mutex
	takes  map[string]bool
	asked  []string
	server *httptest.Server
}

func newDoorkeeper(t *testing.T, takes ...string) *doorkeeper {
	d := &doorkeeper{takes: map[string]bool{}}
	for _, token := range takes {
		d.takes[token] = true
	}
	d.server = httptest.NewServer(d)
	t.Cleanup(d.server.Close)
	return d
}

func (d *doorkeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	d.asked = append(d.asked, token)
	if !d.takes[token] {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"detail":"no `+token+`"}`)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"metactf_user_status":"approved","metactf_user_id":1,"metactf_username":"x","syned_user_id":"`+testUser+`"}`)
}

func (d *doorkeeper) take(token string, yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takes[token] = yes
}

func (d *doorkeeper) tokens() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.asked = nil }()
	return strings.Join(d.asked, " ")
}

func (d *doorkeeper) client(t *testing.T, log io.Writer, tokens ...metactf.Token) *metactf.Client {
	t.Helper()
	cfg := hurried(metactf.Config{BaseURL: d.server.URL, Tokens: tokens, RateLimit: 1e6})
	c, err := metactf.New(cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var first, next = metactf.Token{Name: "FIRST", Value: "tok-first"}, metactf.Token{Name: "NEXT", Value: "tok-next"}

func TestTheNextTokenIsTriedWhenTheFirstIsRefused(t *testing.T) {
	d := newDoorkeeper(t, "tok-first")
	var log bytes.Buffer
	c := d.client(t, &log, first, next)
	ask := func(want string) {
		t.Helper()
		if _, err := c.User(t.Context(), testUser); err != nil {
			t.Fatal(err)
		}
		if got := d.tokens(); got != want {
			t.Errorf("asked with %q, want %q", got, want)
		}
	}
	ask("tok-first")
	if use := c.State().Token; use.Name != "FIRST" || use.Refused || len(use.Fingerprint) != 12 {
		t.Errorf("in use: %+v", use)
	}
	d.take("tok-first", false)
	d.take("tok-next", true)
	ask("tok-first tok-next") // one call, and it succeeded
	ask("tok-next")
	if s := c.State(); s.Token.Name != "NEXT" || s.Kind != metactf.Open || len(s.Waits) != 0 {
		t.Errorf("state: %+v", s)
	}
	if strings.Contains(log.String(), "tok-") {
		t.Errorf("a token stands in the log:\n%s", &log)
	}
}

func TestWhereEveryTokenIsRefusedTheyAreTriedInTurnOnceAMinute(t *testing.T) {
	d := newDoorkeeper(t)
	c := d.client(t, io.Discard, first, next)
	_, err := c.User(t.Context(), testUser)
	var call *domain.CallError
	if !errors.As(err, &call) || call.Class != domain.Unauthorized || strings.Contains(err.Error(), "tok-") {
		t.Fatalf("%v, want unauthorized without the token", err)
	}
	if s := c.State(); s.Kind != metactf.TokenRefused || !s.Token.Refused {
		t.Errorf("state: %+v", s)
	}
	if got := d.tokens(); got != "tok-first tok-next" {
		t.Errorf("asked with %q", got)
	}
	for range 2 {
		_, _ = c.User(t.Context(), testUser)
	}
	if got := d.tokens(); got != "tok-first tok-next" && got != "tok-next tok-first" {
		t.Errorf("asked with %q, want each once", got)
	}
	d.take("tok-first", true)
	for range 2 {
		_, err = c.User(t.Context(), testUser)
	}
	if s := c.State(); err != nil || s.Kind != metactf.Open || s.Token.Name != "FIRST" {
		t.Errorf("after the first is taken again: %v, %+v", err, s)
	}
	if waits := c.State().Waits; len(waits) != 1 || waits[0].Kind != metactf.TokenRefused || waits[0].EndedAt.Sub(waits[0].BeganAt) < time.Minute {
		t.Errorf("waits: %+v", waits)
	}
}

func TestATokenInAFileIsReplacedWithoutARestart(t *testing.T) {
	d := newDoorkeeper(t, "tok-old")
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil { // whatever the file system's clock is as fine as
			t.Fatal(err)
		}
	}
	write("tok-old\n", time.Hour)
	c := d.client(t, io.Discard, metactf.Token{Name: "FILE", File: path})
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Fatal(err)
	}
	before := c.State().Token.Fingerprint
	for _, broken := range []string{"", "two words\n"} { // as it is while an editor writes it
		write(broken, 30*time.Minute)
		if _, err := c.User(t.Context(), testUser); err != nil {
			t.Errorf("with %q in the file: %v", broken, err)
		}
	}
	d.take("tok-old", false)
	d.take("tok-new", true)
	write("tok-new\n", 0)
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Fatal(err)
	}
	if use := c.State().Token; use.Fingerprint == before || use.Refused {
		t.Errorf("in use: %+v", use)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Errorf("without the file the token is not used any more: %v", err)
	}
	d.tokens()
	if _, err := metactf.New(metactf.Config{BaseURL: d.server.URL, Tokens: []metactf.Token{{File: path}}, RateLimit: 1}, slog.Default()); err == nil {
		t.Error("a client starts without the file it is to read")
	}
}

func TestEverySendIsObserved(t *testing.T) {
	d := newDoorkeeper(t, "tok-next")
	var seen []string
	cfg := hurried(metactf.Config{BaseURL: d.server.URL, Tokens: []metactf.Token{first, next}, RateLimit: 1e6, Log: &disclosures{}, Observe: func(_ context.Context, e metactf.Exchange) {
		seen = append(seen, e.Endpoint+" "+string(e.Class))
	}})
	c, err := metactf.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.User(t.Context(), testUser)
	_, _ = c.CreateUser(t.Context(), newUser())
	if got := strings.Join(seen, ", "); !strings.HasPrefix(got, "GET /users unauthorized, GET /users , POST ") || len(seen) != 3 {
		t.Errorf("seen: %s", got)
	}
}
