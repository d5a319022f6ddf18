package store

import (
	"context"
	"time"

	"flagpole/internal/domain"
)

// atOnce bounds how many attempts one transaction rolls up or deletes, so that syncs can write in between.
const atOnce = 5000

// hourSum is a key of the sums by hour.
type hourSum struct {
	hour     int64
	endpoint string
	status   int
	class    string
}

// hourBucket is a key of the latencies by hour.
type hourBucket struct {
	hour     int64
	endpoint string
	bucket   int
}

// rollUp is what a batch of attempts adds to the sums.
type rollUp struct {
	attempts, duration map[hourSum]int64
	buckets            map[hourBucket]int64
	last               int64 // the highest attempt_id
	read               int
}

// RollUpAttempts adds all attempts that are not in the sums by hour yet, and returns how many. It may be called by several
// processes at once: each attempt is added once.
func (sys *System) RollUpAttempts(ctx context.Context) (all int64, err error) {
	var cursor, last int64
	err = sys.s.db.reader().row(ctx, `SELECT attempt_id, (SELECT COALESCE(MAX(attempt_id), 0) FROM sync_attempts) FROM sync_roll_up`).Scan(&cursor, &last)
	if err != nil || cursor == last { // mostly nothing is new, and nothing need be locked
		return 0, wrap(err, "look for attempts")
	}
	for {
		var n int
		err := sys.s.db.update(ctx, func(tx conn) (err error) {
			n, err = sys.rollUpSome(ctx, tx)
			return err
		})
		all += int64(n)
		if err != nil || n < atOnce {
			return all, wrap(err, "roll up attempts")
		}
	}
}

// rollUpSome adds one batch. The cursor is locked first, so that no other process adds the same.
func (sys *System) rollUpSome(ctx context.Context, tx conn) (int, error) {
	cursor, err := lockRollUp(ctx, tx)
	if err != nil {
		return 0, err
	}
	// Ids are handed out before they are committed: a smaller one than those that can be seen may still come, unless those
	// who write are waited for.
	if sys.s.db.kind == "postgres" {
		if _, err := tx.exec(ctx, `LOCK TABLE sync_attempts IN SHARE MODE`); err != nil {
			return 0, err
		}
	}
	sum, err := readAttempts(ctx, tx, cursor)
	if err != nil {
		return 0, err
	}
	if sum.read == 0 { // the last rows were deleted by hand
		return 0, cursorBack(ctx, tx)
	}
	if err := sum.write(ctx, tx); err != nil {
		return 0, err
	}
	_, err = tx.exec(ctx, `UPDATE sync_roll_up SET attempt_id = $1`, sum.last)
	return sum.read, err
}

// lockRollUp gives the id of the last attempt in the sums, and has it alone until the transaction ends.
func lockRollUp(ctx context.Context, tx conn) (cursor int64, err error) {
	err = tx.row(ctx, `UPDATE sync_roll_up SET attempt_id = attempt_id RETURNING attempt_id`).Scan(&cursor)
	return cursor, err
}

func readAttempts(ctx context.Context, tx conn, after int64) (rollUp, error) {
	sum := rollUp{attempts: map[hourSum]int64{}, duration: map[hourSum]int64{}, buckets: map[hourBucket]int64{}}
	rows, err := tx.query(ctx, `
		SELECT attempt_id, started_at / 3600000000 * 3600000000, endpoint, http_status, error_class, duration_us
		FROM sync_attempts WHERE attempt_id > $1 ORDER BY attempt_id LIMIT $2`, after, atOnce)
	if err != nil {
		return sum, err
	}
	err = each(rows, func() error {
		var k hourSum
		var took int64
		if err := rows.Scan(&sum.last, &k.hour, &k.endpoint, &k.status, &k.class, &took); err != nil {
			return err
		}
		sum.read++
		sum.attempts[k]++
		sum.duration[k] += took
		sum.buckets[hourBucket{k.hour, k.endpoint, domain.LatencyBucket(time.Duration(took) * time.Microsecond)}]++
		return nil
	})
	return sum, err
}

func (r rollUp) write(ctx context.Context, tx conn) error {
	var sums, buckets [][]any
	for k, n := range r.attempts {
		sums = append(sums, []any{k.hour, k.endpoint, k.status, k.class, n, r.duration[k]})
	}
	for k, n := range r.buckets {
		buckets = append(buckets, []any{k.hour, k.endpoint, k.bucket, n})
	}
	err := inBatches(ctx, tx, sums, func(values string) string {
		return `
			INSERT INTO sync_attempt_sums AS s (hour_at, endpoint, http_status, error_class, attempts, duration_us) VALUES ` + values + `
			ON CONFLICT (hour_at, endpoint, http_status, error_class) DO UPDATE SET
				attempts = s.attempts + excluded.attempts, duration_us = s.duration_us + excluded.duration_us`
	})
	if err != nil {
		return wrap(err, "sums")
	}
	return wrap(inBatches(ctx, tx, buckets, func(values string) string {
		return `
			INSERT INTO sync_latency_hours AS s (hour_at, endpoint, bucket, attempts) VALUES ` + values + `
			ON CONFLICT (hour_at, endpoint, bucket) DO UPDATE SET attempts = s.attempts + excluded.attempts`
	}), "latencies")
}

// PruneAttempts deletes attempts that succeeded before good and those that failed before bad; what stays of them are the sums
// by hour. What is not in the sums yet is added first.
func (sys *System) PruneAttempts(ctx context.Context, good, bad time.Time) (int64, error) {
	if _, err := sys.RollUpAttempts(ctx); err != nil {
		return 0, err
	}
	var all int64
	for {
		var n int64
		err := sys.s.db.update(ctx, func(tx conn) (err error) {
			n, err = pruneSome(ctx, tx, micros(good), micros(bad))
			return err
		})
		all += n
		if err != nil || n == 0 {
			return all, wrap(err, "prune attempts")
		}
	}
}

// cursorBack is called after attempts in the sums were deleted: SQLite hands out the ids of deleted last rows again, so the
// cursor goes back to the last row that is left.
func cursorBack(ctx context.Context, tx conn) error {
	_, err := tx.exec(ctx, `
		UPDATE sync_roll_up SET attempt_id = (SELECT COALESCE(MAX(a.attempt_id), 0) FROM sync_attempts a WHERE a.attempt_id <= sync_roll_up.attempt_id)`)
	return err
}

// pruneSome deletes a batch of what is in the sums.
func pruneSome(ctx context.Context, tx conn, good, bad int64) (int64, error) {
	cursor, err := lockRollUp(ctx, tx)
	if err != nil {
		return 0, err
	}
	n, err := tx.exec(ctx, `
		DELETE FROM sync_attempts WHERE attempt_id IN (
			SELECT attempt_id FROM sync_attempts
			WHERE started_at < $1 AND (error_class = '' OR started_at < $2) AND attempt_id <= $3 ORDER BY attempt_id LIMIT $4)`,
		good, bad, cursor, atOnce)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, cursorBack(ctx, tx)
}
