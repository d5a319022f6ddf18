package domain

import (
	"slices"
	"time"
)

// State is where a competitor stands with the platform. States differ in what happens next and who does it.
type State string

// The states. Stale is the only one that comes about by the passing of time alone.
const (
	StateDenied    State = "denied"            // the platform refuses the account
	StateUnknown   State = "unknown"           // the platform knows no such account
	StateAttention State = "needs_attention"   // the syncs fail, and somebody should look into it
	StateEmail     State = "email_missing"     // no email on file, so no account can be made
	StateSignIn    State = "sign_in_missing"   // the account waits for its first sign-in
	StateApproval  State = "awaiting_approval" // the platform has not approved the account yet
	StateAccount   State = "no_account"        // nobody has made the account yet
	StateRetrying  State = "retrying"          // the last sync failed, and is tried again by itself
	StateStale     State = "stale"             // the last good sync is older than usual
	StateFirstSync State = "first_sync"        // the first sync is still to come
	StateSynced    State = "synced"            // in step with the platform
	StateInactive  State = "deactivated"       // does not take part any more
)

// States lists every state, the most urgent first.
var States = []State{
	StateDenied, StateUnknown, StateAttention, StateEmail, StateSignIn, StateApproval, StateAccount, StateRetrying, StateStale,
	StateFirstSync, StateSynced, StateInactive,
}

// Waiting reports whether a competitor in this state waits for a person or for the platform's approval: until they act,
// there is nothing to sync.
func (s State) Waiting() bool {
	switch s {
	case StateDenied, StateUnknown, StateEmail, StateSignIn, StateApproval, StateAccount:
		return true
	}
	return false
}

// Failing reports whether the last sync failed.
func (s State) Failing() bool { return s == StateAttention || s == StateRetrying }

// Order is the state's place in States.
func (s State) Order() int { return slices.Index(States, s) }

// staleAfter is how old a good sync may be before it is said: a day, and the longest wait between two syncs.
const staleAfter = 32 * time.Hour

// State is the state that the facts alone tell. It is never StateStale, which depends on the time.
func (f SyncFacts) State() State {
	switch {
	case f.Deactivated:
		return StateInactive
	case !f.OnPlatform && !f.HasEmail:
		return StateEmail
	case !f.OnPlatform:
		return StateAccount
	case f.Result == SyncBlocked:
		return blockedState(f.PlatformStatus)
	case f.Result == SyncFailure && (f.NeedsAttention() || f.Class == Forbidden || f.Class == NotFound || f.Class == InvalidCall):
		return StateAttention
	case f.Result == SyncFailure:
		return StateRetrying
	case f.Result == SyncNever:
		return StateFirstSync
	}
	return StateSynced
}

// StateAt is the state at a time: as State has it, and stale where the last good sync is too old.
func (f SyncFacts) StateAt(now time.Time) State {
	state := f.State()
	if state == StateSynced && now.Sub(f.LastSuccessAt) > staleAfter {
		return StateStale
	}
	return state
}

// blockedState goes by the vendor's own word.
func blockedState(status PlatformStatus) State {
	switch status {
	case PlatformDenied:
		return StateDenied
	case PlatformUnknown:
		return StateUnknown
	case PlatformUserCreated:
		return StateSignIn
	}
	return StateApproval
}
