// Package storetest opens real databases for tests: a SQLite file in a temporary folder, and a schema of its own on
// the Postgres server that FLAGPOLE_TEST_POSTGRES names. A test without that server fails; it is never skipped.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"flagpole/store"
)

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Start is where every test's clock begins: a Wednesday at noon.
var Start = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// NewClock gives a clock at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Each runs test on both databases, migrated and empty, with a clock of its own.
func Each(t *testing.T, test func(t *testing.T, s *store.Store, clock *Clock)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			clock := NewClock()
			test(t, Open(t, URL(t, kind), clock), clock)
		})
	}
}

// Open opens and migrates the database at address and closes it with the test.
func Open(t testing.TB, address string, clock *Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), address, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if _, err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is the address of an empty database of its own: kind is "sqlite" or "postgres".
func URL(t testing.TB, kind string) string {
	t.Helper()
	if kind == "sqlite" {
		return "sqlite:" + filepath.Join(t.TempDir(), "flagpole.db")
	}
	return schema(t)
}

// schema makes a Postgres schema that is dropped with the test.
func schema(t testing.TB) string {
	t.Helper()
	server := os.Getenv("FLAGPOLE_TEST_POSTGRES")
	if server == "" {
		t.Fatal("FLAGPOLE_TEST_POSTGRES is not set: run the tests with ./task test, or scripts/with-postgres go test ./...")
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	name := "test_" + hex.EncodeToString(random)
	exec(t, server, "CREATE SCHEMA "+name)
	t.Cleanup(func() { exec(t, server, "DROP SCHEMA "+name+" CASCADE") })
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", name)
	address.RawQuery = query.Encode()
	return address.String()
}

func exec(t testing.TB, address, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	// The test's own context is already over when its clean-up runs.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// EnrolAll gives every coach of now the game platform.
func EnrolAll(t testing.TB, s *store.Store) {
	t.Helper()
	_, err := s.System().Rollout("test").Apply(t.Context(), store.RolloutChange{
		Action: store.SetLevel, Level: store.Level{Percent: 100}, Override: true, Reason: "test", Seen: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
}
