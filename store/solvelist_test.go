package store_test

import (
	"errors"
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

// solveOrders are the orders, each with the comparison it stands for.
var solveOrders = []struct {
	name      string
	sort      store.SolveSort
	ascending bool
}{
	{"newest first", store.SolvesByDate, false}, {"oldest first", store.SolvesByDate, true},
	{"most points first", store.SolvesByPoints, false}, {"fewest points first", store.SolvesByPoints, true},
	{"category downwards", store.SolvesByCategory, false}, {"category upwards", store.SolvesByCategory, true},
}

func compareSolves(sort store.SolveSort, ascending bool) func(a, b store.SolveRow) int {
	return func(a, b store.SolveRow) int {
		c := a.SolvedAt.Compare(b.SolvedAt)
		if c == 0 {
			c = a.SolveKey.Compare(b.SolveKey)
		}
		if sort == store.SolvesByPoints && a.Points != b.Points {
			c = int(a.Points - b.Points)
		}
		if d := strings.Compare(domain.CategoryOf(a.Category).Key, domain.CategoryOf(b.Category).Key); sort == store.SolvesByCategory && d != 0 {
			c = d
		}
		if !ascending {
			c = -c
		}
		return c
	}
}

// manySolves gives cp-a1 17 solves, most of them at one moment and for the same points.
func manySolves(h *house) {
	h.t.Helper()
	h.people()
	var solves []domain.Solve
	for i := range int64(11) {
		s := odl(i%4+1, solvedAt(storetest.Start), points(100+i%2*100))
		s.ChallengeID = i
		s.Category = []string{"crypto", "Cryptography", "Quantum_Stuff", "quantum stuff", ""}[i%5]
		solves = append(solves, s)
	}
	solves[3].SolvedAt, solves[7].Points = storetest.Start.Add(-time.Hour), 1
	p := h.pull("gp-a1")
	p.ODL, p.Flash = h.snapshot(solves...), h.flash(took(springCTF, 1, 2, 3), took(autumnCTF, 1, 2, 3))
	h.store(p)
	h.storeODL("gp-a2", h.snapshot(odl(1), odl(2)))
}

func everySolve(h *house, q store.SolveQuery) []store.SolveRow {
	h.t.Helper()
	var all []store.SolveRow
	if err := h.coach("co-a").EachSolve(h.t.Context(), q, func(r store.SolveRow) error { all = append(all, r); return nil }); err != nil {
		h.t.Fatal(err)
	}
	return all
}

func solvesPage(h *house, q store.SolveQuery, p store.Page) store.SolvesPage {
	h.t.Helper()
	page, err := h.coach("co-a").SolvesPage(h.t.Context(), q, p)
	if err != nil {
		h.t.Fatal(err)
	}
	return page
}

func TestSolvesArePagedInEveryOrderWithoutLosingARow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		manySolves(h)
		for _, order := range solveOrders {
			for category, total := range map[string]int{"": 17, "crypto": 11, "quantum stuff": 4} {
				what := fmt.Sprintf("%s, category %q", order.name, category)
				q := store.SolveQuery{CompetitorID: "cp-a1", Category: category, Sort: order.sort, Ascending: order.ascending}
				all := everySolve(h, q)
				if len(all) != total || !slices.IsSortedFunc(all, compareSolves(order.sort, order.ascending)) {
					t.Errorf("%s: export of %d solves, want %d in order: %v", what, len(all), total, all)
				}
				const limit = 3
				page := solvesPage(h, q, store.Page{Limit: limit})
				forwards := page.Rows
				for page.Place.Last < total {
					last := page.Place.Last
					page = solvesPage(h, q, store.Page{After: page.Rows[len(page.Rows)-1].SolveKey.Cursor(), Limit: limit})
					if want := (store.Place{First: last + 1, Last: min(last+limit, total), Total: total}); page.Place != want || page.All != 17 {
						t.Fatalf("%s, forwards: %+v of %d, want %+v", what, page.Place, page.All, want)
					}
					forwards = append(forwards, page.Rows...)
				}
				backwards := page.Rows
				for page.Place.First > 1 {
					first := page.Place.First
					page = solvesPage(h, q, store.Page{Before: page.Rows[0].SolveKey.Cursor(), Limit: limit})
					if want := (store.Place{First: max(first-limit, 1), Last: first - 1, Total: total}); page.Place != want {
						t.Fatalf("%s, backwards: %+v, want %+v", what, page.Place, want)
					}
					backwards = append(slices.Clone(page.Rows), backwards...)
				}
				if diff := cmp.Diff(all, forwards); diff != "" {
					t.Errorf("%s (-export +pages forwards):\n%s", what, diff)
				}
				if diff := cmp.Diff(all, backwards); diff != "" {
					t.Errorf("%s (-export +pages backwards):\n%s", what, diff)
				}
			}
		}
	})
}

