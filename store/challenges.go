package store

import (
	"context"
	"fmt"
	"strings"

	"flagpole/internal/domain"
)

// Challenge is an ODL challenge.
type Challenge struct {
	ID       int64
	Title    string
	Category string // the platform's spelling
	Points   int64
}

// EachUnsolved calls fn for the ODL challenges, not retired, that nobody in the viewer's team has solved, of the category or
// with "" of all: those with the fewest points first. Only challenges that somebody somewhere has solved are known.
func (sc *Scope) EachUnsolved(ctx context.Context, teamID, category string, fn func(Challenge) error) error {
	var a args
	query := `
		SELECT ch.challenge_id, ch.challenge_title, ch.challenge_category, ch.challenge_points
		FROM game_platform_challenges ch
		WHERE NOT ch.challenge_retired AND EXISTS (SELECT 1 FROM teams c WHERE ` + sc.visible(&a) + ` AND c.team_id = ` + a.add(teamID) + `)
			AND ch.challenge_id NOT IN (
				SELECT so.challenge_id FROM competitor_list c JOIN game_platform_challenge_solves so ON so.syned_user_id = c.game_platform_id
				WHERE ` + sc.visible(&a) + ` AND c.team_id = ` + a.add(teamID) + ` AND so.source = 'odl')`
	if category != "" {
		query += " AND ch.category_key = " + a.add(category)
	}
	rows, err := sc.s.db.reader().query(ctx, query+" ORDER BY ch.challenge_points, ch.challenge_id", a...)
	if err != nil {
		return fmt.Errorf("list unsolved challenges: %w", err)
	}
	err = each(rows, func() error {
		var c Challenge
		if err := rows.Scan(&c.ID, &c.Title, &c.Category, &c.Points); err != nil {
			return err
		}
		return fn(c)
	})
	return wrap(err, "list unsolved challenges")
}

// UnknownCategory is a category of the platform that the portal's table of categories does not have.
type UnknownCategory struct {
	domain.Category
	Competitors, Solves int64
}

// UnknownCategories lists the categories that the portal's table does not have, with how often they are met. They name
// nobody; only admins see them.
func (sc *Scope) UnknownCategories(ctx context.Context) ([]UnknownCategory, error) {
	var a args
	rows, err := sc.s.db.reader().query(ctx, unknownKeys(&a)+`
		SELECT k.category_key, MIN(k.category_text), COUNT(*), CAST(SUM(k.odl_solves + k.flash_solves) AS BIGINT)
		FROM unknown JOIN game_platform_category_stats k ON k.category_key = unknown.category_key
		WHERE `+a.add(sc.viewer.Role == domain.RoleAdmin)+`
		GROUP BY k.category_key ORDER BY k.category_key`, a...)
	if err != nil {
		return nil, fmt.Errorf("list unknown categories: %w", err)
	}
	var list []UnknownCategory
	err = each(rows, func() error {
		var c UnknownCategory
		var text string
		err := rows.Scan(&c.Key, &text, &c.Competitors, &c.Solves)
		c.Name = domain.CategoryOf(text).Name
		list = append(list, c)
		return err
	})
	return list, wrap(err, "list unknown categories")
}

// unknownKeys begins a statement with the table unknown of the category keys that the portal's table does not have. They are
// found by going from one to the next in their index: there are few, and a million rows of them.
func unknownKeys(a *args) string {
	var known []string
	for _, c := range domain.Categories() {
		known = append(known, a.add(c.Key))
	}
	return `
		WITH RECURSIVE keys(category_key) AS (
			SELECT MIN(category_key) FROM game_platform_category_stats
			UNION ALL
			SELECT (SELECT MIN(k.category_key) FROM game_platform_category_stats k WHERE k.category_key > keys.category_key)
			FROM keys WHERE keys.category_key IS NOT NULL),
		unknown AS (SELECT category_key FROM keys WHERE category_key NOT IN (` + strings.Join(known, ", ") + `))`
}

// CategoryChoices lists the categories a list can be filtered by: the canonical ones, and those that the viewer's
// competitors have solved something in besides.
func (sc *Scope) CategoryChoices(ctx context.Context) ([]domain.Category, error) {
	var list []domain.Category
	for _, c := range domain.Categories() {
		list = append(list, c.Category)
	}
	var a args
	var query string
	if sc.viewer.Role == domain.RoleAdmin {
		query = unknownKeys(&a) + `
			SELECT unknown.category_key, (SELECT k.category_text FROM game_platform_category_stats k
				WHERE k.category_key = unknown.category_key ORDER BY k.syned_user_id LIMIT 1)
			FROM unknown WHERE ` + sc.visible(&a) + ` AND unknown.category_key IS NOT NULL ORDER BY unknown.category_key`
	} else { // a few hundred rows
		query = `
			SELECT k.category_key, MIN(k.category_text)
			FROM competitor_list c JOIN game_platform_category_stats k ON k.syned_user_id = c.game_platform_id
			WHERE ` + sc.visible(&a) + ` GROUP BY k.category_key ORDER BY k.category_key`
	}
	rows, err := sc.s.db.reader().query(ctx, query, a...)
	if err != nil {
		return nil, fmt.Errorf("list categories: %w", err)
	}
	err = each(rows, func() error {
		var key, text string
		err := rows.Scan(&key, &text)
		if _, known := domain.KnownCategory(key); !known {
			list = append(list, domain.Category{Key: key, Name: domain.CategoryOf(text).Name})
		}
		return err
	})
	return list, wrap(err, "list categories")
}
