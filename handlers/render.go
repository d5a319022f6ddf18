package handlers

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// regions are the parts of a page that htmx may ask for alone, by the id of their element.
type regions map[string]templ.Component

// render answers with the whole page, or with the one region that htmx asked for.
func render(c echo.Context, page templ.Component, parts regions) error {
	if part, ok := parts[regionOf(c)]; ok {
		page = part
	}
	return write(c, http.StatusOK, page)
}

// wantsRegion reports whether htmx replaces a part of the page. Boosted links and restored history need all of it.
func wantsRegion(c echo.Context) bool {
	h := c.Request().Header
	return h.Get("HX-Request") != "" && h.Get("HX-Boosted") == "" && h.Get("HX-History-Restore-Request") == ""
}

// regionOf is the id of the element that htmx replaces, "" where the whole page is wanted.
func regionOf(c echo.Context) string {
	if !wantsRegion(c) {
		return ""
	}
	return c.Request().Header.Get("HX-Target")
}

// buffers are used again from answer to answer.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// write renders into memory first, so that an error in a component is not half a page.
func write(c echo.Context, status int, page templ.Component) error {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	defer buffers.Put(b)
	if err := page.Render(c.Request().Context(), b); err != nil {
		return err
	}
	for _, name := range []string{"HX-Request", "HX-Boosted", "HX-History-Restore-Request", "HX-Target"} {
		c.Response().Header().Add(echo.HeaderVary, name)
	}
	return c.HTMLBlob(status, b.Bytes())
}
