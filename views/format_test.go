package views

import (
	"testing"
	"time"
)

func pacific(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestRelative(t *testing.T) {
	zone := pacific(t)
	at := func(text string) time.Time {
		t.Helper()
		got, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return got.UTC()
	}
	const noon = "2026-11-19 12:00:00"
	tests := []struct{ name, now, t, want string }{
		{"this moment", noon, noon, "just now"},
		{"under a minute", noon, "2026-11-19 11:59:01", "just now"},
		{"a minute", noon, "2026-11-19 11:59:00", "1 min ago"},
		{"under an hour", noon, "2026-11-19 11:00:01", "59 min ago"},
		{"an hour", noon, "2026-11-19 11:00:00", "1 h ago"},
		{"under twenty hours, the day before", noon, "2026-11-18 16:00:01", "19 h ago"},
		{"twenty hours", noon, "2026-11-18 16:00:00", "yesterday"},
		{"the start of yesterday", noon, "2026-11-18 00:00:00", "yesterday"},
		{"more than twenty hours on one day", "2026-11-19 23:00:00", "2026-11-19 00:30:00", "22 h ago"},
		{"the end of the day before yesterday", noon, "2026-11-17 23:59:59", "2 days ago"},
		{"twenty days", noon, "2026-10-30 23:59:59", "20 days ago"},
		{"twenty-one days", noon, "2026-10-29 23:59:59", "29 Oct"},
		{"another year", noon, "2025-12-31 23:59:59", "31 Dec 2025"},
		{"another year, not long ago", "2027-01-02 12:00:00", "2026-12-31 12:00:00", "2 days ago"},
		{"ahead today", noon, "2026-11-19 22:53:00", "at 22:53"},
		{"ahead tomorrow", noon, "2026-11-20 02:50:00", "Fri 02:50"},
		{"ahead within a week", noon, "2026-11-25 23:59:00", "Wed 23:59"},
		{"ahead a week", noon, "2026-11-26 02:50:00", "26 Nov, 02:50"},
		{"ahead next year", "2026-12-31 12:00:00", "2027-01-08 02:50:00", "8 Jan 2027, 02:50"},
		// Summer time ends on 1 November 2026 (25 hours) and begins on 14 March 2027 (23 hours).
		{"yesterday had 25 hours", "2026-11-02 00:30:00", "2026-11-01 00:00:00", "yesterday"},
		{"across a day of 25 hours", "2026-11-02 12:00:00", "2026-10-31 23:30:00", "2 days ago"},
		{"today has 25 hours", "2026-11-01 23:30:00", "2026-11-01 00:00:00", "24 h ago"},
		{"yesterday had 23 hours", "2027-03-15 12:00:00", "2027-03-14 00:00:00", "yesterday"},
		{"across a day of 23 hours", "2027-03-15 00:10:00", "2027-03-13 23:50:00", "2 days ago"},
		{"ahead across a day of 23 hours", "2027-03-13 23:50:00", "2027-03-14 03:10:00", "Sun 03:10"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Relative(at(test.t), at(test.now), zone); got != test.want {
				t.Errorf("Relative = %q, want %q", got, test.want)
			}
		})
	}
}

func TestDaysAreThoseOfTheZone(t *testing.T) {
	now := time.Date(2026, 11, 19, 20, 0, 0, 0, time.UTC)
	then := time.Date(2026, 11, 18, 5, 0, 0, 0, time.UTC) // 21:00 on the 17th in Los Angeles
	if got := Relative(then, now, time.UTC); got != "yesterday" {
		t.Errorf("in UTC = %q", got)
	}
	if got := Relative(then, now, pacific(t)); got != "2 days ago" {
		t.Errorf("in Los Angeles = %q", got)
	}
	if got := Relative(then, now, nil); got != "yesterday" {
		t.Errorf("without a zone = %q", got)
	}
}

func TestTimesInFull(t *testing.T) {
	zone := pacific(t)
	winter, summer := time.Date(2026, 11, 19, 6, 47, 0, 0, time.UTC), time.Date(2026, 10, 31, 18, 48, 0, 0, time.UTC)
	tests := []struct{ got, want string }{
		{Full(winter, zone), "Wed 18 Nov 2026, 22:47 PST"},
		{Full(summer, zone), "Sat 31 Oct 2026, 11:48 PDT"},
		{Full(winter, nil), "Thu 19 Nov 2026, 06:47 UTC"},
		{Stamp(summer, winter, zone), "31 Oct, 11:48"},
		{Stamp(summer.AddDate(-1, 0, 0), winter, zone), "31 Oct 2025, 11:48"},
		{machine(winter, zone), "2026-11-18T22:47:00-08:00"},
		{ZoneName(zone), "America/Los_Angeles"},
		{ZoneName(nil), "UTC"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{Number(0), "0"},
		{Number(999), "999"},
		{Number(1113), "1,113"},
		{Number(int64(1234567)), "1,234,567"},
		{Number(-1113), "-1,113"},
		{Number(-100), "-100"},
		{Plural(0, "solve", "solves"), "0 solves"},
		{Plural(1, "coach", "coaches"), "1 coach"},
		{Plural(int64(1113), "solve", "solves"), "1,113 solves"},
		{Took(400 * time.Millisecond), "under 1 s"},
		{Took(11 * time.Second), "11 s"},
		{Took(3*time.Minute + 4*time.Second), "3 min 04 s"},
		{Took(65 * time.Minute), "1 h 05 min"},
		{share(2400, 3000), "80.0%"},
		{share(3100, 3000), "100.0%"},
		{share(5, 0), "0%"},
		{share(-5, 10), "0%"},
		{CompetitorURL("a/b c?"), "/competitors/a%2Fb%20c%3F"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
