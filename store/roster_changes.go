package store

import (
	"context"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// author is who changes the roster, and by which way.
type author struct {
	id     string // a user's, or a word for a program
	source string
}

// The kinds of records that the roster has.
const (
	kindCoach      = "coach"
	kindTeam       = "team"
	kindCompetitor = "competitor"
)

// keepChanges writes the history of what a plan changes, a row for each field; of what is added, one row. A step of onboarding that
// failed for what was on file is tried at once.
func keepChanges(ctx context.Context, tx conn, plan roster.Plan, by author, now int64) error {
	var rows, subjects [][]any
	note := func(kind, id string, added bool, fields []roster.Field) {
		if added {
			rows = append(rows, []any{now, by.id, by.source, kind, id, "created", "", ""})
			return
		}
		for _, f := range fields {
			if f.Old != f.New {
				rows = append(rows, []any{now, by.id, by.source, kind, id, f.Name, f.Old, f.New})
			}
		}
		subjects = append(subjects, []any{id})
	}
	for _, c := range plan.Coaches {
		note(kindCoach, c.New.ID, c.Added, roster.CoachFields(c.Old, c.New))
	}
	for _, c := range plan.Teams {
		note(kindTeam, c.New.ID, c.Added, []roster.Field{{Name: "name", Old: c.Old.Name, New: c.New.Name}})
	}
	for _, c := range plan.Competitors {
		note(kindCompetitor, c.New.ID, c.Added, roster.CompetitorFields(c.Old, c.New))
	}
	if err := writeChanges(ctx, tx, rows); err != nil {
		return err
	}
	err := inBatches(ctx, tx, subjects, func(ids string) string { return `DELETE FROM onboarding_faults WHERE subject_id IN (` + ids + `)` })
	return wrap(err, "forget faults")
}

func writeChanges(ctx context.Context, tx conn, rows [][]any) error {
	err := inBatches(ctx, tx, rows, func(values string) string {
		return `INSERT INTO roster_changes (at, actor, source, kind, subject_id, field, old_value, new_value) VALUES ` + values
	})
	return wrap(err, "keep changes")
}

// RosterChange is one field of a record of the roster that somebody changed, or with the field "created", "deactivated", "activated" or
// "deleted" what happened to the whole record. Of ids of coaches and teams the values are names, where they are stored.
type RosterChange struct {
	ID        int64
	At        time.Time
	By        string // the name of a login, or a word for a program
	Source    string // "page", "import" or "failure"
	Field     string
	Old, New  string
	SubjectID string
}

// CompetitorChanges lists the last changes of one of the viewer's competitors, newest first. Others' are a NoSuch error; who may not see
// people's records gets a Denied one.
func (sc *Scope) CompetitorChanges(ctx context.Context, competitorID string, limit int) ([]RosterChange, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	if _, err := sc.competitorRow(ctx, sc.s.db.reader(), competitorID); err != nil {
		return nil, wrap(err, "list changes")
	}
	return sc.changes(ctx, kindCompetitor, competitorID, limit)
}

// CoachChanges lists the last changes of a coach, newest first. Who may not see people's records gets a Denied error.
func (sc *Scope) CoachChanges(ctx context.Context, coachID string, limit int) ([]RosterChange, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	return sc.changes(ctx, kindCoach, coachID, limit)
}

// TeamChanges lists the last changes of a team, newest first. Who may not see people's records gets a Denied error.
func (sc *Scope) TeamChanges(ctx context.Context, teamID string, limit int) ([]RosterChange, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	return sc.changes(ctx, kindTeam, teamID, limit)
}

func (sc *Scope) changes(ctx context.Context, kind, id string, limit int) ([]RosterChange, error) {
	named := func(value string) string {
		return `CASE WHEN h.field = 'coach_id' THEN COALESCE((SELECT name FROM coaches WHERE coach_id = h.` + value + `), h.` + value + `)
			WHEN h.field = 'team_id' THEN COALESCE((SELECT name FROM teams WHERE team_id = h.` + value + `), h.` + value + `) ELSE h.` + value + ` END`
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT h.change_id, h.at, COALESCE(u.email, h.actor), h.source, h.field, `+named("old_value")+`, `+named("new_value")+`, h.subject_id
		FROM roster_changes h LEFT JOIN users u ON u.user_id = h.actor
		WHERE h.kind = $1 AND h.subject_id = $2 ORDER BY h.change_id DESC LIMIT $3`, kind, id, limit)
	if err != nil {
		return nil, wrap(err, "list changes")
	}
	var list []RosterChange
	err = each(rows, func() error {
		var c RosterChange
		err := rows.Scan(&c.ID, into(&c.At), &c.By, &c.Source, &c.Field, &c.Old, &c.New, &c.SubjectID)
		c.By = domain.LoginName(c.By)
		list = append(list, c)
		return err
	})
	return list, wrap(err, "list changes")
}
