package metactf_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

func newUser() metactf.NewUser {
	return metactf.NewUser{ID: testUser, FirstName: "Ada", LastName: "Lind", Email: "ada@oak.example", Role: metactf.RoleUser, CoachID: "co-1"}
}

func newTeam() metactf.NewTeam {
	return metactf.NewTeam{ID: "t-1", CoachID: "co-1", Name: "Owls", Affiliation: "Oak", Division: domain.HighSchool}
}

// writes are the five write calls, each with good data.
func writes(t *testing.T, c *metactf.Client) map[string]func() error {
	return map[string]func() error{
		"POST /users":                   func() error { _, err := c.CreateUser(t.Context(), newUser()); return err },
		"POST /teams":                   func() error { _, err := c.CreateTeam(t.Context(), newTeam()); return err },
		"POST /teams/delete":            func() error { return c.DeleteTeam(t.Context(), "t-1") },
		"POST /users/assign_team":       func() error { _, err := c.AssignTeam(t.Context(), "t-1", testUser); return err },
		"POST /users/delete_assignment": func() error { _, err := c.DeleteAssignment(t.Context(), testUser); return err },
	}
}

func TestWriteCallsSendWhatIsDocumented(t *testing.T) {
	want := map[string]string{
		"POST /users": `{"syned_user_id":"` + testUser + `","first_name":"Ada","last_name":"Lind","email":"ada@oak.example",` +
			`"role":"user","syned_coach_user_id":"co-1"}`,
		"POST /teams": `{"syned_team_id":"t-1","syned_coach_user_id":"co-1","team_name":"Owls","affiliation":"Oak",` +
			`"division":"high_school"}`,
		"POST /teams/delete":            `{"syned_team_id":"t-1"}`,
		"POST /users/assign_team":       `{"syned_team_id":"t-1","syned_user_id":"` + testUser + `"}`,
		"POST /users/delete_assignment": `{"syned_user_id":"` + testUser + `"}`,
	}
	answer := map[string]string{
		"POST /users":                   `{"metactf_user_status":"user_created","syned_user_id":"` + testUser + `"}`,
		"POST /teams":                   `{"metactf_team_id":9,"metactf_coach_id":"17","syned_team_id":"t-1"}`,
		"POST /teams/delete":            `"gone"`,
		"POST /users/assign_team":       `{"syned_user_id":"` + testUser + `","syned_team_id":"t-1"}`,
		"POST /users/delete_assignment": `{"syned_user_id":"` + testUser + `"}`,
	}
	got := map[string]string{}
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		endpoint := r.Method + " " + r.URL.Path
		got[endpoint] = string(body)
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer "+testToken {
			t.Errorf("%s: headers %v", endpoint, r.Header)
		}
		answering(201, answer[endpoint])(w, r)
	})
	for name, call := range writes(t, c) {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, want, got)
}

func TestDryRunSendsNoWriteCall(t *testing.T) {
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			sent.Add(1)
		}
		answering(200, `{"metactf_user_status":"approved"}`)(w, r)
	}))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL, DryRun: true}, io.Discard)
	for name, call := range writes(t, c) {
		if err := call(); !errors.Is(err, metactf.ErrDryRun) {
			t.Errorf("%s: got %v, want ErrDryRun", name, err)
		}
	}
	if sent.Load() != 0 || c.Calls() != 0 {
		t.Errorf("%d write calls arrived, %d were counted", sent.Load(), c.Calls())
	}
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Errorf("a read call: %v", err)
	}
}

