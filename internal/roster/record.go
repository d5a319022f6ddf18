package roster

import (
	"errors"
	"strings"

	"flagpole/internal/domain"
)

// Invalid is what is wrong with a record that somebody typed in, by the roster's columns. It stands in the chain of an Invalid
// domain.Error.
type Invalid []Problem

// Error lists the problems.
func (p Invalid) Error() string {
	texts := make([]string, len(p))
	for i, one := range p {
		texts[i] = one.String()
	}
	return strings.Join(texts, "; ")
}

// In is what is wrong with the column, or "".
func (p Invalid) In(column string) string {
	for _, one := range p {
		if one.Column == column {
			return one.Reason
		}
	}
	return ""
}

// Problems are those with single columns in an error's chain; none where there are none.
func Problems(err error) Invalid {
	var found Invalid
	errors.As(err, &found)
	return found
}

// CheckCompetitor finds what is wrong with a competitor by itself: an Invalid error with all problems in its chain, or nil.
func CheckCompetitor(c domain.Competitor) error {
	row := Row{
		FirstName: c.FirstName, LastName: c.LastName, Email: c.Email, Division: c.Division, Grade: c.Grade, Status: c.Status,
		CompetitorID: c.ID, GamePlatformID: c.GamePlatformID,
	}
	return row.check("first_name", "last_name", "email", "division!", "grade", "status!", "competitor_id", "game_platform_id")
}

// CheckCoach finds what is wrong with a coach by itself, as CheckCompetitor does.
func CheckCoach(c domain.Coach) error {
	row := Row{CoachID: c.ID, CoachEmail: c.Email, CoachName: c.Name, School: c.School, Region: c.Region}
	return row.check("coach_id", "coach_email", "coach_name!", "school", "region")
}

// CheckTeam finds what is wrong with a team by itself, as CheckCompetitor does.
func CheckTeam(t Team) error {
	row := Row{TeamID: t.ID, Team: t.Name}
	return row.check("team_id", "team!")
}

// check looks at the cells of some columns; those with an exclamation mark must not be empty though they may be so in a file.
func (r Row) check(names ...string) error {
	var found Invalid
	for _, name := range names {
		name, needed := strings.CutSuffix(name, "!")
		for _, c := range columns {
			if c.name != name {
				continue
			}
			c.needed = c.needed || needed
			if reason := c.wrong(*c.field(&r)); reason != "" {
				found = append(found, Problem{name, reason})
			}
		}
	}
	if found == nil {
		return nil
	}
	return domain.Errorf(domain.Invalid, "Some of it cannot be stored.").WithHint("Mend what is marked, and save again.").Because(found)
}
