package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"flagpole/internal/domain"
)

// Connection is how the process that calls the platform last saw the connection with it.
type Connection struct {
	SeenAt         time.Time // zero: no process has called it yet
	State          string    // open, paused, breaker_open or token_refused
	Until          time.Time // when the next probe may be sent; zero while open
	Rate           float64   // calls per second now
	ConfiguredRate float64
	Token          TokenUse
}

// TokenUse is what is known of a token. What it is, is not stored.
type TokenUse struct {
	Fingerprint string // the first 12 hex digits of its SHA-256; "": none was used yet
	Source      string // the variable it came from
	FirstAt     time.Time
	AcceptedAt  time.Time // zero: never
	RefusedAt   time.Time // zero: never
}

// Wait is a time in which calls of the platform were held back.
type Wait struct {
	State   string
	BeganAt time.Time
	Until   time.Time // as it was planned
	EndedAt time.Time // zero: it goes on, or its process ended
}

// FieldSeen is a field of the platform's answers that differs from its description.
type FieldSeen struct {
	Field, Fault    string // Fault: unknown or missing
	FirstAt, LastAt time.Time
	Times           int64
}

// ConnectionNews is what a process has learned of the connection since it last said.
type ConnectionNews struct {
	Connection
	Accepted, Refused time.Time // when the token was last taken or not; zero: not since
	Waits             []Wait    // begun or changed
	Fields            []FieldSeen
}

// NoteConnection stores what a process has learned of the connection.
func (sys *System) NoteConnection(ctx context.Context, n ConnectionNews) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			INSERT INTO platform_connection (only_one, seen_at, state, until_at, rate, configured_rate, fingerprint) VALUES (1, $1, $2, $3, $4, $5, $6)
			ON CONFLICT (only_one) DO UPDATE SET seen_at = excluded.seen_at, state = excluded.state, until_at = excluded.until_at, rate = excluded.rate,
				configured_rate = excluded.configured_rate, fingerprint = excluded.fingerprint`,
			micros(n.SeenAt), n.State, nullMicros(n.Until), thousandths(n.Rate), thousandths(n.ConfiguredRate), n.Token.Fingerprint)
		if err != nil {
			return err
		}
		if err := noteToken(ctx, tx, n); err != nil {
			return err
		}
		for _, w := range n.Waits {
			if err := noteWait(ctx, tx, w); err != nil {
				return err
			}
		}
		for _, f := range n.Fields {
			_, err := tx.exec(ctx, `
				INSERT INTO platform_fields AS f (field, fault, first_at, last_at, times) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (field, fault) DO UPDATE SET last_at = excluded.last_at, times = f.times + excluded.times`,
				f.Field, f.Fault, micros(f.FirstAt), micros(f.LastAt), f.Times)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return wrap(err, "note the connection")
}

// thousandths is how rates are stored.
func thousandths(rate float64) int64 { return int64(math.Round(1000 * rate)) }

func noteToken(ctx context.Context, tx conn, n ConnectionNews) error {
	if n.Token.Fingerprint == "" {
		return nil
	}
	_, err := tx.exec(ctx, `
		INSERT INTO platform_tokens AS t (fingerprint, source, first_at, accepted_at, refused_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (fingerprint) DO UPDATE SET source = excluded.source,
			accepted_at = COALESCE(excluded.accepted_at, t.accepted_at), refused_at = COALESCE(excluded.refused_at, t.refused_at)`,
		n.Token.Fingerprint, n.Token.Source, micros(n.SeenAt), nullMicros(n.Accepted), nullMicros(n.Refused))
	return err
}

// noteWait stores a wait, or how it went on: a wait is known by its beginning.
func noteWait(ctx context.Context, tx conn, w Wait) error {
	n, err := tx.exec(ctx, `UPDATE platform_waits SET until_at = $3, ended_at = $4 WHERE began_at = $1 AND state = $2`,
		micros(w.BeganAt), w.State, micros(w.Until), nullMicros(w.EndedAt))
	if err != nil || n > 0 {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO platform_waits (state, began_at, until_at, ended_at) VALUES ($1, $2, $3, $4)`,
		w.State, micros(w.BeganAt), micros(w.Until), nullMicros(w.EndedAt))
	return err
}

