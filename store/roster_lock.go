package store

import "context"

// rosterTables are those that an import and a sync both write, or count in.
const rosterTables = `game_platform_flash_ctf_events, coaches, teams, competitors`

// lockRoster keeps others from writing coaches, teams, competitors and what is counted of them until the transaction ends;
// reading goes on. It must come first in its transaction. SQLite has one writer anyway.
func (d *database) lockRoster(ctx context.Context, tx conn) error {
	return d.lock(ctx, tx, "SHARE ROW EXCLUSIVE")
}

// shareRoster keeps lockRoster waiting until the transaction ends, and waits for it; others who share go on. It must come
// first in its transaction: a sync that reads the roster while an import changes it would list the competitor as it was,
// and one that holds rows which the import needs would wait for it for ever.
func (d *database) shareRoster(ctx context.Context, tx conn) error {
	return d.lock(ctx, tx, "ROW EXCLUSIVE")
}

func (d *database) lock(ctx context.Context, tx conn, mode string) error {
	if d.kind == "sqlite" {
		return nil
	}
	_, err := tx.exec(ctx, `LOCK TABLE `+rosterTables+` IN `+mode+` MODE`)
	return wrap(err, "lock the roster")
}

// forUpdate is the end of a SELECT that lets one transaction at a time have the row of a table until it ends.
func (d *database) forUpdate(table string) string {
	if d.kind == "sqlite" {
		return ""
	}
	return " FOR NO KEY UPDATE OF " + table
}

// alone lets one transaction at a time do something until it ends, on Postgres; SQLite has one writer anyway. Who needs more
// than one of these takes "operations" before "failures", and rows of the sync state between them.
func (c conn) alone(ctx context.Context, what string) error {
	if c.kind == "sqlite" {
		return nil
	}
	_, err := c.exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('flagpole ' || current_schema() || ' ' || CAST($1 AS TEXT)))`, what)
	return wrap(err, "wait for others")
}
