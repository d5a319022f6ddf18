package views

import (
	"time"

	"flagpole/internal/domain"
)

// Onboarding is how far the enrolled coaches' people are on their way onto the platform.
type Onboarding struct {
	On    bool // the switch
	From  string
	Rows  []OnboardingRow
	Total int // coaches; more than there are rows where there are too many
}

// OnboardingRow is one enrolled coach.
type OnboardingRow struct {
	Name, School, URL string
	State             State
	Accounts          int // that are to be made
	Moves             int // changes of teams to be passed on
	Faults            int
	ConfirmedBy       string
	ConfirmedAt       time.Time
}

// OnboardingPreview is what is going to be sent about one coach's people.
type OnboardingPreview struct {
	CoachID, Coach, School string
	On                     bool
	State                  State
	ConfirmedAt            time.Time
	ConfirmedBy            string
	Digest                 string
	Groups                 []SentGroup
	MayConfirm             bool
	Why                    string // why not
	Problem                string
}

// SentGroup is one kind of thing that is sent: a table with a row for each person or team.
type SentGroup struct {
	ID, Title, Note string
	Names           []string // the platform's names of the fields
	Rows            []SentRow
}

// SentRow is one thing that is sent.
type SentRow struct {
	Who, URL string
	Values   []string
}

// things counts everything that is sent.
func (d OnboardingPreview) things() int {
	n := 0
	for _, g := range d.Groups {
		n += len(g.Rows)
	}
	return n
}

// people counts the competitors of the accounts.
func (d OnboardingPreview) people() int {
	for _, g := range d.Groups {
		if g.ID == string(domain.StepAccount) {
			return len(g.Rows)
		}
	}
	return 0
}

// nothing reports whether there is nothing to agree to.
func (r OnboardingRow) nothing() bool { return r.ConfirmedAt.IsZero() && r.Accounts+r.Moves == 0 }

func (d OnboardingPreview) button() string {
	if n := d.people(); n > 0 {
		return "Agree: send " + Plural(n, "person", "people") + " to MetaCTF"
	}
	return "Agree: send this to MetaCTF"
}

// SentTitles are the kinds of things that are sent, in words.
var SentTitles = map[domain.OnboardingStep][2]string{
	domain.StepCoach:      {"The coach’s account", "It is looked up first, and only made if MetaCTF does not know it. MetaCTF has to approve it before anybody else is sent."},
	domain.StepAccount:    {"Accounts", "Each is looked up first, and only made if MetaCTF does not know it. MetaCTF sends each competitor a mail for the first sign-in."},
	domain.StepRemoval:    {"Taken out of a team", "The call names the person only: it ends whatever team they are in."},
	domain.StepTeam:       {"Teams", "Made as soon as somebody of them is approved, unless MetaCTF has them already."},
	domain.StepAssignment: {"Put into a team", "As soon as MetaCTF has approved the account."},
}

// CoachAccountState is where a coach's account on the platform stands.
func CoachAccountState(status domain.PlatformStatus) State {
	switch status {
	case "":
		return State{Kind: "wait", Text: "Not looked up yet"}
	case domain.PlatformApproved:
		return State{Kind: "ok", Text: "Approved"}
	case domain.PlatformDenied:
		return State{Kind: "bad", Text: "Denied by MetaCTF"}
	case domain.PlatformUserCreated:
		return State{Kind: "hold", Text: "Sign-in missing"}
	case domain.PlatformUnknown:
		return State{Kind: "bad", Text: "Unknown to MetaCTF"}
	}
	return State{Kind: "hold", Text: "Awaiting approval"}
}
