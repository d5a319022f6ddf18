package store

import (
	"context"
	"time"

	"flagpole/internal/domain"
)

// SyncHealth is how all syncs are doing, in counts: it names nobody. Hours are those of UTC, oldest first, the running one
// last.
type SyncHealth struct {
	NotOnPlatform, NotEnrolled int // NotEnrolled are on the platform; neither is synced, and no count below holds them

	OnPlatform int // of enrolled coaches, as all that follows
	Synced     int // the last sync succeeded
	Pending    int // never tried
	Blocked    int // wait for the platform or for data that only people have
	Failing    int // the last sync failed
	Coaches    int // with somebody on the platform
	Stale      int // coaches with results older than 24 h
	Fresh      Freshnesses
	Errors     []OpenErrors // most first

	Hours       []HourOfSyncs // HoursShown of them
	Day, Week   SyncSums      // the last 24 and 168 hours by the clock, the running one included
	LastTriedAt time.Time     // a competitor, of any run; zero: never

	TokenRefusedSince time.Time // zero: it is not
	Next              NextSyncs
	Open              []Run // begun or waiting, newest first
}

// SyncSums are syncs by how they went. Dry runs count nowhere.
type SyncSums struct{ Succeeded, Failed, Blocked int }

// Tried are those that either succeeded or failed; what is blocked says nothing about us.
func (n SyncSums) Tried() int { return n.Succeeded + n.Failed }

func (n *SyncSums) add(m SyncSums) {
	n.Succeeded += m.Succeeded
	n.Failed += m.Failed
	n.Blocked += m.Blocked
}

// HourOfSyncs is an hour: the syncs of the runs that began in it, and the calls made in it.
type HourOfSyncs struct {
	At time.Time
	SyncSums
	Calls     map[domain.FailureClass]int64 // "" are those that were answered well
	Latencies domain.Latencies
}

// The hours of a SyncHealth.
const (
	HoursShown  = 24
	hoursSummed = 7 * 24
)

// Freshnesses counts competitors by the time since their last good sync.
type Freshnesses struct{ Under1h, Under4h, Under8h, Under24h, Older, Never int }

// OpenErrors are the competitors whose last sync failed for one class of reasons.
type OpenErrors struct {
	Class                domain.FailureClass
	Competitors, Coaches int
	NeedAttention        int       // competitors who have failed too often for it to pass
	Since                time.Time // the first of them
}

// NextSyncs is what comes next, by the times at which competitors fall due.
type NextSyncs struct {
	DueNow      int       // the never tried included
	OldestDue   time.Time // of those who were tried before; zero: nobody is due
	At          time.Time // the next after now; zero: nobody
	Soon        int       // due within the next quarter hour
	SoonRetries int       // of these, those whose last sync failed
}

