package store

import (
	"context"

	"flagpole/internal/domain"
)

// SameName lists at most limit of the viewer's competitors who have a name, whatever its upper case and accents.
func (sc *Scope) SameName(ctx context.Context, name string, limit int) ([]CompetitorRow, error) {
	var a args
	query := "SELECT " + competitorColumns + " FROM competitor_list c" + competitorJoins + " WHERE " + sc.visible(&a) +
		" AND c.sort_key = " + a.add(sortKey(name)) + " ORDER BY c.competitor_id LIMIT " + a.add(limit)
	rows, err := sc.s.db.reader().query(ctx, query, a...)
	if err != nil {
		return nil, wrap(err, "look for the same name")
	}
	var list []CompetitorRow
	err = each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, wrap(err, "look for the same name")
}

// CoachByEmail finds a coach that the viewer sees, whatever the spelling of the email. Another is a NoSuch error.
func (sc *Scope) CoachByEmail(ctx context.Context, email string) (CoachRow, error) {
	var a args
	r, err := scanCoach(sc.s.db.reader().row(ctx, "SELECT "+coachColumns+" FROM coaches c WHERE "+sc.visible(&a)+" AND c.email_key = "+a.add(emailKey(email)), a...).Scan)
	return r, wrap(noSuch(err, "coach"), "find coach")
}

// TeamsOf lists the teams of a coach by name, for a choice. Who may not edit the roster gets a Denied error.
func (sc *Scope) TeamsOf(ctx context.Context, coachID string) ([]Choice, error) {
	if err := sc.viewer.Require(domain.MayEdit); err != nil {
		return nil, err
	}
	rows, err := sc.s.db.reader().query(ctx, `SELECT team_id, name FROM teams WHERE coach_id = $1 ORDER BY sort_key, team_id`, coachID)
	if err != nil {
		return nil, wrap(err, "list teams")
	}
	var list []Choice
	err = each(rows, func() error {
		var c Choice
		err := rows.Scan(&c.ID, &c.Name)
		list = append(list, c)
		return err
	})
	return list, wrap(err, "list teams")
}
