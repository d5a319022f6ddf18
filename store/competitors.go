package store

import (
	"context"
	"database/sql"
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

	ODLSolves, ODLPoints     int64
	FlashSolves, FlashPoints int64
	LastSolveAt              time.Time
	LastSeenAt               time.Time // on the platform
	Sync                     domain.SyncFacts
}

// Solves counts all solves.
func (r CompetitorRow) Solves() int64 { return r.ODLSolves + r.FlashSolves }

// Points sums all points.
func (r CompetitorRow) Points() int64 { return r.ODLPoints + r.FlashPoints }

// selectCompetitors is the one query of people's data; what follows it must begin with the visible predicate.
const selectCompetitors = `
	SELECT c.competitor_id, COALESCE(c.game_platform_id, ''), c.coach_id, COALESCE(c.team_id, ''), c.first_name, c.last_name,
		COALESCE(c.email, ''), c.division, c.grade, c.status, COALESCE(t.name, ''), co.name, co.email, co.school,
		COALESCE(s.odl_solves, 0), COALESCE(s.odl_points, 0), COALESCE(s.flash_solves, 0), COALESCE(s.flash_points, 0),
		s.last_solve_at, st.last_remote_accessed_at, st.last_success_at, st.last_attempt_at, st.next_due_at,
		COALESCE(st.last_result, ''), COALESCE(st.error_class, ''), COALESCE(u.metactf_user_status, ''), COALESCE(st.failed_in_a_row, 0)
	FROM competitors c
	JOIN coaches co ON co.coach_id = c.coach_id
	LEFT JOIN teams t ON t.team_id = c.team_id
	LEFT JOIN game_platform_stats s ON s.syned_user_id = c.game_platform_id
	LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
	LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id
	WHERE `

func scanCompetitor(scan func(...any) error) (CompetitorRow, error) {
	var r CompetitorRow
	err := scan(&r.ID, &r.GamePlatformID, &r.CoachID, &r.TeamID, &r.FirstName, &r.LastName,
		&r.Email, &r.Division, &r.Grade, &r.Status, &r.Team, &r.CoachName, &r.CoachEmail, &r.School,
		&r.ODLSolves, &r.ODLPoints, &r.FlashSolves, &r.FlashPoints,
		into(&r.LastSolveAt), into(&r.LastSeenAt), into(&r.Sync.LastSuccessAt), into(&r.Sync.LastAttemptAt), into(&r.Sync.NextDueAt),
		&r.Sync.Result, &r.Sync.Class, &r.Sync.PlatformStatus, &r.Sync.FailedInARow)
	r.Sync.OnPlatform = r.GamePlatformID != ""
	r.Sync.HasEmail = r.Email != ""
	return r, err
}

// byName is the order of the list of competitors.
var byName = keyset{columns: []string{"c.sort_key", "c.competitor_id"}}

const competitorCursor = `SELECT c.sort_key, c.competitor_id FROM competitors c WHERE `

