package syncer

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

func each(t *testing.T, ids []string, test func(t *testing.T, b *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		test(t, newBench(t, s, clock, ids...))
	})
}

func TestSolvesWithOneIDInODLAndTwoEventsAreAllKept(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		ada := approved(solve(1, time.Hour))
		for _, name := range []string{"Autumn Qualifier", "Harvest Cup"} {
			ada.flash = append(ada.flash, wireEvent{Name: name, Start: storetest.Start.Add(-time.Hour).Unix(), Solves: []wireSolve{solve(1, time.Hour)}, Points: 100})
		}
		b.platform.accounts["ada"] = ada
		b.run(store.RunRequest{})
		if d := b.row("ada"); d.Solves() != 3 || d.Points() != 300 || d.FlashSolves != 2 {
			t.Errorf("%d solves, %d of them flash, %d points; want 3, 2, 300", d.Solves(), d.FlashSolves, d.Points())
		}
	})
}

func TestTheCursorIsTheNewestSolveLessTheOverlap(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, 100*time.Hour), solve(2, 3*time.Hour))
		b.run(store.RunRequest{})
		if first := odlCall(t, b.platform.asked()); strings.Contains(first, "after_time_unix") {
			t.Errorf("the first pull has a cursor: %s", first)
		}
		b.run(store.RunRequest{})
		want := storetest.Start.Add(-51 * time.Hour).Unix()
		if second := odlCall(t, b.platform.asked()); !strings.Contains(second, "after_time_unix="+strconv.FormatInt(want, 10)) {
			t.Errorf("the second pull asks %s, want after_time_unix=%d", second, want)
		}
		b.run(store.RunRequest{Full: true})
		if full := odlCall(t, b.platform.asked()); strings.Contains(full, "after_time_unix") {
			t.Errorf("a full pull has a cursor: %s", full)
		}
	})
}

func odlCall(t *testing.T, calls []string) string {
	t.Helper()
	for _, c := range calls {
		if strings.Contains(c, "get_odl_scores") {
			return c
		}
	}
	t.Fatalf("no ODL call among %q", calls)
	return ""
}

func TestFlashSolvesAndSolvesFromTheFutureDoNotMoveTheCursor(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		ada := approved(solve(1, 5*time.Hour), solve(2, -time.Hour))
		ada.flash = []wireEvent{{Name: "Autumn Qualifier", Start: storetest.Start.Unix(), Solves: []wireSolve{solve(3, time.Minute)}}}
		b.platform.accounts["ada"] = ada
		b.run(store.RunRequest{})
		if got, want := b.target("ada").Cursor, storetest.Start.Add(-5*time.Hour); !got.Equal(want) {
			t.Errorf("the cursor is at %s, want %s", got, want)
		}
		if d := b.row("ada"); d.Solves() != 3 {
			t.Errorf("%d solves are stored, want 3", d.Solves())
		}
	})
}

func TestASolveMadeDuringTheLastSyncArrivesWithTheNext(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.run(store.RunRequest{})
		b.platform.change(func(a map[string]*account) { a["ada"].odl = append(a["ada"].odl, solve(2, 2*time.Hour)) })
		b.clock.Advance(30 * time.Minute)
		if got := b.run(store.RunRequest{}).Counts; got.NewSolves != 1 || got.Changed != 1 {
			t.Errorf("got %+v, want one new solve", got)
		}
	})
}

func TestAFailedSyncLeavesTheCursorWhereItWas(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, 5*time.Hour))
		b.run(store.RunRequest{})
		before := b.target("ada").Cursor
		b.platform.change(func(a map[string]*account) {
			a["ada"].odl = append(a["ada"].odl, solve(2, time.Hour))
			a["ada"].spoil = fail("/scores/get_odl_scores", http.StatusInternalServerError)
		})
		if got := b.run(store.RunRequest{}).Counts; got.Failed != 1 {
			t.Fatalf("got %+v, want one failed", got)
		}
		if after := b.target("ada").Cursor; !after.Equal(before) {
			t.Errorf("the cursor moved from %s to %s", before, after)
		}
		b.platform.change(func(a map[string]*account) { a["ada"].spoil = nil })
		if got := b.run(store.RunRequest{}).Counts; got.NewSolves != 1 {
			t.Errorf("got %+v, want the solve that was missed", got)
		}
	})
}

