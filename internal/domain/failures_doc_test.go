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
}
