package rollout

import "time"

// DayTrials are the trials of one calendar day.
type DayTrials struct {
	Day               time.Time // its start in the portal's zone
	Succeeded, Failed int
	Good              bool // enough trials, and enough of them succeeded
}

// What makes a day good.
const dayShare = .95

// LastDays sums up the windows of the last n calendar days before the one that now is in, oldest first.
func LastDays(windows []Trials, now time.Time, zone *time.Location, n int) []DayTrials {
	year, month, today := now.In(zone).Date()
	days := make([]DayTrials, n)
	for i := range days {
		days[i].Day = time.Date(year, month, today-n+i, 0, 0, 0, 0, zone)
	}
	for _, w := range windows {
		y, m, d := w.From.In(zone).Date()
		for i := range days {
			if yy, mm, dd := days[i].Day.Date(); yy == y && mm == m && dd == d {
				days[i].Succeeded += w.Succeeded
				days[i].Failed += w.Failed
			}
		}
	}
	for i := range days {
		d := &days[i]
		all := d.Succeeded + d.Failed
		d.Good = all >= EnoughToPass && float64(d.Succeeded) >= dayShare*float64(all)
	}
	return days
}

// Clean reports whether enough trials were made and enough of them succeeded.
func Clean(windows []Trials) (all Trials, clean bool) {
	all = sum(windows)
	return all, all.N() >= EnoughToPass && float64(all.Succeeded) >= dayShare*float64(all.N())
}
