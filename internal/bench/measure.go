package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // opened by name
	_ "github.com/mattn/go-sqlite3"
)

// processorTime is what this process has used of the processors so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot fail for the own process
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchMemory looks at the heap until the function it returns is called, which gives the most that was in use, in bytes.
func watchMemory() func() uint64 {
	runtime.GC()
	done := make(chan struct{})
	var most uint64
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() uint64 {
		close(done)
		watch.Wait()
		return most
	}
}

// ownSchema makes a schema on a Postgres server and gives the address that uses it and the way to drop it.
func ownSchema(ctx context.Context, server string) (address string, drop func(context.Context) error, err error) {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", nil, err
	}
	name := "bench_" + strings.ToLower(rand.Text()[:12])
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), func(ctx context.Context) error {
		defer func() { _ = db.Close() }() // the drop's error is the one to tell
		_, err := db.ExecContext(ctx, "DROP SCHEMA "+name+" CASCADE")
		return err
	}, nil
}

// The plain upserts have the shape of the table of solves, and its key.
const (
	rawTable = `CREATE TABLE raw_solves (syned_user_id TEXT, source TEXT, event_id TEXT, challenge_solve_id BIGINT, challenge_id BIGINT,
		challenge_title TEXT, challenge_category TEXT, category_key TEXT, challenge_points BIGINT, challenge_retired BOOLEAN,
		nist_nice_work_roles TEXT, solved_at BIGINT, first_seen_at BIGINT,
		PRIMARY KEY (syned_user_id, source, event_id, challenge_solve_id, challenge_id))`
	rawColumns = 13
	rawAtOnce  = 1000
)

// rawUpserts is the rate, in rows a second, of multi-row upserts of 1,000 rows in one transaction each, with nothing around
// them.
func (b *workbench) rawUpserts(ctx context.Context, address string, rows int) (float64, error) {
	driver, drop := "pgx", func(context.Context) error { return nil }
	var err error
	if address == "" {
		b.files++
		driver, address = "sqlite3", "file:"+filepath.Join(b.folder, strconv.Itoa(b.files)+".db")+"?_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate"
	} else if address, drop, err = ownSchema(ctx, address); err != nil {
		return 0, err
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // nothing of it is kept
	db.SetMaxOpenConns(1)
	table := rawTable
	if driver == "sqlite3" {
		table += " WITHOUT ROWID"
	}
	if _, err := db.ExecContext(ctx, table); err != nil {
		return 0, err
	}
	statement := rawStatement(driver)
	began := time.Now()
	for done := 0; done < rows; done += rawAtOnce {
		if err := rawBatch(ctx, db, statement, done); err != nil {
			return 0, err
		}
	}
	rate := float64(rows) / time.Since(began).Seconds()
	return rate, drop(ctx)
}

func rawBatch(ctx context.Context, db *sql.DB, statement string, done int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	args := make([]any, 0, rawAtOnce*rawColumns)
	for i := range rawAtOnce {
		n := done + i
		args = append(args, fmt.Sprintf("syn-%06d", n/500), "odl", "", n, n%500, "Challenge "+strconv.Itoa(n%500), "web", "web", 100, false,
			`["DD-WRL-003"]`, 1_700_000_000_000_000+n, 1_700_000_000_000_000)
	}
	if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
		return err
	}
	return tx.Commit()
}

func rawStatement(driver string) string {
	var s strings.Builder
	s.WriteString("INSERT INTO raw_solves VALUES ")
	sign := "$"
	if driver == "sqlite3" {
		sign = "?"
	}
	for i := range rawAtOnce * rawColumns {
		switch {
		case i == 0:
			s.WriteByte('(')
		case i%rawColumns == 0:
			s.WriteString("), (")
		default:
			s.WriteString(", ")
		}
		s.WriteString(sign + strconv.Itoa(i+1))
	}
	s.WriteString(`) ON CONFLICT (syned_user_id, source, event_id, challenge_solve_id, challenge_id) DO UPDATE SET
		challenge_points = excluded.challenge_points, solved_at = excluded.solved_at`)
	return s.String()
}
