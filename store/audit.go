package store

import "context"

// Audit notes that the viewer saw or took out people's data. detail is plain text without personal data.
func (sc *Scope) Audit(ctx context.Context, action, competitorID, detail string) error {
	err := sc.s.db.update(ctx, func(tx conn) error {
		return sc.s.audit(ctx, tx, sc.viewer.UserID, action, competitorID, detail)
	})
	return wrap(err, "write audit")
}

// audit notes in a transaction what its user did.
func (s *Store) audit(ctx context.Context, tx conn, userID, action, competitorID, detail string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO audit_log (at, user_id, action, competitor_id, detail) VALUES ($1, $2, $3, $4, $5)`,
		s.now(), userID, action, competitorID, detail)
	return err
}
