package views

import (
	"time"

	"flagpole/internal/domain"
)

// staleAfter is how old a good sync may be before it is said: a day, and the longest wait between two syncs.
const staleAfter = 32 * time.Hour

// StateOf puts the facts of a competitor's sync into a coach's words.
func StateOf(f domain.SyncFacts, now time.Time, zone *time.Location) State {
	switch {
	case !f.OnPlatform && !f.HasEmail:
		return State{"hold", "Email missing", "No email on file, so there is no account on the platform yet. Tell an admin the email."}
	case !f.OnPlatform:
		return State{"wait", "Not on the platform yet", "The account on the platform has not been made yet. An admin does it; nothing to do for you."}
	case f.Result == domain.SyncBlocked:
		return blockedState(f.PlatformStatus)
	case f.Result == domain.SyncFailure:
		return failedState(f, now, zone)
	case f.Result == domain.SyncNever:
		return State{"wait", "First sync due", "The results are fetched for the first time. They show here soon; nothing to do for you."}
	case now.Sub(f.LastSuccessAt) > staleAfter:
		return State{"warn", "Last synced " + Relative(f.LastSuccessAt, now, zone), "The results are older than usual. They are fetched again by themselves."}
	}
	return State{"ok", "Synced", ""}
}

// blockedState goes by the vendor's own word.
func blockedState(status domain.PlatformStatus) State {
	switch status {
	case domain.PlatformDenied:
		return State{"bad", "Denied by MetaCTF", "MetaCTF has refused this account. An admin asks MetaCTF why."}
	case domain.PlatformUnknown:
		return State{"bad", "Unknown to MetaCTF", "MetaCTF knows no account with this id. An admin checks the game platform id on the roster."}
	case domain.PlatformUserCreated:
		return State{"hold", "Sign-in missing", "The account waits for its first sign-in, with the mail that MetaCTF sent. Ask the competitor to look for it."}
	}
	return State{"hold", "Awaiting approval", "MetaCTF has not approved this account yet. It is looked up every 8 hours; nothing to do for you."}
}

// failedState says when the next try is; what only a person can mend, or has not mended itself after some tries, is marked
// as such.
func failedState(f domain.SyncFacts, now time.Time, zone *time.Location) State {
	advice := domain.AdviceFor(f.Class)
	next := "now"
	if f.NextDueAt.After(now) {
		next = Relative(f.NextDueAt, now, zone)
	}
	switch {
	case f.Class == domain.Forbidden, f.Class == domain.NotFound, f.Class == domain.InvalidCall:
		return State{"bad", "Sync failing", advice.String()}
	case f.NeedsAttention():
		return State{"bad", "Needs attention", advice.What + " It has failed " + Number(f.FailedInARow) + " times in a row and is tried again " + next +
			". An admin looks into it."}
	}
	return State{"warn", "Retrying " + next, advice.String()}
}