// fail makes one endpoint answer with a status and a page of HTML, as proxies do.
func fail(path string, status int) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, asked string) bool {
		if asked != path {
			return false
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>sorry</html>"))
		return true
	}
}

func TestWhatOnePartLearnedIsStoredThoughAnotherFailed(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		ada := approved(solve(1, time.Hour))
		ada.spoil = fail("/scores/get_flash_ctf_progress", http.StatusBadGateway)
		b.platform.accounts["ada"] = ada
		got := b.run(store.RunRequest{}).Counts
		if got.Failed != 1 || got.NewSolves != 1 {
			t.Errorf("got %+v, want failed with one new solve", got)
		}
		d := b.row("ada")
		if d.ODLSolves != 1 || d.Sync.Result != domain.SyncFailure || d.Sync.Class != domain.ServerError || !d.Sync.LastSuccessAt.IsZero() {
			t.Errorf("%d ODL solves, state %+v", d.ODLSolves, d.Sync)
		}
		if !b.target("ada").FullPullAt.IsZero() {
			t.Error("half a pull counts as a full one")
		}
	})
}

func TestEverythingIsPulledOnceADay(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.run(store.RunRequest{})
		// A solve that the platform took in late, dated weeks back: no cursor would ever see it.
		b.platform.change(func(a map[string]*account) { a["ada"].odl = append(a["ada"].odl, solve(2, 900*time.Hour)) })
		b.clock.Advance(23 * time.Hour)
		if got := b.run(store.RunRequest{}).Counts; got.NewSolves != 0 {
			t.Fatalf("got %+v before the day was over", got)
		}
		b.clock.Advance(time.Hour)
		if got := b.run(store.RunRequest{}).Counts; got.NewSolves != 1 {
			t.Errorf("got %+v, want the late solve", got)
		}
	})
}

func TestASolveMissingFromTwoFullPullsIsWithdrawn(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour), solve(2, time.Hour))
		b.run(store.RunRequest{})
		b.platform.change(func(a map[string]*account) { a["ada"].odl = a["ada"].odl[:1] })
		b.run(store.RunRequest{}) // not a snapshot: says nothing of what is missing
		for i, want := range []int64{2, 1} {
			b.clock.Advance(time.Minute)
			b.run(store.RunRequest{Full: true})
			if d := b.row("ada"); d.Solves() != want || d.Points() != 100*want {
				t.Errorf("after snapshot %d: %d solves, %d points; want %d", i+1, d.Solves(), d.Points(), want)
			}
		}
	})
}

func TestNothingIsWithdrawnAfterAnAnswerWithAMalformedRecord(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour), solve(2, time.Hour))
		b.run(store.RunRequest{})
		b.platform.change(func(a map[string]*account) { a["ada"].odl[1].Points = nil })
		for range 3 {
			b.clock.Advance(time.Minute)
			b.run(store.RunRequest{Full: true})
		}
		d := b.row("ada")
		if d.Solves() != 2 || d.Quarantined != 1 {
			t.Errorf("%d solves, %d in quarantine; want 2 and 1", d.Solves(), d.Quarantined)
		}
		if d.Sync.Result != domain.SyncSuccess {
			t.Errorf("one bad record made the sync a %s", d.Sync.Result)
		}
	})
}

