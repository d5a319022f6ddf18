package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"flagpole/internal/domain"
)

// Delivery is one message on its way to one target.
type Delivery struct {
	Message  domain.Message
	Target   domain.Target
	Attempts int // this one included
	Since    time.Time
}

// writeMessage keeps a message until it is handed out. Without an incident it is a test.
func writeMessage(ctx context.Context, tx conn, m domain.Message, incident int64) (id int64, err error) {
	alerts, err := json.Marshal(m.Alerts)
	if err != nil {
		return 0, err
	}
	err = tx.row(ctx, `
		INSERT INTO alert_messages (incident_id, kind, at, subject, body, alerts, link) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING message_id`,
		sql.NullInt64{Int64: incident, Valid: incident != 0}, string(m.Kind), micros(m.At), m.Subject, m.Body, string(alerts), m.Link).Scan(&id)
	return id, err
}

// tooOldToSend is the age from which on a message is not handed out any more: it was written while no channel was there.
const tooOldToSend = time.Hour

// HandOut makes a delivery of each new message for each target, and returns of how many messages. A message that waited too
// long for a first target goes to none. It may be called by several processes at once.
func (sys *System) HandOut(ctx context.Context, targets []domain.Target) (n int, err error) {
	if len(targets) == 0 {
		return 0, nil
	}
	var some bool
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1 FROM alert_messages WHERE NOT handed_out)`).Scan(&some)
	if err != nil || !some { // mostly nothing is new, and nothing need be locked
		return 0, wrap(err, "look for messages")
	}
	err = sys.s.db.update(ctx, func(tx conn) error {
		now := sys.s.clock()
		rows, err := tx.query(ctx, `UPDATE alert_messages SET handed_out = TRUE WHERE NOT handed_out RETURNING message_id, at`)
		if err != nil {
			return err
		}
		var ids []int64
		err = each(rows, func() error {
			var id int64
			var at time.Time
			err := rows.Scan(&id, into(&at))
			if now.Sub(at) < tooOldToSend {
				ids = append(ids, id)
			}
			return err
		})
		if err != nil {
			return err
		}
		n = len(ids)
		for _, id := range ids {
			for _, t := range targets {
				_, err := tx.exec(ctx, `INSERT INTO alert_deliveries (message_id, channel, address, state, created_at, next_at) VALUES ($1, $2, $3, 'waiting', $4, $4)`,
					id, string(t.Channel), t.Address, micros(now))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	return n, wrap(err, "hand out messages")
}

// claimedFor is how long a delivery under way is left alone: longer than one try takes.
const claimedFor = 2 * time.Minute

// NextDelivery takes up the delivery that has been due the longest; false where none is. Nobody else gets it until it is said
// how it went, or its process must be dead.
func (sys *System) NextDelivery(ctx context.Context) (d Delivery, found bool, err error) {
	now := sys.s.clock()
	var some bool
	err = sys.s.db.reader().row(ctx, `SELECT EXISTS (SELECT 1 FROM alert_deliveries WHERE state = 'waiting' AND next_at <= $1)`, micros(now)).Scan(&some)
	if err != nil || !some {
		return d, false, wrap(err, "look for deliveries")
	}
	err = sys.s.db.update(ctx, func(tx conn) error {
		err := tx.row(ctx, `
			UPDATE alert_deliveries SET attempts = attempts + 1, next_at = $2
			WHERE state = 'waiting' AND next_at <= $1 AND (message_id, channel, address) IN (
				SELECT message_id, channel, address FROM alert_deliveries WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at, message_id, channel, address LIMIT 1)
			RETURNING message_id, channel, address, attempts, created_at`, micros(now), micros(now.Add(claimedFor))).
			Scan(&d.Message.ID, &d.Target.Channel, &d.Target.Address, &d.Attempts, into(&d.Since))
		if err != nil {
			return err
		}
		var alerts string
		m := &d.Message
		err = tx.row(ctx, `SELECT kind, at, subject, body, alerts, link FROM alert_messages WHERE message_id = $1`, m.ID).
			Scan(&m.Kind, into(&m.At), &m.Subject, &m.Body, &alerts, &m.Link)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(alerts), &m.Alerts)
	})
	if errors.Is(err, sql.ErrNoRows) { // another process was faster
		return d, false, nil
	}
	return d, err == nil, wrap(err, "take up a delivery")
}

// Delivered keeps that the channel has taken the message.
func (sys *System) Delivered(ctx context.Context, d Delivery) error {
	return sys.write(ctx, "note a delivery", `
		UPDATE alert_deliveries SET state = 'sent', ended_at = $4, error = '' WHERE message_id = $1 AND channel = $2 AND address = $3 AND state = 'waiting'`,
		d.Message.ID, string(d.Target.Channel), d.Target.Address, sys.s.now())
}

// NotDelivered keeps why the channel did not take the message, and when it is tried again; a zero time: it is given up.
func (sys *System) NotDelivered(ctx context.Context, d Delivery, why string, again time.Time) error {
	if again.IsZero() {
		return sys.write(ctx, "give up a delivery", `
			UPDATE alert_deliveries SET state = 'given_up', ended_at = $4, error = $5 WHERE message_id = $1 AND channel = $2 AND address = $3 AND state = 'waiting'`,
			d.Message.ID, string(d.Target.Channel), d.Target.Address, sys.s.now(), why)
	}
	return sys.write(ctx, "note a delivery", `
		UPDATE alert_deliveries SET next_at = $4, error = $5 WHERE message_id = $1 AND channel = $2 AND address = $3 AND state = 'waiting'`,
		d.Message.ID, string(d.Target.Channel), d.Target.Address, micros(again), why)
}
