package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// operate begins an operation and has it planned to its end.
func (h *house) operate(r store.OperationRequest) store.Operation {
	h.t.Helper()
	o, err := h.admin().BeginOperation(h.t.Context(), r)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.worked(o.ID)
}

// worked plans whatever is not planned and gives an operation as it then is.
func (h *house) worked(id int64) store.Operation {
	h.t.Helper()
	for more := true; more; {
		var err error
		if more, err = h.sys.WorkOperations(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
	o, err := h.admin().Operation(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	if sum := o.Queued + o.Done + o.Failed + o.Aborted + o.SkippedAll(); sum != o.Matched {
		h.t.Errorf("operation %d: %d matched, and %d are accounted for", id, o.Matched, sum)
	}
	return o
}

// crowd fails so many competitors of one coach, all for one cause.
func (h *house) crowd(n int) {
	h.t.Helper()
	var rows []roster.Row
	for i := range n {
		rows = append(rows, roster.Row{
			CoachID: "co-c", CoachEmail: "coach@crowd.example", CoachName: "Coach Crowd", CompetitorID: fmt.Sprintf("cp-%04d", i), GamePlatformID: fmt.Sprintf("gp-%04d", i),
			FirstName: "P", LastName: fmt.Sprint(i), Email: fmt.Sprintf("p%d@crowd.example", i), Division: domain.College, Status: domain.ProfileComplete,
		})
	}
	h.roster(rows...)
	for i := range n {
		h.store(h.failing(fmt.Sprintf("gp-%04d", i), domain.ServerError, 500, fmt.Sprintf("request %d failed", i)))
	}
}

const dueQuery = `SELECT syned_user_id, next_due_at FROM game_platform_sync_state ORDER BY 1`

func TestARetryMakesFailuresDueAPaceApart(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(5)
		now := h.clock.Now()
		o := h.operate(store.OperationRequest{Kind: store.OpRetry, Pace: time.Second})
		if o.Matched != 5 || o.Queued != 5 || !o.FinishedAt.IsZero() {
			t.Fatalf("%+v, want 5 queued and no end", o)
		}
		for i, line := range h.lines(dueQuery) {
			var due int64
			if _, err := fmt.Sscan(line[strings.Index(line, "|")+1:], &due); err != nil {
				t.Fatal(err)
			}
			at := time.UnixMicro(due).Sub(now)
			if earliest, latest := time.Duration(max(0, i-1))*time.Second, time.Duration(i)*time.Second; at < earliest || at > latest {
				t.Errorf("the %d. is due after %s, want between %s and %s", i, at, earliest, latest)
			}
		}
		for i, result := range []store.Pull{h.pull("gp-0000"), h.failing("gp-0001", domain.Timeout, 0, ""), h.pull("gp-0002")} {
			h.store(result)
			if due, err := h.sys.OperationDue(t.Context()); err != nil || !due && i < 2 {
				t.Errorf("a retry is due: %v, %v", due, err)
			}
		}
		o = h.worked(o.ID)
		if o.Done != 2 || o.Failed != 1 || o.Queued != 2 {
			t.Errorf("%+v, want 2 done, 1 failed, 2 queued", o)
		}
		h.store(h.pull("gp-0003"))
		h.store(h.pull("gp-0004"))
		if o = h.worked(o.ID); o.FinishedAt.IsZero() || o.Done != 4 {
			t.Errorf("%+v, want an end", o)
		}
	})
}

func TestARetryLeavesAloneWhomItCannotHelp(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		h.store(h.failing("gp-a2", domain.ServerError, 500, "x"))
		h.store(h.failing("gp-b1", domain.ServerError, 500, "x"))
		h.store(h.blocked("gp-b2", domain.PlatformDenied))
		h.exec(`UPDATE competitors SET email = NULL, email_key = NULL WHERE competitor_id = 'cp-a3'`)
		h.exec(`UPDATE competitor_list SET state = 'email_missing' WHERE competitor_id = 'cp-a3'`)
		if err := h.sys.FindFailures(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.sys.MarkRunning(t.Context(), "cp-a2"); err != nil {
			t.Fatal(err)
		}
		h.exec(`UPDATE coaches SET enrolled = ` + map[string]string{"sqlite": "0", "postgres": "FALSE"}[h.kind] + ` WHERE coach_id = 'co-b'`)
		plan, err := h.admin().PlanOperation(t.Context(), store.OpRetry, store.FailureQuery{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[store.SkipReason]int{store.SkipBlocked: 1, store.SkipNoAccount: 1, store.SkipNotEnrolled: 1, store.SkipRunning: 1}
		if plan.Matched != 5 || plan.Eligible != 1 || cmp.Diff(want, plan.Skipped) != "" {
			t.Errorf("%+v, want %v left alone", plan, want)
		}
		o := h.operate(store.OperationRequest{Kind: store.OpRetry})
		if o.Queued != 1 || cmp.Diff(want, o.Skipped) != "" {
			t.Errorf("%+v, want %v left alone", o, want)
		}
		again := h.operate(store.OperationRequest{Kind: store.OpRetry})
		if again.Queued != 0 || again.Skipped[store.SkipQueued] != 1 {
			t.Errorf("the second one: %+v, want nothing queued", again)
		}
		by, err := h.admin().QueuedBy(t.Context(), h.open(store.FailureQuery{})["cp-a1"].ID)
		if err != nil || by.ID != o.ID || by.By != "u-admin" {
			t.Errorf("queued by %+v, %v", by, err)
		}
	})
}

func TestWhatFailsAfterThePlanIsNotTouched(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		plan, err := h.admin().PlanOperation(t.Context(), store.OpRetry, store.FailureQuery{})
		if err != nil {
			t.Fatal(err)
		}
		h.store(h.failing("gp-b1", domain.ServerError, 500, "x"))
		before := h.lines(`SELECT next_due_at FROM game_platform_sync_state WHERE syned_user_id = 'gp-b1'`)
		o := h.operate(store.OperationRequest{Kind: store.OpRetry, LastFailure: plan.LastFailure})
		if o.Matched != 1 || o.Queued != 1 {
			t.Errorf("%+v, want the first alone", o)
		}
		h.want("the later one is due as before", `SELECT next_due_at FROM game_platform_sync_state WHERE syned_user_id = 'gp-b1'`, before...)
	})
}

func TestManyArePlannedStepByStepAndOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const many = 2300
		h.crowd(many)
		o, err := h.admin().BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpRetry, Pace: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if o.Matched != 1000 || !o.PlannedAt.IsZero() {
			t.Fatalf("%d are planned at once, planned at %s; want 1000 and no end", o.Matched, o.PlannedAt)
		}
		var all sync.WaitGroup
		for w := range 2 { // two processes plan while syncs are stored
			all.Go(func() {
				for more := true; more; {
					var err error
					if more, err = h.sys.WorkOperations(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
			all.Go(func() {
				for i := w; i < 200; i += 2 {
					p := h.pull(fmt.Sprintf("gp-%04d", i*10))
					if i%3 == 0 {
						p = h.failing(p.GamePlatformID, domain.Timeout, 0, "")
					}
					if _, err := h.sys.StorePull(t.Context(), p); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		o = h.worked(o.ID)
		// Those whose sync came before their item was made are over or fail for another cause: they match no more.
		if o.Matched < many-200 || o.Matched > many || o.PlannedAt.IsZero() {
			t.Errorf("%+v, want almost all planned", o)
		}
		h.sumsHold()
		aborted, err := h.admin().AbortOperation(t.Context(), o.ID)
		if err != nil || aborted.Queued != 0 || aborted.Aborted != o.Queued || aborted.Done != o.Done {
			t.Errorf("stopped: %+v, %v", aborted, err)
		}
	})
}

func TestTwoWhoPressAtOnceQueueEachOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(50)
		var all sync.WaitGroup
		var got [2]store.Operation
		for i := range got {
			all.Go(func() {
				var err error
				if got[i], err = h.admin().BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpRetry}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got[0].Queued+got[1].Queued != 50 || got[0].Skipped[store.SkipQueued]+got[1].Skipped[store.SkipQueued] != 50 {
			t.Errorf("%+v and %+v, want 50 queued by one and left alone by the other", got[0], got[1])
		}
	})
}

func TestWhatIsSettledWhileAnOperationIsBeingClosedIsCounted(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	h.crowd(1)
	o := h.operate(store.OperationRequest{Kind: store.OpRetry})
	if o.Queued != 1 {
		t.Fatalf("%+v, want one queued", o)
	}
	// Whoever closes operations stops after each statement, for as long as the row of a coach whom this is not about is held.
	h.exec(`CREATE FUNCTION behind_a_coach() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM 1 FROM coaches WHERE coach_id = 'co-b' FOR UPDATE; RETURN NULL; END $$`)
	h.exec(`CREATE TRIGGER halt AFTER UPDATE ON operations FOR EACH STATEMENT EXECUTE FUNCTION behind_a_coach()`)
	h.exec(`CREATE TRIGGER halt AFTER INSERT ON operation_counts FOR EACH STATEMENT EXECUTE FUNCTION behind_a_coach()`)
	queue(t, h, "coaches WHERE coach_id = $1", "co-b",
		func(s *store.Store) error {
			_, err := s.System().WorkOperations(t.Context())
			return err
		},
		func(s *store.Store) error {
			_, err := s.System().StorePull(t.Context(), h.pull("gp-0000"))
			return err
		})
	if o = h.worked(o.ID); o.Matched != 1 || o.Done != 1 || o.FinishedAt.IsZero() {
		t.Errorf("%+v, want the one done, and counted", o)
	}
}

func TestStoppingTakesBackWhatWasNotTried(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(3)
		before := h.lines(dueQuery)
		o := h.operate(store.OperationRequest{Kind: store.OpRetry})
		h.store(h.pull("gp-0000"))
		if _, err := h.admin().AbortOperation(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
		h.want("due as before", dueQuery+` LIMIT 9`, append(h.lines(dueQuery)[:1], before[1:]...)...)
		h.want("shown as before", `SELECT COUNT(*) FROM sync_failures f JOIN game_platform_sync_state st ON st.next_due_at = f.next_due_at WHERE f.ended_at IS NULL`, "2")
		o = h.worked(o.ID)
		if o.Done != 1 || o.Aborted != 2 || o.AbortedBy != "u-admin" {
			t.Errorf("%+v, want 1 done and 2 stopped", o)
		}
		if _, err := h.admin().AbortOperation(t.Context(), o.ID); domain.CodeOf(err) != domain.Clash {
			t.Errorf("stopped twice: %v, want a clash", err)
		}
		h.want("noted", `SELECT action, detail FROM audit_log WHERE action LIKE '%oper%' OR action LIKE 'failure%' ORDER BY audit_id`,
			fmt.Sprintf("failures.retry|operation=%d", o.ID), fmt.Sprintf("operation.abort|operation=%d", o.ID))
	})
}

func TestWhatIsTriedWhileAnOperationIsBeingStoppedIsDueAsItsSyncSaid(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.crowd(2)
	o := h.operate(store.OperationRequest{Kind: store.OpRetry})
	retry := h.pull("gp-0000")
	retry.NextDue = func(store.Activity) time.Time { return h.clock.Now().Add(24 * time.Hour) }
	queue(t, h, "competitor_list WHERE competitor_id = $1", "cp-0000", // where a sync comes to after it has said when the next is due
		func(s *store.Store) error {
			_, err := s.System().StorePull(t.Context(), retry)
			return err
		},
		func(s *store.Store) error {
			_, err := s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).AbortOperation(t.Context(), o.ID)
			return err
		})
	if o = h.worked(o.ID); o.Done != 1 || o.Aborted != 1 {
		t.Errorf("%+v, want one done and one stopped", o)
	}
	h.want("due", `SELECT next_due_at FROM game_platform_sync_state WHERE syned_user_id = 'gp-0000'`, fmt.Sprint(h.clock.Now().Add(24*time.Hour).UnixMicro()))
}

func TestAClearNeedsAReasonAndCanBeTakenBackForThirtyDays(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(3)
		if _, err := h.admin().BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpClear, Reason: " "}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("without a reason: %v, want an invalid", err)
		}
		h.want("nothing was begun", `SELECT COUNT(*) FROM operations`, "0")
		o := h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "known"})
		if again := h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "me too", Filter: store.FailureQuery{State: domain.FailureCleared}}); again.Done != 0 || again.Skipped[store.SkipCleared] != 3 {
			t.Errorf("cleared twice: %+v", again)
		}
		h.store(h.pull("gp-0001"))
		if n, err := h.admin().UndoClear(t.Context(), o.ID); err != nil || n != 2 {
			t.Errorf("taken back: %d, %v, want the 2 that are not over", n, err)
		}
		h.sumsHold()
		if _, err := h.admin().UndoClear(t.Context(), o.ID); domain.CodeOf(err) != domain.Clash {
			t.Errorf("taken back twice: %v, want a clash", err)
		}
		late := h.operate(store.OperationRequest{Kind: store.OpClear, Reason: "known"})
		h.clock.Advance(31 * 24 * time.Hour)
		if _, err := h.admin().UndoClear(t.Context(), late.ID); domain.CodeOf(err) != domain.Clash {
			t.Errorf("after 31 days: %v, want a clash", err)
		}
	})
}

