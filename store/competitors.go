package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// CompetitorRow is a competitor with what the lists and pages show of it.
type CompetitorRow struct {
	domain.Competitor
	Team       string // "" for none
	CoachName  string
	CoachEmail string
	School     string
	Username   string // on the platform; "" where it is not known

	ODLSolves, ODLPoints     int64
	FlashSolves, FlashPoints int64
	LastSolveAt              time.Time
	LastSeenAt               time.Time // on the platform
	Sync                     domain.SyncFacts
	Refreshing               bool // a sync was asked for and has not ended
}

// Solves counts all solves.
func (r CompetitorRow) Solves() int64 { return r.ODLSolves + r.FlashSolves }

// Points sums all points.
func (r CompetitorRow) Points() int64 { return r.ODLPoints + r.FlashPoints }

// competitorColumns and competitorJoins complete rows of competitor_list (c).
const (
	competitorColumns = `c.competitor_id, COALESCE(c.game_platform_id, ''), c.coach_id, COALESCE(c.team_id, ''), p.first_name, p.last_name,
		COALESCE(p.email, ''), c.division, p.grade, p.status, COALESCE(t.name, ''), co.name, co.email, co.school,
		COALESCE(u.metactf_username, ''), c.odl_solves, c.odl_points, c.flash_solves, c.flash_points,
		NULLIF(c.last_solve_at, 0), NULLIF(c.last_seen_at, 0), NULLIF(c.last_success_at, 0), st.last_attempt_at, st.next_due_at,
		COALESCE(st.last_result, ''), COALESCE(st.error_class, ''), COALESCE(u.metactf_user_status, ''), COALESCE(st.failed_in_a_row, 0),
		p.deactivated_at IS NOT NULL,
		EXISTS (SELECT 1 FROM sync_runs run WHERE run.competitor_id = c.competitor_id AND run.finished_at IS NULL AND NOT run.dry_run)`
	competitorJoins = `
		JOIN competitors p ON p.competitor_id = c.competitor_id
		JOIN coaches co ON co.coach_id = c.coach_id
		LEFT JOIN teams t ON t.team_id = c.team_id
		LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id`
)

func scanCompetitor(scan func(...any) error) (CompetitorRow, error) {
	var r CompetitorRow
	err := scan(&r.ID, &r.GamePlatformID, &r.CoachID, &r.TeamID, &r.FirstName, &r.LastName,
		&r.Email, &r.Division, &r.Grade, &r.Status, &r.Team, &r.CoachName, &r.CoachEmail, &r.School,
		&r.Username, &r.ODLSolves, &r.ODLPoints, &r.FlashSolves, &r.FlashPoints,
		into(&r.LastSolveAt), into(&r.LastSeenAt), into(&r.Sync.LastSuccessAt), into(&r.Sync.LastAttemptAt), into(&r.Sync.NextDueAt),
		&r.Sync.Result, &r.Sync.Class, &r.Sync.PlatformStatus, &r.Sync.FailedInARow, &r.Sync.Deactivated, &r.Refreshing)
	r.Sync.OnPlatform = r.GamePlatformID != ""
	r.Sync.HasEmail = r.Email != ""
	return r, err
}

// competitorList is the list that a query asks for.
func (sc *Scope) competitorList(q CompetitorQuery) cutting {
	return cutting{"competitor_list c", "c.competitor_id", func(a *args) string { return sc.competitors(a, q) }, sc.visible, q.keyset()}
}

// CompetitorsPage lists one page of the viewer's competitors.
func (sc *Scope) CompetitorsPage(ctx context.Context, q CompetitorQuery, p Page) ([]CompetitorRow, Place, error) {
	return sc.competitorsPage(ctx, q, p, func(tx conn) (int, error) { return sc.countAll(ctx, tx, q) })
}

// CompetitorsWithSums is CompetitorsPage with the sums over all of the query's coaches, of one moment.
func (sc *Scope) CompetitorsWithSums(ctx context.Context, q CompetitorQuery, p Page) ([]CompetitorRow, Place, CompetitorSums, error) {
	var sums CompetitorSums
	rows, place, err := sc.competitorsPage(ctx, q, p, func(tx conn) (total int, err error) {
		if sums, err = sc.sums(ctx, tx, q.CoachID, q.Bounds); err != nil || !q.narrow() {
			return sums.Competitors, err
		}
		return sc.countAll(ctx, tx, q)
	})
	return rows, place, sums, err
}

