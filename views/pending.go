package views

import (
	"time"

	"flagpole/internal/domain"
)

// Pending is who waits for what before results can come: a table of the reasons, and one page of the people.
type Pending struct {
	Total     int // who wait, whatever for
	Reasons   []PendingReason
	Filter    PendingFilter
	Rows      []PendingRow
	ExportURL string
	Pager
}

// PendingFilter is what the list is narrowed to.
type PendingFilter struct {
	Search, Wait, CoachID string
	Chips                 []Chip
	ClearURL              string
}

// PendingReason is one thing that competitors wait for.
type PendingReason struct {
	PendingWords
	Count  int
	URL    string // the list of those who wait for it
	Chosen bool
}

// PendingRow is a competitor who waits.
type PendingRow struct {
	Name, URL, Coach string
	State            State
	Note             string // what the platform said, where a step failed
	Since            time.Time
	DoURL, DoLabel   string // where it is mended; "" where an admin can do nothing
}

// PendingWords say what somebody waits for, what to do about it, and who does it.
type PendingWords struct{ Kind, What, Do, Who string }

var pendingWords = map[domain.Wait]PendingWords{
	domain.WaitDenied:        {"bad", "Denied by MetaCTF", "Ask MetaCTF why. Nothing here changes it.", "An admin"},
	domain.WaitUnknown:       {"bad", "Unknown to MetaCTF", "Check the game platform id on the roster.", "An admin"},
	domain.WaitCoachDenied:   {"bad", "Coach denied by MetaCTF", "Ask MetaCTF why. Nobody can be added under this coach.", "An admin"},
	domain.WaitFault:         {"warn", "Making the account failed", "It is tried again by itself. If the answer is about the data, mend them; then it is tried at once.", "Flagpole, or an admin"},
	domain.WaitConfirmation:  {"hold", "Nobody has agreed yet", "Look at what would be sent about the coach’s people, and agree.", "An admin"},
	domain.WaitEmail:         {"hold", "Email missing", "Ask the coach for the email, and add it.", "An admin"},
	domain.WaitCoachApproval: {"hold", "Coach not approved", "The coach signs in with the mail that MetaCTF sent; then MetaCTF approves. Looked up every hour.", "The coach"},
	domain.WaitCoachAccount:  {"wait", "Coach’s account is made", "Nothing. It takes a minute.", "Flagpole"},
	domain.WaitApproval:      {"hold", "Awaiting approval", "Nothing. It is looked up every 8 hours; after some days ask MetaCTF.", "MetaCTF"},
	domain.WaitSignIn:        {"hold", "Never signed in", "Ask the competitor to look for the mail that MetaCTF sent.", "The coach"},
	domain.WaitQueued:        {"wait", "Account is made next", "Nothing. It takes some minutes.", "Flagpole"},
	domain.WaitOnboarding:    {"off", "Onboarding is switched off", "Set GAME_PLATFORM_ONBOARDING_ENABLED=true and restart, or make the accounts by hand and import their ids.", "Who runs the portal"},
	domain.WaitEnrolment:     {"off", "Coach not enrolled yet", "Nothing, until the rollout reaches the coach.", "Product staff"},
	domain.WaitProfile:       {"off", "Profile not complete", "Nothing, until the programme says that the profile is complete.", "The competitor"},
}

// PendingWordsOf are the words for a wait.
func PendingWordsOf(w domain.Wait) PendingWords { return pendingWords[w] }

func (d Pending) say() string {
	if len(d.Rows) == 0 {
		return "Nobody who waits matches"
	}
	return "Who waits, by name, " + d.span()
}

func (d Pending) summary() string {
	if d.Total == 0 {
		return "Nobody waits: everybody who takes part is on the platform and has signed in."
	}
	return Plural(d.Total, "competitor waits", "competitors wait") + " before results can come."
}

// ProfileStatusName is how far a profile is, as people read it.
func ProfileStatusName(s domain.ProfileStatus) string {
	switch s {
	case domain.ProfilePending:
		return "Not begun"
	case domain.ProfileStarted:
		return "Begun"
	case domain.ProfileNotCompliant:
		return "In the game, not compliant"
	case domain.ProfileComplete:
		return "Complete"
	}
	return string(s)
}

// ProfileFrom says from which profile status on somebody gets an account, to follow "whose profile is".
func ProfileFrom(s domain.ProfileStatus) string {
	switch s {
	case domain.ProfilePending:
		return "complete or not"
	case domain.ProfileStarted:
		return "begun"
	case domain.ProfileNotCompliant:
		return "complete, compliant or not"
	}
	return "complete"
}
