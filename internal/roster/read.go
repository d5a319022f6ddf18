package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"flagpole/internal/domain"
)

// Row is one line of a roster: a competitor with coach and team. An empty field says nothing: what is stored stays.
type Row struct {
	Line                              int // of the file, for messages: no two rows share one
	CoachID, CoachEmail, CoachName    string
	School, Region                    string
	FirstName, LastName, Email, Grade string
	Division                          domain.Division
	Status                            domain.ProfileStatus
	TeamID, Team                      string
	CompetitorID, GamePlatformID      string
}

// MaxBytes is the largest roster that is read: 64 MB.
const MaxBytes = 64 << 20

// Read reads a roster file: CSV in UTF-8, with or without a byte order mark, lines ended by LF or CRLF. The columns may
// stand in any order; coach_id and team_id may be left out. White space around a cell is dropped, and CRLF inside a
// quoted cell becomes LF; texts are otherwise kept as they come. Lines without any text are skipped.
//
// Every line that is wrong is in the list of LineErrors, with all that Check finds. The rows include those with wrong
// cells, so that an import can be tried for what else it would refuse; it refuses them again. The error is for a file
// that could not be read to its end: what the reader returned, or an Invalid error for one larger than MaxBytes.
func Read(r io.Reader) ([]Row, []LineError, error) {
	in, err := skipMark(&limited{r: r, left: MaxBytes})
	if err != nil {
		return nil, nil, err
	}
	records := csv.NewReader(in)
	records.FieldsPerRecord = -1 // counted here, for a message of our own
	records.ReuseRecord = true
	records.TrimLeadingSpace = true // also before a quote
	bad := faults{}
	var header []column
	var rows []Row
	for {
		cells, err := records.Read()
		var broken *csv.ParseError
		switch {
		case err == io.EOF:
			if header == nil {
				bad.add(1, "", "the file is empty: the first line names the columns")
			}
		case errors.As(err, &broken):
			bad.add(broken.StartLine, "", brokenQuote(broken))
		case err != nil:
			return nil, nil, fmt.Errorf("read the roster: %w", err)
		case blank(cells):
			continue
		case header == nil:
			line, _ := records.FieldPos(0)
			var problems []Problem
			if header, problems = readHeader(cells); problems == nil {
				continue
			}
			bad[line] = problems
			return nil, bad.list(), nil
		default:
			line, _ := records.FieldPos(0)
			if row, ok := readRow(line, header, cells, bad); ok {
				rows = append(rows, row)
			}
			continue
		}
		return rows, Merge(bad.list(), Check(rows)), nil
	}
}

// brokenQuote says where reading had to end: what follows a broken quote cannot be told apart.
func brokenQuote(e *csv.ParseError) string {
	return fmt.Sprintf("a quotation mark is not closed, or stands inside a cell without being doubled (found in line %d, byte %d);"+
		" the file was not read from here on", e.Line, e.Column)
}

// readHeader finds the column of every cell.
func readHeader(cells []string) ([]column, []Problem) {
	if len(cells) == 1 && strings.ContainsAny(cells[0], ";\t") {
		return nil, []Problem{{"", "the cells are not separated by commas: save the file as CSV with commas"}}
	}
	if !utf8.ValidString(strings.Join(cells, "")) {
		return nil, []Problem{{"", notUTF8}}
	}
	var header []column
	var problems []Problem
	have := map[string]bool{}
	for i, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		switch {
		case name == "":
			problems = append(problems, Problem{"", fmt.Sprintf("column %d has no name", i+1)})
		case at < 0:
			problems = append(problems, Problem{"", "unknown column " + shown(name)})
		case have[name]:
			problems = append(problems, Problem{name, "this column is there twice"})
		default:
			header = append(header, columns[at])
		}
		have[name] = true
	}
	for _, c := range columns {
		if !c.optional && !have[c.name] {
			problems = append(problems, Problem{c.name, "this column is missing"})
		}
	}
	return header, problems
}

// blank reports whether cells hold no text at all, as lines below a spreadsheet's last one do.
func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// readRow sorts cells into a row. It is not ok with another number of cells than the header's: they cannot be told apart.
func readRow(line int, header []column, cells []string, bad faults) (Row, bool) {
	if len(cells) != len(header) {
		bad.add(line, "", fmt.Sprintf("has %s, the header has %d", cellCount(len(cells)), len(header)))
		return Row{}, false
	}
	row := Row{Line: line}
	for i, c := range header {
		*c.field(&row) = unescaped(strings.TrimSpace(cells[i]))
	}
	return row, true
}

func cellCount(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// skipMark drops a byte order mark.
func skipMark(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	mark := []byte("\uFEFF")
	start, err := in.Peek(len(mark))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	if bytes.Equal(start, mark) {
		if _, err := in.Discard(len(mark)); err != nil {
			return nil, fmt.Errorf("read the roster: %w", err)
		}
	}
	return in, nil
}

// limited fails, where io.LimitedReader would pretend that the file ends.
type limited struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, domain.Errorf(domain.Invalid, "The roster is larger than %d MB.", MaxBytes>>20).
			WithHint("Split it into several files, each with the header line.")
	}
	return n, err
}
