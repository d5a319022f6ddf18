package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FailureKind tells failures that are ours to mend or to retry from competitors who wait for the platform.
type FailureKind string

// The kinds of failures.
const (
	KindFailure FailureKind = "failure"
	KindBlocked FailureKind = "blocked"
)

// The failure classes that no call has: what is missing on our side, and an account that MetaCTF refuses.
const (
	MissingEmail  FailureClass = "missing_email"
	MissingCoach  FailureClass = "missing_coach"
	AccountDenied FailureClass = "denied"
)

// FailureClasses lists every class in the order filters show them.
var FailureClasses = []FailureClass{
	MissingEmail, MissingCoach, AccountDenied, Blocked, Unauthorized, Forbidden, NotFound, Conflict, InvalidCall, RateLimited, ServerError,
	Timeout, Unreachable, Malformed, StoreFailed,
}

// EveryCall is the endpoint of a sync whose calls all failed in the same way: the fault is of the whole platform.
const EveryCall = "every call"

// Cause is what failures have in common: class, endpoint, status and message, the message without what differs from one
// competitor to the next.
type Cause struct {
	Kind     FailureKind
	Class    FailureClass
	Endpoint string // "" where it does not matter
	Status   int    // HTTP status, 0 where there was no answer
	Message  string // as Normalised gives it
}

// What blocked competitors wait for, as messages of causes.
const (
	noSuchAccount    = "no such account"
	waitsForSignIn   = "waits for the first sign-in"
	waitsForApproval = "waits for approval"
)

// Advice is what people are told about the cause: that of its class, or of what a blocked competitor waits for.
func (c Cause) Advice() Advice {
	if c.Class == Blocked {
		switch c.Message {
		case noSuchAccount:
			return Advice{"The platform knows no such account.", "Check the game platform id on the roster.", "An admin does it."}
		case waitsForSignIn:
			return Advice{"The account waits for its first sign-in.", "Find the mail that MetaCTF sent, and sign in.", "The competitor does it; the coach can remind."}
		}
	}
	return AdviceFor(c.Class)
}

// fingerprintDigits is how much of a hash names a cause.
const fingerprintDigits = 12

// Fingerprint names the cause: the first 12 hex digits of the SHA-256 of class, endpoint, status and message. It is stored and
// stands in addresses, so it must stay what it is.
func (c Cause) Fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(c.Class), c.Endpoint, strconv.Itoa(c.Status), c.Message}, "\n")))
	return hex.EncodeToString(sum[:])[:fingerprintDigits]
}

// What is taken out of a message, in this order.
var notTheCause = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`), "[url]"},
	{regexp.MustCompile(`"[^"]*"|“[^”]*”|‘[^’]*’|«[^»]*»|` + "`[^`]*`" + `|(^|[\s(\[=:,])'[^']*'`), "${1}[text]"},
	{regexp.MustCompile(`[^\s@"'<>()\[\],;:=]+(?:@|%40)[^\s@"'<>()\[\],;:=]+`), "[email]"},
	{regexp.MustCompile(`(^|[\s"'=(\[,])(?:/[^\s"'<>(),;]+)+`), "${1}[path]"},
	{regexp.MustCompile(`\[(?:user|private|token)\]`), "[id]"},
	{regexp.MustCompile(`\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b`), "[id]"},
	{regexp.MustCompile(`[\pL\pN_-]*\pN[\pL\pN_-]*`), "[id]"}, // a word with a digit in it; what is all digits follows
}

var (
	number   = regexp.MustCompile(`^[-+]?\pN+$`)
	fraction = regexp.MustCompile(`\[n\](?:[.,:]\[n\])+`)
)

const maxMessage = 200 // characters

// Normalised is a message without ids, numbers, quoted texts, paths, emails and URLs, at most 200 characters long.
func Normalised(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	for i, p := range notTheCause {
		if i == len(notTheCause)-1 {
			message = p.pattern.ReplaceAllStringFunc(message, func(word string) string {
				if number.MatchString(word) {
					return "[n]"
				}
				return p.with
			})
			continue
		}
		message = p.pattern.ReplaceAllString(message, p.with)
	}
	message = fraction.ReplaceAllString(message, "[n]")
	if utf8.RuneCountInString(message) > maxMessage {
		message = string([]rune(message)[:maxMessage])
	}
	return message
}

// FailureFacts are a competitor's sync and the words of its last fault.
type FailureFacts struct {
	SyncFacts
	Endpoint, Message string
	Status            int
}

