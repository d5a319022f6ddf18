package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/unicode/norm"

	"flagpole/internal/domain"
	"flagpole/internal/report"
	"flagpole/store"
)

// csv streams a table as a download. An error before the first byte is an error page; one after it aborts the connection,
// so that nobody takes a short file for a whole one. Rows are read while those before them are written: an export of a
// million keeps two processors busy.
func (p *pages) csv(c echo.Context, name, scope string, header []string, rows func(row func(...any) error) error) error {
	h := c.Response().Header()
	w := report.NewCSV(c.Response(), p.conf.Zone)
	begin := sync.OnceValue(func() error {
		h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		h.Set(echo.HeaderContentDisposition, p.attachment(name, scope, "csv"))
		return w.Header(header...)
	})
	pipe := newPipe(func(cells []any) error {
		if err := begin(); err != nil {
			return err
		}
		return w.Row(cells...)
	})
	err := pipe.end(rows(pipe.row))
	if err == nil {
		err = begin() // of a table without rows
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

// pipe hands rows, many at a time, to a goroutine of its own that writes them.
type pipe struct {
	batch  [][]any
	out    chan [][]any
	failed chan struct{} // closed when a row could not be written
	ended  chan error    // what the writing ended with
}

const rowsAtOnce = 200

func newPipe(write func(cells []any) error) *pipe {
	p := &pipe{out: make(chan [][]any, 4), failed: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		for batch := range p.out {
			for _, cells := range batch {
				if err := write(cells); err != nil {
					close(p.failed)
					p.ended <- err
					return
				}
			}
		}
		p.ended <- nil
	}()
	return p
}

// errNotWritten ends the reading where the writing has failed; end gives the writing's own error.
var errNotWritten = errors.New("the rows before could not be written")

// row takes one row.
func (p *pipe) row(cells ...any) error {
	p.batch = append(p.batch, cells)
	if len(p.batch) < rowsAtOnce {
		return nil
	}
	return p.send()
}

func (p *pipe) send() error {
	select {
	case p.out <- p.batch:
		p.batch = make([][]any, 0, rowsAtOnce)
		return nil
	case <-p.failed:
		return errNotWritten
	}
}

// end waits until all is written, and gives the first error of reading and writing. After an error of reading the rows that
// were not handed on yet are left out.
func (p *pipe) end(reading error) error {
	if reading == nil && len(p.batch) > 0 {
		reading = p.send()
	}
	close(p.out)
	if writing := <-p.ended; writing != nil {
		return writing
	}
	return reading
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