func TestCategoriesAreCountedUnderOneNameWhateverTheFilter(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		manySolves(h)
		category := func(key, name string, n int) store.CategoryCount {
			return store.CategoryCount{Category: domain.Category{Key: key, Name: name}, Solves: n}
		}
		want := []store.CategoryCount{category("crypto", "Cryptography", 11), category("none", "No category", 2), category("quantum stuff", "Quantum_Stuff", 4)}
		for filter, total := range map[string]int{"": 17, "crypto": 11, "none": 2, "web": 0, "\x00\xff": 0} {
			page := solvesPage(h, store.SolveQuery{CompetitorID: "cp-a1", Category: filter}, store.Page{Limit: 2})
			if diff := cmp.Diff(want, page.Categories); diff != "" {
				t.Errorf("filter %q (-want +got):\n%s", filter, diff)
			}
			if page.Place.Total != total || page.All != 17 {
				t.Errorf("filter %q: %+v of %d", filter, page.Place, page.All)
			}
		}
	})
}

func TestASolveIsListedWithAllItsFacts(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		p := h.pull("gp-a1")
		plain := odl(1, func(s *domain.Solve) { s.WorkRoles, s.Retired = nil, true })
		roles := odl(2, func(s *domain.Solve) { s.WorkRoles = []string{"PR-CDA-001", `odd "one", é`} })
		p.ODL, p.Flash = h.snapshot(plain, roles), h.flash(took(springCTF, 3))
		h.store(p)
		want := []store.SolveRow{{Solve: plain}, {Solve: roles}, {Solve: took(springCTF, 3).Solves[0], Event: "Spring Flash"}}
		if diff := cmp.Diff(want, everySolve(h, store.SolveQuery{CompetitorID: "cp-a1"})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestASolvesLinkThatNoLongerFitsIsInvalid(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		manySolves(h)
		flash := took(springCTF, 1).Solves[0].SolveKey
		for _, c := range []struct{ name, category, cursor string }{
			{"a solve that is gone", "", "odl..99.99"},
			{"another competitor's solve", "", odl(2).SolveKey.Cursor()},
			{"another source", "", fmt.Sprintf("odl..%d.%d", flash.ChallengeSolveID, flash.ChallengeID)},
			{"not of the category", "none", flash.Cursor()},
			{"damaged", "", "odl.1.2"},
			{"hostile", "", "odl.\x00\xff.1.1"},
			{"hostile event", "", "flash.' OR 1=1 --.1.1"},
		} {
			for _, p := range []store.Page{{After: c.cursor, Limit: 3}, {Before: c.cursor, Limit: 3}} {
				_, err := h.coach("co-a").SolvesPage(t.Context(), store.SolveQuery{CompetitorID: "cp-a1", Category: c.category}, p)
				var told *domain.Error
				if !errors.As(err, &told) || told.Code != domain.Invalid || told.Hint == "" {
					t.Errorf("%s: %v", c.name, err)
				}
			}
		}
	})
}

func TestACompetitorWithoutSolvesHasAnEmptyPage(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, id := range []string{"cp-a2", "cp-a3"} {
			if diff := cmp.Diff(store.SolvesPage{}, solvesPage(h, store.SolveQuery{CompetitorID: id}, store.Page{Limit: 3})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", id, diff)
			}
		}
	})
}
