package store_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

func open(t *testing.T, address string) (*store.Store, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return store.Open(ctx, address, storetest.NewClock().Now)
}

func TestAnAddressThatCannotBeOpenedIsAClearErrorWithoutThePassword(t *testing.T) {
	folder := t.TempDir()
	noDatabase := filepath.Join(folder, "letter.db")
	if err := os.WriteFile(noDatabase, []byte(strings.Repeat("Dear coach, ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0") // a port nobody listens on any more
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	const password = "s3cret"
	for _, c := range []struct{ name, address, says string }{
		{"empty", "", "must begin with"},
		{"unknown scheme", "mysql://ada:" + password + "@127.0.0.1/x", "must begin with"},
		{"a bare file name", "flagpole.db", "must begin with"},
		{"upper case", "SQLITE:x.db", "must begin with"},
		{"no file name", "sqlite:", "needs a file name"},
		{"no such folder", "sqlite:" + filepath.Join(folder, "none", "x.db"), "no such file or directory"},
		{"a folder", "sqlite:" + folder, "is a directory"},
		{"not a database", "sqlite:" + noDatabase, "letter.db: file is not a database"},
		{"bad port", "postgres://ada:" + password + "@127.0.0.1:port/x", "cannot be read"},
		{"bad option", "postgres://ada:" + password + "@127.0.0.1/x?sslmode=" + password, "cannot be read"},
		{"broken escape", "postgresql://ada:" + password + "%zz@127.0.0.1/x", "cannot be read"},
		{"nobody listens", "postgres://ada:" + password + "@" + port + "/x?sslmode=disable", "open database: "},
	} {
		s, err := open(t, c.address)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: no error", c.name)
			continue
		}
		if s != nil || !strings.HasPrefix(err.Error(), "open database") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password stands in the error: %v", c.name, err)
		}
	}
}

func TestTheSQLiteFilesAreTheirOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flagpole.db")
	s := storetest.Open(t, "sqlite:"+path, storetest.NewClock())
	if _, err := s.Accounts().AddUser(t.Context(), "root@quill.example", domain.RoleAdmin, "h"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("flagpole.db%s has mode %o, want 600", suffix, mode)
		}
	}
}

func TestASQLiteFileMayHaveAnyName(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a b?%#.db", "a?mode=ro", "100%25.db", "ä&ö=ü;.db", "file:x.db", "'.db", "x.db?_query_only=1"} {
		path := filepath.Join(folder, name)
		s := storetest.Open(t, "sqlite:"+path, storetest.NewClock())
		if _, err := s.Accounts().AddUser(t.Context(), "root@quill.example", domain.RoleAdmin, "h"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, err := open(t, "sqlite:"+path)
		if err != nil {
			t.Errorf("%s again: %v", name, err)
			continue
		}
		if _, err := again.Accounts().UserByEmail(t.Context(), "root@quill.example"); err != nil {
			t.Errorf("%s: what was stored is not there when it is opened again: %v", name, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, the database is elsewhere", name, err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == "a" || entry.Name() == "a b" || entry.Name() == "x.db" {
			t.Errorf("a name was cut: there is a file %q", entry.Name())
		}
	}
}

func TestASQLiteFileIsOpenedFromTheCurrentFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	storetest.Open(t, "sqlite:flagpole.db", storetest.NewClock())
	if _, err := os.Stat("flagpole.db"); err != nil {
		t.Error(err)
	}
}

func TestAnOpenStoreAnswersUntilItIsClosed(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		s, err := open(t, storetest.URL(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil || s.Kind() != kind {
			t.Errorf("%s: %v", s.Kind(), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Errorf("%s: a closed store answers", kind)
		}
	}
}
