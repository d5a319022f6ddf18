package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"flagpole/internal/domain"
)

// Totals say what a database or a backup of one holds.
type Totals struct {
	Kind                        string // sqlite or postgres
	Bytes                       int64  // of the file with the backup
	Version                     int64  // of the schema
	Coaches, Competitors, Teams int64
	Solves, Points              int64
}

const totalsQuery = `
	SELECT (SELECT MAX(version_id) FROM goose_db_version), (SELECT COUNT(*) FROM coaches), (SELECT COUNT(*) FROM competitors), (SELECT COUNT(*) FROM teams),
		COUNT(*), CAST(COALESCE(SUM(challenge_points), 0) AS BIGINT)
	FROM game_platform_challenge_solves`

func readTotals(row *sql.Row) (t Totals, err error) {
	err = row.Scan(&t.Version, &t.Coaches, &t.Competitors, &t.Teams, &t.Solves, &t.Points)
	return t, err
}

// WriteBackup writes a consistent copy of the database at address into a new file, readable by its owner only, while others read and
// write the database. Errors that are the caller's to mend are Invalid ones, and name what is wrong; then there is no file.
func WriteBackup(ctx context.Context, address, file string) (t Totals, err error) {
	part, err := partOf(file)
	if err != nil {
		return t, err
	}
	defer func() { _ = os.Remove(part) }() // what is good has another name by then
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		t, err = backupSQLite(ctx, path, part)
	} else {
		t, err = backupPostgres(ctx, address, part)
	}
	if err != nil {
		return t, fmt.Errorf("back up: %w", err)
	}
	if t.Bytes, err = settle(part, file); err != nil {
		return t, fmt.Errorf("back up: %w", err)
	}
	return t, nil
}

// RestoreBackup puts a backup into the database at address, which must hold nothing yet. Errors that are the caller's to mend are Invalid
// ones, and name what is wrong; then nothing was changed.
func RestoreBackup(ctx context.Context, address, file string) (t Totals, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return t, domain.Errorf(domain.Invalid, "The backup %s cannot be read.", file)
	}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		t, err = restoreSQLite(ctx, path, file)
	} else {
		t, err = restorePostgres(ctx, address, file)
	}
	t.Bytes = info.Size()
	return t, wrap(err, "restore")
}

// partOf makes an empty file beside the one that is to be, which must not exist.
func partOf(file string) (string, error) {
	if _, err := os.Lstat(file); err == nil {
		return "", domain.Errorf(domain.Invalid, "%s exists already. Nothing is overwritten: choose another name.", file)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".flagpole-part-*") // with mode 0600
	if err != nil {
		return "", domain.Errorf(domain.Invalid, "Nothing can be written into the folder %s.", filepath.Dir(file))
	}
	return f.Name(), f.Close()
}

// settle gives a complete file its name, unless somebody has taken that meanwhile.
func settle(part, file string) (size int64, err error) {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Link(part, file)
}

func backupSQLite(ctx context.Context, path, part string) (t Totals, err error) {
	if _, err := os.Stat(path); err != nil {
		return t, domain.Errorf(domain.Invalid, "There is no database %s.", path)
	}
	db, err := openFile(path, "_busy_timeout=5000")
	if err != nil {
		return t, err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, part)
	if err := errors.Join(err, db.Close()); err != nil {
		return t, err
	}
	return checkSQLite(ctx, part)
}

// openFile opens a SQLite file as it is: it is not made, and not switched to another mode.
func openFile(path, options string) (*sql.DB, error) {
	return sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&"+options)
}

// checkSQLite says what a file holds. One that is damaged, or no database of Flagpole, is an Invalid error.
func checkSQLite(ctx context.Context, path string) (t Totals, err error) {
	db, err := openFile(path, "_query_only=1")
	if err != nil {
		return t, err
	}
	defer func() { _ = db.Close() }() // it was only read
	var verdict string
	err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict)
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	if err != nil || verdict != "ok" {
		return t, domain.Errorf(domain.Invalid, "The file is damaged, or it is not a SQLite database.")
	}
	if t, err = readTotals(db.QueryRowContext(ctx, totalsQuery)); err != nil {
		return t, domain.Errorf(domain.Invalid, "The file is a SQLite database, but not one of Flagpole.")
	}
	t.Kind = "sqlite"
	return t, nil
}

func restoreSQLite(ctx context.Context, path, file string) (t Totals, err error) {
	for _, side := range []string{"", "-wal", "-journal"} {
		if _, err := os.Lstat(path + side); err == nil {
			return t, domain.Errorf(domain.Invalid, "There is a database already: %s. Nothing is overwritten: move it away first, once no portal uses it.", path+side)
		}
	}
	part, err := partOf(path)
	if err != nil {
		return t, err
	}
	defer func() { _ = os.Remove(part) }()
	raw, err := os.Open(file)
	if err != nil {
		return t, domain.Errorf(domain.Invalid, "The backup %s cannot be read.", file)
	}
	defer func() { _ = raw.Close() }() // it was only read
	copied, err := os.OpenFile(part, os.O_WRONLY, 0)
	if err != nil {
		return t, err
	}
	_, err = copied.ReadFrom(raw)
	if err := errors.Join(err, copied.Close()); err != nil {
		return t, err
	}
	if t, err = checkSQLite(ctx, part); err != nil {
		return t, err
	}
	_, err = settle(part, path)
	return t, err
}
