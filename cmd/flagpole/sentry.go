package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"

	"flagpole/internal/config"
	"flagpole/internal/domain"
)

// toSentry are the keys of log lines that go to Sentry. None of them holds anything about a person.
var toSentry = []string{"run", "job", "endpoint", "class", "status", "method", "route", "reference", "rule", "state", "channel", "attempt", "incident", "message", "address"}

// triedAgain ends the messages of what is not over yet: Sentry hears of the last attempt only.
const triedAgain = "it is tried again"

// sentryHandler sends errors, and alerts that fire, to Sentry beside writing them.
type sentryHandler struct {
	slog.Handler
	client *sentry.Client
	attrs  []slog.Attr // of the logger
}

// serverLogger writes JSON lines, and sends what matters to Sentry where a DSN is set. What it returns waits for what is under way.
func (p *program) serverLogger(conf config.Config) (log *slog.Logger, flush func(), err error) {
	lines := slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: conf.Level})
	if conf.SentryDSN == "" {
		return slog.New(lines), func() {}, nil
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: conf.SentryDSN, ServerName: "flagpole", DebugWriter: io.Discard,
		Integrations: func([]sentry.Integration) []sentry.Integration { return nil }, // they add what was not asked for
	})
	if err != nil {
		return nil, nil, usage(errors.New("SENTRY_DSN: cannot be used")) // the text of err may repeat its key
	}
	return slog.New(&sentryHandler{lines, client, nil}), func() { client.Flush(2 * time.Second) }, nil
}

// Handle implements slog.Handler.
func (h *sentryHandler) Handle(ctx context.Context, r slog.Record) error {
	event := &sentry.Event{Level: sentry.LevelError, Logger: "flagpole", Message: r.Message, Timestamp: r.Time, Tags: map[string]string{}}
	add := func(a slog.Attr) bool {
		if slices.Contains(toSentry, a.Key) {
			event.Tags[a.Key] = a.Value.String()
		}
		if err, ok := a.Value.Any().(error); ok { // its text may quote anything
			event.Tags["error"] = kindOf(err)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	fires := r.Message == "alert" && event.Tags["state"] == string(domain.AlertFiring)
	if fires {
		event.Message = "alert: " + event.Tags["rule"]
	}
	if fires || r.Level >= slog.LevelError && !strings.Contains(r.Message, triedAgain) {
		h.client.CaptureEvent(event, nil, nil)
	}
	return h.Handler.Handle(ctx, r)
}

// kindOf is the type of the innermost error.
func kindOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// WithAttrs implements slog.Handler.
func (h *sentryHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &sentryHandler{h.Handler.WithAttrs(attrs), h.client, slices.Concat(h.attrs, attrs)}
}

// WithGroup implements slog.Handler.
func (h *sentryHandler) WithGroup(name string) slog.Handler {
	return &sentryHandler{h.Handler.WithGroup(name), h.client, h.attrs}
}
