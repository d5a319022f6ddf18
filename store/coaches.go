package store

import (
	"context"
	"fmt"
	"slices"

	"flagpole/internal/domain"
)

// CoachRow is a coach with sums over the coach's competitors.
type CoachRow struct {
	domain.Coach
	Deactivated                             bool
	Competitors, OnPlatform, Waiting, Teams int
	Solves, Points                          int64
}

const coachColumns = `c.coach_id, c.name, c.email, c.school, c.region, c.deactivated_at IS NOT NULL, c.competitors, c.on_platform, c.waiting,
	(SELECT COUNT(*) FROM teams t WHERE t.coach_id = c.coach_id), c.odl_solves + c.flash_solves, c.odl_points + c.flash_points`

func scanCoach(scan func(...any) error) (CoachRow, error) {
	var r CoachRow
	err := scan(&r.ID, &r.Name, &r.Email, &r.School, &r.Region, &r.Deactivated, &r.Competitors, &r.OnPlatform, &r.Waiting, &r.Teams, &r.Solves, &r.Points)
	return r, err
}

// coachesByName is the list of the coaches the viewer sees; the words of search stand in their names.
func (sc *Scope) coachesByName(search string) cutting {
	return cutting{
		"coaches c", "c.coach_id",
		func(a *args) string { return sc.visible(a) + wordsIn(a, "c.sort_key", search) },
		sc.visible, keyset{columns: []string{"c.sort_key", "c.coach_id"}},
	}
}

// CoachesPage lists one page of the coaches the viewer sees, by name.
func (sc *Scope) CoachesPage(ctx context.Context, search string, p Page) ([]CoachRow, Place, error) {
	var list []CoachRow
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		whole := sc.coachesByName(search)
		counted, total, err := whole.count(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		rows, err := tx.query(ctx, "SELECT "+coachColumns+" FROM "+whole.page(&a, p), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			r, err := scanCoach(rows.Scan)
			list = append(list, r)
			return err
		})
		place = p.place(counted, len(list), total)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, wrap(err, "list coaches")
}

// EachCoach calls fn for every coach that matches, by name, reading as it goes.
func (sc *Scope) EachCoach(ctx context.Context, search string, fn func(CoachRow) error) error {
	var a args
	whole := sc.coachesByName(search)
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+coachColumns+" FROM coaches c WHERE "+whole.matches(&a)+" ORDER BY "+whole.keyset.order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read coaches: %w", err)
	}
	err = each(rows, func() error {
		r, err := scanCoach(rows.Scan)
		if err != nil {
			return err
		}
		return fn(r)
	})
	return wrap(err, "read coaches")
}

// Coach reads one coach that the viewer sees. Another is a NoSuch error, like one that does not exist.
func (sc *Scope) Coach(ctx context.Context, id string) (CoachRow, error) {
	var a args
	r, err := scanCoach(sc.s.db.reader().row(ctx, "SELECT "+coachColumns+" FROM coaches c WHERE "+sc.visible(&a)+" AND c.coach_id = "+a.add(id), a...).Scan)
	return r, wrap(noSuch(err, "coach"), "read coach")
}
