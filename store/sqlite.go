package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"

	"github.com/mattn/go-sqlite3"
)

// openSQLite opens two pools on one file: a single writer whose transactions take the write lock at once, and
// readers that cannot write. Pragmas stand in the address, so that every connection has them.
func openSQLite(path string) (*database, error) {
	if path == "" {
		return nil, errors.New(`open database: "sqlite:" needs a file name after it`)
	}
	if err := ownerOnly(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	address := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_journal_mode=WAL&_busy_timeout=5000&_foreign_keys=on&_synchronous=NORMAL&_stmt_cache_size=64&_cache_size=-16000"
	write, err := sql.Open("sqlite3", address+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite3", address+"&_txlock=deferred&_query_only=1")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	readers := max(4, 2*runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	// The writer goes first: it is the one that can switch the file to write-ahead logging.
	if err := write.Ping(); err != nil {
		_, _ = read.Close(), write.Close() // the error of Ping is the one to tell
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return &database{kind: "sqlite", path: path, write: write, read: read, rewrite: numbered()}, nil
}

// ownerOnly makes the file with mode 0600 when it is not there; SQLite gives its side files the same mode.
func ownerOnly(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteUnique reports whether err is a violated unique or primary key.
func sqliteUnique(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}
