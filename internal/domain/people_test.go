package domain

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestActiveSinceIsMidnightSixCalendarDaysAgo(t *testing.T) {
	for _, c := range []struct{ name, zone, now, want string }{
		{"an ordinary week", "UTC", "2026-11-18T12:00:00Z", "2026-11-12T00:00:00Z"},
		{"the first moment of a day", "UTC", "2026-11-18T00:00:00Z", "2026-11-12T00:00:00Z"},
		{"the last moment of a day", "UTC", "2026-11-18T23:59:59Z", "2026-11-12T00:00:00Z"},
		{"over the turn of the year", "UTC", "2027-01-03T08:00:00Z", "2026-12-28T00:00:00Z"},
		{"over a leap day", "UTC", "2028-03-03T08:00:00Z", "2028-02-26T00:00:00Z"},
		{"the zone's day, not that of UTC", "America/Los_Angeles", "2026-07-02T06:59:59Z", "2026-06-25T00:00:00-07:00"},
		{"and one second later", "America/Los_Angeles", "2026-07-02T07:00:00Z", "2026-06-26T00:00:00-07:00"},
		{"east of UTC", "Pacific/Auckland", "2026-07-01T12:00:00Z", "2026-06-26T00:00:00+12:00"},
		{"summer time began in these days: 167 hours are 7 days", "America/Los_Angeles", "2026-03-11T12:00:00-07:00", "2026-03-05T00:00:00-08:00"},
		{"it begins today", "America/Los_Angeles", "2026-03-08T03:00:00-07:00", "2026-03-02T00:00:00-08:00"},
		{"it began six days ago", "America/Los_Angeles", "2026-03-14T12:00:00-07:00", "2026-03-08T00:00:00-08:00"},
		{"summer time ended in these days", "America/Los_Angeles", "2026-11-04T12:00:00-08:00", "2026-10-29T00:00:00-07:00"},
		{"it ends today, in the hour that comes twice", "America/Los_Angeles", "2026-11-01T01:30:00-08:00", "2026-10-26T00:00:00-07:00"},
		{"it ended six days ago", "America/Los_Angeles", "2026-11-07T00:00:00-08:00", "2026-11-01T00:00:00-07:00"},
		{"a zone whose summer time begins at midnight", "America/Santiago", "2026-09-10T12:00:00-03:00", "2026-09-04T00:00:00-04:00"},
		{"a day without a midnight", "America/Santiago", "2026-09-12T12:00:00-03:00", "2026-09-06T01:00:00-03:00"},
		{"that day itself", "America/Santiago", "2026-09-06T01:00:00-03:00", "2026-08-31T00:00:00-04:00"},
		{"a day with two midnights begins at the first", "America/Havana", "2026-11-07T12:00:00-05:00", "2026-11-01T00:00:00-04:00"},
		{"the second midnight is the same day", "America/Havana", "2026-11-01T00:30:00-05:00", "2026-10-26T00:00:00-04:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := ActiveSince(now, zone).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestANameIsShownWithoutStraySpaces(t *testing.T) {
	for want, c := range map[string]Competitor{"Ada Lane": {FirstName: "Ada", LastName: "Lane"}, "Ada": {FirstName: "Ada"}} {
		if got := c.Name(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOnlyTheListedRolesAreValid(t *testing.T) {
	for _, role := range Roles {
		if !role.Valid() {
			t.Errorf("%s is not valid", role)
		}
	}
	for _, role := range []Role{"", "Admin", "ADMIN", "owner", "coach "} {
		if role.Valid() {
			t.Errorf("%q is valid", role)
		}
	}
}

func TestEveryDivisionHasALabel(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Divisions {
		if d.Label() == string(d) || seen[d.Label()] {
			t.Errorf("%s is shown as %q", d, d.Label())
		}
		seen[d.Label()] = true
	}
	if got := Division("kindergarten").Label(); got != "kindergarten" {
		t.Errorf("an unknown division is shown as %q", got)
	}
}
