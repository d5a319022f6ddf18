package store_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
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

// pageThrough reads a list forwards to its end and back again, and compares both ways with the whole.
func pageThrough[T any](t *testing.T, what string, whole []T, limit int, id func(T) string, page func(store.Page) ([]T, store.Place, error)) {
	t.Helper()
	total := len(whole)
	read := func(p store.Page, want store.Place) []T {
		t.Helper()
		rows, place, err := page(p)
		if err != nil || place != want || len(rows) == 0 && total > 0 {
			t.Fatalf("%s: %+v gives %d rows, %+v (%v), want %+v", what, p, len(rows), place, err, want)
		}
		return rows
	}
	place := store.Place{First: min(1, total), Last: min(limit, total), Total: total}
	rows := read(store.Page{Limit: limit}, place)
	forwards := rows
	for place.Last < total {
		place.First, place.Last = place.Last+1, min(place.Last+limit, total)
		rows = read(store.Page{After: id(rows[len(rows)-1]), Limit: limit}, place)
		forwards = append(slices.Clip(forwards), rows...)
	}
	backwards := rows
	for place.First > 1 {
		place.First, place.Last = max(place.First-limit, 1), place.First-1
		rows = read(store.Page{Before: id(rows[0]), Limit: limit}, place)
		backwards = append(slices.Clip(rows), backwards...)
	}
	for way, got := range map[string][]T{"forwards": forwards, "backwards": backwards} {
		if diff := gocmp.Diff(whole, got); diff != "" {
			t.Errorf("%s (-whole +%s):\n%s", what, way, diff)
		}
	}
}

// mixed is a crowd of 60 whose columns hold few values each, so that all orders have many ties.
func mixed(h *house) {
	h.t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	b := h.bounds()
	list := make([]facts, 60)
	for i := range list {
		f := &list[i]
		f.sync.HasEmail, f.sync.OnPlatform = random.IntN(4) > 0, random.IntN(6) > 0
		f.sync.Result = []domain.SyncResult{"", domain.SyncSuccess, domain.SyncSuccess, domain.SyncSuccess, domain.SyncFailure, domain.SyncBlocked}[random.IntN(6)]
		f.sync.LastSuccessAt = []time.Time{{}, b.FreshSince.Add(-time.Hour), storetest.Start}[random.IntN(3)]
		f.lastSolve = []time.Time{{}, b.ActiveSince.Add(-time.Hour), storetest.Start}[random.IntN(3)]
		f.lastSeen = []time.Time{{}, b.ActiveSince.Add(-time.Hour), storetest.Start}[random.IntN(3)]
	}
	factsByID(h, list)
	var rows []roster.Row
	for i, f := range list {
		coach := string("ab"[random.IntN(2)])
		r := roster.Row{CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach " + coach, CompetitorID: fmt.Sprintf("cp-%05d", i),
			FirstName: []string{"ada", "bo"}[random.IntN(2)], LastName: []string{"lane", "moss"}[random.IntN(2)],
			Division: domain.Divisions[random.IntN(3)], Status: domain.ProfilePending}
		if team := random.IntN(3); team > 0 {
			r.TeamID, r.Team = fmt.Sprint("t-", coach, team), fmt.Sprint("team ", team)
		}
		if f.sync.HasEmail {
			r.Email = r.CompetitorID + "@quill.example"
		}
		if f.sync.OnPlatform {
			r.GamePlatformID = "gp-" + r.CompetitorID
			h.exec(fmt.Sprintf(`UPDATE game_platform_stats SET odl_solves = %d, odl_points = %d, flash_solves = %d, flash_points = %d WHERE syned_user_id = '%s'`,
				random.IntN(3), random.IntN(3), random.IntN(3), random.IntN(2), r.GamePlatformID))
			h.exec(fmt.Sprintf(`INSERT INTO game_platform_category_stats VALUES ('%s', '%s', 'x', 1, 1, 1, 1)`, r.GamePlatformID, []string{"web", "crypto"}[random.IntN(2)]))
		}
		rows = append(rows, r)
	}
	h.roster(rows...)
}

// competitorOrders compare what the columns hold.
var competitorOrders = map[store.CompetitorSort]func(a, b store.CompetitorRow) int{
	"":             func(a, b store.CompetitorRow) int { return 0 },
	store.ByName:   func(a, b store.CompetitorRow) int { return 0 },
	"nonsense":     func(a, b store.CompetitorRow) int { return 0 },
	store.ByTeam:   func(a, b store.CompetitorRow) int { return strings.Compare(cmp.Or(a.Team, "~"), cmp.Or(b.Team, "~")) },
	store.ByCoach:  func(a, b store.CompetitorRow) int { return strings.Compare(a.CoachName, b.CoachName) },
	store.ByODL:    func(a, b store.CompetitorRow) int { return cmp.Compare(a.ODLSolves, b.ODLSolves) },
	store.ByFlash:  func(a, b store.CompetitorRow) int { return cmp.Compare(a.FlashSolves, b.FlashSolves) },
	store.ByPoints: func(a, b store.CompetitorRow) int { return cmp.Compare(a.Points(), b.Points()) },
	store.ByDivision: func(a, b store.CompetitorRow) int {
		return strings.Compare(string(a.Division), string(b.Division))
	},
	store.ByLastSolve: func(a, b store.CompetitorRow) int { return a.LastSolveAt.Compare(b.LastSolveAt) },
	store.ByLastSeen:  func(a, b store.CompetitorRow) int { return a.LastSeenAt.Compare(b.LastSeenAt) },
	store.ByLastSync:  func(a, b store.CompetitorRow) int { return a.Sync.LastSuccessAt.Compare(b.Sync.LastSuccessAt) },
	store.ByState: func(a, b store.CompetitorRow) int {
		return cmp.Compare(a.Sync.StateAt(storetest.Start).Order(), b.Sync.StateAt(storetest.Start).Order())
	},
}

