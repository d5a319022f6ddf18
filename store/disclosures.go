package store

import (
	"context"

	"flagpole/internal/domain"
)

// Sending notes what is about to be sent to the platform, before it is. It is the client's log of disclosures. Of somebody who was
// deleted nothing is sent or kept any more: that is a NoSuch error.
func (sys *System) Sending(ctx context.Context, d domain.Disclosure) (id int64, err error) {
	err = sys.s.db.update(ctx, func(tx conn) error {
		if err := sys.s.db.shareRoster(ctx, tx); err != nil { // a deletion that is under way would miss what is noted now
			return err
		}
		erased, err := wasErased(ctx, tx, d.UserID)
		if err == nil && erased {
			err = domain.Errorf(domain.NoSuch, "This person was deleted.").WithHint("Nothing is sent about them any more.")
		}
		if err != nil {
			return err
		}
		return tx.row(ctx, `INSERT INTO disclosures (at, endpoint, syned_user_id, fields) VALUES ($1, $2, $3, $4) RETURNING disclosure_id`,
			sys.s.now(), d.Endpoint, d.UserID, string(d.Fields)).Scan(&id)
	})
	return id, wrap(err, "log a disclosure")
}

// Answered notes how the platform answered what was sent.
func (sys *System) Answered(ctx context.Context, id int64, status int) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `UPDATE disclosures SET http_status = $2 WHERE disclosure_id = $1`, id, status)
		return err
	})
	return wrap(err, "log an answer")
}

// Disclosures lists what was sent to the platform about one of the viewer's competitors, oldest first. Somebody else's are a NoSuch
// error; who may not view people's records gets a Denied one.
func (sc *Scope) Disclosures(ctx context.Context, competitorID string) ([]domain.Disclosure, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	var list []domain.Disclosure
	err := sc.s.db.view(ctx, func(tx conn) error {
		r, err := sc.competitorRow(ctx, tx, competitorID)
		if err != nil {
			return err
		}
		rows, err := tx.query(ctx, `
			SELECT disclosure_id, at, endpoint, syned_user_id, fields, COALESCE(http_status, $3) FROM disclosures
			WHERE syned_user_id <> '' AND syned_user_id IN ($1, $2) ORDER BY disclosure_id`, r.ID, r.GamePlatformID, domain.UnknownAnswer)
		if err != nil {
			return err
		}
		return each(rows, func() error {
			var d domain.Disclosure
			var fields string
			err := rows.Scan(&d.ID, into(&d.At), &d.Endpoint, &d.UserID, &fields, &d.Status)
			d.Fields = []byte(fields)
			list = append(list, d)
			return err
		})
	})
	return list, wrap(err, "list disclosures")
}
