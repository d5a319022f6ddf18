package store

import (
	"context"
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
		return sc.sumsOfCoach(ctx, tx, coachID, b)
	}
	return sc.s.totals.get(b, func() (CompetitorSums, error) { return sc.sumsOfAll(ctx, tx, b) })
}

// sumsOfCoach adds up some dozens of rows in one go.
func (sc *Scope) sumsOfCoach(ctx context.Context, tx conn, coachID string, b domain.Bounds) (CompetitorSums, error) {
	var n CompetitorSums
	var a args
	q := CompetitorQuery{CoachID: coachID}
	err := tx.row(ctx, `
		SELECT COUNT(*), COUNT(c.game_platform_id), CAST(COALESCE(SUM(c.waiting), 0) AS BIGINT), COUNT(DISTINCT c.coach_id),
			CAST(COALESCE(SUM(c.odl_solves + c.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(c.points), 0) AS BIGINT),
			(SELECT COUNT(*) FROM teams c WHERE `+sc.competitors(&a, q)+`),
			COUNT(*) FILTER (WHERE `+activeSince(&a, b)+`), COUNT(*) FILTER (WHERE `+playedThisMonth(&a, b)+`), NULLIF(MAX(c.last_solve_at), 0)
		FROM competitor_list c WHERE `+sc.competitors(&a, q), a...).Scan(n.columns()...)
	return n, wrap(err, "add up")
}

// sumsOfAll takes the sums that are kept with the coaches, and counts in indexes.
func (sc *Scope) sumsOfAll(ctx context.Context, tx conn, b domain.Bounds) (CompetitorSums, error) {
	var n CompetitorSums
	var a args
	all := sc.visible(&a)
	err := tx.row(ctx, `
		SELECT CAST(COALESCE(SUM(c.competitors), 0) AS BIGINT), CAST(COALESCE(SUM(c.on_platform), 0) AS BIGINT),
			CAST(COALESCE(SUM(c.waiting), 0) AS BIGINT), COUNT(*),
			CAST(COALESCE(SUM(c.odl_solves + c.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(c.odl_points + c.flash_points), 0) AS BIGINT),
			(SELECT COUNT(*) FROM teams c WHERE `+all+`),
			(SELECT COUNT(*) FROM competitor_list c WHERE `+all+` AND `+activeSince(&a, b)+`),
			(SELECT COUNT(*) FROM competitor_list c WHERE `+all+` AND `+playedThisMonth(&a, b)+`),
			(SELECT NULLIF(c.last_solve_at, 0) FROM competitor_list c WHERE `+all+` ORDER BY (-c.last_solve_at) LIMIT 1)
		FROM coaches c WHERE `+all+` AND c.competitors > 0`, a...).Scan(n.columns()...)
	return n, wrap(err, "add up")
}

// columns are where both statements put what they give.
func (n *CompetitorSums) columns() []any {
	return []any{&n.Competitors, &n.OnPlatform, &n.Waiting, &n.Coaches, &n.Solves, &n.Points, &n.Teams, &n.Active, &n.InFlashThisMonth, into(&n.LastSolveAt)}
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
