package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

func everyCompetitor(h *house, sc *store.Scope) []store.CompetitorRow {
	h.t.Helper()
	var all []store.CompetitorRow
	if err := sc.EachCompetitor(h.t.Context(), store.CompetitorQuery{}, func(r store.CompetitorRow) error { all = append(all, r); return nil }); err != nil {
		h.t.Fatal(err)
	}
	return all
}

func competitorsPage(h *house, sc *store.Scope, p store.Page) ([]store.CompetitorRow, store.Place) {
	h.t.Helper()
	rows, place, err := sc.CompetitorsPage(h.t.Context(), store.CompetitorQuery{}, p)
	if err != nil {
		h.t.Fatal(err)
	}
	return rows, place
}

// crowd is two coaches with 12 and 6 competitors, most of one and the same name.
func crowd(h *house) {
	h.t.Helper()
	var rows []roster.Row
	for i := range 18 {
		coach := "a"
		if i%5 > 2 {
			coach = "b"
		}
		first := "Ada"
		if i%6 == 5 {
			first = fmt.Sprintf("Bo%d", i)
		}
		rows = append(rows, roster.Row{
			CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach " + coach, FirstName: first, LastName: "Lane",
			CompetitorID: fmt.Sprintf("cp-%02d", (i*7)%18), Division: domain.College, Status: domain.ProfilePending,
		})
	}
	h.roster(rows...)
}

func TestTheListIsPagedForwardsAndBackwardsWithoutLosingARow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		crowd(h)
		for _, c := range []struct {
			name  string
			scope *store.Scope
			total int
		}{{"admin", h.admin(), 18}, {"coach a", h.coach("co-a"), 12}, {"coach b", h.coach("co-b"), 6}} {
			all := everyCompetitor(h, c.scope)
			if len(all) != c.total || !slices.IsSortedFunc(all, byNameAndID) {
				t.Fatalf("%s: %d competitors in the export, want %d in order", c.name, len(all), c.total)
			}
			const limit = 3
			var forwards, backwards []store.CompetitorRow
			rows, place := competitorsPage(h, c.scope, store.Page{Limit: limit})
			for {
				if want := (store.Place{First: len(forwards) + 1, Last: min(len(forwards)+limit, c.total), Total: c.total}); place != want {
					t.Errorf("%s, forwards: %+v, want %+v", c.name, place, want)
				}
				forwards = append(forwards, rows...)
				if place.Last == c.total {
					break
				}
				rows, place = competitorsPage(h, c.scope, store.Page{After: rows[len(rows)-1].ID, Limit: limit})
			}
			backwards = rows
			for place.First > 1 {
				before := place.First
				rows, place = competitorsPage(h, c.scope, store.Page{Before: rows[0].ID, Limit: limit})
				if want := (store.Place{First: max(before-limit, 1), Last: before - 1, Total: c.total}); place != want {
					t.Errorf("%s, backwards: %+v, want %+v", c.name, place, want)
				}
				backwards = append(slices.Clone(rows), backwards...)
			}
			if diff := cmp.Diff(all, forwards); diff != "" {
				t.Errorf("%s (-export +pages forwards):\n%s", c.name, diff)
			}
			if diff := cmp.Diff(all, backwards); diff != "" {
				t.Errorf("%s (-export +pages backwards):\n%s", c.name, diff)
			}
		}
	})
}

func byNameAndID(a, b store.CompetitorRow) int {
	return slices.Compare([]string{a.Name(), a.ID}, []string{b.Name(), b.ID})
}

func TestAPageBeyondEitherEndIsEmpty(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		empty := func(what string, p store.Page, total int) {
			t.Helper()
			rows, place := competitorsPage(h, h.admin(), p)
			if len(rows) != 0 || place != (store.Place{Total: total}) {
				t.Errorf("%s: %d rows, %+v", what, len(rows), place)
			}
		}
		empty("no competitor at all", store.Page{Limit: 5}, 0)
		crowd(h)
		all := everyCompetitor(h, h.admin())
		empty("after the last", store.Page{After: all[17].ID, Limit: 5}, 18)
		empty("before the first", store.Page{Before: all[0].ID, Limit: 5}, 18)
	})
}

