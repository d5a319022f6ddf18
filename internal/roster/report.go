package roster

import (
	"fmt"
	"strings"
)

// Counts is what an import did with the coaches, teams or competitors that its file names.
type Counts struct{ Added, Changed, Unchanged int }

// Move is a competitor who came to another coach.
type Move struct {
	Line               int
	CompetitorID, Name string
	FromCoach, ToCoach string // emails
	LeftTeam           string // the name of the old coach's team, where the line names no new one
}

// Duplicate is a line that adds a competitor whose name another one has: it may be the same person.
type Duplicate struct {
	Line         int
	Name         string
	CompetitorID string // of the stored one; empty where it is another line's
	OtherLine    int    // of the line that adds the other; 0 where it is a stored one
	OtherCoach   string // email
}

// Report is what an import changed, or would have changed.
type Report struct {
	DryRun                      bool // nothing was stored
	Coaches, Teams, Competitors Counts
	Moved                       []Move      // in the order of the lines
	Duplicates                  []Duplicate // in the order of the lines
}

// String is the report as the command line prints it: some lines of text, safe for a terminal.
func (r Report) String() string {
	var b strings.Builder
	for _, c := range []struct {
		what string
		n    Counts
	}{{"coaches", r.Coaches}, {"teams", r.Teams}, {"competitors", r.Competitors}} {
		fmt.Fprintf(&b, "%-12s %d added, %d changed, %d unchanged\n", c.what+":", c.n.Added, c.n.Changed, c.n.Unchanged)
	}
	if len(r.Moved) > 0 {
		fmt.Fprintf(&b, "moved to another coach: %d\n", len(r.Moved))
	}
	for _, m := range r.Moved {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	if len(r.Duplicates) > 0 {
		fmt.Fprintf(&b, "may be somebody who is there already: %d\n", len(r.Duplicates))
	}
	for _, d := range r.Duplicates {
		fmt.Fprintf(&b, "  %s\n", d)
	}
	if r.DryRun {
		b.WriteString("dry run: nothing was stored\n")
	}
	return b.String()
}

// String is the duplicate in one line.
func (d Duplicate) String() string {
	other := "the competitor " + shown(d.CompetitorID)
	if d.OtherLine > 0 {
		other = fmt.Sprintf("line %d", d.OtherLine)
	}
	return fmt.Sprintf("line %d: %s has the name of %s, coach %s", d.Line, shown(d.Name), other, shown(d.OtherCoach))
}

// String is the move in one line.
func (m Move) String() string {
	text := fmt.Sprintf("line %d: %s (competitor_id %s) from %s to %s",
		m.Line, shown(m.Name), shown(m.CompetitorID), shown(m.FromCoach), shown(m.ToCoach))
	if m.LeftTeam != "" {
		text += ", left the team " + shown(m.LeftTeam)
	}
	return text
}
