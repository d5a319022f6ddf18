package store_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/migrations"
	"flagpole/store"
	"flagpole/store/storetest"
)

func TestBothDatabasesHaveTheSameMigrations(t *testing.T) {
	list := func(kind string) []string {
		files, err := fs.Glob(migrations.Files, kind+"/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", kind, len(files), err)
		}
		for i := range files {
			files[i] = strings.TrimPrefix(files[i], kind+"/")
		}
		return files
	}
	if diff := cmp.Diff(list("sqlite"), list("postgres")); diff != "" {
		t.Errorf("(-sqlite +postgres):\n%s", diff)
	}
}

func TestEachDirectionOfAMigrationIsOneStatement(t *testing.T) {
	files, err := fs.Glob(migrations.Files, "*/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		var notes []string
		for line := range strings.Lines(string(text)) {
			if note, is := strings.CutPrefix(strings.TrimSpace(line), "-- +goose "); is {
				notes = append(notes, note)
			}
		}
		if want := []string{"Up", "StatementBegin", "StatementEnd", "Down", "StatementBegin", "StatementEnd"}; !slices.Equal(notes, want) {
			t.Errorf("%s: %q", name, notes)
		}
	}
}

func TestMigrationsAreAppliedOnceAndCounted(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			s, err := open(t, storetest.URL(t, kind))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			all, err := s.Migrations(t.Context())
			if err != nil || len(all) == 0 || slices.ContainsFunc(all, func(m store.Migration) bool { return m.Applied }) {
				t.Errorf("before: %+v, %v", all, err)
			}
			pending := func(want int) {
				t.Helper()
				if n, err := s.Pending(t.Context()); err != nil || n != want {
					t.Errorf("%d pending (%v), want %d", n, err, want)
				}
			}
			pending(len(all))
			for _, want := range []int{len(all), 0} {
				if done, err := s.MigrateUp(t.Context()); err != nil || len(done) != want {
					t.Errorf("applied %+v (%v), want %d", done, err, want)
				}
				pending(0)
			}
		})
	}
}

func TestEveryMigrationGoesDownWithDataInItAndUpAgain(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		user := addUser(h, "coach@amber.example", "coach")
		startSession(h, "c", "", user, day)
		if err := h.coach("co-a").Audit(t.Context(), "a", "b", "c"); err != nil {
			t.Fatal(err)
		}
		all, err := h.s.Migrations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := columns(h)
		for i := len(all) - 1; i >= 0; i-- {
			if m, err := h.s.MigrateDown(t.Context()); err != nil || m.Version != all[i].Version || m.Applied {
				t.Fatalf("down to %d: %+v, %v", i, m, err)
			}
			if n, err := h.s.Pending(t.Context()); err != nil || n != len(all)-i {
				t.Errorf("%d pending, %v", n, err)
			}
		}
		if left := columns(h); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
		if done, err := h.s.MigrateUp(t.Context()); err != nil || len(done) != len(all) {
			t.Fatalf("up again: %+v, %v", done, err)
		}
		if diff := cmp.Diff(before, columns(h)); diff != "" {
			t.Errorf("(-before +up again):\n%s", diff)
		}
		bothCoaches(h)
	})
}

// columns are all columns of tables and views: "table.column kind", with NOT NULL for tables. A Postgres
// boolean counts as a number, for SQLite has none.
func columns(h *house) []string {
	h.t.Helper()
	query := `
		SELECT c.table_name || '.' || c.column_name || ' '
			|| CASE c.data_type WHEN 'text' THEN 'text' WHEN 'bigint' THEN 'number' WHEN 'boolean' THEN 'number' WHEN 'bytea' THEN 'bytes' ELSE c.data_type END
			|| CASE c.is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
		FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
		WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE 'goose%'
		UNION ALL
		SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name LIKE 'support_%'`
	if h.kind == "sqlite" {
		query = `
			SELECT m.name || '.' || c.name || CASE m.type WHEN 'view' THEN '' ELSE
				CASE c.type WHEN 'TEXT' THEN ' text' WHEN 'INTEGER' THEN ' number' WHEN 'BLOB' THEN ' bytes' ELSE ' ' || c.type END
				|| CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'`
	}
	list := h.lines(query)
	slices.Sort(list)
	return list
}

// indexes are all indexes, those of keys too: "table (columns)", and UNIQUE where they are.
func indexes(h *house) []string {
	h.t.Helper()
	query := `
		SELECT t.relname || ' (' || string_agg(a.attname, ', ' ORDER BY k.place) || ')' || CASE WHEN i.indisunique THEN ' UNIQUE' ELSE '' END
		FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
		CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY k (attnum, place)
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
		WHERE t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE 'goose%'
		GROUP BY i.indexrelid, t.relname, i.indisunique`
	if h.kind == "sqlite" {
		query = `
			SELECT m.name || ' (' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
				|| CASE i."unique" WHEN 1 THEN ' UNIQUE' ELSE '' END
			FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'goose%'
			UNION ALL -- a number as the primary key has no index of its own
			SELECT m.name || ' (' || c.name || ') UNIQUE' FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND c.pk > 0 AND c.type = 'INTEGER'
				AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i WHERE i.origin = 'pk')`
	}
	list := h.lines(query)
	slices.Sort(list)
	return list
}

func TestBothDatabasesHaveTheSameTablesColumnsAndIndexes(t *testing.T) {
	sqlite, postgres := newHouse(t, "sqlite"), newHouse(t, "postgres")
	for name, of := range map[string]func(*house) []string{"columns": columns, "indexes": indexes} {
		list := of(sqlite)
		if diff := cmp.Diff(list, of(postgres)); diff != "" || len(list) < 20 {
			t.Errorf("%d %s (-sqlite +postgres):\n%s", len(list), name, diff)
		}
	}
}

func TestPostgresComparesKeysAndOrderedTextsAsBytes(t *testing.T) {
	h := newHouse(t, "postgres")
	// Every text in an index, and every text that a statement orders by or takes the least of.
	h.want("texts in another order", `
		SELECT DISTINCT t.relname || '.' || a.attname
		FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_collation c ON c.oid = a.attcollation
		WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND t.relname NOT LIKE 'goose%' AND c.collname <> 'C'
			AND (a.attname = 'challenge_category'
				OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = t.oid AND a.attnum = ANY (i.indkey)))
		ORDER BY 1`)
}
