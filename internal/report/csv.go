// Package report turns what the portal holds into files. It is pure: it imports domain at most, writes to what it is
// given, and knows no query and no route.
package report

import (
	"encoding/csv"
	"io"
	"strings"
)

// CSV writes a table as spreadsheets read it best: UTF-8 with a byte order mark, CRLF line ends, and no cell that a
// spreadsheet would run as a formula.
type CSV struct {
	w     *csv.Writer
	row   []string
	begun bool
	out   io.Writer
}

// NewCSV makes a CSV on w. Nothing is written before the first row.
func NewCSV(w io.Writer) *CSV {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &CSV{w: c, out: w}
}

// Row writes one row.
func (c *CSV) Row(cells ...string) error {
	if !c.begun {
		c.begun = true
		if _, err := io.WriteString(c.out, "\ufeff"); err != nil {
			return err
		}
	}
	c.row = c.row[:0]
	for _, cell := range cells {
		c.row = append(c.row, Neutral(cell))
	}
	return c.w.Write(c.row)
}

// Flush writes what is buffered and gives the first error there was.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// Neutral puts an apostrophe before a cell that begins with = + - @ tab or carriage return, also in their full-width
// forms, so that no spreadsheet takes it for a formula.
func Neutral(cell string) string {
	for _, begin := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(cell, begin) {
			return "'" + cell
		}
	}
	return cell
}
