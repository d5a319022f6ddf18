package store

import (
	"context"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// knownResult is a stored flash CTF result and how many snapshots in a row have lacked it.
type knownResult struct {
	rank, points, maxPoints, solved int64
	missed                          int
}

// storeResults writes new and changed flash CTF results and drops those that two snapshots in a row lacked. It goes
// through all of these events in the order of their ids: syncs that meet the same ones in another order would wait for
// each other for ever.
func storeResults(ctx context.Context, tx conn, p Pull, stored *Stored) error {
	stock, err := knownResults(ctx, tx, p.GamePlatformID)
	if err != nil {
		return err
	}
	answer, events := map[string]domain.FlashResult{}, map[string]bool{}
	for _, r := range p.Flash.Results {
		answer[r.Event.ID()], events[r.Event.ID()] = r, true // of one event that comes twice the last counts
	}
	if len(p.Flash.Malformed) == 0 { // otherwise what is missing may stand in a record that could not be read
		for id := range stock {
			events[id] = true
		}
	}
	for _, id := range sortedKeys(events) {
		r, answered := answer[id]
		old, known := stock[id]
		now := knownResult{r.Rank, r.PointsEarned, r.MaxPoints, r.ChallengesSolved, 0}
		switch {
		case !answered:
			err = missResult(ctx, tx, p.GamePlatformID, id, old.missed+1)
			stored.Changed = stored.Changed || old.missed+1 >= withdrawAfter
		case !known || old != now:
			err = storeResult(ctx, tx, p.GamePlatformID, r, !known, p.At)
			old.missed = 0
			stored.Changed = stored.Changed || !known || old != now
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func knownResults(ctx context.Context, tx conn, id string) (map[string]knownResult, error) {
	rows, err := tx.query(ctx, `
		SELECT event_id, rank, points_earned, max_points_possible, challenges_solved, missed_snapshots
		FROM game_platform_flash_ctf_results WHERE syned_user_id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read flash results: %w", err)
	}
	stock := map[string]knownResult{}
	err = each(rows, func() error {
		var event string
		var r knownResult
		if err := rows.Scan(&event, &r.rank, &r.points, &r.maxPoints, &r.solved, &r.missed); err != nil {
			return err
		}
		stock[event] = r
		return nil
	})
	return stock, wrap(err, "read flash results")
}

// participant is 1 where the id is somebody's on the roster, else 0: results of ids that are nobody's any more are kept too.
func participant(id string) string {
	return "(SELECT COUNT(*) FROM competitors WHERE game_platform_id = " + id + ")"
}

func storeResult(ctx context.Context, tx conn, id string, r domain.FlashResult, isNew bool, at time.Time) error {
	event := r.Event.ID()
	if isNew {
		if _, err := tx.exec(ctx, `
			INSERT INTO game_platform_flash_ctf_events AS e (event_id, name, starts_at, first_seen_at, participants)
			VALUES ($1, $2, $3, $4, `+participant("$5")+`)
			ON CONFLICT (event_id) DO UPDATE SET participants = e.participants + excluded.participants`,
			event, r.Event.Name, micros(r.Event.StartsAt), micros(at), id); err != nil {
			return fmt.Errorf("write flash event: %w", err)
		}
	}
	_, err := tx.exec(ctx, `
		INSERT INTO game_platform_flash_ctf_results
			(syned_user_id, event_id, rank, points_earned, max_points_possible, challenges_solved, first_seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (syned_user_id, event_id) DO UPDATE SET
			rank = excluded.rank, points_earned = excluded.points_earned, max_points_possible = excluded.max_points_possible,
			challenges_solved = excluded.challenges_solved, missed_snapshots = 0`,
		id, event, r.Rank, r.PointsEarned, r.MaxPoints, r.ChallengesSolved, micros(at))
	return wrap(err, "write flash result")
}

// missResult notes that snapshots lacked a result, and drops it when there were enough of them.
func missResult(ctx context.Context, tx conn, id, event string, missed int) error {
	if missed < withdrawAfter {
		_, err := tx.exec(ctx, `
			UPDATE game_platform_flash_ctf_results SET missed_snapshots = $3 WHERE syned_user_id = $1 AND event_id = $2`,
			id, event, missed)
		return wrap(err, "miss flash result")
	}
	_, err := tx.exec(ctx, `DELETE FROM game_platform_flash_ctf_results WHERE syned_user_id = $1 AND event_id = $2`, id, event)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE game_platform_flash_ctf_events SET participants = participants - `+participant("$2")+` WHERE event_id = $1`, event, id)
	}
	return wrap(err, "drop flash result")
}

// recountParticipants counts anew who took part in each flash CTF, after the roster changed which results are whose.
func recountParticipants(ctx context.Context, tx conn) error {
	_, err := tx.exec(ctx, `
		UPDATE game_platform_flash_ctf_events SET participants = (
			SELECT COUNT(*) FROM game_platform_flash_ctf_results r JOIN competitors c ON c.game_platform_id = r.syned_user_id
			WHERE r.event_id = game_platform_flash_ctf_events.event_id)`)
	return wrap(err, "recount participants")
}
