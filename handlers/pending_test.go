package handlers

import (
	"strings"
	"testing"

	"flagpole/internal/domain"
	"flagpole/store"
)

// onboards has the portal's onboarding switched on, for complete profiles.
func onboards(o *Options) {
	o.Onboarding = store.OnboardingRules{Enabled: true, Earliest: domain.ProfileComplete, Removals: 0.1}
}

func TestPendingTellsWhoWaitsForWhatAndWhoActs(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, kind, onboards)
			p.exec(`UPDATE competitors SET status = 'profile' WHERE competitor_id = '..%2f'`)
			b := p.as(admin)
			page := b.get("/admin/pending")
			wantEqual(t, "what is waited for", page.words("#pending table:first-of-type tbody th, #pending table:first-of-type tbody td:nth-child(2)"), []string{
				"Nobody has agreed yet", "1: Nobody has agreed yet", "Email missing", "1: Email missing", "Awaiting approval", "1: Awaiting approval",
				"Never signed in", "2: Never signed in", "Profile not complete", "1: Profile not complete",
			})
			emails := b.get("/admin/pending?for=email")
			wantEqual(t, "who lacks an email", emails.words("#pending table:last-of-type tbody th"), []string{"Cyrus Vale"})
			wantEqual(t, "where it is added", emails.attr("#pending table:last-of-type td:last-child a", "href"), "/competitors/C-3/edit")
			wantEqual(t, "agree", b.get("/admin/pending?for=confirmation").attr("#pending table:last-of-type td:last-child a", "href"), "/admin/onboarding/K-1")
			wantStatus(t, b.get("/admin/pending?for=lunch"), 422)
			file := b.get("/admin/pending.csv?for=email&coach=K-1")
			if lines := strings.Split(strings.TrimSpace(file.body), "\n"); len(lines) != 2 || !strings.Contains(lines[1], "C-3,Cyrus Vale,K-1,Halima Osei,email,Email missing,") {
				t.Errorf("export: %s", file.body)
			}
		})
	}
}

// Each reason that stands behind a missing account, brought about one after the other.
func TestPendingKnowsWhatStandsBehindAMissingAccount(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, kind)
			wait := func(rules store.OnboardingRules) domain.Wait {
				t.Helper()
				sc := p.store.For(domain.Viewer{UserID: "u", Role: domain.RoleAdmin})
				var found domain.Wait
				err := sc.EachPending(t.Context(), rules, store.PendingQuery{}, func(r store.PendingRow) error {
					if r.CompetitorID == "..%2f" {
						found = r.Wait
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			on := store.OnboardingRules{Enabled: true, Earliest: domain.ProfileComplete}
			for _, step := range []struct {
				change string
				rules  store.OnboardingRules
				want   domain.Wait
			}{
				{`UPDATE competitors SET status = 'profile' WHERE competitor_id = '..%2f'`, on, domain.WaitProfile},
				{`UPDATE coaches SET enrolled = FALSE WHERE coach_id = 'K-1'`, store.OnboardingRules{Enabled: true, Earliest: domain.ProfileStarted}, domain.WaitEnrolment},
				{`UPDATE competitors SET status = 'complete' WHERE competitor_id = '..%2f'`, on, domain.WaitEnrolment},
				{`UPDATE coaches SET enrolled = TRUE WHERE coach_id = 'K-1'`, store.OnboardingRules{Earliest: domain.ProfileComplete}, domain.WaitOnboarding},
				{`UPDATE coaches SET name = name WHERE coach_id = 'K-1'`, on, domain.WaitConfirmation},
				{`UPDATE coaches SET onboarding_confirmed_at = 1 WHERE coach_id = 'K-1'`, on, domain.WaitCoachAccount},
				{`INSERT INTO game_platform_coaches VALUES ('K-1', 1, 'halima', 'user_created', NULL, 1, 1, 0)`, on, domain.WaitCoachApproval},
				{`UPDATE game_platform_coaches SET metactf_user_status = 'denied'`, on, domain.WaitCoachDenied},
				{`UPDATE game_platform_coaches SET metactf_user_status = 'approved'`, on, domain.WaitQueued},
				{`INSERT INTO onboarding_faults VALUES ('account', '..%2f', 'POST /users', 'invalid', 'no', 422, 1, 1, 1, 1)`, on, domain.WaitFault},
			} {
				p.exec(step.change)
				if got := wait(step.rules); got != step.want {
					t.Errorf("after %s: waits for %q, want %q", step.change, got, step.want)
				}
			}
		})
	}
}

func TestAnAgreementIsAskedForWithNamesAndFields(t *testing.T) {
	p := newPortal(t, "sqlite", onboards)
	b := p.as(admin)
	page := b.get("/admin/onboarding/K-1")
	accounts := strings.Join(page.words("#account-title ~ .scroll tbody tr:first-child > *"), "|")
	if !strings.HasPrefix(accounts, "=HYPERLINK") && !strings.Contains(accounts, "|user|K-1") {
		t.Errorf("accounts: %s", accounts)
	}
	got := b.press("/admin/onboarding/K-1", "do", "confirm", "digest", "another")
	wantStatus(t, got, 409)
	wantEqual(t, "shown again", got.words("#fault .s"), []string{"Nothing was done."})
	wantEqual(t, "agreed", redirect(b.press("/admin/onboarding/K-1", "do", "confirm", "digest", got.attr("[name=digest]", "value"))), "303 /admin/onboarding/K-1")
	wantEqual(t, "by whom", p.texts("SELECT onboarding_confirmed_by FROM coaches WHERE coach_id = 'K-1'"), []string{p.userID(admin)})
	wantStatus(t, b.press("/admin/onboarding/K-1", "do", "confirm", "digest", ""), 409)
	wantStatus(t, b.press("/admin/onboarding/K-1", "do", "stop"), 303)
	wantEqual(t, "taken back", p.texts("SELECT coach_id FROM coaches WHERE onboarding_confirmed_at IS NOT NULL"), []string(nil))
}
