package main

import (
	"encoding/json"
	"strings"
	"testing"

	"flagpole/store/storetest"
)

func TestTheOnboardingCommandShowsWhatWouldBeSentAndSendsNothing(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			c := newConsole(t, storetest.URL(t, kind)).filled()
			raw := openRaw(t, kind, c.env["DATABASE_URL"])
			if _, err := raw.ExecContext(t.Context(), `UPDATE competitors SET status = 'complete' WHERE game_platform_id IS NULL AND email IS NOT NULL`); err != nil {
				t.Fatal(err)
			}
			var list []sentResult
			if err := json.Unmarshal([]byte(c.must("onboarding", "--json")), &list); err != nil {
				t.Fatal(err)
			}
			accounts := 0
			for _, one := range list {
				if one.Step == "account" {
					accounts++
					if one.Confirmed || one.Fields["email"] == "" || one.Fields["syned_user_id"] != one.Subject || one.Fields["syned_coach_user_id"] != one.CoachID {
						t.Errorf("%+v", one)
					}
				}
			}
			if accounts == 0 {
				t.Fatal("nobody is ready in this season")
			}
			text := c.must("onboarding", "--coach", list[0].CoachID)
			if !strings.Contains(text, "nobody has agreed yet") || !strings.Contains(text, "Nothing was sent. Onboarding is switched off") {
				t.Errorf("as text:\n%s", text)
			}
			if orders := c.sim.Orders(); len(orders) > 0 {
				t.Errorf("sent: %v", orders)
			}
			if o := c.do("", "onboarding", "--coach", "nobody"); o.status != exitUsage {
				t.Errorf("a coach who does not exist: %+v", o)
			}
		})
	}
}

func TestUsersAreHelpedOnTheCommandLine(t *testing.T) {
	c := newConsole(t, storetest.URL(t, "sqlite")).filled()
	for _, email := range []string{"one@flagpole.example", "two@flagpole.example"} {
		if o := c.do("correct horse\n", "user", "add", "--email", email, "--role", "admin", "--password-stdin"); o.status != 0 {
			t.Fatal(o.stderr)
		}
	}
	c.must("user", "disable", "ONE@flagpole.example")
	if out := c.must("user", "list"); !strings.Contains(out, "one@flagpole.example\tadmin\tdisabled\tno code\tnever\n") {
		t.Errorf("list:\n%s", out)
	}
	if o := c.do("", "user", "disable", "two@flagpole.example"); o.status != exitFailed || !strings.Contains(o.stderr, "This is the last admin who can sign in.") {
		t.Errorf("the last admin: %+v", o)
	}
	c.must("user", "enable", "one@flagpole.example")
	c.must("user", "two-factor-off", "one@flagpole.example")
	if o := c.do("another horse\n", "user", "reset-password", "one@flagpole.example"); o.status != 0 {
		t.Errorf("%+v", o)
	}
	if o := c.do("short\n", "user", "reset-password", "one@flagpole.example"); o.status != exitFailed {
		t.Errorf("a short one: %+v", o)
	}
	if o := c.do("", "user", "disable", "nobody@flagpole.example"); o.status != exitFailed || !strings.Contains(o.stderr, "There is no such user.") {
		t.Errorf("nobody: %+v", o)
	}
	raw := openRaw(t, "sqlite", c.env["DATABASE_URL"])
	var n int
	if err := raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM audit_log WHERE user_id = 'command' AND action LIKE 'user.%'`).Scan(&n); err != nil || n != 4 {
		t.Errorf("%d entries in the audit log, %v", n, err)
	}
}
