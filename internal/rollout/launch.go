package rollout

import "time"

// What a stable production keeps to.
const (
	StableShare   = .95 // of trials that succeed
	StableReports = 5   // problem reports in a week: fewer
)

// Clean reports whether enough trials were made and enough of them succeeded.
func (t Trials) Clean() bool {
	return t.N() >= EnoughToPass && t.CleanShare()
}

// CleanShare reports whether enough of the trials succeeded, however many were made.
func (t Trials) CleanShare() bool { return float64(t.Succeeded) >= StableShare*float64(t.N()) }

// DayTrials are the trials of one calendar day.
type DayTrials struct {
	Day time.Time // its start in the portal's zone
	Trials
}

// LastDays sums up the windows of the last n calendar days before the one that now is in, oldest first.
func LastDays(windows []Trials, now time.Time, zone *time.Location, n int) []DayTrials {
	year, month, today := now.In(zone).Date()
	days := make([]DayTrials, n)
	for i := range days {
		day := time.Date(year, month, today-n+i, 0, 0, 0, 0, zone)
		var of []Trials
		for _, w := range windows {
			if w.From.In(zone).Format(time.DateOnly) == day.Format(time.DateOnly) {
				of = append(of, w)
			}
		}
		days[i] = DayTrials{day, Sum(of)}
	}
	return days
}
