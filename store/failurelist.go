package store

import (
	"context"
	"database/sql"
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

// FailedCause is a cause with the failures that a query wants.
type FailedCause struct {
	domain.Cause
	Print                                     string // its fingerprint
	Competitors, Coaches                      int
	Retrying, NeedAttention, Blocked, Cleared int // of the competitors
	FirstAt, LastAt                           time.Time
	Hours                                     []int // how many began in each of the last 24 hours, of all coaches, oldest first
}

// FailureBoard is all failures in counts: it names nobody.
type FailureBoard struct {
	Causes []FailedCause // what the query wants, the most competitors first

	// Of all that are open, whatever the query wants; Open leaves out the cleared ones.
	Open, Coaches, Retrying, NeedAttention, Blocked, Cleared int
	LackEmail                                                int // of the open ones; no sync of theirs fails
}

// Matching counts what the query wants.
func (b FailureBoard) Matching() (n int) {
	for _, c := range b.Causes {
		n += c.Competitors
	}
	return n
}

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

// FailureBoard reads causes and counts. Those who may not see it get the zero board; who may not see whom a failure is about gets
// no messages, and cannot search or choose by competitor, which is a Denied error.
func (sc *Scope) FailureBoard(ctx context.Context, q FailureQuery) (FailureBoard, error) {
	var b FailureBoard
	if !sc.seesSync() {
		return b, nil
	}
	if q.Search != "" || q.CompetitorID != "" || len(q.IDs) > 0 {
		if err := sc.viewer.Require(domain.MayView); err != nil {
			return b, err
		}
	}
	err := sc.s.db.view(ctx, func(tx conn) error {
		if err := b.readTotals(ctx, tx); err != nil {
			return err
		}
		read := b.readCauses
		if q.summed() {
			read = b.readSums
		}
		if err := read(ctx, tx, q); err != nil {
			return err
		}
		return b.readHours(ctx, tx, q.At)
	})
	if !sc.viewer.May(domain.MayView) { // the platform may name somebody
		for i := range b.Causes {
			if b.Causes[i].Kind == domain.KindFailure {
				b.Causes[i].Message = ""
			}
		}
	}
	return b, wrap(err, "read failures")
}

// summed reports whether the sums that are kept answer the query.
func (q FailureQuery) summed() bool {
	switch q.State {
	case "", domain.FailureRetrying, domain.FailureAttention, domain.FailureBlocked, domain.FailureCleared:
		return q.Age == "" && q.Search == "" && q.CompetitorID == "" && len(q.IDs) == 0
	}
	return false
}

func (b *FailureBoard) readTotals(ctx context.Context, tx conn) error {
	lacking := domain.Cause{Class: domain.MissingEmail}.Fingerprint()
	rows, err := tx.query(ctx, `
		SELECT fingerprint, state, competitors, coaches FROM failure_sums
		WHERE coach_id = '' AND (fingerprint = '' OR fingerprint = $1 AND state = 'open')`, lacking)
	if err != nil {
		return err
	}
	err = each(rows, func() error {
		var print, state string
		var competitors, coaches int
		err := rows.Scan(&print, &state, &competitors, &coaches)
		if print == lacking {
			b.LackEmail = competitors
			return err
		}
		switch state {
		case openSum:
			b.Open, b.Coaches = competitors, coaches
		case string(domain.FailureRetrying):
			b.Retrying = competitors
		case string(domain.FailureAttention):
			b.NeedAttention = competitors
		case string(domain.FailureBlocked):
			b.Blocked = competitors
		case string(domain.FailureCleared):
			b.Cleared = competitors
		}
		return err
	})
	return err
}

const causeColumns = `ca.fingerprint, ca.kind, ca.class, ca.endpoint, ca.http_status, ca.message`

func (c *FailedCause) columns() []any {
	return []any{&c.Print, &c.Kind, &c.Class, &c.Endpoint, &c.Status, &c.Message}
}

// readSums goes through the causes, not through the failures.
func (b *FailureBoard) readSums(ctx context.Context, tx conn, q FailureQuery) error {
	state := openSum
	if q.State != "" {
		state = string(q.State)
	}
	var a args
	coach := a.add(q.CoachID)
	is := "f.ended_at IS NULL AND f.fingerprint = ca.fingerprint"
	if q.CoachID != "" {
		is += " AND f.coach_id = " + coach
	}
	if q.State != "" {
		is += " AND f.state = " + a.add(state)
	} else {
		is += " AND f.state <> 'cleared'"
	}
	sum := func(state domain.FailureState) string {
		if q.State != "" && q.State != state || q.State == "" && state == domain.FailureCleared {
			return "0"
		}
		return `COALESCE((SELECT k.competitors FROM failure_sums k WHERE k.coach_id = s.coach_id AND k.fingerprint = s.fingerprint AND k.state = ` + a.add(string(state)) + `), 0)`
	}
	rows, err := tx.query(ctx, `
		SELECT `+causeColumns+`, s.competitors, CASE WHEN s.coach_id = '' THEN s.coaches ELSE 1 END,
			`+sum(domain.FailureRetrying)+`, `+sum(domain.FailureAttention)+`, `+sum(domain.FailureBlocked)+`, `+sum(domain.FailureCleared)+`,
			(SELECT f.opened_at FROM sync_failures f WHERE `+is+` ORDER BY f.opened_at LIMIT 1),
			(SELECT f.last_at FROM sync_failures f WHERE `+is+` ORDER BY f.last_at DESC LIMIT 1)
		FROM failure_sums s JOIN failure_causes ca ON ca.fingerprint = s.fingerprint
		WHERE s.coach_id = `+coach+` AND s.state = `+a.add(state)+q.ofCauses(&a)+`
		ORDER BY s.competitors DESC, ca.fingerprint`, a...)
	if err != nil {
		return err
	}
	return b.collect(rows)
}

// ofCauses is the end of a predicate: what the query says of causes (ca).
func (q FailureQuery) ofCauses(a *args) string {
	where := ""
	for _, is := range []struct{ column, value string }{{"fingerprint", q.Fingerprint}, {"class", string(q.Class)}, {"kind", string(q.Kind)}} {
		if is.value != "" {
			where += " AND ca." + is.column + " = " + a.add(is.value)
		}
	}
	return where
}

// readCauses goes through the failures that the query wants. The last try of each cause is looked up by itself, so that an age
// is counted in an index, cause by cause: SQLite takes CROSS JOIN for the order of its loops.
func (b *FailureBoard) readCauses(ctx context.Context, tx conn, q FailureQuery) error {
	var a args
	state := func(state domain.FailureState) string {
		return `COUNT(*) FILTER (WHERE f.state = '` + string(state) + `')`
	}
	rows, err := tx.query(ctx, `
		SELECT `+causeColumns+`, g.competitors, g.coaches, g.retrying, g.attention, g.blocked, g.cleared, g.first_at,
			(SELECT f.last_at FROM sync_failures f WHERE f.fingerprint = g.fingerprint AND `+q.matches(&a)+` ORDER BY f.last_at DESC LIMIT 1)
		FROM (
			SELECT f.fingerprint, COUNT(*) AS competitors, COUNT(DISTINCT f.coach_id) AS coaches,
				`+state(domain.FailureRetrying)+` AS retrying, `+state(domain.FailureAttention)+` AS attention,
				`+state(domain.FailureBlocked)+` AS blocked, `+state(domain.FailureCleared)+` AS cleared, MIN(f.opened_at) AS first_at
			FROM failure_causes o CROSS JOIN sync_failures f WHERE f.fingerprint = o.fingerprint AND `+q.matches(&a)+` GROUP BY f.fingerprint) g
		JOIN failure_causes ca ON ca.fingerprint = g.fingerprint
		ORDER BY g.competitors DESC, ca.fingerprint`, a...)
	if err != nil {
		return err
	}
	return b.collect(rows)
}

func (b *FailureBoard) collect(rows *sql.Rows) error {
	return each(rows, func() error {
		var c FailedCause
		err := rows.Scan(append(c.columns(), &c.Competitors, &c.Coaches, &c.Retrying, &c.NeedAttention, &c.Blocked, &c.Cleared, into(&c.FirstAt), into(&c.LastAt))...)
		b.Causes = append(b.Causes, c)
		return err
	})
}

const failureHours = 24

func (b *FailureBoard) readHours(ctx context.Context, tx conn, now time.Time) error {
	first := now.UTC().Truncate(time.Hour).Add((1 - failureHours) * time.Hour)
	of := map[string]int{}
	for i := range b.Causes {
		b.Causes[i].Hours = make([]int, failureHours)
		of[b.Causes[i].Print] = i
	}
	rows, err := tx.query(ctx, `
		SELECT h.fingerprint, h.hour_at, h.failures FROM failure_causes ca JOIN failure_hours h ON h.fingerprint = ca.fingerprint AND h.hour_at >= $1`, micros(first))
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var print string
		var at time.Time
		var n int
		if err := rows.Scan(&print, into(&at), &n); err != nil {
			return err
		}
		hour := int(at.Sub(first) / time.Hour)
		if i, there := of[print]; there && hour < failureHours {
			b.Causes[i].Hours[hour] = n
		}
		return nil
	})
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
		var in []string
		for _, id := range padded(slices.Clone(q.IDs)) {
			in = append(in, a.add(id))
		}
		and("f.failure_id IN (" + strings.Join(in, ", ") + ")")
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

