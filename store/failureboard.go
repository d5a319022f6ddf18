package store

import (
	"context"
	"database/sql"
	"time"

	"flagpole/internal/domain"
)

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
