package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// CompetitorDetail is a competitor's page without the solves.
type CompetitorDetail struct {
	CompetitorRow
	Results     []EventResult // flash CTFs, newest first
	Categories  []CategorySum // those of the competitor, the most points first
	Days        []DaySum      // days with a solve since the detail's From, oldest first
	TeamDays    []DaySum      // the same of all of the team together, the competitor included
	Mates       TeamTotals    // of the team; zero where there is none
	Freshness   Freshness
	Drift       *Drift // nil where our totals are the platform's, or its are not known
	Quarantined int    // records of the platform that could not be read
	FailureID   int64  // the open failure, for who may see it; 0: none
}

// EventResult is a result in a flash CTF. ChallengesSolved and Points are the platform's own.
type EventResult struct {
	EventID, Name                             string
	StartsAt                                  time.Time
	Rank, ChallengesSolved, Points, MaxPoints int64 // Rank 0: not ranked
}

// CategorySum is what a competitor, and the competitor's team together, solved in a category.
type CategorySum struct {
	domain.Category
	Solves, Points, TeamPoints int64
}

// TeamTotals are sums over a team's members.
type TeamTotals struct {
	OnPlatform     int
	Solves, Points int64
}

// Freshness says when each part was last brought in step; zero: never.
type Freshness struct{ ODLAt, FlashAt, FullAt, AccountAt, AttemptAt, NextDueAt time.Time }

// Drift is where the platform's own ODL totals differ from the sums over the solves that it gave us with them.
type Drift struct {
	At                       time.Time // when the platform said so
	OurSolves, OurPoints     int64
	TheirSolves, TheirPoints int64
}

// Competitor reads one of the viewer's competitors, with the days since from in the calendar of the zone. Another coach's is a
// NoSuch error, like one that does not exist.
func (sc *Scope) Competitor(ctx context.Context, id string, from time.Time, zone *time.Location) (CompetitorDetail, error) {
	var d CompetitorDetail
	err := sc.s.db.view(ctx, func(tx conn) error {
		var err error
		if d.CompetitorRow, err = sc.competitorRow(ctx, tx, id); err != nil {
			return err
		}
		if d.Results, err = sc.results(ctx, tx, id); err != nil {
			return err
		}
		if d.Categories, err = sc.categorySums(ctx, tx, d.CompetitorRow); err != nil {
			return err
		}
		until := sc.s.clock()
		if d.Days, err = sc.daySums(ctx, tx, "c.competitor_id", id, from, until, zone); err != nil {
			return err
		}
		if d.TeamID != "" {
			if err := sc.mates(ctx, tx, &d, from, until, zone); err != nil {
				return err
			}
		}
		if err := sc.openFailure(ctx, tx, &d); err != nil {
			return err
		}
		return sc.freshness(ctx, tx, &d)
	})
	if err != nil {
		return CompetitorDetail{}, fmt.Errorf("read competitor: %w", err)
	}
	return d, nil
}

