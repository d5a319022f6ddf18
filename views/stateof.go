package views

import (
	"time"

	"flagpole/internal/domain"
)

// stateWords are a state's shape, its word and what a coach is told: what is, what happens next, who acts. The states that
// depend on more than themselves are worded by StateOf.
var stateWords = map[domain.State]State{
	domain.StateEmail:     {"hold", "Email missing", "No email on file, so there is no account on the platform yet. Tell an admin the email."},
	domain.StateAccount:   {"wait", "Not on the platform yet", "The account on the platform has not been made yet. An admin does it; nothing to do for you."},
	domain.StateDenied:    {"bad", "Denied by MetaCTF", "MetaCTF has refused this account. An admin asks MetaCTF why."},
	domain.StateUnknown:   {"bad", "Unknown to MetaCTF", "MetaCTF knows no account with this id. An admin checks the game platform id on the roster."},
	domain.StateSignIn:    {"hold", "Sign-in missing", "The account waits for its first sign-in, with the mail that MetaCTF sent. Ask the competitor to look for it."},
	domain.StateApproval:  {"hold", "Awaiting approval", "Waiting for MetaCTF's approval, which is looked up every 8 hours. Nothing for you to do."},
	domain.StateFirstSync: {"wait", "First sync due", "The results are fetched for the first time. They show here soon; nothing to do for you."},
	domain.StateSynced:    {"ok", "Synced", ""},
	domain.StateInactive:  {"off", "Deactivated", "Does not take part any more. What was fetched until then stays; nothing new is fetched."},
}

// stateNames are the states as filters name them.
var stateNames = map[domain.State]string{
	domain.StateAttention: "Needs attention",
	domain.StateRetrying:  "Retrying",
	domain.StateStale:     "Not synced lately",
}

// StateName is the state's name without a time.
func StateName(s domain.State) string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return stateWords[s].Text
}

// StateOf puts the facts of a competitor's sync into a coach's words.
func StateOf(f domain.SyncFacts, now time.Time, zone *time.Location) State {
	switch state := f.StateAt(now); state {
	case domain.StateAttention, domain.StateRetrying:
		return failedState(state, f, now, zone)
	case domain.StateStale:
		return State{"warn", "Last synced " + Relative(f.LastSuccessAt, now, zone), "The results are older than usual. They are fetched again by themselves."}
	default:
		return stateWords[state]
	}
}

// failedState says when the next try is; what only a person can mend, or has not mended itself after some tries, is marked
// as such.
func failedState(state domain.State, f domain.SyncFacts, now time.Time, zone *time.Location) State {
	advice := domain.AdviceFor(f.Class)
	next := "now"
	if f.NextDueAt.After(now) {
		next = Relative(f.NextDueAt, now, zone)
	}
	switch {
	case f.Class == domain.Forbidden, f.Class == domain.NotFound, f.Class == domain.InvalidCall:
		return State{"bad", "Sync failing", advice.String()}
	case state == domain.StateAttention:
		return State{"bad", "Needs attention", advice.What + " It has failed " + Number(f.FailedInARow) + " times in a row and is tried again " + next +
			". An admin looks into it."}
	}
	return State{"warn", "Retrying " + next, advice.String()}
}

// activityNames are the kinds of silence, and activity, as filters and pages name them.
var activityNames = map[domain.Activity]string{
	domain.Active:        "Active",
	domain.NotSynced:     "Not synced, so not known",
	domain.NeverSignedIn: "Never signed in",
	domain.SignsIn:       "Signs in without solving",
	domain.Idle:          "Idle",
}

// ActivityName is the activity in words.
func ActivityName(a domain.Activity) string { return activityNames[a] }
