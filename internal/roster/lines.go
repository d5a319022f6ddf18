package roster

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Problem is one fault of a line: the column it is in, empty for the line as a whole, and the reason.
type Problem struct{ Column, Reason string }

// String is the problem as people read it.
func (p Problem) String() string {
	if p.Column == "" {
		return p.Reason
	}
	return p.Column + ": " + p.Reason
}

// LineError is a line that cannot be imported, with everything that is wrong with it. Line is counted as an editor
// counts: the header is line 1, and a record of several lines has the number of its first.
type LineError struct {
	Line     int
	Problems []Problem
}

// String is one line of text, safe for a terminal: texts of the file in it are quoted and shortened.
func (e LineError) String() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "line " + strconv.Itoa(e.Line) + ": " + strings.Join(texts, "; ")
}

// Merge joins two lists to one in the order of lines, one LineError a line. For a line in both, the first list's
// stands: what follows from a fault is not told beside it.
func Merge(first, second []LineError) []LineError {
	byLine := map[int]LineError{}
	for _, e := range slices.Concat(second, first) {
		byLine[e.Line] = e
	}
	var merged []LineError
	for _, line := range slices.Sorted(maps.Keys(byLine)) {
		merged = append(merged, byLine[line])
	}
	return merged
}

// faults collects problems by line.
type faults map[int][]Problem

func (f faults) add(line int, column, reason string) {
	f[line] = append(f[line], Problem{column, reason})
}

func (f faults) list() []LineError {
	var all []LineError
	for _, line := range slices.Sorted(maps.Keys(f)) {
		all = append(all, LineError{line, f[line]})
	}
	return all
}

// shownRunes is how much of a cell a message repeats.
const shownRunes = 60

// shown is a cell as a message repeats it: quoted, control characters escaped, shortened.
func shown(cell string) string {
	n := 0
	for i := range cell {
		if n == shownRunes {
			return strconv.Quote(cell[:i] + "…")
		}
		n++
	}
	return strconv.Quote(cell)
}
