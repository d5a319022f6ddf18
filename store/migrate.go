package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"flagpole/migrations"
)

// Migration is one numbered step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// MigrateUp applies every pending migration and returns those it applied. What a list needs and only Go can compute is
// filled in afterwards.
func (s *Store) MigrateUp(ctx context.Context) ([]Migration, error) {
	p, err := s.lockedProvider(ctx)
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate up: %w", err)
	}
	var done []Migration
	for _, r := range results {
		done = append(done, Migration{r.Source.Version, r.Source.Path, true})
	}
	return done, s.fillLists(ctx)
}

// MigrateDown takes back the newest applied migration and returns it.
func (s *Store) MigrateDown(ctx context.Context) (Migration, error) {
	p, err := s.lockedProvider(ctx)
	if err != nil {
		return Migration{}, err
	}
	r, err := p.Down(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("migrate down: %w", err)
	}
	return Migration{r.Source.Version, r.Source.Path, false}, nil
}

// Migrations lists all migrations in order.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	var all []Migration
	for _, m := range status {
		all = append(all, Migration{m.Source.Version, m.Source.Path, m.State == goose.StateApplied})
	}
	return all, nil
}

// Pending counts the migrations that are not applied yet.
func (s *Store) Pending(ctx context.Context) (int, error) {
	all, err := s.Migrations(ctx)
	n := 0
	for _, m := range all {
		if !m.Applied {
			n++
		}
	}
	return n, err
}

// provider reads the migrations. Only what changes the schema takes the lock: who merely looks, as a probe does, must
// neither wait for a migration nor hold one up.
func (s *Store) provider(opts ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations.Files, s.db.kind)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	dialect := goose.DialectPostgres
	if s.db.kind == "sqlite" {
		dialect = goose.DialectSQLite3
	}
	p, err := goose.NewProvider(dialect, s.db.write, files, opts...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// lockedProvider lets one process migrate a Postgres schema at a time; the others wait for it.
func (s *Store) lockedProvider(ctx context.Context) (*goose.Provider, error) {
	if s.db.kind == "sqlite" {
		return s.provider()
	}
	var schema string
	if err := s.db.reader().row(ctx, `SELECT COALESCE(current_schema(), '')`).Scan(&schema); err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock(schema)),
		lock.WithLockTimeout(1, 300)) // seconds between two tries, and how many
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	return s.provider(goose.WithSessionLocker(locker))
}

// migrationLock is the number of the advisory lock on migrating a schema.
func migrationLock(schema string) int64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte("flagpole migrations of " + schema)) // a hash takes everything
	return int64(sum.Sum64())
}
