package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// FailureQuery says which failures are wanted. The zero query is all that are open and not cleared. It is stored with operations.
type FailureQuery struct {
	Fingerprint  string              `json:"fingerprint,omitempty"`
	Class        domain.FailureClass `json:"class,omitempty"`
	Kind         domain.FailureKind  `json:"kind,omitempty"`
	CoachID      string              `json:"coach,omitempty"`
	CompetitorID string              `json:"competitor,omitempty"`
	IDs          []int64             `json:"ids,omitempty"` // of failures, at most 512
	Age          FailureAge          `json:"age,omitempty"`
	State        domain.FailureState `json:"state,omitempty"`
	Search       string              `json:"search,omitempty"` // words, each somewhere in name, email, team, username, coach or error
	At           time.Time           `json:"at"`               // ages, and states that come about by time, are of this moment
}

// FailureAge is how long ago failures began.
type FailureAge string

// The ages.
const (
	UnderAnHour FailureAge = "under_1h"
	UnderADay   FailureAge = "1_to_24h"
	OverADay    FailureAge = "over_24h"
)

// FailureAges lists every age in the order filters show them.
var FailureAges = []FailureAge{UnderAnHour, UnderADay, OverADay}

// FailureRow is one failure with whom it is about.
type FailureRow struct {
	domain.Failure
	ID                           int64
	Print                        string // of its cause
	CompetitorID, CompetitorName string
	CoachID, CoachName           string
	OnPlatform, Enrolled         bool
	Raw                          string // the platform's words at the last sync
	ClearedAt                    time.Time
	ClearedBy, ClearedReason     string // who cleared it: the name of the login, or a word for a program
	Queued                       int64  // the operation in which it waits for a retry, 0: none
}

// matches is the predicate on sync_failures (f). It names states as domain.Failure.StateAt does, but that a failure that is
// kept as one to retry or to look at is found as such also while it waits for its turn or runs.
func (q FailureQuery) matches(a *args) string {
	where := []string{"f.ended_at IS NULL"}
	and := func(predicate string) { where = append(where, predicate) }
	at := func(d time.Duration) string { return a.add(micros(q.At.Add(d))) }
	running := func() string { return "f.running_at > " + at(-domain.RunningFor) }
	const tried = "f.state IN ('retrying', 'needs_attention') AND f.next_due_at"
	switch q.State {
	case "":
		and("f.state <> 'cleared'")
	case domain.FailureResolved:
		where[0] = "f.ended_at IS NOT NULL"
	case domain.FailureRunning:
		and("f.running_at IS NOT NULL AND " + running())
	case domain.FailureWaiting:
		and("COALESCE(" + running() + ", FALSE) = FALSE AND " + tried + " <= " + at(0))
	case domain.FailureLimited:
		and("COALESCE(" + running() + ", FALSE) = FALSE AND f.state = 'retrying' AND f.next_due_at > " + at(0) + " AND " + q.inClass(a, domain.RateLimited))
	default:
		and("f.state = " + a.add(string(q.State)))
	}
	if q.Fingerprint != "" {
		and("f.fingerprint = " + a.add(q.Fingerprint))
	}
	if q.Class != "" {
		and(q.inClass(a, q.Class))
	}
	if q.Kind != "" {
		and("f.fingerprint IN (SELECT k.fingerprint FROM failure_causes k WHERE k.kind = " + a.add(string(q.Kind)) + ")")
	}
	if q.CoachID != "" {
		and("f.coach_id = " + a.add(q.CoachID))
	}
	if q.CompetitorID != "" {
		and("f.competitor_id = " + a.add(q.CompetitorID))
	}
	if len(q.IDs) > 0 {
		and("f.failure_id IN (" + listed(a, padded(slices.Clone(q.IDs))) + ")")
	}
	switch q.Age {
	case UnderAnHour:
		and("f.opened_at > " + at(-time.Hour))
	case UnderADay:
		and("f.opened_at <= " + at(-time.Hour) + " AND f.opened_at > " + at(-24*time.Hour))
	case OverADay:
		and("f.opened_at <= " + at(-24*time.Hour))
	}
	if q.Search != "" {
		and(`EXISTS (SELECT 1 FROM competitor_list l JOIN coaches lc ON lc.coach_id = l.coach_id WHERE l.competitor_id = f.competitor_id` +
			wordsIn(a, `(l.search_key || ' ' || lc.sort_key || ' ' || LOWER(f.message))`, q.Search) + `)`)
	}
	return strings.Join(where, " AND ")
}

func (q FailureQuery) inClass(a *args, class domain.FailureClass) string {
	return "f.fingerprint IN (SELECT k.fingerprint FROM failure_causes k WHERE k.class = " + a.add(string(class)) + ")"
}

