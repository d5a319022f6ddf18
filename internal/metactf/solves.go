package metactf

import (
	"encoding/json"
	"math"

	"flagpole/internal/domain"
)

type wireSolve struct {
	SolveID     integer `json:"challenge_solve_id"`
	ChallengeID integer `json:"challenge_id"`
	Title       text    `json:"challenge_title"`
	Points      integer `json:"challenge_points"`
	Category    text    `json:"challenge_category"`
	SolvedAt    integer `json:"timestamp_unix"`
	Retired     boolean `json:"challenge_retired"`
	WorkRoles   texts   `json:"nist_nice_work_roles"`
}

// fault says why the record cannot be stored, or "".
func (w *wireSolve) fault() string {
	return firstFault(
		w.SolveID.required("challenge_solve_id", math.MinInt64, math.MaxInt64),
		w.ChallengeID.required("challenge_id", math.MinInt64, math.MaxInt64),
		w.Points.required("challenge_points", 0, maxNumber+1),
		w.SolvedAt.required("timestamp_unix", earliest, latest),
		w.Title.optional("challenge_title"),
		w.Category.optional("challenge_category"),
		w.Retired.optional("challenge_retired"),
		w.WorkRoles.optional("nist_nice_work_roles"),
	)
}

func (w *wireSolve) solve(source domain.Source, eventID string) domain.Solve {
	return domain.Solve{
		SolveKey: domain.SolveKey{
			Source:           source,
			EventID:          eventID,
			ChallengeSolveID: w.SolveID.value,
			ChallengeID:      w.ChallengeID.value,
		},
		Title:     w.Title.value,
		Category:  w.Category.value,
		Points:    w.Points.value,
		Retired:   w.Retired.value,
		WorkRoles: w.WorkRoles.values,
		SolvedAt:  w.SolvedAt.time(),
	}
}

// readSolves reads each record alone. Of records with one key the last is kept: they state the same fact, and one
// such pair once aborted a whole batch.
func (c *Client) readSolves(records []json.RawMessage, source domain.Source, eventID, where string) (
	solves []domain.Solve, malformed []domain.Quarantined) {
	place := make(map[domain.SolveKey]int, len(records))
	for _, raw := range records {
		var w wireSolve
		if fault := c.readRecord(raw, &w, where); fault != "" {
			malformed = append(malformed, quarantine(source, raw, fault))
			continue
		}
		solve := w.solve(source, eventID)
		if i, twice := place[solve.SolveKey]; twice {
			solves[i] = solve
			continue
		}
		place[solve.SolveKey] = len(solves)
		solves = append(solves, solve)
	}
	return solves, malformed
}

// readRecord reads one solve and says why it cannot be stored, or "".
func (c *Client) readRecord(raw []byte, w *wireSolve, where string) string {
	if fault := c.readObject(raw, w, where); fault != "" {
		return "the solve " + fault
	}
	return w.fault()
}