func (sc *Scope) openFailure(ctx context.Context, tx conn, d *CompetitorDetail) error {
	if !sc.viewer.May(domain.MayView) {
		return nil
	}
	err := tx.row(ctx, `SELECT failure_id FROM sync_failures WHERE competitor_id = $1 AND ended_at IS NULL`, d.ID).Scan(&d.FailureID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return wrap(err, "open failure")
}

// CompetitorRow reads one of the viewer's competitors as the list shows it. Others' are a NoSuch error.
func (sc *Scope) CompetitorRow(ctx context.Context, id string) (CompetitorRow, error) {
	r, err := sc.competitorRow(ctx, sc.s.db.reader(), id)
	return r, wrap(err, "read competitor")
}

func (sc *Scope) competitorRow(ctx context.Context, tx conn, id string) (CompetitorRow, error) {
	var a args
	r, err := scanCompetitor(tx.row(ctx, "SELECT "+competitorColumns+" FROM competitor_list c"+competitorJoins+
		" WHERE "+sc.visible(&a)+" AND c.competitor_id = "+a.add(id), a...).Scan)
	return r, noSuch(err, "competitor")
}

func (sc *Scope) results(ctx context.Context, tx conn, id string) ([]EventResult, error) {
	var a args
	rows, err := tx.query(ctx, `
		SELECT e.event_id, e.name, e.starts_at, r.rank, r.challenges_solved, r.points_earned, r.max_points_possible
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
		err := rows.Scan(&r.EventID, &r.Name, into(&r.StartsAt), &r.Rank, &r.ChallengesSolved, &r.Points, &r.MaxPoints)
		list = append(list, r)
		return err
	})
	return list, wrap(err, "flash results")
}

// categorySums reads the competitor's categories and what the team has in them.
func (sc *Scope) categorySums(ctx context.Context, tx conn, r CompetitorRow) ([]CategorySum, error) {
	var a args
	rows, err := tx.query(ctx, `
		SELECT k.category_key, k.category_text, k.odl_solves + k.flash_solves, k.odl_points + k.flash_points,
			(SELECT CAST(COALESCE(SUM(m.odl_points + m.flash_points), 0) AS BIGINT)
				FROM competitor_list c JOIN game_platform_category_stats m ON m.syned_user_id = c.game_platform_id
				WHERE `+sc.visible(&a)+` AND c.team_id = `+a.add(r.TeamID)+` AND m.category_key = k.category_key)
		FROM competitor_list c JOIN game_platform_category_stats k ON k.syned_user_id = c.game_platform_id
		WHERE `+sc.visible(&a)+` AND c.competitor_id = `+a.add(r.ID)+`
		ORDER BY 4 DESC, k.category_key`, a...)
	if err != nil {
		return nil, fmt.Errorf("category sums: %w", err)
	}
	var list []CategorySum
	err = each(rows, func() error {
		var c CategorySum
		var text string
		err := rows.Scan(&c.Key, &text, &c.Solves, &c.Points, &c.TeamPoints)
		c.Name = domain.CategoryOf(text).Name
		list = append(list, c)
		return err
	})
	return list, wrap(err, "category sums")
}

// mates reads what the competitor is compared with.
func (sc *Scope) mates(ctx context.Context, tx conn, d *CompetitorDetail, from, until time.Time, zone *time.Location) error {
	var a args
	err := tx.row(ctx, `
		SELECT c.on_platform, c.odl_solves + c.flash_solves, c.odl_points + c.flash_points
		FROM teams c WHERE `+sc.visible(&a)+` AND c.team_id = `+a.add(d.TeamID), a...).
		Scan(&d.Mates.OnPlatform, &d.Mates.Solves, &d.Mates.Points)
	if err != nil {
		return wrap(noSuch(err, "team"), "team totals")
	}
	d.TeamDays, err = sc.daySums(ctx, tx, "c.team_id", d.TeamID, from, until, zone)
	return err
}

// freshness reads when each part was brought in step, what could not be read, and where the totals differ.
func (sc *Scope) freshness(ctx context.Context, tx conn, d *CompetitorDetail) error {
	if d.GamePlatformID == "" {
		return nil
	}
	f := &d.Freshness
	var drift Drift
	err := tx.row(ctx, `
		SELECT st.last_odl_synced_at, st.last_flash_ctf_synced_at, st.last_full_pull_at, u.checked_at, st.last_attempt_at, st.next_due_at,
			COALESCE(s.platform_odl_solves, 0), COALESCE(s.platform_odl_points, 0), s.platform_totals_at,
			(SELECT COUNT(*) FROM game_platform_quarantined_records q WHERE q.syned_user_id = c.game_platform_id)
		FROM competitors c
		LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_stats s ON s.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id
		WHERE c.competitor_id = $1`, d.ID).
		Scan(into(&f.ODLAt), into(&f.FlashAt), into(&f.FullAt), into(&f.AccountAt), into(&f.AttemptAt), into(&f.NextDueAt),
			&drift.TheirSolves, &drift.TheirPoints, into(&drift.At), &d.Quarantined)
	if err != nil || drift.At.IsZero() {
		return wrap(err, "freshness")
	}
	// Solves that came later are no drift: the platform's totals are from an answer that cannot have had them.
	err = tx.row(ctx, `
		SELECT COUNT(*), CAST(COALESCE(SUM(challenge_points), 0) AS BIGINT) FROM game_platform_challenge_solves
		WHERE syned_user_id = $1 AND source = 'odl' AND first_seen_at <= $2`, d.GamePlatformID, micros(drift.At)).
		Scan(&drift.OurSolves, &drift.OurPoints)
	if drift.OurSolves != drift.TheirSolves || drift.OurPoints != drift.TheirPoints {
		d.Drift = &drift
	}
	return wrap(err, "drift")
}
