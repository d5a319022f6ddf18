package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// sums count solves and points by source.
type sums struct{ odl, odlPoints, flash, flashPoints int64 }

// categorySums are a competitor's sums in one category, under one of the platform's spellings of it.
type categorySums struct {
	text string
	sums
}

// totals are a competitor's sums over the stored solves.
type totals struct {
	sums
	lastSolve time.Time
	cursor    time.Time // newest stored ODL solve that is not later than the request
}

// storeStats recomputes the competitor's totals, in all and by category, from the stored rows, and keeps the platform's own
// where this pull has them.
func storeStats(ctx context.Context, tx conn, p Pull) (totals, error) {
	t, byCategory, err := sumUp(ctx, tx, p)
	if err != nil {
		return t, err
	}
	if err := storeCategories(ctx, tx, p.GamePlatformID, byCategory); err != nil {
		return t, err
	}
	var theirSolves, theirPoints, theirsAt any
	if p.ODL != nil && p.ODL.Snapshot && p.ODL.TotalSolves != nil && p.ODL.TotalPoints != nil {
		theirSolves, theirPoints, theirsAt = *p.ODL.TotalSolves, *p.ODL.TotalPoints, micros(p.ODL.RequestedAt)
	}
	_, err = tx.exec(ctx, `
		INSERT INTO game_platform_stats AS s (syned_user_id, odl_solves, odl_points, flash_solves, flash_points, last_solve_at,
			platform_odl_solves, platform_odl_points, platform_totals_at, computed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (syned_user_id) DO UPDATE SET
			odl_solves = excluded.odl_solves, odl_points = excluded.odl_points,
			flash_solves = excluded.flash_solves, flash_points = excluded.flash_points, last_solve_at = excluded.last_solve_at,
			platform_odl_solves = COALESCE(excluded.platform_odl_solves, s.platform_odl_solves),
			platform_odl_points = COALESCE(excluded.platform_odl_points, s.platform_odl_points),
			platform_totals_at = COALESCE(excluded.platform_totals_at, s.platform_totals_at),
			computed_at = excluded.computed_at`,
		p.GamePlatformID, t.odl, t.odlPoints, t.flash, t.flashPoints, nullMicros(t.lastSolve),
		theirSolves, theirPoints, theirsAt, micros(p.At))
	return t, wrap(err, "totals")
}

