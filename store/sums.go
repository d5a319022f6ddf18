package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flagpole/internal/domain"
)

// CompetitorSums are sums over all of the viewer's competitors, or those of one coach.
type CompetitorSums struct {
	Competitors, OnPlatform, Waiting, Teams, Coaches int
	Active                                           int // with a solve in the last 7 calendar days
	InFlashThisMonth                                 int
	Solves, Points                                   int64
	LastSolveAt                                      time.Time
}

// CompetitorSums adds up the competitors of the coach, or with "" all; those without a team or a solve are counted too.
func (sc *Scope) CompetitorSums(ctx context.Context, coachID string, b domain.Bounds) (CompetitorSums, error) {
	var n CompetitorSums
	err := sc.s.db.view(ctx, func(tx conn) (err error) {
		n, err = sc.sums(ctx, tx, coachID, b)
		return err
	})
	return n, wrap(err, "sum up competitors")
}

// sums are those of CompetitorSums. Those of everybody, which take some milliseconds where there are 100,000, are kept until
// something is written, and for a second at most: another process may write too.
func (sc *Scope) sums(ctx context.Context, tx conn, coachID string, b domain.Bounds) (CompetitorSums, error) {
	if coachID != "" || sc.viewer.Role != domain.RoleAdmin {
		return sc.addUp(ctx, tx, coachID, b)
	}
	return sc.s.totals.get(b, func() (CompetitorSums, error) { return sc.addUp(ctx, tx, coachID, b) })
}

func (sc *Scope) addUp(ctx context.Context, tx conn, coachID string, b domain.Bounds) (CompetitorSums, error) {
	var n CompetitorSums
	var a args
	q := CompetitorQuery{CoachID: coachID, Bounds: b}
	count := func(activity string) string {
		q := q
		q.Activity = activity
		return `(SELECT COUNT(*) FROM competitor_list c WHERE ` + sc.competitors(&a, q) + `)`
	}
	err := tx.row(ctx, `
		SELECT CAST(COALESCE(SUM(c.competitors), 0) AS BIGINT), CAST(COALESCE(SUM(c.on_platform), 0) AS BIGINT),
			CAST(COALESCE(SUM(c.waiting), 0) AS BIGINT), COUNT(*),
			CAST(COALESCE(SUM(c.odl_solves + c.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(c.odl_points + c.flash_points), 0) AS BIGINT),
			(SELECT COUNT(*) FROM teams c WHERE `+sc.competitors(&a, q)+`),
			`+count(string(domain.Active))+`, `+count(InFlashThisMonth)+`,
			(SELECT NULLIF(c.last_solve_at, 0) FROM competitor_list c WHERE `+sc.competitors(&a, q)+` ORDER BY (-c.last_solve_at) LIMIT 1)
		FROM coaches c WHERE c.competitors > 0 AND `+sc.competitors(&a, q), a...).
		Scan(&n.Competitors, &n.OnPlatform, &n.Waiting, &n.Coaches, &n.Solves, &n.Points, &n.Teams, &n.Active, &n.InFlashThisMonth,
			into(&n.LastSolveAt))
	if err != nil {
		return n, fmt.Errorf("add up: %w", err)
	}
	return n, nil
}

// keptFor is how long the sums of everybody are kept where nothing is written.
const keptFor = time.Second

// totalsOfAll keeps the sums of everybody.
type totalsOfAll struct {
	mu     sync.Mutex
	writes int // transactions that may have changed them
	kept   struct {
		writes int
		until  time.Time
		bounds domain.Bounds
		sums   CompetitorSums
	}
}

// changed is called after a transaction that may have changed the sums.
func (t *totalsOfAll) changed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
}

// get gives the kept sums, or reads them. Bounds that differ by less than a day name the same days, but for those of fresh
// syncs, which the sums do not ask for.
func (t *totalsOfAll) get(b domain.Bounds, read func() (CompetitorSums, error)) (CompetitorSums, error) {
	b.FreshSince = time.Time{}
	t.mu.Lock()
	k, writes := t.kept, t.writes
	t.mu.Unlock()
	if k.writes == writes && k.bounds == b && time.Now().Before(k.until) {
		return k.sums, nil
	}
	sums, err := read()
	if err != nil {
		return sums, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.writes, t.kept.until, t.kept.bounds, t.kept.sums = writes, time.Now().Add(keptFor), b, sums
	return sums, nil
}
