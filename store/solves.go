package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// withdrawAfter is how many snapshots in a row must lack a row before it is taken as withdrawn.
const withdrawAfter = 2

// snapshot is one source's part of an answer about one competitor.
type snapshot struct {
	id        string
	source    domain.Source
	complete  bool // holds everything the platform has; otherwise only what is newer than the cursor
	solves    []domain.Solve
	malformed []domain.Quarantined
	at        time.Time
}

// trusted reports whether a row that is missing here may be taken as missing on the platform.
func (p snapshot) trusted() bool { return p.complete && len(p.malformed) == 0 }

// known is a stored solve and how many snapshots in a row have lacked it.
type known struct {
	solve  domain.Solve
	missed int
}

func (p snapshot) store(ctx context.Context, tx conn, stored *Stored) error {
	stock, err := p.stock(ctx, tx)
	if err != nil {
		return err
	}
	var write, back []domain.Solve
	fresh := 0
	seen := make(map[domain.SolveKey]bool, len(p.solves))
	for _, s := range p.solves {
		if seen[s.SolveKey] {
			continue
		}
		seen[s.SolveKey] = true
		old, ok := stock[s.SolveKey]
		switch {
		case !ok:
			fresh++
			write = append(write, s)
		case !old.solve.SameAs(s):
			write = append(write, s)
		case old.missed > 0:
			back = append(back, s)
		}
	}
	if err := upsertSolves(ctx, tx, p.id, write, p.at); err != nil {
		return err
	}
	if err := storeChallenges(ctx, tx, write); err != nil {
		return err
	}
	if err := setMissed(ctx, tx, p.id, back, 0); err != nil {
		return err
	}
	gone, err := p.storeMissing(ctx, tx, stock, seen)
	if err != nil {
		return err
	}
	if fresh > 0 {
		if err := forgetWithdrawn(ctx, tx, p.id); err != nil {
			return err
		}
	}
	stored.NewSolves += fresh
	stored.Changed = stored.Changed || len(write) > 0 || gone > 0
	return p.quarantine(ctx, tx)
}

// storeMissing counts the misses of stored rows this snapshot lacks, and withdraws those that were missed often enough.
func (p snapshot) storeMissing(ctx context.Context, tx conn, stock map[domain.SolveKey]known, seen map[domain.SolveKey]bool) (gone int, err error) {
	if !p.trusted() {
		return 0, nil
	}
	var missed, withdrawn []domain.Solve
	for key, k := range stock {
		switch {
		case seen[key]:
		case k.missed+1 >= withdrawAfter:
			withdrawn = append(withdrawn, k.solve)
		default:
			missed = append(missed, k.solve)
		}
	}
	if err := setMissed(ctx, tx, p.id, missed, 1); err != nil {
		return 0, err
	}
	for _, s := range withdrawn {
		if err := withdraw(ctx, tx, p.id, s.SolveKey, p.at); err != nil {
			return 0, err
		}
	}
	return len(withdrawn), nil
}

// stock reads the stored solves of the answer's source. After a cursor too all of them are read: a solve may come back
// with another date.
func (p snapshot) stock(ctx context.Context, tx conn) (map[domain.SolveKey]known, error) {
	if !p.complete && len(p.solves) == 0 {
		return nil, nil // nothing to compare
	}
	rows, err := tx.query(ctx, `
		SELECT event_id, challenge_solve_id, challenge_id, challenge_title, challenge_category, challenge_points,
			challenge_retired, nist_nice_work_roles, solved_at, missed_snapshots
		FROM game_platform_challenge_solves WHERE syned_user_id = $1 AND source = $2`, p.id, string(p.source))
	if err != nil {
		return nil, fmt.Errorf("read solves: %w", err)
	}
	stock := map[domain.SolveKey]known{}
	err = each(rows, func() error {
		k := known{solve: domain.Solve{SolveKey: domain.SolveKey{Source: p.source}}}
		s := &k.solve
		if err := rows.Scan(&s.EventID, &s.ChallengeSolveID, &s.ChallengeID, &s.Title, &s.Category, &s.Points,
			&s.Retired, jsonList{&s.WorkRoles}, into(&s.SolvedAt), &k.missed); err != nil {
			return err
		}
		stock[s.SolveKey] = k
		return nil
	})
	return stock, wrap(err, "read solves")
}

// solvesAtOnce bounds one statement: 13 arguments a row stay far below the limits of both databases.
const solvesAtOnce = 100

