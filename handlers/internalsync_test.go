package handlers_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/handlers"
	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/static"
	"flagpole/store"
	"flagpole/store/storetest"
)

const syncSecret = "a-secret-of-more-than-32-characters"

// queue takes requests as the portal's own does, on the real store.
type queue struct{ *store.System }

func (q queue) Request(ctx context.Context, selection store.Selection) (string, error) {
	if err := q.CheckSelection(ctx, selection); err != nil {
		return "", err
	}
	return q.QueueRun(ctx, store.RunRequest{Selection: selection, By: "api"})
}

// api is a portal with the internal API, with one coach and one competitor.
type api struct {
	url   string
	store *store.Store
}

func newAPI(t *testing.T, s *store.Store, clock *storetest.Clock, secret string, enabled bool) api {
	t.Helper()
	_, bad, err := s.System().ImportRoster(t.Context(), []roster.Row{{
		Line: 2, CoachID: "coach-1", CoachEmail: "mara.lind@oak.example", CoachName: "Mara Lind", FirstName: "Ivo", LastName: "Berg",
		Email: "ivo@oak.example", Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-1", GamePlatformID: "syn-1",
	}}, false)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handlers.New(s, auth.New(s.Accounts(), false, clock.Now), files, handlers.Options{
		PublicURL: "http://portal.example", Zone: time.UTC, SyncEnabled: enabled, SyncSecret: secret, Requests: queue{s.System()},
	}, clock.Now, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return api{server.URL, s}
}

// call sends body with the secret and gives status and answer.
func (a api) call(t *testing.T, method, path, secret, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	// A program sends no token and comes from nowhere: neither may matter.
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if secret != "" {
		req.Header.Set("X-Internal-Sync-Secret", secret)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if len(resp.Cookies()) > 0 {
		t.Errorf("the internal API sets cookies: %v", resp.Cookies())
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return resp.StatusCode, answer
}

const syncPath = "/api/internal/sync"

func TestInternalSyncQueuesWhatIsAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := newAPI(t, s, clock, syncSecret, true)
		for body, want := range map[string]store.Selection{
			`{}`:                     {},
			`{"coachId":"coach-1"}`:  {CoachID: "coach-1"},
			`{"competitorId":"C-1"}`: {CompetitorID: "C-1"},
		} {
			status, answer := a.call(t, http.MethodPost, syncPath, syncSecret, body)
			id, _ := answer["run_id"].(string)
			if status != http.StatusAccepted || id == "" || answer["status_url"] != syncPath+"/"+id {
				t.Fatalf("%s: status %d, %v", body, status, answer)
			}
			if _, run := a.call(t, http.MethodGet, syncPath+"/"+id, syncSecret, ""); run["state"] != "queued" {
				t.Errorf("%s: the run is %v", body, run)
			}
			req, err := s.System().BeginRun(t.Context(), id)
			if err != nil || req.Selection != want || req.By != "api" {
				t.Errorf("%s: queued %+v, %v", body, req, err)
			}
			if _, run := a.call(t, http.MethodGet, syncPath+"/"+id, syncSecret, ""); run["state"] != "running" {
				t.Errorf("%s: the begun run is %v", body, run)
			}
			if err := s.System().FinishRun(t.Context(), id, domain.RunCounts{Attempted: 1, Unchanged: 1}, ""); err != nil {
				t.Fatal(err)
			}
			if _, run := a.call(t, http.MethodGet, syncPath+"/"+id, syncSecret, ""); run["state"] != "done" || run["attempted"] != 1.0 {
				t.Errorf("%s: the finished run is %v", body, run)
			}
		}
	})
}

func TestInternalSyncRefuses(t *testing.T) {
	clock := storetest.NewClock()
	s := storetest.Open(t, storetest.URL(t, "sqlite"), clock)
	a := newAPI(t, s, clock, syncSecret, true)
	for name, c := range map[string]struct {
		secret, body string
		want         int
	}{
		"no secret":             {"", `{}`, http.StatusUnauthorized},
		"a wrong secret":        {"another-secret-of-more-than-32-chars", `{}`, http.StatusUnauthorized},
		"an unknown coach":      {syncSecret, `{"coachId":"nobody"}`, http.StatusNotFound},
		"an unknown competitor": {syncSecret, `{"competitorId":"nobody"}`, http.StatusNotFound},
		"both":                  {syncSecret, `{"coachId":"coach-1","competitorId":"C-1"}`, http.StatusUnprocessableEntity},
		"an empty id":           {syncSecret, `{"coachId":""}`, http.StatusUnprocessableEntity},
		"a misspelt field":      {syncSecret, `{"coach":"coach-1"}`, http.StatusUnprocessableEntity},
		"a wrong type":          {syncSecret, `{"coachId":7}`, http.StatusUnprocessableEntity},
		"no JSON":               {syncSecret, `now please`, http.StatusUnprocessableEntity},
		"nothing":               {syncSecret, ``, http.StatusUnprocessableEntity},
		"two objects":           {syncSecret, `{} {}`, http.StatusUnprocessableEntity},
		"a body without end":    {syncSecret, strings.Repeat(" ", 70<<10) + `{}`, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := a.call(t, http.MethodPost, syncPath, c.secret, c.body)
			if said, _ := answer["error"].(string); status != c.want || said == "" || strings.Contains(said, syncSecret) {
				t.Errorf("status %d, %v; want %d and a reason", status, answer, c.want)
			}
		})
	}
	if status, _ := a.call(t, http.MethodGet, syncPath+"/no-such-run", syncSecret, ""); status != http.StatusNotFound {
		t.Errorf("a run that does not exist: status %d", status)
	}
	if id, err := s.System().NextQueued(t.Context()); err != nil || id != "" {
		t.Errorf("something was queued: %q, %v", id, err)
	}
}

func TestInternalSyncSaysThatThePortalFailed(t *testing.T) {
	clock := storetest.NewClock()
	s := storetest.Open(t, storetest.URL(t, "sqlite"), clock)
	a := newAPI(t, s, clock, syncSecret, true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for method, path := range map[string]string{http.MethodPost: syncPath, http.MethodGet: syncPath + "/some-run"} {
		status, answer := a.call(t, method, path, syncSecret, `{}`)
		if said, _ := answer["error"].(string); status != http.StatusInternalServerError || !strings.Contains(said, "It is our fault") || strings.Contains(said, "database") {
			t.Errorf("%s: status %d, %v", method, status, answer)
		}
	}
}

func TestInternalSyncIsNotThereWithoutASecretAndRefusesWhileSwitchedOff(t *testing.T) {
	clock := storetest.NewClock()
	s := storetest.Open(t, storetest.URL(t, "sqlite"), clock)
	if status, _ := newAPI(t, s, clock, "", true).call(t, http.MethodPost, syncPath, syncSecret, `{}`); status != http.StatusNotFound {
		t.Errorf("without a secret: status %d, want 404", status)
	}
	if status, _ := newAPI(t, s, clock, syncSecret, false).call(t, http.MethodPost, syncPath, syncSecret, `{}`); status != http.StatusConflict {
		t.Errorf("switched off: status %d, want 409", status)
	}
}