// AbsentPage lists one page of those who could have taken part in a flash CTF and have no result, by name.
func (sc *Scope) AbsentPage(ctx context.Context, e Event, p Page) ([]CompetitorRow, Place, error) {
	return sc.competitorsPage(ctx, CompetitorQuery{Absent: e.ID}, p, func(conn) (int, error) { return e.Absent(), nil })
}

// competitorsPage lists one page; count says how many match in all.
func (sc *Scope) competitorsPage(ctx context.Context, q CompetitorQuery, p Page, count func(tx conn) (int, error)) ([]CompetitorRow, Place, error) {
	var list []CompetitorRow
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		whole := sc.competitorList(q)
		total, err := count(tx)
		if err != nil {
			return err
		}
		counted, err := whole.countUpTo(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		// The page is cut before anything is joined to it, whatever the planner thinks of joins.
		rows, err := tx.query(ctx, "SELECT "+competitorColumns+" FROM (SELECT c.* FROM "+whole.page(&a, p)+") c"+competitorJoins+
			" ORDER BY "+whole.keyset.order(p), a...)
		if err != nil {
			return err
		}
		list, err = collectCompetitors(rows, p.Limit)
		place = p.place(counted, len(list), total)
		return err
	})
	if err != nil {
		return nil, Place{}, fmt.Errorf("list competitors: %w", err)
	}
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, nil
}

// countAll counts who matches. Everybody of a coach, or of all, is a sum that is kept.
func (sc *Scope) countAll(ctx context.Context, tx conn, q CompetitorQuery) (total int, err error) {
	var a args
	query := `SELECT COUNT(*) FROM competitor_list c WHERE ` + sc.competitors(&a, q)
	if !q.narrow() {
		a = nil
		query = `SELECT CAST(COALESCE(SUM(c.competitors), 0) AS BIGINT) FROM coaches c WHERE ` + sc.competitors(&a, q)
	}
	err = tx.row(ctx, query, a...).Scan(&total)
	return total, err
}

// collectCompetitors reads at most limit rows; they are large, and the list should not grow step by step.
func collectCompetitors(rows *sql.Rows, limit int) ([]CompetitorRow, error) {
	list := make([]CompetitorRow, 0, limit)
	err := each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, err
}

// EachCompetitor calls fn for every competitor that matches, in the order of the query, reading as it goes.
func (sc *Scope) EachCompetitor(ctx context.Context, q CompetitorQuery, fn func(CompetitorRow) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+competitorColumns+" FROM competitor_list c"+competitorJoins+
		" WHERE "+sc.competitors(&a, q)+" ORDER BY "+q.keyset().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read competitors: %w", err)
	}
	err = each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read competitors")
}

// Neighbour is a competitor to go on to.
type Neighbour struct{ ID, Name string }

// Neighbours are those before and after a competitor in the query's list; an empty ID where there is none, and both where the
// competitor is not in the list.
func (sc *Scope) Neighbours(ctx context.Context, q CompetitorQuery, id string) (before, after Neighbour, err error) {
	err = sc.s.db.view(ctx, func(tx conn) error {
		var a args
		var there int
		err := tx.row(ctx, `SELECT COUNT(*) FROM competitor_list c WHERE `+sc.competitors(&a, q)+` AND c.competitor_id = `+a.add(id), a...).Scan(&there)
		if err != nil || there == 0 {
			return err
		}
		if before, err = sc.neighbour(ctx, tx, q, Page{Before: id, Limit: 1}); err != nil {
			return err
		}
		after, err = sc.neighbour(ctx, tx, q, Page{After: id, Limit: 1})
		return err
	})
	return before, after, wrap(err, "find neighbours")
}

func (sc *Scope) neighbour(ctx context.Context, tx conn, q CompetitorQuery, p Page) (Neighbour, error) {
	var a args
	var c domain.Competitor
	err := tx.row(ctx, "SELECT c.competitor_id, p.first_name, p.last_name FROM (SELECT c.* FROM "+sc.competitorList(q).page(&a, p)+
		") c JOIN competitors p ON p.competitor_id = c.competitor_id", a...).Scan(&c.ID, &c.FirstName, &c.LastName)
	if errors.Is(err, sql.ErrNoRows) {
		return Neighbour{}, nil
	}
	return Neighbour{c.ID, c.Name()}, err
}
