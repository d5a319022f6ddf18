package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Alerts is how every rule stands, what messages went out, and what was in the past.
type Alerts struct {
	EvaluatedAt time.Time // zero: never
	Rules       []AlertRow
	Channels    []string // where messages go, in words
	Past        []PastAlertRow
	OlderURL    string // "" where there is nothing older
	Messages    []MessageRow
	MayAct      bool   // acknowledge and send tests
	Problem     string // why the last thing that somebody wanted was not done
	PollEvery   string // "": nothing is under way
}

// AlertRow is one rule.
type AlertRow struct {
	Rule                domain.AlertRule
	State               domain.AlertState
	Since               time.Time // zero: it never held
	Evidence, Threshold string
	By, Reason          string // of who acknowledged it
}

// PastAlertRow is one time that a rule held.
type PastAlertRow struct {
	Rule               domain.AlertRule
	FiredAt, EndedAt   time.Time // EndedAt zero: it holds
	Evidence, By, Note string
	Others             int // alerts of the same incident
}

// MessageRow is a message and what became of it.
type MessageRow struct {
	At         time.Time
	Subject    string
	Deliveries []DeliveryRow
}

// DeliveryRow is a message on its way to one target.
type DeliveryRow struct {
	To, State, Kind string // Kind is the class of the state's mark
	At              time.Time
	Error           string
}

// alertKind is the class of a state's mark.
func alertKind(s domain.AlertState) string {
	switch s {
	case domain.AlertFiring:
		return "bad"
	case domain.AlertAcknowledged:
		return "hold"
	}
	return "ok"
}

func alertWord(s domain.AlertState) string {
	return map[domain.AlertState]string{
		domain.AlertOK: "OK", domain.AlertFiring: "Firing", domain.AlertAcknowledged: "Acknowledged", domain.AlertResolved: "Resolved",
	}[s]
}

func (d Alerts) holding() (n int) {
	for _, r := range d.Rules {
		if r.State.Holds() {
			n++
		}
	}
	return n
}

func (d Alerts) whom() string {
	return "Messages go to " + strings.Join(d.Channels, ", ") + ". One when something begins, one when it is over; what belongs together is one message."
}

func (d Alerts) say() string {
	if d.EvaluatedAt.IsZero() {
		return "The rules have not been asked yet."
	}
	if n := d.holding(); n > 0 {
		return Plural(n, "alert", "alerts") + " now."
	}
	return "All is well."
}

// poll asks again while a message is on its way, and not otherwise: it would take away a note that somebody types.
func (d Alerts) poll() templ.Attributes {
	if d.PollEvery == "" {
		return nil
	}
	return polls("/admin/alerts", "alerts", d.PollEvery)
}
