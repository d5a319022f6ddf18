package roster

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
)

// people is what the plans below start from.
func people() Stored {
	return Stored{
		Coaches: []domain.Coach{
			{ID: "co-1", Email: "mara@quill.example", Name: "Mara Quill", School: "Harbor High", Region: "North"},
			{ID: "co-2", Email: "nils@quill.example", Name: "Nils Quill"},
		},
		Teams: []Team{{"t-1", "co-1", "Red"}, {"t-2", "co-1", "Blue"}, {"t-3", "co-2", "Red"}},
		Competitors: []domain.Competitor{
			{ID: "cp-1", GamePlatformID: "gp-1", CoachID: "co-1", TeamID: "t-1", FirstName: "Ada", LastName: "Fennimore",
				Email: "ada@harbor.example", Division: domain.HighSchool, Grade: "11", Status: domain.ProfileComplete},
			{ID: "cp-2", GamePlatformID: "gp-2", CoachID: "co-1", TeamID: "t-2", FirstName: "Bo", LastName: "Tarn",
				Email: "bo@harbor.example", Division: domain.HighSchool, Status: domain.ProfilePending},
			{ID: "cp-3", CoachID: "co-2", FirstName: "Cy", LastName: "Vane", Division: domain.College, Status: domain.ProfilePending},
		},
	}
}

// row is a line of mara's about ada that says no more than it must.
func row(line int, change func(*Row)) Row {
	r := Row{Line: line, CoachEmail: "mara@quill.example", FirstName: "Ada", LastName: "Fennimore"}
	if change != nil {
		change(&r)
	}
	return r
}

// named is a line of mara's about somebody else.
func named(line int, first, last string, change func(*Row)) Row {
	r := row(line, change)
	r.FirstName, r.LastName = first, last
	return r
}

// fresh fills what a new competitor needs.
func fresh(r Row) Row {
	r.Division, r.Status = domain.College, domain.ProfilePending
	return r
}

// counter makes new-1, new-2, ...
func counter() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("new-%d", n) }
}

// apply is what is stored after a plan.
func apply(s Stored, p Plan) Stored {
	return Stored{
		Coaches:     merge(s.Coaches, p.Coaches, func(c domain.Coach) string { return c.ID }),
		Teams:       merge(s.Teams, p.Teams, func(t Team) string { return t.ID }),
		Competitors: merge(s.Competitors, p.Competitors, func(c domain.Competitor) string { return c.ID }),
	}
}

func merge[T any](stored []T, changes []Change[T], id func(T) string) []T {
	var all []T
	news := map[string]T{}
	for _, c := range changes {
		news[id(c.New)] = c.New
	}
	for _, r := range stored {
		if n, ok := news[id(r)]; ok {
			r = n
		}
		all = append(all, r)
	}
	for _, c := range changes {
		if c.Added {
			all = append(all, c.New)
		}
	}
	return all
}

