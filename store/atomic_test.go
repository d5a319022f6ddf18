package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// everything is a pull that writes to every table.
func everything(h *house, run string) store.Pull {
	p := h.pull("gp-a1")
	p.RunID, p.Full = run, true
	p.User = &domain.PlatformUser{MetaCTFUserID: 1, Username: "ada", Status: domain.PlatformApproved}
	p.ODL, p.Flash = h.snapshot(odl(1), odl(2)), h.flash(took(autumnCTF, 1))
	p.ODL.Malformed = []domain.Quarantined{malformed(domain.SourceODL, "{new}")}
	p.Attempts = []store.Attempt{{Endpoint: "GET /users", StartedAt: h.clock.Now(), Status: 201}}
	return p
}

func TestAPullIsStoredAsAWholeOrNotAtAll(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		run := h.begunRun(true)
		// What was there before: solve 3 and the spring event, to be withdrawn by the pull that fails.
		before := h.pull("gp-a1")
		before.ODL, before.Flash = h.snapshot(odl(3), odl(2, points(50))), h.flash(took(springCTF, 1))
		h.store(before)
		before.ODL, before.Flash = h.snapshot(odl(2, points(50))), h.flash()
		h.store(before)
		untouched := h.dump()
		for _, broken := range []struct{ operation, table string }{
			{"INSERT", "game_platform_users"}, {"INSERT", "game_platform_challenge_solves"}, {"DELETE", "game_platform_challenge_solves"},
			{"INSERT", "game_platform_withdrawn_solves"}, {"INSERT", "game_platform_flash_ctf_events"},
			{"INSERT", "game_platform_flash_ctf_results"}, {"DELETE", "game_platform_flash_ctf_results"},
			{"INSERT", "game_platform_quarantined_records"}, {"INSERT", "game_platform_stats"}, {"INSERT", "game_platform_sync_state"},
			{"INSERT", "game_platform_category_stats"}, {"INSERT", "game_platform_challenges"}, {"INSERT", "competitor_list"},
			{"UPDATE", "coaches"}, {"UPDATE", "teams"}, {"INSERT", "sync_attempts"}, {"UPDATE", "sync_runs"},
		} {
			h.breakOn(broken.operation, broken.table)
			p := everything(h, run)
			if broken.table == "game_platform_withdrawn_solves" || broken.operation == "DELETE" {
				p.ODL.Malformed = nil // so that missing rows count
			}
			stored, err := h.sys.StorePull(t.Context(), p)
			if err == nil || !strings.Contains(err.Error(), "broken on purpose") || stored != (store.Stored{}) {
				t.Errorf("%v: stored %+v, error %v", broken, stored, err)
			}
			h.mend(broken.operation, broken.table)
			if diff := cmp.Diff(untouched, h.dump()); diff != "" {
				t.Errorf("%v left something behind (-want +got):\n%s", broken, diff)
			}
		}
		h.store(everything(h, run))                       // nothing is in its way now
		h.want("totals", statsQuery, "gp-a1|3|300|1|100") // solve 3 is missing, but beside a damaged record
	})
}

func TestPreviewSaysWhatAPullWouldChangeAndStoresNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		before := h.pull("gp-a1")
		before.ODL = h.snapshot(odl(3))
		h.store(before)
		untouched := h.dump()
		preview, err := h.sys.PreviewPull(t.Context(), everything(h, ""))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(untouched, h.dump()); diff != "" {
			t.Errorf("left behind (-want +got):\n%s", diff)
		}
		if stored := h.store(everything(h, "")); stored != preview || stored.NewSolves != 3 {
			t.Errorf("previewed %+v, stored %+v", preview, stored)
		}
	})
}

func TestAPullEndsWithItsContext(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		ctx, cancel := context.WithCancel(t.Context())
		p := everything(h, "")
		due := p.NextDue
		p.NextDue = func(a store.Activity) time.Time { cancel(); return due(a) } // in the middle of storing
		if _, err := h.sys.StorePull(ctx, p); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if got := h.dump(); got != nil {
			t.Errorf("left behind: %q", got)
		}
	})
}

