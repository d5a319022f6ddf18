package store_test

import (
	"testing"

	"flagpole/store"
)

func TestTheKeptSumsOfEverybodyAreThoseAfterTheLastWrite(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		solves := func() int64 {
			t.Helper()
			_, _, sums, err := h.admin().CompetitorsWithSums(t.Context(), store.CompetitorQuery{Bounds: h.bounds()}, store.Page{Limit: 5})
			if err != nil {
				t.Fatal(err)
			}
			return sums.Solves
		}
		h.people()
		for n := range int64(5) {
			if got := solves(); got != n {
				t.Fatalf("%d solves after %d were stored", got, n)
			}
			h.storeODL("gp-a1", h.since(odl(n+1)))
		}
		if _, err := h.sys.CleanSyncState(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := solves(); got != 5 {
			t.Errorf("%d solves, want 5", got)
		}
	})
}