func TestPlanChanges(t *testing.T) {
	type wanted struct {
		coaches, teams, competitors []string // the records that are written, "+" before those added
		moved                       []string
	}
	for name, c := range map[string]struct {
		rows []Row
		want wanted
	}{
		"empty cells leave everything": {[]Row{row(2, nil)}, wanted{}},
		"the same again": {[]Row{{Line: 2, CoachID: "co-1", CoachEmail: "mara@quill.example", CoachName: "Mara Quill", School: "Harbor High",
			Region: "North", FirstName: "Ada", LastName: "Fennimore", Email: "ada@harbor.example", Division: domain.HighSchool, Grade: "11",
			Status: domain.ProfileComplete, TeamID: "t-1", Team: "Red", CompetitorID: "cp-1", GamePlatformID: "gp-1"}}, wanted{}},
		"all of a competitor": {[]Row{{Line: 2, CoachEmail: "mara@quill.example", FirstName: "Ida", LastName: "Rowe", Email: "ida@harbor.example",
			Division: domain.College, Grade: "12", Status: domain.ProfilePending, Team: "Blue", CompetitorID: "cp-1", GamePlatformID: "gp-9"}},
			wanted{competitors: []string{"{cp-1 gp-9 co-1 t-2 Ida Rowe ida@harbor.example college 12 pending}"}}},
		"new people without ids": {[]Row{
			fresh(row(2, func(r *Row) { r.CoachEmail, r.CoachName, r.Team = "olga@quill.example", "Olga Quill", "Red" })),
			fresh(named(3, "Dot", "Lane", func(r *Row) { r.CoachEmail, r.School, r.Team = "OLGA@quill.example", "Hill High", "RED" })),
		}, wanted{coaches: []string{"+{new-1 olga@quill.example Olga Quill Hill High }"}, teams: []string{"+{new-2 new-1 Red}"}, competitors: []string{
			"+{new-3  new-1 new-2 Ada Fennimore  college  pending}", "+{new-4  new-1 new-2 Dot Lane  college  pending}"}}},
		"new people with ids": {[]Row{
			fresh(row(2, func(r *Row) {
				r.CoachID, r.CoachEmail, r.CoachName, r.TeamID, r.Team, r.CompetitorID = "co-9", "olga@quill.example", "Olga Quill", "t-9", "Red", "cp-9"
			})),
		}, wanted{coaches: []string{"+{co-9 olga@quill.example Olga Quill  }"}, teams: []string{"+{t-9 co-9 Red}"},
			competitors: []string{"+{cp-9  co-9 t-9 Ada Fennimore  college  pending}"}}},
		"coach by id gets an email": {[]Row{row(2, func(r *Row) { r.CoachID, r.CoachEmail, r.School = "co-1", "m.quill@quill.example", "Hill High" })},
			wanted{coaches: []string{"{co-1 m.quill@quill.example Mara Quill Hill High North}"}}},
		"coaches swap emails": {[]Row{
			row(2, func(r *Row) { r.CoachID, r.CoachEmail = "co-1", "nils@quill.example" }),
			named(3, "Cy", "Vane", func(r *Row) { r.CoachID, r.CoachEmail = "co-2", "mara@quill.example" }),
		}, wanted{coaches: []string{"{co-1 nils@quill.example Mara Quill Harbor High North}", "{co-2 mara@quill.example Nils Quill  }"}}},
		"coach's id in a later line only": {[]Row{
			row(2, func(r *Row) { r.CoachEmail = "new@quill.example" }),
			named(3, "Bo", "Tarn", func(r *Row) { r.CoachEmail, r.CoachID = "new@quill.example", "co-1" }),
		}, wanted{coaches: []string{"{co-1 new@quill.example Mara Quill Harbor High North}"}}},
		"team by id gets a name":   {[]Row{row(2, func(r *Row) { r.TeamID, r.Team = "t-1", "Green" })}, wanted{teams: []string{"{t-1 co-1 Green}"}}},
		"team by name is respelt":  {[]Row{row(2, func(r *Row) { r.Team = "RED" })}, wanted{teams: []string{"{t-1 co-1 RED}"}}},
		"team by id without name":  {[]Row{row(2, func(r *Row) { r.TeamID = "t-2" })}, wanted{competitors: []string{"{cp-1 gp-1 co-1 t-2 Ada Fennimore ada@harbor.example high_school 11 complete}"}}},
		"team of the own coach":    {[]Row{row(2, func(r *Row) { r.Team = "Red" })}, wanted{}},
		"id and name mean one":     {[]Row{row(2, func(r *Row) { r.TeamID = "t-1" }), named(3, "Bo", "Tarn", func(r *Row) { r.Team = "red" })}, wanted{competitors: []string{"{cp-2 gp-2 co-1 t-1 Bo Tarn bo@harbor.example high_school  pending}"}}},
		"new id and name mean one": {[]Row{row(2, func(r *Row) { r.Team = "New" }), named(3, "Bo", "Tarn", func(r *Row) { r.TeamID, r.Team = "t-9", "NEW" })}, wanted{teams: []string{"+{t-9 co-1 NEW}"}, competitors: []string{"{cp-1 gp-1 co-1 t-9 Ada Fennimore ada@harbor.example high_school 11 complete}", "{cp-2 gp-2 co-1 t-9 Bo Tarn bo@harbor.example high_school  pending}"}}},
		"teams swap names": {[]Row{row(2, func(r *Row) { r.TeamID, r.Team = "t-1", "Blue" }), named(3, "Bo", "Tarn", func(r *Row) { r.TeamID, r.Team = "t-2", "Red" })},
			wanted{teams: []string{"{t-1 co-1 Blue}", "{t-2 co-1 Red}"}}},
		"by game_platform_id": {[]Row{named(2, "Ida", "Rowe", func(r *Row) { r.GamePlatformID = "gp-1" })},
			wanted{competitors: []string{"{cp-1 gp-1 co-1 t-1 Ida Rowe ada@harbor.example high_school 11 complete}"}}},
		"by email": {[]Row{named(2, "Ida", "Rowe", func(r *Row) { r.Email, r.GamePlatformID = "ADA@harbor.example", "gp-9" })},
			wanted{competitors: []string{"{cp-1 gp-9 co-1 t-1 Ida Rowe ADA@harbor.example high_school 11 complete}"}}},
		"by name": {[]Row{named(2, "cy", "VANE", func(r *Row) { r.CoachEmail, r.Email = "nils@quill.example", "cy@harbor.example" })},
			wanted{competitors: []string{"{cp-3  co-2  cy VANE cy@harbor.example college  pending}"}}},
		"name with another email": {[]Row{fresh(row(2, func(r *Row) { r.Email = "ada2@harbor.example" }))},
			wanted{competitors: []string{"+{new-1  co-1  Ada Fennimore ada2@harbor.example college  pending}"}}},
		"name with another game_platform_id": {[]Row{fresh(row(2, func(r *Row) { r.GamePlatformID = "gp-9" }))},
			wanted{competitors: []string{"+{new-1 gp-9 co-1  Ada Fennimore  college  pending}"}}},
		"name of somebody another line is about": {[]Row{fresh(row(2, nil)), row(3, func(r *Row) { r.CompetitorID = "cp-1" })},
			wanted{competitors: []string{"+{new-1  co-1  Ada Fennimore  college  pending}"}}},
		"moved": {[]Row{row(2, func(r *Row) { r.CoachEmail, r.CompetitorID = "nils@quill.example", "cp-1" })},
			wanted{competitors: []string{"{cp-1 gp-1 co-2  Ada Fennimore ada@harbor.example high_school 11 complete}"},
				moved: []string{`line 2: "Ada Fennimore" (competitor_id "cp-1") from "mara@quill.example" to "nils@quill.example", left the team "Red"`}}},
		"moved into a team": {[]Row{row(2, func(r *Row) { r.CoachEmail, r.GamePlatformID, r.Team = "nils@quill.example", "gp-1", "Red" })},
			wanted{competitors: []string{"{cp-1 gp-1 co-2 t-3 Ada Fennimore ada@harbor.example high_school 11 complete}"},
				moved: []string{`line 2: "Ada Fennimore" (competitor_id "cp-1") from "mara@quill.example" to "nils@quill.example"`}}},
		"moved to a new coach": {[]Row{named(2, "Cy", "Vane", func(r *Row) {
			r.CoachEmail, r.CoachName, r.CompetitorID = "olga@quill.example", "Olga Quill", "cp-3"
		})}, wanted{coaches: []string{"+{new-1 olga@quill.example Olga Quill  }"}, competitors: []string{"{cp-3  new-1  Cy Vane  college  pending}"},
			moved: []string{`line 2: "Cy Vane" (competitor_id "cp-3") from "nils@quill.example" to "olga@quill.example"`}}},
		"competitors swap emails and game_platform_ids": {[]Row{
			row(2, func(r *Row) { r.CompetitorID, r.Email, r.GamePlatformID = "cp-1", "bo@harbor.example", "gp-2" }),
			named(3, "Bo", "Tarn", func(r *Row) { r.CompetitorID, r.Email, r.GamePlatformID = "cp-2", "ada@harbor.example", "gp-1" }),
		}, wanted{competitors: []string{"{cp-1 gp-2 co-1 t-1 Ada Fennimore bo@harbor.example high_school 11 complete}",
			"{cp-2 gp-1 co-1 t-2 Bo Tarn ada@harbor.example high_school  pending}"}}},
		"a new competitor takes a freed email": {[]Row{
			fresh(named(2, "Dot", "Lane", func(r *Row) { r.CompetitorID, r.Email = "cp-9", "bo@harbor.example" })),
			named(3, "Bo", "Tarn", func(r *Row) { r.CompetitorID, r.Email = "cp-2", "bo.tarn@harbor.example" }),
		}, wanted{competitors: []string{"+{cp-9  co-1  Dot Lane bo@harbor.example college  pending}",
			"{cp-2 gp-2 co-1 t-2 Bo Tarn bo.tarn@harbor.example high_school  pending}"}}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, bad := NewPlan(people(), c.rows, counter())
			if bad != nil {
				t.Fatalf("bad lines: %q", texts(bad))
			}
			var moved []string
			for _, m := range plan.Report.Moved {
				moved = append(moved, m.String())
			}
			got := wanted{written(plan.Coaches), written(plan.Teams), written(plan.Competitors), moved}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(wanted{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, bad := NewPlan(apply(people(), plan), c.rows, counter())
			n := len(again.Coaches) + len(again.Teams) + len(again.Competitors) + len(again.Report.Moved)
			if bad != nil || n > 0 {
				t.Errorf("the same again: bad lines %q, plan %+v", texts(bad), again)
			}
		})
	}
}

func written[T any](changes []Change[T]) []string {
	var all []string
	for _, c := range changes {
		text := fmt.Sprint(c.New)
		if c.Added {
			text = "+" + text
		}
		all = append(all, text)
	}
	return all
}

func TestPlanCounts(t *testing.T) {
	plan, bad := NewPlan(people(), []Row{
		row(2, func(r *Row) { r.Team, r.School = "Red", "Hill High" }),
		named(3, "Bo", "Tarn", func(r *Row) { r.Grade, r.Team = "9", "Green" }),
		named(4, "Cy", "Vane", func(r *Row) { r.CoachEmail = "nils@quill.example" }),
		fresh(named(5, "Dot", "Lane", func(r *Row) { r.CoachEmail, r.CoachName, r.Team = "olga@quill.example", "Olga Quill", "Green" })),
	}, counter())
	want := Report{Coaches: Counts{1, 1, 1}, Teams: Counts{2, 0, 1}, Competitors: Counts{1, 1, 2}}
	if diff := cmp.Diff(want, plan.Report); diff != "" || bad != nil {
		t.Errorf("bad %q, report (-want +got):\n%s", texts(bad), diff)
	}
}

func TestPlanRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		rows []Row
		want []string
	}{
		"what Check refuses": {[]Row{row(2, func(r *Row) { r.Email = "ada" })}, []string{`line 2: email: "ada" is not an email address`}},
		"no coach":           {[]Row{row(2, func(r *Row) { r.CoachEmail = "" })}, []string{"line 2: coach_email: must not be empty"}},
		"new coach without a name": {[]Row{
			fresh(row(2, func(r *Row) { r.CoachEmail = "olga@quill.example" })), fresh(named(3, "Bo", "Tarn", func(r *Row) { r.CoachEmail = "olga@quill.example" })),
		}, []string{`line 2: coach_name: must not be empty: "olga@quill.example" is a new coach`}},
		"email of another coach": {[]Row{row(2, func(r *Row) { r.CoachID, r.CoachEmail = "co-1", "NILS@quill.example" })},
			[]string{`line 2: coach_email: "NILS@quill.example" is the email of the coach "co-2"`}},
		"email with another coach_id": {[]Row{row(2, func(r *Row) { r.CoachID = "co-9" }), named(3, "Bo", "Tarn", nil), named(4, "Ida", "Rowe", func(r *Row) { r.CoachID = "co-9" })},
			[]string{`line 2: coach_id: "co-9" is not the id of the coach of this email, which is "co-1"`, `line 4: coach_id: "co-9" is not the id of the coach of this email, which is "co-1"`}},
		"old email beside the new": {[]Row{row(2, nil), named(3, "Bo", "Tarn", func(r *Row) { r.CoachID, r.CoachEmail = "co-1", "new@quill.example" })},
			[]string{`line 2: coach_email: the coach "co-1" gets another email in line 3`}},
		"team of another coach": {[]Row{row(2, func(r *Row) { r.TeamID = "t-3" })}, []string{`line 2: team_id: "t-3" is a team of the coach "co-2"`}},
		"new team without name": {[]Row{row(2, func(r *Row) { r.TeamID = "t-9" })}, []string{`line 2: team: must not be empty: "t-9" is a new team`}},
		"name of another team":  {[]Row{row(2, func(r *Row) { r.TeamID, r.Team = "t-1", "blue" })}, []string{`line 2: team: the team "blue" of this coach has the team_id "t-2"`}},
		"new id for a team":     {[]Row{row(2, func(r *Row) { r.TeamID, r.Team = "t-9", "Red" })}, []string{`line 2: team_id: the team "Red" of this coach has the team_id "t-1"`}},
		"name kept by a team of the file": {[]Row{row(2, func(r *Row) { r.TeamID = "t-1" }), named(3, "Bo", "Tarn", func(r *Row) { r.TeamID, r.Team = "t-2", "Red" })},
			[]string{`line 3: team: the team "Red" of this coach has the team_id "t-1"`}},
		"old team name beside the new": {[]Row{row(2, func(r *Row) { r.Team = "Red" }), named(3, "Bo", "Tarn", func(r *Row) { r.TeamID, r.Team = "t-1", "Green" })},
			[]string{`line 2: team: "Red" gets another name in line 3`}},
		"new competitor without division and status": {[]Row{named(2, "Ida", "Rowe", nil)},
			[]string{"line 2: division: must not be empty: this is a new competitor; status: must not be empty: this is a new competitor"}},
		"new competitor, all that is missing": {[]Row{named(2, "Ida", "Rowe", func(r *Row) { r.CoachEmail = "olga@quill.example" })},
			[]string{`line 2: coach_name: must not be empty: "olga@quill.example" is a new coach; division: must not be empty: this is a new competitor;` +
				` status: must not be empty: this is a new competitor`}},
		"unknown id with another's keys": {[]Row{fresh(row(2, func(r *Row) { r.CompetitorID, r.GamePlatformID, r.Email = "cp-9", "gp-1", "Bo@harbor.example" }))},
			[]string{`line 2: game_platform_id: belongs to the competitor "cp-1"; email: belongs to the competitor "cp-2"`}},
		"known id with another's email": {[]Row{row(2, func(r *Row) { r.CompetitorID, r.Email = "cp-1", "bo@harbor.example" })},
			[]string{`line 2: email: belongs to the competitor "cp-2"`}},
		"email kept by a competitor of the file": {[]Row{
			row(2, func(r *Row) { r.CompetitorID, r.Email = "cp-1", "bo@harbor.example" }), named(3, "Bo", "Tarn", nil),
		}, []string{`line 2: email: belongs to the competitor "cp-2"`}},
		"keys of two": {[]Row{row(2, func(r *Row) { r.GamePlatformID, r.Email = "gp-1", "bo@harbor.example" })},
			[]string{`line 2: competitor_id: the game_platform_id is the competitor "cp-1"'s, the email "cp-2"'s: give competitor_id`}},
		"two lines of one by keys": {[]Row{row(2, func(r *Row) { r.CompetitorID = "cp-1" }), row(3, func(r *Row) { r.Email = "ada@harbor.example" })},
			[]string{`line 3: competitor_id: the same competitor as line 2, "cp-1"`}},
		"two lines of one by name": {[]Row{
			named(2, "Cy", "Vane", func(r *Row) { r.CoachEmail = "nils@quill.example" }),
			named(3, "Cy", "Vane", func(r *Row) { r.CoachEmail, r.Email = "nils@quill.example", "cy@harbor.example" }),
		}, []string{`line 3: competitor_id: the same competitor as line 2, "cp-3"`}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, bad := NewPlan(people(), c.rows, counter())
			if diff := cmp.Diff(c.want, texts(bad)); diff != "" {
				t.Errorf("bad lines (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(Plan{}, plan); diff != "" {
				t.Errorf("there is a plan all the same:\n%s", diff)
			}
		})
	}
}

