package domain

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNormalisedMessagesAreFrozen: fingerprints are stored and stand in addresses, so a message must go on to normalise as it did.
func TestNormalisedMessagesAreFrozen(t *testing.T) {
	for message, want := range map[string]string{
		"":                          "",
		"User not found":            "User not found",
		"  two   words\n here ":     "two words here",
		"request 17 failed":         "request [n] failed",
		"waited 3.5 s of 1,000":     "waited [n] s of [n]",
		"solve 1234-ab of gp-00017": "solve [id] of [id]",
		"id 5f2d0e6c-0f3a-4a6e-9a53-0d7c0c1c9f11 unknown": "id [id] unknown",
		`field "first_name" is missing`:                   "field [text] is missing",
		"field 'first_name' is missing":                   "field [text] is missing",
		"name “Ada” and ‘Bo’ and «Cy»":                    "name [text] and [text] and [text]",
		"the platform's own words, don't":                 "the platform's own words, don't",
		"see https://api.example/v1/u?x=1 now":            "see [url] now",
		"no such path /users/17/solves":                   "no such path [path]",
		"mail to ada.l@school.example, ok":                "mail to [email], ok",
		"[user] is not [private]":                         "[id] is not [id]",
		"dial tcp 10.0.0.1:443: refused":                  "dial tcp [n]: refused",
		"Größe 12 überschritten":                          "Größe [n] überschritten",
		strings.Repeat("é", 300):                          strings.Repeat("é", 200),
	} {
		if got := Normalised(message); got != want {
			t.Errorf("%q becomes %q, want %q", message, got, want)
		}
		if once := Normalised(message); Normalised(once) != once && !strings.Contains(once, "[") {
			t.Errorf("%q is not stable", once)
		}
	}
}

