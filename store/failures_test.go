package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// failuresQuery is every failure: whom, cause's class, state, tries, and how it ended.
const failuresQuery = `SELECT f.competitor_id, ca.class, f.state, f.failed_in_a_row, f.end_reason FROM sync_failures f
	JOIN failure_causes ca ON ca.fingerprint = f.fingerprint ORDER BY f.failure_id`

func (h *house) failing(id string, class domain.FailureClass, status int, message string) store.Pull {
	p := h.pull(id)
	p.Result, p.Failure = domain.SyncFailure, &domain.CallError{Class: class, Endpoint: "GET /scores/get_odl_scores", Status: status, Message: message}
	return p
}

func (h *house) blocked(id string, status domain.PlatformStatus) store.Pull {
	p := h.pull(id)
	p.Result, p.Failure = domain.SyncBlocked, &domain.CallError{Class: domain.Blocked, Endpoint: "GET /users"}
	p.User = &domain.PlatformUser{Username: "x", Status: status}
	return p
}

// board reads the failures as an admin does.
func (h *house) board(q store.FailureQuery) store.FailureBoard {
	h.t.Helper()
	q.At = h.clock.Now()
	b, err := h.admin().FailureBoard(h.t.Context(), q)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// open are the failures of a query, by competitor.
func (h *house) open(q store.FailureQuery) map[string]store.FailureRow {
	h.t.Helper()
	q.At = h.clock.Now()
	all := map[string]store.FailureRow{}
	err := h.admin().EachFailure(h.t.Context(), q, func(r store.FailureRow) error { all[r.CompetitorID] = r; return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// sumsHold compares the sums that are kept with the rows they are sums of.
func (h *house) sumsHold() {
	h.t.Helper()
	const states = `
		SELECT fingerprint, coach_id, state FROM sync_failures WHERE ended_at IS NULL
		UNION ALL SELECT fingerprint, coach_id, 'open' FROM sync_failures WHERE ended_at IS NULL AND state <> 'cleared'
		UNION ALL SELECT '', coach_id, state FROM sync_failures WHERE ended_at IS NULL
		UNION ALL SELECT '', coach_id, 'open' FROM sync_failures WHERE ended_at IS NULL AND state <> 'cleared'`
	want := h.lines(`
		SELECT fingerprint, coach_id, state, COUNT(*), 0 FROM (` + states + `) s GROUP BY fingerprint, coach_id, state
		UNION ALL
		SELECT fingerprint, '', state, COUNT(*), COUNT(DISTINCT coach_id) FROM (` + states + `) s GROUP BY fingerprint, state`)
	got := h.lines(`SELECT fingerprint, coach_id, state, competitors, coaches FROM failure_sums`)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("the sums (-of the rows +as kept):\n%s", diff)
	}
}

func TestAFailureLastsFromItsFirstSyncToTheEndOfItsCause(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.want("at first", failuresQuery)
		began := h.clock.Now()
		h.store(h.failing("gp-a1", domain.ServerError, 503, "busy, try 17"))
		h.store(h.failing("gp-a1", domain.ServerError, 503, "busy, try 18"))
		h.want("twice the same", failuresQuery, "cp-a1|server_error|retrying|2|")
		if r := h.open(store.FailureQuery{})["cp-a1"]; !r.OpenedAt.Equal(began) || !r.LastAt.Equal(began.Add(time.Minute)) || r.Raw != "busy, try 18" || !r.NextDueAt.Equal(began.Add(61*time.Minute)) {
			t.Errorf("since %s, last %s, due %s, %q", r.OpenedAt, r.LastAt, r.NextDueAt, r.Raw)
		}
		h.store(h.failing("gp-a1", domain.Timeout, 0, "no answer"))
		h.want("another cause", failuresQuery, "cp-a1|server_error|retrying|2|changed", "cp-a1|timeout|needs_attention|3|")
		h.sumsHold()
		h.store(h.pull("gp-a1"))
		h.want("a success", failuresQuery, "cp-a1|server_error|retrying|2|changed", "cp-a1|timeout|needs_attention|3|synced")
		h.want("no sum is left", `SELECT * FROM failure_sums`)
		if b := h.board(store.FailureQuery{}); b.Open != 0 || len(b.Causes) != 0 {
			t.Errorf("%+v, want nothing", b)
		}
	})
}

func TestWhoIsBlockedWaitsForWhatThePlatformSays(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.blocked("gp-a1", domain.PlatformPendingApproval))
		h.store(h.blocked("gp-a2", domain.PlatformDenied))
		h.store(h.blocked("gp-b1", domain.PlatformUnknown))
		h.store(h.blocked("gp-b2", domain.PlatformUserCreated))
		h.want("blocked", failuresQuery, "cp-a1|blocked|blocked|0|", "cp-a2|denied|blocked|0|", "cp-b1|blocked|blocked|0|", "cp-b2|blocked|blocked|0|")
		b := h.board(store.FailureQuery{Kind: domain.KindBlocked})
		if len(b.Causes) != 4 || b.Matching() != 4 || b.Blocked != 4 || b.Coaches != 2 {
			t.Errorf("%d causes, %d match, %+v", len(b.Causes), b.Matching(), b)
		}
		h.store(h.blocked("gp-a1", domain.PlatformPendingApproval))
		h.want("the same again is no new one", `SELECT COUNT(*) FROM sync_failures`, "4")
		h.sumsHold()
	})
}

