package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// edges are moments around the ends of days on which something happens to the clock somewhere.
var edges = []struct{ zone, around string }{
	{"UTC", "2026-06-15T12:00:00Z"},
	{"Europe/Berlin", "2026-03-29T12:00:00Z"},       // 23 hours
	{"Europe/Berlin", "2025-10-26T12:00:00Z"},       // 25 hours
	{"America/Los_Angeles", "2026-03-08T20:00:00Z"}, // 23 hours
	{"America/Los_Angeles", "2026-11-01T20:00:00Z"}, // 25 hours
	{"Pacific/Apia", "2011-12-30T10:00:00Z"},        // has no 30 December
	{"Australia/Lord_Howe", "2026-04-05T02:00:00Z"}, // half an hour
	{"America/Santiago", "2026-09-06T12:00:00Z"},    // has no midnight
	{"America/Havana", "2026-11-01T12:00:00Z"},      // has two
	{"Asia/Kathmandu", "2026-05-01T12:00:00Z"},
}

// momentsAround are every half hour of the four days around, and the moments before them.
func momentsAround(t *testing.T, around string) []time.Time {
	t.Helper()
	middle, err := time.Parse(time.RFC3339, around)
	if err != nil {
		t.Fatal(err)
	}
	var list []time.Time
	for at := middle.Add(-48 * time.Hour); at.Before(middle.Add(48 * time.Hour)); at = at.Add(30 * time.Minute) {
		list = append(list, at, at.Add(-time.Microsecond))
	}
	return list
}

// daysOf is what the days of the solves are in the calendar of the zone.
func daysOf(solves []domain.Solve, zone *time.Location) []store.DaySum {
	byDay := map[string]store.DaySum{}
	for _, s := range solves {
		y, m, d := s.SolvedAt.In(zone).Date()
		sum := store.DaySum{Day: time.Date(y, m, d, 12, 0, 0, 0, time.UTC), Solves: 1, Points: s.Points}
		old := byDay[sum.Day.String()]
		sum.Solves, sum.Points = sum.Solves+old.Solves, sum.Points+old.Points
		byDay[sum.Day.String()] = sum
	}
	var list []store.DaySum
	for _, sum := range byDay {
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b store.DaySum) int { return a.Day.Compare(b.Day) })
	return list
}

func TestDaysAreThoseOfTheZonesCalendar(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var solves []domain.Solve
		for _, edge := range edges {
			for _, at := range momentsAround(t, edge.around) {
				if !at.After(storetest.Start) {
					solves = append(solves, odl(int64(len(solves)+1), solvedAt(at), points(int64(len(solves)%7))))
				}
			}
		}
		h.storeODL("gp-a1", h.snapshot(solves...))
		for _, edge := range edges {
			zone := zoneOf(t, edge.zone)
			for name, from := range map[string]time.Time{
				"from the beginning of time": {}, "since 2011": time.Date(2011, 1, 1, 0, 0, 0, 0, zone), "since a moment of the day": solves[len(solves)/2].SolvedAt,
			} {
				what := fmt.Sprintf("%s, %s, %s", edge.zone, edge.around, name)
				got, err := h.coach("co-a").Competitor(t.Context(), "cp-a1", from, zone)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				some := slices.DeleteFunc(slices.Clone(solves), func(s domain.Solve) bool { return s.SolvedAt.Before(from) })
				if diff := cmp.Diff(daysOf(some, zone), got.Days); diff != "" {
					t.Errorf("%s (-calendar +got):\n%s", what, diff)
				}
				if diff := cmp.Diff(got.Days, got.TeamDays); diff != "" {
					t.Errorf("%s: the only one of the team (-own +team's):\n%s", what, diff)
				}
			}
		}
	})
}

func TestDaysAddUpToTheTotalsOfCompetitorAndTeam(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`UPDATE competitors SET team_id = 't-a1' WHERE competitor_id = 'cp-a2'`)
		if err := h.s.RelistAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.store(everything(h, ""))
		h.storeODL("gp-a2", h.snapshot(odl(7000), odl(8, points(50))))
		for id, want := range map[string][2]int64{"cp-a1": {3, 300}, "cp-a2": {2, 150}, "cp-a3": {}} {
			got, err := h.admin().Competitor(t.Context(), id, time.Time{}, zoneOf(t, "America/Los_Angeles"))
			if err != nil {
				t.Fatal(err)
			}
			sum := func(days []store.DaySum) (n [2]int64) {
				for _, d := range days {
					n[0], n[1] = n[0]+d.Solves, n[1]+d.Points
				}
				return n
			}
			var categories [3]int64
			for _, c := range got.Categories {
				categories[0], categories[1], categories[2] = categories[0]+c.Solves, categories[1]+c.Points, categories[2]+c.TeamPoints
			}
			if sum(got.Days) != want || want != [2]int64{got.Solves(), got.Points()} || want != [2]int64{categories[0], categories[1]} {
				t.Errorf("%s: days %v, categories %v, totals %d and %d, want %v", id, sum(got.Days), categories, got.Solves(), got.Points(), want)
			}
			mates := store.TeamTotals{OnPlatform: 2, Solves: 5, Points: 450}
			if got.Mates != mates || sum(got.TeamDays) != [2]int64{5, 450} || len(got.Categories) > 0 && categories[2] != 450 {
				t.Errorf("%s: team %+v, its days %v, its categories %v", id, got.Mates, sum(got.TeamDays), categories)
			}
		}
	})
}

func TestSolvesAreOfAPeriodSourceOrFlashCTF(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		p := h.pull("gp-a1")
		p.ODL, p.Flash = h.snapshot(odl(10), odl(20), odl(30)), h.flash(took(springCTF, 1, 2), took(autumnCTF, 3))
		h.store(p)
		for name, c := range map[string]struct {
			query store.SolveQuery
			want  int
		}{
			"all":                            {store.SolveQuery{}, 6},
			"ODL":                            {store.SolveQuery{Source: domain.SourceODL}, 3},
			"flash":                          {store.SolveQuery{Source: domain.SourceFlash}, 3},
			"one flash CTF":                  {store.SolveQuery{EventID: springCTF.ID()}, 2},
			"from the moment of one":         {store.SolveQuery{From: odl(20).SolvedAt}, 2},
			"and not a moment earlier":       {store.SolveQuery{From: odl(20).SolvedAt.Add(time.Microsecond)}, 1},
			"until before the moment of one": {store.SolveQuery{Until: odl(20).SolvedAt, Source: domain.SourceODL}, 1},
			"between":                        {store.SolveQuery{From: odl(30).SolvedAt, Until: odl(10).SolvedAt}, 2},
			"nobody's source":                {store.SolveQuery{Source: hostile}, 0},
		} {
			c.query.CompetitorID = "cp-a1"
			whole := everySolve(h, c.query)
			page := solvesPage(h, c.query, store.Page{Limit: 9})
			if len(whole) != c.want || page.Place.Total != c.want || page.All != c.want {
				t.Errorf("%s: %d in the export, %+v of %d, want %d", name, len(whole), page.Place, page.All, c.want)
			}
		}
	})
}
