package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// AuditQuery says which entries of the audit log are wanted. What is empty does not narrow it.
type AuditQuery struct {
	From, Until           time.Time // from the one on, before the other
	UserID, Action        string
	CompetitorID, CoachID string // whom it is about; as whom an admin looked at the portal
}

// AuditEntry is one thing that somebody did. The log keeps ids; their names are empty where what they name is not stored.
type AuditEntry struct {
	ID                  int64
	At                  time.Time
	UserID              string // of a user, or a word for a program
	UserName, UserEmail string // the name is a coach's; others have an email only
	Action, Detail      string
	CompetitorID        string
	CompetitorName      string
	DetailName          string // of the team, flash CTF, coach or user that the detail names
	CoachID, CoachName  string // as whom an admin looked at the portal
}

// Ends says on which sides of a page there are more entries.
type Ends struct{ Newer, Older bool }

const auditColumns = `a.audit_id, a.at, a.user_id, COALESCE(uc.name, ''), COALESCE(u.email, ''), a.action, a.detail, a.competitor_id,
	COALESCE(c.first_name, ''), COALESCE(c.last_name, ''), a.viewing_coach_id, COALESCE(co.name, ''), COALESCE(dc.name, dt.name, de.name, du.email, '')`

func scanAudit(rows *sql.Rows) (AuditEntry, error) {
	var e AuditEntry
	var c domain.Competitor
	err := rows.Scan(&e.ID, into(&e.At), &e.UserID, &e.UserName, &e.UserEmail, &e.Action, &e.Detail, &e.CompetitorID, &c.FirstName, &c.LastName, &e.CoachID, &e.CoachName, &e.DetailName)
	e.CompetitorName = c.Name()
	return e, err
}

// named joins the names to entries (a).
func (sc *Scope) named(a *args) string {
	return ` LEFT JOIN users u ON u.user_id = a.user_id LEFT JOIN coaches uc ON uc.coach_id = u.coach_id
		LEFT JOIN competitors c ON c.competitor_id = a.competitor_id AND ` + sc.visible(a) + `
		LEFT JOIN coaches co ON co.coach_id = a.viewing_coach_id
		LEFT JOIN coaches dc ON dc.coach_id = CASE WHEN a.detail LIKE 'coach=%' THEN substr(a.detail, 7) END
		LEFT JOIN teams dt ON dt.team_id = CASE WHEN a.detail LIKE 'team=%' THEN substr(a.detail, 6) WHEN a.detail LIKE 'csv team=%' THEN substr(a.detail, 10) END
		LEFT JOIN users du ON du.user_id = CASE WHEN a.detail LIKE 'user=%' THEN substr(a.detail, 6) END
		LEFT JOIN game_platform_flash_ctf_events de ON de.event_id = CASE WHEN a.detail LIKE 'event=%' THEN substr(a.detail, 7) END`
}

// matches is the predicate on audit_log (a). Each filter has an index that is in the page's order.
func (q AuditQuery) matches(a *args) string {
	where := "TRUE"
	if !q.From.IsZero() {
		where += " AND a.at >= " + a.add(micros(q.From))
	}
	if !q.Until.IsZero() {
		where += " AND a.at < " + a.add(micros(q.Until))
	}
	if q.UserID != "" {
		where += " AND a.user_id = " + a.add(q.UserID)
	}
	if q.Action != "" {
		where += " AND a.action = " + a.add(q.Action)
	}
	if q.CompetitorID != "" {
		where += " AND a.competitor_id = " + a.add(q.CompetitorID)
	}
	if q.CoachID != "" { // the index leaves out the many without a coach
		where += " AND a.viewing_coach_id <> '' AND a.viewing_coach_id = " + a.add(q.CoachID)
	}
	return where
}

// newestFirst is the order of the log. Ids are given in the order of writing and break ties.
func newestFirst() keyset { return keyset{columns: []string{"a.at", "a.audit_id"}, desc: true} }

