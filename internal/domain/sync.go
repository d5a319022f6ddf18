package domain

import (
	"fmt"
	"slices"
	"time"
)

// SyncResult is the health of a competitor's last sync. It is independent of the vendor's PlatformStatus.
type SyncResult string

// The results of a sync.
const (
	SyncNever   SyncResult = "" // not tried yet
	SyncSuccess SyncResult = "success"
	SyncFailure SyncResult = "failure"
	SyncBlocked SyncResult = "blocked" // waits for the platform's approval or for data only people have
)

// PlatformStatus is the vendor's own word about a user. Only an answer of GET /users may change it.
type PlatformStatus string

// The vendor's statuses; other texts are kept as they come.
const (
	PlatformUserCreated     PlatformStatus = "user_created"
	PlatformPendingApproval PlatformStatus = "pending_approval"
	PlatformApproved        PlatformStatus = "approved"
	PlatformDenied          PlatformStatus = "denied"
	PlatformUnknown         PlatformStatus = "unknown" // the platform says there is no such user
)

// PlatformUser is what GET /users says of one competitor.
type PlatformUser struct {
	MetaCTFUserID int64
	Username      string
	Status        PlatformStatus
	LastLoginAt   time.Time // zero: never
}

// FailureClass names why a call of the platform failed.
type FailureClass string

// The failure classes.
const (
	Unauthorized FailureClass = "unauthorized"
	Forbidden    FailureClass = "forbidden"
	NotFound     FailureClass = "not_found"
	Blocked      FailureClass = "blocked"
	Conflict     FailureClass = "conflict"
	InvalidCall  FailureClass = "invalid"
	RateLimited  FailureClass = "rate_limited"
	ServerError  FailureClass = "server_error"
	Timeout      FailureClass = "timeout"
	Unreachable  FailureClass = "unreachable"
	Malformed    FailureClass = "malformed"
	StoreFailed  FailureClass = "store_failed" // the answer was good, our database was not
)

// PlatformClasses are the classes that may be a fault of the whole platform: 5xx, no answer in time, unreachable.
var PlatformClasses = []FailureClass{ServerError, Timeout, Unreachable}

// OfPlatform reports whether the class is one of PlatformClasses.
func (c FailureClass) OfPlatform() bool { return slices.Contains(PlatformClasses, c) }

// CallError is a failed call of the platform. Its text names no person and no token.
type CallError struct {
	Class      FailureClass
	Endpoint   string        // method and path without query, for example "GET /scores/get_odl_scores"
	Status     int           // HTTP status, 0 when there was no answer
	Message    string        // the platform's own words, shortened, without personal data
	RetryAfter time.Duration // what the platform asked us to wait, 0 when it did not say
}

// Error says the class, the call and the platform's words.
func (e *CallError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s: %s", e.Endpoint, e.Class, e.Message)
	}
	return fmt.Sprintf("%s: %s (status %d): %s", e.Endpoint, e.Class, e.Status, e.Message)
}

// Advice is what people are told about a failure class: what happened, what to do, who does it.
type Advice struct{ What, Do, Who string }

// String joins the three parts into one text.
func (a Advice) String() string { return a.What + " " + a.Do + " " + a.Who }

// Lasting is the advice where syncs have failed again and again: what nobody had to act for has not mended itself.
func (a Advice) Lasting() Advice {
	if a.Who == nobodyActs {
		a.Do, a.Who = "It has failed several times running, and is still tried.", "An admin tests the connection, and asks MetaCTF where that works."
	}
	return a
}

const nobodyActs = "Nobody has to act."

var advice = map[FailureClass]Advice{
	Unauthorized: {"The platform refused our token.", "Put in a valid token; syncs then go on alone.", "An admin does it."},
	Forbidden:    {"The platform does not allow this call.", "Ask MetaCTF which rights the token lacks.", "An admin does it."},
	NotFound:     {"The platform does not know this record.", "Check the game platform id on the roster.", "An admin does it."},
	Blocked:      {"The platform has not approved this account.", "It is looked up again every 8 hours.", "MetaCTF approves it; nothing for you to do."},
	Conflict:     {"The platform says this already exists.", "It is looked up again at the next try.", nobodyActs},
	InvalidCall:  {"The platform refused the data we sent.", "Check the competitor's data on the roster.", "An admin does it."},
	RateLimited:  {"The platform asked us to slow down.", "It is tried again after the pause.", nobodyActs},
	ServerError:  {"The platform had a fault of its own.", "It is tried again by itself.", nobodyActs},
	Timeout:      {"The platform did not answer in time.", "It is tried again by itself.", nobodyActs},
	Unreachable:  {"The platform could not be reached.", "It is tried again by itself.", "Nobody has to act, unless it lasts: then an admin checks the connection."},
	Malformed:    {"The platform's answer could not be read.", "It is tried again by itself; stored results stay.", "An admin tells MetaCTF if it lasts."},
	StoreFailed:  {"The results could not be stored.", "It is tried again by itself.", "An admin looks into the log if it lasts."},

	MissingEmail:  {"There is no email on file.", "Add the email; the competitor is then looked up on the platform at once.", "An admin does it, or the coach tells the email."},
	MissingCoach:  {"There is no coach on file.", "Put a coach on the roster.", "An admin does it."},
	AccountDenied: {"MetaCTF has refused this account.", "Ask MetaCTF why. It is looked up again every 8 hours.", "An admin does it."},
}

// AdviceFor is the text for a failure class. An unknown class gets a text that says so.
func AdviceFor(class FailureClass) Advice {
	if a, ok := advice[class]; ok {
		return a
	}
	return Advice{"The sync failed for a reason we have no text for.", "It is tried again by itself.", "An admin looks into the log."}
}

// CallsPerSync is the most calls of the platform that one sync makes: the account, ODL scores and flash CTF progress.
const CallsPerSync = 3

// RunCounts is what one run did. Attempted = Changed + Unchanged + Blocked + Failed; Skipped and NotEnrolled are
// counted apart.
type RunCounts struct {
	Attempted   int `json:"attempted"`
	Changed     int `json:"changed"`
	Unchanged   int `json:"unchanged"`
	Blocked     int `json:"blocked"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	NotEnrolled int `json:"not_enrolled"`
	NewSolves   int `json:"new_solves"`
	APICalls    int `json:"api_calls"`
}

// SyncFacts is what is known about keeping one competitor in step with the platform. Result, PlatformStatus and
// Class are three independent facts: our last sync, the vendor's word, and the last fault.
type SyncFacts struct {
	OnPlatform     bool // has a game platform id
	HasEmail       bool
	Deactivated    bool // does not take part any more: nothing is pulled or sent
	Result         SyncResult
	Class          FailureClass // why the last sync failed or was blocked
	PlatformStatus PlatformStatus
	LastSuccessAt  time.Time // zero: never
	LastAttemptAt  time.Time
	NextDueAt      time.Time // zero: due now
	FailedInARow   int       // syncs
}

// attentionAfter is how many failed syncs in a row no longer look like a passing fault.
const attentionAfter = 3

// NeedsAttention reports whether somebody should look at why the syncs fail, though they are still tried.
func (f SyncFacts) NeedsAttention() bool {
	return f.Result == SyncFailure && f.FailedInARow >= attentionAfter
}
