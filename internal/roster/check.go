package roster

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"flagpole/internal/domain"
)

// The longest cells, in bytes of UTF-8.
const (
	maxID    = 200
	maxEmail = 254
	maxText  = 500
)

const notUTF8 = "not UTF-8: save the file as UTF-8"

// column is one column of the file: its place in a Row, and what its cells must be. rule gives the reason why a cell
// that is not empty is wrong, or "".
type column struct {
	name     string
	optional bool // the file may come without it
	needed   bool // no cell of it may be empty
	field    func(*Row) *string
	rule     func(string) string
}

// columns is the one table of what a roster may hold.
var columns = []column{
	{name: "coach_id", optional: true, field: func(r *Row) *string { return &r.CoachID }, rule: idRule},
	{name: "coach_email", needed: true, field: func(r *Row) *string { return &r.CoachEmail }, rule: emailRule},
	{name: "coach_name", field: func(r *Row) *string { return &r.CoachName }, rule: textRule},
	{name: "school", field: func(r *Row) *string { return &r.School }, rule: textRule},
	{name: "region", field: func(r *Row) *string { return &r.Region }, rule: textRule},
	{name: "first_name", needed: true, field: func(r *Row) *string { return &r.FirstName }, rule: textRule},
	{name: "last_name", needed: true, field: func(r *Row) *string { return &r.LastName }, rule: textRule},
	{name: "email", field: func(r *Row) *string { return &r.Email }, rule: emailRule},
	{name: "division", field: func(r *Row) *string { return (*string)(&r.Division) }, rule: oneOf(domain.Divisions)},
	{name: "grade", field: func(r *Row) *string { return &r.Grade }, rule: textRule},
	{name: "status", field: func(r *Row) *string { return (*string)(&r.Status) }, rule: oneOf(domain.ProfileStatuses)},
	{name: "team_id", optional: true, field: func(r *Row) *string { return &r.TeamID }, rule: idRule},
	{name: "team", field: func(r *Row) *string { return &r.Team }, rule: textRule},
	{name: "competitor_id", field: func(r *Row) *string { return &r.CompetitorID }, rule: idRule},
	{name: "game_platform_id", field: func(r *Row) *string { return &r.GamePlatformID }, rule: idRule},
}

// Check finds what is wrong with rows by themselves: cells that cannot be, and rows that contradict an earlier one.
func Check(rows []Row) []LineError {
	bad := faults{}
	said := statements{}
	for _, row := range rows {
		bare := row.bare()
		for _, c := range columns {
			cell := c.field(&row)
			if reason := c.wrong(*cell); reason != "" {
				bad.add(row.Line, c.name, reason)
				*cell = "" // it contradicts nothing
			}
		}
		said.competitorTwice(row, bare, bad)
		said.contradictions(row, bad)
	}
	return bad.list()
}

// wrong is the reason why cell cannot stand in the column, or "".
func (c column) wrong(cell string) string {
	switch {
	case cell == "" && c.needed:
		return "must not be empty"
	case cell == "":
		return ""
	case !utf8.ValidString(cell):
		return notUTF8
	case strings.Contains(cell, "\x00"):
		return shown(cell) + " holds a NUL character, which cannot be stored"
	}
	return c.rule(cell)
}

func textRule(cell string) string { return lengthRule(cell, maxText) }

func idRule(cell string) string {
	if strings.ContainsFunc(cell, unicode.IsControl) {
		return shown(cell) + " holds control characters, which an id must not"
	}
	if cell == "." || cell == ".." {
		return shown(cell) + " cannot be an id" // ids stand in addresses, where these mean folders
	}
	return lengthRule(cell, maxID)
}

func emailRule(cell string) string {
	address, err := mail.ParseAddress(cell)
	if err != nil || address.Address != cell {
		return shown(cell) + " is not an email address"
	}
	return lengthRule(cell, maxEmail)
}

// CheckEmail trims what was typed as an email. What is none is an Invalid error.
func CheckEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	if address, err := mail.ParseAddress(text); err != nil || address.Address != text || len(text) > maxEmail {
		return "", domain.Errorf(domain.Invalid, "This is not an email address.").WithHint("Write it like name@school.example.")
	}
	return text, nil
}

func lengthRule(cell string, most int) string {
	if len(cell) > most {
		return fmt.Sprintf("%s has %d bytes, at most %d can be stored", shown(cell), len(cell), most)
	}
	return ""
}

