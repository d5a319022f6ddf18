package store_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

func TestOneSolveIDInODLAndFlashIsTwoSolves(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		result := took(springCTF, 7)
		result.Solves[0].Points, result.Solves[0].ChallengeID = 300, odl(7).ChallengeID
		p := h.pull("gp-a1")
		p.ODL, p.Flash = h.snapshot(odl(7)), h.flash(result)
		if diff := cmp.Diff(store.Stored{NewSolves: 2, Changed: true}, h.store(p)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		h.want("totals", statsQuery, "gp-a1|1|100|1|300")
	})
}

func TestEachOfTheFivePartsOfTheKeyMakesAnotherSolve(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		nextYear := domain.FlashEvent{Name: springCTF.Name, StartsAt: springCTF.StartsAt.AddDate(1, 0, 0)}
		for _, id := range []string{"gp-a1", "gp-b1"} {
			p := h.pull(id)
			p.ODL = h.snapshot(odl(7), odl(8), odl(7, func(s *domain.Solve) { s.ChallengeID = 5 }))
			p.Flash = h.flash(took(springCTF, 7), took(autumnCTF, 7), took(nextYear, 7))
			if got := h.store(p); got.NewSolves != 6 {
				t.Errorf("%s: %d new solves, want 6", id, got.NewSolves)
			}
		}
		h.want("totals", statsQuery, "gp-a1|3|300|3|300", "gp-b1|3|300|3|300")
		h.want("events", `SELECT name, starts_at FROM game_platform_flash_ctf_events ORDER BY 1, 2`,
			fmt.Sprintf("Autumn Flash|%d", autumnCTF.StartsAt.UnixMicro()),
			fmt.Sprintf("Spring Flash|%d", springCTF.StartsAt.UnixMicro()),
			fmt.Sprintf("Spring Flash|%d", nextYear.StartsAt.UnixMicro()))
	})
}

func TestADuplicateInOneAnswerIsStoredOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, part := range []*store.ODLPull{h.snapshot(odl(1), odl(2), odl(1)), h.since(odl(3), odl(3, points(900)))} {
			h.storeODL("gp-a1", part)
		}
		h.want("totals", statsQuery, "gp-a1|3|300|0|0")
	})
}

func TestStoredCountsWhatIsNewAndWhetherAnythingChanged(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		result := took(springCTF, 9)
		worse := result
		worse.Rank = 4
		steps := []struct {
			name  string
			odl   *store.ODLPull
			flash *store.FlashPull
			want  store.Stored
		}{
			{"no solve yet", h.snapshot(), nil, store.Stored{}},
			{"three new", h.snapshot(odl(1), odl(2), odl(3)), nil, store.Stored{NewSolves: 3, Changed: true}},
			{"nothing new", h.snapshot(odl(1), odl(2), odl(3)), nil, store.Stored{}},
			{"the overlap again", h.since(odl(3)), nil, store.Stored{}},
			{"after the cursor nothing", h.since(), nil, store.Stored{}},
			{"one new beside known ones", h.since(odl(3), odl(4)), nil, store.Stored{NewSolves: 1, Changed: true}},
			{"one of them changed", h.since(odl(4, points(150))), nil, store.Stored{Changed: true}},
			{"an event", nil, h.flash(result), store.Stored{NewSolves: 1, Changed: true}},
			{"the same event", nil, h.flash(result), store.Stored{}},
			{"another rank", nil, h.flash(worse), store.Stored{Changed: true}},
			{"both parts", h.since(odl(5)), h.flash(worse, took(autumnCTF, 9, 10)), store.Stored{NewSolves: 3, Changed: true}},
			{"nothing asked", nil, nil, store.Stored{}},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			p.ODL, p.Flash = step.odl, step.flash
			if diff := cmp.Diff(step.want, h.store(p)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
		}
	})
}

func TestAnUnchangedPullWritesNoSolveRow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		again := func() store.Pull {
			p := h.pull("gp-a1")
			p.ODL, p.Flash = h.snapshot(odl(1), odl(2)), h.flash(took(springCTF, 9))
			return p
		}
		h.store(again())
		for _, table := range []string{"game_platform_challenge_solves", "game_platform_withdrawn_solves",
			"game_platform_flash_ctf_events", "game_platform_flash_ctf_results"} {
			for _, operation := range []string{"INSERT", "UPDATE", "DELETE"} {
				h.breakOn(operation, table)
			}
		}
		if got := h.store(again()); got != (store.Stored{}) {
			t.Errorf("stored %+v", got)
		}
		h.storeODL("gp-a1", h.since(odl(1)))
		p := again()
		p.ODL = h.snapshot(odl(1, points(101)), odl(2)) // that the triggers do bite
		if _, err := h.sys.StorePull(t.Context(), p); err == nil {
			t.Error("a changed solve was written without a write")
		}
	})
}

