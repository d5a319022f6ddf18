package metactf

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// BenchmarkReadODL is what an unchanged competitor costs apart from the network: an answer of 30 solves.
func BenchmarkReadODL(b *testing.B) {
	var solves []string
	for i := range 30 {
		solves = append(solves, fmt.Sprintf(`{"challenge_solve_id":%d,"challenge_id":%d,"challenge_title":"Rusty Key",
			"challenge_points":100,"challenge_category":"crypto","timestamp_unix":1760000000,"challenge_retired":true,
			"nist_nice_work_roles":["DD-WRL-003","PR-CDA-001"]}`, i, i))
	}
	body := `{"syned_user_id":"syn-1","total_points":3000,"challenge_solves":[` + strings.Join(solves, ",") + `]}`
	c, err := New(Config{BaseURL: "https://platform.example", Tokens: []Token{{Name: "token", Value: "t"}}, RateLimit: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var w wireODL
		if err := c.read(answer{body: []byte(body)}, &w); err != nil {
			b.Fatal(err)
		}
		if solves, _ := c.readSolves(w.Solves.items, "odl", "", ""); len(solves) != 30 {
			b.Fatalf("%d solves read", len(solves))
		}
	}
}