// CauseOf is why a competitor is not in step with the platform; false where nothing failed and nothing is missing.
func CauseOf(f FailureFacts) (Cause, bool) {
	switch {
	case f.Deactivated:
		return Cause{}, false
	case !f.OnPlatform && !f.HasEmail:
		return Cause{Kind: KindFailure, Class: MissingEmail}, true
	case !f.OnPlatform:
		return Cause{}, false
	case f.Result == SyncBlocked && f.PlatformStatus == PlatformDenied:
		return Cause{Kind: KindBlocked, Class: AccountDenied}, true
	case f.Result == SyncBlocked && f.PlatformStatus == PlatformUnknown:
		return Cause{Kind: KindBlocked, Class: Blocked, Message: noSuchAccount}, true
	case f.Result == SyncBlocked && f.PlatformStatus == PlatformUserCreated:
		return Cause{Kind: KindBlocked, Class: Blocked, Message: waitsForSignIn}, true
	case f.Result == SyncBlocked:
		return Cause{Kind: KindBlocked, Class: Blocked, Message: waitsForApproval}, true
	case f.Result == SyncFailure:
		c := Cause{KindFailure, f.Class, f.Endpoint, f.Status, Normalised(f.Message)}
		if f.Class == Unreachable || f.Class == RateLimited { // of the whole platform; after these no further call is made
			c.Endpoint = ""
		}
		if f.Class == Unreachable { // which of its words it is depends on the moment
			c.Message = ""
		}
		return c, true
	}
	return Cause{}, false
}

// FailureState is where a failure stands.
type FailureState string

// The states of a failure. The first five are kept with it, the others come about by the passing of time.
const (
	FailureRetrying  FailureState = "retrying"        // is tried again by itself
	FailureAttention FailureState = "needs_attention" // somebody should act, though most are still tried
	FailureBlocked   FailureState = "blocked"         // waits for the platform
	FailureCleared   FailureState = "cleared"         // acknowledged by somebody
	FailureResolved  FailureState = "resolved"        // over
	FailureWaiting   FailureState = "waiting"         // due, and waits for its turn
	FailureRunning   FailureState = "running"         // is tried right now
	FailureLimited   FailureState = "rate_limited"    // the platform asked to wait
)

// FailureStates lists every state in the order filters show them.
var FailureStates = []FailureState{
	FailureRetrying, FailureAttention, FailureBlocked, FailureWaiting, FailureRunning, FailureLimited, FailureCleared, FailureResolved,
}

// FailureStateOf is the state that is kept with a failure of a competitor in this state which nobody has cleared.
func FailureStateOf(s State) FailureState {
	switch {
	case s == StateEmail || s == StateAttention:
		return FailureAttention
	case s.Waiting():
		return FailureBlocked
	}
	return FailureRetrying
}

// RunningFor is how long a sync is taken for running without a word of its end.
const RunningFor = 10 * time.Minute

// Failure is an open failure, or one that is over.
type Failure struct {
	Cause
	Kept         FailureState // as FailureStateOf has it, or cleared
	OpenedAt     time.Time    // the first sync that failed for this cause
	LastAt       time.Time    // the last one
	NextDueAt    time.Time    // zero: it is not tried
	RunningSince time.Time    // zero: it is not running
	FailedInARow int          // syncs, for whatever cause
	EndedAt      time.Time    // zero: it is open
	EndReason    FailureEnd
}

// FailureEnd says how a failure came to an end.
type FailureEnd string

// The ends of failures.
const (
	EndedSynced    FailureEnd = "synced"    // a later sync succeeded
	EndedCompleted FailureEnd = "completed" // what was missing has been added
	EndedChanged   FailureEnd = "changed"   // the competitor fails for another cause now
	EndedForgotten FailureEnd = "forgotten" // how the syncs went was deleted
	EndedInactive  FailureEnd = "inactive"  // the competitor does not take part any more
)

// StateAt is the state at a time.
func (f Failure) StateAt(now time.Time) FailureState {
	tried := f.Kept == FailureRetrying || f.Kept == FailureAttention && f.Class != MissingEmail && f.Class != MissingCoach
	switch {
	case !f.EndedAt.IsZero():
		return FailureResolved
	case f.RunningSince.After(now.Add(-RunningFor)):
		return FailureRunning
	case tried && !f.NextDueAt.After(now):
		return FailureWaiting
	case f.Kept == FailureRetrying && f.Class == RateLimited:
		return FailureLimited
	}
	return f.Kept
}
