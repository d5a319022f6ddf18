package views

import "time"

// Events is the list of flash CTFs.
type Events struct {
	Rows      []EventSummary // newest first
	ExportURL string
}

// EventSummary is a flash CTF with what the viewer's competitors did in it.
type EventSummary struct {
	Name, URL            string
	StartsAt             time.Time
	Participants, Absent int
	BestRank, MaxPoints  int64 // 0: not known
}

// Event is one flash CTF with its participants and those who did not take part.
type Event struct {
	EventSummary
	Participants Participants
	Absent       Absent
	ExportURL    string
}

// Participants is one page of a flash CTF's results, by rank.
type Participants struct {
	Rows []ParticipantRow
	Pager
}

// ParticipantRow is one competitor's result.
type ParticipantRow struct {
	Name, URL, Team, CoachName      string
	Rank, Solves, Points, MaxPoints int64 // Rank 0: not ranked
}

// Absent is one page of those who could have taken part and did not, by name.
type Absent struct {
	Rows   []CompetitorRow
	Nobody bool // is on the platform, so nobody could
	Pager
}

func (d Participants) say() string {
	if len(d.Rows) == 0 {
		return "Nobody took part"
	}
	return "Results by rank, " + d.span()
}

// empty says why there is nobody in the list.
func (d Absent) empty() string {
	if d.Nobody {
		return "Nobody is on the platform yet, so nobody could take part"
	}
	return "Everybody on the platform took part"
}

func (d Absent) say() string {
	if len(d.Rows) == 0 {
		return d.empty()
	}
	return "Did not take part, " + d.span()
}
