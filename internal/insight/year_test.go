package insight_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/insight"
)

// day is the noon of a date in UTC.
func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return at.Add(12 * time.Hour)
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestYearIsFiftyTwoWholeWeeksAndTheRunningOne(t *testing.T) {
	for name, test := range map[string]struct{ zone, now, first, last string }{
		"a Wednesday":                        {"UTC", "2026-11-18T12:00:00Z", "2025-11-17", "2026-11-18"},
		"a Monday":                           {"UTC", "2026-11-16T00:00:00Z", "2025-11-17", "2026-11-16"},
		"a Sunday":                           {"UTC", "2026-11-22T23:59:59Z", "2025-11-17", "2026-11-22"},
		"the day of the zone, west":          {"America/Los_Angeles", "2026-11-16T07:59:59Z", "2025-11-10", "2026-11-15"},
		"the day of the zone, east":          {"Pacific/Auckland", "2026-11-15T11:00:00Z", "2025-11-17", "2026-11-16"},
		"the clock goes back today":          {"America/Los_Angeles", "2026-11-02T07:59:59Z", "2025-10-27", "2026-11-01"},
		"the clock goes forward today":       {"America/Los_Angeles", "2027-03-14T10:00:00Z", "2026-03-09", "2027-03-14"},
		"the last day of a year":             {"UTC", "2026-12-31T23:00:00Z", "2025-12-29", "2026-12-31"},
		"the first day of a year":            {"UTC", "2027-01-01T00:00:00Z", "2025-12-29", "2027-01-01"},
		"the extra day of a leap year":       {"UTC", "2028-02-29T12:00:00Z", "2027-03-01", "2028-02-29"},
		"a day without its midnight (Cairo)": {"Africa/Cairo", "2026-04-24T10:00:00Z", "2025-04-21", "2026-04-24"},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		want := insight.Year{First: day(test.first), Last: day(test.last)}
		if got := insight.YearUntil(now, zoneOf(t, test.zone)); got != want {
			t.Errorf("%s: %v to %v, want %v to %v", name, got.First, got.Last, want.First, want.Last)
		}
	}
}

func TestLastWeeks(t *testing.T) {
	for name, test := range map[string]struct {
		last  string
		n     int
		first string
	}{
		"twelve, in a week":     {"2026-11-18", 12, "2026-08-31"},
		"twelve, on a Monday":   {"2026-11-16", 12, "2026-08-31"},
		"twelve, on a Sunday":   {"2026-11-22", 12, "2026-08-31"},
		"the running one alone": {"2026-11-18", 1, "2026-11-16"},
		"into the year before":  {"2027-01-01", 2, "2026-12-21"},
		"all of the year":       {"2026-11-18", 53, "2025-11-17"},
	} {
		year := insight.YearUntil(day(test.last), time.UTC)
		if got, want := year.LastWeeks(test.n), (insight.Weeks{First: day(test.first), Last: day(test.last)}); got != want {
			t.Errorf("%s: %v to %v, want %v to %v", name, got.First, got.Last, want.First, want.Last)
		}
	}
}

func TestGrowth(t *testing.T) {
	weeks := insight.YearUntil(day("2026-11-18"), time.UTC).LastWeeks(3) // from Monday 2 November
	solved := func(dates ...string) (list []insight.Day) {
		for _, date := range dates {
			list = append(list, insight.Day{Date: day(date), Points: 10})
		}
		return list
	}
	for name, test := range map[string]struct {
		total  int64
		days   []insight.Day
		people int
		want   []float64
	}{
		"no days":                              {0, nil, 1, []float64{0, 0, 0}},
		"all before what is known by day":      {70, nil, 1, []float64{70, 70, 70}},
		"days before the window":               {20, solved("2026-10-31", "2026-11-01"), 1, []float64{20, 20, 20}},
		"the window's first day":               {10, solved("2026-11-02"), 1, []float64{10, 10, 10}},
		"the day before it, and more before":   {30, solved("2026-11-01", "2026-11-02"), 1, []float64{30, 30, 30}},
		"a Sunday is in its week":              {20, solved("2026-11-08", "2026-11-09"), 1, []float64{10, 20, 20}},
		"today":                                {10, solved("2026-11-18"), 1, []float64{0, 0, 10}},
		"every week, and twice in one":         {50, solved("2026-10-01", "2026-11-03", "2026-11-10", "2026-11-12", "2026-11-17"), 1, []float64{20, 40, 50}},
		"for each of four":                     {50, solved("2026-11-03", "2026-11-17"), 4, []float64{10, 10, 12.5}},
		"a challenge that is worth less later": {5, []insight.Day{{Date: day("2026-11-03"), Points: -5}}, 1, []float64{5, 5, 5}},
	} {
		if diff := cmp.Diff(test.want, weeks.Growth(test.total, test.days, test.people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A week in which the clock is changed has as many days as any other, and a year's end is no week's end.
func TestGrowthAcrossTheYearsEndAndAChangeOfTheClock(t *testing.T) {
	weeks := insight.YearUntil(day("2027-01-03"), zoneOf(t, "America/Los_Angeles")).LastWeeks(2)
	days := []insight.Day{{Date: day("2026-12-27"), Points: 1}, {Date: day("2026-12-28"), Points: 2}, {Date: day("2027-01-03"), Points: 4}}
	if diff := cmp.Diff([]float64{1, 7}, weeks.Growth(7, days, 1)); diff != "" {
		t.Errorf("the year's end (-want +got):\n%s", diff)
	}
	weeks = insight.YearUntil(time.Date(2026, 11, 2, 20, 0, 0, 0, time.UTC), zoneOf(t, "America/Los_Angeles")).LastWeeks(2)
	days = []insight.Day{{Date: day("2026-11-01"), Points: 1}, {Date: day("2026-11-02"), Points: 2}}
	if diff := cmp.Diff([]float64{1, 3}, weeks.Growth(3, days, 1)); diff != "" {
		t.Errorf("a day of 25 hours (-want +got):\n%s", diff)
	}
}