// failureColumns and failureJoins complete rows of sync_failures (f).
const (
	failureColumns = `f.failure_id, f.fingerprint, ca.kind, ca.class, ca.endpoint, ca.http_status, ca.message, f.message, f.state, f.opened_at, f.last_at,
		f.next_due_at, f.running_at, f.failed_in_a_row, f.ended_at, f.end_reason, f.cleared_at, COALESCE(cu.email, f.cleared_by), f.cleared_reason,
		f.competitor_id, c.first_name, c.last_name, f.coach_id, co.name, c.game_platform_id IS NOT NULL, co.enrolled,
		COALESCE((SELECT i.operation_id FROM operation_items i WHERE i.competitor_id = f.competitor_id AND i.state = 'queued' LIMIT 1), 0)`
	failureJoins = ` JOIN failure_causes ca ON ca.fingerprint = f.fingerprint
		JOIN competitors c ON c.competitor_id = f.competitor_id
		JOIN coaches co ON co.coach_id = f.coach_id
		LEFT JOIN users cu ON cu.user_id = f.cleared_by`
)

func scanFailure(scan func(...any) error) (FailureRow, error) {
	var r FailureRow
	var c domain.Competitor
	err := scan(&r.ID, &r.Print, &r.Kind, &r.Class, &r.Endpoint, &r.Status, &r.Message, &r.Raw, &r.Kept, into(&r.OpenedAt), into(&r.LastAt),
		into(&r.NextDueAt), into(&r.RunningSince), &r.FailedInARow, into(&r.EndedAt), &r.EndReason, into(&r.ClearedAt), &r.ClearedBy, &r.ClearedReason,
		&r.CompetitorID, &c.FirstName, &c.LastName, &r.CoachID, &r.CoachName, &r.OnPlatform, &r.Enrolled, &r.Queued)
	r.CompetitorName, r.ClearedBy = c.Name(), domain.LoginName(r.ClearedBy)
	return r, err
}

// keyset is the order: oldest first, or for those that are over the last one first.
func (q FailureQuery) keyset() keyset {
	if q.State == domain.FailureResolved {
		return keyset{[]string{"f.ended_at", "f.failure_id"}, true}
	}
	return keyset{[]string{"f.opened_at", "f.failure_id"}, false}
}

// FailuresPage lists one page of failures, oldest first, of total that match, which a FailureBoard has. Who may not see whom they
// are about gets a Denied error.
func (sc *Scope) FailuresPage(ctx context.Context, q FailureQuery, p Page, total int) ([]FailureRow, Place, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, Place{}, err
	}
	var list []FailureRow
	var place Place
	whole := cutting{"sync_failures f", "f.failure_id", q.matches, func(*args) string { return "TRUE" }, q.keyset()}
	for _, cursor := range []*string{&p.After, &p.Before} {
		if _, err := strconv.ParseInt(*cursor, 10, 64); *cursor != "" && err != nil {
			return nil, Place{}, errLostRow()
		}
	}
	err := sc.s.db.view(ctx, func(tx conn) error {
		counted, err := whole.countUpTo(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		cut := whole.page(&a, p)
		rows, err := tx.query(ctx, "SELECT "+failureColumns+" FROM (SELECT f.* FROM "+cut+") f"+failureJoins+" WHERE "+sc.visible(&a)+" ORDER BY "+whole.keyset.order(p), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			r, err := scanFailure(rows.Scan)
			list = append(list, r)
			return err
		})
		place = p.place(counted, len(list), total)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, wrap(err, "list failures")
}

// EachFailure calls fn for every failure that matches, oldest first, reading as it goes. Who may not see whom they are about gets
// a Denied error.
func (sc *Scope) EachFailure(ctx context.Context, q FailureQuery, fn func(FailureRow) error) error {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return err
	}
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+failureColumns+" FROM sync_failures f"+failureJoins+
		" WHERE "+q.matches(&a)+" AND "+sc.visible(&a)+" ORDER BY "+q.keyset().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read failures: %w", err)
	}
	err = each(rows, func() error {
		r, err := scanFailure(rows.Scan)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read failures")
}

// Failure reads one failure, open or over. Who may not see whom it is about gets a Denied error; one that is not there is a
// NoSuch error.
func (sc *Scope) Failure(ctx context.Context, id int64) (FailureRow, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return FailureRow{}, err
	}
	r, err := sc.failure(ctx, sc.s.db.reader(), id)
	return r, wrap(err, "read failure")
}

func (sc *Scope) failure(ctx context.Context, tx conn, id int64) (FailureRow, error) {
	var a args
	r, err := scanFailure(tx.row(ctx, "SELECT "+failureColumns+" FROM sync_failures f"+failureJoins+
		" WHERE "+sc.visible(&a)+" AND f.failure_id = "+a.add(id), a...).Scan)
	return r, noSuch(err, "failure")
}
