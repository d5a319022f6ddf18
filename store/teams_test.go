package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

var teamOrders = map[store.TeamSort]func(a, b store.Team) int{
	"":                   func(a, b store.Team) int { return 0 },
	store.TeamsByName:    func(a, b store.Team) int { return 0 },
	store.TeamsByCoach:   func(a, b store.Team) int { return strings.Compare(a.CoachName, b.CoachName) },
	store.TeamsByMembers: func(a, b store.Team) int { return cmp.Compare(a.Competitors, b.Competitors) },
	store.TeamsByActive:  func(a, b store.Team) int { return cmp.Compare(a.Active, b.Active) },
	store.TeamsBySolves:  func(a, b store.Team) int { return cmp.Compare(a.Solves, b.Solves) },
	store.TeamsByPoints:  func(a, b store.Team) int { return cmp.Compare(a.Points, b.Points) },
	store.TeamsByAverage: func(a, b store.Team) int { return cmp.Compare(a.Average(), b.Average()) },
}

// manyTeams adds 20 empty teams to a mixed crowd, most of one name.
func manyTeams(h *house) {
	h.t.Helper()
	mixed(h)
	var rows []roster.Row
	for i := range 20 {
		coach := fmt.Sprint("z", i%10)
		rows = append(rows, roster.Row{CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach z", TeamID: fmt.Sprint("t-", i),
			Team: fmt.Sprint("team ", i/10), CompetitorID: "cp-z", FirstName: "Zed", LastName: "Zed", Division: domain.College, Status: domain.ProfilePending})
		h.roster(rows[i]) // who moves on to the next team
	}
}

func TestEveryOrderOfTeamsIsPagedBothWaysWithoutLosingARow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		manyTeams(h)
		for sort, order := range teamOrders {
			for _, desc := range []bool{false, true} {
				for _, c := range []struct {
					name  string
					scope *store.Scope
					query store.TeamQuery
					total int
				}{
					{"all", h.admin(), store.TeamQuery{}, 24}, {"of a coach", h.coach("co-a"), store.TeamQuery{}, 2},
					{"asked for by coach", h.admin(), store.TeamQuery{CoachID: "co-z1"}, 2}, {"found", h.admin(), store.TeamQuery{Search: "1 TEAM"}, 12},
				} {
					q := c.query
					q.Sort, q.Desc, q.Bounds = sort, desc, h.bounds()
					what := fmt.Sprintf("%s by %q, down: %v", c.name, sort, desc)
					whole, err := all(func(fn func(store.Team) error) error { return c.scope.EachTeam(t.Context(), q, fn) })
					compare := func(a, b store.Team) int {
						column, name := order(a, b), slices.Compare([]string{a.Name, a.ID}, []string{b.Name, b.ID})
						if desc {
							column = -column
							if slices.Contains([]store.TeamSort{"", store.TeamsByName, store.TeamsByCoach}, sort) {
								name = -name
							}
						}
						return cmp.Or(column, name)
					}
					if err != nil || len(whole) != c.total || !slices.IsSortedFunc(whole, compare) {
						t.Errorf("%s: %v, %d teams, not in order:\n%s", what, err, len(whole), gocmp.Diff(slices.SortedFunc(slices.Values(whole), compare), whole))
					}
					pageThrough(t, what, whole, 5, func(r store.Team) string { return r.ID }, func(p store.Page) ([]store.Team, store.Place, error) {
						return c.scope.TeamsPage(t.Context(), q, p)
					})
				}
			}
		}
	})
}

func TestTeamsAndThoseWithoutOneAddUpToAllCompetitors(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		manyTeams(h)
		for _, c := range []struct {
			name  string
			scope *store.Scope
			coach string
		}{{"admin", h.admin(), ""}, {"coach", h.coach("co-a"), ""}, {"admin, of a coach", h.admin(), "co-b"}, {"coach, of another", h.coach("co-a"), "co-b"}} {
			q := store.TeamQuery{Bounds: h.bounds(), CoachID: c.coach}
			sum, err1 := c.scope.WithoutTeam(t.Context(), q)
			n := 0
			last := sum.LastSolveAt
			err2 := c.scope.EachTeam(t.Context(), q, func(r store.Team) error {
				n++
				sum.Competitors, sum.OnPlatform, sum.Active = sum.Competitors+r.Competitors, sum.OnPlatform+r.OnPlatform, sum.Active+r.Active
				sum.Solves, sum.Points = sum.Solves+r.Solves, sum.Points+r.Points
				if r.LastSolveAt.After(last) {
					last = r.LastSolveAt
				}
				one, err := c.scope.Team(t.Context(), r.ID, q.Bounds)
				if diff := gocmp.Diff(r, one); diff != "" || err != nil {
					t.Errorf("%s: %v (-list +page):\n%s", c.name, err, diff)
				}
				return nil
			})
			got, err3 := c.scope.CompetitorSums(t.Context(), c.coach, q.Bounds)
			got.Waiting, got.InFlashThisMonth, got.Coaches = 0, 0, 0
			want := store.CompetitorSums{Competitors: sum.Competitors, OnPlatform: sum.OnPlatform, Active: sum.Active, Solves: sum.Solves, Points: sum.Points, Teams: n, LastSolveAt: last}
			if diff := gocmp.Diff(want, got); diff != "" || err1 != nil || err2 != nil || err3 != nil {
				t.Errorf("%s: %v %v %v (-teams +all):\n%s", c.name, err1, err2, err3, diff)
			}
			if seen := c.coach == "" || c.scope.Viewer().Role == domain.RoleAdmin; seen != (sum.Competitors > 0) || seen && !last.Equal(storetest.Start) {
				t.Errorf("%s: %d competitors, the last solve %v", c.name, sum.Competitors, last)
			}
		}
	})
}

