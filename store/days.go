package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DaySum is what was solved on a calendar day. Day is its noon in UTC: only the date counts.
type DaySum struct {
	Day            time.Time
	Solves, Points int64
}

// daySums adds up the solves of those whose column has the value by calendar day.
func (sc *Scope) daySums(ctx context.Context, tx conn, column, value string, from, until time.Time, zone *time.Location) ([]DaySum, error) {
	var a args
	rows, err := tx.query(ctx, `
		SELECT `+dayOf("so.solved_at", from, until, zone)+`, COUNT(*), CAST(SUM(so.challenge_points) AS BIGINT)
		FROM competitor_list c JOIN game_platform_challenge_solves so ON so.syned_user_id = c.game_platform_id
		WHERE `+sc.visible(&a)+` AND `+column+` = `+a.add(value)+` AND so.solved_at >= `+a.add(micros(from))+` AND so.solved_at <= `+a.add(micros(until))+`
		GROUP BY 1 ORDER BY 1`, a...)
	if err != nil {
		return nil, fmt.Errorf("solves by day: %w", err)
	}
	var list []DaySum
	err = each(rows, func() error {
		var day int64
		var d DaySum
		err := rows.Scan(&day, &d.Solves, &d.Points)
		d.Day = time.Unix(day*86400+12*3600, 0).UTC()
		list = append(list, d)
		return err
	})
	return list, wrap(err, "solves by day")
}

// dayOf is the number of the calendar day in the zone, counted from 1 January 1970, of a time column that lies between from
// and until. Every change of the clock in between is a case of its own, so days of 23 and 25 hours come out right.
func dayOf(column string, from, until time.Time, zone *time.Location) string {
	var cases strings.Builder
	for t := from.In(zone); ; {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		shift := strconv.Itoa(offset) + "000000"
		if end.IsZero() || end.After(until) {
			if cases.Len() == 0 {
				return "((" + column + " + " + shift + ") / 86400000000)"
			}
			return "((" + column + " + CASE" + cases.String() + " ELSE " + shift + " END) / 86400000000)"
		}
		cases.WriteString(" WHEN " + column + " < " + strconv.FormatInt(micros(end), 10) + " THEN " + shift)
		t = end.In(zone)
	}
}
