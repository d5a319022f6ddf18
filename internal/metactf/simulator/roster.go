package simulator

import (
	"encoding/csv"
	"io"
)

// rosterColumns are the columns of the roster, in the order the portal's import documents.
var rosterColumns = []string{
	"coach_id", "coach_email", "coach_name", "school", "region", "first_name", "last_name", "email", "division", "grade", "status",
	"team_id", "team", "competitor_id", "game_platform_id",
}

// WriteRoster writes the roster of the programme that plays here as CSV: one line per competitor.
func (s *Simulator) WriteRoster(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(rosterColumns); err != nil {
		return err
	}
	for _, a := range s.accounts {
		if err := out.Write(a.rosterLine()); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (a *account) rosterLine() []string {
	var at team
	if a.team != nil {
		at = *a.team
	}
	return []string{
		a.coach.id, a.coach.email, a.coach.name, a.coach.school, a.coach.region, a.first, a.last, a.email, string(a.division), a.grade,
		string(a.status), at.id, at.name, a.competitorID, a.platformID,
	}
}
