package views

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Number writes n with a comma between thousands: 1,113.
func Number[N int | int64](n N) string { return domain.Number(n) }

// Plural writes a count with its word: "1 solve", "1,113 solves".
func Plural[N int | int64](n N, one, many string) string { return domain.Plural(n, one, many) }

// noun is the word that goes with a count.
func noun[N int | int64](n N, one, many string) string { return domain.Noun(n, one, many) }

// Relative says when t was or will be, as seen at now: "just now", "12 min ago", "5 h ago" (under 20 hours),
// "yesterday", "19 days ago" (under 21), then "31 Oct"; what lies ahead goes by the clock: "at 22:53",
// "Fri 02:50". Days are calendar days in zone.
func Relative(t, now time.Time, zone *time.Location) string {
	t, now = in(t, zone), in(now, zone)
	ago, days := now.Sub(t), calendarDays(t, now)
	switch {
	case ago < 0:
		return ahead(t, now)
	case ago < time.Minute:
		return "just now"
	case ago < time.Hour:
		return strconv.Itoa(int(ago/time.Minute)) + " min ago"
	case ago < 20*time.Hour || days == 0:
		return strconv.Itoa(int(ago/time.Hour)) + " h ago"
	case days == 1:
		return "yesterday"
	case days < 21:
		return strconv.Itoa(days) + " days ago"
	}
	return Day(t, now, zone)
}

// ahead says when a time after now will be: the clock today, the weekday within a week, else the date.
func ahead(t, now time.Time) string {
	switch days := -calendarDays(t, now); {
	case days == 0:
		return "at " + t.Format("15:04")
	case days < 7:
		return t.Format("Mon 15:04")
	}
	return Stamp(t, now, t.Location())
}

// Day is the date, with the year when it is not now's: "31 Oct", "31 Oct 2025".
func Day(t, now time.Time, zone *time.Location) string {
	t, now = in(t, zone), in(now, zone)
	if t.Year() != now.Year() {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2 Jan")
}

// Stamp is the date and the clock: "31 Oct, 11:48", "31 Oct 2025, 11:48".
func Stamp(t, now time.Time, zone *time.Location) string {
	return Day(t, now, zone) + ", " + in(t, zone).Format("15:04")
}

// Full is the whole time with its zone: "Wed 18 Nov 2026, 22:47 PST".
func Full(t time.Time, zone *time.Location) string {
	return in(t, zone).Format("Mon 2 Jan 2006, 15:04 MST")
}

// Took is a duration as people say it: "under 1 s", "11 s", "3 min 04 s", "1 h 05 min".
func Took(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
}

// ZoneName is the zone as the foot of the page names it: "UTC", "America/Los_Angeles".
func ZoneName(zone *time.Location) string {
	if zone == nil {
		return "UTC"
	}
	return zone.String()
}

// share is part of whole in percent, as SVG takes it: "80.0%". It stays between 0 and 100.
func share(part, whole int64) string {
	if whole <= 0 || part <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(min(part, whole))/float64(whole))
}

// calendarDays counts the midnights from t to now, both in one zone. Days of 23 or 25 hours count as one.
func calendarDays(t, now time.Time) int {
	return int(midnight(now).Sub(midnight(t)) / (24 * time.Hour))
}

// midnight is the day of t in UTC, where every day has 24 hours.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func in(t time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone)
}

// machine is t for the datetime attribute.
func machine(t time.Time, zone *time.Location) string { return in(t, zone).Format(time.RFC3339) }

// figure splits "19 days ago" into its number and the rest, which is set smaller; other texts stay whole.
func figure(text string) (large, small string) {
	if number, rest, ok := strings.Cut(text, " "); ok && strings.HasSuffix(rest, " ago") {
		return number, rest
	}
	return text, ""
}

// joined puts a middle dot between the texts that are not empty.
func joined(texts ...string) string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " · ")
}
