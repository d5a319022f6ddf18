package alert

import (
	"time"

	"flagpole/internal/domain"
)

// Past is one change that Replay found.
type Past struct {
	At       time.Time
	Rule     domain.AlertRule
	State    domain.AlertState // firing or resolved
	Evidence string
}

// Replay goes through facts of the past, oldest first, and says which rules would have begun and ended with these
// thresholds.
func Replay(history []Facts, t Thresholds) (past []Past) {
	board := Board{Rules: map[domain.AlertRule]Standing{}}
	for _, f := range history {
		changes, _ := board.Step(f.At, Judge(f, t), Timing{})
		for _, c := range changes {
			past = append(past, Past{f.At, c.Rule, c.To.State, c.To.Evidence})
		}
	}
	return past
}