// SyncHealth reads how all syncs are doing now, at one moment. It reads sums, never single calls. Those who may not see it get
// the zero SyncHealth.
func (sc *Scope) SyncHealth(ctx context.Context, now time.Time) (SyncHealth, error) {
	var h SyncHealth
	if !sc.seesSync() {
		return h, nil
	}
	hour := now.Truncate(time.Hour)
	for i := range HoursShown {
		h.Hours = append(h.Hours, HourOfSyncs{At: hour.Add(time.Duration(i+1-HoursShown) * time.Hour), Calls: map[domain.FailureClass]int64{}, Latencies: domain.Latencies{}})
	}
	err := sc.s.db.view(ctx, func(tx conn) error {
		for _, read := range []func(context.Context, conn, time.Time) error{
			h.readLeftOut, h.readStates, h.readErrors, h.readRuns, h.readCalls, h.readLatencies, h.readRefusal, h.readNext, h.readOpen,
		} {
			if err := read(ctx, tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	return h, wrap(err, "read sync health")
}

func (h *SyncHealth) readLeftOut(ctx context.Context, tx conn, _ time.Time) error {
	return tx.row(ctx, `
		SELECT CAST(COALESCE(SUM(competitors - on_platform), 0) AS BIGINT),
			CAST(COALESCE(SUM(on_platform) FILTER (WHERE NOT enrolled), 0) AS BIGINT)
		FROM coaches`).Scan(&h.NotOnPlatform, &h.NotEnrolled)
}

// readStates goes through one index from end to end.
func (h *SyncHealth) readStates(ctx context.Context, tx conn, now time.Time) error {
	ago := func(hours int) int64 { return micros(now.Add(-time.Duration(hours) * time.Hour)) }
	rows, err := tx.query(ctx, `
		SELECT c.coach_id, c.state, COUNT(*),
			COUNT(*) FILTER (WHERE c.last_success_at > $1),
			COUNT(*) FILTER (WHERE c.last_success_at <= $1 AND c.last_success_at > $2),
			COUNT(*) FILTER (WHERE c.last_success_at <= $2 AND c.last_success_at > $3),
			COUNT(*) FILTER (WHERE c.last_success_at <= $3 AND c.last_success_at > $4),
			COUNT(*) FILTER (WHERE c.last_success_at <= $4 AND c.last_success_at > 0),
			COUNT(*) FILTER (WHERE c.last_success_at = 0)
		FROM competitor_list c JOIN coaches co ON co.coach_id = c.coach_id
		WHERE co.enrolled GROUP BY c.coach_id, c.state ORDER BY c.coach_id, c.state`, ago(1), ago(4), ago(8), ago(24))
	if err != nil {
		return err
	}
	coaches := map[string]bool{} // whether results are old
	err = each(rows, func() error {
		var coach string
		var state domain.State
		var n int
		var f Freshnesses
		if err := rows.Scan(&coach, &state, &n, &f.Under1h, &f.Under4h, &f.Under8h, &f.Under24h, &f.Older, &f.Never); err != nil {
			return err
		}
		if h.countState(state, n) {
			h.Fresh.add(f)
			coaches[coach] = coaches[coach] || f.Older > 0
		}
		return nil
	})
	h.Coaches = len(coaches)
	for _, old := range coaches {
		if old {
			h.Stale++
		}
	}
	return err
}

// countState counts competitors in a state, and reports whether they are on the platform.
func (h *SyncHealth) countState(state domain.State, n int) bool {
	switch {
	case state == domain.StateEmail || state == domain.StateAccount || state == domain.StateInactive:
		return false
	case state == domain.StateFirstSync:
		h.Pending += n
	case state.Failing():
		h.Failing += n
	case state.Waiting():
		h.Blocked += n
	default:
		h.Synced += n
	}
	h.OnPlatform += n
	return true
}

func (f *Freshnesses) add(g Freshnesses) {
	f.Under1h += g.Under1h
	f.Under4h += g.Under4h
	f.Under8h += g.Under8h
	f.Under24h += g.Under24h
	f.Older += g.Older
	f.Never += g.Never
}

// failingStates are the states for which State.Failing holds.
const failingStates = `('` + string(domain.StateAttention) + `', '` + string(domain.StateRetrying) + `')`

func (h *SyncHealth) readErrors(ctx context.Context, tx conn, _ time.Time) error {
	rows, err := tx.query(ctx, `
		SELECT st.error_class, COUNT(*), COUNT(DISTINCT c.coach_id), COUNT(*) FILTER (WHERE c.state = '`+string(domain.StateAttention)+`'),
			MIN(COALESCE(st.failing_since, st.last_attempt_at))
		FROM competitor_list c
		JOIN coaches co ON co.coach_id = c.coach_id
		JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		WHERE co.enrolled AND c.state IN `+failingStates+`
		GROUP BY st.error_class ORDER BY COUNT(*) DESC, st.error_class`)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var e OpenErrors
		err := rows.Scan(&e.Class, &e.Competitors, &e.Coaches, &e.NeedAttention, into(&e.Since))
		h.Errors = append(h.Errors, e)
		return err
	})
}

// readRuns adds up runs by the hour they began in.
func (h *SyncHealth) readRuns(ctx context.Context, tx conn, now time.Time) error {
	week := now.Truncate(time.Hour).Add((1 - hoursSummed) * time.Hour)
	rows, err := tx.query(ctx, `
		SELECT started_at / 3600000000 * 3600000000, CAST(SUM(changed + unchanged) AS BIGINT), CAST(SUM(failed) AS BIGINT),
			CAST(SUM(blocked) AS BIGINT), MAX(CASE WHEN attempted > 0 THEN heartbeat_at END)
		FROM sync_runs WHERE started_at >= $1 AND NOT dry_run GROUP BY 1 ORDER BY 1`, micros(week))
	if err != nil {
		return err
	}
	err = each(rows, func() error {
		var at, tried time.Time
		var n SyncSums
		if err := rows.Scan(into(&at), &n.Succeeded, &n.Failed, &n.Blocked, into(&tried)); err != nil {
			return err
		}
		h.Week.add(n)
		if hour := h.hour(at); hour != nil {
			h.Day.add(n)
			hour.SyncSums = n
		}
		if tried.After(h.LastTriedAt) {
			h.LastTriedAt = tried
		}
		return nil
	})
	if err != nil || !h.LastTriedAt.IsZero() {
		return err
	}
	return tx.row(ctx, `SELECT MAX(heartbeat_at) FROM sync_runs WHERE attempted > 0 AND NOT dry_run`).Scan(into(&h.LastTriedAt))
}

// hour is the hour that begins at a time, nil where it is not shown.
func (h *SyncHealth) hour(at time.Time) *HourOfSyncs {
	i := int(at.Sub(h.Hours[0].At) / time.Hour)
	if at.Before(h.Hours[0].At) || i >= len(h.Hours) {
		return nil
	}
	return &h.Hours[i]
}

func (h *SyncHealth) readCalls(ctx context.Context, tx conn, _ time.Time) error {
	rows, err := tx.query(ctx, `
		SELECT hour_at, error_class, CAST(SUM(attempts) AS BIGINT) FROM sync_attempt_sums
		WHERE hour_at >= $1 GROUP BY hour_at, error_class ORDER BY hour_at, error_class`, micros(h.Hours[0].At))
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var at time.Time
		var class domain.FailureClass
		var n int64
		err := rows.Scan(into(&at), &class, &n)
		if hour := h.hour(at); hour != nil {
			hour.Calls[class] = n
		}
		return err
	})
}

