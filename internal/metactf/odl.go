package metactf

import (
	"context"
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// ODLScores is what one competitor did in on-demand learning.
type ODLScores struct {
	Filtered     bool      // only solves from some time on were asked for: the totals may be filtered along
	TotalSolves  *int64    // the platform's own count; nil when it did not say
	TotalPoints  *int64    // the platform's own sum; nil when it did not say
	LastAccessed time.Time // last seen on the platform; zero: never, or it did not say
	Solves       []domain.Solve
	Malformed    []domain.Quarantined // records that could not be read; with any, Solves is not a full snapshot
}

type wireODL struct {
	SynedID        text    `json:"syned_user_id" wire:"optional"`
	UserID         ignored `json:"metactf_user_id"`
	TotalSolves    integer `json:"total_challenges_solved"`
	TotalPoints    integer `json:"total_points"`
	LastAccessed   integer `json:"last_accessed_unix_timestamp"`
	CategoryPoints ignored `json:"category_points"`
	Solves         list    `json:"challenge_solves"`
}

// ODLScores asks for one competitor's solves: all of them, or with after those since that time, in whole seconds
// and rounded down. An answer without a list of solves, or about another user, is class malformed: taken for an
// empty one it would withdraw all that is stored.
func (c *Client) ODLScores(ctx context.Context, id string, after time.Time) (ODLScores, error) {
	q := userCall("/scores/get_odl_scores", id)
	if !after.IsZero() {
		q.query.Set("after_time_unix", strconv.FormatInt(after.Unix(), 10))
	}
	var scores ODLScores
	err := c.askAbout(ctx, q, func(a answer) error {
		var w wireODL
		if err := c.read(a, &w); err != nil {
			return err
		}
		if fault := firstFault(w.SynedID.mustName(id), w.Solves.required("challenge_solves")); fault != "" {
			return a.malformed(fault)
		}
		scores = ODLScores{
			Filtered:     !after.IsZero(),
			TotalSolves:  w.TotalSolves.pointer(),
			TotalPoints:  w.TotalPoints.pointer(),
			LastAccessed: w.LastAccessed.time(),
		}
		scores.Solves, scores.Malformed = c.readSolves(w.Solves.items, domain.SourceODL, "", q.endpoint()+": challenge_solves.")
		return nil
	})
	return scores, err
}