func oneOf[T ~string](list []T) func(string) string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return func(cell string) string {
		if slices.Contains(words, cell) {
			return ""
		}
		return shown(cell) + " is none of " + strings.Join(words, ", ")
	}
}

// statement is what a line of the file said.
type statement struct {
	line int
	text string
}

// about names what a statement is about: which fact of whom.
type about struct{ fact, subject string }

// statements remembers what was first said.
type statements map[about]statement

// earlier is what was said before about the same; the first statement is remembered.
func (s statements) earlier(fact, subject string, row Row, text string) (statement, bool) {
	key := about{fact, subject}
	if first, ok := s[key]; ok {
		return first, true
	}
	s[key] = statement{row.Line, text}
	return statement{}, false
}

// another is what was said before, where it was something else. Nothing said, or nothing known about whom, contradicts
// nothing.
func (s statements) another(fact, subject string, row Row, text string) (statement, bool) {
	if subject == "" || text == "" {
		return statement{}, false
	}
	first, ok := s.earlier(fact, subject, row, text)
	return first, ok && norm.NFC.String(first.text) != norm.NFC.String(text)
}

// contradictions adds what row says of its coach and team otherwise than an earlier row.
func (s statements) contradictions(row Row, bad faults) {
	coach := EmailKey(row.CoachEmail)
	for _, c := range []struct{ column, text string }{
		{"coach_name", row.CoachName}, {"school", row.School}, {"region", row.Region}, {"coach_id", row.CoachID},
	} {
		if first, ok := s.another(c.column+" of the coach", coach, row, c.text); ok {
			bad.add(row.Line, c.column, fmt.Sprintf("%s, but %s for the same coach in line %d", shown(c.text), shown(first.text), first.line))
		}
	}
	if first, ok := s.another("email of the coach", row.CoachID, row, coach); ok {
		bad.add(row.Line, "coach_email", fmt.Sprintf("%s, but %s for the same coach_id in line %d", shown(coach), shown(first.text), first.line))
	}
	if first, ok := s.another("coach of the team", row.TeamID, row, coach); ok {
		bad.add(row.Line, "team_id", fmt.Sprintf("%s is a team of the coach %s in line %d", shown(row.TeamID), shown(first.text), first.line))
	} else if first, ok := s.another("name of the team", row.TeamID, row, row.Team); ok {
		bad.add(row.Line, "team", fmt.Sprintf("%s, but %s for the same team_id in line %d", shown(row.Team), shown(first.text), first.line))
	}
	if coach == "" || row.Team == "" {
		return
	}
	if first, ok := s.another("id of the team", pair(coach, NameKey(row.Team)), row, row.TeamID); ok {
		bad.add(row.Line, "team_id", fmt.Sprintf("%s, but %s for the team of this name in line %d", shown(row.TeamID), shown(first.text), first.line))
	}
}

// competitorTwice adds what row has in common with an earlier row though it must be its own. For a bare row that is the
// name.
func (s statements) competitorTwice(row Row, bare bool, bad faults) {
	for _, c := range []struct{ column, cell, key string }{
		{"competitor_id", row.CompetitorID, row.CompetitorID},
		{"game_platform_id", row.GamePlatformID, row.GamePlatformID},
		{"email", row.Email, EmailKey(row.Email)},
	} {
		if c.key == "" {
			continue
		}
		if first, ok := s.earlier(c.column, c.key, row, ""); ok {
			bad.add(row.Line, c.column, fmt.Sprintf("%s is in line %d already", shown(c.cell), first.line))
		}
	}
	if !bare || row.CoachEmail == "" || row.FirstName == "" || row.LastName == "" {
		return
	}
	if first, ok := s.earlier("bare name", pair(EmailKey(row.CoachEmail), row.nameKey()), row, ""); ok {
		bad.add(row.Line, "competitor_id", fmt.Sprintf("the same coach and name as line %d:"+
			" tell the two apart by competitor_id, game_platform_id or email", first.line))
	}
}

// bare reports whether only coach and name can tell who the row is about.
func (r Row) bare() bool { return r.CompetitorID == "" && r.GamePlatformID == "" && r.Email == "" }

// nameKey is the folded full name.
func (r Row) nameKey() string {
	return NameKey(domain.Competitor{FirstName: r.FirstName, LastName: r.LastName}.Name())
}

// pair joins two keys to one. A NUL can be in neither.
func pair(a, b string) string { return a + "\x00" + b }