// CompetitorsPage lists one page of the viewer's competitors by name.
func (sc *Scope) CompetitorsPage(ctx context.Context, p Page) ([]CompetitorRow, Place, error) {
	var list []CompetitorRow
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		counted, total, err := sc.countCompetitors(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		query := selectCompetitors + sc.visible(&a)
		if id := p.cursorID(); id != "" {
			query += " AND " + byName.beyond(p, competitorCursor+sc.visible(&a)+" AND c.competitor_id = "+a.add(id))
		}
		query += " ORDER BY " + byName.order(p) + " LIMIT " + a.add(p.Limit)
		rows, err := tx.query(ctx, query, a...)
		if err != nil {
			return err
		}
		list, err = collectCompetitors(rows)
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

// countCompetitors counts the rows up to the page's cursor and all of them.
func (sc *Scope) countCompetitors(ctx context.Context, tx conn, p Page) (counted, total int, err error) {
	var a args
	if err = tx.row(ctx, `SELECT COUNT(*) FROM competitors c WHERE `+sc.visible(&a), a...).Scan(&total); err != nil {
		return 0, 0, err
	}
	id := p.cursorID()
	if id == "" {
		return 0, total, nil
	}
	a = nil
	var there int
	err = tx.row(ctx, `SELECT COUNT(*) FROM competitors c WHERE `+sc.visible(&a)+` AND c.competitor_id = `+a.add(id), a...).Scan(&there)
	if err != nil {
		return 0, 0, err
	}
	if there == 0 {
		return 0, 0, errLostRow()
	}
	a = nil
	err = tx.row(ctx, `SELECT COUNT(*) FROM competitors c WHERE `+sc.visible(&a)+` AND `+
		byName.upTo(p, competitorCursor+sc.visible(&a)+" AND c.competitor_id = "+a.add(id)), a...).Scan(&counted)
	return counted, total, err
}

func collectCompetitors(rows *sql.Rows) ([]CompetitorRow, error) {
	var list []CompetitorRow
	err := each(rows, func() error {
		r, err := scanCompetitor(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, err
}

// EachCompetitor calls fn for every competitor of the viewer, in the order of the list, reading as it goes.
func (sc *Scope) EachCompetitor(ctx context.Context, fn func(CompetitorRow) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, selectCompetitors+sc.visible(&a)+" ORDER BY "+byName.order(Page{}), a...)
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

// CompetitorSums are sums over all of the viewer's competitors.
type CompetitorSums struct {
	Competitors, OnPlatform, Teams, Coaches int
	Solves, Points                          int64
}

// CompetitorSums adds up the viewer's competitors; those without a team or a solve are counted too, and so are teams
// without a competitor.
func (sc *Scope) CompetitorSums(ctx context.Context) (CompetitorSums, error) {
	var n CompetitorSums
	var a args
	err := sc.s.db.reader().row(ctx, `
		SELECT COUNT(*), COUNT(c.game_platform_id), (SELECT COUNT(*) FROM teams c WHERE `+sc.visible(&a)+`), COUNT(DISTINCT c.coach_id),
			CAST(COALESCE(SUM(s.odl_solves + s.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(s.odl_points + s.flash_points), 0) AS BIGINT)
		FROM competitors c LEFT JOIN game_platform_stats s ON s.syned_user_id = c.game_platform_id
		WHERE `+sc.visible(&a), a...).
		Scan(&n.Competitors, &n.OnPlatform, &n.Teams, &n.Coaches, &n.Solves, &n.Points)
	return n, wrap(err, "sum competitors")
}

// CompetitorDetail is a competitor's page without the solves.
type CompetitorDetail struct {
	CompetitorRow
	Results     []EventResult // flash CTFs, newest first
	Quarantined int           // records of the platform that could not be read
}

// EventResult is a result in a flash CTF. ChallengesSolved and Points are the platform's own.
type EventResult struct {
	Name                                      string
	StartsAt                                  time.Time
	Rank, ChallengesSolved, Points, MaxPoints int64
}

// Competitor reads one of the viewer's competitors. Another coach's is a NoSuch error, like one that does not exist.
func (sc *Scope) Competitor(ctx context.Context, id string) (CompetitorDetail, error) {
	var d CompetitorDetail
	err := sc.s.db.view(ctx, func(tx conn) error {
		var a args
		var err error
		d.CompetitorRow, err = scanCompetitor(tx.row(ctx, selectCompetitors+sc.visible(&a)+` AND c.competitor_id = `+a.add(id), a...).Scan)
		if err != nil {
			return noSuch(err, "competitor")
		}
		if d.Results, err = sc.results(ctx, tx, id); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT COUNT(*) FROM game_platform_quarantined_records WHERE syned_user_id = $1`, d.GamePlatformID).
			Scan(&d.Quarantined)
	})
	if err != nil {
		return CompetitorDetail{}, fmt.Errorf("read competitor: %w", err)
	}
	return d, nil
}

func (sc *Scope) results(ctx context.Context, tx conn, id string) ([]EventResult, error) {
	var a args
	rows, err := tx.query(ctx, `
		SELECT e.name, e.starts_at, r.rank, r.challenges_solved, r.points_earned, r.max_points_possible
		FROM competitors c
		JOIN game_platform_flash_ctf_results r ON r.syned_user_id = c.game_platform_id
		JOIN game_platform_flash_ctf_events e ON e.event_id = r.event_id
		WHERE `+sc.visible(&a)+` AND c.competitor_id = `+a.add(id)+`
		ORDER BY e.starts_at DESC, e.event_id`, a...)
	if err != nil {
		return nil, fmt.Errorf("flash results: %w", err)
	}
	var list []EventResult
	err = each(rows, func() error {
		var r EventResult
		err := rows.Scan(&r.Name, into(&r.StartsAt), &r.Rank, &r.ChallengesSolved, &r.Points, &r.MaxPoints)
		list = append(list, r)
		return err
	})
	return list, wrap(err, "flash results")
}
