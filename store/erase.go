package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// Erased is who was deleted, as far as that is needed to ask the platform to do the same.
type Erased struct {
	CompetitorID, GamePlatformID string
	At                           time.Time
}

// ErasePerson deletes one of the viewer's competitors with everything that is held about them, but for what proves who saw what and what
// was passed on: that keeps ids and no values. Who may not gets a Denied error, somebody else's competitor is a NoSuch one.
func (sc *Scope) ErasePerson(ctx context.Context, competitorID string) (Erased, error) {
	if err := sc.viewer.Require(domain.MayErase); err != nil {
		return Erased{}, err
	}
	var e Erased
	err := sc.edit(ctx, "delete a person", func(tx conn) error {
		r, err := sc.competitorRow(ctx, tx, competitorID)
		if err != nil {
			return err
		}
		e = Erased{r.ID, r.GamePlatformID, sc.s.clock()}
		if err := sc.endFailure(ctx, tx, r.ID); err != nil {
			return err
		}
		for _, k := range personKinds {
			if k.table == "competitors" {
				continue // last: others refer to it
			}
			if err := k.eraseRows(ctx, tx, r); err != nil {
				return fmt.Errorf("%s: %w", k.table, err)
			}
		}
		for _, table := range []string{"competitor_list", "competitors"} {
			if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE competitor_id = $1`, r.ID); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		_, err = tx.exec(ctx, `INSERT INTO erased_people (competitor_id, game_platform_id, erased_at, erased_by) VALUES ($1, $2, $3, $4)`,
			r.ID, nullText(r.GamePlatformID), sc.s.now(), sc.viewer.UserID)
		if err != nil {
			return err
		}
		if err := recountParticipants(ctx, tx); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "person.erase", r.ID, "")
	})
	return e, err
}

// endFailure ends what is open for a competitor, so that the kept sums are right when the rows go.
func (sc *Scope) endFailure(ctx context.Context, tx conn, id string) error {
	if _, err := tx.exec(ctx, `UPDATE competitors SET deactivated_at = $2 WHERE competitor_id = $1`, id, sc.s.now()); err != nil {
		return err
	}
	return relist(ctx, tx, sc.s.now(), "c.competitor_id = $1", id)
}

func (k PersonKind) eraseRows(ctx context.Context, tx conn, r CompetitorRow) error {
	switch k.erase {
	case deleteRows:
		_, err := tx.exec(ctx, `DELETE FROM `+k.table+` WHERE `+k.where, r.ID, r.GamePlatformID)
		return err
	case blankID:
		_, err := tx.exec(ctx, `UPDATE `+k.table+` SET competitor_id = '' WHERE `+k.where, r.ID, r.GamePlatformID)
		return err
	case blankValues:
		return blankDisclosures(ctx, tx, k, r)
	}
	return nil
}

// blankDisclosures keeps of what was sent the names of the fields.
func blankDisclosures(ctx context.Context, tx conn, k PersonKind, r CompetitorRow) error {
	rows, err := tx.query(ctx, `SELECT disclosure_id, fields FROM disclosures WHERE `+k.where, r.ID, r.GamePlatformID)
	if err != nil {
		return err
	}
	blank := map[int64]string{}
	err = each(rows, func() error {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return err
		}
		for name := range fields {
			fields[name] = nil
		}
		raw, err := json.Marshal(fields)
		blank[id] = string(raw)
		return err
	})
	for _, id := range sortedKeys(blank) {
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE disclosures SET fields = $2 WHERE disclosure_id = $1`, id, blank[id])
		}
	}
	return err
}

// errErased ends the storing of a sync of somebody who has been deleted meanwhile.
var errErased = errors.New("the person was deleted")

// wasErased reports whether an account, or what was to be one, is that of a deleted person.
func wasErased(ctx context.Context, tx conn, account string) (erased bool, err error) {
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM erased_people WHERE game_platform_id = $1 OR competitor_id = $1)`, account).Scan(&erased)
	return erased, err
}

// erasedIDs are the ids of competitors and accounts of deleted people, with the day on which they were.
func erasedIDs(ctx context.Context, tx conn) (map[string]time.Time, error) {
	rows, err := tx.query(ctx, `SELECT competitor_id, COALESCE(game_platform_id, ''), erased_at FROM erased_people`)
	if err != nil {
		return nil, err
	}
	ids := map[string]time.Time{}
	err = each(rows, func() error {
		var id, account string
		var at time.Time
		err := rows.Scan(&id, &account, into(&at))
		ids[id] = at
		if account != "" {
			ids[account] = at
		}
		return err
	})
	return ids, err
}