// AttemptRow is one call that a sync of a competitor made.
type AttemptRow struct {
	ID int64
	Attempt
}

// FailureAttempts lists the stored attempts of the competitor that a failure is about, whatever came of them, newest first: those
// before the one given, 0 for the newest. more says that there are older ones. Who may not see them gets a Denied error.
func (sc *Scope) FailureAttempts(ctx context.Context, failureID, before int64, limit int) (list []AttemptRow, more bool, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, false, err
	}
	var a args
	older := ""
	if before > 0 {
		older = " AND (t.started_at, t.attempt_id) < (SELECT b.started_at, b.attempt_id FROM sync_attempts b WHERE b.attempt_id = " + a.add(before) + ")"
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT t.attempt_id, t.endpoint, t.started_at, t.duration_us, t.http_status, t.error_class, t.error_message
		FROM sync_failures f JOIN competitors c ON c.competitor_id = f.competitor_id JOIN sync_attempts t ON t.syned_user_id = c.game_platform_id
		WHERE f.failure_id = `+a.add(failureID)+` AND `+sc.visible(&a)+older+`
		ORDER BY t.started_at DESC, t.attempt_id DESC LIMIT `+a.add(limit+1), a...)
	if err != nil {
		return nil, false, fmt.Errorf("list attempts: %w", err)
	}
	err = each(rows, func() error {
		var t AttemptRow
		var took int64
		err := rows.Scan(&t.ID, &t.Endpoint, into(&t.StartedAt), &took, &t.Status, &t.Class, &t.Message)
		t.Took = time.Duration(took) * time.Microsecond
		list = append(list, t)
		return err
	})
	if len(list) > limit {
		return list[:limit], true, wrap(err, "list attempts")
	}
	return list, false, wrap(err, "list attempts")
}

// EarlierFailures lists the other failures of the competitor that a failure is about, newest first. Who may not see them gets a
// Denied error.
func (sc *Scope) EarlierFailures(ctx context.Context, failureID int64, limit int) ([]FailureRow, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+failureColumns+" FROM sync_failures f"+failureJoins+`
		WHERE f.competitor_id = (SELECT o.competitor_id FROM sync_failures o WHERE o.failure_id = `+a.add(failureID)+`)
			AND f.failure_id <> `+a.add(failureID)+` AND `+sc.visible(&a)+` ORDER BY f.failure_id DESC LIMIT `+a.add(limit), a...)
	if err != nil {
		return nil, fmt.Errorf("list failures: %w", err)
	}
	var list []FailureRow
	err = each(rows, func() error {
		r, err := scanFailure(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, wrap(err, "list failures")
}
