package store

import (
	"fmt"
	"slices"
	"strings"

	"flagpole/internal/domain"
)

// CompetitorQuery says which competitors are wanted, and in which order. The zero query is everybody by name.
type CompetitorQuery struct {
	Bounds   domain.Bounds // needed for State and Activity, and for the order by state
	CoachID  string
	TeamID   string // NoTeam for those without one
	Division domain.Division
	Category string // key; with at least one solve in it
	State    string // a domain.State, or one of the groups below
	Activity string // a domain.Activity, or InFlashThisMonth
	Absent   string // id of a flash CTF in which they have no result though they are on the platform
	Search   string // words, each somewhere in name, email, team or username
	Sort     CompetitorSort
	Desc     bool
}

// Values of a CompetitorQuery that stand for no single team, state or activity.
const (
	NoTeam           = "none"
	StatesWaiting    = "waiting" // every state that waits for a person or the platform
	StatesFailing    = "failing"
	InFlashThisMonth = "flash_month"
)

// CompetitorSort is a column that competitors can be ordered by.
type CompetitorSort string

// The columns of the list.
const (
	ByName      CompetitorSort = "name"
	ByTeam      CompetitorSort = "team"
	ByCoach     CompetitorSort = "coach"
	ByDivision  CompetitorSort = "division"
	ByODL       CompetitorSort = "odl"
	ByFlash     CompetitorSort = "flash"
	ByPoints    CompetitorSort = "points"
	ByLastSolve CompetitorSort = "last_solve"
	ByLastSeen  CompetitorSort = "last_seen"
	ByLastSync  CompetitorSort = "last_sync"
	ByState     CompetitorSort = "state"
)

// narrow reports whether the query leaves out anybody of the coaches it is about.
func (q CompetitorQuery) narrow() bool {
	return q.TeamID != "" || q.Division != "" || q.Category != "" || q.State != "" || q.Activity != "" || q.Absent != "" || q.Search != ""
}

// keyset is the order: the column, then the name, then the id. Numbers and times that run downwards have their sign turned,
// so that names still run from a to z within equals.
func (q CompetitorQuery) keyset() keyset {
	column, text := "", false
	switch q.Sort {
	case ByTeam:
		column, text = "c.team_key", true
	case ByCoach:
		column, text = "c.coach_key", true
	case ByDivision:
		column, text = "c.division", true
	case ByODL:
		column = "c.odl_solves"
	case ByFlash:
		column = "c.flash_solves"
	case ByPoints:
		column = "c.points"
	case ByLastSolve:
		column = "c.last_solve_at"
	case ByLastSeen:
		column = "c.last_seen_at"
	case ByLastSync:
		column = "c.last_success_at"
	case ByState:
		column = fmt.Sprintf("(CASE WHEN c.state = '%s' AND c.last_success_at < %d THEN %d ELSE c.state_order END)",
			domain.StateSynced, micros(q.Bounds.FreshSince), domain.StateStale.Order())
	default:
		return keyset{[]string{"c.sort_key", "c.competitor_id"}, q.Desc}
	}
	if q.Desc && !text {
		return keyset{[]string{"(-" + column + ")", "c.sort_key", "c.competitor_id"}, false}
	}
	return keyset{[]string{column, "c.sort_key", "c.competitor_id"}, q.Desc}
}

