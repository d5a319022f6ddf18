package views

import (
	"net/url"
	"strings"
	"time"
)

// Teams is the list of the viewer's teams, one page of it.
type Teams struct {
	Rows   []TeamRow
	None   *TeamRow // those without a team; nil where there is nobody
	All    TeamRow  // everybody, whatever page is shown
	Search string
	Coach  string // chosen; "" is all
	Sorting
	Pager
	ExportURL string
}

// TeamRow is one team with sums over its members.
type TeamRow struct {
	Name, URL, CoachName        string
	Members, OnPlatform, Active int
	Solves, Points              int64
	Average                     float64 // points for each member on the platform
	LastSolveAt                 time.Time
}

// teamSorts are the orders of the list to choose from, the usual one first.
var teamSorts = []SortOption{
	{"name", "Name"}, {"-points", "Most points"}, {"points", "Fewest points"}, {"-average", "Highest average"}, {"average", "Lowest average"},
	{"-active", "Most active"}, {"active", "Fewest active"}, {"-solves", "Most solves"}, {"solves", "Fewest solves"},
	{"-members", "Most members"}, {"members", "Fewest members"}, {"coach", "Coach"}, {"-coach", "Coach, from Z"}, {"-name", "Name, from Z"},
}

func (d Teams) caption() string { return "Teams by " + sortName(teamSorts, d.Sort) }

func (d Teams) say() string {
	if len(d.Rows) == 0 {
		return "No team matches"
	}
	return d.caption() + ", " + d.span()
}

// summary says how many teams there are and who is in none.
func (d Teams) summary() string {
	text := Plural(d.Of, "team", "teams")
	if d.Search != "" {
		return text + " with “" + strings.TrimSpace(d.Search) + "” in the name."
	}
	if d.None == nil {
		return text + ". Everybody is in one."
	}
	return text + ". " + Plural(d.None.Members, "competitor is", "competitors are") + " in none."
}

// TeamPage is one team with its members and what they have not solved yet.
type Team struct {
	TeamRow
	ID, School string
	Members    Competitors // the team's rows of the list
	ListURL    string      // the members in the list of competitors
	Unsolved   Unsolved
}

// Unsolved are the challenges that nobody in a team has solved.
type Unsolved struct {
	Rows                        []ChallengeRow
	Total                       int    // of the chosen category
	Category                    string // chosen; "" is all
	Categories                  []Option
	BaseURL, MoreURL, ExportURL string // MoreURL shows all of them; "" where all are shown
}

// ChallengeRow is one challenge.
type ChallengeRow struct {
	Title, Category string
	Points          int64
}

func (d Unsolved) say() string { return Plural(d.Total, "challenge", "challenges") + " not solved yet" }

// allURL is the list without a search.
func (d Teams) allURL() string {
	if d.Coach == "" {
		return "/teams"
	}
	return "/teams?coach=" + url.QueryEscape(d.Coach)
}