func TestAMissingEmailIsAFailureUntilItIsThere(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		row := roster.Row{CoachID: "co-a", CoachEmail: "coach@amber.example", CoachName: "Coach Amber", CompetitorID: "cp-a9", FirstName: "Fay", LastName: "Amber",
			Division: domain.HighSchool, Status: domain.ProfileComplete}
		h.roster(row)
		h.want("without an email", failuresQuery, "cp-a9|missing_email|needs_attention|0|")
		row.Email = "fay@amber.example"
		h.roster(row)
		h.want("with one", failuresQuery, "cp-a9|missing_email|needs_attention|0|completed")
		h.sumsHold()
	})
}

func TestAClearedFailureStaysClearedAndResolvesByItself(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		h.store(h.failing("gp-b1", domain.ServerError, 500, "x"))
		o := h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "known"})
		if o.Done != 2 || o.Matched != 2 {
			t.Fatalf("%+v, want 2 cleared", o)
		}
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		h.store(h.failing("gp-b1", domain.Timeout, 0, ""))
		h.want("the same cause, and another", failuresQuery, "cp-a1|server_error|cleared|2|", "cp-b1|server_error|cleared|1|changed", "cp-b1|timeout|retrying|2|")
		h.sumsHold()
		h.store(h.pull("gp-a1"))
		h.want("a success", `SELECT state, end_reason, cleared_reason FROM sync_failures WHERE competitor_id = 'cp-a1'`, "cleared|synced|known")
		h.sumsHold()
	})
}

// TestAClearWhileASyncIsStoredIsNotLost holds the sync between reading the failure and changing it.
func TestAClearWhileASyncIsStoredIsNotLost(t *testing.T) {
	h := newHouse(t, "postgres")
	h.people()
	h.store(h.failing("gp-a1", domain.ServerError, 500, "round 99"))
	var all sync.WaitGroup
	for round := range 40 {
		all.Go(func() {
			if _, err := h.sys.StorePull(t.Context(), h.failing("gp-a1", domain.ServerError, 500, fmt.Sprint("round ", round))); err != nil {
				t.Error(err)
			}
		})
		o, err := h.admin().BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpClear, Reason: "x"})
		if err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if o.Done != 1 {
			t.Fatalf("round %d: %+v, want it cleared", round, o)
		}
		h.want("it stays cleared", `SELECT state FROM sync_failures WHERE ended_at IS NULL`, "cleared")
		h.sumsHold()
		if _, err := h.admin().UndoClear(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}

func TestForgottenSyncsEndTheirFailures(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		if _, err := h.sys.CleanSyncState(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.want("forgotten", failuresQuery, "cp-a1|server_error|retrying|1|forgotten")
		h.sumsHold()
	})
}

