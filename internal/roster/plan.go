package roster

import "flagpole/internal/domain"

// Team is a team of one coach.
type Team struct{ ID, CoachID, Name string }

// Stored is everybody who is stored before an import.
type Stored struct {
	Coaches     []domain.Coach
	Teams       []Team
	Competitors []domain.Competitor
}

// Change is a record to be written. Old is the zero value for one that is Added.
type Change[T any] struct {
	Old, New T
	Added    bool
}

// Plan is what has to be written for the stored people to be as the rows say, without those who are so already.
type Plan struct {
	Coaches     []Change[domain.Coach]
	Teams       []Change[Team]
	Competitors []Change[domain.Competitor]
	Report      Report
}

// NewPlan works out what importing rows changes, or which lines are wrong: then there is no plan. newID makes the ids of
// new records whose cells are empty.
//
// Who a row is about is decided by what was stored before the import, and what must be unique is unique after it as a
// whole: two rows may swap their emails.
//
//   - A coach is known by coach_id, else by email.
//   - A team is known by team_id, else by coach and name.
//   - A competitor is known by competitor_id; where that is empty by game_platform_id and email, which must not point to
//     two; else by coach and name among those no other row is about, if email and game_platform_id do not differ.
//
// An empty cell leaves what is stored. A competitor who comes to another coach leaves the old coach's team.
func NewPlan(stored Stored, rows []Row, newID func() string) (Plan, []LineError) {
	checked := Check(rows)
	p := planner{
		rows: rows, newID: newID, bad: faults{},
		coachOf: make([]*coach, len(rows)), teamOf: make([]*team, len(rows)), lost: make([]bool, len(rows)),
	}
	p.planCoaches(stored.Coaches)
	p.planTeams(stored.Teams)
	p.planCompetitors(stored.Competitors)
	if wrong := Merge(checked, p.bad.list()); wrong != nil {
		return Plan{}, wrong
	}
	return p.plan, nil
}

// planner is the state of NewPlan.
type planner struct {
	rows  []Row
	newID func() string
	bad   faults
	plan  Plan

	coachByID map[string]domain.Coach // stored
	teamByID  map[string]Team         // stored
	coachOf   []*coach                // of each row; nil: the row is wrong
	teamOf    []*team                 // of each row; nil: the row names none
	lost      []bool                  // of each row: its competitor cannot be told
}

// entry is one coach or team of the file: all its rows, and who it is.
type entry[T any] struct {
	Change[T]
	rows []int
}

// tally counts change in n and keeps it in list if it is one.
func tally[T comparable](list *[]Change[T], n *Counts, c Change[T]) {
	switch {
	case c.Added:
		n.Added++
	case c.Old == c.New:
		n.Unchanged++
		return
	default:
		n.Changed++
	}
	*list = append(*list, c)
}

// fill sets *field to the cell, unless that is empty.
func fill[T ~string](field *T, cell T) {
	if cell != "" {
		*field = cell
	}
}

// setOnce sets *field to the cell, unless it has a text already.
func setOnce(field *string, cell string) {
	if *field == "" {
		*field = cell
	}
}
