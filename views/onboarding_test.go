package views

import (
	"testing"
	"time"

	"flagpole/internal/domain"
)

func somePending() Pending {
	return Pending{
		Total: 3, ExportURL: "/admin/pending.csv", Pager: Pager{First: 1, Last: 2, Of: 3, NextURL: "/admin/pending?after=C-2", NextCount: 1},
		Reasons: []PendingReason{
			{PendingWords: PendingWordsOf(domain.WaitEmail), Count: 2, URL: "/admin/pending?for=email", Chosen: true},
			{PendingWords: PendingWordsOf(domain.WaitFault), Count: 1, URL: "/admin/pending?for=fault"},
		},
		Filter: PendingFilter{Search: "ada", Wait: "email", CoachID: "K-1", Chips: []Chip{{ID: "for", Label: "Waits for: Email missing", URL: "/admin/pending"}}, ClearURL: "/admin/pending"},
		Rows: []PendingRow{
			{Name: "Ada <b>Lind</b>", URL: "/competitors/C-1", Coach: "Ines Falk", State: State{Kind: "hold", Text: "Email missing"}, Since: now.Add(-time.Hour), DoURL: "/competitors/C-1/edit", DoLabel: "Add the email"},
			{Name: "Bo Tarn", URL: "/competitors/C-2", Coach: "Ines Falk", State: State{Kind: "warn", Text: "Making the account failed"}, Note: "email is not valid"},
		},
	}
}

func someOnboarding() Onboarding {
	return Onboarding{From: ProfileFrom(domain.ProfileComplete), Total: 9, Rows: []OnboardingRow{
		{Name: "Halima Osei", School: "Northgate", URL: "/admin/onboarding/K-1", State: CoachAccountState(""), Accounts: 3, Moves: 1, Faults: 1},
		{Name: "Ines Falk", URL: "/admin/onboarding/K-2", State: CoachAccountState(domain.PlatformApproved), ConfirmedBy: "devan", ConfirmedAt: now},
		{Name: "Ola Rune", URL: "/admin/onboarding/K-3", State: CoachAccountState(domain.PlatformDenied)},
	}}
}

func somePreview() OnboardingPreview {
	return OnboardingPreview{
		CoachID: "K-1", Coach: "Halima Osei", State: CoachAccountState(""), Digest: "d", MayConfirm: true,
		Groups: []SentGroup{
			{ID: "coach", Title: "The coach’s account", Note: "First.", Names: []string{"syned_user_id", "last_name"}, Rows: []SentRow{{Who: "Halima Osei", Values: []string{"K-1", ""}}}},
			{ID: "account", Title: "Accounts", Note: "Then.", Names: []string{"syned_user_id"}, Rows: []SentRow{{"Ada Lind", "/competitors/C-1", []string{"C-1"}}, {"Bo Tarn", "/competitors/C-2", []string{"C-2"}}}},
		},
	}
}

func someDrift() DriftLists {
	return DriftLists{
		ReadAt: now.Add(-time.Hour), Problem: "The list has changed since you looked.", AssignmentsTotal: 3, TotalsTotal: 1, TeamsTotal: 1,
		Held: &HeldRemovals{Total: 2, Without: 1, Digest: "d", Rows: []HeldRemoval{{"Ada Lind", "/competitors/C-1", "Ines Falk", "Red", "Blue"}, {"Bo Tarn", "/competitors/C-2", "Ines Falk", "Red", ""}}},
		Assignments: []AssignmentDrift{
			{"C-1", "Ada Lind", "/competitors/C-1", "Ines Falk", "Red", "X", "t-x", now.Add(-time.Hour)}, {"C-2", "Bo Tarn", "/competitors/C-2", "Ines Falk", "Red", "", "", now},
		},
		Totals: []TotalsDrift{{Name: "Ada Lind", URL: "/competitors/C-1", Coach: "Ines Falk", OurSolves: 2, OurPoints: 200, TheirSolves: 3, TheirPoints: 300, At: now}},
		Teams:  []TeamDrift{{"Red", "/teams/t-1", "Ines Falk", "Rad"}},
	}
}

