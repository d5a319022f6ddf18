package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"flagpole/internal/config"
)

func TestSentryHearsOfLastAttemptsAndAlertsWithoutPersons(t *testing.T) {
	var mu sync.Mutex
	var got strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got.Write(body)
	}))
	defer server.Close()
	var lines bytes.Buffer
	p := &program{stderr: &lines}
	conf, err := config.Load(func(name string) string {
		return map[string]string{"SENTRY_DSN": strings.Replace(server.URL, "http://", "http://public-key@", 1) + "/1"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	log, flush, err := p.serverLogger(conf)
	if err != nil {
		t.Fatal(err)
	}
	fault := fmt.Errorf("store sync of Ada Lind <ada@oak.example>: %w", errors.New("ada again"))
	log.Error("cannot store a sync", "competitor", "C-0042", "run", "run-17", "error", fault)
	log.Error("cannot evaluate alerts; it is tried again", "error", fault)
	log.Warn("sync failed", "competitor", "C-0043", "class", "timeout")
	log.Warn("alert", "rule", "disk_space", "state", "firing", "evidence", "figures")
	log.Warn("alert", "rule", "mail_delivery", "state", "resolved", "evidence", "figures")
	log.With("job", "prune attempts").Error("a scheduled job panicked", "panic", "Ada Lind")
	flush()
	mu.Lock()
	defer mu.Unlock()
	text := got.String()
	for _, want := range []string{"cannot store a sync", "run-17", "*errors.errorString", "alert: disk_space", "a scheduled job panicked", "prune attempts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q did not arrive:\n%s", want, text)
		}
	}
	for _, kept := range []string{"Ada", "ada", "C-0042", "C-0043", "tried again", "sync failed", "mail_delivery"} {
		if strings.Contains(text, kept) {
			t.Errorf("%q was sent:\n%s", kept, text)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 6 {
		t.Errorf("%d lines are written:\n%s", n, &lines)
	}
}

func TestWithoutADSNNothingIsSentAndAWrongOneIsRefusedWithoutItsKey(t *testing.T) {
	_, err := config.Load(func(name string) string { return map[string]string{"SENTRY_DSN": "sentry.example/hunter2"}[name] })
	if err == nil || !strings.Contains(err.Error(), "SENTRY_DSN") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	_, _, err = (&program{stderr: io.Discard}).serverLogger(config.Config{SentryDSN: "https://hunter2@sentry.example/"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
