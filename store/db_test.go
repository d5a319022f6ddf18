package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// openBoth runs test on an empty SQLite file and in an empty schema of the Postgres server.
func openBoth(t *testing.T, test func(t *testing.T, db *database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, openDatabase(t, emptySchema(t))) })
}

func openDatabase(t *testing.T, address string) *database {
	t.Helper()
	s, err := Open(t.Context(), address, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.db
}

// emptySchema is what storetest.URL gives, which a test inside the package cannot use.
func emptySchema(t *testing.T) string {
	t.Helper()
	server := os.Getenv("FLAGPOLE_TEST_POSTGRES")
	if server == "" {
		t.Fatal("FLAGPOLE_TEST_POSTGRES is not set: run the tests with scripts/with-postgres go test ./...")
	}
	db := openDatabase(t, server)
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := db.write.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.write.ExecContext(context.WithoutCancel(t.Context()), "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", name)
	address.RawQuery = query.Encode()
	return address.String()
}

func TestPlaceholdersAreBoundByTheirNumber(t *testing.T) {
	openBoth(t, func(t *testing.T, db *database) {
		for _, c := range []struct {
			name, query     string
			arguments, want string
		}{
			{"in order", `SELECT CAST($1 AS TEXT) || CAST($2 AS TEXT)`, "ab", "ab"},
			{"the second first", `SELECT CAST($2 AS TEXT) || CAST($1 AS TEXT)`, "ab", "ba"},
			{"one twice", `SELECT CAST($2 AS TEXT) || CAST($1 AS TEXT) || CAST($2 AS TEXT)`, "ab", "bab"},
			{"ten and more", `SELECT CAST($10 AS TEXT) || CAST($1 AS TEXT) || CAST($11 AS TEXT) || CAST($2 AS TEXT) || CAST($3 AS TEXT) ||
				CAST($4 AS TEXT) || CAST($5 AS TEXT) || CAST($6 AS TEXT) || CAST($7 AS TEXT) || CAST($8 AS TEXT) || CAST($9 AS TEXT)`,
				"abcdefghijk", "jakbcdefghi"},
		} {
			var arguments []any
			for _, letter := range c.arguments {
				arguments = append(arguments, string(letter))
			}
			for range 2 { // the second time with a remembered text
				var got string
				if err := db.reader().row(t.Context(), c.query, arguments...).Scan(&got); err != nil || got != c.want {
					t.Errorf("%s: %q, want %q: %v", c.name, got, c.want, err)
				}
			}
		}
	})
}

func TestTuplesAreNumberedFromOneOn(t *testing.T) {
	for want, size := range map[string][2]int{"($1)": {1, 1}, "($1, $2), ($3, $4), ($5, $6)": {3, 2}, "": {0, 3}} {
		if got := tuples(size[0], size[1]); got != want {
			t.Errorf("tuples%v is %q, want %q", size, got, want)
		}
	}
	var a args
	if first, second := a.add("x"), a.add(7); first != "$1" || second != "$2" || !cmp.Equal(args{"x", 7}, a) {
		t.Errorf("added as %s and %s: %v", first, second, a)
	}
}

func TestNoTextIsBoundThatADatabaseCannotStore(t *testing.T) {
	openBoth(t, func(t *testing.T, db *database) {
		given := []any{"a\x00b\xff", 7, nil, "ok\uFFFD"}
		var got [2]string
		if err := db.reader().row(t.Context(), `SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT)`, given...).
			Scan(&got[0], new(int), new(sql.NullString), &got[1]); err != nil || got != [2]string{"a\uFFFDb\uFFFD", "ok\uFFFD"} {
			t.Errorf("%q: %v", got, err)
		}
		if given[0] != "a\x00b\xff" {
			t.Error("the caller's arguments were changed")
		}
	})
}

// connections takes n connections of a pool at once and asks each.
func connections(t *testing.T, pool *sql.DB, n int, ask string) []string {
	t.Helper()
	var answers []string
	for range n {
		c, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		var answer string
		if err := c.QueryRowContext(t.Context(), ask).Scan(&answer); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	return answers
}

func TestEverySQLiteConnectionHasItsPragmas(t *testing.T) {
	for _, pragma := range []struct{ name, write, read string }{
		{"foreign_keys", "1", "1"}, {"journal_mode", "wal", "wal"}, {"busy_timeout", "5000", "5000"}, {"synchronous", "1", "1"}, {"query_only", "0", "1"},
	} {
		s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if got := connections(t, s.db.write, 1, "PRAGMA "+pragma.name); got[0] != pragma.write {
			t.Errorf("%s of the writer is %s, want %s", pragma.name, got[0], pragma.write)
		}
		for i, got := range connections(t, s.db.read, 4, "PRAGMA "+pragma.name) {
			if got != pragma.read {
				t.Errorf("%s of reader %d is %s, want %s", pragma.name, i+1, got, pragma.read)
			}
		}
		if got := s.db.write.Stats().MaxOpenConnections; got != 1 {
			t.Errorf("%d writers", got)
		}
	}
}

func TestAReaderCannotWrite(t *testing.T) {
	openBoth(t, func(t *testing.T, db *database) {
		const write = `CREATE TABLE never_made (x BIGINT)`
		if err := db.view(t.Context(), func(tx conn) error { _, err := tx.exec(t.Context(), write); return err }); err == nil {
			t.Error("a view wrote")
		}
		if db.kind != "sqlite" {
			return // there readers and writers share their connections
		}
		if _, err := db.reader().exec(t.Context(), write); err == nil {
			t.Error("a reader wrote")
		}
	})
}

// withTable is openBoth with a table that holds one row.
func withTable(t *testing.T, test func(t *testing.T, db *database, count func(querier) int)) {
	openBoth(t, func(t *testing.T, db *database) {
		const table = "table_of_one"
		for _, query := range []string{`CREATE TABLE ` + table + ` (x BIGINT)`, `INSERT INTO ` + table + ` VALUES (1)`} {
			if _, err := db.write.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		test(t, db, func(q querier) (n int) {
			if err := q.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		})
	})
}

func TestAViewSeesOneMoment(t *testing.T) {
	withTable(t, func(t *testing.T, db *database, count func(querier) int) {
		err := db.view(t.Context(), func(tx conn) error {
			before := count(tx.q)
			if _, err := db.write.ExecContext(t.Context(), `INSERT INTO table_of_one VALUES (2)`); err != nil {
				return err
			}
			if after := count(tx.q); before != 1 || after != 1 {
				t.Errorf("a view saw %d rows, then %d", before, after)
			}
			return nil
		})
		if n := count(db.read); err != nil || n != 2 {
			t.Errorf("afterwards %d rows: %v", n, err)
		}
	})
}

func TestAnUpdateLeavesAllOrNothingAndAPreviewNothing(t *testing.T) {
	withTable(t, func(t *testing.T, db *database, count func(querier) int) {
		broken := errors.New("broken")
		add := func(fail error) func(conn) error {
			return func(tx conn) error {
				if _, err := tx.exec(t.Context(), `INSERT INTO table_of_one VALUES (2)`); err != nil {
					return err
				}
				return fail
			}
		}
		for _, c := range []struct {
			name string
			run  func(context.Context, func(conn) error) error
			fail error
			want int
		}{{"an update that fails", db.update, broken, 1}, {"a preview", db.preview, nil, 1}, {"a preview that fails", db.preview, broken, 1}, {"an update", db.update, nil, 2}} {
			if err := c.run(t.Context(), add(c.fail)); !errors.Is(err, c.fail) {
				t.Errorf("%s: %v", c.name, err)
			}
			if n := count(db.read); n != c.want {
				t.Errorf("%s: %d rows, want %d", c.name, n, c.want)
			}
		}
	})
}

func TestAPanicInAnUpdateGivesTheConnectionBack(t *testing.T) {
	withTable(t, func(t *testing.T, db *database, count func(querier) int) {
		func() {
			defer func() { _ = recover() }()
			_ = db.update(t.Context(), func(tx conn) error {
				_, _ = tx.exec(t.Context(), `INSERT INTO table_of_one VALUES (2)`)
				panic("on purpose")
			})
		}()
		if n := count(db.write); n != 1 { // SQLite has one writer: it would wait for ever
			t.Errorf("%d rows", n)
		}
	})
}

func TestATimeColumnIsReadAsUTCAndNullAsZero(t *testing.T) {
	var at time.Time
	for _, c := range []struct {
		src  any
		want time.Time
		ok   bool
	}{
		{int64(1_700_000_000_123_456), time.Date(2023, 11, 14, 22, 13, 20, 123_456_000, time.UTC), true},
		{int64(0), time.Unix(0, 0).UTC(), true},
		{nil, time.Time{}, true},
		{"2026-01-01", time.Time{}, false},
	} {
		at = time.Time{}
		if err := into(&at).Scan(c.src); (err == nil) != c.ok || at != c.want {
			t.Errorf("%v is read as %v: %v", c.src, at, err)
		}
	}
	if nullMicros(time.Time{}) != nil || nullMicros(time.Unix(1, 0)) != int64(1_000_000) || nullText("") != nil || nullText("x") != "x" {
		t.Error("an empty value is stored as NULL, another as it is")
	}
}

func TestAListColumnIsReadAsItWasWritten(t *testing.T) {
	for _, list := range [][]string{nil, {"a"}, {"é", `"`, "\\", "a,b", ""}} {
		var fromText, fromBytes []string
		text := listJSON(list)
		if err := errors.Join(jsonList{&fromText}.Scan(text), jsonList{&fromBytes}.Scan([]byte(text))); err != nil {
			t.Error(err)
		}
		if !cmp.Equal(list, fromText) || !cmp.Equal(list, fromBytes) {
			t.Errorf("%q came back as %q and %q", list, fromText, fromBytes)
		}
	}
	var list []string
	for _, bad := range []any{7, nil, "{", "[1]"} {
		if err := (jsonList{&list}).Scan(bad); err == nil {
			t.Errorf("%v was read as %q", bad, list)
		}
	}
}

func TestLookingAtTheMigrationsDoesNotWaitForWhoMigrates(t *testing.T) {
	openBoth(t, func(t *testing.T, db *database) {
		if db.kind == "sqlite" {
			return // there the file's own lock is all
		}
		s := &Store{db: db, clock: time.Now}
		holder, err := db.write.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = holder.Close() }()
		var schema string
		if err := holder.QueryRowContext(t.Context(), `SELECT current_schema()`).Scan(&schema); err != nil {
			t.Fatal(err)
		}
		if _, err := holder.ExecContext(t.Context(), `SELECT pg_advisory_lock($1)`, migrationLock(schema)); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := s.MigrateUp(short); err == nil {
			t.Error("two migrate at once")
		}
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if n, err := s.Pending(soon); err != nil || n == 0 {
			t.Errorf("%d pending: %v", n, err)
		}
	})
}
