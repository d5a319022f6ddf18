package roster

import "strings"

// Columns are the names of all columns, in the order in which a roster is exported.
func Columns() []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

// Cells are the cells of a row in the order of Columns, as an export writes them: reading them gives the row again.
func (r Row) Cells() []string {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = escaped(*c.field(&r))
	}
	return cells
}

// formulas are what a spreadsheet takes for the beginning of a formula, also in full width.
const formulas = "=+-@＝＋－＠"

// escaped puts an apostrophe before a cell that a spreadsheet would run as a formula, and before one that reading would take for
// such a cell.
func escaped(cell string) string {
	if looksEscaped(cell) {
		return "'" + cell
	}
	return cell
}

// unescaped takes away the apostrophe that escaped puts.
func unescaped(cell string) string {
	if strings.HasPrefix(cell, "'") && looksEscaped(cell) {
		return cell[1:]
	}
	return cell
}

// looksEscaped reports whether a formula begins behind any number of apostrophes.
func looksEscaped(cell string) bool {
	for _, r := range strings.TrimLeft(cell, "'") {
		return strings.ContainsRune(formulas, r)
	}
	return false
}