func TestNothingIsDoneToFailuresThatAreOver(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(2)
		h.store(h.pull("gp-0000"))
		for _, kind := range []store.OperationKind{store.OpRetry, store.OpClear} {
			r := store.OperationRequest{Kind: kind, Reason: "x", Filter: store.FailureQuery{State: domain.FailureResolved}}
			if _, err := h.admin().BeginOperation(t.Context(), r); domain.CodeOf(err) != domain.Invalid {
				t.Errorf("%s: %v, want an invalid", kind, err)
			}
			if _, err := h.admin().PlanOperation(t.Context(), kind, r.Filter); domain.CodeOf(err) != domain.Invalid {
				t.Errorf("plan of %s: %v, want an invalid", kind, err)
			}
		}
		h.sumsHold()
	})
}

func TestAClearIsTakenBackOnlyWhenItIsNotUnderWay(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(1100)
		o, err := h.admin().BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpClear, Reason: "x"})
		if err != nil || !o.PlannedAt.IsZero() {
			t.Fatalf("%+v, %v, want it under way", o, err)
		}
		if _, err := h.admin().UndoClear(t.Context(), o.ID); domain.CodeOf(err) != domain.Clash {
			t.Errorf("under way: %v, want a clash", err)
		}
		if _, err := h.admin().AbortOperation(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
		if n, err := h.admin().UndoClear(t.Context(), o.ID); err != nil || n != 1000 {
			t.Errorf("stopped: %d, %v, want the 1000 that were cleared", n, err)
		}
		h.worked(o.ID)
		if open := h.board(store.FailureQuery{}).Open; open != 1100 {
			t.Errorf("%d are open, want all", open)
		}
		h.sumsHold()
	})
}

