package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// rosterOf puts all ids with a coach, half of them in a team.
func rosterOf(coach string, ids int) []roster.Row {
	var rows []roster.Row
	for i := range ids {
		r := roster.Row{Line: i + 2, CoachID: "co-" + coach, CoachEmail: coach + "@quill.example", CoachName: "Coach " + coach,
			CompetitorID: fmt.Sprint("cp-", i), FirstName: "Ada", LastName: coach, GamePlatformID: fmt.Sprint("gp-", i),
			Division: domain.College, Status: domain.ProfilePending}
		if i%2 == 0 {
			r.TeamID, r.Team = "t-"+coach, "Team"
		}
		rows = append(rows, r)
	}
	return rows
}

func TestSyncsAndImportsSideBySideKeepTheSums(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const people, rounds = 16, 6
		h.roster(rosterOf("a", people)...)
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		var imports, syncs sync.WaitGroup
		imports.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, bad, err := h.sys.ImportRoster(context.WithoutCancel(ctx), rosterOf([]string{"b", "a"}[i%2], people), false)
				if err != nil || bad != nil {
					t.Errorf("import %d: %v, %v", i, bad, err)
					return
				}
			}
		})
		for i := range people {
			syncs.Go(func() {
				for round := range int64(rounds) {
					p := h.pull(fmt.Sprint("gp-", i))
					p.ODL = h.since(odl(round+1), odl(round+10))
					if round%2 == 0 {
						p.Flash = h.flash(took(springCTF, round+1), took(autumnCTF))
					}
					if _, err := h.sys.StorePull(context.WithoutCancel(ctx), p); err != nil {
						t.Errorf("%s: %v", p.GamePlatformID, err)
					}
				}
			})
		}
		syncs.Wait()
		stop()
		imports.Wait()
		if listsAgree(h, "after all of it") {
			h.want("solves", `SELECT SUM(odl_solves), SUM(flash_solves), SUM(competitors) FROM coaches`, fmt.Sprintf("%d|%d|%d", people*rounds*2, people*2, people))
		}
	})
}

// queue runs jobs one after the other behind a row that somebody holds: each begins when those before it wait or have
// ended. Then the row is let go.
func queue(t *testing.T, h *house, table, row string, jobs ...func(s *store.Store) error) {
	t.Helper()
	queueBehind(t, h, "SELECT * FROM "+table+" FOR UPDATE", []any{row}, jobs...)
}

// queueBehind is queue behind whatever lock a statement takes.
func queueBehind(t *testing.T, h *house, hold string, arguments []any, jobs ...func(s *store.Store) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	name := h.lines(`SELECT 'queued_in_' || current_schema()`)[0]
	s := storetest.Open(t, h.address+"&application_name="+name, h.clock)
	holder, err := h.raw.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.ExecContext(ctx, hold, arguments...); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	ended := make(chan struct{}, len(jobs))
	done := 0
	for i, job := range jobs {
		wait.Go(func() {
			if err := job(s); err != nil {
				t.Errorf("job %d: %v", i, err)
			}
			ended <- struct{}{}
		})
		for waiting := 0; waiting+done < i+1; {
			select {
			case <-ended:
				done++
			default:
			}
			// Whoever has just been counted among those who wait cannot end before the row is let go.
			err := h.raw.QueryRowContext(ctx, `
				SELECT COUNT(*) FROM pg_stat_activity a WHERE application_name = $1 AND wait_event_type = 'Lock'
					AND EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)`, name).Scan(&waiting)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := holder.Rollback(); err != nil && err != sql.ErrTxDone {
		t.Error(err)
	}
	wait.Wait()
}

func TestASyncAndAnImportDoNotWaitForEachOther(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	syncOf := func(h *house, id string) func(*store.Store) error {
		return func(s *store.Store) error {
			p := h.pull(id)
			p.ODL = h.snapshot(odl(1), odl(2))
			_, err := s.System().StorePull(h.t.Context(), p)
			return err
		}
	}
	importTo := func(h *house, coach string) func(*store.Store) error {
		return func(s *store.Store) error {
			_, _, err := s.System().ImportRoster(h.t.Context(), rosterOf(coach, 4), false)
			return err
		}
	}
	clean := func(h *house) func(*store.Store) error {
		return func(s *store.Store) error {
			_, err := s.System().CleanSyncState(h.t.Context())
			return err
		}
	}
	for _, c := range []struct {
		name string
		jobs func(h *house) []func(*store.Store) error
	}{
		{"a sync, then an import", func(h *house) []func(*store.Store) error {
			return []func(*store.Store) error{syncOf(h, "gp-0"), importTo(h, "b")}
		}},
		{"an import, then syncs of whom it moves", func(h *house) []func(*store.Store) error {
			return []func(*store.Store) error{importTo(h, "b"), syncOf(h, "gp-0"), syncOf(h, "gp-3")}
		}},
		{"a clean command, then a first sync of another", func(h *house) []func(*store.Store) error {
			return []func(*store.Store) error{clean(h), syncOf(h, "gp-3")}
		}},
		{"a clean command, an import and a sync", func(h *house) []func(*store.Store) error {
			return []func(*store.Store) error{clean(h), importTo(h, "b"), syncOf(h, "gp-3")}
		}},
		{"a sync, a clean command and an import", func(h *house) []func(*store.Store) error {
			return []func(*store.Store) error{syncOf(h, "gp-0"), clean(h), importTo(h, "b")}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, "postgres")
			h.roster(rosterOf("a", 4)...)
			queue(t, h, "competitor_list WHERE competitor_id = $1", "cp-0", c.jobs(h)...)
			listsAgree(h, c.name)
		})
	}
}

func TestASyncThatDropsAFlashCTFAndOneThatMeetsItDoNotDeadlock(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.roster(rosterOf("a", 4)...)
	low, high := springCTF, autumnCTF
	if low.ID() > high.ID() {
		low, high = high, low
	}
	h.storeFlash("gp-0", h.flash(took(low, 1)))
	h.storeFlash("gp-0", h.flash()) // missed once
	h.storeFlash("gp-3", h.flash(took(high, 1)))
	syncOf := func(id string, results ...domain.FlashResult) func(*store.Store) error {
		p := h.pull(id)
		p.Flash = h.flash(results...)
		return func(s *store.Store) error {
			_, err := s.System().StorePull(t.Context(), p)
			return err
		}
	}
	queue(t, h, "game_platform_flash_ctf_events WHERE event_id = $1", low.ID(),
		syncOf("gp-1", took(low, 1), took(high, 1)), syncOf("gp-0", took(high, 1)))
	listsAgree(h, "afterwards")
}

func TestADryRunAndACleanCommandDoNotDeadlock(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	person := rosterOf("a", 1)
	person[0].GamePlatformID = "mock-0"
	h.roster(person...)
	h.storeODL("mock-0", h.snapshot(odl(1)))
	dry := h.pull("mock-0")
	dry.User = &domain.PlatformUser{Status: domain.PlatformApproved}
	dry.ODL, dry.Flash = h.snapshot(odl(1, points(200))), h.flash(took(springCTF, 1))
	queue(t, h, "game_platform_challenges WHERE challenge_id = $1", h.lines(`SELECT challenge_id FROM game_platform_challenges`)[0],
		func(s *store.Store) error {
			_, err := s.System().PreviewPull(t.Context(), dry)
			return err
		},
		func(s *store.Store) error {
			_, err := s.System().CleanMock(t.Context())
			return err
		})
}
