package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

func requestProbes() []probe {
	return []probe{
		forAdmins("PersonCounts", func(h *house, sc *store.Scope) error {
			_, _, err := sc.PersonCounts(h.t.Context(), "cp-a1")
			return err
		}),
		forAdmins("PersonExport", func(h *house, sc *store.Scope) error {
			_, _, err := sc.PersonExport(h.t.Context(), "cp-a1")
			return err
		}),
		forAdmins("ErasePerson", func(h *house, sc *store.Scope) error { _, err := sc.ErasePerson(h.t.Context(), "cp-z"); return err }),
	}
}

// marked is somebody of whom every kind of record is held, with texts that can be found again.
func marked(h *house) {
	h.t.Helper()
	bothCoaches(h)
	if err := h.edited("cp-a1", func(c *domain.Competitor) { c.Grade = "Marked grade" }); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.admin().BeginOperation(h.t.Context(), store.OperationRequest{Kind: store.OpRetry, Filter: store.FailureQuery{IDs: h.failureOf("cp-a1")}}); err != nil {
		h.t.Fatal(err)
	}
	id, err := h.sys.Sending(h.t.Context(), domain.Disclosure{Endpoint: "POST /users", UserID: "gp-a1", Fields: []byte(`{"email":"a1@amber.example","first_name":"Ada","syned_user_id":"gp-a1"}`)})
	if err == nil {
		err = h.sys.Answered(h.t.Context(), id, 201)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.exec(`INSERT INTO game_platform_users (syned_user_id, metactf_user_id, metactf_username, metactf_user_status, checked_at) VALUES ('gp-a1', 7, 'ada-the-user', 'approved', 0)`)
	h.exec(`INSERT INTO game_platform_withdrawn_solves SELECT syned_user_id, source, event_id, 99, challenge_id, challenge_title, challenge_category, category_key, challenge_points,
		challenge_retired, nist_nice_work_roles, solved_at, first_seen_at, 0 FROM game_platform_challenge_solves WHERE syned_user_id = 'gp-a1' AND challenge_solve_id = 1 AND source = 'odl'`)
	h.exec(`INSERT INTO game_platform_assignments VALUES ('gp-a1', 't-a1', 't-a1', 0)`)
	h.exec(`INSERT INTO confirmed_removals VALUES ('gp-a1', 't-a1', 0, 'u')`)
	h.exec(`INSERT INTO onboarding_faults VALUES ('account', 'cp-a1', 'POST /users', 'invalid', 'Ada is no name', 422, 0, 0, 1, 0)`)
	h.exec(`INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, requested_by, competitor_id, finished_at) VALUES ('mine', 'command', FALSE, 0, 0, 'page', 'cp-a1', 1)`)
	h.report("co-a", "/competitors/cp-a1", "Ada lacks a solve")
	if err := h.admin().Audit(h.t.Context(), "competitor.view", "cp-a1", ""); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) failureOf(id string) []int64 {
	var list []int64
	for _, text := range h.lines(`SELECT failure_id FROM sync_failures WHERE ended_at IS NULL AND competitor_id = '` + id + `'`) {
		var n int64
		if _, err := fmt.Sscan(text, &n); err != nil {
			h.t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// notThePersons are the tables that name people by an id and hold nothing that a person is told or loses, each with the reason.
var notThePersons = map[string]string{
	"competitor_list":             "worked out from the others",
	"erased_people":               "is what stays",
	"game_platform_coaches":       "of coaches",
	"rollout_changes":             "of coaches",
	"rollout_enrolments":          "of coaches",
	"sync_failures.coach_id":      "of coaches",
	"support_sync_state":          "shows the sync state",
	"support_sync_attempts":       "shows the calls",
	"support_challenge_solves":    "shows the solves",
	"game_platform_teams":         "of coaches and teams",
	"roster_changes.kind":         "told apart by kind",
	"support_withdrawn_solves":    "shows withdrawn solves",
	"support_flash_ctf_results":   "shows results",
	"support_quarantined_records": "shows records",
}

// everyRow is every row of every table, each with its table's name before it.
func (h *house) everyRow() []string {
	h.t.Helper()
	tables := map[string]bool{}
	for _, column := range columns(h) {
		if table, _, _ := strings.Cut(column, "."); !strings.HasPrefix(table, "support_") {
			tables[table] = true
		}
	}
	var all []string
	for table := range tables {
		for _, line := range h.lines("SELECT * FROM " + table) {
			all = append(all, table+": "+line)
		}
	}
	slices.Sort(all)
	return all
}

// Whatever table names a competitor is among what is told and deleted, or has a reason not to be.
func TestEveryTableThatNamesAPersonIsToldAndDeleted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		marked(h)
		_, counts, err := h.admin().PersonCounts(t.Context(), "cp-a1")
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, c := range counts {
			told = append(told, c.Table())
			if c.Rows == 0 {
				t.Errorf("the test has no %s", c.Key)
			}
			if c.What == "" || c.Why == "" || c.Kept == "" {
				t.Errorf("%s has no words", c.Key)
			}
		}
		for _, column := range columns(h) {
			table, name, _ := strings.Cut(strings.Fields(column)[0], ".")
			if name != "syned_user_id" && name != "competitor_id" && name != "subject_id" && name != "game_platform_id" {
				continue
			}
			if !slices.Contains(told, table) && notThePersons[table] == "" {
				t.Errorf("%s.%s is neither told nor left out for a reason", table, name)
			}
		}
	})
}

func TestTheFileHoldsEverythingAndNobodyElse(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		marked(h)
		_, sections, err := h.admin().PersonExport(t.Context(), "cp-a1")
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(sections)
		for _, want := range []string{"Ada", "Amber", "a1@amber.example", "ada-the-user", "Marked grade", "Ada is no name", "competitor.view", "POST /users", "Ada lacks a solve"} {
			if !strings.Contains(text, want) {
				t.Errorf("the file lacks %q", want)
			}
		}
		for _, other := range []string{"Bo", "Zebra", "gp-a2", "cp-a2", "u-admin"} {
			if regexp.MustCompile(`\b` + other + `\b`).MatchString(text) {
				t.Errorf("the file holds %q", other)
			}
		}
		for _, s := range sections {
			for _, r := range s.Records {
				if at, ok := r["started_at"]; ok && !strings.HasSuffix(fmt.Sprint(at), "Z") {
					t.Errorf("%s: a time is %v", s.Key, at)
				}
			}
		}
	})
}

