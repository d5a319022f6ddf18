package domain

import (
	"slices"
	"testing"
	"time"
)

func TestAStateSaysWhatHappensNext(t *testing.T) {
	now := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	on := SyncFacts{OnPlatform: true, HasEmail: true}
	with := func(change func(*SyncFacts)) SyncFacts {
		f := on
		change(&f)
		return f
	}
	failed := func(class FailureClass, inARow int) SyncFacts {
		return with(func(f *SyncFacts) { f.Result, f.Class, f.FailedInARow = SyncFailure, class, inARow })
	}
	blocked := func(status PlatformStatus) SyncFacts {
		return with(func(f *SyncFacts) { f.Result, f.PlatformStatus = SyncBlocked, status })
	}
	synced := func(age time.Duration) SyncFacts {
		return with(func(f *SyncFacts) { f.Result, f.LastSuccessAt = SyncSuccess, now.Add(-age) })
	}
	for _, c := range []struct {
		name  string
		facts SyncFacts
		want  State
	}{
		{"nothing known", SyncFacts{}, StateEmail},
		{"an email, no account", SyncFacts{HasEmail: true}, StateAccount},
		{"no email, but an account", SyncFacts{OnPlatform: true}, StateFirstSync},
		{"what was synced before the account went does not count", SyncFacts{HasEmail: true, Result: SyncSuccess, LastSuccessAt: now}, StateAccount},
		{"never tried", on, StateFirstSync},
		{"never tried, whatever the vendor says", with(func(f *SyncFacts) { f.PlatformStatus = PlatformDenied }), StateFirstSync},
		{"blocked, no word yet", blocked(""), StateApproval},
		{"blocked, approved meanwhile", blocked(PlatformApproved), StateApproval},
		{"blocked, a word nobody listed", blocked("suspended"), StateApproval},
		{"pending", blocked(PlatformPendingApproval), StateApproval},
		{"created", blocked(PlatformUserCreated), StateSignIn},
		{"denied", blocked(PlatformDenied), StateDenied},
		{"unknown", blocked(PlatformUnknown), StateUnknown},
		{"a passing fault", failed(Timeout, 1), StateRetrying},
		{"twice", failed(Timeout, 2), StateRetrying},
		{"three times", failed(Timeout, 3), StateAttention},
		{"a refused token is everybody's", failed(Unauthorized, 1), StateRetrying},
		{"nothing that passes: forbidden", failed(Forbidden, 1), StateAttention},
		{"nothing that passes: not found", failed(NotFound, 1), StateAttention},
		{"nothing that passes: refused data", failed(InvalidCall, 1), StateAttention},
		{"just now", synced(0), StateSynced},
		{"32 hours ago", synced(32 * time.Hour), StateSynced},
		{"a moment longer", synced(32*time.Hour + time.Microsecond), StateStale},
		{"a success of which no time is known", with(func(f *SyncFacts) { f.Result = SyncSuccess }), StateStale},
		{"an old fault is no stale sync", with(func(f *SyncFacts) { f.Result, f.LastSuccessAt = SyncFailure, now.AddDate(-1, 0, 0) }), StateRetrying},
	} {
		if got := c.facts.StateAt(now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		want := c.want
		if want == StateStale {
			want = StateSynced // which comes with time alone
		}
		if got := c.facts.State(); got != want {
			t.Errorf("%s: whatever the time: %s, want %s", c.name, got, want)
		}
	}
}

func TestEveryStateHasItsPlaceAndIsInAtMostOneGroup(t *testing.T) {
	var waiting, failing []State
	for i, s := range States {
		if s.Order() != i || slices.Index(States, s) != i {
			t.Errorf("%s is in place %d, want %d", s, s.Order(), i)
		}
		if s.Waiting() {
			waiting = append(waiting, s)
		}
		if s.Failing() {
			failing = append(failing, s)
		}
		if s.Waiting() && s.Failing() {
			t.Errorf("%s is in both groups", s)
		}
	}
	if want := []State{StateDenied, StateUnknown, StateEmail, StateSignIn, StateApproval, StateAccount}; !slices.Equal(waiting, want) {
		t.Errorf("waiting are %q, want %q", waiting, want)
	}
	if want := []State{StateAttention, StateRetrying}; !slices.Equal(failing, want) {
		t.Errorf("failing are %q, want %q", failing, want)
	}
	if State("nonsense").Order() != -1 || State("").Waiting() || State("").Failing() {
		t.Error("a state that does not exist has a place or a group")
	}
}
