package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"flagpole/internal/domain"
)

// SyncPlan is whom a sync of everybody, or of a coach's competitors, comes to.
type SyncPlan struct {
	Coach         string // the coach's name; "" for everybody
	Competitors   int    // who will be synced
	NotEnrolled   int    // on the platform, and left out because their coach does not have the feature
	NotOnPlatform int    // left out because they have no account
}

// SyncPlan says whom a sync of the coach's competitors comes to, with "" of everybody. A coach whom the viewer does not see is
// a NoSuch error.
func (sc *Scope) SyncPlan(ctx context.Context, coachID string) (SyncPlan, error) {
	if err := sc.viewer.Require(domain.MayRetry); err != nil {
		return SyncPlan{}, err
	}
	p, err := sc.syncPlan(ctx, sc.s.db.reader(), coachID)
	return p, wrap(err, "plan a sync")
}

func (sc *Scope) syncPlan(ctx context.Context, tx conn, coachID string) (SyncPlan, error) {
	var p SyncPlan
	var a args
	where := sc.visible(&a)
	if coachID != "" {
		where += " AND c.coach_id = " + a.add(coachID)
	}
	coaches := 0
	err := tx.row(ctx, `
		SELECT COUNT(*), COALESCE(MAX(c.name), ''), CAST(COALESCE(SUM(c.on_platform) FILTER (WHERE c.enrolled), 0) AS BIGINT),
			CAST(COALESCE(SUM(c.on_platform) FILTER (WHERE NOT c.enrolled), 0) AS BIGINT),
			CAST(COALESCE(SUM(c.competitors - c.on_platform), 0) AS BIGINT)
		FROM coaches c WHERE `+where, a...).Scan(&coaches, &p.Coach, &p.Competitors, &p.NotEnrolled, &p.NotOnPlatform)
	switch {
	case err != nil:
		return p, err
	case coachID == "":
		p.Coach = ""
	case coaches == 0:
		return p, noSuch(sql.ErrNoRows, "coach")
	}
	return p, nil
}

// RequestSync asks for a sync of all competitors of a coach, or with "" of everybody, due or not, and returns the id of its
// run. While such a run is open, or no call may be made, or there is nobody to sync, it is a Clash error.
func (sc *Scope) RequestSync(ctx context.Context, coachID string) (runID string, err error) {
	action, detail, needs := "sync.all", "", []domain.Permission{domain.MayRetry, domain.MayBulk}
	if coachID != "" {
		action, detail, needs = "sync.coach", "coach="+coachID, needs[:1]
	}
	for _, p := range needs {
		if err := sc.viewer.Require(p); err != nil {
			return "", err
		}
	}
	err = sc.s.db.update(ctx, func(tx conn) error {
		// Whoever comes second waits here, and then finds the first one's run.
		stopped, err := callsStopped(ctx, tx, sc.s.db.forUpdate("r"))
		if err == nil {
			err = stoppedError(stopped)
		}
		if err != nil {
			return err
		}
		plan, err := sc.syncPlan(ctx, tx, coachID)
		if err != nil {
			return err
		}
		if plan.Competitors == 0 {
			return domain.Errorf(domain.Clash, "There is nobody to sync.").
				WithHint("Competitors are synced once they are on the platform and their coach has the feature.")
		}
		if err := noOpenSync(ctx, tx, coachID, plan.Coach); err != nil {
			return err
		}
		runID = uuid.NewString()
		_, err = tx.exec(ctx, `
			INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, queued, requested_by, coach_id)
			VALUES ($1, 'command', FALSE, $2, $2, TRUE, 'page', $3)`, runID, sc.s.now(), coachID)
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, action, "", detail)
	})
	if err != nil {
		return "", fmt.Errorf("request sync: %w", err)
	}
	return runID, nil
}

// noOpenSync is a Clash error where a run for the same people is open already.
func noOpenSync(ctx context.Context, tx conn, coachID, coach string) error {
	r, err := scanRun(tx.row(ctx, `
		SELECT `+runColumns+` FROM sync_runs
		WHERE kind = 'command' AND competitor_id = '' AND coach_id = $1 AND finished_at IS NULL AND NOT dry_run
		ORDER BY started_at LIMIT 1`, coachID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	whom := "everybody"
	if coachID != "" {
		whom = coach + "'s competitors"
	}
	how := fmt.Sprintf("it has tried %d so far", r.Counts.Attempted)
	if r.Queued {
		how = "it waits for its turn"
	}
	return domain.Errorf(domain.Clash, "A sync of %s is under way already, asked for on %s UTC; %s.", whom, r.StartedAt.Format("2 Jan, 15:04"), how).
		WithHint("It shows under Sync; no second one was started.")
}