func TestAnEmptyTeamAndWhoIsInNoneAreShown(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		b := h.bounds()
		got, err := all(func(fn func(store.Team) error) error {
			return h.coach("co-a").EachTeam(t.Context(), store.TeamQuery{Bounds: b}, fn)
		})
		want := []store.Team{
			{ID: "t-a1", Name: "Amber Team a1", CoachID: "co-a", CoachName: "Coach Amber", Competitors: 2, OnPlatform: 1, Active: 1, Solves: 3, Points: 300, LastSolveAt: odl(1).SolvedAt},
			{ID: "t-a2", Name: "Amber Team a2", CoachID: "co-a", CoachName: "Coach Amber"},
		}
		if diff := gocmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if a, b := got[0].Average(), got[1].Average(); a != 300 || b != 0 {
			t.Errorf("averages %v and %v, want 300 of the one on the platform and 0 of nobody", a, b)
		}
		none, err := h.coach("co-a").WithoutTeam(t.Context(), store.TeamQuery{Bounds: b})
		if diff := gocmp.Diff(store.Team{Competitors: 1, OnPlatform: 1, Active: 1, Solves: 3, Points: 300, LastSolveAt: odl(1).SolvedAt}, none); diff != "" || err != nil {
			t.Errorf("without a team: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTheUnsolvedAreThoseThatNobodyOfTheTeamHasSolved(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`UPDATE competitors SET team_id = 't-a1' WHERE competitor_id = 'cp-a2'`)
		if err := h.s.RelistAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		is := func(category string) func(*domain.Solve) { return func(s *domain.Solve) { s.Category = category } }
		retired := func(s *domain.Solve) { s.Retired = true }
		p := h.pull("gp-b1")
		p.ODL = h.snapshot(odl(1), odl(2, points(50)), odl(3, is("webex"), points(70)), odl(4, retired), odl(5, is("Quantum")), odl(6), odl(7))
		p.Flash = h.flash(took(springCTF, 9)) // no challenge of the platform's own
		h.store(p)
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		h.storeODL("gp-a2", h.snapshot(odl(6)))
		h.storeODL("gp-b2", h.since(odl(7, points(60), is("Web")))) // as it was last reported
		for _, c := range []struct{ name, team, category, want string }{
			{"of the team", "t-a1", "", "2:50 7:60 3:70 5:100"},
			{"of a category", "t-a1", "web", "7:60 3:70"},
			{"of an unknown category", "t-a1", "quantum", "5:100"},
			{"of a category that nobody has met", "t-a1", "osint", ""},
			{"of the empty team", "t-a2", "crypto", "2:50 1:100 6:100"},
			{"of the team whose member has all", "t-b1", "", ""},
			{"without a team", "", "", ""}, {"those in none", store.NoTeam, "", ""},
		} {
			var got []string
			err := h.admin().EachUnsolved(t.Context(), c.team, c.category, func(ch store.Challenge) error {
				got = append(got, fmt.Sprintf("%d:%d", ch.ID-1000, ch.Points))
				return nil
			})
			if list := strings.Join(got, " "); list != c.want || err != nil {
				t.Errorf("%s: %q (%v), want %q", c.name, list, err, c.want)
			}
		}
		h.clock.Advance(time.Hour)
		h.storeODL("gp-b1", h.since(odl(3, is("webex"), points(70), retired)))
		err := h.admin().EachUnsolved(t.Context(), "t-a1", "", func(ch store.Challenge) error {
			if ch.ID == 1003 {
				t.Error("a challenge that was retired meanwhile is still to be solved")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestChoicesAreListedUpToALimitAndNoneBeyond(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for limit, want := range map[int][2]int{0: {0, 0}, 1: {0, 0}, 2: {0, 2}, 3: {3, 2}, 9: {3, 2}} {
			teams, err1 := h.admin().TeamChoices(t.Context(), "", limit)
			coaches, err2 := h.admin().CoachChoices(t.Context(), limit)
			if got := [2]int{len(teams), len(coaches)}; got != want || err1 != nil || err2 != nil {
				t.Errorf("at most %d: %v (%v, %v), want %v", limit, got, err1, err2, want)
			}
		}
	})
}