func TestOneCompetitorsFaultsStopNobodyElse(t *testing.T) {
	each(t, []string{"ada", "bo", "cyd", "dot", "eve"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = &account{status: domain.PlatformApproved, spoil: fail("/scores/get_odl_scores", http.StatusInternalServerError)}
		b.platform.accounts["bo"] = &account{status: domain.PlatformApproved, spoil: func(w http.ResponseWriter, path string) bool {
			if path != "/scores/get_odl_scores" {
				return false
			}
			answer(w, map[string]any{"syned_user_id": "eve", "challenge_solves": []wireSolve{solve(9, time.Hour)}})
			return true
		}}
		poison := solve(3, time.Hour)
		poison.Title = "nul \x00 inside"
		b.platform.accounts["cyd"] = approved(solve(1, time.Hour), poison)
		b.platform.accounts["dot"] = &account{status: domain.PlatformPendingApproval}
		b.platform.accounts["eve"] = approved(solve(2, time.Hour))
		got := b.run(store.RunRequest{}).Counts
		want := domain.RunCounts{Attempted: 5, Changed: 2, Blocked: 1, Failed: 2, NewSolves: 3, APICalls: got.APICalls}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		if n := b.row("eve").Solves(); n != 1 {
			t.Errorf("eve has %d solves; an answer about her was given for somebody else", n)
		}
		if class := b.row("bo").Sync.Class; class != domain.Malformed {
			t.Errorf("an answer about another user is %q, want malformed", class)
		}
		if got.Attempted != got.Changed+got.Unchanged+got.Blocked+got.Failed {
			t.Errorf("the counts do not add up: %+v", got)
		}
	})
}

func TestUnchangedIsNotChanged(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.platform.accounts["bo"] = approved()
		b.run(store.RunRequest{})
		b.platform.asked()
		got := b.run(store.RunRequest{}).Counts
		if got.Changed != 0 || got.Unchanged != 2 || got.NewSolves != 0 || got.APICalls != len(b.platform.asked()) {
			t.Errorf("got %+v", got)
		}
		b.platform.change(func(a map[string]*account) { a["ada"].odl[0].Points = 150 })
		if got := b.run(store.RunRequest{}).Counts; got.Changed != 1 || got.Unchanged != 1 || got.NewSolves != 0 {
			t.Errorf("after points changed: %+v", got)
		}
		if d := b.row("ada"); d.Points() != 150 {
			t.Errorf("%d points, want 150", d.Points())
		}
	})
}

func TestBlockedIsToldApartAndKeepsTheVendorsWord(t *testing.T) {
	cases := map[domain.PlatformStatus]*account{
		domain.PlatformPendingApproval: {status: domain.PlatformPendingApproval},
		domain.PlatformDenied:          {status: domain.PlatformDenied},
		domain.PlatformUserCreated:     {status: domain.PlatformUserCreated},
		domain.PlatformUnknown:         nil,
	}
	for status, a := range cases {
		t.Run(string(status), func(t *testing.T) {
			each(t, []string{"ada"}, func(t *testing.T, b *bench) {
				if a != nil {
					b.platform.accounts["ada"] = &account{status: a.status}
				}
				if got := b.run(store.RunRequest{}).Counts; got.Blocked != 1 || got.Failed != 0 {
					t.Errorf("got %+v, want blocked", got)
				}
				f := b.row("ada").Sync
				if f.Result != domain.SyncBlocked || f.Class != domain.Blocked || f.PlatformStatus != status {
					t.Errorf("got %+v, want blocked with the vendor's word %q", f, status)
				}
			})
		})
	}
}

func TestABlockedCompetitorIsLookedUpFirstAndPulledAtOnceWhenApproved(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = &account{status: domain.PlatformPendingApproval, odl: []wireSolve{solve(1, time.Hour)}}
		b.run(store.RunRequest{})
		b.platform.asked()
		b.run(store.RunRequest{})
		if diff := cmp.Diff([]string{"GET /users?syned_user_id=ada"}, b.platform.asked()); diff != "" {
			t.Errorf("calls while blocked (-want +got):\n%s", diff)
		}
		b.platform.change(func(a map[string]*account) { a["ada"].status = domain.PlatformApproved })
		if got := b.run(store.RunRequest{}).Counts; got.NewSolves != 1 {
			t.Errorf("got %+v, want the solve at once", got)
		}
		if f := b.row("ada").Sync; f.Result != domain.SyncSuccess || f.PlatformStatus != domain.PlatformApproved {
			t.Errorf("got %+v", f)
		}
	})
}

func TestAnAccountThatIsBlockedLaterIsLookedUp(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.run(store.RunRequest{})
		b.platform.change(func(a map[string]*account) { a["ada"].status = domain.PlatformDenied })
		b.run(store.RunRequest{}) // with a cursor, so the account is not looked up by itself
		d := b.row("ada")
		if d.Sync.Result != domain.SyncBlocked || d.Sync.PlatformStatus != domain.PlatformDenied {
			t.Errorf("got %+v, want blocked and denied", d.Sync)
		}
		if d.Solves() != 1 {
			t.Errorf("%d solves, want the one that is stored", d.Solves())
		}
	})
}

