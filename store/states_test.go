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

// facts are what a competitor's state and activity are told from.
type facts struct {
	sync                          domain.SyncFacts
	lastSolve, lastSeen, lastPlay time.Time
}

// someFacts are all results, classes and statuses, and all times around the bounds.
func someFacts(b domain.Bounds) []facts {
	around := func(at time.Time) []time.Time {
		return []time.Time{{}, at.Add(-time.Microsecond), at, at.Add(time.Microsecond)}
	}
	classes := []domain.FailureClass{"", domain.Unauthorized, domain.Forbidden, domain.NotFound, domain.Blocked, domain.Conflict, domain.InvalidCall,
		domain.RateLimited, domain.ServerError, domain.Timeout, domain.Unreachable, domain.Malformed, domain.StoreFailed, "a new one"}
	statuses := []domain.PlatformStatus{"", domain.PlatformUserCreated, domain.PlatformPendingApproval, domain.PlatformApproved,
		domain.PlatformDenied, domain.PlatformUnknown, "suspended"}
	list := []facts{{}, {sync: domain.SyncFacts{HasEmail: true}}, {sync: domain.SyncFacts{OnPlatform: true}},
		{sync: domain.SyncFacts{OnPlatform: true, HasEmail: true, Deactivated: true, Result: domain.SyncFailure}}, {sync: domain.SyncFacts{Deactivated: true}}}
	for _, result := range []domain.SyncResult{domain.SyncNever, domain.SyncSuccess, domain.SyncFailure, domain.SyncBlocked} {
		for _, status := range statuses {
			for _, success := range around(b.FreshSince) {
				for _, class := range classes {
					failed := len(list) % 5 // with the number of classes, in a row come all
					list = append(list, facts{sync: domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: result, Class: class,
						PlatformStatus: status, LastSuccessAt: success, FailedInARow: failed}})
				}
			}
		}
	}
	for _, solve := range around(b.ActiveSince) {
		for _, seen := range around(b.ActiveSince) {
			for _, success := range around(b.FreshSince) {
				for _, play := range around(b.MonthSince) {
					list = append(list, facts{domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncSuccess, LastSuccessAt: success}, solve, seen, play})
				}
			}
		}
	}
	return list
}

// factsByID stores the facts of as many competitors.
func factsByID(h *house, list []facts) map[string]facts {
	h.t.Helper()
	byID := map[string]facts{}
	var rows []roster.Row
	values := map[string][]string{}
	number := func(t time.Time) string {
		if t.IsZero() {
			return "NULL"
		}
		return fmt.Sprint(t.UnixMicro())
	}
	for i, f := range list {
		id := fmt.Sprintf("cp-%05d", i)
		byID[id] = f
		r := roster.Row{CoachID: "co-a", CoachEmail: "a@quill.example", CoachName: "A", FirstName: "Ada", LastName: fmt.Sprint("L", i),
			CompetitorID: id, Division: domain.College, Status: domain.ProfilePending}
		if f.sync.HasEmail {
			r.Email = id + "@quill.example"
		}
		if f.sync.OnPlatform {
			r.GamePlatformID = "gp-" + id
			add := func(table, format string, args ...any) {
				values[table] = append(values[table], fmt.Sprintf("('gp-"+id+"', "+format+")", args...))
			}
			add("game_platform_sync_state (syned_user_id, last_success_at, last_remote_accessed_at, last_result, error_class, failed_in_a_row)",
				"%s, %s, '%s', '%s', %d", number(f.sync.LastSuccessAt), number(f.lastSeen), f.sync.Result, f.sync.Class, f.sync.FailedInARow)
			add("game_platform_stats (syned_user_id, last_solve_at, odl_solves, odl_points, flash_solves, flash_points, computed_at)",
				"%s, 0, 0, 0, 0, 0", number(f.lastSolve))
			if f.sync.PlatformStatus != "" {
				add("game_platform_users (syned_user_id, metactf_user_status, metactf_user_id, metactf_username, checked_at)", "'%s', 0, '', 0", f.sync.PlatformStatus)
			}
			if !f.lastPlay.IsZero() {
				event := fmt.Sprint(f.lastPlay.UnixMicro())
				h.exec("INSERT INTO game_platform_flash_ctf_events (event_id, name, starts_at, first_seen_at) VALUES ('" + event + "', 'x', " + event + ", 0) ON CONFLICT DO NOTHING")
				add("game_platform_flash_ctf_results (syned_user_id, event_id, rank, points_earned, max_points_possible, challenges_solved, first_seen_at)",
					"'%s', 0, 0, 0, 0, 0", event)
			}
		}
		rows = append(rows, r)
	}
	for into, list := range values {
		for some := range slices.Chunk(list, 500) {
			h.exec("INSERT INTO " + into + " VALUES " + strings.Join(some, ", "))
		}
	}
	h.roster(rows...)
	for id, f := range byID {
		if f.sync.Deactivated {
			h.deactivate(id)
		}
	}
	return byID
}

