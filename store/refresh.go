package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flagpole/internal/domain"
)

// refreshEvery is how long a competitor's last sync must be over before a person may ask for another.
const refreshEvery = 5 * time.Minute

// RequestRefresh asks for a sync of one of the viewer's competitors and returns the id of its run; while one is open already,
// that one's. A sync less than five minutes ago is a Throttled error, a competitor without an account, or who does not take part any more, a Clash.
func (sc *Scope) RequestRefresh(ctx context.Context, competitorID string) (runID string, err error) {
	err = sc.s.db.update(ctx, func(tx conn) error {
		var a args
		var account string
		var attempt time.Time
		var inactive bool
		err := tx.row(ctx, `
			SELECT COALESCE(c.game_platform_id, ''), c.deactivated_at IS NOT NULL FROM competitors c
			WHERE `+sc.visible(&a)+` AND c.competitor_id = `+a.add(competitorID)+sc.s.db.forUpdate("c"), a...).Scan(&account, &inactive)
		if err != nil {
			return noSuch(err, "competitor")
		}
		stopped, err := callsStopped(ctx, tx, "")
		if err != nil {
			return err
		}
		if err := stoppedError(stopped); err != nil {
			return err
		}
		if inactive {
			return domain.Errorf(domain.Clash, "There is nothing to refresh: the competitor does not take part any more.").WithHint("An admin can activate the competitor again.")
		}
		if account == "" {
			return domain.Errorf(domain.Clash, "There is nothing to refresh: the competitor has no account on the platform yet.")
		}
		err = tx.row(ctx, `
			SELECT run_id FROM sync_runs WHERE competitor_id = $1 AND finished_at IS NULL AND NOT dry_run ORDER BY started_at LIMIT 1`,
			competitorID).Scan(&runID)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// It is read after the open run: one that has ended since has left it.
		err = tx.row(ctx, `SELECT last_attempt_at FROM game_platform_sync_state WHERE syned_user_id = $1`, account).Scan(into(&attempt))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		now := sc.s.clock()
		if again := attempt.Add(refreshEvery); again.After(now) {
			return domain.Errorf(domain.Throttled, "The results were fetched less than 5 minutes ago.").
				WithHint(fmt.Sprintf("Refresh again in %d min.", int((again.Sub(now)+time.Minute-1)/time.Minute)))
		}
		runID = uuid.NewString()
		_, err = tx.exec(ctx, `
			INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, queued, requested_by, competitor_id)
			VALUES ($1, 'command', FALSE, $2, $2, TRUE, 'page', $3)`, runID, micros(now), competitorID)
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, "competitor.refresh", competitorID, "")
	})
	return runID, wrap(err, "request refresh")
}

// Refresh reads the run that refreshes one of the viewer's competitors: the one with the id, or with "" the open one. None is
// a NoSuch error.
func (sc *Scope) Refresh(ctx context.Context, competitorID, runID string) (Run, error) {
	var a args
	query := `
		SELECT ` + runColumns + ` FROM sync_runs
		WHERE NOT dry_run AND competitor_id = ` + a.add(competitorID) + ` AND EXISTS (
			SELECT 1 FROM competitors c WHERE ` + sc.visible(&a) + ` AND c.competitor_id = sync_runs.competitor_id)`
	if runID == "" {
		query += " AND finished_at IS NULL"
	} else {
		query += " AND run_id = " + a.add(runID)
	}
	r, err := scanRun(sc.s.db.reader().row(ctx, query+" ORDER BY started_at LIMIT 1", a...).Scan)
	return r, wrap(noSuch(err, "run"), "read refresh")
}
