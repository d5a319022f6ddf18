package metactf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/metactf/simulator"
)

// contract stands between client and simulator and holds what passes against our description of the platform.
type contract struct {
	doc      *openapi3.T
	platform http.Handler

	mu       sync.Mutex
	called   map[string]bool // by operation
	requests []error         // what is wrong with them
	answers  []error
}

func newContract(t *testing.T, platform http.Handler) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/platform-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.RegisteredBodyDecoder("text/plain"))
	t.Cleanup(func() { openapi3filter.UnregisterBodyDecoder("text/html") })
	return &contract{doc: doc, platform: platform, called: map[string]bool{}}
}

func (c *contract) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	input, err := c.request(r)
	if err != nil {
		c.note(&c.requests, r, err)
		http.Error(w, "not in the contract", http.StatusTeapot)
		return
	}
	answer := httptest.NewRecorder()
	c.platform.ServeHTTP(answer, r)
	if err := c.answer(r.Context(), input, answer); err != nil {
		c.note(&c.answers, r, err)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (c *contract) note(list *[]error, r *http.Request, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*list = append(*list, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
}

// request finds the operation and checks all that is sent: nothing may be there that is not described.
func (c *contract) request(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	path := strings.TrimPrefix(r.URL.Path, simulator.BaseURLPath)
	item := c.doc.Paths.Value(path)
	if item == nil || item.GetOperation(r.Method) == nil {
		return nil, errors.New("no such call is described")
	}
	operation := item.GetOperation(r.Method)
	for name := range r.URL.Query() {
		if operation.Parameters.GetByInAndName("query", name) == nil {
			return nil, fmt.Errorf("the parameter %s is not described", name)
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request:     r,
		QueryParams: r.URL.Query(),
		Route:       &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: operation},
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if in.RequestValidationInput.Request.Header.Get("Authorization") != "Bearer "+testToken {
					return errors.New("no token")
				}
				return nil
			},
		},
	}
	c.mu.Lock()
	c.called[operation.OperationID] = true
	c.mu.Unlock()
	if operation.Security != nil && r.Header.Get("Authorization") != "" {
		return nil, errors.New("the token is sent where none is asked for")
	}
	return input, openapi3filter.ValidateRequest(r.Context(), input)
}

func (c *contract) answer(ctx context.Context, input *openapi3filter.RequestValidationInput, w *httptest.ResponseRecorder) error {
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 w.Code,
		Header:                 w.Header(),
		Body:                   io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options:                input.Options,
	})
}

// season is every call about everybody, by the client, on a platform that behaves in the given way.
func (c *contract) season(t *testing.T, sim *simulator.Simulator) {
	t.Helper()
	server := httptest.NewServer(c)
	defer server.Close()
	client := clientOf(t, hurried(metactf.Config{BaseURL: server.URL + simulator.BaseURLPath}), io.Discard)
	ctx := t.Context()
	_, _ = client.Status(ctx)
	_ = client.CheckToken(ctx)
	_, _ = client.TeamAssignments(ctx, "")
	for _, id := range append(platformIDs(t, sim), "nobody") {
		_, _ = client.User(ctx, id)
		_, _ = client.ODLScores(ctx, id, time.Time{})
		_, _ = client.ODLScores(ctx, id, seasonStart.AddDate(0, 0, -14))
		_, _ = client.FlashProgress(ctx, id)
	}
	u, n := newUser(), newTeam()
	u.CoachID, n.CoachID = sim.CoachIDs()[0], sim.CoachIDs()[0]
	u.Username, u.SchoolID, u.RegionID = "ada", "oak", "north"
	_, _ = client.CreateUser(ctx, u)
	_, _ = client.CreateUser(ctx, metactf.NewUser{ID: "co-9", FirstName: "B", LastName: "C", Email: "b@oak.example", Role: metactf.RoleCoach})
	for _, division := range domain.Divisions {
		n.Division = division
		_, _ = client.CreateTeam(ctx, n) // all but the first exist already
	}
	_, _ = client.AssignTeam(ctx, n.ID, u.ID)
	_, _ = client.TeamAssignments(ctx, n.ID)
	_ = client.DeleteTeam(ctx, n.ID) // not empty
	_, _ = client.DeleteAssignment(ctx, u.ID)
	_, _ = client.DeleteAssignment(ctx, u.ID) // not there any more
	_ = client.DeleteTeam(ctx, n.ID)
}

