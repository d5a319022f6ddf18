package store

import (
	"context"
	"encoding/json"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
)

// AlertRules is what an evaluation goes by.
type AlertRules struct {
	Off        bool // the integration is switched off
	Thresholds alert.Thresholds
	Timing     alert.Timing
	Zone       *time.Location // of times in messages
	Link       string         // the address of the page of alerts
}

// Alert is how one rule stands.
type Alert struct {
	Rule     domain.AlertRule
	State    domain.AlertState
	Since    time.Time // of the state; zero: it never held
	FiredAt  time.Time // when it last began to hold; zero: never
	Evidence string
	Incident int64 // what it is part of, while it holds

	AcknowledgedAt time.Time
	AcknowledgedBy string // a login, or a word for a program
	Reason         string
}

// EvaluateAlerts reads the facts, asks every rule, stores what has begun and ended, writes the messages that takes, and returns
// what has changed. It may be called by several processes at once: of two evaluations the older one changes nothing.
func (sys *System) EvaluateAlerts(ctx context.Context, now time.Time, r AlertRules) (changes []alert.Change, err error) {
	if err := sys.keepFaults(ctx, now); err != nil {
		return nil, err
	}
	facts, err := sys.AlertFacts(ctx, now, r.Off)
	if err != nil {
		return nil, err
	}
	verdicts := alert.Judge(facts, r.Thresholds)
	err = sys.s.db.update(ctx, func(tx conn) error {
		text, err := json.Marshal(verdicts)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE alert_evaluation SET evaluated_at = $1, verdicts = $2 WHERE evaluated_at < $1`, micros(now), string(text))
		if err != nil || n == 0 {
			return err
		}
		if err := keepCycle(ctx, tx, facts); err != nil {
			return err
		}
		if err := keepFacts(ctx, tx, facts); err != nil {
			return err
		}
		changes, err = step(ctx, tx, now, verdicts, r)
		return err
	})
	return changes, wrap(err, "evaluate alerts")
}

// step goes from the stored board to the one after the verdicts.
func step(ctx context.Context, tx conn, now time.Time, verdicts []alert.Verdict, r AlertRules) ([]alert.Change, error) {
	board, err := readBoard(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	before := map[int64]alert.Incident{}
	for _, in := range board.Incidents {
		before[in.ID] = in
	}
	changes, told := board.Step(now, verdicts, r.Timing)
	ids, err := writeIncidents(ctx, tx, before, board.Incidents)
	if err != nil {
		return nil, err
	}
	for i := range changes {
		changes[i].To.Incident = ids(changes[i].To.Incident)
		if err := writeChange(ctx, tx, changes[i]); err != nil {
			return nil, err
		}
	}
	if err := writeEvidence(ctx, tx, board); err != nil {
		return nil, err
	}
	for _, t := range told {
		if _, err := writeMessage(ctx, tx, board.Write(t, now, r.Zone, r.Link), ids(t.Incident)); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// lastAlerts are the last alert of each rule.
const lastAlerts = ` FROM alerts a LEFT JOIN users u ON u.user_id = a.acknowledged_by WHERE a.alert_id IN (SELECT MAX(alert_id) FROM alerts GROUP BY rule)`

func readBoard(ctx context.Context, tx conn, now time.Time) (*alert.Board, error) {
	board := &alert.Board{Rules: map[domain.AlertRule]alert.Standing{}}
	rows, err := tx.query(ctx, `SELECT a.rule, a.state, a.since, a.evidence, a.incident_id`+lastAlerts)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var rule domain.AlertRule
		var s alert.Standing
		err := rows.Scan(&rule, &s.State, into(&s.Since), &s.Evidence, &s.Incident)
		board.Rules[rule] = s
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.query(ctx, `
		SELECT incident_id, began_at, ended_at, told_at, end_told, reopened FROM alert_incidents
		WHERE ended_at IS NULL OR NOT end_told OR ended_at > $1 ORDER BY incident_id`, micros(now.Add(-alert.IncidentKept)))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var in alert.Incident
		err := rows.Scan(&in.ID, into(&in.BeganAt), into(&in.EndedAt), into(&in.ToldAt), &in.EndTold, &in.Reopened)
		board.Incidents = append(board.Incidents, in)
		return err
	})
	return board, err
}

// writeIncidents stores new and changed incidents, and gives the function from a board's ids to stored ones.
func writeIncidents(ctx context.Context, tx conn, before map[int64]alert.Incident, after []alert.Incident) (ids func(int64) int64, err error) {
	made := map[int64]int64{}
	for _, in := range after {
		switch {
		case in.ID < 0:
			var id int64
			err := tx.row(ctx, `
				INSERT INTO alert_incidents (began_at, ended_at, told_at, end_told, reopened) VALUES ($1, $2, $3, $4, $5) RETURNING incident_id`,
				micros(in.BeganAt), nullMicros(in.EndedAt), nullMicros(in.ToldAt), in.EndTold, in.Reopened).Scan(&id)
			if err != nil {
				return nil, err
			}
			made[in.ID] = id
		case in != before[in.ID]:
			_, err := tx.exec(ctx, `
				UPDATE alert_incidents SET ended_at = $2, told_at = $3, end_told = $4, reopened = $5 WHERE incident_id = $1`,
				in.ID, nullMicros(in.EndedAt), nullMicros(in.ToldAt), in.EndTold, in.Reopened)
			if err != nil {
				return nil, err
			}
		}
	}
	return func(id int64) int64 {
		if stored, ok := made[id]; ok {
			return stored
		}
		return id
	}, nil
}

func writeChange(ctx context.Context, tx conn, c alert.Change) error {
	at := micros(c.To.Since)
	var err error
	if c.To.State == domain.AlertResolved {
		_, err = tx.exec(ctx, `UPDATE alerts SET state = 'resolved', since = $2, resolved_at = $2 WHERE rule = $1 AND state <> 'resolved'`, string(c.Rule), at)
	} else {
		_, err = tx.exec(ctx, `INSERT INTO alerts (rule, incident_id, state, since, fired_at, evidence) VALUES ($1, $2, $3, $4, $4, $5)`,
			string(c.Rule), c.To.Incident, string(c.To.State), at, c.To.Evidence)
	}
	return err
}

// writeEvidence keeps the figures of the rules that hold.
func writeEvidence(ctx context.Context, tx conn, board *alert.Board) error {
	for _, rule := range domain.AlertRules {
		s := board.Rules[rule]
		if !s.State.Holds() {
			continue
		}
		if _, err := tx.exec(ctx, `UPDATE alerts SET evidence = $2 WHERE rule = $1 AND state <> 'resolved' AND evidence <> $2`, string(rule), s.Evidence); err != nil {
			return err
		}
	}
	return nil
}

// Alerts is how every rule stood at the last evaluation, in the order of domain.AlertRules.
func (sys *System) Alerts(ctx context.Context, now time.Time) ([]Alert, error) {
	list, _, err := sys.s.alerts(ctx, now)
	return list, wrap(err, "read alerts")
}

// alerts also says when that evaluation was; zero: never.
func (s *Store) alerts(ctx context.Context, now time.Time) (list []Alert, evaluated time.Time, err error) {
	found := map[domain.AlertRule]Alert{}
	var verdicts []alert.Verdict
	err = s.db.view(ctx, func(tx conn) error {
		var at int64
		var text string
		if err := tx.row(ctx, `SELECT evaluated_at, verdicts FROM alert_evaluation`).Scan(&at, &text); err != nil {
			return err
		}
		if at > 0 {
			evaluated = time.UnixMicro(at).UTC()
		}
		if err := json.Unmarshal([]byte(text), &verdicts); err != nil {
			return err
		}
		rows, err := tx.query(ctx, `
			SELECT a.rule, a.state, a.since, a.fired_at, a.incident_id, a.acknowledged_at, COALESCE(u.email, a.acknowledged_by), a.acknowledged_reason`+lastAlerts)
		if err != nil {
			return err
		}
		return each(rows, func() error {
			var a Alert
			err := rows.Scan(&a.Rule, &a.State, into(&a.Since), into(&a.FiredAt), &a.Incident, into(&a.AcknowledgedAt), &a.AcknowledgedBy, &a.Reason)
			a.AcknowledgedBy = domain.LoginName(a.AcknowledgedBy)
			found[a.Rule] = a
			return err
		})
	})
	if err != nil {
		return nil, evaluated, err
	}
	for _, rule := range domain.AlertRules {
		a := found[rule]
		a.Rule = rule
		if a.State == "" {
			a.State = domain.AlertOK
		}
		a.State = a.State.At(now, a.Since)
		list = append(list, a)
	}
	for _, v := range verdicts {
		for i := range list {
			if list[i].Rule == v.Rule {
				list[i].Evidence = v.Evidence
			}
		}
	}
	return list, evaluated, nil
}
