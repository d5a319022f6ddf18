package views

import (
	"time"

	"github.com/a-h/templ"
)

// Edit is a form for one record of the roster, and its history.
type Edit struct {
	Title, Intro string
	Crumbs       []Crumb
	Action       string // where the form goes
	Button       string
	Fields       []EditField
	Seen         string // what the form was made from
	Done         string // what has just been done
	Problem      string
	Notes        []string // what the person should know before saving
	Same         []SameName
	Actions      []Action
	History      []ChangeRow
	NoHistory    bool // the record is new
}

// Crumb is a step on the way to a page.
type Crumb struct{ Label, URL string }

// EditField is one value of a record.
type EditField struct {
	Name, Label, Value, Note, Fault string
	Type                            string   // of an input; "" with options
	Options                         []Option // of a select
	List                            []Option // to choose from while typing
	Required                        bool
	Max                             int
}

// SameName is a competitor who has the name of the one that is to be added.
type SameName struct{ Name, URL, Coach, Email string }

// Action is something else that can be done to the record.
type Action struct{ Label, URL string }

// ChangeRow is one change of a record.
type ChangeRow struct {
	At                          time.Time
	By, Source, Field, Old, New string
}

func (f EditField) noteID() string { return "edit-" + f.Name + "-note" }

// changeFields are the values of records in words.
var changeFields = map[string]string{
	"created": "Added", "deactivated": "Deactivated", "activated": "Activated again", "deleted": "Deleted",
	"name": "Name", "email": "Email", "school": "School", "region": "Region", "coach_id": "Coach", "team_id": "Team", "first_name": "First name",
	"last_name": "Last name", "division": "Division", "grade": "Grade", "status": "Profile", "game_platform_id": "Game platform id",
}

// ChangeField is a value of a record in words.
func ChangeField(name string) string {
	if text, ok := changeFields[name]; ok {
		return text
	}
	return name
}

// whole reports whether the change is of the record as a whole, so that there are no values.
func (r ChangeRow) whole() bool { return r.Old == "" && r.New == "" }

// RosterConfirm asks before something is done to a record.
type RosterConfirm struct {
	Title      string
	Text       []string
	Crumbs     []Crumb
	Action     string
	Hidden     []Option
	Fields     []EditField
	Button     string
	Danger     bool
	Impossible bool
	Problem    string
	BackURL    string
}

// described ties the input to its note and its list.
func (f EditField) described() templ.Attributes {
	a := templ.Attributes{}
	if f.Fault != "" {
		a["aria-invalid"] = "true"
	}
	if f.Fault != "" || f.Note != "" {
		a["aria-describedby"] = f.noteID()
	}
	if len(f.List) > 0 {
		a["list"] = "edit-" + f.Name + "-list"
	}
	return a
}

func (o SameName) email() string {
	if o.Email == "" {
		return "no email"
	}
	return o.Email
}

// by says by which way a change came, where that was not a page.
func (r ChangeRow) by() string {
	if r.Source == "import" {
		return ", import"
	}
	return ""
}
