package domain

import (
	"testing"
	"time"
)

func TestTheKindsOfSilenceAreToldApart(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	b := BoundsAt(now, time.UTC)
	never, moment := time.Time{}, time.Microsecond
	since, fresh := b.ActiveSince, b.FreshSince
	for _, c := range []struct {
		name              string
		solve, seen, sync time.Time
		want              Activity
	}{
		{"nothing at all", never, never, never, NotSynced},
		{"a solve in the first moment of the week", since, never, now, Active},
		{"a solve is enough, however old the sync", now, never, never, Active},
		{"a solve a moment too old, and not seen since", since.Add(-moment), never, now, Idle},
		{"a sync a moment too old", since.Add(-moment), now, fresh.Add(-moment), NotSynced},
		{"a sync just fresh", since.Add(-moment), now, fresh, SignsIn},
		{"never seen and no solve", never, never, fresh, NeverSignedIn},
		{"seen in the first moment of the week", never, since, now, SignsIn},
		{"seen a moment before", never, since.Add(-moment), now, Idle},
		{"an old solve, never seen: has signed in once", since.AddDate(-1, 0, 0), never, now, Idle},
	} {
		if got := b.ActivityOf(c.solve, c.seen, c.sync); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBoundsAreThoseOfTheZonesCalendar(t *testing.T) {
	for _, c := range []struct{ name, zone, now, active, month string }{
		{"UTC", "UTC", "2026-11-18T12:00:00Z", "2026-11-12T00:00:00Z", "2026-11-01T00:00:00Z"},
		{"the zone is a day behind", "America/Los_Angeles", "2026-11-01T06:59:59Z", "2026-10-25T00:00:00-07:00", "2026-10-01T00:00:00-07:00"},
		{"and its month begins", "America/Los_Angeles", "2026-11-01T07:00:00Z", "2026-10-26T00:00:00-07:00", "2026-11-01T00:00:00-07:00"},
		{"the month began in summer time", "America/Los_Angeles", "2026-11-18T12:00:00-08:00", "2026-11-12T00:00:00-08:00", "2026-11-01T00:00:00-07:00"},
		{"Berlin, the month began in winter time", "Europe/Berlin", "2026-03-31T12:00:00+02:00", "2026-03-25T00:00:00+01:00", "2026-03-01T00:00:00+01:00"},
		{"a day ahead", "Pacific/Auckland", "2026-10-31T11:00:00Z", "2026-10-26T00:00:00+13:00", "2026-11-01T00:00:00+13:00"},
		{"the first moment of a year", "Europe/Berlin", "2026-12-31T23:00:00Z", "2026-12-26T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
		{"a month without its first midnight", "America/Asuncion", "2017-10-08T12:00:00-03:00", "2017-10-02T00:00:00-03:00", "2017-10-01T01:00:00-03:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		b := BoundsAt(now, zone)
		if got := b.ActiveSince.Format(time.RFC3339); got != c.active {
			t.Errorf("%s: active since %s, want %s", c.name, got, c.active)
		}
		if got := b.MonthSince.Format(time.RFC3339); got != c.month {
			t.Errorf("%s: the month began %s, want %s", c.name, got, c.month)
		}
		if got := now.Sub(b.FreshSince); got != 32*time.Hour {
			t.Errorf("%s: fresh for %s", c.name, got)
		}
	}
}