func TestACompetitorWithSeventeenThousandSolvesIsStoredInOnePull(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		const n = 17_000 // with 13 values each far beyond what one statement takes
		all := make([]domain.Solve, n)
		for i := range all {
			all[i] = odl(int64(i+1), points(int64(i%5)*100+100))
		}
		for _, want := range []store.Stored{{NewSolves: n, Changed: true}, {}} {
			if got := h.storeODL("gp-a1", h.snapshot(all...)); got != want {
				t.Fatalf("stored %+v, want %+v", got, want)
			}
		}
		h.want("totals", statsQuery, fmt.Sprintf("gp-a1|%d|%d|0|0", n, n*300))
		sums, err := h.admin().CompetitorSums(t.Context(), "", h.bounds())
		if err != nil || sums.Solves != n || sums.Points != n*300 {
			t.Errorf("sums %+v: %v", sums, err)
		}
		page, err := h.admin().SolvesPage(t.Context(), store.SolveQuery{CompetitorID: "cp-a1", Sort: store.SolvesByPoints}, store.Page{Limit: 2})
		if err != nil || page.All != n || page.Place != (store.Place{First: 1, Last: 2, Total: n}) {
			t.Errorf("All %d, %+v: %v", page.All, page.Place, err)
		}
		count := 0
		err = h.admin().EachSolve(t.Context(), store.SolveQuery{CompetitorID: "cp-a1"}, func(store.SolveRow) error { count++; return nil })
		if err != nil || count != n {
			t.Errorf("export of %d solves: %v", count, err)
		}
	})
}

func TestSyncsSideBySideNeitherBlockEachOtherNorLoseACount(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		run := h.begunRun(false)
		const goroutines, each = 8, 5
		var events []domain.FlashResult
		for i := range 30 {
			events = append(events, took(domain.FlashEvent{Name: fmt.Sprintf("Flash %d", i), StartsAt: springCTF.StartsAt}, 1))
		}
		var pulls []store.Pull
		for i := range goroutines * each {
			p := everything(h, run)
			p.GamePlatformID = fmt.Sprintf("gp-%d", i)
			// All are the first to see the events, and every second one in the opposite order.
			p.Flash = h.flash(slices.Clone(events)...)
			if i/each%2 == 1 {
				slices.Reverse(p.Flash.Results)
			}
			pulls = append(pulls, p)
		}
		var wait sync.WaitGroup
		for i := range goroutines {
			wait.Go(func() {
				for _, p := range pulls[i*each : (i+1)*each] {
					if _, err := h.sys.StorePull(context.WithoutCancel(t.Context()), p); err != nil {
						t.Errorf("%s: %v", p.GamePlatformID, err)
					}
				}
			})
		}
		wait.Wait()
		const n = goroutines * each
		h.want("run", `SELECT attempted, changed, new_solves, api_calls FROM sync_runs`, fmt.Sprintf("%d|%d|%d|%d", n, n, n*32, n))
		h.want("solves", `SELECT COUNT(*), SUM(challenge_points) FROM game_platform_challenge_solves`, fmt.Sprintf("%d|%d", n*32, n*3200))
		h.want("totals", `SELECT COUNT(*), SUM(odl_solves), SUM(flash_solves) FROM game_platform_stats`, fmt.Sprintf("%d|%d|%d", n, n*2, n*30))
		h.want("events", `SELECT COUNT(*) FROM game_platform_flash_ctf_events`, "30")
	})
}

func TestSyncsThatMeetTheSameNewEventsInAnotherOrderDoNotDeadlock(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	const name = "events_in_another_order"
	s := storetest.Open(t, h.address+"&application_name="+name, h.clock)
	var events []domain.FlashResult
	for i := range 3 {
		events = append(events, took(domain.FlashEvent{Name: fmt.Sprintf("Flash %d", i), StartsAt: springCTF.StartsAt}, 1))
	}
	slices.SortFunc(events, func(a, b domain.FlashResult) int { return strings.Compare(a.Event.ID(), b.Event.ID()) })
	// A third transaction holds the event in the middle until both syncs wait.
	holder, err := h.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.ExecContext(t.Context(), `INSERT INTO game_platform_flash_ctf_events VALUES ($1, 'x', 0, 0)`, events[1].Event.ID()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 2 {
		p := h.pull(fmt.Sprintf("gp-%d", i))
		p.Flash = h.flash(slices.Clone(events)...)
		if i == 1 {
			slices.Reverse(p.Flash.Results)
		}
		wait.Go(func() {
			if _, err := s.System().StorePull(t.Context(), p); err != nil {
				t.Errorf("%s: %v", p.GamePlatformID, err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for waiting := 0; waiting < 2; {
		err := h.raw.QueryRowContext(ctx, `
			SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, name).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := holder.Rollback(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	h.want("totals", statsQuery, "gp-0|0|0|3|300", "gp-1|0|0|3|300")
}