// competitors is the predicate on competitor_list (c) of everybody the query wants and the viewer may see.
func (sc *Scope) competitors(a *args, q CompetitorQuery) string {
	where := []string{sc.visible(a)}
	is := func(column, value string) {
		if value != "" {
			where = append(where, column+" = "+a.add(value))
		}
	}
	is("c.coach_id", q.CoachID)
	if q.TeamID == NoTeam {
		where = append(where, "c.team_id IS NULL")
	} else {
		is("c.team_id", q.TeamID)
	}
	is("c.division", string(q.Division))
	if q.Category != "" {
		where = append(where, `EXISTS (SELECT 1 FROM game_platform_category_stats k
			WHERE k.syned_user_id = c.game_platform_id AND k.category_key = `+a.add(q.Category)+`)`)
	}
	if q.State != "" {
		where = append(where, q.inState(a))
	}
	if q.Activity != "" {
		where = append(where, q.isActive(a))
	}
	if q.Absent != "" {
		where = append(where, `c.game_platform_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM game_platform_flash_ctf_results r
			WHERE r.syned_user_id = c.game_platform_id AND r.event_id = `+a.add(q.Absent)+`)`)
	}
	return strings.Join(where, " AND ") + wordsIn(a, "c.search_key", q.Search)
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// What is looked for of a search: SQLite takes no thousands of predicates and no patterns of 50,000 bytes.
const (
	maxWords     = 50
	maxWordBytes = 1000
)

// wordsIn is the end of a predicate: each word of the search stands somewhere in the folded column.
func wordsIn(a *args, column, search string) string {
	where := ""
	words := strings.Fields(plain(search))
	for _, word := range words[:min(len(words), maxWords)] {
		word = beginning(word, maxWordBytes)
		where += " AND " + column + " LIKE " + a.add("%"+likeEscape.Replace(word)+"%") + ` ESCAPE '\'`
	}
	return where
}

// inState is the predicate for the query's state. It says what domain.SyncFacts.StateAt says.
func (q CompetitorQuery) inState(a *args) string {
	fresh := func(sign string) string {
		return "c.state = " + a.add(string(domain.StateSynced)) + " AND c.last_success_at " + sign + " " + a.add(micros(q.Bounds.FreshSince))
	}
	switch q.State {
	case StatesWaiting:
		return "c.state IN (" + a.states(domain.State.Waiting) + ")"
	case StatesFailing:
		return "c.state IN (" + a.states(domain.State.Failing) + ")"
	case string(domain.StateSynced):
		return fresh(">=")
	case string(domain.StateStale):
		return fresh("<")
	}
	return "c.state = " + a.add(q.State)
}

// states adds those for which is holds.
func (a *args) states(is func(domain.State) bool) string {
	return listed(a, texts(slices.DeleteFunc(slices.Clone(domain.States), func(s domain.State) bool { return !is(s) })))
}

// isActive is the predicate for the query's activity. It says what domain.Bounds.ActivityOf says.
func (q CompetitorQuery) isActive(a *args) string {
	if q.Activity == InFlashThisMonth {
		return playedThisMonth(a, q.Bounds)
	}
	// Each is written where it is asked for, because Postgres takes no argument that no predicate uses.
	active := func() string { return activeSince(a, q.Bounds) }
	stale := func() string { return "c.last_success_at < " + a.add(micros(q.Bounds.FreshSince)) }
	seen := func() string { return "c.last_seen_at >= " + a.add(micros(q.Bounds.ActiveSince)) }
	const never = "c.last_solve_at = 0 AND c.last_seen_at = 0"
	switch domain.Activity(q.Activity) {
	case domain.Active:
		return active()
	case domain.NotSynced:
		return "NOT (" + active() + ") AND " + stale()
	case domain.NeverSignedIn:
		return "NOT (" + stale() + ") AND " + never
	case domain.SignsIn:
		return "NOT (" + active() + ") AND NOT (" + stale() + ") AND " + seen()
	case domain.Idle:
		return "NOT (" + active() + ") AND NOT (" + stale() + ") AND NOT (" + never + ") AND NOT (" + seen() + ")"
	}
	return "FALSE"
}

func playedThisMonth(a *args, b domain.Bounds) string {
	return "c.last_flash_at >= " + a.add(micros(b.MonthSince))
}

func activeSince(a *args, b domain.Bounds) string {
	return "c.last_solve_at >= " + a.add(micros(b.ActiveSince))
}

// ParseSort reads an order as links have it: the column, with a minus before it for downwards.
func ParseSort(text string) (column CompetitorSort, desc bool) {
	name, desc := strings.CutPrefix(text, "-")
	return CompetitorSort(name), desc
}
