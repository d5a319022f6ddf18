package store

import "context"

// lockRoster keeps others from writing coaches, teams, competitors and what is counted of them until the transaction ends; reading goes on. SQLite
// has one writer anyway.
func (d *database) lockRoster(ctx context.Context, tx conn) error {
	if d.kind == "sqlite" {
		return nil
	}
	// A sync locks the events it adds to first, then the coach and the team.
	_, err := tx.exec(ctx, `LOCK TABLE game_platform_flash_ctf_events, coaches, teams, competitors IN SHARE ROW EXCLUSIVE MODE`)
	return err
}
