package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// SolveQuery says which of a competitor's solves are wanted, and in which order.
type SolveQuery struct {
	CompetitorID string
	Category     string        // key of a category, "" for all
	Source       domain.Source // "" for both
	EventID      string        // of one flash CTF
	From, Until  time.Time     // solved at From or later, and before Until; zero: no bound
	Sort         SolveSort
	Ascending    bool // oldest, fewest or A first; otherwise newest, most or Z first
}

// SolveSort is a column that solves can be ordered by.
type SolveSort string

// The columns; within equals the date decides.
const (
	SolvesByDate     SolveSort = "date"
	SolvesByPoints   SolveSort = "points"
	SolvesByCategory SolveSort = "category"
)

// SolveRow is one solve as listed.
type SolveRow struct {
	domain.Solve
	Event string // the flash CTF's name, "" for ODL
}

// CategoryCount is how many solves a competitor has in a category.
type CategoryCount struct {
	domain.Category
	Solves int
}

// SolvesPage is one page of a competitor's solves. Cursors of its pages are solve keys.
type SolvesPage struct {
	Rows       []SolveRow
	Place      Place           // Total counts the solves that match the query
	All        int             // those that match but for the category
	Categories []CategoryCount // of these
}

var solveKeyColumns = []string{"so.source", "so.event_id", "so.challenge_solve_id", "so.challenge_id"}

func (q SolveQuery) keyset() keyset {
	columns := append([]string{"so.solved_at"}, solveKeyColumns...)
	switch q.Sort {
	case SolvesByPoints:
		columns = append([]string{"so.challenge_points"}, columns...)
	case SolvesByCategory:
		columns = append([]string{"so.category_key"}, columns...)
	}
	return keyset{columns, !q.Ascending}
}

// from is the join and the predicate that every statement about a competitor's solves has.
func (sc *Scope) solvesFrom(a *args, q SolveQuery) string {
	from := ` FROM competitors c
		JOIN game_platform_challenge_solves so ON so.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_flash_ctf_events e ON e.event_id = so.event_id
		WHERE ` + sc.visible(a) + ` AND c.competitor_id = ` + a.add(q.CompetitorID)
	if q.Category != "" {
		from += " AND so.category_key = " + a.add(q.Category)
	}
	if q.Source != "" {
		from += " AND so.source = " + a.add(string(q.Source))
	}
	if q.EventID != "" {
		from += " AND so.event_id = " + a.add(q.EventID)
	}
	if !q.From.IsZero() {
		from += " AND so.solved_at >= " + a.add(micros(q.From))
	}
	if !q.Until.IsZero() {
		from += " AND so.solved_at < " + a.add(micros(q.Until))
	}
	return from
}

const solveColumns = `so.source, so.event_id, so.challenge_solve_id, so.challenge_id, so.challenge_title, so.challenge_category,
	so.challenge_points, so.challenge_retired, so.nist_nice_work_roles, so.solved_at, COALESCE(e.name, '')`

func scanSolve(scan func(...any) error) (SolveRow, error) {
	var r SolveRow
	err := scan(&r.Source, &r.EventID, &r.ChallengeSolveID, &r.ChallengeID, &r.Title, &r.Category,
		&r.Points, &r.Retired, jsonList{&r.WorkRoles}, into(&r.SolvedAt), &r.Event)
	return r, err
}

// SolvesPage reads one page of the solves of one of the viewer's competitors. For anybody else's it is empty.
func (sc *Scope) SolvesPage(ctx context.Context, q SolveQuery, p Page) (SolvesPage, error) {
	var page SolvesPage
	err := sc.s.db.view(ctx, func(tx conn) error {
		if err := sc.solveCategories(ctx, tx, q, &page); err != nil {
			return err
		}
		counted, total, err := sc.countSolves(ctx, tx, q, p)
		if err != nil {
			return err
		}
		var a args
		query := "SELECT " + solveColumns + sc.solvesFrom(&a, q)
		if id := p.cursorID(); id != "" {
			cursor, err := sc.solveCursor(&a, q, id)
			if err != nil {
				return err
			}
			query += " AND " + q.keyset().beyond(p, cursor)
		}
		rows, err := tx.query(ctx, query+" ORDER BY "+q.keyset().order(p)+" LIMIT "+a.add(p.Limit), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			r, err := scanSolve(rows.Scan)
			page.Rows = append(page.Rows, r)
			return err
		})
		page.Place = p.place(counted, len(page.Rows), total)
		return err
	})
	if err != nil {
		return SolvesPage{}, fmt.Errorf("list solves: %w", err)
	}
	if p.Before != "" {
		slices.Reverse(page.Rows)
	}
	return page, nil
}

// solveCursor is the subquery for the row a page is counted from.
func (sc *Scope) solveCursor(a *args, q SolveQuery, id string) (string, error) {
	key, err := domain.ParseSolveKey(id)
	if err != nil {
		return "", err
	}
	columns := q.keyset().row()
	return "SELECT " + columns[1:len(columns)-1] + sc.solvesFrom(a, q) +
		" AND so.source = " + a.add(string(key.Source)) + " AND so.event_id = " + a.add(key.EventID) +
		" AND so.challenge_solve_id = " + a.add(key.ChallengeSolveID) + " AND so.challenge_id = " + a.add(key.ChallengeID), nil
}

// countSolves counts the matching rows up to the page's cursor and all of them.
func (sc *Scope) countSolves(ctx context.Context, tx conn, q SolveQuery, p Page) (counted, total int, err error) {
	var a args
	if err = tx.row(ctx, "SELECT COUNT(*)"+sc.solvesFrom(&a, q), a...).Scan(&total); err != nil {
		return 0, 0, err
	}
	id := p.cursorID()
	if id == "" {
		return 0, total, nil
	}
	a = nil
	cursor, err := sc.solveCursor(&a, q, id)
	if err != nil {
		return 0, 0, err
	}
	var there int
	if err = tx.row(ctx, "SELECT COUNT(*) FROM ("+cursor+") AS cursor_row", a...).Scan(&there); err != nil {
		return 0, 0, err
	}
	if there == 0 {
		return 0, 0, errLostRow()
	}
	a = nil
	from := "SELECT COUNT(*)" + sc.solvesFrom(&a, q)
	if cursor, err = sc.solveCursor(&a, q, id); err != nil {
		return 0, 0, err
	}
	err = tx.row(ctx, from+" AND "+q.keyset().upTo(p, cursor), a...).Scan(&counted)
	return counted, total, err
}

// solveCategories counts the matching solves by category, whatever the query's own category is.
func (sc *Scope) solveCategories(ctx context.Context, tx conn, q SolveQuery, page *SolvesPage) error {
	var a args
	q.Category = ""
	rows, err := tx.query(ctx, "SELECT so.category_key, MIN(so.challenge_category), COUNT(*)"+sc.solvesFrom(&a, q)+
		" GROUP BY so.category_key ORDER BY so.category_key", a...)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var c CategoryCount
		var text string
		if err := rows.Scan(&c.Key, &text, &c.Solves); err != nil {
			return err
		}
		c.Name = domain.CategoryOf(text).Name
		page.Categories = append(page.Categories, c)
		page.All += c.Solves
		return nil
	})
}

// EachSolve calls fn for every solve that matches the query, in its order, reading as it goes.
func (sc *Scope) EachSolve(ctx context.Context, q SolveQuery, fn func(SolveRow) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+solveColumns+sc.solvesFrom(&a, q)+" ORDER BY "+q.keyset().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read solves: %w", err)
	}
	err = each(rows, func() error {
		r, err := scanSolve(rows.Scan)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read solves")
}
