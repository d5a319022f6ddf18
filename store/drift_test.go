package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// detail is what cp-a1's page shows.
func detail(h *house) store.CompetitorDetail {
	h.t.Helper()
	d, err := h.coach("co-a").Competitor(h.t.Context(), "cp-a1", h.clock.Now().AddDate(-1, 0, 0), time.UTC)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

// says adds the platform's own totals to an answer.
func says(part *store.ODLPull, solves, points int64) *store.ODLPull {
	part.TotalSolves, part.TotalPoints = &solves, &points
	return part
}

func TestDriftIsWhereThePlatformsTotalsDifferFromItsSolves(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		drift := func(minute int, ourSolves, ourPoints, theirSolves, theirPoints int64) *store.Drift {
			return &store.Drift{At: storetest.Start.Add(time.Duration(minute) * time.Minute),
				OurSolves: ourSolves, OurPoints: ourPoints, TheirSolves: theirSolves, TheirPoints: theirPoints}
		}
		for i, step := range []struct { // each a minute after the one before
			name string
			part func() *store.ODLPull
			want *store.Drift
		}{
			{"no totals", func() *store.ODLPull { return h.snapshot(odl(1)) }, nil},
			{"those that agree", func() *store.ODLPull { return says(h.snapshot(odl(1)), 1, 100) }, nil},
			{"a solve later is none", func() *store.ODLPull { return h.since(odl(2)) }, nil},
			{"totals after a cursor are not taken", func() *store.ODLPull { return says(h.since(), 9, 900) }, nil},
			{"more solves than we got", func() *store.ODLPull { return says(h.snapshot(odl(1), odl(2)), 3, 300) }, drift(4, 2, 200, 3, 300)},
			{"a solve that came later does not mend it", func() *store.ODLPull { return h.since(odl(3)) }, drift(4, 2, 200, 3, 300)},
			{"the points alone differ", func() *store.ODLPull { return says(h.snapshot(odl(1), odl(2), odl(3)), 3, 250) }, drift(6, 3, 300, 3, 250)},
			{"fewer than we have", func() *store.ODLPull { return says(h.snapshot(odl(1), odl(2)), 2, 200) }, drift(7, 3, 300, 2, 200)},
			{"until it is withdrawn", func() *store.ODLPull { return says(h.snapshot(odl(1), odl(2)), 2, 200) }, nil},
			{"none at all", func() *store.ODLPull { return says(h.snapshot(), 0, 0) }, drift(9, 2, 200, 0, 0)},
			{"it agrees again", func() *store.ODLPull { return says(h.snapshot(odl(1), odl(2)), 2, 200) }, nil},
			{"flash solves do not count", func() *store.ODLPull {
				h.storeFlash("gp-a1", h.flash(took(springCTF, 1, 2)))
				h.clock.Advance(-time.Minute)
				return says(h.snapshot(odl(1), odl(2)), 2, 200)
			}, nil},
		} {
			h.storeODL("gp-a1", step.part())
			if diff := cmp.Diff(step.want, detail(h).Drift); diff != "" {
				t.Errorf("step %d, %s (-want +got):\n%s", i, step.name, diff)
			}
		}
		h.clock.Advance(time.Hour)
		failed := h.pull("gp-a1")
		failed.Result, failed.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout}
		h.store(failed)
		if got := detail(h); got.Drift != nil {
			t.Errorf("after a failure: %+v", got.Drift)
		}
	})
}

func TestFreshnessSaysWhenEachPartWasBroughtInStep(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		at := func(minute int) time.Time { return storetest.Start.Add(time.Duration(minute) * time.Minute) }
		if got := detail(h).Freshness; got != (store.Freshness{}) {
			t.Errorf("never tried: %+v", got)
		}
		p := everything(h, "")
		h.store(p)
		want := store.Freshness{ODLAt: at(0), FlashAt: at(0), FullAt: at(0), AccountAt: at(0), AttemptAt: at(0), NextDueAt: at(60)}
		if diff := cmp.Diff(want, detail(h).Freshness); diff != "" {
			t.Errorf("all of it (-want +got):\n%s", diff)
		}
		h.storeODL("gp-a1", h.since())
		want.ODLAt, want.AttemptAt, want.NextDueAt = at(1), at(1), at(61)
		if diff := cmp.Diff(want, detail(h).Freshness); diff != "" {
			t.Errorf("a part (-want +got):\n%s", diff)
		}
		p = h.pull("gp-a1")
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout}
		h.store(p)
		want.AttemptAt, want.NextDueAt = at(2), at(62)
		if diff := cmp.Diff(want, detail(h).Freshness); diff != "" {
			t.Errorf("a failure (-want +got):\n%s", diff)
		}
	})
}

func TestCategoriesStandWithTheMostPointsFirstBesideTheTeams(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`UPDATE competitors SET team_id = 't-a1' WHERE competitor_id = 'cp-a2'`)
		if err := h.s.RelistAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		is := func(category string) func(*domain.Solve) { return func(s *domain.Solve) { s.Category = category } }
		h.storeODL("gp-a1", h.snapshot(odl(1, is("Web")), odl(2, is("webex")), odl(3, is("Quantum_Stuff"), points(500)), odl(4, is("")), odl(5, is("misc"), points(0))))
		h.storeODL("gp-a2", h.snapshot(odl(1, is("web exploitation"), points(7)), odl(6)))
		h.storeODL("gp-b1", h.snapshot(odl(1, is("Web"))))
		category := func(key, name string, solves, points, team int64) store.CategorySum {
			return store.CategorySum{Category: domain.Category{Key: key, Name: name}, Solves: solves, Points: points, TeamPoints: team}
		}
		want := []store.CategorySum{category("quantum stuff", "Quantum_Stuff", 1, 500, 500), category("web", "Web", 2, 200, 207),
			category("none", "No category", 1, 100, 100), category("misc", "Miscellaneous", 1, 0, 0)}
		if diff := cmp.Diff(want, detail(h).Categories); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOnlyTheRemovalsOfTheListAreAgreedTo(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	h.exec(`UPDATE coaches SET onboarding_confirmed_at = 1`)
	h.exec(`INSERT INTO game_platform_assignments (syned_user_id, syned_team_id, ours_team_id, since_at) VALUES ('gp-a1', 't-old', 't-old', 1)`)
	shown, err := h.admin().HeldRemovals(t.Context(), store.OnboardingRules{}, 9)
	if err != nil || shown.Total != 1 {
		t.Fatalf("%+v, %v, want one", shown, err)
	}
	queueBehind(t, h, "LOCK TABLE confirmed_removals IN SHARE MODE", nil, // which whoever agrees comes to after reading the list
		func(s *store.Store) error {
			return s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).ConfirmRemovals(t.Context(), shown.Digest)
		},
		func(s *store.Store) error { // the platform has been asked for this before the roster put the competitor elsewhere
			return s.System().Assigned(t.Context(), domain.StepAssignment, store.TeamStep{CompetitorID: "cp-b1", Assignment: store.Assignment{UserID: "gp-b1", TeamID: "t-old"}})
		})
	h.want("agreed to", `SELECT syned_user_id, syned_team_id FROM confirmed_removals ORDER BY 1`, "gp-a1|t-old")
}
