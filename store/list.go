package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// noTeamKey puts those without a team after all others: no folded name reaches it.
const noTeamKey = "\U0010FFFF"

// relist writes the list's rows of the competitors that match where, a predicate on competitors (c), and opens, updates and ends
// their failures, from the roster and from what the last sync left. It must be called in every transaction that changes either.
func relist(ctx context.Context, tx conn, now int64, where string, arguments ...any) error {
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.coach_id, COALESCE(c.team_id, ''), COALESCE(c.game_platform_id, ''), c.division, c.sort_key,
			c.first_name, c.last_name, COALESCE(c.email, ''), c.deactivated_at IS NOT NULL, u.last_login_at IS NOT NULL, COALESCE(t.name, ''), co.name, COALESCE(u.metactf_username, ''),
			COALESCE(s.odl_solves, 0), COALESCE(s.odl_points, 0), COALESCE(s.flash_solves, 0), COALESCE(s.flash_points, 0),
			s.last_solve_at, st.last_remote_accessed_at, st.last_success_at,
			(SELECT MAX(e.starts_at) FROM game_platform_flash_ctf_results r
				JOIN game_platform_flash_ctf_events e ON e.event_id = r.event_id WHERE r.syned_user_id = c.game_platform_id),
			COALESCE(st.last_result, ''), COALESCE(st.error_class, ''), COALESCE(u.metactf_user_status, ''),
			COALESCE(st.failed_in_a_row, 0), COALESCE(st.error_endpoint, ''), COALESCE(st.error_message, ''), COALESCE(st.error_status, 0),
			st.last_attempt_at, st.failing_since, st.next_due_at,
			COALESCE(f.failure_id, 0), COALESCE(f.coach_id, ''), COALESCE(f.fingerprint, ''), COALESCE(f.message, ''), COALESCE(f.state, ''),
			COALESCE(f.last_at, 0), COALESCE(f.next_due_at, 0), COALESCE(f.running_at, 0), COALESCE(f.failed_in_a_row, 0)
		FROM competitors c
		JOIN coaches co ON co.coach_id = c.coach_id
		LEFT JOIN teams t ON t.team_id = c.team_id
		LEFT JOIN game_platform_stats s ON s.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_sync_state st ON st.syned_user_id = c.game_platform_id
		LEFT JOIN game_platform_users u ON u.syned_user_id = c.game_platform_id
		LEFT JOIN sync_failures f ON f.competitor_id = c.competitor_id AND f.ended_at IS NULL
		WHERE `+where, arguments...)
	if err != nil {
		return fmt.Errorf("read for the list: %w", err)
	}
	var write [][]any
	var failures failureSteps
	err = each(rows, func() error {
		var f listFacts
		if err := f.scan(rows.Scan); err != nil {
			return err
		}
		write = append(write, f.row(now))
		failures = append(failures, f.failure(now))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read for the list: %w", err)
	}
	err = inBatches(ctx, tx, write, func(values string) string {
		return `
			INSERT INTO competitor_list AS l (competitor_id, coach_id, team_id, game_platform_id, division, sort_key, team_key, coach_key,
				search_key, odl_solves, odl_points, flash_solves, flash_points, points,
				last_solve_at, last_seen_at, last_success_at, last_flash_at, state, state_order, waiting, waits_for, waits_since)
			VALUES ` + values + `
			ON CONFLICT (competitor_id) DO UPDATE SET
				coach_id = excluded.coach_id, team_id = excluded.team_id, game_platform_id = excluded.game_platform_id,
				division = excluded.division, sort_key = excluded.sort_key, team_key = excluded.team_key,
				coach_key = excluded.coach_key, search_key = excluded.search_key,
				odl_solves = excluded.odl_solves, odl_points = excluded.odl_points,
				flash_solves = excluded.flash_solves, flash_points = excluded.flash_points, points = excluded.points,
				last_solve_at = excluded.last_solve_at, last_seen_at = excluded.last_seen_at,
				last_success_at = excluded.last_success_at, last_flash_at = excluded.last_flash_at,
				state = excluded.state, state_order = excluded.state_order, waiting = excluded.waiting,
				waits_since = CASE WHEN l.waits_for = excluded.waits_for THEN l.waits_since ELSE excluded.waits_since END,
				waits_for = excluded.waits_for`
	})
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return failures.keep(ctx, tx, now)
}

// listFacts is what a row of the list is made from.
type listFacts struct {
	domain.Competitor
	sums
	sortKey, team, coach, username             string
	lastSolve, lastSeen, lastSuccess, lastPlay time.Time
	sync                                       domain.SyncFacts
	signedIn                                   bool   // the platform said so
	endpoint, message                          string // of the last fault
	status                                     int
	failingSince                               time.Time
	open                                       openFailure
}

func (f *listFacts) scan(scan func(...any) error) error {
	err := scan(&f.ID, &f.CoachID, &f.TeamID, &f.GamePlatformID, &f.Division, &f.sortKey,
		&f.FirstName, &f.LastName, &f.Email, &f.sync.Deactivated, &f.signedIn, &f.team, &f.coach, &f.username,
		&f.odl, &f.odlPoints, &f.flash, &f.flashPoints,
		into(&f.lastSolve), into(&f.lastSeen), into(&f.lastSuccess), into(&f.lastPlay),
		&f.sync.Result, &f.sync.Class, &f.sync.PlatformStatus, &f.sync.FailedInARow,
		&f.endpoint, &f.message, &f.status, into(&f.sync.LastAttemptAt), into(&f.failingSince), into(&f.sync.NextDueAt),
		&f.open.ID, &f.open.CoachID, &f.open.Fingerprint, &f.open.Message, &f.open.State,
		&f.open.LastAt, &f.open.NextDue, &f.open.Running, &f.open.FailedInRow)
	f.sync.OnPlatform, f.sync.HasEmail = f.GamePlatformID != "", f.Email != ""
	return err
}

func (f *listFacts) row(now int64) []any {
	state := f.sync.State()
	teamKey := noTeamKey
	if f.TeamID != "" {
		teamKey = sortKey(f.team)
	}
	waiting := 0
	if state.Waiting() {
		waiting = 1
	}
	wait, since := f.sync.Wait(f.signedIn || !f.lastSeen.IsZero() || f.odl+f.flash > 0), now
	if wait == domain.WaitNothing {
		since = 0
	}
	search := strings.Join([]string{plain(f.Name()), plain(f.Email), plain(f.team), plain(f.username)}, "\n")
	return []any{
		f.ID, f.CoachID, nullText(f.TeamID), nullText(f.GamePlatformID), string(f.Division), f.sortKey, teamKey, sortKey(f.coach),
		search, f.odl, f.odlPoints, f.flash, f.flashPoints, f.odlPoints + f.flashPoints,
		zeroMicros(f.lastSolve), zeroMicros(f.lastSeen), zeroMicros(f.lastSuccess), zeroMicros(f.lastPlay),
		string(state), state.Order(), waiting, string(wait), since,
	}
}

// zeroMicros stores a zero time as 0, which sorts before all others on both databases.
func zeroMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

// relistAtOnce bounds what is read at once where everybody is relisted.
const relistAtOnce = 1000

// relistAll writes the list's rows of everybody. With onlyMissing those that have one are left alone.
func relistAll(ctx context.Context, tx conn, now int64, onlyMissing bool) error {
	missing := ""
	if onlyMissing {
		missing = " AND NOT EXISTS (SELECT 1 FROM competitor_list l WHERE l.competitor_id = c.competitor_id)"
	}
	after := ""
	for {
		var last string
		err := tx.row(ctx, `
			SELECT COALESCE(MAX(competitor_id), '') FROM (
				SELECT c.competitor_id FROM competitors c WHERE c.competitor_id > $1`+missing+`
				ORDER BY c.competitor_id LIMIT $2) AS batch`, after, relistAtOnce).Scan(&last)
		if err != nil {
			return fmt.Errorf("list everybody: %w", err)
		}
		if last == "" {
			return nil
		}
		if err := relist(ctx, tx, now, "c.competitor_id > $1 AND c.competitor_id <= $2"+missing, after, last); err != nil {
			return err
		}
		after = last
	}
}

// fillLists gives those a place in the lists who were stored before there were any.
func (s *Store) fillLists(ctx context.Context) error {
	err := s.db.update(ctx, func(tx conn) error {
		if err := s.db.lockRoster(ctx, tx); err != nil {
			return err
		}
		for _, table := range []struct{ name, id string }{{"coaches", "coach_id"}, {"teams", "team_id"}} {
			if err := fillSortKeys(ctx, tx, table.name, table.id); err != nil {
				return err
			}
		}
		if err := relistAll(ctx, tx, s.now(), true); err != nil {
			return err
		}
		return fillFailures(ctx, tx, s.now())
	})
	s.totals.changed()
	return wrap(err, "fill the lists")
}

func fillSortKeys(ctx context.Context, tx conn, table, id string) error {
	rows, err := tx.query(ctx, `SELECT `+id+`, name FROM `+table+` WHERE sort_key = '' AND name <> ''`)
	if err != nil {
		return err
	}
	keys := map[string]string{}
	err = each(rows, func() error {
		var key, name string
		err := rows.Scan(&key, &name)
		keys[key] = sortKey(name)
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(keys) {
		if _, err := tx.exec(ctx, `UPDATE `+table+` SET sort_key = $2 WHERE `+id+` = $1`, key, keys[key]); err != nil {
			return err
		}
	}
	return nil
}
