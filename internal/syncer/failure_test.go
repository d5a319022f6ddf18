package syncer

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
)

// causes are the open ones, as an admin reads them.
func (b *bench) causes() []string {
	b.t.Helper()
	board, err := b.store.For(domain.Viewer{UserID: "u", Role: domain.RoleAdmin}).FailureBoard(b.t.Context(), store.FailureQuery{At: b.clock.Now()})
	if err != nil {
		b.t.Fatal(err)
	}
	var list []string
	for _, c := range board.Causes {
		list = append(list, strings.TrimSpace(string(c.Class)+" "+c.Endpoint))
	}
	return list
}

func (b *bench) wantCauses(when string, want ...string) {
	b.t.Helper()
	if got := strings.Join(b.causes(), ", "); got != strings.Join(want, ", ") {
		b.t.Errorf("%s the causes are %q, want %q", when, got, want)
	}
}

// down answers every call with a status.
func down(w http.ResponseWriter, _ string) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func TestAnOutageIsOneCauseWhicheverCallCameFirst(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.run(store.RunRequest{Selection: store.Selection{CompetitorID: "C-ada"}})
		b.platform.change(func(accounts map[string]*account) {
			accounts["ada"].spoil, accounts["bo"] = down, &account{status: domain.PlatformApproved, spoil: down}
		})
		b.run(store.RunRequest{}) // ada after a cursor, and bo, for the first time, in full
		b.wantCauses("while everything is down", "server_error every call")
		b.platform.change(func(accounts map[string]*account) {
			accounts["ada"].spoil, accounts["bo"].spoil = fail("/scores/get_odl_scores", 503), fail("/scores/get_odl_scores", 503)
		})
		b.run(store.RunRequest{})
		b.wantCauses("while the ODL scores are down", "server_error GET /scores/get_odl_scores")
		b.platform.change(func(accounts map[string]*account) { accounts["ada"].spoil, accounts["bo"].spoil = nil, nil })
		b.run(store.RunRequest{})
		b.wantCauses("afterwards")
	})
}

func TestAnUnreachablePlatformIsOneCause(t *testing.T) {
	each(t, []string{"ada", "bo"}, func(t *testing.T, b *bench) {
		b.platform.accounts["ada"] = approved(solve(1, time.Hour))
		b.run(store.RunRequest{Selection: store.Selection{CompetitorID: "C-ada"}})
		b.platform.server.Close()
		b.run(store.RunRequest{})
		b.wantCauses("without a platform", "unreachable")
	})
}

func TestAFailingCompetitorIsMarkedWhileItIsTried(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		running := func() int {
			board, err := b.store.For(domain.Viewer{Role: domain.RoleAdmin}).FailureBoard(t.Context(), store.FailureQuery{State: domain.FailureRunning, At: b.clock.Now()})
			if err != nil {
				t.Error(err)
			}
			return board.Matching()
		}
		ada := approved()
		ada.spoil = down
		b.platform.accounts["ada"] = ada
		b.run(store.RunRequest{})
		during := -1
		b.platform.change(func(accounts map[string]*account) {
			accounts["ada"].spoil = func(http.ResponseWriter, string) bool { during = running(); return false }
		})
		b.run(store.RunRequest{})
		if after := running(); during != 1 || after != 0 {
			t.Errorf("%d are running while it is tried and %d afterwards, want 1 and 0", during, after)
		}
	})
}

func TestARetryIsTriedWithoutWaitingForTheClock(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		ada := approved()
		ada.spoil = down
		b.platform.accounts["ada"] = ada
		b.run(store.RunRequest{})
		b.platform.change(func(accounts map[string]*account) { accounts["ada"].spoil = nil })
		admin := b.store.For(domain.Viewer{UserID: "u", Role: domain.RoleAdmin})
		o, err := admin.BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpRetry})
		if err != nil || o.Queued != 1 {
			t.Fatalf("%+v, %v", o, err)
		}
		d := StartDispatcher(b.syncer) // nobody wakes it
		defer d.Stop()
		until(t, "the retry is done", func() bool {
			o, err := admin.Operation(t.Context(), o.ID)
			return err == nil && o.Done == 1
		})
		b.wantCauses("afterwards")
	})
}

func TestACompetitorWithAnEmailAndNoAccountIsLookedUpUnderTheOwnID(t *testing.T) {
	each(t, []string{"ada"}, func(t *testing.T, b *bench) {
		rows := []roster.Row{}
		for i, id := range []string{"C-known", "C-new"} {
			rows = append(rows, roster.Row{Line: i + 2, CoachEmail: "mara.lind@oak.example", CoachName: "Mara Lind", FirstName: "Player", LastName: id,
				Email: id + "@oak.example", Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: id})
		}
		if _, bad, err := b.store.System().ImportRoster(t.Context(), rows, false); err != nil || len(bad) > 0 {
			t.Fatal(bad, err)
		}
		b.platform.accounts["C-known"] = approved(solve(1, time.Hour))
		one := func(id string) store.RunRequest {
			return store.RunRequest{Selection: store.Selection{CompetitorID: id}}
		}
		dry := one("C-known")
		dry.DryRun = true
		b.run(dry)
		if unlinked, err := b.store.System().Unlinked(t.Context(), "C-known"); err != nil || !unlinked {
			t.Errorf("a dry run links: %v, %v", unlinked, err)
		}
		if got := b.run(one("C-known")); got.Counts.Changed != 1 || got.Counts.NewSolves != 1 {
			t.Errorf("the known one: %+v, want its solve", got.Counts)
		}
		if got := b.run(one("C-new")); got.Counts.Attempted != 0 || got.Counts.APICalls != 1 || got.Stopped != "" {
			t.Errorf("the unknown one: %+v, %q, want one call and nothing else", got.Counts, got.Stopped)
		}
		b.wantCauses("neither is a failure:")
	})
}
