package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// CompetitorRow is a competitor with what the lists and pages show of it.
type CompetitorRow struct {
	domain.Competitor
	Team       string // "" for none
	CoachName  string
	CoachEmail string
	School     string
	Username   string // on the platform; "" where it is not known

	ODLSolves, ODLPoints     int64
	FlashSolves, FlashPoints int64
	LastSolveAt              time.Time
	LastSeenAt               time.Time // on the platform
	Sync                     domain.SyncFacts
	Refreshing               bool // a sync was asked for and has not ended
}

// Solves counts all solves.
func (r CompetitorRow) Solves() int64 { return r.ODLSolves + r.FlashSolves }

// Points sums all points.
func (r CompetitorRow) Points() int64 { return r.ODLPoints + r.FlashPoints }

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
	var in []string
	for _, s := range domain.States {
		if is(s) {
			in = append(in, a.add(string(s)))
		}
	}
	return strings.Join(in, ", ")
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

// competitorColumns and competitorJoins complete rows of competitor_list (c).
const (
	competitorColumns = `c.competitor_id, COALESCE(c.game_platform_id, ''), c.coach_id, COALESCE(c.team_id, ''), p.first_name, p.last_name,
		COALESCE(p.email, ''), c.division, p.grade, p.status, COALESCE(t.name, ''), co.name, co.email, co.school,
		COALESCE(u.metactf_username, ''), c.odl_solves, c.odl_points, c.flash_solves, c.flash_points,
		NULLIF(c.last_solve_at, 0), NULLIF(c.last_seen_at, 0), NULLIF(c.last_success_at, 0), st.last_attempt_at, st.next_due_at,
		COALESCE(st.last_result, ''), COALESCE(st.error_class, ''), COALESCE(u.metactf_user_status, ''), COALESCE(st.failed_in_a_row, 0),
		EXISTS (SELECT 1 FROM sync_runs run WHERE run.competitor_id = c.competitor_id AND run.finished_at IS NULL AND NOT run.dry_run)`
	competitorJoins = `
		JOIN competitors p ON p.competitor_id = c.competitor_id
		JOIN coaches co ON co.coach_id = c.coach_id
		LEFT JOIN teams t ON t.team_id = c.team_id
		LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id`
)

func scanCompetitor(scan func(...any) error) (CompetitorRow, error) {
	var r CompetitorRow
	err := scan(&r.ID, &r.GamePlatformID, &r.CoachID, &r.TeamID, &r.FirstName, &r.LastName,
		&r.Email, &r.Division, &r.Grade, &r.Status, &r.Team, &r.CoachName, &r.CoachEmail, &r.School,
		&r.Username, &r.ODLSolves, &r.ODLPoints, &r.FlashSolves, &r.FlashPoints,
		into(&r.LastSolveAt), into(&r.LastSeenAt), into(&r.Sync.LastSuccessAt), into(&r.Sync.LastAttemptAt), into(&r.Sync.NextDueAt),
		&r.Sync.Result, &r.Sync.Class, &r.Sync.PlatformStatus, &r.Sync.FailedInARow, &r.Refreshing)
	r.Sync.OnPlatform = r.GamePlatformID != ""
	r.Sync.HasEmail = r.Email != ""
	return r, err
}

// competitorList is the list that a query asks for.
func (sc *Scope) competitorList(q CompetitorQuery) cutting {
	return cutting{"competitor_list c", "c.competitor_id", func(a *args) string { return sc.competitors(a, q) }, sc.visible, q.keyset()}
}

// CompetitorsPage lists one page of the viewer's competitors.
func (sc *Scope) CompetitorsPage(ctx context.Context, q CompetitorQuery, p Page) ([]CompetitorRow, Place, error) {
	return sc.competitorsPage(ctx, q, p, func(tx conn) (int, error) { return sc.countAll(ctx, tx, q) })
}

// CompetitorsWithSums is CompetitorsPage with the sums over all of the query's coaches, of one moment.
func (sc *Scope) CompetitorsWithSums(ctx context.Context, q CompetitorQuery, p Page) ([]CompetitorRow, Place, CompetitorSums, error) {
	var sums CompetitorSums
	rows, place, err := sc.competitorsPage(ctx, q, p, func(tx conn) (total int, err error) {
		if sums, err = sc.sums(ctx, tx, q.CoachID, q.Bounds); err != nil || !q.narrow() {
			return sums.Competitors, err
		}
		return sc.countAll(ctx, tx, q)
	})
	return rows, place, sums, err
}

// AbsentPage lists one page of those who could have taken part in a flash CTF and have no result, by name.
func (sc *Scope) AbsentPage(ctx context.Context, e Event, p Page) ([]CompetitorRow, Place, error) {
	return sc.competitorsPage(ctx, CompetitorQuery{Absent: e.ID}, p, func(conn) (int, error) { return e.Absent(), nil })
}

