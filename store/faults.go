package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
)

// faults counts what the database failed at, in this process. It is kept in memory until there is a database to store it in.
type faults struct {
	all    atomic.Int64
	stored atomic.Int64 // of all, those that are stored
}

// note counts err if it is a fault of the database's own, and gives it back.
func (f *faults) note(err error) error {
	if isFault(err) {
		f.all.Add(1)
	}
	return err
}

// isFault tells a fault of the database from what its callers are to blame for: they gave up, nothing was found, a key was
// taken or a rule of the schema was broken.
func isFault(err error) bool {
	var lite sqlite3.Error
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &lite):
		return lite.Code != sqlite3.ErrConstraint && lite.Code != sqlite3.ErrInterrupt
	case errors.As(err, &pg):
		return !(pg.Code[:2] == "23" || pg.Code == "57014" || pg.Code == "40001") // a broken rule, a cancelled statement, a change that came in between
	}
	return true
}

// DatabaseErrors is how many statements have failed in this process for a reason of the database's own.
func (sys *System) DatabaseErrors() int64 { return sys.s.db.faults.all.Load() }

// keepFaults stores what this process has counted since it last did; mostly that is nothing, and nothing need be locked.
func (sys *System) keepFaults(ctx context.Context, now time.Time) error {
	f := &sys.s.db.faults
	all := f.all.Load()
	more := all - f.stored.Load()
	if more == 0 {
		return nil
	}
	err := sys.write(ctx, "keep the database's errors", `
		INSERT INTO database_error_minutes AS m (minute_at, errors) VALUES ($1, $2)
		ON CONFLICT (minute_at) DO UPDATE SET errors = m.errors + excluded.errors`, micros(now.Truncate(time.Minute)), more)
	if err == nil {
		f.stored.Store(all)
	}
	return err
}
