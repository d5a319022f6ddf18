package store

import "context"

// mockTables hold what the platform said of a competitor, by syned_user_id.
var mockTables = []string{
	"game_platform_challenge_solves", "game_platform_withdrawn_solves", "game_platform_flash_ctf_results",
	"game_platform_quarantined_records", "game_platform_stats", "game_platform_category_stats", "game_platform_sync_state",
	"game_platform_users", "sync_attempts",
}

// isMock is LIKE '%mock%' with the same idea of upper and lower case on both databases.
const isMock = `REPLACE(syned_user_id, 'mock', '') <> syned_user_id`

// CleanMock deletes what was pulled for test accounts, those with "mock" in their game platform id, and returns how many
// solves went. Who is still on the roster is due again at once, in full.
func (sys *System) CleanMock(ctx context.Context) (solves int64, err error) {
	err = sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		for i, table := range mockTables {
			n, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE `+isMock)
			if err != nil {
				return err
			}
			if i == 0 {
				solves = n
			}
		}
		if err := recountParticipants(ctx, tx); err != nil {
			return err
		}
		return relistAll(ctx, tx, sys.s.now(), false)
	})
	sys.s.totals.changed()
	return solves, wrap(err, "clean mock data")
}

// CountMock counts the solves that CleanMock would delete.
func (sys *System) CountMock(ctx context.Context) (n int64, err error) {
	err = sys.s.db.reader().row(ctx, `SELECT COUNT(*) FROM game_platform_challenge_solves WHERE `+isMock).Scan(&n)
	return n, wrap(err, "count mock data")
}

// CleanSyncState forgets how every sync went, so that everybody is due at once, in full. Results stay.
func (sys *System) CleanSyncState(ctx context.Context) (n int64, err error) {
	err = sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		n, err = tx.exec(ctx, `DELETE FROM game_platform_sync_state WHERE 1=1`)
		if err != nil {
			return err
		}
		return relistAll(ctx, tx, sys.s.now(), false)
	})
	sys.s.totals.changed()
	return n, wrap(err, "clean sync state")
}

// CountSyncState counts the rows that CleanSyncState would delete.
func (sys *System) CountSyncState(ctx context.Context) (n int64, err error) {
	err = sys.s.db.reader().row(ctx, `SELECT COUNT(*) FROM game_platform_sync_state`).Scan(&n)
	return n, wrap(err, "count sync state")
}
