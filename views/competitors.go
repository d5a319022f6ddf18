package views

import (
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Competitors is the list of the viewer's competitors, one page of it. Sums are over all of them, or those of the chosen coach.
type Competitors struct {
	Sums   CompetitorSums
	Filter CompetitorFilter
	Rows   []CompetitorRow
	Sorting
	Pager
	SelfURL             string  // this page of the list; the region asks for it again while somebody is being refreshed
	ExportURL, SheetURL string  // CSV and XLSX of all that match
	OneTeam             bool    // they are one team's members, so nothing needs to be said of team and coach
	Legend              []State // the states on the page that need words, each once
}

// CompetitorSums are the numbers above the list, and the lists behind them.
type CompetitorSums struct {
	Competitors, OnPlatform, Active, InFlash, Waiting, Teams, Coaches int
	Solves, Points                                                    int64
	ActiveURL, InFlashURL, WaitingURL                                 string
}

// CompetitorFilter is what the list is narrowed to. Empty options are not offered.
type CompetitorFilter struct {
	Search, Coach, Team, Division, Category, State, Activity string // what is chosen; "" is all
	Size                                                     string // rows a page; "" is the usual number
	CoachName                                                string // of the chosen coach
	Coaches, Teams, Divisions, Categories, States            []Option
	Activities                                               []Option
	Chips                                                    []Chip
	FirstURL, ClearURL                                       string // the list's first page as it is, and without any filter
}

// set reports whether anything narrows the list.
func (f CompetitorFilter) set() bool { return len(f.Chips) > 0 }

// folded reports whether the filters that a phone folds away are all unset.
func (f CompetitorFilter) folded() bool {
	return f.Coach+f.Team+f.Division+f.Category+f.State+f.Activity == ""
}

// CompetitorRow is one competitor in the list.
type CompetitorRow struct {
	ID, Name, URL, Team, TeamID, CoachName string
	Division                               domain.Division
	ODLSolves, FlashSolves, Points         int64
	LastSolveAt                            time.Time // zero: no solve yet
	LastSeenAt                             time.Time // on the platform; zero: never
	LastSyncedAt                           time.Time // when a sync last succeeded; zero: none did yet
	State                                  State
	Refreshing                             bool
}

// CompetitorURL is the path of a competitor's page.
func CompetitorURL(id string) string { return "/competitors/" + url.PathEscape(id) }

// TeamURL is the path of a team's page.
func TeamURL(id string) string { return "/teams/" + url.PathEscape(id) }

// EventURL is the path of a flash CTF's page.
func EventURL(id string) string { return "/events/" + url.PathEscape(id) }

// competitorSorts are the orders of the list to choose from, the usual one first.
var competitorSorts = []SortOption{
	{"name", "Name"}, {"-points", "Most points"}, {"points", "Fewest points"}, {"-last_solve", "Last solve, newest"}, {"last_solve", "Last solve, oldest"},
	{"-last_seen", "Last seen, newest"}, {"state", "State, most urgent"}, {"team", "Team"}, {"-odl", "Most ODL solves"}, {"-flash", "Most flash CTF solves"},
	{"division", "Division"}, {"-last_sync", "Last synced, newest"}, {"coach", "Coach"}, {"-name", "Name, from Z"}, {"-team", "Team, from Z"},
	{"-division", "Division, from Z"}, {"odl", "Fewest ODL solves"}, {"flash", "Fewest flash CTF solves"}, {"last_seen", "Last seen, oldest"},
	{"last_sync", "Last synced, oldest"}, {"-state", "State, least urgent"}, {"-coach", "Coach, from Z"},
}

// summary says in one sentence whom the list holds: "Your 38 competitors in 6 teams. 31 are on the platform."
func (d Competitors) summary(s Shell) string {
	n := d.Sums
	text := Plural(n.Competitors, "competitor", "competitors")
	switch {
	case d.Filter.CoachName != "":
		text += " of " + d.Filter.CoachName
	case s.admin():
		text += " of " + Plural(n.Coaches, "coach", "coaches")
	case s.Viewer.ViewingAs:
		text += " of " + s.Viewer.CoachName
	default:
		text = "Your " + text
	}
	if n.Teams > 0 {
		text += " in " + Plural(n.Teams, "team", "teams")
	}
	return text + ". " + d.onPlatform()
}

func (d Competitors) onPlatform() string {
	switch d.Sums.OnPlatform {
	case 0:
		return "None is on the platform yet."
	case 1:
		return "1 is on the platform."
	}
	return Number(d.Sums.OnPlatform) + " are on the platform."
}

// matching says how many the filter leaves, "" where it is not set.
func (d Competitors) matching() string {
	if !d.Filter.set() {
		return ""
	}
	return Number(d.Of) + " of " + Plural(d.Sums.Competitors, "competitor", "competitors")
}

// caption names the table and its order.
func (d Competitors) caption() string {
	name := sortName(competitorSorts, d.Sort)
	if name == "" {
		name = strings.ReplaceAll(d.Sort, "_", " ")
	}
	return "Competitors by " + name
}

// say is read out after the list was replaced.
func (d Competitors) say() string {
	if len(d.Rows) == 0 {
		return "No competitor matches"
	}
	return d.caption() + ", " + d.span()
}

// refreshing reports whether somebody on the page is being refreshed.
func (d Competitors) refreshing() bool {
	for _, r := range d.Rows {
		if r.Refreshing {
			return true
		}
	}
	return false
}

// again are the attributes that have the list ask for itself while somebody in it is being refreshed.
func (d Competitors) again() templ.Attributes {
	if !d.refreshing() {
		return nil
	}
	return polls(d.SelfURL, "list", "3s")
}

// Refreshing is the state of a competitor whose results are being fetched because somebody asked for it.
var Refreshing = State{Kind: "run", Text: "Refreshing"}
