package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

func TestCoachesAreListedWithTheSumsOfTheirCompetitors(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		amber := store.CoachRow{Coach: domain.Coach{ID: "co-a", Name: "Coach Amber", Email: "coach@amber.example", School: "Amber High", Region: "Amber Coast"},
			Competitors: 3, OnPlatform: 2, Waiting: 1, Teams: 2, Solves: 6, Points: 600}
		zebra := store.CoachRow{Coach: domain.Coach{ID: "co-b", Name: "Coach Zebra", Email: "coach@zebra.example", School: "Zebra High", Region: "Zebra Coast"},
			Competitors: 2, OnPlatform: 2, Teams: 1, Solves: 6, Points: 600}
		got, err := all(func(fn func(store.CoachRow) error) error { return h.admin().EachCoach(t.Context(), "", fn) })
		if diff := cmp.Diff([]store.CoachRow{amber, zebra}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		for _, want := range got {
			one, err := h.admin().Coach(t.Context(), want.ID)
			if diff := cmp.Diff(want, one); diff != "" || err != nil {
				t.Errorf("%v (-list +page):\n%s", err, diff)
			}
			sums, err := h.admin().CompetitorSums(t.Context(), want.ID, h.bounds())
			own := store.CompetitorSums{Competitors: want.Competitors, OnPlatform: want.OnPlatform, Waiting: want.Waiting, Teams: want.Teams, Coaches: 1,
				Active: 2, Solves: want.Solves, Points: want.Points, LastSolveAt: storetest.Start.Add(-time.Minute)}
			if diff := cmp.Diff(own, sums); diff != "" || err != nil {
				t.Errorf("%v (-coach +sums):\n%s", err, diff)
			}
		}
	})
}

func TestCoachesArePagedBothWaysWithoutLosingOne(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var rows []roster.Row
		for i := range 18 {
			id := fmt.Sprintf("%02d", i*7%18)
			rows = append(rows, roster.Row{CoachID: "co-" + id, CoachEmail: id + "@quill.example", CoachName: []string{"Éva", "eva", "Zoe", "ada"}[i%4],
				CompetitorID: "cp-" + id, FirstName: "Ada", LastName: id, Division: domain.College, Status: domain.ProfilePending})
		}
		h.roster(rows...)
		for search, total := range map[string]int{"": 18, "eva": 10, "EVÁ": 10, "zo": 4, "nobody": 0} {
			whole, err := all(func(fn func(store.CoachRow) error) error { return h.admin().EachCoach(t.Context(), search, fn) })
			sorted := slices.IsSortedFunc(whole, func(a, b store.CoachRow) int {
				fold := func(r store.CoachRow) string { return strings.ReplaceAll(strings.ToLower(r.Name), "é", "e") }
				return slices.Compare([]string{fold(a), a.ID}, []string{fold(b), b.ID})
			})
			if err != nil || len(whole) != total || !sorted {
				t.Errorf("%q: %d coaches, want %d in order: %v %+v", search, len(whole), total, err, whole)
			}
			pageThrough(t, search, whole, 4, func(r store.CoachRow) string { return r.ID }, func(p store.Page) ([]store.CoachRow, store.Place, error) {
				return h.admin().CoachesPage(t.Context(), search, p)
			})
		}
	})
}

func TestListsEndWithTheirReadersError(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		broken := fmt.Errorf("the browser went away")
		sc := h.admin()
		for name, each := range map[string]func() error{
			"EachTeam": func() error {
				return sc.EachTeam(t.Context(), store.TeamQuery{}, func(store.Team) error { return broken })
			},
			"EachCoach": func() error { return sc.EachCoach(t.Context(), "", func(store.CoachRow) error { return broken }) },
			"EachEvent": func() error { return sc.EachEvent(t.Context(), func(store.Event) error { return broken }) },
			"EachParticipant": func() error {
				return sc.EachParticipant(t.Context(), eventOf("Amber"), func(store.Participant) error { return broken })
			},
			"EachUnsolved": func() error {
				return sc.EachUnsolved(t.Context(), "t-a2", "", func(store.Challenge) error { return broken })
			},
		} {
			if err := each(); err == nil || !strings.Contains(err.Error(), broken.Error()) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