func TestClientAndSimulatorKeepToTheDescription(t *testing.T) {
	for name, b := range map[string]simulator.Behaviour{
		"usual": {},
		"every other way": {
			AfterExclusive: true, TotalsFiltered: true, OmitUserID: true, BlockedStatus: 403, BlockedUsers: true, FlashEmptyList: true,
			UserStatus: 200, AgainStatus: 200, ConflictStatus: 400, ApprovedAfter: time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sim, _ := newPlatform(t, simulator.Options{Seed: 2, Competitors: 120, Token: testToken, Behaviour: b})
			c := newContract(t, sim)
			c.season(t, sim)
			for _, err := range c.requests {
				t.Errorf("the client: %v", err)
			}
			for _, err := range c.answers {
				if !strings.Contains(err.Error(), "unexpected EOF") { // the accounts whose answers are cut off
					t.Errorf("the simulator: %v", err)
				}
			}
			if len(c.called) != 10 {
				t.Errorf("%d operations were called, want all 10: %v", len(c.called), c.called)
			}
		})
	}
}

// Faults that the platform was seen with are in the description; those that no description would allow are not, which
// shows that the test above can fail.
func TestFaultsThatTheDescriptionAllows(t *testing.T) {
	never := []simulator.Fault{simulator.HTMLGood, simulator.Truncated, simulator.WrongTypes}
	for _, name := range simulator.KnownFaults() {
		fault := simulator.Fault(name)
		if fault == simulator.Hang || fault == simulator.Reset { // there is no answer to look at
			continue
		}
		t.Run(name, func(t *testing.T) {
			sim, _ := newPlatform(t, simulator.Options{
				Seed: 2, Competitors: 5, Token: testToken, Flawless: true,
				Faults: simulator.Faults{Rules: []simulator.FaultRule{{Fault: fault, Amount: amountOf(fault)}}},
			})
			c := newContract(t, sim)
			c.season(t, sim)
			if broken := len(c.answers) > 0; broken != slices.Contains(never, fault) || len(c.requests) > 0 {
				t.Errorf("requests %v, answers %v", c.requests, c.answers)
			}
		})
	}
}

// amountOf keeps the test short.
func amountOf(fault simulator.Fault) time.Duration {
	if fault == simulator.Latency {
		return time.Millisecond
	}
	return 0
}

func TestTheContractRefuses(t *testing.T) {
	c := newContract(t, http.NotFoundHandler())
	for _, tc := range []struct{ method, target, body, want string }{
		{"GET", "/nowhere", "", "no such call"},
		{"DELETE", "/users", "", "no such call"},
		{"GET", "/users?syned_user_id=a&verbose=1", "", "verbose"},
		{"GET", "/users", "", "syned_user_id"},
		{"GET", "/scores/get_odl_scores?syned_user_id=a&after_time_unix=soon", "", "after_time_unix"},
		{"POST", "/teams/delete", `{}`, "syned_team_id"},
		{"POST", "/teams/delete", `{"syned_team_id":""}`, "minimum"},
		{"POST", "/teams/delete", `{"syned_team_id":"a","force":true}`, "force"},
		{"POST", "/users", `{"syned_user_id":"a","first_name":"b","last_name":"c","email":"d@e.example","role":"admin"}`, "role"},
		{"GET", "/", "", "where none is asked for"},
	} {
		r := httptest.NewRequest(tc.method, simulator.BaseURLPath+tc.target, strings.NewReader(tc.body))
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Content-Type", "application/json")
		if _, err := c.request(r); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s %s: got %v, want %q", tc.method, tc.target, tc.body, err, tc.want)
		}
	}
}
