package handlers

import (
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/store"
	"flagpole/views"
)

const (
	connectionPath  = "/admin/connection"
	connectionStale = 2 * time.Minute // without a word of the process that calls the platform
	mostSkew        = time.Minute
)

// Platform is what the page of the connection shows of the configuration.
type Platform struct {
	BaseURL     string
	Concurrency int           // calls at a time
	Timeout     time.Duration // for one call
	Retries     int           // of one call
	HasToken    bool          // one is set
}

// connectionShow is how the connection with the platform is, as the process that calls it last saw it.
func (p *pages) connectionShow(c echo.Context, s *store.Scope) error {
	now := p.clock()
	y, m, d := now.In(p.conf.Zone).Date()
	page, err := s.Connection(c.Request().Context(), now, time.Date(y, m, d, 0, 0, 0, 0, p.conf.Zone))
	if err != nil {
		return err
	}
	set := p.conf.Platform
	view := views.Connection{
		BaseURL: set.BaseURL, On: p.conf.SyncEnabled, HasToken: set.HasToken, SeenAt: page.SeenAt,
		Concurrency: set.Concurrency, Timeout: set.Timeout, Retries: set.Retries, Limit: views.Rate(p.conf.RateLimit), Rate: views.Rate(p.conf.RateLimit), ZoneName: views.ZoneName(p.conf.Zone),
	}
	p.connectionState(&view, page, now)
	for _, t := range page.Tokens {
		row := connectionToken(t)
		if t.Fingerprint == page.Token.Fingerprint {
			view.Token = row
			continue
		}
		view.Tokens = append(view.Tokens, row)
	}
	for _, t := range page.Tests {
		view.Tests = append(view.Tests, connectionTest(t))
		if t.FinishedAt.IsZero() {
			view.PollEvery = "1s"
		}
	}
	for _, w := range page.Waits {
		view.Waits = append(view.Waits, views.ConnectionWait{Why: waitText(w.State), BeganAt: w.BeganAt, Planned: views.Took(w.Until.Sub(w.BeganAt)), EndedAt: w.EndedAt})
	}
	for _, f := range page.Fields {
		view.Fields = append(view.Fields, views.ConnectionField{Field: f.Field, Fault: f.Fault, FirstAt: f.FirstAt, LastAt: f.LastAt, Times: f.Times})
	}
	for _, h := range page.Hours {
		view.Hours = append(view.Hours, views.ConnectionHour{Hour: h.At.In(p.conf.Zone).Format("15:04"), Calls: h.Calls, Limited: h.Limited, Failed: h.Failed, Wrong: h.Wrong})
		view.Calls, view.Limited, view.Faults = view.Calls+h.Calls, view.Limited+h.Limited, view.Faults+h.Failed
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = adminPath
	return render(c, views.ConnectionPage(shell, view), regions{"connection": views.ConnectionList(shell, view)})
}

// connectionState says in words how the connection is.
func (p *pages) connectionState(view *views.Connection, page store.ConnectionPage, now time.Time) {
	switch {
	case !p.conf.SyncEnabled:
		view.State, view.StateKind = "Switched off.", "hold"
		view.StateNote = "No call is made but for tests. Whoever runs the server sets GAME_PLATFORM_INTEGRATION_ENABLED=true."
		return
	case page.SeenAt.IsZero():
		view.State, view.StateKind, view.StateNote = "No call was made yet.", "wait", ""
		return
	case now.Sub(page.SeenAt) > connectionStale:
		view.State, view.StateKind = "No word for some minutes.", "warn"
		view.StateNote = "The process that calls the platform has not said how it is. Look whether it is running."
		return
	}
	view.Rate = views.Rate(page.Rate)
	view.State, view.StateKind = waitText(page.State), "warn"
	switch page.State {
	case "open":
		view.State, view.StateKind = "Open: calls are made.", "ok"
		if page.Rate < page.ConfiguredRate {
			view.StateNote = "More slowly than configured, because the platform asked for it; the rate rises again by itself."
		}
	case "token_refused":
		view.StateKind, view.StateNote = "bad", "It is tried again once a minute. Put in a valid token: docs/token-rotation.md says how."
	default:
		view.StateNote = "The next call is tried at " + page.Until.In(p.conf.Zone).Format("15:04:05") + "."
	}
}

func waitText(state string) string {
	switch state {
	case "paused":
		return "The platform asked us to wait."
	case "breaker_open":
		return "The platform fails for many."
	case "token_refused":
		return "The platform refuses the token."
	}
	return "Calls are made."
}

func connectionToken(t store.TokenUse) views.ConnectionToken {
	row := views.ConnectionToken{Fingerprint: t.Fingerprint, Source: t.Source, FirstAt: t.FirstAt}
	switch {
	case t.RefusedAt.After(t.AcceptedAt):
		row.State, row.Kind, row.At = "Refused", "bad", t.RefusedAt
	case !t.AcceptedAt.IsZero():
		row.State, row.Kind, row.At = "Taken", "ok", t.AcceptedAt
	default:
		row.State, row.Kind = "Not answered yet", "wait"
	}
	return row
}

func connectionTest(t store.ConnectionTest) views.ConnectionTest {
	row := views.ConnectionTest{At: t.FinishedAt, Waiting: t.FinishedAt.IsZero(), Reachable: t.Reachable, Token: t.Token, Answer: views.Span(t.Answer)}
	if t.Skew != nil {
		row.Skewing, row.SkewTooLarge = true, t.Skew.Abs() > mostSkew
		row.Skew = "The clocks differ by " + views.Took(t.Skew.Abs()) + "."
		switch {
		case row.SkewTooLarge:
			row.Skew += " Set the server’s clock."
		case t.Skew.Abs() < 2*time.Second:
			row.Skew = "The clocks agree."
		}
	}
	return row
}

// connectionTest asks for a test; whoever calls the platform makes it.
func (p *pages) connectionTest(c echo.Context, s *store.Scope) error {
	if err := s.TestConnection(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, connectionPath)
}
