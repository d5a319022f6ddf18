package store

import (
	"context"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
)

// Gauges are what is to be seen from outside of how things are, at one moment.
type Gauges struct {
	Facts   alert.Facts
	Fresh   Freshnesses
	Next    NextSyncs
	Overdue int // due for more than an hour
	Open    map[domain.FailureClass]int
	Alerts  []Alert
}

// overdueAfter is how long somebody may be due before it counts as overdue.
const overdueAfter = time.Hour

// Gauges reads them. off says that the integration is switched off.
func (sys *System) Gauges(ctx context.Context, now time.Time, off bool) (g Gauges, err error) {
	if g.Facts, err = sys.AlertFacts(ctx, now, off); err != nil {
		return g, err
	}
	if g.Alerts, err = sys.Alerts(ctx, now); err != nil {
		return g, err
	}
	err = sys.s.db.view(ctx, func(tx conn) error {
		var h SyncHealth
		if err := h.readStates(ctx, tx, now); err != nil {
			return err
		}
		if err := h.readNext(ctx, tx, now); err != nil {
			return err
		}
		g.Fresh, g.Next = h.Fresh, h.Next
		var a args
		from := targetsOf(&a, Selection{DueBy: now.Add(-overdueAfter)})
		if err := tx.row(ctx, `SELECT COUNT(*)`+from+` AND st.next_due_at > 0`, a...).Scan(&g.Overdue); err != nil {
			return err
		}
		g.Open, err = openByClass(ctx, tx)
		return err
	})
	return g, wrap(err, "read gauges")
}

// openByClass counts the open failures that nobody has cleared.
func openByClass(ctx context.Context, tx conn) (map[domain.FailureClass]int, error) {
	rows, err := tx.query(ctx, `
		SELECT c.class, CAST(SUM(s.competitors) AS BIGINT) FROM failure_sums s JOIN failure_causes c ON c.fingerprint = s.fingerprint
		WHERE s.coach_id = '' AND s.state = $1 GROUP BY c.class`, openSum)
	if err != nil {
		return nil, err
	}
	open := map[domain.FailureClass]int{}
	err = each(rows, func() error {
		var class domain.FailureClass
		var n int
		err := rows.Scan(&class, &n)
		open[class] = n
		return err
	})
	return open, err
}
