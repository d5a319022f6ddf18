package store

import (
	"context"

	"flagpole/internal/domain"
)

// openSum is the state in failure_sums of all that are not cleared.
const openSum = "open"

type sumKey struct{ fingerprint, coachID, state string }

// sumChanges are by how much sums change.
type sumChanges map[sumKey]int

// add counts failures of a coach in a state, and in what sums them up. By cause and by coach the sums of all are made of these
// in write.
func (s sumChanges) add(fingerprint, coachID string, state domain.FailureState, n int) {
	states := []string{string(state)}
	if state != domain.FailureCleared {
		states = append(states, openSum)
	}
	for _, state := range states {
		s[sumKey{fingerprint, coachID, state}] += n
		s[sumKey{"", coachID, state}] += n
	}
}

// write changes the sums of coaches, and then those of all coaches: by how many competitors, and by how many coaches who had
// none or have none any more.
func (s sumChanges) write(ctx context.Context, tx conn) error {
	var rows [][]any
	for key, n := range s {
		if n != 0 {
			rows = append(rows, []any{key.fingerprint, key.coachID, key.state, n})
		}
	}
	type change struct{ competitors, coaches int }
	all := map[sumKey]change{}
	for size := maxBatch; len(rows) > 0; {
		for size > len(rows) {
			size /= 2
		}
		var a args
		for _, row := range rows[:size] {
			a = append(a, row...)
		}
		rows = rows[size:]
		after, err := tx.query(ctx, `
			INSERT INTO failure_sums AS s (fingerprint, coach_id, state, competitors) VALUES `+tuples(size, 4)+`
			ON CONFLICT (coach_id, fingerprint, state) DO UPDATE SET competitors = s.competitors + excluded.competitors
			RETURNING fingerprint, coach_id, state, competitors`, a...)
		if err != nil {
			return err
		}
		err = each(after, func() error {
			var key sumKey
			var now int
			if err := after.Scan(&key.fingerprint, &key.coachID, &key.state, &now); err != nil {
				return err
			}
			n := s[key]
			key.coachID = ""
			c := all[key]
			c.competitors += n
			switch now {
			case 0:
				c.coaches--
			case n:
				c.coaches++
			}
			all[key] = c
			return nil
		})
		if err != nil {
			return err
		}
	}
	var sums [][]any
	for key, c := range all {
		sums = append(sums, []any{key.fingerprint, "", key.state, c.competitors, c.coaches})
	}
	err := inBatches(ctx, tx, sums, func(values string) string {
		return `INSERT INTO failure_sums AS s (fingerprint, coach_id, state, competitors, coaches) VALUES ` + values + `
			ON CONFLICT (coach_id, fingerprint, state) DO UPDATE SET
				competitors = s.competitors + excluded.competitors, coaches = s.coaches + excluded.coaches`
	})
	if err != nil || len(sums) == 0 {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM failure_sums WHERE competitors = 0`)
	return err
}
