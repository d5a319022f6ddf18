package roster

import "flagpole/internal/domain"

// FieldChange is one value of a stored record that a plan changes. Of ids of coaches and teams, the values are names.
type FieldChange struct {
	Kind, Name      string // "coach", "team" or "competitor", and whose record it is
	Field, Old, New string
}

// Addition is a record that a plan adds.
type Addition struct{ Kind, Name string }

func nameOf(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

// Changes lists what a plan changes in stored records, field by field: competitors first, then coaches and teams.
func Changes(p Plan) []FieldChange {
	var list []FieldChange
	note := func(kind, name, field, old, now string) {
		if old != now {
			list = append(list, FieldChange{kind, name, field, old, now})
		}
	}
	for _, c := range p.Competitors {
		if c.Added {
			continue
		}
		for _, f := range CompetitorFields(c.Old, c.New) {
			if f.Name == "coach_id" || f.Name == "team_id" {
				f.Old, f.New = nameOf(p.Names, f.Old), nameOf(p.Names, f.New)
			}
			note("competitor", c.New.Name(), f.Name, f.Old, f.New)
		}
	}
	for _, c := range p.Coaches {
		if c.Added {
			continue
		}
		for _, f := range CoachFields(c.Old, c.New) {
			note("coach", c.New.Name, f.Name, f.Old, f.New)
		}
	}
	for _, t := range p.Teams {
		if !t.Added {
			note("team", t.New.Name, "name", t.Old.Name, t.New.Name)
		}
	}
	return list
}

// Additions lists what a plan adds: competitors first, then coaches and teams.
func Additions(p Plan) []Addition {
	var list []Addition
	for _, c := range p.Competitors {
		if c.Added {
			list = append(list, Addition{"competitor", c.New.Name()})
		}
	}
	for _, c := range p.Coaches {
		if c.Added {
			list = append(list, Addition{"coach", c.New.Name})
		}
	}
	for _, t := range p.Teams {
		if t.Added {
			list = append(list, Addition{"team", t.New.Name})
		}
	}
	return list
}

// Field is one value of a record, before and after a change.
type Field struct{ Name, Old, New string }

// CompetitorFields are all values of a competitor but the id, before and after.
func CompetitorFields(o, n domain.Competitor) []Field {
	return []Field{
		{"first_name", o.FirstName, n.FirstName}, {"last_name", o.LastName, n.LastName}, {"email", o.Email, n.Email},
		{"coach_id", o.CoachID, n.CoachID}, {"team_id", o.TeamID, n.TeamID}, {"division", string(o.Division), string(n.Division)},
		{"grade", o.Grade, n.Grade}, {"status", string(o.Status), string(n.Status)}, {"game_platform_id", o.GamePlatformID, n.GamePlatformID},
	}
}

// CoachFields are all values of a coach but the id, before and after.
func CoachFields(o, n domain.Coach) []Field {
	return []Field{{"name", o.Name, n.Name}, {"email", o.Email, n.Email}, {"school", o.School, n.School}, {"region", o.Region, n.Region}}
}
