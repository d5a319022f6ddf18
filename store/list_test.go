package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// sumsOf is the query for the sums over the list by coach or team, empty ones among them.
func sumsOf(table, id string) string {
	return fmt.Sprintf(`SELECT t.%[2]s, COUNT(l.competitor_id), COUNT(l.game_platform_id), CAST(COALESCE(SUM(l.waiting), 0) AS BIGINT),
		CAST(COALESCE(SUM(l.odl_solves), 0) AS BIGINT), CAST(COALESCE(SUM(l.odl_points), 0) AS BIGINT),
		CAST(COALESCE(SUM(l.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(l.flash_points), 0) AS BIGINT)
		FROM %[1]s t LEFT JOIN competitor_list l ON l.%[2]s = t.%[2]s GROUP BY t.%[2]s ORDER BY 1`, table, id)
}

func keptSums(table, id string) string {
	return fmt.Sprintf(`SELECT %s, competitors, on_platform, waiting, odl_solves, odl_points, flash_solves, flash_points FROM %s ORDER BY 1`, id, table)
}

const solveSums = `COUNT(CASE WHEN source = 'odl' THEN 1 END), CAST(COALESCE(SUM(CASE WHEN source = 'odl' THEN challenge_points END), 0) AS BIGINT),
	COUNT(CASE WHEN source = 'flash' THEN 1 END), CAST(COALESCE(SUM(CASE WHEN source = 'flash' THEN challenge_points END), 0) AS BIGINT)
	FROM game_platform_challenge_solves`