// textOrders run backwards as a whole, names within equals too; in all others names run from a to z both ways.
var textOrders = []store.CompetitorSort{"", "nonsense", store.ByName, store.ByTeam, store.ByCoach, store.ByDivision}

func compareCompetitors(sort store.CompetitorSort, desc bool) func(a, b store.CompetitorRow) int {
	return func(a, b store.CompetitorRow) int {
		column, name := competitorOrders[sort](a, b), byNameAndID(a, b)
		if desc {
			column = -column
			if slices.Contains(textOrders, sort) {
				name = -name
			}
		}
		return cmp.Or(column, name)
	}
}

func TestEveryOrderOfCompetitorsIsPagedBothWaysWithoutLosingARow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		mixed(h)
		for sort := range competitorOrders {
			for _, desc := range []bool{false, true} {
				for _, c := range []struct {
					name  string
					scope *store.Scope
					query store.CompetitorQuery
				}{
					{"everybody", h.admin(), store.CompetitorQuery{}},
					{"of a coach", h.coach("co-a"), store.CompetitorQuery{}},
					{"synced", h.admin(), store.CompetitorQuery{State: string(domain.StateSynced)}},
					{"no team, of a category", h.admin(), store.CompetitorQuery{TeamID: store.NoTeam, Category: "web"}},
					{"found, active, of a coach's division", h.admin(), store.CompetitorQuery{
						CoachID: "co-b", Search: "ada lan", Activity: string(domain.Active), Division: domain.College}},
				} {
					q := c.query
					q.Sort, q.Desc, q.Bounds = sort, desc, h.bounds()
					what := fmt.Sprintf("%s by %q, down: %v", c.name, sort, desc)
					whole, err := all(func(fn func(store.CompetitorRow) error) error { return c.scope.EachCompetitor(t.Context(), q, fn) })
					if err != nil || len(whole) == 0 || !slices.IsSortedFunc(whole, compareCompetitors(sort, desc)) {
						t.Errorf("%s: %v, %d rows, not in order:\n%s", what, err, len(whole), gocmp.Diff(slices.SortedFunc(slices.Values(whole), compareCompetitors(sort, desc)), whole))
					}
					pageThrough(t, what, whole, 7, func(r store.CompetitorRow) string { return r.ID }, func(p store.Page) ([]store.CompetitorRow, store.Place, error) {
						return c.scope.CompetitorsPage(t.Context(), q, p)
					})
				}
			}
		}
	})
}

func TestNeighboursAreThoseInTheListOneCameFrom(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		mixed(h)
		q := store.CompetitorQuery{Sort: store.ByState, Desc: true, Bounds: h.bounds(), TeamID: store.NoTeam}
		whole, err := all(func(fn func(store.CompetitorRow) error) error { return h.admin().EachCompetitor(t.Context(), q, fn) })
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]bool{}
		for i, r := range whole {
			in[r.ID] = true
			var want [2]store.Neighbour
			if i > 0 {
				want[0] = store.Neighbour{ID: whole[i-1].ID, Name: whole[i-1].Name()}
			}
			if i+1 < len(whole) {
				want[1] = store.Neighbour{ID: whole[i+1].ID, Name: whole[i+1].Name()}
			}
			before, after, err := h.admin().Neighbours(t.Context(), q, r.ID)
			if got := [2]store.Neighbour{before, after}; got != want || err != nil {
				t.Errorf("%s: %+v (%v), want %+v", r.ID, got, err, want)
			}
		}
		for _, r := range everyCompetitor(h, h.admin()) {
			if before, after, err := h.admin().Neighbours(t.Context(), q, r.ID); !in[r.ID] && (before.ID+after.ID != "" || err != nil) {
				t.Errorf("%s is not in the list, but has the neighbours %v and %v: %v", r.ID, before, after, err)
			}
		}
	})
}

func TestALinkNamesAnOrderWithAMinusForDownwards(t *testing.T) {
	for text, want := range map[string]string{"points": "points false", "-points": "points true", "": " false", "-": " true", "--x": "-x true"} {
		column, desc := store.ParseSort(text)
		if got := fmt.Sprint(column, " ", desc); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
