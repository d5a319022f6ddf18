package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"flagpole/internal/domain"
)

// pgProgram is a program of Postgres, with the connection in its environment: arguments can be read by everybody on the machine.
type pgProgram struct {
	path        string
	environment []string
	database    string
}

func pgProgramFor(name, address string) (pgProgram, error) {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return pgProgram{}, errors.New("the postgres:// address cannot be read") // the driver's text may repeat the password
	}
	path, err := exec.LookPath(name)
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) == 0 {
			return pgProgram{}, domain.Errorf(domain.Invalid, "%s is not in PATH. It comes with the client programs of Postgres.", name)
		}
		path = slices.Max(found)
	}
	environment := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PGHOST=" + c.Host, "PGPORT=" + strconv.Itoa(int(c.Port)), "PGUSER=" + c.User, "PGPASSWORD=" + c.Password, "PGDATABASE=" + c.Database,
	}
	if u, err := url.Parse(address); err == nil {
		for option, name := range map[string]string{"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"} {
			if value := u.Query().Get(option); value != "" {
				environment = append(environment, name+"="+value)
			}
		}
	}
	return pgProgram{path, environment, c.Database}, nil
}

// run gives what the program printed. Its complaint is in the error.
func (p pgProgram) run(ctx context.Context, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.path, arguments...)
	var out, complaint bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = p.environment, &out, &complaint
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return "", fmt.Errorf("%s: %s", filepath.Base(p.path), lines[0])
	}
	return out.String(), nil
}

// backupPostgres has pg_dump copy the portal's schema as of the moment at which the totals are read.
func backupPostgres(ctx context.Context, address, part string) (t Totals, err error) {
	dump, err := pgProgramFor("pg_dump", address)
	if err != nil {
		return t, err
	}
	db, err := openPostgres(address)
	if err != nil {
		return t, err
	}
	defer func() { _ = db.close() }() // it was only read
	tx, err := db.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return t, err
	}
	defer func() { _ = tx.Rollback() }()
	var schema, snapshot string
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(current_schema(), ''), pg_export_snapshot()`).Scan(&schema, &snapshot); err != nil {
		return t, err
	}
	if t, err = readTotals(tx.QueryRowContext(ctx, totalsQuery)); err != nil {
		return t, domain.Errorf(domain.Invalid, "There is no database of Flagpole at this address.")
	}
	t.Kind = "postgres"
	_, err = dump.run(ctx, "--no-password", "--format=custom", "--no-owner", "--no-privileges", "--schema="+pgx.Identifier{schema}.Sanitize(), "--snapshot="+snapshot, "--file="+part)
	if err != nil {
		return t, err
	}
	reader, err := pgProgramFor("pg_restore", address)
	if err != nil {
		return t, err
	}
	_, err = reader.run(ctx, "--file=/dev/null", part) // reads it to its end
	return t, wrap(err, "read the copy again")
}

func restorePostgres(ctx context.Context, address, file string) (t Totals, err error) {
	program, err := pgProgramFor("pg_restore", address)
	if err != nil {
		return t, err
	}
	from, err := dumpedSchema(ctx, program, file)
	if err != nil {
		return t, err
	}
	db, err := openPostgres(address)
	if err != nil {
		return t, err
	}
	defer func() { _ = db.close() }()
	if err := roomFor(ctx, db, from); err != nil {
		return t, err
	}
	if _, err := program.run(ctx, "--no-password", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--schema="+from, "--dbname="+program.database, file); err != nil {
		return t, err
	}
	t, err = readTotals(db.write.QueryRowContext(ctx, totalsQuery))
	t.Kind = "postgres"
	return t, err
}

// dumpedSchema is the schema that a dump is of. A file that is no dump of Flagpole is an Invalid error.
func dumpedSchema(ctx context.Context, program pgProgram, file string) (string, error) {
	list, err := program.run(ctx, "--list", file)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	for line := range strings.Lines(list) { // like "223; 1259 16401 TABLE public goose_db_version postgres"
		fields := strings.Fields(line)
		if len(fields) >= 6 && fields[3] == "TABLE" && fields[5] == "goose_db_version" {
			return fields[4], nil
		}
	}
	if err != nil {
		return "", domain.Errorf(domain.Invalid, "The file is damaged, or it is not a backup of a Postgres database.")
	}
	return "", domain.Errorf(domain.Invalid, "The file is a dump of a Postgres database, but not of Flagpole's.")
}

// roomFor wants the address to lead to the schema of the dump, with nothing in it, and makes it where it is missing.
func roomFor(ctx context.Context, db *database, from string) error {
	var schema string
	var tables int
	err := db.write.QueryRowContext(ctx, `
		SELECT COALESCE(current_schema(), ''), (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = $1)`, from).Scan(&schema, &tables)
	switch {
	case err != nil:
		return err
	case tables > 0:
		return domain.Errorf(domain.Invalid, "The database has tables already. Nothing is overwritten: restore into an empty one.")
	case schema != from && schema != "":
		return domain.Errorf(domain.Invalid, "The backup is of the schema %q, and DATABASE_URL leads to %q. Add ?search_path=%s to it.", from, schema, from)
	}
	_, err = db.write.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{from}.Sanitize())
	return err
}
