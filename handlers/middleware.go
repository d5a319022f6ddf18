package handlers

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"flagpole/internal/domain"
)

const viewerContext = "viewer"

// whoIsThere puts the viewer of a live session into the request.
func (p *pages) whoIsThere(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, signedIn, err := p.auth.Viewer(c.Request())
		if err != nil {
			return err
		}
		if signedIn {
			c.Set(viewerContext, v)
		}
		return next(c)
	}
}

func viewer(c echo.Context) (domain.Viewer, bool) {
	v, ok := c.Get(viewerContext).(domain.Viewer)
	return v, ok
}

// toLogin sends somebody without a session to sign in, and back to the page afterwards. htmx would put the login page
// into the region it asked for, so it is told to go there as a whole.
func toLogin(c echo.Context) error {
	target := "/login"
	if r := c.Request(); r.Method == http.MethodGet && r.URL.Path != "/" {
		target += "?next=" + url.QueryEscape(backTo(r))
	}
	if c.Request().Header.Get("HX-Request") != "" {
		c.Response().Header().Set("HX-Redirect", target)
		return c.NoContent(http.StatusUnauthorized)
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// backTo is the page to return to after signing in: for a region, the page it stands in.
func backTo(r *http.Request) string {
	if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path != "" {
		return u.RequestURI()
	}
	return r.URL.RequestURI()
}

// ownPage gives a path of this portal back, and "/" for anything else.
func ownPage(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

// csrf refuses forms that other sites sent. Browsers say where a request comes from; where one does not, the form's
// token is needed.
func (p *pages) csrf() echo.MiddlewareFunc {
	return middleware.CSRFWithConfig(middleware.CSRFConfig{
		TokenLookup: "form:csrf,header:X-CSRF-Token", CookieName: "flagpole_csrf", CookiePath: "/",
		CookieSecure: p.conf.secure(), CookieHTTPOnly: true, CookieSameSite: http.SameSiteLaxMode,
		AllowSecFetchSiteFunc: refuseOtherSites,
		ErrorHandler: func(err error, _ echo.Context) error {
			return domain.Errorf(domain.Denied, "This form is out of date.").WithHint("Reload the page and send it again.").Because(err)
		},
	})
}

// refuseOtherSites refuses neighbours under the same domain too, token or not: they could have set its cookie themselves.
func refuseOtherSites(echo.Context) (bool, error) {
	return false, domain.Errorf(domain.Denied, "This form was sent from another site.").WithHint("Open the page here and send it again.")
}

func csrfToken(c echo.Context) string {
	token, _ := c.Get(middleware.DefaultCSRFConfig.ContextKey).(string)
	return token
}

// securityHeaders keep other sites' scripts, frames and forms away, and people's data out of caches.
func securityHeaders(conf Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "+
				"frame-ancestors 'none'; form-action 'self'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
			h.Set("Cache-Control", "no-store")
			if conf.secure() {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			return next(c)
		}
	}
}

// ipExtractor believes X-Forwarded-For from the configured proxies only.
func ipExtractor(conf Options) echo.IPExtractor {
	if len(conf.Proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range conf.Proxies {
		_, network, err := net.ParseCIDR(prefix.String())
		if err == nil { // a prefix always has this form
			trust = append(trust, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// schemeExtractor goes by the address the portal is known under, whatever a request claims.
func schemeExtractor(conf Options) echo.SchemeExtractor {
	scheme, _, _ := strings.Cut(conf.PublicURL, "://")
	return func(*http.Request) string { return scheme }
}

// logRequests writes one line a request: the route's pattern, never the query or a name.
func (p *pages) logRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // writes the answer, so that its status can be logged
		}
		v, _ := viewer(c)
		level := slog.LevelInfo
		if c.Path() == "/healthz" || c.Path() == "/readyz" {
			level = slog.LevelDebug
		}
		p.log.Log(c.Request().Context(), level, "request", "method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
			"bytes", c.Response().Size, "ms", time.Since(began).Milliseconds(), "user", v.UserID)
		return nil
	}
}

func (p *pages) logPanic(c echo.Context, err error, stack []byte) error {
	p.log.Error("a handler panicked", "route", c.Path(), "error", err, "stack", string(stack))
	return err
}
