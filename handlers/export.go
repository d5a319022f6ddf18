package handlers

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/unicode/norm"

	"flagpole/internal/domain"
	"flagpole/internal/report"
	"flagpole/store"
)

// csv streams a table as a download. An error before the first byte is an error page; one after it aborts the connection,
// so that nobody takes a short file for a whole one.
func (p *pages) csv(c echo.Context, name, scope string, header []string, rows func(row func(...any) error) error) error {
	h := c.Response().Header()
	w := report.NewCSV(c.Response(), p.conf.Zone)
	begin := func() error {
		h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		h.Set(echo.HeaderContentDisposition, p.attachment(name, scope, "csv"))
		return w.Header(header...)
	}
	begun := false
	err := rows(func(cells ...any) error {
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

// download sends a file that is made as a whole before its first byte goes out.
func (p *pages) download(c echo.Context, name, scope, ending string, write func(io.Writer) error) error {
	var file bytes.Buffer
	if err := write(&file); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, p.attachment(name, scope, ending))
	return c.Blob(http.StatusOK, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", file.Bytes())
}

// attachment names a file by what it holds, of whom, and the day: flagpole-competitors-marisol-okafor-2026-11-25.csv.
func (p *pages) attachment(name, scope, ending string) string {
	file := "flagpole-" + name
	if scope != "" {
		file += "-" + scope
	}
	return fmt.Sprintf(`attachment; filename="%s-%s.%s"`, file, p.clock().In(p.conf.Zone).Format(time.DateOnly), ending)
}

// scopeName is the part of a file's name that says whose data it holds: the coach's, or everybody's.
func scopeName(s *store.Scope, coach string) string {
	switch v := s.Viewer(); {
	case coach != "":
		return fileWord(coach)
	case v.ViewingAs:
		return fileWord(v.CoachName)
	case v.Role == domain.RoleAdmin:
		return "all"
	default:
		return fileWord(v.Name)
	}
}

// fileWord is a text as a part of a file's name: lower-case ASCII letters and digits, with hyphens between.
func fileWord(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	const most = 40
	word := strings.Trim(b.String(), "-")
	return strings.Trim(word[:min(len(word), most)], "-")
}
