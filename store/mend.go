package store

import (
	"context"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// AddEmail puts an email on file for the competitor that a failure is about, which ends the failure, and asks for a sync that
// looks the competitor up on the platform; runID is "" where no call may be made now. A failure that does not lack an email, or
// an email that another competitor has, is a Clash error, what is no email an Invalid one. Who may not retry gets a Denied error.
func (sc *Scope) AddEmail(ctx context.Context, failureID int64, email string) (runID string, err error) {
	for _, p := range []domain.Permission{domain.MayView, domain.MayRetry} {
		if err := sc.viewer.Require(p); err != nil {
			return "", err
		}
	}
	email, err = roster.CheckEmail(email)
	if err != nil {
		return "", err
	}
	err = sc.s.db.update(ctx, func(tx conn) error {
		if err := sc.s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		f, err := sc.failure(ctx, tx, failureID)
		if err != nil {
			return err
		}
		if f.Class != domain.MissingEmail || !f.EndedAt.IsZero() {
			return domain.Errorf(domain.Clash, "%s has an email already.", f.CompetitorName).WithHint("Nothing was changed.")
		}
		_, err = tx.exec(ctx, `UPDATE competitors SET email = $2, email_key = $3, updated_at = $4 WHERE competitor_id = $1`,
			f.CompetitorID, email, emailKey(email), sc.s.now())
		if violatesUnique(err) {
			return domain.Errorf(domain.Clash, "Another competitor has this email.").WithHint("Ask the coach of " + f.CompetitorName + " which one is right.")
		}
		if err != nil {
			return err
		}
		change := []any{sc.s.now(), sc.viewer.UserID, "failure", kindCompetitor, f.CompetitorID, "email", "", email}
		if err := writeChanges(ctx, tx, [][]any{change}); err != nil {
			return err
		}
		if err := relist(ctx, tx, sc.s.now(), "c.competitor_id = $1", f.CompetitorID); err != nil {
			return err
		}
		stopped, err := callsStopped(ctx, tx, "")
		if err != nil {
			return err
		}
		if stopped == "" {
			runID = uuid.NewString()
			_, err = tx.exec(ctx, `
				INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, queued, requested_by, competitor_id)
				VALUES ($1, 'command', FALSE, $2, $2, TRUE, 'page', $3)`, runID, sc.s.now(), f.CompetitorID)
			if err != nil {
				return err
			}
		}
		return sc.audit(ctx, tx, "competitor.email_add", f.CompetitorID, "")
	})
	sc.s.totals.changed()
	if err != nil {
		return "", wrap(err, "add email")
	}
	return runID, nil
}

// Unlinked reports whether a competitor of an enrolled coach has what an account needs, and no account that is known here.
func (sys *System) Unlinked(ctx context.Context, competitorID string) (unlinked bool, err error) {
	err = sys.s.db.reader().row(ctx, `
		SELECT EXISTS (SELECT 1 FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id
			WHERE c.competitor_id = $1 AND c.game_platform_id IS NULL AND c.email IS NOT NULL AND c.deactivated_at IS NULL AND co.enrolled)`, competitorID).Scan(&unlinked)
	return unlinked, wrap(err, "look for an account")
}

// Link stores that the platform has an account under the competitor's own id. Where the competitor has one by now, or the id is
// another's, nothing is changed.
func (sys *System) Link(ctx context.Context, competitorID string, u domain.PlatformUser) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE competitors SET game_platform_id = competitor_id, updated_at = $2
			WHERE competitor_id = $1 AND game_platform_id IS NULL
				AND NOT EXISTS (SELECT 1 FROM competitors o WHERE o.game_platform_id = $1)`, competitorID, sys.s.now())
		if err != nil || n == 0 {
			return err
		}
		if err := storePlatformUser(ctx, tx, competitorID, u, sys.s.clock()); err != nil {
			return err
		}
		if err := forgetFault(ctx, tx, domain.StepAccount, competitorID); err != nil {
			return err
		}
		if err := relist(ctx, tx, sys.s.now(), "c.competitor_id = $1", competitorID); err != nil {
			return err
		}
		return recountParticipants(ctx, tx)
	})
	sys.s.totals.changed()
	return wrap(err, "link account")
}