// listsAgree reports whether all that is kept for lists is what it is kept of.
func listsAgree(h *house, when string) bool {
	h.t.Helper()
	const list = `SELECT * FROM competitor_list ORDER BY 1`
	kept := h.lines(list)
	if err := h.s.RelistAll(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	agrees := cmp.Equal(kept, h.lines(list))
	if !agrees {
		h.t.Errorf("%s: rows of the list (-written anew +kept):\n%s", when, cmp.Diff(h.lines(list), kept))
	}
	for _, c := range []struct{ what, kept, of string }{
		{"who is in the list", `SELECT competitor_id FROM competitor_list ORDER BY 1`, `SELECT competitor_id FROM competitors ORDER BY 1`},
		{"names, teams and coaches in the list",
			`SELECT competitor_id, coach_id, team_id, game_platform_id, division, sort_key, coach_key FROM competitor_list ORDER BY 1`,
			`SELECT c.competitor_id, c.coach_id, c.team_id, c.game_platform_id, c.division, c.sort_key, co.sort_key
				FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id ORDER BY 1`},
		{"the order of teams", `SELECT competitor_id, team_key FROM competitor_list WHERE team_id IS NOT NULL ORDER BY 1`,
			`SELECT c.competitor_id, t.sort_key FROM competitors c JOIN teams t ON t.team_id = c.team_id ORDER BY 1`},
		{"totals in the list", `SELECT game_platform_id, odl_solves, odl_points, flash_solves, flash_points FROM competitor_list WHERE odl_solves + flash_solves > 0 ORDER BY 1`,
			`SELECT syned_user_id, ` + solveSums + ` WHERE syned_user_id IN (SELECT game_platform_id FROM competitors) GROUP BY 1 ORDER BY 1`},
		{"sums by coach", keptSums("coaches", "coach_id"), sumsOf("coaches", "coach_id")},
		{"sums by team", keptSums("teams", "team_id"), sumsOf("teams", "team_id")},
		{"participants", `SELECT event_id, participants FROM game_platform_flash_ctf_events ORDER BY 1`,
			`SELECT e.event_id, COUNT(c.competitor_id) FROM game_platform_flash_ctf_events e LEFT JOIN game_platform_flash_ctf_results r ON r.event_id = e.event_id
				LEFT JOIN competitors c ON c.game_platform_id = r.syned_user_id GROUP BY 1 ORDER BY 1`},
		{"sums by category", `SELECT * FROM game_platform_category_stats ORDER BY 1, 2`,
			`SELECT syned_user_id, category_key, MIN(challenge_category), ` + solveSums + ` GROUP BY 1, 2 ORDER BY 1, 2`},
	} {
		if diff := cmp.Diff(h.lines(c.of), h.lines(c.kept)); diff != "" {
			h.t.Errorf("%s: %s (-counted +kept):\n%s", when, c.what, diff)
			agrees = false
		}
	}
	return agrees
}

// life makes up what happens to a small programme.
type life struct {
	h      *house
	random *rand.Rand
}

func pick[T any](l life, list ...T) T { return list[l.random.IntN(len(list))] }

// platformIDs are more than are ever on the roster at once, so that results stay of ids that are nobody's.
var platformIDs = []string{"gp-1", "gp-2", "gp-3", "gp-mock-4", "gp-5", "gp-mock-6", "gp-7", "gp-8", "gp-9"}

// importRoster imports a part of the roster in which people move, are renamed, and change ids.
func (l life) importRoster() string {
	l.h.t.Helper()
	coaches, teams := pick(l, "", "", " two"), pick(l, "", "", " two") // rarely renamed, and apart
	ids := l.random.Perm(len(platformIDs))
	var rows []roster.Row
	for i := range 8 {
		coach := pick(l, "a", "b", "c")
		r := roster.Row{CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach " + coach + coaches,
			CompetitorID: fmt.Sprintf("cp-%d", i), FirstName: pick(l, "Ada", "Éva", "Bo"), LastName: pick(l, "Lane", "Moss"),
			Division: pick(l, domain.Divisions...), Status: domain.ProfilePending}
		if team := l.random.IntN(3); team > 0 {
			r.TeamID, r.Team = fmt.Sprint("t-", coach, team), fmt.Sprint("Team ", team, teams)
		}
		if l.random.IntN(4) > 0 {
			r.Email = fmt.Sprintf("%s%d@quill.example", pick(l, "x", "y"), i)
		}
		if l.random.IntN(4) > 0 {
			r.GamePlatformID = platformIDs[ids[i]]
		}
		if l.random.IntN(3) > 0 {
			r.Line = len(rows) + 2
			rows = append(rows, r)
		}
	}
	_, bad, err := l.h.sys.ImportRoster(l.h.t.Context(), rows, l.random.IntN(8) == 0)
	if err != nil {
		l.h.t.Fatal(err)
	}
	return fmt.Sprintf("import of %d rows, %d of them refused", len(rows), len(bad))
}

// pull stores a sync of an id that may be nobody's.
func (l life) pull() string {
	l.h.t.Helper()
	p := l.h.pull(pick(l, platformIDs...))
	p.Result = pick(l, domain.SyncSuccess, domain.SyncSuccess, domain.SyncFailure, domain.SyncBlocked)
	if p.Result != domain.SyncSuccess {
		p.Failure = &domain.CallError{Class: pick(l, domain.Timeout, domain.NotFound, domain.Blocked)}
	}
	if l.random.IntN(3) == 0 {
		p.User = &domain.PlatformUser{MetaCTFUserID: 1, Username: pick(l, "ada", "Zoë"), Status: pick(l, domain.PlatformDenied, domain.PlatformApproved, domain.PlatformUserCreated)}
	}
	solves := func(make func(id int64) domain.Solve) (list []domain.Solve) {
		for id := range int64(6) {
			if l.random.IntN(2) == 0 {
				s := make(id)
				s.Points, s.Category = pick[int64](l, 0, 100, 250), pick(l, "crypto", "Cryptography", "Web", "Quantum", "quantum", "")
				list = append(list, s)
			}
		}
		return list
	}
	if l.random.IntN(4) > 0 {
		p.ODL = pick(l, l.h.snapshot, l.h.since)(solves(func(id int64) domain.Solve { return odl(id) })...)
		p.ODL.LastAccessedAt = l.h.clock.Now()
	}
	if l.random.IntN(3) > 0 {
		p.Flash = l.h.flash()
		for range l.random.IntN(4) { // the same flash CTF may come twice in an answer
			event := domain.FlashEvent{Name: pick(l, "One", "Two", "Three"), StartsAt: springCTF.StartsAt}
			r := took(event)
			r.Rank = pick[int64](l, 0, 1, 2)
			r.Solves = solves(func(id int64) domain.Solve { return took(event, id).Solves[0] })
			p.Flash.Results = append(p.Flash.Results, r)
		}
	}
	stored := l.h.store(p)
	return fmt.Sprintf("pull of %s (%s): %+v", p.GamePlatformID, p.Result, stored)
}

func (l life) clean() string {
	l.h.t.Helper()
	what, act := "clean the sync state", l.h.sys.CleanSyncState
	if l.random.IntN(2) == 0 {
		what, act = "clean mock data", l.h.sys.CleanMock
	}
	if _, err := act(l.h.t.Context()); err != nil {
		l.h.t.Fatal(err)
	}
	return what
}

func TestWhateverHappensListsSayWhatTheTablesSay(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for seed := range uint64(6) {
			l := life{h, rand.New(rand.NewPCG(seed, 7))}
			what := l.importRoster()
			for step := range 40 {
				if !listsAgree(h, fmt.Sprintf("seed %d, step %d, %s", seed, step, what)) {
					return
				}
				switch n := l.random.IntN(20); {
				case n < 5:
					what = l.importRoster()
				case n < 19:
					what = l.pull()
				default:
					what = l.clean()
				}
			}
		}
		h.want("something was left of it", `SELECT COUNT(*) > 0 FROM competitor_list WHERE points > 0 AND last_flash_at > 0`, "1")
	})
}