func TestAPageOfARowThatIsGoneIsInvalid(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		crowd(h)
		for _, p := range []store.Page{{After: "cp-99", Limit: 3}, {Before: "cp-99", Limit: 3}} {
			_, _, err := h.admin().CompetitorsPage(t.Context(), store.CompetitorQuery{}, p)
			var told *domain.Error
			if !errors.As(err, &told) || told.Code != domain.Invalid || told.Hint == "" {
				t.Errorf("%+v: %v", p, err)
			}
		}
	})
}

func TestNamesAreListedInOneOrderOnBothDatabases(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var rows []roster.Row
		for i, name := range []string{"zoe", "Éva", "ada", "Ada", "Øyvind", "_x", "Zoë", "eva b", "ADA"} {
			rows = append(rows, roster.Row{CoachID: "co-a", CoachEmail: "a@quill.example", CoachName: "A", FirstName: name, LastName: "Q",
				CompetitorID: fmt.Sprintf("cp-%d", i), Division: domain.College, Status: domain.ProfilePending})
		}
		h.roster(rows...)
		var got []string
		for _, r := range everyCompetitor(h, h.admin()) {
			got = append(got, r.FirstName)
		}
		if diff := cmp.Diff([]string{"_x", "ada", "Ada", "ADA", "eva b", "Éva", "zoe", "Zoë", "Øyvind"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheSumsAreThoseOfTheRowsAndTheRowsThoseOfTheSolves(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		h.storeODL("gp-a1", h.since(odl(3, points(550)), odl(4, points(0))))
		last := odl(1).SolvedAt
		for _, c := range []struct {
			name  string
			scope *store.Scope
			want  store.CompetitorSums
		}{
			{"admin", h.admin(), store.CompetitorSums{Competitors: 5, OnPlatform: 4, Waiting: 1, Active: 4, Teams: 3, Coaches: 2, Solves: 14, Points: 1750, LastSolveAt: last}},
			{"coach a", h.coach("co-a"), store.CompetitorSums{Competitors: 3, OnPlatform: 2, Waiting: 1, Active: 2, Teams: 2, Coaches: 1, Solves: 8, Points: 1150, LastSolveAt: last}},
			{"coach b", h.coach("co-b"), store.CompetitorSums{Competitors: 2, OnPlatform: 2, Active: 2, Teams: 1, Coaches: 1, Solves: 6, Points: 600, LastSolveAt: last}},
			{"nobody", h.s.For(domain.Viewer{}), store.CompetitorSums{}},
		} {
			sums, err := c.scope.CompetitorSums(t.Context(), "", h.bounds())
			if diff := cmp.Diff(c.want, sums); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
			}
			var solves, points int64
			for _, row := range everyCompetitor(h, c.scope) {
				solves, points = solves+row.Solves(), points+row.Points()
				var own, ownPoints int64
				if err := c.scope.EachSolve(t.Context(), store.SolveQuery{CompetitorID: row.ID}, func(s store.SolveRow) error {
					own, ownPoints = own+1, ownPoints+s.Points
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				page, err := c.scope.SolvesPage(t.Context(), store.SolveQuery{CompetitorID: row.ID}, store.Page{Limit: 1})
				if own != row.Solves() || ownPoints != row.Points() || int64(page.All) != own || err != nil {
					t.Errorf("%s: the row of %s says %d solves and %d points, its solves are %d and %d, its page says %d (%v)",
						c.name, row.ID, row.Solves(), row.Points(), own, ownPoints, page.All, err)
				}
			}
			if solves != sums.Solves || points != sums.Points {
				t.Errorf("%s: rows add up to %d and %d, the sums are %+v", c.name, solves, points, sums)
			}
		}
	})
}

func TestACompetitorsPageShowsAllThatIsKnown(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		p := h.pull("gp-a1")
		p.User = &domain.PlatformUser{MetaCTFUserID: 1, Username: "ada", Status: domain.PlatformPendingApproval}
		p.ODL, p.Flash = h.snapshot(odl(1), odl(2)), h.flash(took(springCTF, 3), took(autumnCTF))
		p.ODL.LastAccessedAt = storetest.Start.Add(-time.Minute)
		p.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{}")}
		h.store(p)
		p = h.pull("gp-a1")
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout}
		h.store(p)
		start := storetest.Start
		days := []store.DaySum{
			{Day: springCTF.StartsAt.Truncate(day).Add(day / 2), Solves: 1, Points: 100},
			{Day: start.Truncate(day).Add(day / 2), Solves: 2, Points: 200},
		}
		want := store.CompetitorDetail{
			CompetitorRow: store.CompetitorRow{
				Competitor: domain.Competitor{ID: "cp-a1", GamePlatformID: "gp-a1", CoachID: "co-a", TeamID: "t-a1", FirstName: "Ada", LastName: "Amber",
					Email: "a1@amber.example", Division: domain.HighSchool, Grade: "11", Status: domain.ProfileComplete},
				Team: "Amber Team a1", CoachName: "Coach Amber", CoachEmail: "coach@amber.example", School: "Amber High", Username: "ada",
				ODLSolves: 2, ODLPoints: 200, FlashSolves: 1, FlashPoints: 100, LastSolveAt: odl(1).SolvedAt, LastSeenAt: start.Add(-time.Minute),
				Sync: domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncFailure, Class: domain.Timeout,
					PlatformStatus: domain.PlatformPendingApproval, LastSuccessAt: start, LastAttemptAt: start.Add(time.Minute), NextDueAt: start.Add(61 * time.Minute), FailedInARow: 1},
			},
			Results: []store.EventResult{
				{EventID: autumnCTF.ID(), Name: "Autumn Flash", StartsAt: autumnCTF.StartsAt, Rank: 3, Points: 300, MaxPoints: 900},
				{EventID: springCTF.ID(), Name: "Spring Flash", StartsAt: springCTF.StartsAt, Rank: 3, ChallengesSolved: 1, Points: 300, MaxPoints: 900},
			},
			Categories:  []store.CategorySum{{Category: domain.Category{Key: "crypto", Name: "Cryptography"}, Solves: 3, Points: 300, TeamPoints: 300}},
			Days:        days,
			TeamDays:    days,
			Mates:       store.TeamTotals{OnPlatform: 1, Solves: 3, Points: 300},
			Freshness:   store.Freshness{ODLAt: start, FlashAt: start, AccountAt: start, AttemptAt: start.Add(time.Minute), NextDueAt: start.Add(61 * time.Minute)},
			Quarantined: 1,
		}
		for failure, sc := range []*store.Scope{h.coach("co-a"), h.admin()} {
			want.FailureID = int64(failure) // the first one, which the coach does not see
			got, err := sc.Competitor(t.Context(), "cp-a1", h.clock.Now().AddDate(-1, 0, 0), time.UTC)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
		if diff := cmp.Diff(want.CompetitorRow, everyCompetitor(h, h.admin())[0]); diff != "" {
			t.Errorf("list (-page +list):\n%s", diff)
		}
	})
}

