package views

import "time"

// DriftLists is where the platform differs from the roster and the stored solves.
type DriftLists struct {
	On                                        bool // onboarding is
	ReadAt                                    time.Time
	Held                                      *HeldRemovals // nil where no removal waits for somebody's word
	Assignments                               []AssignmentDrift
	Totals                                    []TotalsDrift
	Teams                                     []TeamDrift
	AssignmentsTotal, TotalsTotal, TeamsTotal int
	Problem                                   string
}

// HeldRemovals are removals that are too many to be made without somebody's word.
type HeldRemovals struct {
	Rows           []HeldRemoval // the first of them
	Total, Without int
	Digest         string
}

// HeldRemoval is a competitor who would be taken out of a team.
type HeldRemoval struct{ Name, URL, Coach, From, To string }

// AssignmentDrift is a competitor whom somebody put elsewhere on the platform.
type AssignmentDrift struct {
	ID, Name, URL, Coach string
	Here, There, ThereID string
	Since                time.Time
}

// TotalsDrift is a competitor whose totals differ.
type TotalsDrift struct {
	Name, URL, Coach                               string
	OurSolves, OurPoints, TheirSolves, TheirPoints int64
	At                                             time.Time
}

// TeamDrift is a team that is called otherwise on the platform.
type TeamDrift struct{ Name, URL, Coach, There string }

func (d DriftLists) none() bool {
	return d.Held == nil && d.AssignmentsTotal+d.TotalsTotal+d.TeamsTotal == 0
}

// would says what applying would do.
func (d AssignmentDrift) would() string {
	switch {
	case d.ThereID == "":
		return "Put into " + d.Here
	case d.Here == "":
		return "Take out of " + d.There
	}
	return "Take out of " + d.There + ", put into " + d.Here
}

func firstOf(shown, total int) string {
	if shown < total {
		return "The first " + Number(shown) + " of " + Number(total) + "."
	}
	return ""
}
