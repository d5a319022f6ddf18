package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/report"
)

// csv streams a table as a download. An error before the first byte is an error page; one after it aborts the connection,
// so that nobody takes a short file for a whole one.
func (p *pages) csv(c echo.Context, name string, header []string, rows func(row func(...string) error) error) error {
	h := c.Response().Header()
	file := "flagpole-" + name + "-" + p.clock().In(p.conf.Zone).Format(time.DateOnly) + ".csv"
	w := report.NewCSV(c.Response())
	begin := func() error {
		h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		h.Set(echo.HeaderContentDisposition, `attachment; filename="`+file+`"`)
		return w.Row(header...)
	}
	begun := false
	err := rows(func(cells ...string) error {
		if !begun {
			begun = true
			if err := begin(); err != nil {
				return err
			}
		}
		return w.Row(cells...)
	})
	if err == nil && !begun {
		err = begin()
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil && c.Response().Committed {
		p.log.Error("an export broke off", "route", c.Path(), "error", err)
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		h.Del(echo.HeaderContentDisposition)
	}
	return err
}

// cellTime writes a time as spreadsheets read it, in the portal's zone; never is an empty cell.
func (p *pages) cellTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.conf.Zone).Format(time.DateTime)
}