func TestASuccessDoesNotOverwriteTheVendorsWord(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		// The platform gives results, and says in the same breath that the account waits for its first sign-in.
		created := approved(solve(1, time.Hour))
		created.spoil = func(w http.ResponseWriter, path string) bool {
			if path != "/users" {
				return false
			}
			answer(w, map[string]any{"metactf_user_id": 7, "metactf_username": "ada", "syned_user_id": "ada", "metactf_user_status": "user_created"})
			return true
		}
		b.platform.accounts["ada"] = created
		b.run(store.RunRequest{})
		b.run(store.RunRequest{})
		if f := b.row("ada").Sync; f.Result != domain.SyncSuccess || f.PlatformStatus != domain.PlatformUserCreated {
			t.Errorf("got %+v, want success beside user_created", f)
		}
	})
}

func TestADryRunStoresNothingAndWritesNothing(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.platform.accounts["bo"] = &account{status: domain.PlatformApproved, spoil: fail("/scores/get_odl_scores", 500)}
		report := b.run(store.RunRequest{DryRun: true})
		if report.RunID != "" || report.Counts.Changed != 1 || report.Counts.Failed != 1 || report.Counts.NewSolves != 1 {
			t.Errorf("got %+v", report)
		}
		for _, call := range b.platform.asked() {
			if !strings.HasPrefix(call, "GET ") {
				t.Errorf("a dry run sent %s", call)
			}
		}
		if d := b.row("ada"); d.Solves() != 0 || d.Sync.Result != domain.SyncNever || !d.Sync.LastAttemptAt.IsZero() {
			t.Errorf("something was stored: %+v", d.Sync)
		}
		runs, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 10)
		if err != nil || len(runs) != 0 {
			t.Errorf("runs %v, %v; want none", runs, err)
		}
	})
}