func TestWhatThePlatformNeedsIsCheckedBeforeSending(t *testing.T) {
	c := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was sent") })
	user := func(change func(*metactf.NewUser)) func() error {
		u := newUser()
		change(&u)
		return func() error { _, err := c.CreateUser(t.Context(), u); return err }
	}
	team := func(change func(*metactf.NewTeam)) func() error {
		n := newTeam()
		change(&n)
		return func() error { _, err := c.CreateTeam(t.Context(), n); return err }
	}
	for want, call := range map[string]func() error{
		"syned_user_id is empty":                     user(func(u *metactf.NewUser) { u.ID = "" }),
		"first_name is empty":                        user(func(u *metactf.NewUser) { u.FirstName = " " }),
		"last_name is empty":                         user(func(u *metactf.NewUser) { u.LastName = "" }),
		"email is empty":                             user(func(u *metactf.NewUser) { u.Email = "" }),
		"email is not an address":                    user(func(u *metactf.NewUser) { u.Email = "ada" }),
		"role is neither coach nor user":             user(func(u *metactf.NewUser) { u.Role = "admin" }),
		"syned_team_id is empty":                     team(func(n *metactf.NewTeam) { n.ID = "" }),
		"syned_coach_user_id is empty":               team(func(n *metactf.NewTeam) { n.CoachID = "" }),
		"team_name is empty":                         team(func(n *metactf.NewTeam) { n.Name = "" }),
		"affiliation is empty":                       team(func(n *metactf.NewTeam) { n.Affiliation = "" }),
		"division is none that the platform knows":   team(func(n *metactf.NewTeam) { n.Division = "elite" }),
		"POST /teams/delete: invalid: syned_team_id": func() error { return c.DeleteTeam(t.Context(), "") },
		"POST /users/assign_team: invalid: syned_team_id": func() error {
			_, err := c.AssignTeam(t.Context(), "", testUser)
			return err
		},
		"POST /users/delete_assignment: invalid: syned_user_id": func() error {
			_, err := c.DeleteAssignment(t.Context(), "")
			return err
		},
	} {
		if err := call(); classOf(err) != domain.InvalidCall || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want invalid: %s", err, want)
		}
	}
}

func TestWriteCallsNameNobodyInTheirErrors(t *testing.T) {
	c := newClient(t, answering(409, `{"detail":"Ada Lind <ada@oak.example> (`+testUser+`) is with co-1 already"}`))
	_, err := c.CreateUser(t.Context(), newUser())
	f := failureOf(t, err)
	equal(t, "[private] <[private]> ([user]) is with [private] already", f.Message)
	equal(t, domain.Conflict, f.Class)
}

func TestWriteThatAnswersAboutAnotherIsMalformed(t *testing.T) {
	c := newClient(t, answering(201, `{"syned_user_id":"other","syned_team_id":"other","metactf_user_status":"approved"}`))
	for name, call := range writes(t, c) {
		if err := call(); name != "POST /teams/delete" && classOf(err) != domain.Malformed {
			t.Errorf("%s: got %v, want malformed", name, err)
		}
	}
}

func TestTeamAssignments(t *testing.T) {
	const two = `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"},{"syned_user_id":"b","syned_team_id":null}],"total_count":2}`
	var query string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		answering(200, two)(w, r)
	})
	for teamID, want := range map[string]string{"": "", "t-1": "syned_team_id=t-1"} {
		got, err := c.TeamAssignments(t.Context(), teamID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, []metactf.Assignment{{UserID: "a", TeamID: "t-1"}, {UserID: "b"}}, got)
		equal(t, want, query)
	}
}

// A part that is taken for the whole would take people out of their teams.
func TestTeamAssignmentsAreWholeOrMalformed(t *testing.T) {
	for name, body := range map[string]string{
		"no list":        `{"total_count":0}`,
		"null":           `{"assignments":null,"total_count":0}`,
		"a bad record":   `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"},{"syned_user_id":null}],"total_count":2}`,
		"no record":      `{"assignments":[7],"total_count":1}`,
		"another team":   `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-2"}],"total_count":1}`,
		"too few":        `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"}],"total_count":2}`,
		"no count":       `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"}]}`,
		"null count":     `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"}],"total_count":null}`,
		"cut off":        `{"assignments":[{"syned_user_id":"a","syned_team_id":"t-1"}`,
		"a number of it": `{"assignments":[{"syned_user_id":"a","syned_team_id":7}],"total_count":1}`,
	} {
		got, err := newClient(t, answering(200, body)).TeamAssignments(t.Context(), "t-1")
		if classOf(err) != domain.Malformed || got != nil {
			t.Errorf("%s: got %v, %v; want malformed", name, got, err)
		}
	}
}