func TestNobodyIsLookedUpBeforeTheCoachHasTheFeature(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people() // cp-a3 has an email and no account
		for _, enrolled := range []bool{true, false} {
			if unlinked, err := h.sys.Unlinked(t.Context(), "cp-a3"); err != nil || unlinked != enrolled {
				t.Errorf("enrolled %v: looked up %v, %v", enrolled, unlinked, err)
			}
			h.exec(`UPDATE coaches SET enrolled = ` + map[string]string{"sqlite": "0", "postgres": "FALSE"}[h.kind])
		}
	})
}

func TestQueuedRetriesOfACoachWhoLosesTheFeatureAreGivenUp(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.crowd(2)
		o := h.operate(store.OperationRequest{Kind: store.OpRetry})
		h.exec(`UPDATE coaches SET enrolled = ` + map[string]string{"sqlite": "0", "postgres": "FALSE"}[h.kind])
		if o = h.worked(o.ID); o.Queued != 0 || o.Skipped[store.SkipNotEnrolled] != 2 || o.FinishedAt.IsZero() {
			t.Errorf("%+v, want both left alone, and an end", o)
		}
	})
}

func TestAnAddedEmailEndsTheFailureAndAsksForASync(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		row := roster.Row{CoachID: "co-a", CoachEmail: "coach@amber.example", CoachName: "Coach Amber", FirstName: "Fay", LastName: "Amber", Division: domain.HighSchool, Status: domain.ProfileComplete}
		row.CompetitorID = "cp-a9"
		h.roster(row)
		id := h.open(store.FailureQuery{})["cp-a9"].ID
		for typed, code := range map[string]domain.Code{"": domain.Invalid, "fay": domain.Invalid, "Fay <fay@amber.example>": domain.Invalid, "A1@amber.example": domain.Clash} {
			if _, err := h.admin().AddEmail(t.Context(), id, typed); domain.CodeOf(err) != code {
				t.Errorf("%q: %v, want %s", typed, err, code)
			}
		}
		run, err := h.admin().AddEmail(t.Context(), id, " fay@amber.example ")
		if err != nil || run == "" {
			t.Fatalf("%q, %v", run, err)
		}
		h.want("stored", `SELECT email, email_key FROM competitors WHERE competitor_id = 'cp-a9'`, "fay@amber.example|fay@amber.example")
		h.want("over", failuresQuery, "cp-a9|missing_email|needs_attention|0|completed")
		h.want("asked for", `SELECT competitor_id, requested_by FROM sync_runs`, "cp-a9|page")
		h.want("noted without the address", `SELECT action, competitor_id, detail FROM audit_log`, "competitor.email_add|cp-a9|")
		if _, err := h.admin().AddEmail(t.Context(), id, "other@amber.example"); domain.CodeOf(err) != domain.Clash {
			t.Errorf("twice: %v, want a clash", err)
		}
		if unlinked, err := h.sys.Unlinked(t.Context(), "cp-a9"); err != nil || !unlinked {
			t.Errorf("unlinked: %v, %v", unlinked, err)
		}
		if err := h.sys.Link(t.Context(), "cp-a9", domain.PlatformUser{Username: "fay", Status: domain.PlatformApproved}); err != nil {
			t.Fatal(err)
		}
		h.want("linked", `SELECT game_platform_id, state FROM competitor_list WHERE competitor_id = 'cp-a9'`, "cp-a9|first_sync")
		h.sumsHold()
	})
}

func TestProductStaffSeeCountsAndCannotSearch(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.store(h.failing("gp-a1", domain.ServerError, 500, "x"))
		product := h.s.For(domain.Viewer{UserID: "u-p", Role: domain.RoleProduct})
		b, err := product.FailureBoard(t.Context(), store.FailureQuery{At: h.clock.Now()})
		if err != nil || b.Open != 1 || b.Matching() != 1 {
			t.Errorf("%+v, %v, want one counted", b, err)
		}
		for _, q := range []store.FailureQuery{{Search: "amber"}, {CompetitorID: "cp-a1"}, {IDs: []int64{1}}} {
			if _, err := product.FailureBoard(t.Context(), q); domain.CodeOf(err) != domain.Denied {
				t.Errorf("%+v: %v, want it denied", q, err)
			}
		}
	})
}
