package roster

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
)

func TestWhatIsExportedIsReadAgainWhateverTheCells(t *testing.T) {
	hostile := []string{"plain", "=1+1", "+49", "-x", "@you", "'quoted", "'=quoted", "''@", "＝wide", "'", "a'=b", "José", `"`, "a,b"}
	var rows []Row
	for i, text := range hostile {
		rows = append(rows, Row{
			Line: i + 2, CoachID: "co-1", CoachEmail: "mara@quill.example", CoachName: "Mara Quill", FirstName: text, LastName: text, Grade: text,
			Division: domain.College, Status: domain.ProfileComplete, CompetitorID: "cp-" + text,
		})
	}
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	if err := out.Write(Columns()); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		cells := r.Cells()
		for _, cell := range cells {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@") {
				t.Errorf("%q would be run as a formula", cell)
			}
		}
		if err := out.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	out.Flush()
	got, wrong, err := Read(&file)
	if err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("(-exported +read):\n%s", diff)
	}
}

func TestLinesThatMayBeSomebodyElseArePointedOut(t *testing.T) {
	stored := people()
	rows := []Row{
		row(2, func(r *Row) { r.CoachEmail, r.Email = "nils@quill.example", "ada.two@harbor.example" }),
		fresh(named(3, "New", "Comer", func(r *Row) { r.Email = "one@harbor.example" })),
		fresh(named(4, "NEW", "comer", func(r *Row) { r.Email = "two@harbor.example" })),
		fresh(named(5, "Only", "Once", nil)),
	}
	rows[0] = fresh(rows[0])
	plan, bad := NewPlan(stored, rows, counter())
	if bad != nil {
		t.Fatal(texts(bad))
	}
	var got []string
	for _, d := range plan.Report.Duplicates {
		got = append(got, d.String())
	}
	ada := stored.Competitors[0]
	want := []string{
		`line 2: "` + ada.Name() + `" has the name of the competitor "` + ada.ID + `", coach "` + stored.Coaches[0].Email + `"`,
		`line 4: "NEW comer" has the name of line 3, coach "` + rows[1].CoachEmail + `"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(plan.Report.String(), "may be somebody who is there already: 2\n  line 2:") {
		t.Errorf("the report does not say so:\n%s", plan.Report)
	}
}

func TestADigestChangesWithWhatIsWritten(t *testing.T) {
	digest := func(grade string) string {
		plan, bad := NewPlan(people(), []Row{row(2, func(r *Row) { r.Grade = grade })}, counter())
		if bad != nil {
			t.Fatal(texts(bad))
		}
		return plan.Digest()
	}
	one, again, other := digest("9"), digest("9"), digest("10")
	if one != again || one == other {
		t.Errorf("digests %s, %s, %s", one, again, other)
	}
}
