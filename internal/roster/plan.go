package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"flagpole/internal/domain"
)

// Team is a team of one coach.
type Team struct{ ID, CoachID, Name string }

// Stored is everybody who is stored before an import.
type Stored struct {
	Coaches     []domain.Coach
	Teams       []Team
	Competitors []domain.Competitor
	Erased      map[string]time.Time // ids of competitors and accounts of people who were deleted at somebody's request, and when
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
	Names       map[string]string // of coaches and teams, by id, as they will be
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
	p.refuseErased(stored.Erased)
	p.plan.Names = p.namesAfter()
	if wrong := Merge(checked, p.bad.list()); wrong != nil {
		return Plan{}, wrong
	}
	return p.plan, nil
}

// namesAfter are the names that coaches and teams have, or will have.
func (p *planner) namesAfter() map[string]string {
	n := map[string]string{}
	for id, c := range p.coachByID {
		n[id] = c.Name
	}
	for id, t := range p.teamByID {
		n[id] = t.Name
	}
	for _, c := range p.plan.Coaches {
		n[c.New.ID] = c.New.Name
	}
	for _, t := range p.plan.Teams {
		n[t.New.ID] = t.New.Name
	}
	return n
}

// Digest changes with everything that the plan writes.
func (p Plan) Digest() string {
	sum := sha256.New()
	for _, part := range []any{p.Coaches, p.Teams, p.Competitors} {
		if err := json.NewEncoder(sum).Encode(part); err != nil {
			panic("roster: " + err.Error()) // all that is encoded here are plain structs
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Empty reports whether there is nothing to write.
func (p Plan) Empty() bool { return len(p.Coaches)+len(p.Teams)+len(p.Competitors) == 0 }

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