func someEdit() Edit {
	return Edit{
		Title: "Edit Ada Lind", Intro: "Coach: Ines Falk", Crumbs: []Crumb{{"Competitors", "/competitors"}, {"Ada Lind", "/competitors/C-1"}}, Action: "/competitors/C-1/edit",
		Button: "Save", Seen: "s", Problem: "Mend what is marked.", Notes: []string{"MetaCTF keeps the name."}, Actions: []Action{{"Deactivate…", "/competitors/C-1/active"}},
		Fields: []EditField{
			{Name: "first_name", Label: "First name", Value: "Ada", Type: "text", Required: true, Max: 200, Fault: "must not be empty"},
			{Name: "division", Label: "Division", Value: "college", Options: []Option{{"high_school", "High school"}, {"college", "College"}}},
			{Name: "coach_email", Label: "Coach’s email", Type: "email", Max: 254, Note: "Begin to type.", List: []Option{{"i@falk.example", "Ines Falk"}}},
		},
		Same:    []SameName{{"Ada Lind", "/competitors/C-9", "Ola Rune", ""}},
		History: []ChangeRow{{now.Add(-time.Hour), "devan", "page", "Grade", "", "11"}, {now.Add(-time.Hour), "command", "import", "Added", "", ""}},
	}
}

func TestPending(t *testing.T) {
	doc := render(t, PendingPage(shell(domain.RoleAdmin, "/admin/pending"), somePending()))
	wantEach(t, doc, "#pending table:first-of-type tbody tr:first-child > *", "Email missing", "2: Email missing", "Ask the coach for the email, and add it.", "An admin")
	wantEach(t, doc, "#pending table:last-of-type tbody tr:first-child > *", "Ada <b>Lind</b>", "Ines Falk", "Email missing", "1 h ago", "Add the email Ada <b>Lind</b>")
	wantWords(t, doc, "#pending h1 + p", "3 competitors wait before results can come.")
	wantAttr(t, doc, "#pending td a[aria-current]", "href", "/admin/pending?for=email")
}

// Whatever somebody may wait for has words, and none of them is empty.
func TestEveryWaitHasWords(t *testing.T) {
	for _, w := range domain.Waits {
		if words := PendingWordsOf(w); words.What == "" || words.Do == "" || words.Who == "" || words.Kind == "" {
			t.Errorf("%q: %+v", w, words)
		}
	}
	if len(pendingWords) != len(domain.Waits) {
		t.Errorf("%d waits have words, %d are listed", len(pendingWords), len(domain.Waits))
	}
}

func TestOnboardingAsksOnlyWhereThereIsSomethingToSend(t *testing.T) {
	doc := render(t, OnboardingPage(shell(domain.RoleAdmin, "/admin/onboarding"), someOnboarding()))
	wantEach(t, doc, "tbody td:last-child a", "Look and agree for Halima Osei", "Look at Ines Falk", "Look at Ola Rune")
	wantEach(t, doc, "tbody td:nth-child(6)", "Nobody yet", "devan, just now", "Nothing to send")
	wantWords(t, doc, ".note .s", "Onboarding is switched off.")
}

func TestPreviewShowsEveryFieldAndWhatIsMissing(t *testing.T) {
	doc := render(t, OnboardingPreviewPage(shell(domain.RoleAdmin, "/admin/onboarding/"), somePreview()))
	wantEach(t, doc, "section:first-of-type thead th", "About", "syned_user_id", "last_name")
	wantEach(t, doc, "section:first-of-type tbody tr > *", "Halima Osei", "K-1", "missing")
	wantWords(t, doc, "#confirm", "Agree: send 2 people to MetaCTF")
	wantAttr(t, doc, "[name=digest]", "value", "d")
}

func TestDriftSaysWhatWouldBeChanged(t *testing.T) {
	doc := render(t, DriftPage(shell(domain.RoleAdmin, "/admin/drift"), someDrift()))
	wantEach(t, doc, "form[action='/admin/drift/apply'] button", "Take out of X, put into Red: Ada Lind", "Put into Red: Bo Tarn")
	wantWords(t, doc, "#confirm-removals", "Take 2 competitors out of their teams")
	wantWords(t, doc, "#assignments-title ~ p:last-of-type", "The first 2 of 3.")
}
