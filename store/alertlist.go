package store

import (
	"context"
	"strings"
	"time"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
)

// Alerts is how every rule stood at the last evaluation, and when that was; zero: never. It names nobody, so every viewer of
// sync health may read it.
func (sc *Scope) Alerts(ctx context.Context, now time.Time) (list []Alert, evaluated time.Time, err error) {
	if !sc.seesSync() {
		return nil, time.Time{}, nil
	}
	list, evaluated, err = sc.s.alerts(ctx, now)
	return list, evaluated, wrap(err, "read alerts")
}

// AcknowledgeAlert says that the viewer knows of a rule that fires: no one is reminded of it any more. Where it does not fire
// it is a Clash error.
func (sc *Scope) AcknowledgeAlert(ctx context.Context, rule domain.AlertRule, reason string) error {
	if err := sc.viewer.Require(domain.MayAlert); err != nil {
		return err
	}
	if !domain.IsAlertRule(string(rule)) {
		return domain.Errorf(domain.NoSuch, "There is no such rule.")
	}
	reason = strings.TrimSpace(reason)
	if len(reason) > maxReason {
		return domain.Errorf(domain.Invalid, "A note has %d letters at most.", maxReason).WithHint("Say in a few words what is being done.")
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `
			UPDATE alerts SET state = 'acknowledged', since = $2, acknowledged_at = $2, acknowledged_by = $3, acknowledged_reason = $4
			WHERE rule = $1 AND state = 'firing'`, string(rule), sc.s.now(), sc.viewer.UserID, reason)
		if err != nil {
			return err
		}
		if n == 0 {
			return domain.Errorf(domain.Clash, "This alert does not fire any more.").WithHint("It is over, or somebody else has acknowledged it. Nothing was changed.")
		}
		return sc.audit(ctx, tx, "alert.acknowledge", "", string(rule))
	})
	return wrap(err, "acknowledge an alert")
}

// TestMessages writes a message by which the channels are tried.
func (sc *Scope) TestMessages(ctx context.Context, link string) error {
	if err := sc.viewer.Require(domain.MayAlert); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		if _, err := writeMessage(ctx, tx, alert.TestMessage(sc.s.clock(), link), 0); err != nil {
			return err
		}
		return sc.audit(ctx, tx, "alert.test", "", "")
	})
	return wrap(err, "write a test")
}

// PastAlert is one time that a rule held.
type PastAlert struct {
	ID                     int64
	Rule                   domain.AlertRule
	FiredAt, ResolvedAt    time.Time // ResolvedAt zero: it holds
	Evidence               string    // the last while it held
	AcknowledgedAt         time.Time
	AcknowledgedBy, Reason string
	Incident               int64
	Others                 int // alerts of the same incident
}

// PastAlerts lists the alerts before the one given, newest first; 0 is from the newest on. more says that there are older ones.
func (sc *Scope) PastAlerts(ctx context.Context, before int64, limit int) (list []PastAlert, more bool, err error) {
	if !sc.seesSync() {
		return nil, false, nil
	}
	var a args
	where := "TRUE"
	if before > 0 {
		where = "a.alert_id < " + a.add(before)
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT a.alert_id, a.rule, a.fired_at, a.resolved_at, a.evidence, a.acknowledged_at, COALESCE(u.email, a.acknowledged_by), a.acknowledged_reason,
			a.incident_id, (SELECT COUNT(*) - 1 FROM alerts o WHERE o.incident_id = a.incident_id)
		FROM alerts a LEFT JOIN users u ON u.user_id = a.acknowledged_by WHERE `+where+`
		ORDER BY a.alert_id DESC LIMIT `+a.add(limit+1), a...)
	if err != nil {
		return nil, false, wrap(err, "list past alerts")
	}
	err = each(rows, func() error {
		var p PastAlert
		err := rows.Scan(&p.ID, &p.Rule, into(&p.FiredAt), into(&p.ResolvedAt), &p.Evidence, into(&p.AcknowledgedAt), &p.AcknowledgedBy, &p.Reason, &p.Incident, &p.Others)
		p.AcknowledgedBy = domain.LoginName(p.AcknowledgedBy)
		list = append(list, p)
		return err
	})
	if len(list) > limit {
		list, more = list[:limit], true
	}
	return list, more, wrap(err, "list past alerts")
}

// SentMessage is a message with what became of it.
type SentMessage struct {
	ID         int64
	Kind       domain.MessageKind
	At         time.Time
	Subject    string
	Deliveries []DeliveryState // by target; none where none was set up in time
}

// DeliveryState is how a message stands with a target.
type DeliveryState struct {
	Target   domain.Target
	State    string // waiting, sent or given_up
	Attempts int
	NextAt   time.Time // where it waits
	EndedAt  time.Time // zero: it waits
	Error    string
}

// Messages lists the newest messages, with how they were delivered.
func (sc *Scope) Messages(ctx context.Context, limit int) (list []SentMessage, err error) {
	if !sc.seesSync() {
		return nil, nil
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT m.message_id, m.kind, m.at, m.subject, COALESCE(d.channel, ''), COALESCE(d.address, ''), COALESCE(d.state, ''), COALESCE(d.attempts, 0), d.next_at, d.ended_at, COALESCE(d.error, '')
		FROM (SELECT * FROM alert_messages ORDER BY message_id DESC LIMIT $1) m
		LEFT JOIN alert_deliveries d ON d.message_id = m.message_id ORDER BY m.message_id DESC, d.channel, d.address`, limit)
	if err != nil {
		return nil, wrap(err, "list messages")
	}
	err = each(rows, func() error {
		var m SentMessage
		var d DeliveryState
		if err := rows.Scan(&m.ID, &m.Kind, into(&m.At), &m.Subject, &d.Target.Channel, &d.Target.Address, &d.State, &d.Attempts, into(&d.NextAt), into(&d.EndedAt), &d.Error); err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].ID != m.ID {
			list = append(list, m)
		}
		if d.Target.Channel != "" {
			last := &list[len(list)-1]
			last.Deliveries = append(last.Deliveries, d)
		}
		return nil
	})
	return list, wrap(err, "list messages")
}
