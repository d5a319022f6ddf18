package store_test

import (
	"database/sql"
	"testing"
	"time"

	"flagpole/store/storetest"
)

func TestALeadWhoseConnectionBreaksIsLost(t *testing.T) {
	address := storetest.URL(t, "postgres")
	s := storetest.Open(t, address, storetest.NewClock())
	lead, got, err := s.System().TryLead(t.Context())
	if err != nil || !got {
		t.Fatalf("got %v, %v", got, err)
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ended int
	err = db.QueryRowContext(t.Context(), `
		SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks
		WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended('flagpole.sync.' || current_schema(), 0)`).Scan(&ended)
	if err != nil || ended != 1 {
		t.Fatalf("%d connections ended, %v; want the one that holds the lock", ended, err)
	}
	select {
	case <-lead.Lost():
	case <-time.After(20 * time.Second):
		t.Error("nobody was told")
	}
	if err := lead.Release(); err == nil {
		t.Error("releasing what is lost went well")
	}
	next, got, err := s.System().TryLead(t.Context())
	if err != nil || !got {
		t.Fatalf("nobody can take over: %v, %v", got, err)
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
}