func upsertSolves(ctx context.Context, tx conn, id string, solves []domain.Solve, at time.Time) error {
	for len(solves) > 0 {
		n := min(len(solves), solvesAtOnce)
		var a args
		for _, s := range solves[:n] {
			a = append(a, id, string(s.Source), s.EventID, s.ChallengeSolveID, s.ChallengeID, s.Title, s.Category,
				domain.CategoryOf(s.Category).Key, s.Points, s.Retired, listJSON(s.WorkRoles), micros(s.SolvedAt), micros(at))
		}
		_, err := tx.exec(ctx, `
			INSERT INTO game_platform_challenge_solves (syned_user_id, source, event_id, challenge_solve_id, challenge_id,
				challenge_title, challenge_category, category_key, challenge_points, challenge_retired,
				nist_nice_work_roles, solved_at, first_seen_at)
			VALUES `+tuples(n, 13)+`
			ON CONFLICT (syned_user_id, source, event_id, challenge_solve_id, challenge_id) DO UPDATE SET
				challenge_title = excluded.challenge_title, challenge_category = excluded.challenge_category,
				category_key = excluded.category_key, challenge_points = excluded.challenge_points,
				challenge_retired = excluded.challenge_retired, nist_nice_work_roles = excluded.nist_nice_work_roles,
				solved_at = excluded.solved_at, missed_snapshots = 0`, a...)
		if err != nil {
			return fmt.Errorf("write solves: %w", err)
		}
		solves = solves[n:]
	}
	return nil
}

// setMissed notes how many snapshots in a row have lacked each of the solves.
func setMissed(ctx context.Context, tx conn, id string, solves []domain.Solve, missed int) error {
	for _, s := range solves {
		_, err := tx.exec(ctx, `
			UPDATE game_platform_challenge_solves SET missed_snapshots = $6
			WHERE syned_user_id = $1 AND source = $2 AND event_id = $3 AND challenge_solve_id = $4 AND challenge_id = $5`,
			id, string(s.Source), s.EventID, s.ChallengeSolveID, s.ChallengeID, missed)
		if err != nil {
			return fmt.Errorf("count misses: %w", err)
		}
	}
	return nil
}

// withdraw moves a solve to the withdrawn ones.
func withdraw(ctx context.Context, tx conn, id string, k domain.SolveKey, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO game_platform_withdrawn_solves (syned_user_id, source, event_id, challenge_solve_id, challenge_id,
			challenge_title, challenge_category, category_key, challenge_points, challenge_retired,
			nist_nice_work_roles, solved_at, first_seen_at, withdrawn_at)
		SELECT syned_user_id, source, event_id, challenge_solve_id, challenge_id,
			challenge_title, challenge_category, category_key, challenge_points, challenge_retired,
			nist_nice_work_roles, solved_at, first_seen_at, CAST($6 AS BIGINT)
		FROM game_platform_challenge_solves
		WHERE syned_user_id = $1 AND source = $2 AND event_id = $3 AND challenge_solve_id = $4 AND challenge_id = $5
		ON CONFLICT (syned_user_id, source, event_id, challenge_solve_id, challenge_id) DO UPDATE SET
			withdrawn_at = excluded.withdrawn_at`,
		id, string(k.Source), k.EventID, k.ChallengeSolveID, k.ChallengeID, micros(at))
	if err != nil {
		return fmt.Errorf("withdraw solve: %w", err)
	}
	_, err = tx.exec(ctx, `
		DELETE FROM game_platform_challenge_solves
		WHERE syned_user_id = $1 AND source = $2 AND event_id = $3 AND challenge_solve_id = $4 AND challenge_id = $5`,
		id, string(k.Source), k.EventID, k.ChallengeSolveID, k.ChallengeID)
	return wrap(err, "withdraw solve")
}

// forgetWithdrawn drops withdrawn solves that the platform has given back.
func forgetWithdrawn(ctx context.Context, tx conn, id string) error {
	_, err := tx.exec(ctx, `
		DELETE FROM game_platform_withdrawn_solves
		WHERE syned_user_id = $1 AND EXISTS (
			SELECT 1 FROM game_platform_challenge_solves s
			WHERE s.syned_user_id = game_platform_withdrawn_solves.syned_user_id AND s.source = game_platform_withdrawn_solves.source
				AND s.event_id = game_platform_withdrawn_solves.event_id
				AND s.challenge_solve_id = game_platform_withdrawn_solves.challenge_solve_id
				AND s.challenge_id = game_platform_withdrawn_solves.challenge_id)`, id)
	return wrap(err, "give back withdrawn solves")
}

// jsonList reads a JSON list of texts.
type jsonList struct{ list *[]string }

// Scan implements sql.Scanner.
func (j jsonList) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		b, isBytes := src.([]byte)
		if !isBytes {
			return fmt.Errorf("a list column holds a %T", src)
		}
		text = string(b)
	}
	*j.list = nil
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), j.list)
}

// listJSON writes a list of texts as JSON; a nil list is "[]".
func listJSON(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of texts always has a JSON form
	}
	return string(b)
}
