package main

import (
	"encoding/json"
	"strings"
	"testing"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

// alerts runs flagpole alerts --json and gives each rule's state.
func (c *console) alerts() map[domain.AlertRule]domain.AlertState {
	c.t.Helper()
	var list []alertResult
	dec := json.NewDecoder(strings.NewReader(c.must("alerts", "--json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		c.t.Fatal(err)
	}
	states := map[domain.AlertRule]domain.AlertState{}
	for _, r := range list {
		states[r.Rule] = r.State
		if r.Evidence == "" || (r.Since == nil) != (r.State == domain.AlertOK) {
			c.t.Errorf("%+v", r)
		}
	}
	if len(states) != len(domain.AlertRules) {
		c.t.Errorf("%d rules: %v", len(states), states)
	}
	return states
}

func TestAlertsFireWhenSyncsFailAndEndWithACleanRun(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		if got := c.alerts()[domain.AlertFailureRate]; got != domain.AlertOK {
			t.Errorf("before anybody was tried: %s", got)
		}
		if err := c.sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.Forbidden}}}); err != nil {
			t.Fatal(err)
		}
		c.json("--all")
		if got := c.alerts()[domain.AlertFailureRate]; got != domain.AlertFiring {
			t.Errorf("after all syncs failed: %s", got)
		}
		if err := c.sim.SetFaults(simulator.Faults{}); err != nil {
			t.Fatal(err)
		}
		c.json("--all")
		if got := c.alerts()[domain.AlertFailureRate]; got != domain.AlertResolved {
			t.Errorf("after a clean run: %s", got)
		}
		if text := c.must("alerts", "--replay", "1h"); !strings.Contains(text, "changes") {
			t.Errorf("replay: %s", text)
		}
		var past []pastResult
		if err := json.Unmarshal([]byte(c.must("alerts", "--replay", "1h", "--json")), &past); err != nil {
			t.Error(err)
		}
	})
}

func TestAPlatformThatFailsForAThirdDoesNotLookLikeAnOutage(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		c.env["GAME_PLATFORM_RETRY_LIMIT"] = "0"
		if err := c.sim.SetFaults(simulator.Faults{Seed: 1, Rules: []simulator.FaultRule{{Fault: simulator.ServerError, Call: "/scores/get_flash_ctf_progress", Rate: .3}}}); err != nil {
			t.Fatal(err)
		}
		c.json("--all")
		got := c.alerts()
		if got[domain.AlertFailureRate] != domain.AlertFiring || got[domain.AlertPlatform] != domain.AlertOK {
			t.Errorf("%v", got)
		}
	})
}

func TestARefusedTokenIsAnAlertUntilTheNextOneIsTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, c *console) {
		c.filled()
		c.json("--all")
		c.env["GAME_PLATFORM_API_TOKEN"] = "an-old-one"
		if o := c.do("", "sync", "--all"); o.status == 0 {
			t.Error("a refused token is no failure")
		}
		if got := c.alerts()[domain.AlertToken]; got != domain.AlertFiring {
			t.Errorf("with a refused token: %s", got)
		}
		c.env["GAME_PLATFORM_API_TOKEN_NEXT"] = "sim-token"
		c.json("--all")
		if got := c.alerts()[domain.AlertToken]; got != domain.AlertResolved {
			t.Errorf("after the next one was taken: %s", got)
		}
		if text := c.must("check"); !strings.Contains(text, "accepted: the one of GAME_PLATFORM_API_TOKEN_NEXT (fingerprint ") || strings.Contains(text, "sim-token") {
			t.Errorf("check:\n%s", text)
		}
	})
}