func TestFailuresMoveWithTheirCompetitorToAnotherCoach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a2", domain.ServerError, 500, "x"))
		h.roster(roster.Row{CoachID: "co-b", CoachEmail: "coach@zebra.example", CoachName: "Coach Zebra", CompetitorID: "cp-a2", GamePlatformID: "gp-a2", FirstName: "Bo",
			LastName: "Amber", Email: "a2@amber.example", Division: domain.HighSchool, Status: domain.ProfileComplete})
		if of := h.board(store.FailureQuery{CoachID: "co-b"}); of.Matching() != 1 {
			t.Errorf("the new coach has %d", of.Matching())
		}
		if of := h.board(store.FailureQuery{CoachID: "co-a"}); of.Matching() != 0 {
			t.Errorf("the old coach has %d", of.Matching())
		}
		h.sumsHold()
	})
}

func TestWhoFailedBeforeFailuresWereKeptHasOne(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		h.store(h.blocked("gp-b1", domain.PlatformDenied))
		h.exec(`DELETE FROM sync_failures`)
		h.exec(`DELETE FROM failure_sums`)
		if _, err := h.s.MigrateUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.want("found", failuresQuery+` LIMIT 9`, "cp-a1|server_error|retrying|1|", "cp-b1|denied|blocked|0|")
		h.sumsHold()
	})
}

// TestTheSumsHoldWhateverHappens lets a season's faults happen in any order.
func TestTheSumsHoldWhateverHappens(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		random := rand.New(rand.NewPCG(7, 7))
		accounts := []string{"gp-a1", "gp-a2", "gp-b1", "gp-b2"}
		for range 120 {
			id := accounts[random.IntN(len(accounts))]
			switch random.IntN(8) {
			case 0:
				h.store(h.pull(id))
			case 1:
				h.store(h.blocked(id, []domain.PlatformStatus{domain.PlatformDenied, domain.PlatformPendingApproval}[random.IntN(2)]))
			case 2:
				h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "x", Filter: store.FailureQuery{CoachID: []string{"", "co-a"}[random.IntN(2)]}})
			case 3:
				o := h.operate(store.OperationRequest{Kind: store.OpRetry})
				if random.IntN(2) == 0 && o.Queued > 0 {
					if _, err := h.admin().AbortOperation(t.Context(), o.ID); err != nil {
						t.Fatal(err)
					}
				}
			case 4:
				list, err := h.admin().Operations(t.Context(), 1)
				if err != nil {
					t.Fatal(err)
				}
				if len(list) > 0 && list[0].CanUndo(h.clock.Now()) {
					if _, err := h.admin().UndoClear(t.Context(), list[0].ID); err != nil {
						t.Fatal(err)
					}
				}
			default:
				h.store(h.failing(id, []domain.FailureClass{domain.ServerError, domain.Timeout}[random.IntN(2)], 500, fmt.Sprint("try ", random.IntN(100))))
			}
			h.sumsHold()
			for _, q := range []store.FailureQuery{{}, {CoachID: "co-b"}, {State: domain.FailureCleared}, {State: domain.FailureAttention}, {Class: domain.Timeout}} {
				h.boardsAgree(q)
			}
			if t.Failed() {
				return
			}
		}
	})
}

// boardsAgree compares what the sums say with what the rows say: a search for a letter that all names have counts rows.
func (h *house) boardsAgree(q store.FailureQuery) {
	h.t.Helper()
	counted := q
	counted.Search = "e" // of "Coach Amber" and "Coach Zebra"
	sums, rows := h.board(q), h.board(counted)
	if diff := cmp.Diff(rows, sums); diff != "" {
		h.t.Errorf("%+v (-rows +sums):\n%s", q, diff)
	}
}

