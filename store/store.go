// Package store holds every SQL statement of the portal. It knows SQLite and Postgres; callers do not notice which.
//
// There are three ways in, one for each kind of caller: a Scope for pages (it sees what its viewer may see),
// Accounts for signing in, and System, which sees everything, for background work and the command line.
// Exported methods are one transaction each and do not talk to the network. The package imports domain,
// migrations and pure packages only.
package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Store is an open database.
type Store struct {
	db     *database
	clock  domain.Clock
	totals totalsOfAll
}

// Open connects to the database named by url, "sqlite:FILE" or "postgres://...". A SQLite file is made when it is
// not there, readable by its owner only. It does not migrate.
func Open(ctx context.Context, url string, clock domain.Clock) (*Store, error) {
	var db *database
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		db, err = openSQLite(strings.TrimPrefix(url, "sqlite:"))
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		db, err = openPostgres(url)
	default:
		return nil, fmt.Errorf(`open database: the address must begin with "sqlite:" or "postgres://"`)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, clock: clock}
	if err := s.Ping(ctx); err != nil {
		_ = db.close() // the error of Ping is the one to tell
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.close() }

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error { return s.db.read.PingContext(ctx) }

// Kind is "sqlite" or "postgres".
func (s *Store) Kind() string { return s.db.kind }

// For gives the data that v may see.
func (s *Store) For(v domain.Viewer) *Scope { return &Scope{s: s, viewer: v} }

// Accounts gives users, sessions and sign-in attempts.
func (s *Store) Accounts() *Accounts { return &Accounts{s: s} }

// System gives everything, unscoped. It is for background work and the command line; no page may hold it.
func (s *Store) System() *System { return &System{s: s} }

// System is the unscoped way in.
type System struct{ s *Store }

func (s *Store) now() int64 { return micros(s.clock()) }

// micros is how times are stored: unix microseconds, UTC.
func micros(t time.Time) int64 { return t.UnixMicro() }

// nullMicros stores a zero time as NULL.
func nullMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// nullText stores an empty text as NULL.
func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