func TestWhoHasNoTeamNoAccountOrNoSolveIsListedToo(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var got []string
		for _, r := range everyCompetitor(h, h.coach("co-a")) {
			got = append(got, fmt.Sprintf("%s %q %v %d", r.ID, r.Team, r.Sync.OnPlatform, r.Solves()))
			detail, err := h.coach("co-a").Competitor(t.Context(), r.ID, h.clock.Now().AddDate(-1, 0, 0), time.UTC)
			want := store.CompetitorDetail{CompetitorRow: r}
			if r.TeamID != "" {
				want.Mates.OnPlatform = 1 // of the two in the team
			}
			if diff := cmp.Diff(want, detail); diff != "" || err != nil {
				t.Errorf("%v (-list +page):\n%s", err, diff)
			}
		}
		want := []string{`cp-a1 "Amber Team a1" true 0`, `cp-a2 "" true 0`, `cp-a3 "Amber Team a1" false 0`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAnExportEndsWithItsReadersError(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		broken := errors.New("the browser went away")
		n := 0
		err1 := h.admin().EachCompetitor(t.Context(), store.CompetitorQuery{}, func(store.CompetitorRow) error { n++; return broken })
		err2 := h.admin().EachSolve(t.Context(), store.SolveQuery{CompetitorID: "cp-a1"}, func(store.SolveRow) error { n++; return broken })
		if !errors.Is(err1, broken) || !errors.Is(err2, broken) || n != 2 {
			t.Errorf("%d rows, errors %v and %v", n, err1, err2)
		}
	})
}
