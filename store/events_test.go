package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// players gives 24 people of two coaches results in two flash CTFs, a third of them without a rank and most in ties. Every
// sixth is not on the platform, and one account is nobody's.
func players(h *house) {
	h.t.Helper()
	var rows []roster.Row
	for i := range 24 {
		coach := string("ab"[i%2])
		r := roster.Row{CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach " + coach, CompetitorID: fmt.Sprintf("cp-%02d", i*7%24),
			FirstName: "Ada", LastName: fmt.Sprint("L", i), Division: domain.College, Status: domain.ProfilePending}
		if i%6 != 5 {
			r.GamePlatformID = fmt.Sprintf("gp-%02d", i)
		}
		if i%3 == 0 {
			r.TeamID, r.Team, r.Email = "t-"+coach, "Team "+coach, r.CompetitorID+"@quill.example"
		}
		rows = append(rows, r)
	}
	h.roster(rows...)
	for i := range 24 {
		result := func(event domain.FlashEvent, rank int) domain.FlashResult {
			r := took(event, 1)
			r.Rank, r.PointsEarned = int64(rank), int64(100-rank)
			return r
		}
		p := h.pull(fmt.Sprintf("gp-%02d", i))
		p.Flash = h.flash()
		if i%4 != 3 {
			p.Flash.Results = append(p.Flash.Results, result(springCTF, []int{0, 2, 7}[i%3]))
		}
		if i < 2 {
			p.Flash.Results = append(p.Flash.Results, result(autumnCTF, 0))
		}
		if i%6 != 5 {
			h.store(p)
		}
	}
	p := h.pull("gp-gone")
	p.Flash = h.flash(result1(springCTF))
	h.store(p)
}

// result1 is the first place.
func result1(event domain.FlashEvent) domain.FlashResult {
	r := took(event)
	r.Rank, r.MaxPoints = 1, 5000
	return r
}

func TestWhoTookPartAndWhoDidNotAreAllOnThePlatform(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		players(h)
		for _, c := range []struct {
			name  string
			scope *store.Scope
			want  []store.Event
		}{
			{"admin", h.admin(), []store.Event{
				{ID: autumnCTF.ID(), Name: "Autumn Flash", StartsAt: autumnCTF.StartsAt, Participants: 2, OnPlatform: 20, MaxPoints: 900},
				{ID: springCTF.ID(), Name: "Spring Flash", StartsAt: springCTF.StartsAt, Participants: 16, OnPlatform: 20, BestRank: 2, MaxPoints: 900}}},
			{"coach a", h.coach("co-a"), []store.Event{
				{ID: autumnCTF.ID(), Name: "Autumn Flash", StartsAt: autumnCTF.StartsAt, Participants: 1, OnPlatform: 12, MaxPoints: 900},
				{ID: springCTF.ID(), Name: "Spring Flash", StartsAt: springCTF.StartsAt, Participants: 12, OnPlatform: 12, BestRank: 2, MaxPoints: 900}}},
			{"coach b", h.coach("co-b"), []store.Event{
				{ID: autumnCTF.ID(), Name: "Autumn Flash", StartsAt: autumnCTF.StartsAt, Participants: 1, OnPlatform: 8, MaxPoints: 900},
				{ID: springCTF.ID(), Name: "Spring Flash", StartsAt: springCTF.StartsAt, Participants: 4, OnPlatform: 8, BestRank: 2, MaxPoints: 900}}},
			{"coach of nobody", h.coach("co-z"), []store.Event{
				{ID: autumnCTF.ID(), Name: "Autumn Flash", StartsAt: autumnCTF.StartsAt},
				{ID: springCTF.ID(), Name: "Spring Flash", StartsAt: springCTF.StartsAt}}},
		} {
			got, err := all(func(fn func(store.Event) error) error { return c.scope.EachEvent(t.Context(), fn) })
			if diff := gocmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
			}
			for _, e := range got {
				one, err := c.scope.Event(t.Context(), e.ID)
				if one != e || err != nil {
					t.Errorf("%s: the page of %s says %+v: %v", c.name, e.Name, one, err)
				}
				absent := idsOf(h, c.scope, store.CompetitorQuery{Absent: e.ID})
				if len(absent) != e.Absent() || e.Absent()+e.Participants != e.OnPlatform {
					t.Errorf("%s, %s: %d absent in the list, %d counted", c.name, e.Name, len(absent), e.Absent())
				}
				_ = c.scope.EachParticipant(t.Context(), e.ID, func(p store.Participant) error {
					if slices.Contains(absent, p.CompetitorID) {
						t.Errorf("%s, %s: %s took part and is absent", c.name, e.Name, p.CompetitorID)
					}
					return nil
				})
			}
		}
	})
}

func TestParticipantsAreListedByRankThoseWithoutOneLast(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		players(h)
		for name, scope := range map[string]*store.Scope{"admin": h.admin(), "coach a": h.coach("co-a"), "coach b": h.coach("co-b"), "nobody": h.coach("co-z")} {
			for _, event := range []domain.FlashEvent{springCTF, autumnCTF} {
				e, err := scope.Event(t.Context(), event.ID())
				if err != nil {
					t.Fatal(err)
				}
				whole, err := all(func(fn func(store.Participant) error) error { return scope.EachParticipant(t.Context(), e.ID, fn) })
				ordered := slices.IsSortedFunc(whole, func(a, b store.Participant) int {
					return cmp.Compare(cmp.Or(a.Rank, 99), cmp.Or(b.Rank, 99))
				})
				if err != nil || len(whole) != e.Participants || !ordered {
					t.Errorf("%s: %d of %d, in order: %v, %v", name, len(whole), e.Participants, ordered, err)
				}
				pageThrough(t, name+" "+e.Name, whole, 3, func(p store.Participant) string { return p.CompetitorID }, func(p store.Page) ([]store.Participant, store.Place, error) {
					return scope.ParticipantsPage(t.Context(), e, p)
				})
			}
		}
	})
}

func TestAParticipantIsShownWithTeamCoachAndResult(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		players(h)
		whole, err := all(func(fn func(store.Participant) error) error {
			return h.admin().EachParticipant(t.Context(), autumnCTF.ID(), fn)
		})
		want := []store.Participant{
			{CompetitorID: "cp-00", FirstName: "Ada", LastName: "L0", Email: "cp-00@quill.example", Team: "Team a", CoachName: "Coach a", ChallengesSolved: 1, Points: 100, MaxPoints: 900},
			{CompetitorID: "cp-07", FirstName: "Ada", LastName: "L1", CoachName: "Coach b", ChallengesSolved: 1, Points: 100, MaxPoints: 900},
		}
		if diff := gocmp.Diff(want, whole); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTheOldestFlashCTFStandsLastAndOfOneMomentTheIDDecides(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var results []domain.FlashResult
		for i := range 6 {
			results = append(results, took(domain.FlashEvent{Name: fmt.Sprint("Flash ", i), StartsAt: springCTF.StartsAt.Add(time.Duration(i/3) * time.Hour)}))
		}
		h.storeFlash("gp-a1", h.flash(results...))
		got, err := all(func(fn func(store.Event) error) error { return h.coach("co-b").EachEvent(t.Context(), fn) })
		sorted := slices.IsSortedFunc(got, func(a, b store.Event) int { return cmp.Or(b.StartsAt.Compare(a.StartsAt), cmp.Compare(a.ID, b.ID)) })
		if err != nil || len(got) != 6 || !sorted {
			t.Errorf("%v: %+v", err, got)
		}
	})
}
