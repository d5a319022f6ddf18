package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres opens one pool of bounded size.
func openPostgres(address string) (*database, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		// The driver's text may repeat the address, and with it the password.
		return nil, errors.New("open database: the postgres:// address cannot be read")
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &database{kind: "postgres", write: pool, read: pool, rewrite: func(q string) string { return q }}, nil
}

// viewOptions is a read-only snapshot; SQLite's deferred readers are one anyway.
func (d *database) viewOptions() *sql.TxOptions {
	if d.kind == "sqlite" {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// postgresUnique reports whether err is a violated unique or primary key.
func postgresUnique(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505"
}
