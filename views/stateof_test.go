package views

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
)

func TestStateOf(t *testing.T) {
	synced := func(ago time.Duration) domain.SyncFacts {
		return domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncSuccess, PlatformStatus: domain.PlatformApproved, LastSuccessAt: now.Add(-ago)}
	}
	blocked := func(status domain.PlatformStatus) domain.SyncFacts {
		return domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncBlocked, Class: domain.Blocked, PlatformStatus: status}
	}
	failedTimes := func(n int, due time.Time) domain.SyncFacts {
		return domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncFailure, Class: domain.ServerError, NextDueAt: due, FailedInARow: n}
	}
	failed := func(class domain.FailureClass, due time.Time) domain.SyncFacts {
		return domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncFailure, Class: class, NextDueAt: due, LastSuccessAt: now.AddDate(0, 0, -9)}
	}
	tonight := now.Add(4*time.Hour + time.Minute)
	tests := []struct {
		name       string
		facts      domain.SyncFacts
		kind, text string
		detail     string // its beginning
	}{
		{"nothing known", domain.SyncFacts{}, "hold", "Email missing", "No email on file"},
		{"not on the platform, no email", domain.SyncFacts{Result: domain.SyncFailure}, "hold", "Email missing", "No email on file, so there is no account on the platform yet. Tell an admin the email."},
		{"not on the platform", domain.SyncFacts{HasEmail: true}, "wait", "Not on the platform yet", "The account on the platform has not been made yet. An admin does it"},
		{"on the platform, no email", domain.SyncFacts{OnPlatform: true}, "wait", "First sync due", "The results are fetched for the first time."},
		{"first sync", domain.SyncFacts{OnPlatform: true, HasEmail: true}, "wait", "First sync due", "The results are fetched for the first time."},

		{"synced", synced(12 * time.Minute), "ok", "Synced", ""},
		{"synced, as old as it may be", synced(32 * time.Hour), "ok", "Synced", ""},
		{"synced, older", synced(32*time.Hour + time.Second), "warn", "Last synced yesterday", "The results are older than usual."},
		{"synced long ago", synced(40 * 24 * time.Hour), "warn", "Last synced 10 Oct", "The results are older than usual."},

		{"blocked, denied", blocked(domain.PlatformDenied), "bad", "Denied by MetaCTF", "MetaCTF has refused this account. An admin asks"},
		{"blocked, unknown", blocked(domain.PlatformUnknown), "bad", "Unknown to MetaCTF", "MetaCTF knows no account with this id. An admin checks"},
		{"blocked, never signed in", blocked(domain.PlatformUserCreated), "hold", "Sign-in missing", "The account waits for its first sign-in"},
		{"blocked, waiting", blocked(domain.PlatformPendingApproval), "hold", "Awaiting approval", "Waiting for MetaCTF's approval, which is looked up every 8 hours. Nothing for you to do."},
		{"blocked, the vendor's word is new", blocked("in_review"), "hold", "Awaiting approval", "Waiting for MetaCTF's approval, which is looked up every 8 hours. Nothing for you to do."},
		{"blocked, though approved by now", blocked(domain.PlatformApproved), "hold", "Awaiting approval", "Waiting for MetaCTF's approval, which is looked up every 8 hours. Nothing for you to do."},

		{"failed, tried again tonight", failed(domain.Timeout, tonight), "warn", "Retrying at 22:53", "The platform did not answer in time. It is tried again by itself. Nobody has to act."},
		{"failed, tried again in some days", failed(domain.ServerError, now.AddDate(0, 0, 2)), "warn", "Retrying Sat 18:52", "The platform had a fault of its own."},
		{"failed, due", failed(domain.Unreachable, now), "warn", "Retrying now", "The platform could not be reached."},
		{"failed, overdue", failed(domain.RateLimited, now.Add(-time.Hour)), "warn", "Retrying now", "The platform asked us to slow down."},
		{"failed, due time unknown", failed(domain.Malformed, time.Time{}), "warn", "Retrying now", "The platform's answer could not be read."},
		{"failed, a token", failed(domain.Unauthorized, tonight), "warn", "Retrying at 22:53", "The platform refused our token."},
		{"failed here", failed(domain.StoreFailed, tonight), "warn", "Retrying at 22:53", "The results could not be stored."},
		{"failed in a new way", failed("", tonight), "warn", "Retrying at 22:53", "The sync failed for a reason we have no text for."},
		{"failed twice", failedTimes(2, tonight), "warn", "Retrying at 22:53", "The platform had a fault of its own."},
		{"failed three times", failedTimes(3, tonight), "bad", "Needs attention",
			"The platform had a fault of its own. It has failed 3 times in a row and is tried again at 22:53. An admin looks into it."},
		{"failed, not allowed", failed(domain.Forbidden, tonight), "bad", "Sync failing", "The platform does not allow this call."},
		{"failed, not there", failed(domain.NotFound, tonight), "bad", "Sync failing", "The platform does not know this record."},
		{"failed, our data", failed(domain.InvalidCall, tonight), "bad", "Sync failing", "The platform refused the data we sent."},
	}
	for _, test := range tests {
		got := StateOf(test.facts, now, time.UTC)
		if got.Kind != test.kind || got.Text != test.text || !strings.HasPrefix(got.Detail, test.detail) || (test.detail == "") != (got.Detail == "") {
			t.Errorf("%s: %+v, want %s %q %q", test.name, got, test.kind, test.text, test.detail)
		}
	}
}

func TestStateTellsTimesInThePortalsZone(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	facts := domain.SyncFacts{OnPlatform: true, Result: domain.SyncFailure, Class: domain.Timeout, NextDueAt: now.Add(4*time.Hour + time.Minute)}
	if got := StateOf(facts, now, zone).Text; got != "Retrying at 14:53" {
		t.Errorf("%q", got)
	}
}

// The vendor's word, our last result and the last fault are told apart: one never speaks for another.
func TestFailedSyncIsNotToldInTheVendorsWord(t *testing.T) {
	facts := domain.SyncFacts{OnPlatform: true, HasEmail: true, Result: domain.SyncFailure, Class: domain.Timeout, PlatformStatus: domain.PlatformDenied}
	if got := StateOf(facts, now, nil).Text; got != "Retrying now" {
		t.Errorf("%q", got)
	}
	facts.Result, facts.LastSuccessAt = domain.SyncSuccess, now
	if got := StateOf(facts, now, nil); got.Kind != "ok" {
		t.Errorf("a sync that succeeded: %+v", got)
	}
}