// ConnectionTest is a try of the connection that somebody asked for.
type ConnectionTest struct {
	ID         int64
	AskedAt    time.Time
	FinishedAt time.Time     // zero: it is under way, or waits
	Answer     time.Duration // of the platform's index
	Skew       *time.Duration
	Reachable  string // "": it is; else why not, what to do, and who does it
	Token      string // "": it is taken; else why not
}

// NextTest takes up the test that has waited the longest, and forgets those that a dead process took up; false where there is
// none.
func (sys *System) NextTest(ctx context.Context) (id int64, found bool, err error) {
	now := sys.s.clock()
	const open = `finished_at IS NULL AND (began_at IS NULL OR began_at <= $1)`
	dead := micros(now.Add(-claimedFor))
	var some bool
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1 FROM platform_checks WHERE `+open+`)`, dead).Scan(&some)
	if err != nil || !some {
		return 0, false, wrap(err, "look for connection tests")
	}
	err = sys.s.db.update(ctx, func(tx conn) error {
		return tx.row(ctx, `
			UPDATE platform_checks SET began_at = $2 WHERE `+open+`
				AND check_id = (SELECT MIN(check_id) FROM platform_checks WHERE `+open+`) RETURNING check_id`, dead, micros(now)).Scan(&id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return id, err == nil, wrap(err, "take up a connection test")
}

// FinishTest stores what a test found.
func (sys *System) FinishTest(ctx context.Context, t ConnectionTest) error {
	var skew any
	if t.Skew != nil {
		skew = t.Skew.Microseconds()
	}
	return sys.write(ctx, "finish a connection test", `
		UPDATE platform_checks SET finished_at = $2, answer_us = $3, skew_us = $4, reachable = $5, token = $6 WHERE check_id = $1`,
		t.ID, sys.s.now(), t.Answer.Microseconds(), skew, t.Reachable, t.Token)
}

// AskTest asks for a test of the connection; one that waits already serves for both.
func (sys *System) AskTest(ctx context.Context, by string) error {
	err := sys.s.db.update(ctx, func(tx conn) error { return askTest(ctx, tx, sys.s.now(), by) })
	return wrap(err, "ask for a connection test")
}

func askTest(ctx context.Context, tx conn, now int64, by string) error {
	if err := tx.alone(ctx, "connection tests"); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		INSERT INTO platform_checks (asked_at, asked_by)
		SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT) WHERE NOT EXISTS (SELECT 1 FROM platform_checks WHERE finished_at IS NULL)`, now, by)
	return err
}

// TestConnection asks for a test of the connection.
func (sc *Scope) TestConnection(ctx context.Context) error {
	if err := sc.viewer.Require(domain.MayAlert); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		if err := askTest(ctx, tx, sc.s.now(), sc.viewer.UserID); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "connection.test", "", "")
	})
	return wrap(err, "ask for a connection test")
}

// CallsOfHour are the calls of one hour of UTC, by what became of them.
type CallsOfHour struct {
	At                            time.Time
	Calls, Limited, Failed, Wrong int64 // Limited: status 429; Failed: 5xx, no answer in time, unreachable; Wrong: all others that were not answered well
}

// ConnectionPage is all that there is to show of the connection.
type ConnectionPage struct {
	Connection
	Tokens []TokenUse       // every token ever used, the newest first
	Tests  []ConnectionTest // the latest, newest first
	Waits  []Wait           // of the last 7 days, newest first, 50 at most
	Fields []FieldSeen
	Hours  []CallsOfHour // since the time given, oldest first; hours without a call are missing
}

// Connection reads how the connection is, with the calls since a time. Those who may not see it get the zero ConnectionPage.
func (sc *Scope) Connection(ctx context.Context, now, since time.Time) (p ConnectionPage, err error) {
	if !sc.viewer.May(domain.MayAlert) {
		return p, nil
	}
	err = sc.s.db.view(ctx, func(tx conn) error {
		for _, read := range []func() error{
			func() (err error) { p.Connection, err = readConnection(ctx, tx); return err },
			func() (err error) { p.Tokens, err = readTokens(ctx, tx); return err },
			func() (err error) { p.Tests, err = readTests(ctx, tx); return err },
			func() (err error) { p.Waits, err = readWaits(ctx, tx, now.Add(-7*24*time.Hour)); return err },
			func() (err error) { p.Fields, err = readFields(ctx, tx); return err },
			func() (err error) { p.Hours, err = readCallsByHour(ctx, tx, since); return err },
		} {
			if err := read(); err != nil {
				return err
			}
		}
		return nil
	})
	for _, t := range p.Tokens {
		if t.Fingerprint == p.Token.Fingerprint {
			p.Token = t
		}
	}
	return p, wrap(err, "read the connection")
}

