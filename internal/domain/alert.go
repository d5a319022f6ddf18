package domain

import (
	"slices"
	"time"
)

// AlertRule names something that staff must find out about.
type AlertRule string

// The rules.
const (
	AlertDisk        AlertRule = "disk_space"
	AlertDatabase    AlertRule = "database_errors"
	AlertToken       AlertRule = "token_refused"
	AlertPlatform    AlertRule = "platform_errors"
	AlertFailureRate AlertRule = "sync_failure_rate"
	AlertRuns        AlertRule = "consecutive_run_failures"
	AlertJob         AlertRule = "job_timeout"
	AlertNoSuccess   AlertRule = "no_recent_success"
	AlertNoCycle     AlertRule = "no_completed_cycle"
	AlertGuard       AlertRule = "rollout_guard"
	AlertDelivery    AlertRule = "mail_delivery"
)

// AlertRules lists every rule, causes before what follows from them.
var AlertRules = []AlertRule{
	AlertDisk, AlertDatabase, AlertToken, AlertPlatform, AlertFailureRate, AlertRuns, AlertJob, AlertNoSuccess, AlertNoCycle, AlertGuard, AlertDelivery,
}

// IsAlertRule reports whether there is a rule of this name.
func IsAlertRule(name string) bool { return slices.Contains(AlertRules, AlertRule(name)) }

var alertTitles = map[AlertRule]string{
	AlertDisk:        "The disk is nearly full",
	AlertDatabase:    "The database reports errors",
	AlertToken:       "The platform refuses our token",
	AlertPlatform:    "The platform fails for many competitors",
	AlertFailureRate: "Too many syncs fail",
	AlertRuns:        "Run after run fails",
	AlertJob:         "A job took too long",
	AlertNoSuccess:   "No sync has succeeded for long",
	AlertNoCycle:     "Competitors are left behind",
	AlertGuard:       "The guard has stopped the rollout",
	AlertDelivery:    "Alerts are not delivered",
}

// Title is what the rule's alert is called.
func (r AlertRule) Title() string { return alertTitles[r] }

var alertAdvice = map[AlertRule]Advice{
	AlertDisk:        {"Little room is left on the disk with the database.", "Make room, or give it a larger disk.", "Whoever runs the server does it."},
	AlertDatabase:    {"Statements of the database fail.", "Look into the log for the reason.", "Whoever runs the server does it."},
	AlertToken:       {"No competitor can be synced.", "Put in a valid token; syncs then go on alone.", "An admin does it."},
	AlertPlatform:    {"The platform answers with faults, late or not at all.", "Syncs go on alone when it is well again. If it lasts, tell MetaCTF.", "An admin does it."},
	AlertFailureRate: {"Results of many competitors are not up to date.", "See on the failures page why, and mend the largest cause first.", "An admin does it."},
	AlertRuns:        {"Nobody could be synced in several runs in a row.", "See on the failures page why.", "An admin does it."},
	AlertJob:         {"A job was ended because it took too long; what it did not come to stays due.", "Look whether the platform or the database is slow.", "An admin does it."},
	AlertNoSuccess:   {"All results are old.", "See on the failures page why.", "An admin does it."},
	AlertNoCycle:     {"Some who are due have not been tried for long.", "Look at sync health: is the portal running, and does the request budget suffice?", "An admin does it."},
	AlertGuard:       {"A gate failed, so nobody else gets the game platform until a person decides.", "See on the rollout page which gate it was, and mend that. Then go on, or begin the phase anew.", "Product staff do it."},
	AlertDelivery:    {"Messages about alerts do not arrive, so this page is the only place that tells.", "Check the settings of the channel, then send a test.", "An admin does it."},
}

// Critical reports whether results are lost or old while the rule's alert fires, or nobody would come to know.
func (r AlertRule) Critical() bool {
	switch r {
	case AlertDisk, AlertDatabase, AlertToken, AlertRuns, AlertNoSuccess, AlertNoCycle:
		return true
	}
	return false
}

// Advice is what follows from the rule's alert: what it means, what to do, who does it.
func (r AlertRule) Advice() Advice { return alertAdvice[r] }

// AlertState is how a rule stands.
type AlertState string

// The states of rules.
const (
	AlertOK           AlertState = "ok"
	AlertFiring       AlertState = "firing"
	AlertAcknowledged AlertState = "acknowledged" // holds, and somebody has said that they know
	AlertResolved     AlertState = "resolved"     // held not long ago
)

// Holds reports whether the rule holds in this state.
func (s AlertState) Holds() bool { return s == AlertFiring || s == AlertAcknowledged }

// resolvedFor is how long a rule that no longer holds is called resolved.
const resolvedFor = 24 * time.Hour

// At is the state at a time, for a rule that has been in this one since then: what was resolved long ago is ok.
func (s AlertState) At(now, since time.Time) AlertState {
	if s == AlertResolved && now.Sub(since) >= resolvedFor {
		return AlertOK
	}
	return s
}

// MessageKind says what a message is about.
type MessageKind string

// The kinds of messages.
const (
	MessageFired    MessageKind = "fired"    // something has begun
	MessageAlso     MessageKind = "also"     // something else has come to what had begun before
	MessageAgain    MessageKind = "again"    // what was said to be over is back
	MessageReminder MessageKind = "reminder" // it still holds, and nobody has said that they know
	MessageResolved MessageKind = "resolved" // all of it is over
	MessageTest     MessageKind = "test"
)

// Channel is a way in which messages are sent.
type Channel string

// The channels.
const (
	ChannelMail    Channel = "mail"
	ChannelWebhook Channel = "webhook"
	ChannelSlack   Channel = "slack"
)

// Channels lists every channel in the order pages show them.
var Channels = []Channel{ChannelMail, ChannelWebhook, ChannelSlack}

// Target is where messages go by one channel.
type Target struct {
	Channel Channel
	Address string // of a mail; "" for other channels, which have one target each
}

// Message is what is sent about alerts. It names no person.
type Message struct {
	ID      int64
	Kind    MessageKind
	At      time.Time
	Subject string // one line
	Body    string // plain text, lines separated by \n
	Alerts  []MessageAlert
	Link    string // to the page of alerts
}

// MessageAlert is one rule in a message.
type MessageAlert struct {
	Rule     AlertRule
	State    AlertState
	Since    time.Time
	Evidence string
}
