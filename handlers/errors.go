package handlers

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"flagpole/internal/domain"
	"flagpole/views"
)

// statusOf is the one table from error codes to HTTP statuses.
var statusOf = map[domain.Code]int{
	domain.Invalid:   http.StatusUnprocessableEntity,
	domain.NoSuch:    http.StatusNotFound,
	domain.Denied:    http.StatusForbidden,
	domain.Throttled: http.StatusTooManyRequests,
	domain.Clash:     http.StatusConflict,
}

// titles head an error's page.
var titles = map[int]string{
	http.StatusUnprocessableEntity: "This address has a wrong part",
	http.StatusNotFound:            "There is no such page",
	http.StatusForbidden:           "You may not do this",
	http.StatusTooManyRequests:     "Too many attempts",
	http.StatusConflict:            "This is not possible now",
}

// showError is the one place that shows errors: what people may know is told, everything else is logged under a
// reference that the page names.
func (p *pages) showError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	view := p.describe(err, c)
	view.Assets = p.assets
	v, signedIn := viewer(c)
	var page templ.Component
	switch {
	case wantsRegion(c): // the page it stands in is whole, so there is nowhere to go back to
		page = views.ErrorNote(view)
	case signedIn:
		shell := p.shell(c, v)
		view.BackURL, view.BackLabel = wayBack(c, view.Status)
		page = views.ErrorPage(&shell, view)
	default:
		view.BackURL, view.BackLabel = "/login", "Sign in"
		page = views.ErrorPage(nil, view)
	}
	if err := write(c, view.Status, page); err != nil {
		p.log.Error("cannot show an error", "route", c.Path(), "error", err)
	}
}

// toPrograms answers programs where the portal failed, by a panic too, and words it as their API does. Other errors stay as they are.
func (p *pages) toPrograms(worded func(text string) any) echo.MiddlewareFunc {
	recovered := middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: p.logPanic, DisableErrorHandler: true})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		next = recovered(next)
		return func(c echo.Context) error {
			err := next(c)
			var web *echo.HTTPError
			if err == nil || c.Response().Committed || errors.As(err, &web) && web.Code < http.StatusInternalServerError {
				return err
			}
			ours := p.describe(err, c)
			if ours.Reference == "" { // whoever asked has gone; nobody reads the answer
				return c.NoContent(ours.Status)
			}
			return c.JSON(ours.Status, worded(ours.Message+" "+ours.Hint+" The log has it as "+ours.Reference+"."))
		}
	}
}

// wayBack is where a page goes on from an error: to itself without the part of its address that was wrong, or to the start.
func wayBack(c echo.Context, status int) (target, label string) {
	if r := c.Request(); status == http.StatusUnprocessableEntity && r.Method == http.MethodGet && r.URL.RawQuery != "" {
		return r.URL.EscapedPath(), "Open the page without it"
	}
	return "/", "Back to your start page"
}

func (p *pages) describe(err error, c echo.Context) views.ErrorView {
	var known *domain.Error
	if errors.As(err, &known) {
		status := statusOf[known.Code]
		return views.ErrorView{Status: status, Title: titles[status], Message: known.Message, Hint: known.Hint}
	}
	var web *echo.HTTPError
	if errors.As(err, &web) && web.Code < http.StatusInternalServerError {
		return webError(web.Code)
	}
	if c.Request().Context().Err() != nil { // whoever asked has gone; nobody reads the answer
		p.log.Info("request given up", "route", c.Path())
		return webError(http.StatusBadRequest)
	}
	ref := reference()
	p.log.Error("request failed", "route", c.Path(), "reference", ref, "error", err)
	return views.ErrorView{
		Status: http.StatusInternalServerError, Title: "This page could not be made",
		Message: "It is our fault and it is logged.", Hint: "Try again in a minute.", Reference: ref,
	}
}

// webError words what the router refuses.
func webError(status int) views.ErrorView {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return views.ErrorView{Status: status, Title: "There is no such page", Message: "The address may be misspelt, or the page has moved."}
	case http.StatusRequestEntityTooLarge:
		return views.ErrorView{Status: status, Title: "This is too large", Message: "The portal takes at most 1 MB here."}
	}
	return views.ErrorView{Status: status, Title: "This request could not be read", Message: "Reload the page and try again."}
}

// plainText is what people are told of an error that is theirs to know, "" of another one.
func plainText(err error) string {
	var known *domain.Error
	if !errors.As(err, &known) {
		return ""
	}
	return known.Error()
}

// inPlace is the status of a page that shows, with everything else, what spoke against what was asked for: what contradicts what
// is stored, or has a wrong value. It gives other errors back: they have a page of their own.
func inPlace(fault error) (status int, err error) {
	if fault == nil {
		return http.StatusOK, nil
	}
	code := domain.CodeOf(fault)
	if code != domain.Clash && code != domain.Invalid {
		return 0, fault
	}
	return statusOf[code], nil
}

// errSyncOff is for who wants a sync while none is made.
func errSyncOff() error {
	return domain.Errorf(domain.Clash, "Syncs are switched off.").WithHint("An operator switches them on.")
}

// reference is what people quote to find their error in the log: seven characters that cannot be mistaken for others.
func reference() string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		panic(err) // Read never fails on supported systems
	}
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:3]) + "-" + string(b[3:])
}
