package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// HeldRemoval is a competitor who would be taken out of a team on the platform.
type HeldRemoval struct {
	CompetitorID, Name, CoachName string
	Team, Wanted                  string // names of teams, or ids where the roster does not have them; Wanted is "" for none
	From                          Assignment
}

// HeldRemovals are the removals that are more than may be made without anybody's word.
type HeldRemovals struct {
	List    []HeldRemoval // the first of them
	Total   int
	Without int    // how many may be made now without anybody's word
	Digest  string // changes with the list
}

// Held reports whether they wait for somebody's word.
func (h HeldRemovals) Held() bool { return h.Total > h.Without }

// HeldRemovals reads the removals that nobody has agreed to, and how many of them need nobody's word. Who may not see people's records
// gets a Denied error.
func (sc *Scope) HeldRemovals(ctx context.Context, r OnboardingRules, limit int) (HeldRemovals, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return HeldRemovals{}, err
	}
	var h HeldRemovals
	err := sc.s.db.view(ctx, func(tx conn) (err error) {
		if h.List, h.Digest, err = openRemovals(ctx, tx); err != nil {
			return err
		}
		h.Total, h.List = len(h.List), h.List[:min(len(h.List), limit)]
		h.Without, err = removalBudget(ctx, tx, r, sc.s.clock())
		return err
	})
	return h, wrap(err, "list held removals")
}

// openRemovals lists the removals that nobody has agreed to.
func openRemovals(ctx context.Context, tx conn) (list []HeldRemoval, digest string, err error) {
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.first_name, c.last_name, co.name, a.syned_user_id, a.syned_team_id,
			COALESCE((SELECT name FROM teams t WHERE t.team_id = a.syned_team_id), a.syned_team_id), COALESCE((SELECT name FROM teams t WHERE t.team_id = `+wantedTeam+`), '')`+
		assigned+` AND `+toRemove+`
			AND NOT EXISTS (SELECT 1 FROM confirmed_removals k WHERE k.syned_user_id = a.syned_user_id AND k.syned_team_id = a.syned_team_id)
		ORDER BY c.competitor_id`)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	err = each(rows, func() error {
		var h HeldRemoval
		var c domain.Competitor
		if err := rows.Scan(&h.CompetitorID, &c.FirstName, &c.LastName, &h.CoachName, &h.From.UserID, &h.From.TeamID, &h.Team, &h.Wanted); err != nil {
			return err
		}
		h.Name = c.Name()
		fmt.Fprintf(sum, "%q %q\n", h.From.UserID, h.From.TeamID)
		list = append(list, h)
		return nil
	})
	return list, hex.EncodeToString(sum.Sum(nil)[:16]), err
}

// ConfirmRemovals agrees to the removals of a list that was shown. Where the list is another by now, that is a Clash error.
func (sc *Scope) ConfirmRemovals(ctx context.Context, digest string) error {
	return sc.edit(ctx, "confirm removals", func(tx conn) error {
		list, now, err := openRemovals(ctx, tx)
		switch {
		case err != nil:
			return err
		case len(list) == 0:
			return domain.Errorf(domain.Clash, "Nobody is to be taken out of a team any more.")
		case now != digest:
			return domain.Errorf(domain.Clash, "The list has changed since you looked.").WithHint("This is how it is now. Look again, then confirm.")
		}
		var agreed [][]any // to these and no others: more may have come up by now
		for _, h := range list {
			agreed = append(agreed, []any{h.From.UserID, h.From.TeamID, sc.s.now(), sc.viewer.UserID})
		}
		err = inBatches(ctx, tx, agreed, func(values string) string {
			return `INSERT INTO confirmed_removals (syned_user_id, syned_team_id, confirmed_at, confirmed_by) VALUES ` + values + `
				ON CONFLICT (syned_user_id, syned_team_id) DO NOTHING`
		})
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, "onboarding.removals", "", fmt.Sprintf("competitors=%d", len(list)))
	})
}

// AssignmentDrift is a competitor whom somebody put elsewhere on the platform than the portal did.
type AssignmentDrift struct {
	CompetitorID, Name, CoachName string
	Wanted                        string // name of the roster's team; "" for none
	Theirs                        string // name of the platform's, or its id; "" for none
	TheirsID                      string
	SinceAt                       time.Time // when it was first seen
}

// TotalsDrift is a competitor whose ODL totals the platform puts otherwise than the solves it gave us add up to.
type TotalsDrift struct {
	CompetitorID, Name, CoachName string
	Drift
}

// TeamDrift is a team that is called otherwise on the platform.
type TeamDrift struct{ TeamID, Name, CoachName, Theirs string }

// DriftLists are all differences between what is here and what is there: the first of each kind, and how many there are.
type DriftLists struct {
	Assignments                               []AssignmentDrift
	Totals                                    []TotalsDrift
	Teams                                     []TeamDrift
	AssignmentsTotal, TotalsTotal, TeamsTotal int
	ReadAt                                    time.Time // of all assignments; zero: never
}

// DriftPage reads where the platform differs from the roster and the stored solves. Who may not see people's records gets a Denied error.
func (sc *Scope) DriftPage(ctx context.Context, limit int) (DriftLists, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return DriftLists{}, err
	}
	var d DriftLists
	err := sc.s.db.view(ctx, func(tx conn) error {
		for _, part := range []func(context.Context, conn, int, *DriftLists) error{readAssignmentDrift, readTotalsDrift, readTeamDrift} {
			if err := part(ctx, tx, limit, &d); err != nil {
				return err
			}
		}
		return tx.row(ctx, `SELECT MAX(read_at) FROM assignment_reads`).Scan(into(&d.ReadAt))
	})
	return d, wrap(err, "read drift")
}

func readAssignmentDrift(ctx context.Context, tx conn, limit int, d *DriftLists) error {
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.first_name, c.last_name, co.name, COALESCE((SELECT name FROM teams t WHERE t.team_id = `+wantedTeam+`), ''),
			`+theirs+`, COALESCE((SELECT name FROM teams t WHERE t.team_id = a.syned_team_id), a.syned_team_id), a.since_at, COUNT(*) OVER ()
		FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
		WHERE `+drifted+` ORDER BY c.sort_key, c.competitor_id LIMIT $1`, limit)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var one AssignmentDrift
		var c domain.Competitor
		err := rows.Scan(&one.CompetitorID, &c.FirstName, &c.LastName, &one.CoachName, &one.Wanted, &one.TheirsID, &one.Theirs, into(&one.SinceAt), &d.AssignmentsTotal)
		one.Name = c.Name()
		d.Assignments = append(d.Assignments, one)
		return err
	})
}

