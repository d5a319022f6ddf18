package domain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnErrorSaysWhatHappenedAndWhatToDo(t *testing.T) {
	for want, err := range map[string]*Error{
		"No such coach.": Errorf(NoSuch, "No such coach."),
		"No such coach. Import the roster first.": Errorf(NoSuch, "No such %s.", "coach").WithHint("Import the roster first."),
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheCauseOfAnErrorIsFoundAndNeverShown(t *testing.T) {
	cause := errors.New("password 's3cret' in column x")
	err := fmt.Errorf("add user: %w", Errorf(Clash, "It exists.").WithHint("Use another.").Because(cause))
	if !errors.Is(err, cause) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	if (&Error{}).Unwrap() != nil {
		t.Error("an error without a cause has one")
	}
}

func TestTheCodeIsFoundInTheChain(t *testing.T) {
	inner := Errorf(Denied, "no")
	for _, c := range []struct {
		name string
		err  error
		want Code
	}{
		{"none", nil, ""},
		{"another error", errors.New("no"), ""},
		{"itself", inner, Denied},
		{"wrapped twice", fmt.Errorf("a: %w", fmt.Errorf("b: %w", inner)), Denied},
		{"joined", errors.Join(errors.New("x"), inner), Denied},
		{"the outer one of two", Errorf(Invalid, "bad").Because(inner), Invalid},
		{"behind one without a code", Errorf("", "bad"), ""},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACallErrorNamesClassCallAndStatus(t *testing.T) {
	for want, err := range map[string]*CallError{
		"GET /users: timeout: no answer in 10 s":                    {Class: Timeout, Endpoint: "GET /users", Message: "no answer in 10 s"},
		"GET /users: server_error (status 502): the gateway is bad": {Class: ServerError, Endpoint: "GET /users", Status: 502, Message: "the gateway is bad", RetryAfter: time.Second},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEveryFailureClassHasAdvice(t *testing.T) {
	unknown := AdviceFor("something new")
	seen := map[string]FailureClass{}
	for _, class := range []FailureClass{Unauthorized, Forbidden, NotFound, Blocked, Conflict, InvalidCall, RateLimited, ServerError, Timeout,
		Unreachable, Malformed, StoreFailed, MissingEmail, MissingCoach, AccountDenied} {
		a := AdviceFor(class)
		for _, part := range []string{a.What, a.Do, a.Who} {
			if !strings.HasSuffix(part, ".") {
				t.Errorf("%s: %q is no sentence", class, part)
			}
		}
		if other, twice := seen[a.What]; twice || a == unknown {
			t.Errorf("%s says the same as %s", class, other)
		}
		seen[a.What] = class
		if got := a.String(); got != a.What+" "+a.Do+" "+a.Who {
			t.Errorf("%s: %q", class, got)
		}
	}
	if len(seen) != len(advice) {
		t.Errorf("%d classes were looked at, %d have advice", len(seen), len(advice))
	}
}