func TestFingerprintsAreFrozen(t *testing.T) {
	for want, c := range map[string]Cause{
		"006ee226a2cd": {Kind: KindFailure, Class: MissingEmail},
		"b425aed12804": {Kind: KindFailure, Class: Unreachable},
		"5abcbdfa64ff": {KindFailure, ServerError, "GET /scores/get_odl_scores", 503, "the answer was a web page, not JSON"},
		"b6fae56e3cdf": {KindFailure, Timeout, EveryCall, 0, "no answer within [n] s"},
		"9cf2c06b904a": {Kind: KindBlocked, Class: Blocked, Message: waitsForApproval},
		"654117a3e6cd": {Kind: KindBlocked, Class: AccountDenied},
	} {
		if got := c.Fingerprint(); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
	a := Cause{KindFailure, ServerError, "GET /users", 500, "x"}
	for _, b := range []Cause{{KindFailure, Timeout, "GET /users", 500, "x"}, {KindFailure, ServerError, "GET /scores", 500, "x"},
		{KindFailure, ServerError, "GET /users", 502, "x"}, {KindFailure, ServerError, "GET /users", 500, "y"}} {
		if a.Fingerprint() == b.Fingerprint() {
			t.Errorf("%+v and %+v have one fingerprint", a, b)
		}
	}
}

func TestCausesOfFacts(t *testing.T) {
	on := func(result SyncResult, class FailureClass, status PlatformStatus) FailureFacts {
		return FailureFacts{SyncFacts{OnPlatform: true, HasEmail: true, Result: result, Class: class, PlatformStatus: status}, "GET /users", "try 7", 503}
	}
	for name, c := range map[string]struct {
		facts FailureFacts
		want  Cause
	}{
		"neither email nor account": {FailureFacts{}, Cause{Kind: KindFailure, Class: MissingEmail}},
		"an email and no account":   {FailureFacts{SyncFacts: SyncFacts{HasEmail: true}}, Cause{}},
		"an account and no email":   {FailureFacts{SyncFacts: SyncFacts{OnPlatform: true, Result: SyncSuccess}}, Cause{}},
		"never tried":               {on(SyncNever, "", ""), Cause{}},
		"success":                   {on(SyncSuccess, "", ""), Cause{}},
		"failed":                    {on(SyncFailure, ServerError, ""), Cause{KindFailure, ServerError, "GET /users", 503, "try [n]"}},
		"unreachable":               {on(SyncFailure, Unreachable, ""), Cause{KindFailure, Unreachable, "", 503, ""}},
		"told to wait":              {on(SyncFailure, RateLimited, ""), Cause{KindFailure, RateLimited, "", 503, "try [n]"}},
		"denied":                    {on(SyncBlocked, Blocked, PlatformDenied), Cause{Kind: KindBlocked, Class: AccountDenied}},
		"unknown":                   {on(SyncBlocked, Blocked, PlatformUnknown), Cause{Kind: KindBlocked, Class: Blocked, Message: noSuchAccount}},
		"waits for its sign-in":     {on(SyncBlocked, Blocked, PlatformUserCreated), Cause{Kind: KindBlocked, Class: Blocked, Message: waitsForSignIn}},
		"waits for approval":        {on(SyncBlocked, Blocked, PlatformPendingApproval), Cause{Kind: KindBlocked, Class: Blocked, Message: waitsForApproval}},
		"a word of the vendor's":    {on(SyncBlocked, Blocked, "something new"), Cause{Kind: KindBlocked, Class: Blocked, Message: waitsForApproval}},
	} {
		got, fails := CauseOf(c.facts)
		if got != c.want || fails != (c.want != Cause{}) {
			t.Errorf("%s: %+v (%v), want %+v", name, got, fails, c.want)
		}
	}
}

func TestBlockedCausesSayWhatTheyWaitFor(t *testing.T) {
	seen := map[string]bool{}
	for _, message := range []string{noSuchAccount, waitsForSignIn, waitsForApproval} {
		seen[Cause{Kind: KindBlocked, Class: Blocked, Message: message}.Advice().What] = true
	}
	if len(seen) != 3 {
		t.Errorf("they say %v", seen)
	}
}

func TestEveryClassIsListed(t *testing.T) {
	for class := range advice {
		if !slices.Contains(FailureClasses, class) {
			t.Errorf("%s is in no list", class)
		}
	}
	if len(FailureClasses) != len(advice) {
		t.Errorf("%d classes are listed, %d have advice", len(FailureClasses), len(advice))
	}
}

func TestWhereAFailureStands(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	later, before := now.Add(time.Minute), now.Add(-time.Minute)
	for name, c := range map[string]struct {
		failure Failure
		want    FailureState
	}{
		"tried again later":              {Failure{Kept: FailureRetrying, NextDueAt: later}, FailureRetrying},
		"due":                            {Failure{Kept: FailureRetrying, NextDueAt: now}, FailureWaiting},
		"needs attention":                {Failure{Kept: FailureAttention, NextDueAt: later}, FailureAttention},
		"needs attention and due":        {Failure{Kept: FailureAttention, NextDueAt: before}, FailureWaiting},
		"no email":                       {Failure{Kept: FailureAttention, Cause: Cause{Class: MissingEmail}}, FailureAttention},
		"told to wait":                   {Failure{Kept: FailureRetrying, Cause: Cause{Class: RateLimited}, NextDueAt: later}, FailureLimited},
		"told to wait, and waited":       {Failure{Kept: FailureRetrying, Cause: Cause{Class: RateLimited}, NextDueAt: now}, FailureWaiting},
		"running":                        {Failure{Kept: FailureRetrying, RunningSince: before}, FailureRunning},
		"said to run for a quarter hour": {Failure{Kept: FailureRetrying, RunningSince: now.Add(-15 * time.Minute), NextDueAt: later}, FailureRetrying},
		"blocked and due":                {Failure{Kept: FailureBlocked, NextDueAt: before}, FailureBlocked},
		"cleared and due":                {Failure{Kept: FailureCleared, NextDueAt: before}, FailureCleared},
		"cleared and running":            {Failure{Kept: FailureCleared, RunningSince: before}, FailureRunning},
		"over":                           {Failure{Kept: FailureCleared, EndedAt: before, RunningSince: before}, FailureResolved},
	} {
		if got := c.failure.StateAt(now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