func readConnection(ctx context.Context, tx conn) (c Connection, err error) {
	var rate, configured int64
	err = tx.row(ctx, `SELECT seen_at, state, until_at, rate, configured_rate, fingerprint FROM platform_connection`).
		Scan(into(&c.SeenAt), &c.State, into(&c.Until), &rate, &configured, &c.Token.Fingerprint)
	c.Rate, c.ConfiguredRate = float64(rate)/1000, float64(configured)/1000
	if errors.Is(err, sql.ErrNoRows) {
		return Connection{}, nil
	}
	return c, err
}

func readTokens(ctx context.Context, tx conn) (list []TokenUse, err error) {
	rows, err := tx.query(ctx, `SELECT fingerprint, source, first_at, accepted_at, refused_at FROM platform_tokens ORDER BY first_at DESC, fingerprint LIMIT 20`)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var t TokenUse
		err := rows.Scan(&t.Fingerprint, &t.Source, into(&t.FirstAt), into(&t.AcceptedAt), into(&t.RefusedAt))
		list = append(list, t)
		return err
	})
	return list, err
}

func readTests(ctx context.Context, tx conn) (list []ConnectionTest, err error) {
	rows, err := tx.query(ctx, `SELECT check_id, asked_at, finished_at, answer_us, skew_us, reachable, token FROM platform_checks ORDER BY check_id DESC LIMIT 10`)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var t ConnectionTest
		var took int64
		var skew sql.NullInt64
		err := rows.Scan(&t.ID, into(&t.AskedAt), into(&t.FinishedAt), &took, &skew, &t.Reachable, &t.Token)
		t.Answer = time.Duration(took) * time.Microsecond
		if skew.Valid {
			d := time.Duration(skew.Int64) * time.Microsecond
			t.Skew = &d
		}
		list = append(list, t)
		return err
	})
	return list, err
}

func readWaits(ctx context.Context, tx conn, since time.Time) (list []Wait, err error) {
	rows, err := tx.query(ctx, `SELECT state, began_at, until_at, ended_at FROM platform_waits WHERE began_at >= $1 ORDER BY began_at DESC, wait_id DESC LIMIT 50`, micros(since))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var w Wait
		err := rows.Scan(&w.State, into(&w.BeganAt), into(&w.Until), into(&w.EndedAt))
		list = append(list, w)
		return err
	})
	return list, err
}

func readFields(ctx context.Context, tx conn) (list []FieldSeen, err error) {
	rows, err := tx.query(ctx, `SELECT field, fault, first_at, last_at, times FROM platform_fields ORDER BY last_at DESC, field, fault LIMIT 200`)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var f FieldSeen
		err := rows.Scan(&f.Field, &f.Fault, into(&f.FirstAt), into(&f.LastAt), &f.Times)
		list = append(list, f)
		return err
	})
	return list, err
}

func readCallsByHour(ctx context.Context, tx conn, since time.Time) (list []CallsOfHour, err error) {
	rows, err := tx.query(ctx, `
		SELECT hour_at, CAST(SUM(attempts) AS BIGINT), CAST(COALESCE(SUM(attempts) FILTER (WHERE http_status = 429), 0) AS BIGINT),
			CAST(COALESCE(SUM(attempts) FILTER (WHERE error_class IN ('server_error', 'timeout', 'unreachable')), 0) AS BIGINT),
			CAST(COALESCE(SUM(attempts) FILTER (WHERE http_status <> 429 AND error_class NOT IN ('', 'server_error', 'timeout', 'unreachable')), 0) AS BIGINT)
		FROM sync_attempt_sums WHERE hour_at >= $1 GROUP BY hour_at ORDER BY hour_at`, micros(since))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var h CallsOfHour
		err := rows.Scan(into(&h.At), &h.Calls, &h.Limited, &h.Failed, &h.Wrong)
		list = append(list, h)
		return err
	})
	return list, err
}
