package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// database is one SQLite file or one Postgres database. Statements are written with $1..$n for both.
type database struct {
	kind  string // "sqlite" or "postgres"
	path  string // of the SQLite file
	write *sql.DB
	read  *sql.DB // the same pool as write on Postgres
	// faults counts the statements that failed for a reason of the database's own.
	faults faults
	// rewrite turns $n into what the driver understands.
	rewrite func(query string) string
}

func (d *database) close() error {
	if d.read != d.write {
		if err := d.read.Close(); err != nil {
			_ = d.write.Close() // the first error is the one to tell
			return err
		}
	}
	return d.write.Close()
}

// querier is what a statement needs: a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// conn runs statements on a querier after rewriting their placeholders.
type conn struct {
	kind    string // of the database
	q       querier
	rewrite func(string) string
	faults  *faults
}

func (d *database) on(q querier) conn { return conn{d.kind, q, d.rewrite, &d.faults} }

func (c conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := c.q.ExecContext(ctx, c.rewrite(query), storable(args)...)
	if err != nil {
		return 0, c.faults.note(err)
	}
	return res.RowsAffected()
}

func (c conn) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := c.q.QueryContext(ctx, c.rewrite(query), storable(args)...)
	return rows, c.faults.note(err)
}

func (c conn) row(ctx context.Context, query string, args ...any) *sql.Row {
	row := c.q.QueryRowContext(ctx, c.rewrite(query), storable(args)...)
	_ = c.faults.note(row.Err()) // whoever scans the row is told
	return row
}

// storable replaces what Postgres takes in no text, NUL and bytes that are not UTF-8, so that both databases store the
// same, and a text from an address that holds them finds nothing instead of being a fault of the database.
func storable(args []any) []any {
	owned := false
	for i, arg := range args {
		text, ok := arg.(string)
		if !ok || (utf8.ValidString(text) && strings.IndexByte(text, 0) < 0) {
			continue
		}
		if !owned {
			args, owned = slices.Clone(args), true // the caller's stay as they are
		}
		args[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	}
	return args
}

// reader is for statements outside a transaction; on SQLite it cannot write.
func (d *database) reader() conn { return d.on(d.read) }

// update runs fn in one write transaction and commits it, or leaves nothing of it behind.
func (d *database) update(ctx context.Context, fn func(tx conn) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", d.faults.note(err))
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := fn(d.on(tx)); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", d.faults.note(err))
	}
	return nil
}

// preview runs fn in a write transaction and takes everything back.
func (d *database) preview(ctx context.Context, fn func(tx conn) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return fn(d.on(tx))
}

// view runs fn in one read transaction, so that all its statements see the same moment.
func (d *database) view(ctx context.Context, fn func(tx conn) error) error {
	tx, err := d.read.BeginTx(ctx, d.viewOptions())
	if err != nil {
		return fmt.Errorf("begin: %w", d.faults.note(err))
	}
	defer func() { _ = tx.Rollback() }()
	return fn(d.on(tx))
}

// each runs scan for every row and closes rows. An error of scan or of the rows ends it.
func each(rows *sql.Rows, scan func() error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// args collects the arguments of a statement that is put together: add gives the placeholder.
type args []any

func (a *args) add(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}

// listed adds values and gives their placeholders, with commas between them.
func listed[T any](a *args, values []T) string {
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = a.add(v)
	}
	return strings.Join(places, ", ")
}

// sortedKeys are a map's keys in order, for statements that must go through their rows in one.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// padded repeats the last element until there are a power of two of them, so that a statement with a list has few texts,
// however long the list is: texts are remembered.
func padded[T any](list []T) []T {
	for n := len(list); n > 0 && n&(n-1) != 0; n = len(list) {
		list = append(list, list[n-1])
	}
	return list
}

// tuples writes n rows of width placeholders for a multi-row VALUES, numbered from 1.
func tuples(n, width int) string {
	var b strings.Builder
	b.Grow(n * width * 7)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range width {
			if j == 0 {
				b.WriteString("($")
			} else {
				b.WriteString(", $")
			}
			b.WriteString(strconv.Itoa(i*width + j + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

var dollar = regexp.MustCompile(`\$(\d+)`)

// numbered turns $n into ?n, because the SQLite driver binds $n in the order of first appearance. Texts are
// remembered: there are only as many as the program has statements.
func numbered() func(string) string {
	var known sync.Map
	return func(query string) string {
		if text, ok := known.Load(query); ok {
			return text.(string)
		}
		text := dollar.ReplaceAllString(query, "?$1")
		known.Store(query, text)
		return text
	}
}

// scanTime reads a nullable time column: NULL is the zero time.
type scanTime struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s scanTime) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.t = time.Time{}
	case int64:
		*s.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time column holds a %T", src)
	}
	return nil
}

// into reads a time column into t.
func into(t *time.Time) scanTime { return scanTime{t} }