// sumUp adds up the stored solves by category; the totals are the sums of these.
func sumUp(ctx context.Context, tx conn, p Pull) (totals, map[string]categorySums, error) {
	cursorLimit := int64(0)
	if p.ODL != nil {
		cursorLimit = micros(p.ODL.RequestedAt)
	}
	rows, err := tx.query(ctx, `
		SELECT category_key, MIN(challenge_category),
			COUNT(*) FILTER (WHERE source = 'odl'), CAST(COALESCE(SUM(challenge_points) FILTER (WHERE source = 'odl'), 0) AS BIGINT),
			COUNT(*) FILTER (WHERE source = 'flash'), CAST(COALESCE(SUM(challenge_points) FILTER (WHERE source = 'flash'), 0) AS BIGINT),
			MAX(solved_at), MAX(solved_at) FILTER (WHERE source = 'odl' AND solved_at <= $2)
		FROM game_platform_challenge_solves WHERE syned_user_id = $1
		GROUP BY category_key`, p.GamePlatformID, cursorLimit)
	var t totals
	byCategory := map[string]categorySums{}
	if err != nil {
		return t, nil, fmt.Errorf("sum up: %w", err)
	}
	err = each(rows, func() error {
		var key string
		var c categorySums
		var last, cursor time.Time
		if err := rows.Scan(&key, &c.text, &c.odl, &c.odlPoints, &c.flash, &c.flashPoints, into(&last), into(&cursor)); err != nil {
			return err
		}
		byCategory[key] = c
		t.odl, t.odlPoints = t.odl+c.odl, t.odlPoints+c.odlPoints
		t.flash, t.flashPoints = t.flash+c.flash, t.flashPoints+c.flashPoints
		t.lastSolve, t.cursor = later(t.lastSolve, last), later(t.cursor, cursor)
		return nil
	})
	return t, byCategory, wrap(err, "sum up")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// storeCategories writes the sums by category that differ from the stored ones.
func storeCategories(ctx context.Context, tx conn, id string, now map[string]categorySums) error {
	rows, err := tx.query(ctx, `
		SELECT category_key, category_text, odl_solves, odl_points, flash_solves, flash_points
		FROM game_platform_category_stats WHERE syned_user_id = $1`, id)
	if err != nil {
		return fmt.Errorf("read category sums: %w", err)
	}
	stale := map[string]categorySums{}
	err = each(rows, func() error {
		var key string
		var c categorySums
		err := rows.Scan(&key, &c.text, &c.odl, &c.odlPoints, &c.flash, &c.flashPoints)
		stale[key] = c
		return err
	})
	if err != nil {
		return fmt.Errorf("read category sums: %w", err)
	}
	var write [][]any
	for key, c := range now {
		if old, ok := stale[key]; !ok || old != c {
			write = append(write, []any{id, key, c.text, c.odl, c.odlPoints, c.flash, c.flashPoints})
		}
		delete(stale, key)
	}
	for key := range stale {
		if _, err := tx.exec(ctx, `
			DELETE FROM game_platform_category_stats WHERE syned_user_id = $1 AND category_key = $2`, id, key); err != nil {
			return fmt.Errorf("delete category sums: %w", err)
		}
	}
	err = inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO game_platform_category_stats
				(syned_user_id, category_key, category_text, odl_solves, odl_points, flash_solves, flash_points)
			VALUES ` + values + `
			ON CONFLICT (syned_user_id, category_key) DO UPDATE SET category_text = excluded.category_text,
				odl_solves = excluded.odl_solves, odl_points = excluded.odl_points,
				flash_solves = excluded.flash_solves, flash_points = excluded.flash_points`
	})
	return wrap(err, "write category sums")
}

// storeChallenges keeps which ODL challenges there are, as they were last reported. It goes through them in the order of
// their ids: syncs that meet the same new ones in another order would wait for each other for ever.
func storeChallenges(ctx context.Context, tx conn, solves []domain.Solve) error {
	last := map[int64]domain.Solve{}
	for _, s := range solves {
		if s.Source == domain.SourceODL {
			last[s.ChallengeID] = s
		}
	}
	if len(last) == 0 {
		return nil
	}
	if err := dropKnownChallenges(ctx, tx, last); err != nil {
		return err
	}
	var write [][]any
	for _, id := range sortedKeys(last) {
		s := last[id]
		write = append(write, []any{id, s.Title, s.Category, domain.CategoryOf(s.Category).Key, s.Points, s.Retired})
	}
	err := inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO game_platform_challenges
				(challenge_id, challenge_title, challenge_category, category_key, challenge_points, challenge_retired)
			VALUES ` + values + `
			ON CONFLICT (challenge_id) DO UPDATE SET challenge_title = excluded.challenge_title,
				challenge_category = excluded.challenge_category, category_key = excluded.category_key,
				challenge_points = excluded.challenge_points, challenge_retired = excluded.challenge_retired`
	})
	return wrap(err, "write challenges")
}

// dropKnownChallenges leaves those that are not stored, or stored otherwise.
func dropKnownChallenges(ctx context.Context, tx conn, list map[int64]domain.Solve) error {
	for ids := range slices.Chunk(sortedKeys(list), maxBatch) {
		if err := dropKnownOf(ctx, tx, ids, list); err != nil {
			return fmt.Errorf("read challenges: %w", err)
		}
	}
	return nil
}

func dropKnownOf(ctx context.Context, tx conn, ids []int64, list map[int64]domain.Solve) error {
	var a args
	in := listed(&a, padded(ids))
	rows, err := tx.query(ctx, `
		SELECT challenge_id, challenge_title, challenge_category, challenge_points, challenge_retired
		FROM game_platform_challenges WHERE challenge_id IN (`+in+`)`, a...)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var id int64
		var old domain.Solve
		if err := rows.Scan(&id, &old.Title, &old.Category, &old.Points, &old.Retired); err != nil {
			return err
		}
		s := list[id]
		if s.Title == old.Title && s.Category == old.Category && s.Points == old.Points && s.Retired == old.Retired {
			delete(list, id)
		}
		return nil
	})
}