func TestADeletedPersonIsNowhereAndDoesNotComeBack(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		marked(h)
		e, err := h.admin().ErasePerson(t.Context(), "cp-a1")
		if err != nil || e.GamePlatformID != "gp-a1" {
			t.Fatal(e, err)
		}
		for _, line := range h.everyRow() {
			stays := strings.HasPrefix(line, "audit_log") || strings.HasPrefix(line, "erased_people")
			if strings.HasPrefix(line, "disclosures") {
				stays = true
				if strings.Contains(line, "Ada") || strings.Contains(line, "a1@amber") || !strings.Contains(line, `"email":null`) {
					t.Errorf("left: %s", line)
				}
			}
			if !stays && regexp.MustCompile(`\b(Ada|a1@amber.example|gp-a1|cp-a1|ada-the-user|Marked)\b`).MatchString(line) {
				t.Errorf("left: %s", line)
			}
		}
		listsAgree(h, "after the deletion")
		h.want("open failures", `SELECT competitors FROM failure_sums WHERE coach_id = 'co-a' AND fingerprint = '' AND state = 'open'`, "1")
		h.want("audit", `SELECT user_id, action, competitor_id FROM audit_log WHERE action = 'person.erase'`, "u-admin|person.erase|cp-a1")

		before := h.everyRow()
		p := h.pull("gp-a1") // a sync that was under way
		p.ODL = h.snapshot(odl(1))
		if _, err := h.sys.StorePull(t.Context(), p); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, h.everyRow()); diff != "" {
			t.Errorf("a sync brought something back (-before +after):\n%s", diff)
		}
		_, wrong, err := h.sys.ImportRoster(t.Context(), []roster.Row{
			{Line: 2, CoachEmail: "coach@amber.example", FirstName: "Ada", LastName: "Amber", Division: domain.College, Status: domain.ProfilePending, CompetitorID: "cp-a1"},
			{Line: 3, CoachEmail: "coach@amber.example", FirstName: "Ada", LastName: "Again", Division: domain.College, Status: domain.ProfilePending, GamePlatformID: "gp-a1"},
		}, false)
		if err != nil || len(wrong) != 2 || !strings.Contains(wrong[0].String(), "was deleted on 2026-11-18") {
			t.Errorf("%v, %v", wrong, err)
		}
		if _, err := h.admin().ErasePerson(t.Context(), "cp-a1"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestNothingIsSentOfWhomSomebodyHasDeletedSinceItWasRead(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, id := range []string{"cp-a1", "cp-a3"} { // on the platform, and not
			if _, err := h.admin().ErasePerson(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{"gp-a1", "cp-a3"} {
			_, err := h.sys.Sending(t.Context(), domain.Disclosure{Endpoint: "POST /users", UserID: id, Fields: []byte(`{"email": "ada@amber.example"}`)})
			wantCode(t, id, err, domain.NoSuch)
		}
		h.want("log", `SELECT fields FROM disclosures`)
	})
}

func TestWhatIsLoggedWhileAPersonIsBeingDeletedHoldsNoValue(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	queueBehind(t, h, "LOCK TABLE erased_people IN SHARE MODE", nil, // where a deletion comes to last
		func(s *store.Store) error {
			_, err := s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).ErasePerson(t.Context(), "cp-a3")
			return err
		},
		func(s *store.Store) error {
			_, err := s.System().Sending(t.Context(), domain.Disclosure{Endpoint: "POST /users", UserID: "cp-a3", Fields: []byte(`{"email": "cy@amber.example"}`)})
			wantCode(t, "sending", err, domain.NoSuch)
			return nil
		})
	h.want("log", `SELECT fields FROM disclosures`)
}
