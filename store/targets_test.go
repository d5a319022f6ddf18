package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// targets is who is to be synced, each with the cursor in minutes since the tests began, a dash for none.
func targets(h *house, sel store.Selection, after string, limit int) []string {
	h.t.Helper()
	list, err := h.sys.Targets(h.t.Context(), sel, after, limit)
	if err != nil {
		h.t.Fatal(err)
	}
	var all []string
	for _, target := range list {
		cursor := "-"
		if !target.Cursor.IsZero() {
			cursor = fmt.Sprint(target.Cursor.Sub(storetest.Start).Minutes())
		}
		all = append(all, target.CompetitorID+" "+target.GamePlatformID+" "+cursor)
	}
	return all
}

func wantTargets(h *house, what string, sel store.Selection, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, targets(h, sel, "", 100)); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// dueAt stores a good sync after which the competitor is due at this many minutes.
func dueAt(h *house, id string, due int, solves ...domain.Solve) {
	h.t.Helper()
	p := h.pull(id)
	p.ODL = h.snapshot(solves...)
	p.NextDue = func(store.Activity) time.Time { return storetest.Start.Add(time.Duration(due) * time.Minute) }
	h.store(p)
}

func TestDueIsWhoHasNoStateOrWhoseTimeHasCome(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		by := func(m int) store.Selection {
			return store.Selection{DueBy: storetest.Start.Add(time.Duration(m) * time.Minute)}
		}
		wantTargets(h, "nobody was synced yet", by(0), "cp-a1 gp-a1 -", "cp-a2 gp-a2 -", "cp-b1 gp-b1 -", "cp-b2 gp-b2 -")
		dueAt(h, "gp-a1", 30, odl(1))
		dueAt(h, "gp-b1", 20, odl(2))
		dueAt(h, "gp-b2", 30, odl(3))
		wantTargets(h, "before their time", by(19), "cp-a2 gp-a2 -")
		wantTargets(h, "at its time", by(20), "cp-a2 gp-a2 -", "cp-b1 gp-b1 -2")
		wantTargets(h, "the longest waiting first, then by id", by(30), "cp-a2 gp-a2 -", "cp-b1 gp-b1 -2", "cp-a1 gp-a1 -1", "cp-b2 gp-b2 -3")
		wantTargets(h, "due or not, by id", store.Selection{}, "cp-a1 gp-a1 -1", "cp-a2 gp-a2 -", "cp-b1 gp-b1 -2", "cp-b2 gp-b2 -3")
		if got := targets(h, by(30), "", 2); len(got) != 2 || got[1] != "cp-b1 gp-b1 -2" {
			t.Errorf("the first two are %q", got)
		}
	})
}

func TestTargetsArePagedByID(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var all []string
		for after := ""; ; {
			list := targets(h, store.Selection{}, after, 1)
			if len(list) == 0 {
				break
			}
			all = append(all, list...)
			after, _, _ = strings.Cut(list[0], " ")
		}
		if diff := cmp.Diff(targets(h, store.Selection{}, "", 100), all); diff != "" || len(all) != 4 {
			t.Errorf("(-at once +one by one):\n%s", diff)
		}
	})
}

func TestASelectionNamesACoachOrACompetitor(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		dueAt(h, "gp-a1", 500)
		now := h.clock.Now()
		wantTargets(h, "a coach", store.Selection{CoachID: "co-b"}, "cp-b1 gp-b1 -", "cp-b2 gp-b2 -")
		wantTargets(h, "a coach's who are due", store.Selection{CoachID: "co-a", DueBy: now}, "cp-a2 gp-a2 -")
		wantTargets(h, "a competitor", store.Selection{CompetitorID: "cp-a1"}, "cp-a1 gp-a1 -")
		wantTargets(h, "a competitor who is not due", store.Selection{CompetitorID: "cp-a1", DueBy: now})
		wantTargets(h, "one who is not on the platform", store.Selection{CompetitorID: "cp-a3"})
		wantTargets(h, "a competitor of another coach", store.Selection{CoachID: "co-b", CompetitorID: "cp-a1"})
		wantTargets(h, "nobody", store.Selection{CoachID: "co-z"})
	})
}

func TestASelectionOfNobodyIsNoSuch(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, c := range []struct {
			sel  store.Selection
			want domain.Code
		}{
			{store.Selection{}, ""},
			{store.Selection{CoachID: "co-a"}, ""},
			{store.Selection{CompetitorID: "cp-a3"}, ""},
			{store.Selection{CoachID: "co-z"}, domain.NoSuch},
			{store.Selection{CompetitorID: "cp-z"}, domain.NoSuch},
			{store.Selection{CompetitorID: "gp-a1"}, domain.NoSuch},
			{store.Selection{CompetitorID: "cp\x00\xff"}, domain.NoSuch},
		} {
			err := h.sys.CheckSelection(t.Context(), c.sel)
			if domain.CodeOf(err) != c.want || (c.want == "") != (err == nil) {
				t.Errorf("%+v: %v", c.sel, err)
			}
		}
	})
}

