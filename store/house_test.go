package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// house is one empty database under test: the store on it, and a connection beside it, as the support team has one.
type house struct {
	t       *testing.T
	kind    string
	address string
	s       *store.Store
	sys     *store.System
	clock   *storetest.Clock
	raw     *sql.DB
}

// inBoth runs test in a house on SQLite and in one on Postgres.
func inBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newHouse(t, kind))
		})
	}
}

func newHouse(t *testing.T, kind string) *house {
	t.Helper()
	h := &house{t: t, kind: kind, address: storetest.URL(t, kind), clock: storetest.NewClock()}
	h.s = storetest.Open(t, h.address, h.clock)
	h.sys = h.s.System()
	driver, source := "pgx", h.address
	if kind == "sqlite" {
		driver, source = "sqlite3", "file:"+strings.TrimPrefix(h.address, "sqlite:")+"?_busy_timeout=5000&_foreign_keys=on"
	}
	var err error
	if h.raw, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.raw.Close() })
	return h
}

// exec runs a statement beside the store, word for word.
func (h *house) exec(statement string) {
	h.t.Helper()
	if _, err := h.raw.ExecContext(h.t.Context(), statement); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// lines is what a query gives, "a|b|c" a row: NULL is a dash, and true is 1 on both databases.
func (h *house) lines(query string) []string {
	h.t.Helper()
	rows, err := h.raw.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			h.t.Fatal(err)
		}
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = cellText(cell)
		}
		list = append(list, strings.Join(texts, "|"))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return list
}

func cellText(cell any) string {
	switch v := cell.(type) {
	case nil:
		return "-"
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []byte:
		return string(v)
	}
	return fmt.Sprint(cell)
}

// want compares what a query gives.
func (h *house) want(what, query string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.lines(query)); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// platformTables are all tables that a sync writes.
var platformTables = []string{
	"game_platform_users", "game_platform_challenge_solves", "game_platform_withdrawn_solves", "game_platform_flash_ctf_events",
	"game_platform_flash_ctf_results", "game_platform_quarantined_records", "game_platform_stats", "game_platform_sync_state",
	"game_platform_category_stats", "game_platform_challenges", "competitor_list", "sync_runs", "sync_attempts",
}

// dump is every row of the tables that a sync writes.
func (h *house) dump() []string {
	h.t.Helper()
	var all []string
	for _, table := range platformTables {
		for _, line := range h.lines("SELECT * FROM " + table + " ORDER BY 1, 2, 3, 4") {
			all = append(all, table+": "+line)
		}
	}
	return all
}

// breakOn makes every write of one kind (INSERT, UPDATE or DELETE) to a table fail.
func (h *house) breakOn(operation, table string) {
	h.t.Helper()
	name := strings.ToLower("broken_" + operation + "_" + table)
	if h.kind == "sqlite" {
		h.exec(fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END", name, operation, table))
		return
	}
	h.exec("CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$")
	h.exec(fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION %s()", name, operation, table, name))
}

// mend takes back breakOn.
func (h *house) mend(operation, table string) {
	h.t.Helper()
	name := strings.ToLower("broken_" + operation + "_" + table)
	if h.kind == "sqlite" {
		h.exec("DROP TRIGGER " + name)
		return
	}
	h.exec("DROP FUNCTION " + name + " CASCADE")
}

// people imports two coaches. Every text of the first one's people has Amber in it, of the second one's Zebra. Among
// the first one's are a competitor without a team, one who is not on the platform, and an empty team.
func (h *house) people() {
	h.t.Helper()
	person := func(coach, id, first, team string, onPlatform bool) roster.Row {
		last := map[string]string{"a": "Amber", "b": "Zebra"}[coach]
		low := strings.ToLower(last)
		r := roster.Row{
			CoachID: "co-" + coach, CoachEmail: "coach@" + low + ".example", CoachName: "Coach " + last, School: last + " High", Region: last + " Coast",
			CompetitorID: "cp-" + id, FirstName: first, LastName: last, Email: id + "@" + low + ".example", Grade: "11",
			Division: domain.HighSchool, Status: domain.ProfileComplete,
		}
		if team != "" {
			r.TeamID, r.Team = "t-"+team, last+" Team "+team
		}
		if onPlatform {
			r.GamePlatformID = "gp-" + id
		}
		return r
	}
	h.roster(person("a", "a1", "Ada", "a2", true))
	h.roster(
		person("a", "a1", "Ada", "a1", true), // leaves team a2 empty
		person("a", "a2", "Bo", "", true),
		person("a", "a3", "Cy", "a1", false),
		person("b", "b1", "Dot", "b1", true),
		person("b", "b2", "Eli", "", true),
	)
}

func (h *house) roster(rows ...roster.Row) {
	h.t.Helper()
	for i := range rows {
		rows[i].Line = i + 2
	}
	if _, bad, err := h.sys.ImportRoster(h.t.Context(), rows, false); err != nil || bad != nil {
		h.t.Fatalf("import: %v, bad lines %v", err, bad)
	}
	storetest.EnrolAll(h.t, h.s)
}

func (h *house) admin() *store.Scope {
	return h.s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin})
}

