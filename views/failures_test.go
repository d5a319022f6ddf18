package views

import (
	"testing"
	"time"

	"flagpole/internal/domain"
)

func TestWhereAFailureStandsInWords(t *testing.T) {
	later := now.Add(10 * time.Minute)
	at := later.Format("15:04")
	for name, c := range map[string]struct {
		failure  domain.Failure
		enrolled bool
		want     State
	}{
		"tried again":        {domain.Failure{Kept: domain.FailureRetrying, NextDueAt: later}, true, State{"warn", "Retrying at " + at, ""}},
		"due":                {domain.Failure{Kept: domain.FailureRetrying, NextDueAt: now}, true, State{"wait", "Waiting for its turn", ""}},
		"due, and attention": {domain.Failure{Kept: domain.FailureAttention, NextDueAt: now, FailedInARow: 5}, true, State{"wait", "Waiting for its turn", "Needs attention: failed 5 times in a row."}},
		"attention":          {domain.Failure{Kept: domain.FailureAttention, NextDueAt: later}, true, State{"bad", "Needs attention", "Tried again at " + at + "."}},
		"running":            {domain.Failure{Kept: domain.FailureRetrying, RunningSince: now}, true, State{"run", "Running now", ""}},
		"told to wait":       {domain.Failure{Cause: domain.Cause{Class: domain.RateLimited}, Kept: domain.FailureRetrying, NextDueAt: later}, true, State{"warn", "Rate limited until " + at, ""}},
		"blocked":            {domain.Failure{Kept: domain.FailureBlocked, NextDueAt: later}, true, State{"hold", "Blocked", "Looked up again at " + at + "."}},
		"no email":           {domain.Failure{Cause: domain.Cause{Class: domain.MissingEmail}, Kept: domain.FailureAttention}, false, State{"bad", "Needs an email", ""}},
		"not enrolled":       {domain.Failure{Kept: domain.FailureRetrying, NextDueAt: now}, false, State{"off", "Not tried", "The coach does not have the game platform."}},
		"cleared":            {domain.Failure{Kept: domain.FailureCleared, NextDueAt: later}, true, State{"off", "Cleared", "Still tried again at " + at + "."}},
		"cleared, no email":  {domain.Failure{Cause: domain.Cause{Class: domain.MissingEmail}, Kept: domain.FailureCleared}, true, State{"off", "Cleared", ""}},
		"over":               {domain.Failure{EndedAt: now, EndReason: domain.EndedSynced}, true, State{"ok", "Synced just now", ""}},
	} {
		if got := FailureStateOf(c.failure, c.enrolled, now, nil); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTitlesOfCauses(t *testing.T) {
	for want, c := range map[string]domain.Cause{
		"The platform had a fault of its own (ODL scores, status 503)":           {Class: domain.ServerError, Endpoint: "GET /scores/get_odl_scores", Status: 503},
		"The platform had a fault of its own (status 502 to every call)":         {Class: domain.ServerError, Endpoint: domain.EveryCall, Status: 502},
		"The platform did not answer in time":                                    {Class: domain.Timeout, Endpoint: domain.EveryCall},
		"The platform did not answer in time (flash CTF progress)":               {Class: domain.Timeout, Endpoint: "GET /scores/get_flash_ctf_progress"},
		"There is no email on file":                                              {Class: domain.MissingEmail},
		"MetaCTF has refused this account":                                       {Kind: domain.KindBlocked, Class: domain.AccountDenied},
		"The platform could not be reached":                                      {Class: domain.Unreachable},
		"The platform refused the data we sent (PUT /something/new, status 422)": {Class: domain.InvalidCall, Endpoint: "PUT /something/new", Status: 422},
	} {
		if got := CauseTitle(c); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

func TestEveryStateAndEndOfAFailureHasAWord(t *testing.T) {
	for _, s := range domain.FailureStates {
		if FailureStateName(s) == "" {
			t.Errorf("%s has no name", s)
		}
	}
	for _, class := range domain.FailureClasses {
		if ClassName(class) == string(class) {
			t.Errorf("%s has no name", class)
		}
	}
	for _, end := range []domain.FailureEnd{domain.EndedSynced, domain.EndedCompleted, domain.EndedChanged, domain.EndedForgotten} {
		if EndText(domain.Failure{EndReason: end}, false) == "" || endWords[end] == "" {
			t.Errorf("%s has no words", end)
		}
	}
}

func TestThePictureOfNewFailures(t *testing.T) {
	c := CauseCard{Hours: make([]int, 24)}
	c.Hours[22], c.Hours[23], c.Hours[0] = 5, 5, 1
	bars := sparkBars(c.spark())
	if len(bars) != 12 || bars[11] != (SparkBar{"88", "1", "15"}) || bars[0] != (SparkBar{"0", "14", "2"}) || bars[1].Height != "1" {
		t.Errorf("%+v", bars)
	}
	if got, want := c.saySpark(), "New failures in steps of two hours, the last 24: 1 0 0 0 0 0 0 0 0 0 0 10"; got != want {
		t.Errorf("it is read as %q, want %q", got, want)
	}
}

func TestHowLongACallTook(t *testing.T) {
	for want, d := range map[string]time.Duration{"0 ms": 0, "312 ms": 312 * time.Millisecond, "9,999 ms": 9999 * time.Millisecond, "15.0 s": 15 * time.Second} {
		if got := Milliseconds(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