func TestFiltersNameStatesAsTheRowsDo(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x")) // retrying
		h.store(h.failing("gp-a2", domain.RateLimited, 429, "x")) // rate limited
		h.store(h.failing("gp-b1", domain.NotFound, 404, "x"))    // needs attention
		h.store(h.blocked("gp-b2", domain.PlatformDenied))
		if err := h.sys.MarkRunning(t.Context(), "cp-b1"); err != nil {
			t.Fatal(err)
		}
		now := map[string]domain.FailureState{"cp-a1": domain.FailureRetrying, "cp-a2": domain.FailureLimited, "cp-b1": domain.FailureRunning, "cp-b2": domain.FailureBlocked}
		h.statesAre(now)
		if err := h.sys.MarkRunning(t.Context(), "cp-a2"); err != nil {
			t.Fatal(err)
		}
		now["cp-a2"] = domain.FailureRunning
		h.statesAre(now)
		h.clock.Advance(2 * time.Hour) // all are due; the running one is given up
		now["cp-a1"], now["cp-a2"], now["cp-b1"] = domain.FailureWaiting, domain.FailureWaiting, domain.FailureWaiting
		h.statesAre(now)
		h.store(h.pull("gp-a1"))
		if got := h.open(store.FailureQuery{State: domain.FailureResolved}); len(got) != 1 || got["cp-a1"].EndReason != domain.EndedSynced {
			t.Errorf("resolved: %+v", got)
		}
	})
}

// statesAre wants each failure in its state, and found by the filter of that name.
func (h *house) statesAre(want map[string]domain.FailureState) {
	h.t.Helper()
	for id, r := range h.open(store.FailureQuery{}) {
		state := r.StateAt(h.clock.Now())
		if state != want[id] {
			h.t.Errorf("%s is %s, want %s", id, state, want[id])
		}
		if _, found := h.open(store.FailureQuery{State: state})[id]; !found {
			h.t.Errorf("the filter %s does not find %s", state, id)
		}
	}
	for _, momentary := range []domain.FailureState{domain.FailureWaiting, domain.FailureRunning, domain.FailureLimited} {
		for id := range h.open(store.FailureQuery{State: momentary}) {
			if want[id] != momentary {
				h.t.Errorf("the filter %s finds %s, which is %s", momentary, id, want[id])
			}
		}
	}
}

func TestAgesAndSearchesNarrow(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "Überlast"))
		h.clock.Advance(30 * time.Hour)
		h.store(h.failing("gp-b1", domain.ServerError, 500, "other"))
		h.clock.Advance(2 * time.Hour)
		h.store(h.failing("gp-b2", domain.ServerError, 500, "other"))
		for _, c := range []struct {
			q    store.FailureQuery
			want string
		}{
			{store.FailureQuery{Age: store.OverADay}, "cp-a1"}, {store.FailureQuery{Age: store.UnderADay}, "cp-b1"}, {store.FailureQuery{Age: store.UnderAnHour}, "cp-b2"},
			{store.FailureQuery{Search: "amber"}, "cp-a1"}, {store.FailureQuery{Search: "COACH zebra dot"}, "cp-b1"}, {store.FailureQuery{Search: "100%"}, ""},
			{store.FailureQuery{CompetitorID: "cp-b2"}, "cp-b2"},
		} {
			var got []string
			for id := range h.open(c.q) {
				got = append(got, id)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%+v finds %q, want %q", c.q, got, c.want)
			}
			if n := h.board(c.q).Matching(); n != len(got) {
				t.Errorf("%+v: the board counts %d, the rows are %d", c.q, n, len(got))
			}
		}
	})
}

func TestAttemptsOfAFailureComeInPages(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for i := range 5 {
			p := h.failing("gp-a1", domain.ServerError, 500, "x")
			p.Attempts = []store.Attempt{{Endpoint: "GET /users", StartedAt: h.clock.Now(), Took: time.Duration(i) * time.Millisecond, Status: 500, Class: domain.ServerError}}
			h.store(p)
		}
		id := h.open(store.FailureQuery{})["cp-a1"].ID
		var got []time.Duration
		before, more := int64(0), true
		for more {
			var page []store.AttemptRow
			var err error
			if page, more, err = h.admin().FailureAttempts(t.Context(), id, before, 2); err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				got, before = append(got, r.Took/time.Millisecond), r.ID
			}
		}
		if diff := cmp.Diff([]time.Duration{4, 3, 2, 1, 0}, got); diff != "" {
			t.Errorf("newest first (-want +got):\n%s", diff)
		}
	})
}