func TestARefusedTokenEndsTheRunAndIsNobodysFailure(t *testing.T) {
	each(t, []string{"ada", "bo", "cyd"}, func(t *testing.T, b *bench) {
		for _, id := range []string{"ada", "bo", "cyd"} {
			b.platform.accounts[id] = &account{status: domain.PlatformApproved, spoil: func(w http.ResponseWriter, _ string) bool {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"detail":"Invalid token"}`))
				return true
			}}
		}
		report, err := b.syncer.Do(t.Context(), store.RunRequest{})
		if !errors.Is(err, ErrTokenRefused) {
			t.Fatalf("error %v, want ErrTokenRefused", err)
		}
		if c := report.Counts; c.Skipped != 3 || c.Attempted != 0 || c.Failed != 0 {
			t.Errorf("got %+v, want three skipped", c)
		}
		if f := b.row("ada").Sync; f.Result != domain.SyncNever {
			t.Errorf("the competitor's state is %+v", f)
		}
	})
}

func TestARunThatIsStoppedLeavesTheRestDue(t *testing.T) {
	each(t, []string{"ada", "bo", "cyd", "dot"}, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		b.syncer.set.Concurrency = 1
		for _, id := range []string{"ada", "bo", "cyd", "dot"} {
			b.platform.accounts[id] = approved(solve(1, time.Hour))
		}
		b.platform.accounts["bo"].spoil = func(http.ResponseWriter, string) bool { cancel(); return false }
		report, err := b.syncer.Do(ctx, store.RunRequest{})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		if c := report.Counts; c.Attempted+c.Skipped != 4 || c.Failed != 0 {
			t.Errorf("got %+v: an interruption is nobody's failure", c)
		}
		due, err := b.store.System().Targets(t.Context(), store.Selection{DueBy: b.clock.Now()}, "", 10)
		if err != nil || len(due) != report.Counts.Skipped {
			t.Errorf("%d are due, want the %d skipped (%v)", len(due), report.Counts.Skipped, err)
		}
		runs, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).LastRuns(t.Context(), 10)
		if err != nil || len(runs) != 1 || runs[0].Stopped != store.StopInterrupted || runs[0].FinishedAt.IsZero() {
			t.Errorf("runs %+v, %v; want one, stopped", runs, err)
		}
	})
}

func TestAPanicIsOneCompetitorsFailureWithBackOff(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"], b.platform.accounts["bo"] = approved(solve(1, time.Hour)), approved(solve(2, time.Hour))
		b.syncer.set.Concurrency = 1
		usual, once := b.syncer.random, true
		b.syncer.random = func() float64 {
			if once {
				once = false
				panic("of the test")
			}
			return usual()
		}
		if got := b.run(store.RunRequest{}).Counts; got.Failed != 1 || got.Changed != 1 {
			t.Errorf("got %+v, want one failed and one changed", got)
		}
		f := b.row("ada").Sync
		if f.Result != domain.SyncFailure || f.Class != domain.StoreFailed || !f.NextDueAt.After(b.clock.Now()) || b.row("ada").Solves() != 0 {
			t.Errorf("got %+v, want a failure with a later try", f)
		}
	})
}

func TestASyncThatIsHaltedWhileItIsStoredIsNobodysFailure(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		usual := b.syncer.random
		b.syncer.random = func() float64 { cancel(); return usual() } // asked for in the middle of the transaction
		report, err := b.syncer.Do(ctx, store.RunRequest{By: "command"})
		if !errors.Is(err, context.Canceled) || report.Counts.Failed != 0 || report.Counts.Skipped != 1 {
			t.Errorf("got %+v, %v; want one skipped", report.Counts, err)
		}
		if d := b.row("ada"); d.Solves() != 0 || d.Sync.Result != domain.SyncNever {
			t.Errorf("%d solves, %+v", d.Solves(), d.Sync)
		}
	})
}

func TestDispatchSyncsWhoIsDueUntilNobodyIs(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.platform.accounts["bo"] = &account{status: domain.PlatformApproved, spoil: fail("/scores/get_odl_scores", 500)}
		dispatch := func() []string {
			if err := b.syncer.Dispatch(t.Context()); err != nil {
				t.Fatal(err)
			}
			return b.platform.asked()
		}
		if calls := dispatch(); len(calls) != 6 {
			t.Errorf("the first round made %q, want three calls each", calls)
		}
		if calls := dispatch(); len(calls) != 0 {
			t.Errorf("nobody is due, and yet: %q", calls)
		}
		b.clock.Advance(30 * time.Minute)
		if calls := dispatch(); len(calls) < 2 {
			t.Errorf("half an hour later: %q, want the active one at least", calls)
		}
		runs, err := b.store.For(domain.Viewer{Role: domain.RoleProduct}).LastRuns(t.Context(), 10)
		if err != nil || len(runs) != 2 || runs[1].Counts.Attempted != 2 || runs[1].Counts.Failed != 1 || runs[1].FinishedAt.IsZero() {
			t.Errorf("runs %+v, %v; want one a quarter hour, the first closed", runs, err)
		}
	})
}

func TestSelectionsSyncOnlyWhomTheyName(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"], b.platform.accounts["bo"] = approved(), approved()
		got := b.run(store.RunRequest{Selection: store.Selection{CompetitorID: "C-bo"}}).Counts
		if got.Attempted != 1 {
			t.Errorf("got %+v, want one", got)
		}
		for _, call := range b.platform.asked() {
			if !strings.HasSuffix(call, "=bo") {
				t.Errorf("asked %s", call)
			}
		}
		if err := b.store.System().CheckSelection(t.Context(), store.Selection{CoachID: "nobody"}); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("an unknown coach is %v, want NoSuch", err)
		}
	})
}

func TestTheDispatcherWorksWhenWokenAndEndsWhenStopped(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		asked := make(chan struct{}, 16)
		ada := approved()
		ada.spoil = func(http.ResponseWriter, string) bool { asked <- struct{}{}; return false }
		b.platform.accounts["ada"] = ada
		d := StartDispatcher(b.syncer)
		for range 5 {
			d.Wake()
		}
		select {
		case <-asked:
		case <-time.After(10 * time.Second):
			t.Error("nothing was asked")
		}
		d.Stop()
		d.Stop() // a second time does nothing
	})
}