func (h *SyncHealth) readLatencies(ctx context.Context, tx conn, _ time.Time) error {
	rows, err := tx.query(ctx, `
		SELECT hour_at, bucket, CAST(SUM(attempts) AS BIGINT) FROM sync_latency_hours
		WHERE hour_at >= $1 GROUP BY hour_at, bucket ORDER BY hour_at, bucket`, micros(h.Hours[0].At))
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var at time.Time
		var bucket int
		var n int64
		err := rows.Scan(into(&at), &bucket, &n)
		if hour := h.hour(at); hour != nil {
			hour.Latencies[bucket] += n
		}
		return err
	})
}

// readRefusal finds the first of the newest runs that the platform refused, with none in between that came to anybody.
func (h *SyncHealth) readRefusal(ctx context.Context, tx conn, _ time.Time) error {
	return tx.row(ctx, `
		SELECT MIN(heartbeat_at) FROM sync_runs WHERE stop_reason = 'token_refused' AND NOT dry_run AND started_at > COALESCE((
			SELECT started_at FROM sync_runs WHERE attempted > 0 AND stop_reason <> 'token_refused' AND NOT dry_run
			ORDER BY started_at DESC LIMIT 1), 0)`).
		Scan(into(&h.TokenRefusedSince))
}

func (h *SyncHealth) readNext(ctx context.Context, tx conn, now time.Time) error {
	const due = `
		FROM game_platform_sync_state st
		JOIN competitor_list c ON c.game_platform_id = st.syned_user_id
		JOIN coaches co ON co.coach_id = c.coach_id
		WHERE co.enrolled AND c.state NOT IN ('` + string(domain.StateFirstSync) + `', '` + string(domain.StateInactive) + `') AND `
	n := &h.Next
	err := tx.row(ctx, `
		SELECT COUNT(*) FILTER (WHERE st.next_due_at <= $1), MIN(st.next_due_at) FILTER (WHERE st.next_due_at <= $1 AND st.next_due_at > 0),
			COUNT(*) FILTER (WHERE st.next_due_at > $1), COUNT(*) FILTER (WHERE st.next_due_at > $1 AND c.state IN `+failingStates+`)`+
		due+`st.next_due_at <= $2`, micros(now), micros(now.Add(15*time.Minute))).Scan(&n.DueNow, into(&n.OldestDue), &n.Soon, &n.SoonRetries)
	if err != nil {
		return err
	}
	n.DueNow += h.Pending
	return tx.row(ctx, `SELECT (SELECT st.next_due_at`+due+`st.next_due_at > $1 ORDER BY st.next_due_at LIMIT 1)`, micros(now)).Scan(into(&n.At))
}

func (h *SyncHealth) readOpen(ctx context.Context, tx conn, _ time.Time) error {
	rows, err := tx.query(ctx, `SELECT `+runColumns+` FROM sync_runs WHERE finished_at IS NULL AND NOT dry_run ORDER BY started_at DESC, run_id DESC LIMIT 10`)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		r, err := scanRun(rows.Scan)
		h.Open = append(h.Open, r)
		return err
	})
}
