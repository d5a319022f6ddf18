package operation_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/operation"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// TestTheWorkerPlansWhatThePageLeftToIt has more competitors without an email than are cleared at once.
func TestTheWorkerPlansWhatThePageLeftToIt(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const many = 2100
			s := storetest.Open(t, storetest.URL(t, kind), storetest.NewClock())
			var rows []roster.Row
			for i := range many {
				rows = append(rows, roster.Row{
					Line: i + 2, CoachEmail: "mara.lind@oak.example", CoachName: "Mara Lind", FirstName: "Player", LastName: fmt.Sprint(i),
					Division: domain.College, Status: domain.ProfileComplete, CompetitorID: fmt.Sprint("C-", i),
				})
			}
			if _, bad, err := s.System().ImportRoster(t.Context(), rows, false); err != nil || len(bad) > 0 {
				t.Fatal(bad, err)
			}
			admin := s.For(domain.Viewer{UserID: "u", Role: domain.RoleAdmin})
			o, err := admin.BeginOperation(t.Context(), store.OperationRequest{Kind: store.OpClear, Reason: "asked the coach"})
			if err != nil || o.Done == 0 || o.Done == many {
				t.Fatalf("%d are cleared at once, %v; want some and not all", o.Done, err)
			}
			w := operation.Start(s.System(), slog.New(slog.DiscardHandler))
			for range 3 {
				w.Wake()
			}
			for end := time.Now().Add(20 * time.Second); o.FinishedAt.IsZero() && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if o, err = admin.Operation(t.Context(), o.ID); err != nil {
					t.Fatal(err)
				}
			}
			w.Stop()
			w.Stop() // a second time does nothing
			if o.Done != many || o.FinishedAt.IsZero() {
				t.Errorf("%d of %d are cleared, ended %s", o.Done, many, o.FinishedAt)
			}
		})
	}
}
