package simulator_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
)

// clientOf is a client of s.
func clientOf(t *testing.T, s *simulator.Simulator) *metactf.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := metactf.New(metactf.Config{
		BaseURL: server.URL + simulator.BaseURLPath, Tokens: []metactf.Token{{Name: "token", Value: token}}, RateLimit: 1e6,
	}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collected is what a client learns from all score calls that it can read.
type collected struct {
	odl, flash []domain.Solve
	events     map[string]bool
	malformed  int
	claimed    int64 // points by the platform's own ODL totals
	repeated   int   // solve ids that a user has more than once
}

func collect(t *testing.T, s *simulator.Simulator) collected {
	t.Helper()
	c := clientOf(t, s)
	all := collected{events: map[string]bool{}}
	for _, id := range idsOf(t, s) {
		seen := map[int64]bool{}
		note := func(solves []domain.Solve) []domain.Solve {
			for _, v := range solves {
				if seen[v.ChallengeSolveID] {
					all.repeated++
				}
				seen[v.ChallengeSolveID] = true
			}
			return solves
		}
		if scores, err := c.ODLScores(t.Context(), id, time.Time{}); err == nil {
			all.odl = append(all.odl, note(scores.Solves)...)
			all.malformed += len(scores.Malformed)
			all.claimed += *scores.TotalPoints
		}
		if progress, err := c.FlashProgress(t.Context(), id); err == nil {
			all.malformed += len(progress.Malformed)
			for _, r := range progress.Results {
				all.flash = append(all.flash, note(r.Solves)...)
				all.events[r.Event.ID()] = true
			}
		}
	}
	if fields := c.Fields(); len(fields) > 0 {
		t.Errorf("fields that differ from the schema: %v", fields)
	}
	return all
}

func points(solves []domain.Solve) (sum int64) {
	for _, s := range solves {
		sum += s.Points
	}
	return sum
}

func TestTotalsAreWhatTheCallsGive(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Seed: 5, LiveEvery: time.Minute})
	clock.set(seasonStart.Add(2 * time.Hour))
	got, want := collect(t, s), s.Totals(clock.now())
	sums := simulator.Totals{
		Events: len(got.events), ODLSolves: len(got.odl), ODLPoints: points(got.odl),
		FlashSolves: len(got.flash), FlashPoints: points(got.flash), Malformed: got.malformed,
	}
	wanted := simulator.Totals{
		Events: want.Events, ODLSolves: want.ODLSolves, ODLPoints: want.ODLPoints,
		FlashSolves: want.FlashSolves, FlashPoints: want.FlashPoints, Malformed: want.Malformed,
	}
	if diff := cmp.Diff(wanted, sums); diff != "" {
		t.Errorf("(-totals +calls)\n%s", diff)
	}
	if got.claimed != want.ODLPoints {
		t.Errorf("the answers claim %d points, want %d", got.claimed, want.ODLPoints)
	}
	if got.repeated < 50 {
		t.Errorf("%d solve ids repeat, want enough to trip over", got.repeated)
	}
}

// The season must have what makes the real data hard.
func TestSeasonIsDiverse(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1})
	got := collect(t, s)
	spellings, titles, roles := map[string]map[string]bool{}, map[string]bool{}, map[string]bool{}
	retired, weekend, afternoon := 0, 0, 0
	for _, v := range got.odl {
		key := domain.CategoryOf(v.Category).Key
		if spellings[key] == nil {
			spellings[key] = map[string]bool{}
		}
		spellings[key][v.Category] = true
		titles[v.Title] = true
		for _, role := range v.WorkRoles {
			roles[strings.Split(role, "-")[1]] = true
		}
		if v.Retired {
			retired++
		}
		if d := v.SolvedAt.Weekday(); d == time.Saturday || d == time.Sunday {
			weekend++
		}
		if h := v.SolvedAt.Hour(); h >= 12 && h < 20 {
			afternoon++
		}
		if v.Points < 100 || v.Points > 600 || v.Points%50 != 0 {
			t.Errorf("%q is worth %d points", v.Title, v.Points)
		}
	}
	drifting := 0
	for key, as := range spellings {
		if _, known := domain.KnownCategory(key); !known {
			t.Errorf("category %q is none of the canonical ones", key)
		}
		if len(as) > 1 {
			drifting++
		}
	}
	if len(spellings) != 11 || drifting < 6 || len(titles) < 110 || !roles["WRL"] || len(roles) < 3 || retired == 0 {
		t.Errorf("%d categories, %d of them in several spellings, %d titles, roles %v, %d retired",
			len(spellings), drifting, len(titles), roles, retired)
	}
	if weekend == 0 || weekend*5 > len(got.odl) || afternoon*10 < len(got.odl)*8 {
		t.Errorf("of %d solves %d at weekends, %d in the afternoon", len(got.odl), weekend, afternoon)
	}
	newest := seasonStart.AddDate(0, 0, -7)
	recent := false
	for _, v := range got.flash {
		recent = recent || v.SolvedAt.After(newest)
	}
	if !recent {
		t.Error("no flash CTF in the last week")
	}
}

func TestSomeEventsShareAName(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Flawless: true})
	c := clientOf(t, s)
	starts := map[string]map[time.Time]bool{}
	for _, id := range idsOf(t, s) {
		progress, err := c.FlashProgress(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range progress.Results {
			if starts[r.Event.Name] == nil {
				starts[r.Event.Name] = map[time.Time]bool{}
			}
			starts[r.Event.Name][r.Event.StartsAt] = true
			if r.ChallengesSolved != int64(len(r.Solves)) || r.PointsEarned != points(r.Solves) || r.PointsEarned > r.MaxPoints {
				t.Errorf("the numbers of %+v do not agree", r)
			}
		}
	}
	if len(starts) != 6 || len(starts["Flash CTF: Packet Rush"]) != 2 {
		t.Errorf("got %v, want 6 names for 7 events", starts)
	}
}