func TestAChangedSolveIsRewrittenAndKeepsWhenItWasFirstSeen(t *testing.T) {
	const query = `SELECT challenge_title, challenge_category, category_key, challenge_points, challenge_retired,
		nist_nice_work_roles, solved_at, first_seen_at FROM game_platform_challenge_solves`
	row := func(text string, at time.Time) string {
		return fmt.Sprintf("%s|%d|%d", text, at.UnixMicro(), storetest.Start.UnixMicro())
	}
	asItWas := odl(1).SolvedAt
	cases := []struct {
		name   string
		change func(*domain.Solve)
		want   string
	}{
		{"points", points(250), row(`Challenge 1|Cryptography|crypto|250|0|["DD-WRL-003"]`, asItWas)},
		{"points of zero", points(0), row(`Challenge 1|Cryptography|crypto|0|0|["DD-WRL-003"]`, asItWas)},
		{"title", func(s *domain.Solve) { s.Title = "It's «new»" }, row(`It's «new»|Cryptography|crypto|100|0|["DD-WRL-003"]`, asItWas)},
		{"retired", func(s *domain.Solve) { s.Retired = true }, row(`Challenge 1|Cryptography|crypto|100|1|["DD-WRL-003"]`, asItWas)},
		{"category", func(s *domain.Solve) { s.Category = "webex" }, row(`Challenge 1|webex|web|100|0|["DD-WRL-003"]`, asItWas)},
		{"spelling of the category", func(s *domain.Solve) { s.Category = "crypto" }, row(`Challenge 1|crypto|crypto|100|0|["DD-WRL-003"]`, asItWas)},
		{"work roles", func(s *domain.Solve) { s.WorkRoles = nil }, row(`Challenge 1|Cryptography|crypto|100|0|[]`, asItWas)},
		{"later date", solvedAt(storetest.Start), row(`Challenge 1|Cryptography|crypto|100|0|["DD-WRL-003"]`, storetest.Start)},
		{"earlier date", solvedAt(storetest.Start.AddDate(-1, 0, 0)),
			row(`Challenge 1|Cryptography|crypto|100|0|["DD-WRL-003"]`, storetest.Start.AddDate(-1, 0, 0))},
	}
	inBoth(t, func(t *testing.T, h *house) {
		for _, c := range cases {
			h.storeODL("gp-a1", h.since(odl(1)))
			for i, want := range []store.Stored{{Changed: true}, {}} {
				if got := h.storeODL("gp-a1", h.since(odl(1, c.change))); got != want {
					t.Errorf("%s, time %d: stored %+v, want %+v", c.name, i+1, got, want)
				}
			}
			h.want(c.name, query, c.want)
			changed := odl(1, c.change)
			h.want(c.name, statsQuery, fmt.Sprintf("gp-a1|1|%d|0|0", changed.Points))
		}
	})
}

func TestThePlatformsTotalsComeFromSnapshotsOnly(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	const query = `SELECT platform_odl_solves, platform_odl_points, platform_totals_at FROM game_platform_stats`
	inBoth(t, func(t *testing.T, h *house) {
		first := fmt.Sprintf("9|900|%d", storetest.Start.Add(time.Minute).UnixMicro())
		steps := []struct {
			name string
			pull store.Pull
			want string
		}{
			{"an incremental answer says nothing", store.Pull{ODL: &store.ODLPull{TotalSolves: n(1), TotalPoints: n(2)}}, "-|-|-"},
			{"a snapshot does", store.Pull{ODL: &store.ODLPull{Snapshot: true, TotalSolves: n(9), TotalPoints: n(900)}}, first},
			{"kept over an incremental answer", store.Pull{ODL: &store.ODLPull{TotalSolves: n(1), TotalPoints: n(2)}}, first},
			{"kept over a snapshot without totals", store.Pull{ODL: &store.ODLPull{Snapshot: true}}, first},
			{"kept over half of them", store.Pull{ODL: &store.ODLPull{Snapshot: true, TotalSolves: n(1)}}, first},
			{"kept over a flash answer", store.Pull{Flash: &store.FlashPull{}}, first},
			{"kept over a failure", store.Pull{Result: domain.SyncFailure, Failure: &domain.CallError{Class: domain.Timeout}}, first},
			{"replaced by the next snapshot", store.Pull{ODL: &store.ODLPull{Snapshot: true, TotalSolves: n(0), TotalPoints: n(0)}},
				fmt.Sprintf("0|0|%d", storetest.Start.Add(7*time.Minute).UnixMicro())},
		}
		for _, step := range steps {
			p := h.pull("gp-a1")
			p.ODL, p.Flash = step.pull.ODL, step.pull.Flash
			if step.pull.Result != "" {
				p.Result, p.Failure = step.pull.Result, step.pull.Failure
			}
			if p.ODL != nil {
				p.ODL.RequestedAt = h.clock.Now()
			}
			h.store(p)
			h.want(step.name, query, step.want)
		}
	})
}

func TestTotalsAreRecomputedFromTheRowsWithEverySync(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.storeODL("gp-a1", h.snapshot(odl(1), odl(2)))
		h.exec(`UPDATE game_platform_stats SET odl_solves = 77, odl_points = 7, flash_solves = 7, flash_points = 7, last_solve_at = 7`)
		p := h.pull("gp-a1")
		p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: domain.Timeout}
		h.store(p)
		h.want("after a failed sync", statsQuery, "gp-a1|2|200|0|0")
		h.want("last solve", `SELECT last_solve_at FROM game_platform_stats`, fmt.Sprint(odl(1).SolvedAt.UnixMicro()))
	})
}

func TestTextsOfThePlatformMayBeLong(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var long strings.Builder // no database can shorten it, and it does not fit into an index
		for i := range 300 {
			fmt.Fprintf(&long, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		}
		p := h.pull("gp-a1")
		p.ODL = h.snapshot(odl(1, func(s *domain.Solve) {
			s.Title, s.Category, s.WorkRoles = long.String(), long.String(), []string{long.String()}
		}))
		p.Flash = h.flash(took(domain.FlashEvent{Name: long.String(), StartsAt: springCTF.StartsAt}, 1))
		p.ODL.Malformed = []domain.Quarantined{{Source: domain.SourceODL, Payload: long.String(), Reason: long.String()}}
		h.store(p)
		h.want("event", `SELECT name FROM game_platform_flash_ctf_events`, long.String())
	})
}
