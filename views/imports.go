package views

import (
	"time"

	"flagpole/internal/domain"
)

// ImportForm is where a roster is uploaded.
type ImportForm struct {
	Problem string
	Last    []ImportRow
}

// ImportRow is a roster that was uploaded.
type ImportRow struct {
	URL    string
	At     time.Time
	By     string
	State  State
	Result string
}

// ImportPreview is what an uploaded roster would do, or did.
type ImportPreview struct {
	URL, By         string
	At, DecidedAt   time.Time
	State           State
	Open, Done      bool
	Digest          string
	Empty           bool // there is nothing to change
	Problem         string
	Counts          []ImportCount
	Moves           int
	Wrong           []ImportFault // of the first lines
	WrongTotal      int           // lines
	Duplicates      []ImportDuplicate
	DuplicatesTotal int
	Moved           []ImportMove
	Changes         []ImportChange
	ChangesTotal    int
	Added           []ImportAdded
	AddedTotal      int
}

// ImportCount counts one kind of record.
type ImportCount struct {
	What                      string
	Added, Changed, Unchanged int
}

// ImportFault is what is wrong with a line; Column is empty for the line as a whole.
type ImportFault struct {
	Line           int
	Column, Reason string
}

// ImportDuplicate is a line that may be somebody who is there already, or in another line.
type ImportDuplicate struct {
	Line, OtherLine  int
	Name, URL, Coach string
}

// ImportMove is a competitor who comes to another coach.
type ImportMove struct {
	Line                      int
	Name, URL, From, To, Left string
}

// ImportChange is one value that changes.
type ImportChange struct{ What, Name, Field, Old, New string }

// ImportAdded is a record that is added.
type ImportAdded struct{ What, Name string }

// importColumns are the columns of a roster in words.
var importColumns = [][2]string{
	{"coach_email", "on every line; lines with the same email have the same coach"},
	{"coach_name, school, region", "of the coach; the name is needed for a new one"},
	{"first_name, last_name", "on every line"},
	{"email", "of the competitor; may be empty, then the competitor waits for one"},
	{"division", "high_school, middle_school or college"},
	{"grade", "free text"},
	{"status", "pending, profile, in_the_game_not_compliant or complete"},
	{"team", "its name; may be empty"},
	{"competitor_id", "the programme’s id; where it is empty for somebody new, one is made"},
	{"game_platform_id", "the id at MetaCTF; empty for who is not there yet"},
	{"coach_id, team_id", "the programme’s ids; these two columns may be left out"},
}

func (d ImportPreview) button() string {
	c := d.Counts[0]
	return "Import: add " + Number(c.Added) + ", change " + Number(c.Changed)
}

func (d ImportPreview) title() string {
	switch {
	case d.Done:
		return "The roster is imported"
	case !d.Open:
		return "This upload was dropped"
	case d.WrongTotal > 0:
		return Plural(d.WrongTotal, "line needs", "lines need") + " mending"
	}
	return "Check what would be imported"
}

// importStatus puts a profile's or division's word into people's, where the value is of such a field.
func (c ImportChange) value(text string) string {
	switch c.Field {
	case "Profile":
		return ProfileStatusName(domain.ProfileStatus(text))
	case "Division":
		return domain.Division(text).Label()
	}
	return text
}