// competitorsPage lists one page; count says how many match in all.
func (sc *Scope) competitorsPage(ctx context.Context, q CompetitorQuery, p Page, count func(tx conn) (int, error)) ([]CompetitorRow, Place, error) {
	var list []CompetitorRow
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		whole := sc.competitorList(q)
		total, err := count(tx)
		if err != nil {
			return err
		}
		counted, err := whole.countUpTo(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		// The page is cut before anything is joined to it, whatever the planner thinks of joins.
		rows, err := tx.query(ctx, "SELECT "+competitorColumns+" FROM (SELECT c.* FROM "+whole.page(&a, p)+") c"+competitorJoins+
			" ORDER BY "+whole.keyset.order(p), a...)
		if err != nil {
			return err
		}
		list, err = collectCompetitors(rows, p.Limit)
		place = p.place(counted, len(list), total)
		return err
	})
	if err != nil {
		return nil, Place{}, fmt.Errorf("list competitors: %w", err)
	}
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, nil
}

// countAll counts who matches. Everybody of a coach, or of all, is a sum that is kept.
func (sc *Scope) countAll(ctx context.Context, tx conn, q CompetitorQuery) (total int, err error) {
	var a args
	query := `SELECT COUNT(*) FROM competitor_list c WHERE ` + sc.competitors(&a, q)
	if !q.narrow() {
		a = nil
		query = `SELECT CAST(COALESCE(SUM(c.competitors), 0) AS BIGINT) FROM coaches c WHERE ` + sc.competitors(&a, q)
	}
	err = tx.row(ctx, query, a...).Scan(&total)
	return total, err
}

// collectCompetitors reads at most limit rows; they are large, and the list should not grow step by step.
func collectCompetitors(rows *sql.Rows, limit int) ([]CompetitorRow, error) {
	list := make([]CompetitorRow, 0, limit)
	err := each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, err
}

// EachCompetitor calls fn for every competitor that matches, in the order of the query, reading as it goes.
func (sc *Scope) EachCompetitor(ctx context.Context, q CompetitorQuery, fn func(CompetitorRow) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+competitorColumns+" FROM competitor_list c"+competitorJoins+
		" WHERE "+sc.competitors(&a, q)+" ORDER BY "+q.keyset().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read competitors: %w", err)
	}
	err = each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read competitors")
}

// Neighbour is a competitor to go on to.
type Neighbour struct{ ID, Name string }

// Neighbours are those before and after a competitor in the query's list; an empty ID where there is none, and both where the
// competitor is not in the list.
func (sc *Scope) Neighbours(ctx context.Context, q CompetitorQuery, id string) (before, after Neighbour, err error) {
	err = sc.s.db.view(ctx, func(tx conn) error {
		var a args
		var there int
		err := tx.row(ctx, `SELECT COUNT(*) FROM competitor_list c WHERE `+sc.competitors(&a, q)+` AND c.competitor_id = `+a.add(id), a...).Scan(&there)
		if err != nil || there == 0 {
			return err
		}
		if before, err = sc.neighbour(ctx, tx, q, Page{Before: id, Limit: 1}); err != nil {
			return err
		}
		after, err = sc.neighbour(ctx, tx, q, Page{After: id, Limit: 1})
		return err
	})
	return before, after, wrap(err, "find neighbours")
}

func (sc *Scope) neighbour(ctx context.Context, tx conn, q CompetitorQuery, p Page) (Neighbour, error) {
	var a args
	var c domain.Competitor
	err := tx.row(ctx, "SELECT c.competitor_id, p.first_name, p.last_name FROM (SELECT c.* FROM "+sc.competitorList(q).page(&a, p)+
		") c JOIN competitors p ON p.competitor_id = c.competitor_id", a...).Scan(&c.ID, &c.FirstName, &c.LastName)
	if errors.Is(err, sql.ErrNoRows) {
		return Neighbour{}, nil
	}
	return Neighbour{c.ID, c.Name()}, err
}

// ParseSort reads an order as links have it: the column, with a minus before it for downwards.
func ParseSort(text string) (column CompetitorSort, desc bool) {
	name, desc := strings.CutPrefix(text, "-")
	return CompetitorSort(name), desc
}

// dayOf is the number of the calendar day in the zone, counted from 1 January 1970, of a time column that lies between from
// and until. Every change of the clock in between is a case of its own, so days of 23 and 25 hours come out right.
func dayOf(column string, from, until time.Time, zone *time.Location) string {
	var cases strings.Builder
	for t := from.In(zone); ; {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		shift := strconv.Itoa(offset) + "000000"
		if end.IsZero() || end.After(until) {
			if cases.Len() == 0 {
				return "((" + column + " + " + shift + ") / 86400000000)"
			}
			return "((" + column + " + CASE" + cases.String() + " ELSE " + shift + " END) / 86400000000)"
		}
		cases.WriteString(" WHEN " + column + " < " + strconv.FormatInt(micros(end), 10) + " THEN " + shift)
		t = end.In(zone)
	}
}
