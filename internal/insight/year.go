// Package insight computes what people are shown of results: growth and calendars. It is pure: it imports domain at most,
// and reads neither clock nor database.
package insight

import "time"

// Year is the calendar days that a year of activity shows: 52 whole weeks and the running one, from a Monday to today. Days
// are named by their noon in UTC, so that no change of the clock makes them longer or shorter.
type Year struct{ First, Last time.Time }

// YearUntil is the year that ends with the day of now in the zone.
func YearUntil(now time.Time, zone *time.Location) Year {
	y, m, d := now.In(zone).Date()
	last := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	return Year{monday(last).AddDate(0, 0, -52*7), last}
}

func monday(day time.Time) time.Time { return day.AddDate(0, 0, -(int(day.Weekday())+6)%7) }

// Weeks are calendar weeks that follow one another, from a Monday on; the last may be unfinished.
type Weeks struct{ First, Last time.Time }

// LastWeeks are the last n weeks of the year, the running one among them.
func (y Year) LastWeeks(n int) Weeks { return Weeks{monday(y.Last).AddDate(0, 0, -7*(n-1)), y.Last} }

// Day is what was gained on a calendar day.
type Day struct {
	Date   time.Time // its noon in UTC
	Points int64
}

// Growth is the points at the end of each week, for each of so many people: total is what they have together now, days are
// what they gained, ascending, from before the first week on.
func (w Weeks) Growth(total int64, days []Day, people int) []float64 {
	before := total
	for _, d := range days {
		if !d.Date.Before(w.First) {
			before -= d.Points
		}
	}
	var ends []float64
	sum, next := before, 0
	for week := w.First; !week.After(w.Last); week = week.AddDate(0, 0, 7) {
		for ; next < len(days) && days[next].Date.Before(week.AddDate(0, 0, 7)); next++ {
			if !days[next].Date.Before(w.First) {
				sum += days[next].Points
			}
		}
		ends = append(ends, float64(sum)/float64(people))
	}
	return ends
}
