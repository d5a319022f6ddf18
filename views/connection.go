package views

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// Connection is how the connection with the platform is.
type Connection struct {
	BaseURL                string
	On, HasToken           bool // the integration is switched on; a token is set
	SeenAt                 time.Time
	State, StateKind       string
	StateNote              string
	Token                  ConnectionToken
	Tokens                 []ConnectionToken // older ones
	Rate, Limit            string
	Concurrency, Retries   int
	Timeout                time.Duration
	Tests                  []ConnectionTest
	Waits                  []ConnectionWait
	Fields                 []ConnectionField
	Hours                  []ConnectionHour
	Calls, Limited, Faults int64 // of the day
	ZoneName               string
	PollEvery              string // "": no test is under way
}

// ConnectionToken is what is known of a token; what it is, is not.
type ConnectionToken struct {
	Fingerprint, Source string
	FirstAt             time.Time
	State, Kind         string
	At                  time.Time
}

// ConnectionTest is one try of the connection.
type ConnectionTest struct {
	At                    time.Time
	Waiting               bool
	Reachable, Token      string // "" where all is well
	Answer, Skew          string
	SkewTooLarge, Skewing bool
}

// ConnectionWait is a time in which calls were held back.
type ConnectionWait struct {
	Why            string
	BeganAt, Until time.Time
	EndedAt        time.Time
	Planned        string
}

// ConnectionField is a field that differs from the platform's description.
type ConnectionField struct {
	Field, Fault    string
	FirstAt, LastAt time.Time
	Times           int64
}

// ConnectionHour are the calls of an hour.
type ConnectionHour struct {
	Hour                          string
	Calls, Limited, Failed, Wrong int64
}

func (d Connection) poll() templ.Attributes {
	if d.PollEvery == "" {
		return nil
	}
	return polls("/admin/connection", "connection", d.PollEvery)
}

func (d Connection) limits() string {
	return d.Limit + " at most, now " + d.Rate + ". " + Plural(d.Concurrency, "sync", "syncs") + " at a time, " + Took(d.Timeout) + " for a call, " +
		Plural(d.Retries, "repeat", "repeats") + " at most."
}

func (d Connection) say() string { return "Connection: " + d.State }

// Rate writes calls per second.
func Rate(perSecond float64) string {
	return strconv.FormatFloat(perSecond, 'f', -1, 64) + " a second"
}
