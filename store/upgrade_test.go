package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// oldCrowd is more than is listed at once.
const oldCrowd = 2100

// downBelow takes the migration of that number back, and all after it.
func downBelow(h *house, number int64) {
	h.t.Helper()
	for {
		m, err := h.s.MigrateDown(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if m.Version == number {
			return
		}
	}
}

// beforeLists takes a database back to migration 4 and fills it as programs did that knew no lists.
func beforeLists(h *house) {
	h.t.Helper()
	downBelow(h, 5)
	h.exec(`INSERT INTO coaches (coach_id, email, email_key, name, created_at, updated_at) VALUES
		('co-a', 'a', 'a', 'Zoë', 0, 0), ('co-b', 'b', 'b', 'Ada  LANE', 0, 0), ('co-c', 'c', 'c', 'Without', 0, 0), ('co-d', 'd', 'd', '', 0, 0)`)
	h.exec(`INSERT INTO teams (team_id, coach_id, name, name_key, created_at, updated_at) VALUES
		('t-a', 'co-a', 'Éclair', 'éclair', 0, 0), ('t-b', 'co-b', 'Herons', 'herons', 0, 0), ('t-c', 'co-b', 'Empty', 'empty', 0, 0)`)
	var people, states []string
	for i := range oldCrowd {
		coach, team, account := "co-a", "'t-a'", fmt.Sprintf("'gp-%d'", i)
		if i%3 == 0 {
			coach, team = "co-b", "NULL"
		}
		if i%7 == 0 {
			account = "NULL"
		} else {
			states = append(states, fmt.Sprintf("('gp-%d', 'success', %d, 0)", i, storetest.Start.UnixMicro()))
		}
		people = append(people, fmt.Sprintf("('cp-%d', %s, '%s', %s, 'Ada', 'L%d', 'college', 'pending', 'ada l%d', 'ada l%d', 0, 0)", i, account, coach, team, i, i, i))
	}
	for some := range slices.Chunk(people, 500) {
		h.exec(`INSERT INTO competitors (competitor_id, game_platform_id, coach_id, team_id, first_name, last_name, division, status, name_key, sort_key, created_at, updated_at)
			VALUES ` + strings.Join(some, ", "))
	}
	h.exec(`UPDATE competitors SET email = 'Ada@Quill.example', email_key = 'ada@quill.example' WHERE competitor_id = 'cp-0'`)
	for some := range slices.Chunk(states, 500) {
		h.exec(`INSERT INTO game_platform_sync_state (syned_user_id, last_result, last_success_at, next_due_at) VALUES ` + strings.Join(some, ", "))
	}
	const solve = `INSERT INTO game_platform_challenge_solves (syned_user_id, source, event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category,
		category_key, challenge_points, challenge_retired, nist_nice_work_roles, solved_at, first_seen_at) VALUES `
	at := fmt.Sprint(storetest.Start.Add(-time.Hour).UnixMicro())
	h.exec(solve + `('gp-1', 'odl', '', 1, 10, 'Ten', 'webex', 'web', 100, FALSE, '[]', ` + at + `, 0), ('gp-1', 'odl', '', 2, 11, 'Eleven', 'Web', 'web', 50, TRUE, '[]', ` + at + `, 0),
		('gp-1', 'flash', 'e1', 1, 10, 'Flash', 'Quantum', 'quantum', 7, FALSE, '[]', ` + at + `, 0), ('gp-nobody', 'odl', '', 1, 10, 'Ten', 'Web', 'web', 100, FALSE, '[]', ` + at + `, 0)`)
	h.exec(`INSERT INTO game_platform_stats (syned_user_id, odl_solves, odl_points, flash_solves, flash_points, last_solve_at, computed_at) VALUES
		('gp-1', 2, 150, 1, 7, ` + at + `, 0), ('gp-nobody', 1, 100, 0, 0, ` + at + `, 0)`)
	h.exec(`INSERT INTO game_platform_users VALUES ('gp-1', 1, 'n00b', 'approved', NULL, 0)`)
	h.exec(`INSERT INTO game_platform_flash_ctf_events VALUES ('e1', 'Old Flash', ` + at + `, 0), ('e2', 'Nobody came', 1, 0)`)
	h.exec(`INSERT INTO game_platform_flash_ctf_results VALUES ('gp-1', 'e1', 2, 7, 900, 1, 0, 0), ('gp-2', 'e1', 0, 0, 900, 0, 0, 0), ('gp-nobody', 'e1', 1, 9, 900, 1, 0, 0)`)
}

// everyList is all that migration 5 brought and filled, and for what somebody waits; since when, the migration can only guess.
func everyList(h *house) (lines []string) {
	h.t.Helper()
	for _, query := range []string{
		`SELECT competitor_id, coach_id, team_id, game_platform_id, division, sort_key, team_key, coach_key, search_key, odl_solves, odl_points, flash_solves,
			flash_points, points, last_solve_at, last_seen_at, last_success_at, last_flash_at, state, state_order, waiting, waits_for FROM competitor_list ORDER BY 1`, `SELECT * FROM game_platform_category_stats ORDER BY 1, 2`, `SELECT * FROM game_platform_challenges ORDER BY 1`,
		keptSums("coaches", "coach_id"), keptSums("teams", "team_id"), `SELECT coach_id, sort_key FROM coaches ORDER BY 1`, `SELECT team_id, sort_key FROM teams ORDER BY 1`,
		`SELECT event_id, participants FROM game_platform_flash_ctf_events ORDER BY 1`,
	} {
		lines = append(lines, h.lines(query)...)
	}
	return lines
}

func TestADatabaseFromBeforeTheListsComesOutWithThemFilled(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		beforeLists(h)
		up := func() {
			t.Helper()
			if _, err := h.s.MigrateUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		up()
		listsAgree(h, "after the migration")
		h.want("everybody is listed", `SELECT COUNT(*) FROM competitor_list`, fmt.Sprint(oldCrowd))
		h.want("coaches in their order", `SELECT coach_id, sort_key, competitors FROM coaches ORDER BY sort_key, coach_id`, "co-d||0", "co-b|ada lane|700", "co-c|without|0", "co-a|zoe|1400")
		h.want("teams in their order", `SELECT team_id, sort_key, competitors FROM teams ORDER BY sort_key, team_id`, "t-a|eclair|1400", "t-c|empty|0", "t-b|herons|0")
		h.want("participants", `SELECT event_id, participants FROM game_platform_flash_ctf_events ORDER BY 1`, "e1|2", "e2|0")
		h.want("challenges", `SELECT challenge_id, challenge_title, category_key, challenge_points, challenge_retired FROM game_platform_challenges ORDER BY 1`,
			"10|Ten|web|100|0", "11|Eleven|web|50|1")
		got, err := h.admin().Competitor(t.Context(), "cp-1", time.Time{}, time.UTC)
		if err != nil || got.Points() != 157 || got.Username != "n00b" || len(got.Categories) != 2 || got.Sync.StateAt(storetest.Start) != domain.StateSynced {
			t.Errorf("%+v, %v", got, err)
		}
		for search, want := range map[string]int{"n00b eclair": 1, "ada@quill": 1, "ada": oldCrowd, "nobody": 0} {
			if ids := idsOf(h, h.admin(), store.CompetitorQuery{Search: search}); len(ids) != want {
				t.Errorf("%q finds %d, want %d", search, len(ids), want)
			}
		}
		filled := everyList(h)
		up() // nothing to do
		if diff := cmp.Diff(filled, everyList(h)); diff != "" {
			t.Errorf("up once more (-before +after):\n%s", diff)
		}
		if _, err := h.s.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
		up()
		if diff := cmp.Diff(filled, everyList(h)); diff != "" {
			t.Errorf("down and up again (-before +after):\n%s", diff)
		}
	})
}

func TestAnUpgradeThatWasCutOffIsFinishedByTheNext(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		filled := everyList(h)
		h.exec(`DELETE FROM competitor_list WHERE competitor_id <> 'cp-a1'`)
		h.exec(`UPDATE coaches SET sort_key = ''`)
		h.exec(`UPDATE teams SET sort_key = ''`)
		if done, err := h.s.MigrateUp(t.Context()); err != nil || done != nil {
			t.Fatal(done, err)
		}
		if diff := cmp.Diff(filled, everyList(h)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}