func TestSumsFollowRowsOfTheListThatGo(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		for _, statement := range []string{
			`DELETE FROM competitor_list WHERE competitor_id = 'cp-a1'`,
			`DELETE FROM competitors WHERE competitor_id = 'cp-b1'`, // and the row of the list with it
			`UPDATE competitor_list SET team_id = NULL WHERE competitor_id = 'cp-a3'`,
			`UPDATE competitor_list SET coach_id = 'co-b', odl_points = odl_points + 5, game_platform_id = NULL WHERE competitor_id = 'cp-a2'`,
			`DELETE FROM competitor_list`,
		} {
			h.exec(statement)
			h.want(statement+": coaches", keptSums("coaches", "coach_id"), h.lines(sumsOf("coaches", "coach_id"))...)
			h.want(statement+": teams", keptSums("teams", "team_id"), h.lines(sumsOf("teams", "team_id"))...)
		}
		h.want("nobody is left", `SELECT SUM(competitors), SUM(on_platform), SUM(waiting), SUM(odl_points), SUM(flash_solves) FROM coaches`, "0|0|0|0|0")
	})
}

func TestADryRunOfAnImportLeavesTheListsAlone(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		untouched := h.dump()
		row := roster.Row{Line: 2, CoachID: "co-b", CoachEmail: "coach@zebra.example", CoachName: "New Name", CompetitorID: "cp-a1", FirstName: "Ada", LastName: "Amber",
			Division: domain.College, Status: domain.ProfilePending, GamePlatformID: "gp-new"}
		if _, bad, err := h.sys.ImportRoster(t.Context(), []roster.Row{row}, true); err != nil || bad != nil {
			t.Fatal(bad, err)
		}
		if diff := cmp.Diff(untouched, h.dump()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		listsAgree(h, "after a dry run")
	})
}

func TestARenamedTeamOrCoachIsRenamedInTheRowsOfAll(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		rows := rosterOf("a", 4)
		h.roster(rows...)
		for _, rename := range []func(r *roster.Row){
			func(r *roster.Row) { r.Team = "Zweite" }, // who is in it is not in the file but for one
			func(r *roster.Row) { r.CoachName = "Übel" },
		} {
			rename(&rows[0])
			h.roster(rows[0])
			listsAgree(h, "after "+rows[0].Team+" and "+rows[0].CoachName)
		}
		h.want("keys", `SELECT competitor_id, team_key, coach_key FROM competitor_list WHERE team_id IS NOT NULL ORDER BY 1`, "cp-0|zweite|ubel", "cp-2|zweite|ubel")
	})
}