func TestATargetKnowsWhatTheLastSyncLeft(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		p := h.pull("gp-a1")
		p.Full, p.Result, p.ODL, p.Flash = true, domain.SyncBlocked, h.snapshot(odl(4)), h.flash()
		h.store(p)
		got, err := h.sys.Targets(t.Context(), store.Selection{CoachID: "co-a"}, "", 9)
		want := []store.Target{
			{CompetitorID: "cp-a1", GamePlatformID: "gp-a1", Cursor: odl(4).SolvedAt, FullPullAt: storetest.Start, LastResult: domain.SyncBlocked},
			{CompetitorID: "cp-a2", GamePlatformID: "gp-a2"},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTheSupportTeamsStatementsWork(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`UPDATE competitors SET game_platform_id = 'mock-a1' WHERE competitor_id = 'cp-a1'`)
		answer := func(id string) store.Pull {
			p := h.pull(id)
			p.Full, p.ODL, p.Flash = true, h.snapshot(odl(1), odl(2)), h.flash(took(springCTF, 3))
			return p
		}
		for _, id := range []string{"mock-a1", "gp-a2", "gp-b1", "gp-b2"} {
			h.store(answer(id))
		}
		now := store.Selection{DueBy: h.clock.Now()}
		wantTargets(h, "before", now)

		h.exec(`DELETE FROM game_platform_challenge_solves WHERE syned_user_id LIKE '%mock%'`)
		h.want("solves", `SELECT syned_user_id, COUNT(*) FROM game_platform_challenge_solves GROUP BY 1 ORDER BY 1`, "gp-a2|3", "gp-b1|3", "gp-b2|3")
		wantTargets(h, "without stored ODL solves there is no cursor", store.Selection{CoachID: "co-a"}, "cp-a1 mock-a1 -", "cp-a2 gp-a2 -1")

		h.exec(`DELETE FROM game_platform_challenge_solves WHERE syned_user_id = 'gp-b1' AND source = 'odl'`)
		wantTargets(h, "flash solves give none", store.Selection{CompetitorID: "cp-b1"}, "cp-b1 gp-b1 -")

		h.exec(`DELETE FROM game_platform_sync_state WHERE 1=1`)
		wantTargets(h, "all are due, in full", now, "cp-a1 mock-a1 -", "cp-a2 gp-a2 -", "cp-b1 gp-b1 -", "cp-b2 gp-b2 -")

		if got := h.store(answer("mock-a1")); got.NewSolves != 3 {
			t.Errorf("stored %+v", got)
		}
		h.store(answer("gp-a2"))
		h.want("healed", statsQuery, "gp-a2|2|200|1|100", "gp-b1|2|200|1|100", "gp-b2|2|200|1|100", "mock-a1|2|200|1|100")

		// The totals of one who comes back with less follow too, without any changed row.
		h.exec(`DELETE FROM game_platform_challenge_solves WHERE syned_user_id LIKE '%mock%'`)
		h.store(h.pull("mock-a1"))
		h.want("recomputed", statsQuery+` LIMIT 9`, "gp-a2|2|200|1|100", "gp-b1|2|200|1|100", "gp-b2|2|200|1|100", "mock-a1|0|0|0|0")
	})
}

func TestSupportViewsShowReadableTimes(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.pull("gp-a1")
		p.ODL = h.snapshot(odl(1, solvedAt(time.Date(2026, 3, 8, 9, 59, 59, 999_999_000, time.UTC))))
		p.Attempts = []store.Attempt{{Endpoint: "GET /users", StartedAt: h.clock.Now(), Took: 1500 * time.Millisecond, Status: 201}}
		h.store(p)
		h.want("solves", `SELECT syned_user_id, source, challenge_title, challenge_points, solved_at, first_seen_at FROM support_challenge_solves`,
			"gp-a1|odl|Challenge 1|100|2026-03-08T09:59:59Z|2026-11-18T12:00:00Z")
		h.want("state", `SELECT syned_user_id, last_result, last_attempt_at, last_success_at, last_odl_synced_at, last_flash_ctf_synced_at, next_due_at
			FROM support_sync_state`,
			"gp-a1|success|2026-11-18T12:00:00Z|2026-11-18T12:00:00Z|2026-11-18T12:00:00Z|-|2026-11-18T13:00:00Z")
		h.want("attempts", `SELECT syned_user_id, endpoint, http_status, duration_ms, started_at FROM support_sync_attempts`,
			"gp-a1|GET /users|201|1500|2026-11-18T12:00:00Z")
	})
}