func readTotalsDrift(ctx context.Context, tx conn, limit int, d *DriftLists) error {
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.first_name, c.last_name, co.name, s.platform_totals_at, n.solves, n.points, s.platform_odl_solves, s.platform_odl_points, COUNT(*) OVER ()
		FROM game_platform_stats s
		JOIN competitors c ON c.game_platform_id = s.syned_user_id
		JOIN coaches co ON co.coach_id = c.coach_id
		JOIN (SELECT so.syned_user_id, COUNT(*) AS solves, CAST(SUM(so.challenge_points) AS BIGINT) AS points
			FROM game_platform_challenge_solves so JOIN game_platform_stats st ON st.syned_user_id = so.syned_user_id
			WHERE so.source = 'odl' AND so.first_seen_at <= st.platform_totals_at AND (st.odl_solves <> st.platform_odl_solves OR st.odl_points <> st.platform_odl_points)
			GROUP BY so.syned_user_id) n ON n.syned_user_id = s.syned_user_id
		WHERE s.platform_totals_at IS NOT NULL AND (n.solves <> s.platform_odl_solves OR n.points <> s.platform_odl_points)
		ORDER BY c.sort_key, c.competitor_id LIMIT $1`, limit)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var one TotalsDrift
		var c domain.Competitor
		err := rows.Scan(&one.CompetitorID, &c.FirstName, &c.LastName, &one.CoachName, into(&one.At), &one.OurSolves, &one.OurPoints, &one.TheirSolves, &one.TheirPoints, &d.TotalsTotal)
		one.Name = c.Name()
		d.Totals = append(d.Totals, one)
		return err
	})
}

func readTeamDrift(ctx context.Context, tx conn, limit int, d *DriftLists) error {
	rows, err := tx.query(ctx, `
		SELECT t.team_id, t.name, co.name, m.team_name, COUNT(*) OVER ()
		FROM game_platform_teams m JOIN teams t ON t.team_id = m.syned_team_id JOIN coaches co ON co.coach_id = t.coach_id
		WHERE m.team_name <> '' AND m.team_name <> t.name ORDER BY t.sort_key, t.team_id LIMIT $1`, limit)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var one TeamDrift
		err := rows.Scan(&one.TeamID, &one.Name, &one.CoachName, &one.Theirs, &d.TeamsTotal)
		d.Teams = append(d.Teams, one)
		return err
	})
}

// ApplyDrift has the roster win for a competitor whom somebody put elsewhere on the platform. theirsID is where the page showed them, ""
// for in no team; where that is not so any more, it is a Clash error.
func (sc *Scope) ApplyDrift(ctx context.Context, competitorID, theirsID string) error {
	return sc.edit(ctx, "apply drift", func(tx conn) error {
		c, err := rosterCompetitor(ctx, tx, competitorID)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE game_platform_assignments AS k SET ours_team_id = syned_team_id
			WHERE syned_user_id = $1 AND syned_team_id = $2 AND EXISTS (
				SELECT 1 FROM competitors c JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
				WHERE c.competitor_id = $3 AND a.syned_user_id = k.syned_user_id AND `+drifted+`)`, c.GamePlatformID, theirsID, competitorID)
		if err != nil {
			return err
		}
		if n == 0 {
			return domain.Errorf(domain.Clash, "%s does not differ from the platform like that any more.", c.Name()).WithHint("Nothing was changed. Look at the list again.")
		}
		if theirsID != "" {
			_, err = tx.exec(ctx, `
				INSERT INTO confirmed_removals (syned_user_id, syned_team_id, confirmed_at, confirmed_by) VALUES ($1, $2, $3, $4)
				ON CONFLICT (syned_user_id, syned_team_id) DO NOTHING`, c.GamePlatformID, theirsID, sc.s.now(), sc.viewer.UserID)
			if err != nil {
				return err
			}
		}
		return sc.audit(ctx, tx, "drift.apply", competitorID, "")
	})
}
