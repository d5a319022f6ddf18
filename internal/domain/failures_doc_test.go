package domain

import (
	"os"
	"strings"
	"testing"
)

// TestTheGuideSaysWhatTheTableSays holds docs/failures.md against the texts that people see.
func TestTheGuideSaysWhatTheTableSays(t *testing.T) {
	page, err := os.ReadFile("../../docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	for class, a := range advice {
		row := "| `" + string(class) + "` | " + a.What + " | " + a.Do + " | " + a.Who + " |\n"
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/failures.md lacks the row\n%s", row)
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(advice) {
		t.Errorf("docs/failures.md has %d rows, the table %d", rows, len(advice))
	}

	lasting := advice[ServerError].Lasting()
	if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), `"`+lasting.Do+" "+lasting.Who+`"`) {
		t.Error("docs/failures.md lacks what is said where it lasts")
	}
	if a := advice[NotFound]; a.Lasting() != a {
		t.Errorf("somebody has to act anyway, and it says %q", a.Lasting())
	}
}
