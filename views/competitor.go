package views

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"flagpole/internal/domain"

	"github.com/a-h/templ"
)

// Competitor is one competitor's page. Zero times mean never.
type Competitor struct {
	ID, Name, Team, CoachName, School, Grade string
	Division                                 domain.Division
	State                                    State
	ODLSolves, FlashSolves, Points           int64
	LastSolveAt, LastSeenAt, LastSyncedAt    time.Time
	Events                                   []EventRow // flash CTF results, newest first
	Quarantined                              int        // records of the platform that could not be read
	Solves                                   Solves
}

// EventRow is a competitor's result in one flash CTF.
type EventRow struct {
	Name                            string
	StartsAt                        time.Time
	Rank, Solves, Points, MaxPoints int64 // Rank 0: not ranked; MaxPoints 0: not known
}

// Solves is the filtered and sorted list of a competitor's solves, one page of it.
type Solves struct {
	Rows            []SolveRow
	Total, Matching int              // all solves of the competitor; those that match the filter
	Categories      []CategoryOption // those this competitor has
	Category        string           // selected key, "" is all
	CategoryName    string
	Sort            string // "-date" (default), "date", "-points" or "points"
	First, Last     int    // place of the first and last row, from 1
	BaseURL         string // path of the competitor's page
	NextCount       int    // rows on the next page

	// Ready-made links of the region; "" where there is none.
	DateSortURL, PointsSortURL, ClearURL, PrevURL, NextURL, ExportURL string
}

// CategoryOption is one category the solves can be filtered by.
type CategoryOption struct {
	Key, Name string
	Count     int
}

// SolveRow is one solved challenge.
type SolveRow struct {
	Title, Category, Event string // Event is the flash CTF's name, empty for ODL
	Source                 domain.Source
	WorkRoles              []string
	Points                 int64
	Retired                bool
	SolvedAt               time.Time
}

// sourceLabel names the source, unless the event's name does.
func (r SolveRow) sourceLabel() string {
	label := r.Source.Label()
	if strings.Contains(r.Event, label) {
		return ""
	}
	return label
}

// about is the line below the name, up to the id.
func (d Competitor) about() string {
	grade := ""
	if d.Grade != "" {
		grade = "grade " + d.Grade
	}
	return joined(cmp.Or(d.Team, "No team"), d.Division.Label(), grade)
}

// aboutAdmin is the rest of that line: coach and school, for admins only.
func (d Competitor) aboutAdmin(admin bool) string {
	if !admin {
		return ""
	}
	coach, school := "", ""
	if d.CoachName != "" {
		coach = " · coach " + d.CoachName
	}
	if d.School != "" {
		school = " · " + d.School
	}
	return coach + school
}

func (d Competitor) solves() int64 { return d.ODLSolves + d.FlashSolves }

// solvesLabel names the count of solves and, where there are any, how many were made in flash CTFs.
func (d Competitor) solvesLabel() string {
	label := noun(d.solves(), "solve", "solves")
	if d.FlashSolves > 0 {
		label += ", " + Number(d.FlashSolves) + " in flash CTFs"
	}
	return label
}

func (d Competitor) quarantineText() string {
	if d.Quarantined == 1 {
		return "1 record of the platform could not be read and is kept aside. The totals leave it out. Admins see it."
	}
	return Number(d.Quarantined) + " records of the platform could not be read and are kept aside. The totals leave them out. Admins see them."
}

// solveSorts are the sorts of the solves, the default first.
var solveSorts = []struct{ Key, Name string }{
	{"-date", "Newest first"}, {"date", "Oldest first"},
	{"-points", "Most points first"}, {"points", "Fewest points first"},
}

func (d Solves) sort() string { return cmp.Or(d.Sort, "-date") }

// direction is the aria-sort of a column, "" where the solves are not sorted by it.
func (d Solves) direction(column string) string {
	switch d.sort() {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}

// sorted is the aria-sort attribute, left out where there is no direction.
func sorted(direction string) templ.Attributes {
	if direction == "" {
		return nil
	}
	return templ.Attributes{"aria-sort": direction}
}

func (d Solves) categoryName() string { return cmp.Or(d.CategoryName, d.Category) }

// options are the categories to choose from; one that was asked for and has no solve is among them, so the form
// shows what the page shows.
func (d Solves) options() []CategoryOption {
	has := func(c CategoryOption) bool { return c.Key == d.Category }
	if d.Category == "" || slices.ContainsFunc(d.Categories, has) {
		return d.Categories
	}
	return append(slices.Clone(d.Categories), CategoryOption{Key: d.Category, Name: d.categoryName()})
}

func (d Solves) heading() string {
	switch {
	case d.Total == 0:
		return "No solve yet"
	case d.Category != "":
		return Number(d.Matching) + " of " + Plural(d.Total, "solve", "solves") + " in " + d.categoryName()
	case d.Total == 1:
		return "1 solve"
	}
	return "All " + Number(d.Total) + " solves"
}

func (d Solves) caption() string {
	for _, o := range solveSorts {
		if o.Key == d.sort() {
			return "Solves, " + strings.ToLower(o.Name)
		}
	}
	return "Solves"
}

// say is read out after the list was replaced.
func (d Solves) say() string {
	if len(d.Rows) == 0 {
		return d.heading()
	}
	return d.caption() + ", " + span(d.First, d.Last, d.Matching)
}

func (d Solves) pages() pages {
	return pages{"solves", "Pages of solves", d.First, d.Last, d.Matching, d.PrevURL, d.NextURL, d.NextCount}
}
