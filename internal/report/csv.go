// Package report turns what the portal holds into files. It is pure: it imports domain at most, and what writes
// spreadsheets; it writes to what it is given, and knows no query and no route.
package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// CSV writes a table as spreadsheets read it best: UTF-8 with a byte order mark, CRLF line ends, and no cell that a
// spreadsheet would run as a formula.
type CSV struct {
	w    *csv.Writer
	row  []string
	zone *time.Location
	out  io.Writer
}

// NewCSV makes a CSV on w, with times in the zone. Nothing is written before the header.
func NewCSV(w io.Writer, zone *time.Location) *CSV {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &CSV{w: c, zone: zone, out: w}
}

// Header begins the file with its column heads.
func (c *CSV) Header(heads ...string) error {
	if _, err := io.WriteString(c.out, "\ufeff"); err != nil {
		return err
	}
	return c.w.Write(heads)
}

// Row writes one row: texts, whole and decimal numbers, booleans (yes or no), and times, of which the zero one is an empty
// cell. Other types are an error.
func (c *CSV) Row(cells ...any) error {
	c.row = c.row[:0]
	for _, cell := range cells {
		text, err := c.text(cell)
		if err != nil {
			return err
		}
		c.row = append(c.row, text)
	}
	return c.w.Write(c.row)
}

func (c *CSV) text(cell any) (string, error) {
	switch v := cell.(type) {
	case string:
		return Neutral(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', 1, 64), nil
	case bool:
		if v {
			return "yes", nil
		}
		return "no", nil
	case time.Time:
		if v.IsZero() {
			return "", nil
		}
		return v.In(c.zone).Format(time.DateTime), nil
	}
	return "", fmt.Errorf("a cell cannot hold a %T", cell)
}

// Flush writes what is buffered and gives the first error there was.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// Neutral puts an apostrophe before a cell that begins with = + - @ tab or carriage return, also in their full-width
// forms, so that no spreadsheet takes it for a formula.
func Neutral(cell string) string {
	if cell == "" || cell[0] >= 'A' && cell[0] <= 'z' { // most begin with a letter
		return cell
	}
	for _, begin := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(cell, begin) {
			return "'" + cell
		}
	}
	return cell
}
