package store

import "context"

// lockRoster keeps others from writing coaches, teams and competitors until the transaction ends; reading goes on. SQLite
// has one writer anyway.
func (d *database) lockRoster(ctx context.Context, tx conn) error {
	if d.kind == "sqlite" {
		return nil
	}
	_, err := tx.exec(ctx, `LOCK TABLE coaches, teams, competitors IN SHARE ROW EXCLUSIVE MODE`)
	return err
}
