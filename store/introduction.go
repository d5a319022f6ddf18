package store

import "context"

// SeeIntroduction notes that a coach has seen the introduction, once and for all.
func (sc *Scope) SeeIntroduction(ctx context.Context) error {
	err := sc.s.db.update(ctx, func(tx conn) error {
		var a args
		_, err := tx.exec(ctx, `UPDATE coaches SET introduced_at = `+a.add(sc.s.now())+`
			WHERE coach_id = `+a.add(sc.viewer.CoachID)+` AND introduced_at IS NULL`, a...)
		return err
	})
	return wrap(err, "see the introduction")
}