func TestPlanTwoOfOneName(t *testing.T) {
	stored := people()
	twin := stored.Competitors[0]
	twin.ID, twin.GamePlatformID, twin.Email = "cp-9", "", ""
	stored.Competitors = append(stored.Competitors, twin)
	_, bad := NewPlan(stored, []Row{row(2, nil)}, counter())
	if diff := cmp.Diff([]string{"line 2: competitor_id: the coach has 2 competitors of this name: give competitor_id"}, texts(bad)); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}
	// An email that is not the one's can only be the other's.
	plan, bad := NewPlan(stored, []Row{row(2, func(r *Row) { r.Email = "ada2@harbor.example" })}, counter())
	if bad != nil || len(plan.Competitors) != 1 || plan.Competitors[0].New.ID != "cp-9" {
		t.Errorf("bad lines %q, plan %+v", texts(bad), plan)
	}
}

func TestPlanTwoNewOfOneNameStayTwo(t *testing.T) {
	rows := []Row{fresh(named(2, "Sam", "Lee", nil)), fresh(named(3, "Sam", "Lee", func(r *Row) { r.Email = "sam@harbor.example" })),
		fresh(named(4, "Sam", "Lee", func(r *Row) { r.GamePlatformID = "gp-9" }))}
	plan, bad := NewPlan(people(), rows, counter())
	if bad != nil || plan.Report.Competitors.Added != 3 {
		t.Fatalf("bad lines %q, report %+v", texts(bad), plan.Report)
	}
	again, bad := NewPlan(apply(people(), plan), rows, counter())
	if bad != nil || again.Report.Competitors.Unchanged != 3 {
		t.Errorf("again: bad lines %q, report %+v", texts(bad), again.Report)
	}
}

func TestReportString(t *testing.T) {
	r := Report{Coaches: Counts{1, 2, 3}, Competitors: Counts{Added: 10}, DryRun: true, Moved: []Move{
		{Line: 4, CompetitorID: "cp-1", Name: "Ada\n\x1b[2J", FromCoach: "mara@quill.example", ToCoach: "nils@quill.example", LeftTeam: "R\ted"}}}
	want := `coaches:     1 added, 2 changed, 3 unchanged
teams:       0 added, 0 changed, 0 unchanged
competitors: 10 added, 0 changed, 0 unchanged
moved to another coach: 1
  line 4: "Ada\n\x1b[2J" (competitor_id "cp-1") from "mara@quill.example" to "nils@quill.example", left the team "R\ted"
dry run: nothing was stored
`
	if diff := cmp.Diff(want, r.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