// idsOf are the ids of everybody who matches.
func idsOf(h *house, sc *store.Scope, q store.CompetitorQuery) []string {
	h.t.Helper()
	var ids []string
	if err := sc.EachCompetitor(h.t.Context(), q, func(r store.CompetitorRow) error { ids = append(ids, r.ID); return nil }); err != nil {
		h.t.Fatalf("%+v: %v", q, err)
	}
	_, place, err := sc.CompetitorsPage(h.t.Context(), q, store.Page{Limit: 1})
	if err != nil || place.Total != len(ids) {
		h.t.Errorf("%+v: the page counts %d (%v), the export has %d", q, place.Total, err, len(ids))
	}
	slices.Sort(ids)
	return ids
}

func TestFiltersByStateAndActivitySelectWhomTheDomainSays(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		now := storetest.Start
		b := h.bounds()
		byID := factsByID(h, someFacts(b))
		selects := func(what string, q store.CompetitorQuery, is func(facts) bool) []string {
			t.Helper()
			q.Bounds = b
			var want []string
			for id, f := range byID {
				if is(f) {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			got := idsOf(h, h.admin(), q)
			if len(want) == 0 {
				t.Errorf("%s: none of the facts are of this kind", what)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-domain +filter):\n%s", what, diff)
			}
			return got
		}
		var states, activities []string
		for _, s := range domain.States {
			states = append(states, selects(string(s), store.CompetitorQuery{State: string(s)}, func(f facts) bool { return f.sync.StateAt(now) == s })...)
		}
		selects("waiting", store.CompetitorQuery{State: store.StatesWaiting}, func(f facts) bool { return f.sync.StateAt(now).Waiting() })
		selects("failing", store.CompetitorQuery{State: store.StatesFailing}, func(f facts) bool { return f.sync.StateAt(now).Failing() })
		activity := func(f facts) domain.Activity { return b.ActivityOf(f.lastSolve, f.lastSeen, f.sync.LastSuccessAt) }
		for _, a := range domain.Activities {
			activities = append(activities, selects(string(a), store.CompetitorQuery{Activity: string(a)}, func(f facts) bool { return activity(f) == a })...)
		}
		selects("in a flash CTF this month", store.CompetitorQuery{Activity: store.InFlashThisMonth}, func(f facts) bool { return !f.lastPlay.Before(b.MonthSince) })
		selects("both", store.CompetitorQuery{State: string(domain.StateStale), Activity: string(domain.Active)},
			func(f facts) bool { return f.sync.StateAt(now) == domain.StateStale && activity(f) == domain.Active })
		for what, list := range map[string][]string{"states": states, "activities": activities} {
			slices.Sort(list)
			if everybody := idsOf(h, h.admin(), store.CompetitorQuery{}); !slices.Equal(everybody, list) {
				t.Errorf("the %s are %d people, not each of %d once", what, len(list), len(everybody))
			}
		}
		sums, err := h.admin().CompetitorSums(t.Context(), "", b)
		waiting := len(idsOf(h, h.admin(), store.CompetitorQuery{State: store.StatesWaiting, Bounds: b}))
		active := len(idsOf(h, h.admin(), store.CompetitorQuery{Activity: string(domain.Active), Bounds: b}))
		play := len(idsOf(h, h.admin(), store.CompetitorQuery{Activity: store.InFlashThisMonth, Bounds: b}))
		if err != nil || sums.Waiting != waiting || sums.Active != active || sums.InFlashThisMonth != play {
			t.Errorf("sums %+v (%v), the filters find %d waiting, %d active, %d in a flash CTF", sums, err, waiting, active, play)
		}
	})
}

func TestAStateOrActivityThatDoesNotExistFindsNobody(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for _, q := range []store.CompetitorQuery{{State: "nonsense"}, {Activity: "nonsense"}, {State: hostile}, {Activity: hostile}, {Division: "x"}, {Category: "x"}} {
			q.Bounds = h.bounds()
			if got := idsOf(h, h.admin(), q); got != nil {
				t.Errorf("%+v: %q", q, got)
			}
		}
	})
}
