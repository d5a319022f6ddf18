// Package handlers answers the portal's requests: HTTP in, component out. A handler parses, asks its Scope, builds a page
// struct and renders it. It imports domain, store, views, auth, static and the pure packages; it never calls the game
// platform.
package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/static"
	"flagpole/store"
	"flagpole/views"
)

// Options are what the portal's pages need to know of the configuration.
type Options struct {
	PublicURL         string         // how the portal is known outside, without a slash at the end
	Zone              *time.Location // all times are shown in it
	Proxies           []netip.Prefix // whose X-Forwarded-For is believed
	SyncEnabled       bool
	TwoFactorRequired bool // of admins and product staff

	// What syncs may ask and how often they do, so that the rollout can say what a move adds.
	Onboarding            store.OnboardingRules
	RateLimit             float64       // requests per second
	SyncEvery, SyncAtMost time.Duration // between syncs of an active competitor, and of others

	SyncSecret string       // of the internal API; empty: there is none
	Requests   SyncRequests // needed with a SyncSecret
	OFREPToken string       // of programs that ask for the rollout's switch; empty: none may
	Rollout    RolloutAsked // needed with an OFREPToken
	Wake       func()       // tells the syncs that something was asked for; nil: they look by themselves

	Metrics      http.Handler // what /metrics shows
	MetricsToken string       // who may read it; empty: there is no such route
	Alerting     Alerting
	Platform     Platform
}

// secure reports whether the portal is known outside as https, so that cookies may only travel encrypted.
func (o Options) secure() bool { return strings.HasPrefix(o.PublicURL, "https://") }

// New makes the portal's handler.
func New(s *store.Store, a *auth.Auth, files *static.Files, conf Options, clock domain.Clock, log *slog.Logger) http.Handler {
	p := &pages{
		auth: a, conf: conf, clock: clock, log: log,
		assets: views.Assets{
			Pico: files.URL("vendor/pico.min.css"), CSS: files.URL("app.css"),
			HTMX: files.URL("vendor/htmx.min.js"), JS: files.URL("app.js"),
		},
	}
	e := echo.New()
	e.HTTPErrorHandler = p.showError
	e.IPExtractor, e.SchemeExtractor = ipExtractor(conf), schemeExtractor(conf)
	e.Use(p.logRequests, middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: p.logPanic}), securityHeaders(conf))
	e.GET(static.Prefix+"*", echo.WrapHandler(files))
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", ready(s))
	metrics{conf.Metrics, conf.MetricsToken}.register(e)
	internalSync{conf.Requests, conf.SyncSecret, conf.SyncEnabled, p.toPrograms(func(text string) any { return apiError{text} })}.register(e)
	ofrep{conf.Rollout, conf.OFREPToken, conf.SyncEnabled, p.toPrograms(func(text string) any { return ofrepGeneral{text} })}.register(e)
	behind := func(limit echo.MiddlewareFunc) []echo.MiddlewareFunc {
		return []echo.MiddlewareFunc{middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1024}), limit, p.csrf(), p.whoIsThere}
	}
	people := behind(middleware.BodyLimit("1M"))
	for _, r := range p.routes() {
		if r.method == http.MethodPost && r.path == importPath {
			e.Add(r.method, r.path, p.scoped(s, r), behind(uploads)...)
			continue
		}
		e.Add(r.method, r.path, p.scoped(s, r), people...)
	}
	e.RouteNotFound("/*", stray(e), people...)
	return e
}

// pages holds what handlers need besides their Scope. It has no store: a handler's only way to data is the Scope it is
// handed.
type pages struct {
	auth   *auth.Auth
	conf   Options
	assets views.Assets
	clock  domain.Clock
	log    *slog.Logger
}

// wake tells the syncs that a person asked for one.
func (p *pages) wake() {
	if p.conf.Wake != nil {
		p.conf.Wake()
	}
}

// shell is the frame of a page as the viewer sees it.
func (p *pages) shell(c echo.Context, v domain.Viewer) views.Shell {
	return views.Shell{
		Viewer: v, Path: c.Path(), Page: p.pageAddress(c), CSRF: csrfToken(c), Now: p.clock(), Zone: p.conf.Zone,
		SyncOff: !p.conf.SyncEnabled, Assets: p.assets,
	}
}

// ready answers whether the portal can do its work: the database answers and no migration is pending.
func ready(s *store.Store) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 5*time.Second)
		defer cancel()
		pending, err := s.Pending(ctx)
		switch {
		case err != nil:
			return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
		case pending > 0:
			return c.String(http.StatusServiceUnavailable, "migrations are pending\n")
		}
		return c.String(http.StatusOK, "ready\n")
	}
}