func (h *house) coach(id string) *store.Scope {
	return h.s.For(domain.Viewer{UserID: "u-" + id, Role: domain.RoleCoach, CoachID: id, Enrolled: true})
}

// bounds are those of now, with the calendar of UTC.
func (h *house) bounds() domain.Bounds { return domain.BoundsAt(h.clock.Now(), time.UTC) }

// pull is a sync of one competitor that began just now, due again in an hour.
func (h *house) pull(id string) store.Pull {
	now := h.clock.Now()
	return store.Pull{
		GamePlatformID: id, At: now, Result: domain.SyncSuccess,
		NextDue: func(store.Activity) time.Time { return now.Add(time.Hour) },
	}
}

// snapshot is a full ODL answer asked for just now.
func (h *house) snapshot(solves ...domain.Solve) *store.ODLPull {
	return &store.ODLPull{RequestedAt: h.clock.Now(), Snapshot: true, Solves: solves}
}

// since is an ODL answer after a cursor.
func (h *house) since(solves ...domain.Solve) *store.ODLPull {
	return &store.ODLPull{RequestedAt: h.clock.Now(), Solves: solves}
}

func (h *house) flash(results ...domain.FlashResult) *store.FlashPull {
	return &store.FlashPull{RequestedAt: h.clock.Now(), Results: results}
}

// store stores a pull and moves the clock on by a minute.
func (h *house) store(p store.Pull) store.Stored {
	h.t.Helper()
	stored, err := h.sys.StorePull(h.t.Context(), p)
	if err != nil {
		h.t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	return stored
}

// storeODL stores a sync of the ODL part alone, storeFlash one of the flash part.
func (h *house) storeODL(id string, part *store.ODLPull) store.Stored {
	h.t.Helper()
	p := h.pull(id)
	p.ODL = part
	return h.store(p)
}

func (h *house) storeFlash(id string, part *store.FlashPull) store.Stored {
	h.t.Helper()
	p := h.pull(id)
	p.Flash = part
	return h.store(p)
}

// odl is an ODL solve of 100 points, made id minutes before the tests begin.
func odl(id int64, change ...func(*domain.Solve)) domain.Solve {
	s := domain.Solve{
		SolveKey: domain.SolveKey{Source: domain.SourceODL, ChallengeSolveID: id, ChallengeID: 1000 + id},
		Title:    fmt.Sprintf("Challenge %d", id), Category: "Cryptography", Points: 100,
		WorkRoles: []string{"DD-WRL-003"}, SolvedAt: storetest.Start.Add(-time.Duration(id) * time.Minute),
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func points(n int64) func(*domain.Solve) { return func(s *domain.Solve) { s.Points = n } }

func solvedAt(at time.Time) func(*domain.Solve) { return func(s *domain.Solve) { s.SolvedAt = at } }

var (
	springCTF = domain.FlashEvent{Name: "Spring Flash", StartsAt: time.Date(2026, 4, 11, 17, 0, 0, 0, time.UTC)}
	autumnCTF = domain.FlashEvent{Name: "Autumn Flash", StartsAt: time.Date(2026, 10, 3, 17, 0, 0, 0, time.UTC)}
)

// took is third place in an event with one solve for each id.
func took(event domain.FlashEvent, ids ...int64) domain.FlashResult {
	r := domain.FlashResult{Event: event, Rank: 3, PointsEarned: 300, MaxPoints: 900, ChallengesSolved: int64(len(ids))}
	for _, id := range ids {
		s := odl(id)
		s.Source, s.EventID, s.SolvedAt = domain.SourceFlash, event.ID(), event.StartsAt.Add(time.Hour)
		r.Solves = append(r.Solves, s)
	}
	return r
}

// malformed is a record that could not be read.
func malformed(source domain.Source, payload string) domain.Quarantined {
	return domain.Quarantined{Source: source, Payload: payload, Reason: "challenge_points is missing"}
}

const statsQuery = `SELECT syned_user_id, odl_solves, odl_points, flash_solves, flash_points FROM game_platform_stats ORDER BY 1`

// minutes is SQL for a time column in whole minutes since the tests began.
func minutes(column string) string {
	return fmt.Sprintf("(%s - %d) / 60000000", column, storetest.Start.UnixMicro())
}

// deactivate has a competitor not take part any more.
func (h *house) deactivate(id string) {
	h.t.Helper()
	if changed, err := h.admin().SetCompetitorActive(h.t.Context(), id, false); err != nil || !changed {
		h.t.Fatal(changed, err)
	}
}
