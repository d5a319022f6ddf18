package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// PendingQuery says who of those that wait is wanted. What is empty does not narrow it.
type PendingQuery struct {
	Wait    domain.Wait // never WaitAccount
	CoachID string
	Search  string // words of names, emails and teams
}

// PendingRow is a competitor who waits for something before results can come.
type PendingRow struct {
	CompetitorID, Name, CoachID, CoachName string
	Wait                                   domain.Wait
	Since                                  time.Time // for this, as far as is known
	Fault                                  string    // the platform's words, where a step failed
	NextTryAt                              time.Time // of that step
}

// pendingFrom joins what it takes to know for what a competitor (c) waits.
const pendingFrom = `competitor_list c
	JOIN competitors p ON p.competitor_id = c.competitor_id
	JOIN coaches co ON co.coach_id = c.coach_id
	LEFT JOIN game_platform_coaches g ON g.coach_id = c.coach_id
	LEFT JOIN onboarding_faults f ON f.kind = 'account' AND f.subject_id = c.competitor_id
	LEFT JOIN onboarding_faults fc ON fc.kind = 'coach' AND fc.subject_id = c.coach_id`

// waitNow is in SQL for what somebody waits under the rules: what the list has, and what stands behind a missing account.
func (r OnboardingRules) waitNow() string {
	off := "FALSE"
	if !r.Enabled {
		off = "TRUE"
	}
	w := func(w domain.Wait) string { return "'" + string(w) + "'" }
	return `CASE WHEN c.waits_for <> ` + w(domain.WaitAccount) + ` THEN c.waits_for
		WHEN p.status NOT IN ` + r.statuses() + ` THEN ` + w(domain.WaitProfile) + `
		WHEN NOT co.enrolled THEN ` + w(domain.WaitEnrolment) + `
		WHEN ` + off + ` THEN ` + w(domain.WaitOnboarding) + `
		WHEN co.onboarding_confirmed_at IS NULL THEN ` + w(domain.WaitConfirmation) + `
		WHEN f.subject_id IS NOT NULL OR fc.subject_id IS NOT NULL THEN ` + w(domain.WaitFault) + `
		WHEN g.metactf_user_status = '` + string(domain.PlatformDenied) + `' THEN ` + w(domain.WaitCoachDenied) + `
		WHEN COALESCE(g.metactf_user_status, '') IN ('', '` + string(domain.PlatformUnknown) + `') THEN ` + w(domain.WaitCoachAccount) + `
		WHEN g.metactf_user_status <> '` + string(domain.PlatformApproved) + `' THEN ` + w(domain.WaitCoachApproval) + `
		ELSE ` + w(domain.WaitQueued) + ` END`
}

// sinceNow is in SQL since when somebody waits for it.
const sinceNow = `CASE WHEN c.waits_for = 'account' THEN COALESCE(f.since_at, fc.since_at, g.since_at, c.waits_since) ELSE c.waits_since END`

// pending is the list of those who wait.
func (sc *Scope) pending(r OnboardingRules, q PendingQuery) cutting {
	return cutting{pendingFrom, "c.competitor_id", func(a *args) string {
		where := sc.visible(a) + ` AND c.waits_for <> ''`
		if q.Wait != "" {
			where += ` AND ` + r.waitNow() + ` = ` + a.add(string(q.Wait))
		}
		if q.CoachID != "" {
			where += ` AND c.coach_id = ` + a.add(q.CoachID)
		}
		return where + wordsIn(a, "c.search_key", q.Search)
	}, sc.visible, keyset{columns: []string{"c.sort_key", "c.competitor_id"}}}
}

func (r OnboardingRules) pendingColumns() string {
	return `c.competitor_id, p.first_name, p.last_name, c.coach_id, co.name, ` + r.waitNow() + `, ` + sinceNow + `,
		COALESCE(f.error_message, fc.error_message, ''), COALESCE(f.next_due_at, fc.next_due_at)`
}

func scanPending(scan func(...any) error) (PendingRow, error) {
	var row PendingRow
	var c domain.Competitor
	err := scan(&row.CompetitorID, &c.FirstName, &c.LastName, &row.CoachID, &row.CoachName, &row.Wait, into(&row.Since), &row.Fault, into(&row.NextTryAt))
	row.Name = c.Name()
	if row.Wait != domain.WaitFault {
		row.Fault, row.NextTryAt = "", time.Time{}
	}
	return row, err
}

// PendingPage lists one page of those who wait, by name, and counts all of the coach and search by what they wait for. Who may not see
// people's records gets a Denied error.
func (sc *Scope) PendingPage(ctx context.Context, r OnboardingRules, q PendingQuery, p Page) (list []PendingRow, counts map[domain.Wait]int, place Place, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, nil, Place{}, err
	}
	err = sc.s.db.view(ctx, func(tx conn) error {
		if counts, err = sc.pendingCounts(ctx, tx, r, q); err != nil {
			return err
		}
		whole := sc.pending(r, q)
		counted, err := whole.countUpTo(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		rows, err := tx.query(ctx, "SELECT "+r.pendingColumns()+" FROM "+whole.page(&a, p), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			row, err := scanPending(rows.Scan)
			list = append(list, row)
			return err
		})
		total := counts[q.Wait]
		if q.Wait == "" {
			for _, n := range counts {
				total += n
			}
		}
		place = p.place(counted, len(list), total)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, counts, place, wrap(err, "list who waits")
}

func (sc *Scope) pendingCounts(ctx context.Context, tx conn, r OnboardingRules, q PendingQuery) (map[domain.Wait]int, error) {
	q.Wait = ""
	whole := sc.pending(r, q)
	var a args
	rows, err := tx.query(ctx, `SELECT w, COUNT(*) FROM (SELECT `+r.waitNow()+` AS w FROM `+whole.from+` WHERE `+whole.matches(&a)+`) AS waits GROUP BY w`, a...)
	if err != nil {
		return nil, err
	}
	counts := map[domain.Wait]int{}
	err = each(rows, func() error {
		var w domain.Wait
		var n int
		err := rows.Scan(&w, &n)
		counts[w] = n
		return err
	})
	return counts, err
}

// EachPending calls fn for everybody who matches, by name, reading as it goes. Who may not see people's records gets a Denied error.
func (sc *Scope) EachPending(ctx context.Context, r OnboardingRules, q PendingQuery, fn func(PendingRow) error) error {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return err
	}
	whole := sc.pending(r, q)
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+r.pendingColumns()+" FROM "+whole.from+" WHERE "+whole.matches(&a)+" ORDER BY "+whole.keyset.order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read who waits: %w", err)
	}
	err = each(rows, func() error {
		row, err := scanPending(rows.Scan)
		if err != nil {
			return err
		}
		return fn(row)
	})
	return wrap(err, "read who waits")
}
