package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"flagpole/internal/rollout"
)

// criteriaJSON is how criteria of a phase are stored: shares from 0 to 1, times in hours.
type criteriaJSON struct {
	Needed   []rollout.Gate `json:"needed"`
	Success  float64        `json:"success"`
	Failures float64        `json:"failures"`
	Recent   int            `json:"recent_hours"`
	Reports  int            `json:"reports"`
}

// readPhases reads the phases as they are set.
func readPhases(ctx context.Context, tx conn) (phases []rollout.Phase, err error) {
	rows, err := tx.query(ctx, `SELECT off, percent, soak_hours, gates FROM rollout_phases ORDER BY position`)
	if err != nil {
		return nil, fmt.Errorf("read the phases: %w", err)
	}
	err = each(rows, func() error {
		var p rollout.Phase
		var hours int
		var text string
		if err := rows.Scan(&p.Level.Off, &p.Level.Percent, &hours, &text); err != nil {
			return err
		}
		var c criteriaJSON
		err := json.Unmarshal([]byte(text), &c)
		p.Soak = time.Duration(hours) * time.Hour
		p.Gates = rollout.Criteria{Needed: c.Needed, Success: c.Success, Failures: c.Failures, Recent: time.Duration(c.Recent) * time.Hour, Reports: c.Reports}
		phases = append(phases, p)
		return err
	})
	if len(phases) == 0 {
		phases = rollout.DefaultPhases()
	}
	return phases, wrap(err, "read the phases")
}

func writePhases(ctx context.Context, tx conn, phases []rollout.Phase) error {
	if _, err := tx.exec(ctx, `DELETE FROM rollout_phases`); err != nil {
		return fmt.Errorf("write the phases: %w", err)
	}
	for i, p := range phases {
		text, err := json.Marshal(criteriaJSON{p.Gates.Needed, p.Gates.Success, p.Gates.Failures, int(p.Gates.Recent / time.Hour), p.Gates.Reports})
		if err == nil {
			_, err = tx.exec(ctx, `INSERT INTO rollout_phases (position, off, percent, soak_hours, gates) VALUES ($1, $2, $3, $4, $5)`,
				i, p.Level.Off, p.Level.Percent, int(p.Soak/time.Hour), string(text))
		}
		if err != nil {
			return fmt.Errorf("write the phases: %w", err)
		}
	}
	return nil
}
