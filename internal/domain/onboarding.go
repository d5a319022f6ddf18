package domain

import (
	"strings"
	"time"
)

// Wait is what keeps a competitor from having results on the platform, in the order in which it is passed.
type Wait string

// The waits. Those from WaitProfile to WaitQueued are what stands behind WaitAccount at a given time.
const (
	WaitNothing       Wait = ""
	WaitEmail         Wait = "email"          // no email on file
	WaitAccount       Wait = "account"        // nobody has made the account yet
	WaitProfile       Wait = "profile"        // the profile in the programme is not complete
	WaitEnrolment     Wait = "not_enrolled"   // the coach does not have the game platform
	WaitOnboarding    Wait = "onboarding_off" // onboarding is switched off
	WaitConfirmation  Wait = "confirmation"   // nobody has agreed yet to what is sent about the coach's people
	WaitCoachAccount  Wait = "coach_account"  // the coach's account is looked up, or made
	WaitCoachApproval Wait = "coach_approval" // the platform has not approved the coach yet
	WaitCoachDenied   Wait = "coach_denied"   // the platform refuses the coach
	WaitFault         Wait = "fault"          // making the account failed, and is tried again
	WaitQueued        Wait = "queued"         // the account is made next
	WaitSignIn        Wait = "sign_in"        // the account was never signed in to
	WaitApproval      Wait = "approval"       // the platform has not approved the account yet
	WaitDenied        Wait = "denied"         // the platform refuses the account
	WaitUnknown       Wait = "unknown"        // the platform does not know the account
)

// Waits lists what the pending page tells apart, the most urgent first.
var Waits = []Wait{
	WaitDenied, WaitUnknown, WaitCoachDenied, WaitFault, WaitConfirmation, WaitEmail, WaitCoachApproval, WaitCoachAccount, WaitApproval, WaitSignIn,
	WaitQueued, WaitOnboarding, WaitEnrolment, WaitProfile,
}

// Wait is what the facts alone tell: never one of those behind WaitAccount. signedIn says that the platform has ever seen the
// competitor.
func (f SyncFacts) Wait(signedIn bool) Wait {
	switch {
	case f.Deactivated:
		return WaitNothing
	case !f.OnPlatform && !f.HasEmail:
		return WaitEmail
	case !f.OnPlatform:
		return WaitAccount
	case f.PlatformStatus == PlatformDenied:
		return WaitDenied
	case f.PlatformStatus == PlatformUnknown:
		return WaitUnknown
	case f.PlatformStatus == PlatformPendingApproval:
		return WaitApproval
	case f.PlatformStatus == PlatformUserCreated, f.PlatformStatus == PlatformApproved && !signedIn:
		return WaitSignIn
	}
	return WaitNothing
}

// From lists s and the statuses after it, in the order in which a competitor passes them.
func (s ProfileStatus) From() []ProfileStatus {
	for i, other := range ProfileStatuses {
		if other == s {
			return ProfileStatuses[i:]
		}
	}
	return nil
}

// SplitName cuts a coach's name into the two parts that the platform wants: the last word, and what stands before it. ok is
// false for a name of fewer than two words.
func SplitName(name string) (first, last string, ok bool) {
	words := strings.Fields(name)
	if len(words) < 2 {
		return "", "", false
	}
	n := len(words) - 1
	return strings.Join(words[:n], " "), words[n], true
}

// OnboardingStep is one kind of thing that is done on the platform for somebody.
type OnboardingStep string

// The steps, in the order in which they are done.
const (
	StepCoach       OnboardingStep = "coach"        // look a coach up, or make the account
	StepAccount     OnboardingStep = "account"      // the same for a competitor
	StepRemoval     OnboardingStep = "removal"      // take a competitor out of a team
	StepTeam        OnboardingStep = "team"         // make a team
	StepAssignment  OnboardingStep = "assignment"   // put a competitor into a team
	StepTeamRemoval OnboardingStep = "team_removal" // delete an empty team
)

// Disclosure is what was sent to the platform about somebody, or is about to be.
type Disclosure struct {
	ID       int64
	At       time.Time
	Endpoint string // method and path
	UserID   string // whom it is about, by the platform's syned_user_id; empty for a team
	Fields   []byte // JSON: what was sent, by the platform's names
	Status   int    // HTTP status of the answer; 0: none came, NotSent, or UnknownAnswer
}

// What a disclosure's status says where there is no answer's.
const (
	NotSent       = -1 // nothing left the house after all
	UnknownAnswer = -2 // the program ended before an answer was seen
)
