package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Competitor is one competitor's page. Zero times mean never.
type Competitor struct {
	ID, Name, FirstName, Team, TeamID, CoachName, School, Grade, Username string
	Division                                                              domain.Division
	Activity                                                              string // in words
	ODLSolves, FlashSolves, Points                                        int64
	LastSolveAt, LastSeenAt                                               time.Time
	Sync                                                                  SyncState
	Quarantined                                                           int    // records of the platform that could not be read
	FailureURL                                                            string // the history of the open failure; "" where there is none or it is not the viewer's to see
	Drift                                                                 *Drift
	Around                                                                Around
	OverTime                                                              *PointsOverTime // nil where there is nothing to draw
	Categories                                                            CategoryBars
	Year                                                                  YearOfDays
	Events                                                                []EventRow // flash CTF results, newest first
	Fresh                                                                 []Freshness
	Solves                                                                Solves
	CategoriesCSV, ResultsCSV                                             string // exports of these two tables
}

// Around are the neighbours in the list that the page was opened from.
type Around struct{ ListURL, PrevURL, PrevName, NextURL, NextName string }

// SyncState is the region of the page that says how fresh it is, and follows a refresh.
type SyncState struct {
	URL          string // of the page
	List         string // the list that the page was opened from
	BackURL      string // the page with that list
	PollURL      string // asked for again while a refresh is open; "" while none is
	State        State
	LastSyncedAt time.Time
	NextDueAt    time.Time
	MayRefresh   bool   // the viewer may ask for it, and there is something to ask for
	Problem      string // why the last request for a refresh was refused
	Done         string // what a refresh that has ended brought; "" where none was followed
	DoneKind     string // ok or warn
}

// Freshness is when one part of the page was last brought in step.
type Freshness struct {
	Part string
	At   time.Time
}

// Drift is where the platform's totals differ from the sums over the solves it gave us.
type Drift struct {
	At                                             time.Time
	OurSolves, OurPoints, TheirSolves, TheirPoints int64
}

// text says what differs: "MetaCTF counts 25 ODL solves with 5,300 points; the solves it gave us are 24 with 5,000."
func (d Drift) text() string {
	return "MetaCTF counts " + Plural(d.TheirSolves, "ODL solve", "ODL solves") + " with " + Plural(d.TheirPoints, "point", "points") +
		"; the solves it gave us are " + Number(d.OurSolves) + " with " + Number(d.OurPoints) +
		". This page shows what it gave us. Nothing for you to do; it is compared again once a day."
}

// EventRow is a competitor's result in one flash CTF.
type EventRow struct {
	Name, URL, SolvesURL            string // SolvesURL leads to its challenges in the list of solves
	StartsAt                        time.Time
	Rank, Solves, Points, MaxPoints int64 // Rank 0: not ranked; MaxPoints 0: not known
}

// Solves is the filtered and sorted list of a competitor's solves, one page of it.
type Solves struct {
	Rows                                              []SolveRow
	Total                                             int // all solves of the competitor
	Categories                                        []CategoryOption
	Sources                                           []Option // ODL, flash CTF, and each flash CTF there is
	Category, CategoryName, Source, From, Until, List string   // what is chosen; From and Until are dates; List is the list one came from
	Chips                                             []Chip
	Sorting
	Pager
	BaseURL, FirstURL, ClearURL, ExportURL string // path of the page; the list's first page as it is, and without any filter; the export of what matches
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

// about is the line below the name, after the team and up to the id.
func (d Competitor) about() string {
	grade := ""
	if d.Grade != "" {
		grade = "grade " + d.Grade
	}
	username := ""
	if d.Username != "" {
		username = "on the platform " + d.Username
	}
	return joined(d.Division.Label(), grade, username)
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

// solveSorts are the orders of the solves, the usual one first.
var solveSorts = []SortOption{
	{"-date", "Newest first"}, {"date", "Oldest first"},
	{"-points", "Most points first"}, {"points", "Fewest points first"},
	{"category", "Category"}, {"-category", "Category, from Z"},
}

// set reports whether anything narrows the solves.
func (d Solves) set() bool { return len(d.Chips) > 0 }

// options are the categories to choose from; one that was asked for and has no solve is among them, so the form
// shows what the page shows.
func (d Solves) options() []Option {
	var list []Option
	has := false
	for _, c := range d.Categories {
		has = has || c.Key == d.Category
		list = append(list, Option{c.Key, c.Name + " (" + Number(c.Count) + ")"})
	}
	if d.Category != "" && !has {
		list = append(list, Option{d.Category, d.CategoryName + " (0)"})
	}
	return list
}

func (d Solves) heading() string {
	switch {
	case d.Total == 0:
		return "No solve yet"
	case d.set():
		return Number(d.Of) + " of " + Plural(d.Total, "solve", "solves")
	case d.Total == 1:
		return "1 solve"
	}
	return "All " + Number(d.Total) + " solves"
}

func (d Solves) caption() string {
	if name := sortName(solveSorts, d.Sort); name != "" {
		return "Solves, " + name
	}
	return "Solves"
}

// say is read out after the list was replaced.
func (d Solves) say() string {
	if len(d.Rows) == 0 {
		return d.heading()
	}
	return d.caption() + ", " + d.span()
}

// say is read out when a refresh begins and when it has ended; a refusal is an alert by itself.
func (d SyncState) say() string {
	if d.PollURL != "" {
		return "Refreshing"
	}
	return d.Done
}

// again are the attributes that have the region ask for itself while a refresh is open.
func (d SyncState) again() templ.Attributes {
	if d.PollURL == "" {
		return nil
	}
	return polls(d.PollURL, "sync", "2s")
}
