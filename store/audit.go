package store

import (
	"context"

	"flagpole/internal/domain"
)

// Audit notes that the viewer saw or took out people's data. detail is plain text without personal data.
func (sc *Scope) Audit(ctx context.Context, action, competitorID, detail string) error {
	err := sc.s.db.update(ctx, func(tx conn) error { return sc.audit(ctx, tx, action, competitorID, detail) })
	return wrap(err, "write audit")
}

func (sc *Scope) audit(ctx context.Context, tx conn, action, competitorID, detail string) error {
	return audit(ctx, tx, sc.s.now(), sc.viewer, action, competitorID, detail)
}

// audit writes what a viewer did, and as which coach, where an admin looks at the portal as one.
func audit(ctx context.Context, tx conn, now int64, v domain.Viewer, action, competitorID, detail string) error {
	as := ""
	if v.ViewingAs {
		as = v.CoachID
	}
	_, err := tx.exec(ctx, `
		INSERT INTO audit_log (at, user_id, action, competitor_id, detail, viewing_coach_id) VALUES ($1, $2, $3, $4, $5, $6)`,
		now, v.UserID, action, competitorID, detail, as)
	return err
}