func TestOldFailuresAreDeleted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		h.store(h.failing("gp-b1", domain.Timeout, 0, "x"))
		h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "x"})
		h.store(h.pull("gp-a1"))
		h.clock.Advance(91 * 24 * time.Hour)
		if err := h.sys.PruneFailures(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.want("the open one stays", failuresQuery, "cp-b1|timeout|cleared|1|")
		h.want("its cause", `SELECT class FROM failure_causes`, "timeout")
		h.want("operations", `SELECT (SELECT COUNT(*) FROM operations), (SELECT COUNT(*) FROM operation_items)`, "0|0")
		h.sumsHold()
	})
}

// failureProbes call every method on failures: but for the counts they are for who may see whom failures are about.
func failureProbes() []probe {
	code := func(call func(h *house, sc *store.Scope) error) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			denied := domain.CodeOf(call(h, sc)) == domain.Denied
			if admin := sc.Viewer().Role == domain.RoleAdmin; denied == admin {
				h.t.Errorf("%+v: denied is %v", sc.Viewer(), denied)
			}
			return nil, nil
		}
	}
	any1 := store.FailureQuery{IDs: []int64{1}}
	one := func(method string, call func(h *house, sc *store.Scope) error) probe {
		return probe{method, "", code(call), nobody, "", nobody}
	}
	return []probe{
		{"FailureBoard", "", func(h *house, sc *store.Scope) (any, error) {
			b, err := sc.FailureBoard(h.t.Context(), store.FailureQuery{At: h.clock.Now()})
			if sc.Viewer().Role == domain.RoleAdmin {
				return nil, err // admins read what the platform says of anybody
			}
			return b, err
		}, nobody, "", nobody},
		one("FailuresPage", func(h *house, sc *store.Scope) error {
			_, _, err := sc.FailuresPage(h.t.Context(), store.FailureQuery{}, store.Page{Limit: 9}, 9)
			return err
		}),
		one("EachFailure", func(h *house, sc *store.Scope) error {
			return sc.EachFailure(h.t.Context(), store.FailureQuery{}, func(store.FailureRow) error { return nil })
		}),
		one("Failure", func(h *house, sc *store.Scope) error { _, err := sc.Failure(h.t.Context(), 1); return err }),
		one("FailureAttempts", func(h *house, sc *store.Scope) error {
			_, _, err := sc.FailureAttempts(h.t.Context(), 1, 0, 9)
			return err
		}),
		one("EarlierFailures", func(h *house, sc *store.Scope) error { _, err := sc.EarlierFailures(h.t.Context(), 1, 9); return err }),
		one("PlanOperation", func(h *house, sc *store.Scope) error {
			_, err := sc.PlanOperation(h.t.Context(), store.OpRetry, any1)
			return err
		}),
		one("BeginOperation", func(h *house, sc *store.Scope) error {
			_, err := sc.BeginOperation(h.t.Context(), store.OperationRequest{Kind: store.OpRetry, Filter: any1})
			return err
		}),
		one("Operation", func(h *house, sc *store.Scope) error { _, err := sc.Operation(h.t.Context(), 1); return err }),
		one("Operations", func(h *house, sc *store.Scope) error { _, err := sc.Operations(h.t.Context(), 9); return err }),
		one("QueuedBy", func(h *house, sc *store.Scope) error { _, err := sc.QueuedBy(h.t.Context(), 1); return err }),
		one("AbortOperation", func(h *house, sc *store.Scope) error { _, err := sc.AbortOperation(h.t.Context(), 99); return err }),
		one("UndoClear", func(h *house, sc *store.Scope) error { _, err := sc.UndoClear(h.t.Context(), 99); return err }),
		one("AddEmail", func(h *house, sc *store.Scope) error {
			_, err := sc.AddEmail(h.t.Context(), 99, "x@y.example")
			return err
		}),
	}
}
