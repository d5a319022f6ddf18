package metactf_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
)

// What the client makes of each fault of the platform; "" where the answer can be used.
func TestEveryFaultHasItsClass(t *testing.T) {
	sim, address := newPlatform(t, simulator.Options{Seed: 3, Competitors: 20, Token: testToken, Flawless: true})
	id := platformIDs(t, sim)[0]
	for fault, want := range map[simulator.Fault]struct {
		user, odl domain.FailureClass
		malformed int // records of the ODL answer
	}{
		simulator.Latency:       {"", "", 0},
		simulator.Hang:          {domain.Timeout, domain.Timeout, 0},
		simulator.Reset:         {domain.Unreachable, domain.Unreachable, 0},
		simulator.RateLimited:   {domain.RateLimited, domain.RateLimited, 0},
		simulator.RateDate:      {domain.RateLimited, domain.RateLimited, 0},
		simulator.RateSilent:    {domain.RateLimited, domain.RateLimited, 0},
		simulator.Unavailable:   {domain.ServerError, domain.ServerError, 0},
		simulator.ServerError:   {domain.ServerError, domain.ServerError, 0},
		simulator.HTML:          {domain.ServerError, domain.ServerError, 0},
		simulator.HTMLGood:      {domain.Malformed, domain.Malformed, 0},
		simulator.Truncated:     {domain.Malformed, domain.Malformed, 0},
		simulator.Forbidden:     {domain.Forbidden, domain.Forbidden, 0},
		simulator.Nulls:         {"", "", 1},
		simulator.UnknownFields: {"", "", 0},
		simulator.WrongTypes:    {domain.Malformed, "", 1},
		simulator.CollidingIDs:  {"", "", 0},
		simulator.OtherUser:     {domain.Malformed, domain.Malformed, 0},
		simulator.Renamed:       {"", "", 0},
		simulator.Redated:       {"", "", 0},
		simulator.Withdrawn:     {"", "", 0},
		simulator.LateSolve:     {"", "", 0},
		simulator.BackDated:     {"", "", 0},
		simulator.TokenRefused:  {domain.Unauthorized, domain.Unauthorized, 0},
		simulator.ClockSkew:     {"", "", 0},
	} {
		rule := simulator.FaultRule{Fault: fault}
		if fault == simulator.Latency {
			rule.Amount = time.Millisecond
		}
		if err := sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{rule}}); err != nil {
			t.Fatal(err)
		}
		cfg := metactf.Config{BaseURL: address}
		if fault == simulator.Hang {
			cfg.Timeout = 100 * time.Millisecond
		}
		c := clientOf(t, hurried(cfg), io.Discard)
		_, err := c.User(t.Context(), id)
		if got := classOf(err); got != want.user {
			t.Errorf("%s: GET /users: %v, want %q", fault, err, want.user)
		}
		scores, err := c.ODLScores(t.Context(), id, time.Time{})
		if got := classOf(err); got != want.odl || len(scores.Malformed) != want.malformed {
			t.Errorf("%s: scores: %v and %d malformed, want %q and %d", fault, err, len(scores.Malformed), want.odl, want.malformed)
		}
	}
}

func TestRepeatsOvercomeWhatPasses(t *testing.T) {
	for _, fault := range []simulator.Fault{simulator.ServerError, simulator.HTML, simulator.Reset, simulator.Unavailable} {
		sim, address := newPlatform(t, simulator.Options{Seed: 3, Competitors: 20, Token: testToken, Flawless: true})
		if err := sim.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: fault, To: 2}}}); err != nil {
			t.Fatal(err)
		}
		c := clientOf(t, hurried(metactf.Config{BaseURL: address, RetryLimit: 2}), io.Discard)
		if _, err := c.User(t.Context(), platformIDs(t, sim)[0]); err != nil || c.Calls() != 3 {
			t.Errorf("%s: %v after %d sends, want a good third one", fault, err, c.Calls())
		}
	}
}

func TestWriteCallsOnThePlatform(t *testing.T) {
	sim, address := newPlatform(t, simulator.Options{Competitors: 20, Token: testToken, Flawless: true})
	c := clientOf(t, metactf.Config{BaseURL: address}, io.Discard)
	u, n := newUser(), newTeam()
	u.CoachID, n.CoachID = sim.CoachIDs()[0], sim.CoachIDs()[0]
	user, err := c.CreateUser(t.Context(), u)
	if err != nil || user.MetaCTFUserID == 0 {
		t.Fatalf("create user: %+v, %v", user, err)
	}
	if _, err := c.CreateUser(t.Context(), u); classOf(err) != domain.Conflict {
		t.Errorf("again: %v, want conflict", err)
	}
	team, err := c.CreateTeam(t.Context(), n)
	if err != nil || team.Name != n.Name || team.MetaCTFTeamID == 0 || team.MetaCTFCoachID == "" {
		t.Fatalf("create team: %+v, %v", team, err)
	}
	all, err := c.TeamAssignments(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := metactf.Assignment{UserID: u.ID, TeamID: n.ID}
	if got, err := c.AssignTeam(t.Context(), n.ID, u.ID); err != nil || got != want {
		t.Errorf("assign: %+v, %v", got, err)
	}
	if got, err := c.TeamAssignments(t.Context(), ""); err != nil || len(got) != len(all)+1 || !slices.Contains(got, want) {
		t.Errorf("%d assignments, %v; want one more than %d", len(got), err, len(all))
	}
	if err := c.DeleteTeam(t.Context(), n.ID); classOf(err) != domain.Conflict {
		t.Errorf("a team with members was deleted: %v", err)
	}
	if got, err := c.DeleteAssignment(t.Context(), u.ID); err != nil || got != want {
		t.Errorf("delete assignment: %+v, %v", got, err)
	}
	if err := c.DeleteTeam(t.Context(), n.ID); err != nil {
		t.Errorf("delete team: %v", err)
	}
	if got, err := c.TeamAssignments(t.Context(), n.ID); err != nil || len(got) != 0 {
		t.Errorf("after all: %v, %v", got, err)
	}
}