// AuditPage lists one page of the audit log, newest first. Nothing is counted: the log only grows. Who may not view it gets a
// Denied error, a page link that names no entry is an Invalid one.
func (sc *Scope) AuditPage(ctx context.Context, q AuditQuery, p Page) ([]AuditEntry, Ends, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, Ends{}, err
	}
	var list []AuditEntry
	err := sc.s.db.view(ctx, func(tx conn) error {
		var a args
		cut := "SELECT a.* FROM audit_log a WHERE " + q.matches(&a)
		if p.cursorID() != "" {
			at, id, err := auditCursor(ctx, tx, p)
			if err != nil {
				return err
			}
			cut += " AND " + newestFirst().beyond(p, a.add(at)+", "+a.add(id))
		}
		order := " ORDER BY " + newestFirst().order(p)
		cut += order + " LIMIT " + a.add(p.Limit+1) // one more says whether there are more
		rows, err := tx.query(ctx, "SELECT "+auditColumns+" FROM ("+cut+") a"+sc.named(&a)+order, a...)
		if err != nil {
			return err
		}
		return each(rows, func() error {
			e, err := scanAudit(rows)
			list = append(list, e)
			return err
		})
	})
	more := len(list) > p.Limit
	if more {
		list = list[:p.Limit]
	}
	if p.Before != "" {
		slices.Reverse(list)
		return list, Ends{Newer: more, Older: true}, wrap(err, "list audit")
	}
	return list, Ends{Newer: p.After != "", Older: more}, wrap(err, "list audit")
}

// auditCursor finds the entry that a page is counted from.
func auditCursor(ctx context.Context, tx conn, p Page) (at, id int64, err error) {
	if id, err = strconv.ParseInt(p.cursorID(), 10, 64); err != nil {
		return 0, 0, errLostRow()
	}
	err = tx.row(ctx, `SELECT at FROM audit_log WHERE audit_id = $1`, id).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, errLostRow()
	}
	return at, id, err
}

// EachAudit calls fn for every entry that matches, newest first, reading as it goes. Who may not view the log gets a Denied
// error.
func (sc *Scope) EachAudit(ctx context.Context, q AuditQuery, fn func(AuditEntry) error) error {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return err
	}
	var a args
	names := sc.named(&a)
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+auditColumns+" FROM audit_log a"+names+" WHERE "+q.matches(&a)+" ORDER BY "+newestFirst().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read audit: %w", err)
	}
	err = each(rows, func() error {
		e, err := scanAudit(rows)
		if err != nil {
			return err
		}
		return fn(e)
	})
	return wrap(err, "read audit")
}

// distinct walks an index of audit_log from one value of a column to the next, so that it reads as many entries as there are
// values, and stops after limit of them.
func distinct(column, limit string) string {
	return `WITH RECURSIVE w (id, n) AS (
		SELECT MIN(` + column + `), 1 FROM audit_log
		UNION ALL
		SELECT (SELECT MIN(a.` + column + `) FROM audit_log a WHERE a.` + column + ` > w.id), w.n + 1 FROM w WHERE w.id IS NOT NULL AND w.n < ` + limit + `)`
}

// AuditUsers lists who has done anything, by name, when there are at most limit of them; of more it is empty. Who may not view
// the log gets a Denied error.
func (sc *Scope) AuditUsers(ctx context.Context, limit int) ([]Choice, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	var a args
	return sc.choices(ctx, distinct("user_id", a.add(limit+1))+`
		SELECT w.id, COALESCE(uc.name, u.email, w.id) FROM w LEFT JOIN users u ON u.user_id = w.id LEFT JOIN coaches uc ON uc.coach_id = u.coach_id
		WHERE w.id IS NOT NULL ORDER BY COALESCE(uc.sort_key, u.email_key, w.id), w.id`, a, limit)
}

// AuditActions lists the words of all that was done. Who may not view the log gets a Denied error.
func (sc *Scope) AuditActions(ctx context.Context) ([]string, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	const most = 1000 // the program has a few dozen
	var a args
	list, err := sc.choices(ctx, distinct("action", a.add(most))+` SELECT w.id, w.id FROM w WHERE w.id IS NOT NULL ORDER BY w.id`, a, most)
	var actions []string
	for _, c := range list {
		actions = append(actions, c.ID)
	}
	return actions, err
}

// AuditUser finds somebody to narrow the log to, by id or email. One who is no user (any more) is named by the id, if the log
// has it; another is a NoSuch error. Who may not view the log gets a Denied one.
func (sc *Scope) AuditUser(ctx context.Context, idOrEmail string) (Choice, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return Choice{}, err
	}
	var c Choice
	err := sc.s.db.reader().row(ctx, `
		SELECT u.user_id, COALESCE(co.name, u.email), 1 AS rank FROM users u LEFT JOIN coaches co ON co.coach_id = u.coach_id
		WHERE u.user_id = $1 OR u.email_key = $2
		UNION ALL
		SELECT $1, $1, 2 WHERE EXISTS (SELECT 1 FROM audit_log WHERE user_id = $1)
		ORDER BY rank LIMIT 1`, idOrEmail, emailKey(idOrEmail)).Scan(&c.ID, &c.Name, new(int))
	return c, wrap(noSuch(err, "user"), "find user")
}
