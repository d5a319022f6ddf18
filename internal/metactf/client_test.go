package metactf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/metactf"
)

const (
	testToken = "tok-4f1b-secret"
	testUser  = "syn-0badcafe"
)

// The tests talk to servers of their own, whatever proxy the environment names.
func TestMain(m *testing.M) {
	_ = os.Setenv("NO_PROXY", "*")
	os.Exit(m.Run())
}

// newClient is a client of a server that answers with h, as fast as it likes.
func newClient(t *testing.T, h http.HandlerFunc) *metactf.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return clientOf(t, metactf.Config{BaseURL: server.URL, Timeout: 10 * time.Second}, io.Discard)
}

// clientOf fills in what cfg leaves open and logs to w.
func clientOf(t *testing.T, cfg metactf.Config, w io.Writer) *metactf.Client {
	t.Helper()
	cfg.Tokens = []metactf.Token{{Name: "token", Value: testToken}}
	if cfg.Log == nil {
		cfg.Log = &disclosures{}
	}
	if cfg.RateLimit == 0 {
		cfg.RateLimit = 1e6
	}
	c, err := metactf.New(cfg, slog.New(slog.NewTextHandler(w, nil)))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// hurried gives cfg a clock that jumps whenever something is waited for.
func hurried(cfg metactf.Config) metactf.Config {
	var mu sync.Mutex
	now := time.Now()
	cfg.Clock = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	cfg.After = func(d time.Duration) <-chan time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		over := make(chan time.Time, 1)
		over <- now
		return over
	}
	return cfg
}

// answering is a handler that always answers the same.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	const good = "https://platform.example/integrations/syned/v1"
	for _, tc := range []struct {
		name, base, token string
		limit             float64
		want              string // part of the error; empty: none
	}{
		{"https", good, testToken, 5, ""},
		{"https with a slash at the end", good + "/", testToken, 5, ""},
		{"http to localhost", "http://localhost:8090/v1", testToken, 5, ""},
		{"http to 127.0.0.1", "http://127.0.0.1:8090", testToken, 5, ""},
		{"http to another loopback address", "http://127.9.9.9", testToken, 5, ""},
		{"http to ::1", "http://[::1]:8090", testToken, 5, ""},
		{"http elsewhere", "http://platform.example/v1", testToken, 5, "https"},
		{"http to a name that begins like localhost", "http://localhost.platform.example", testToken, 5, "https"},
		{"http to a private address", "http://192.168.0.9", testToken, 5, "https"},
		{"no address", "", testToken, 5, "https"},
		{"no scheme", "platform.example/v1", testToken, 5, "https"},
		{"another scheme", "ftp://platform.example", testToken, 5, "https"},
		{"no host", "https:///v1", testToken, 5, "host"},
		{"a port is no host", "https://:443/v1", testToken, 5, "host"},
		{"unparsable", "https://platform.example/%zz", testToken, 5, "parsed"},
		{"unparsable with the token in it", "https://" + testToken + "@\x7f", testToken, 5, "parsed"},
		{"user info", "https://" + testToken + "@platform.example", testToken, 5, "user"},
		{"a query", good + "?token=" + testToken, testToken, 5, "query"},
		{"a fragment", good + "#x", testToken, 5, "fragment"},
		{"no token", good, "", 5, "empty"},
		{"blank token", good, " \t", 5, "empty"},
		{"token with its line break", good, testToken + "\n", 5, "white space"},
		{"token with a space", good, testToken + " x", 5, "white space"},
		{"token that is not ASCII", good, testToken + "é", 5, "ASCII"},
		{"no rate", good, testToken, 0, "rate"},
		{"negative rate", good, testToken, -1, "rate"},
		{"rate that is no number", good, testToken, math.NaN(), "rate"},
		{"endless rate", good, testToken, math.Inf(1), "rate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := metactf.New(metactf.Config{BaseURL: tc.base, Tokens: []metactf.Token{{Name: "token", Value: tc.token}}, RateLimit: tc.limit}, slog.Default())
			switch {
			case tc.want == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case tc.want != "" && err == nil:
				t.Fatal("accepted")
			case tc.want == "":
				return
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), testToken) {
				t.Errorf("error %q: want it to say %q and never the token", err, tc.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL + "/v1/", UserAgent: "flagpole/test"}, io.Discard)
	_, _ = c.User(t.Context(), "a b&c=d")
	for header, want := range map[string]string{
		"Authorization": "Bearer " + testToken,
		"Accept":        "application/json",
		"User-Agent":    "flagpole/test",
	} {
		if v := got.Header.Get(header); v != want {
			t.Errorf("%s: got %q, want %q", header, v, want)
		}
	}
	if got.Method != http.MethodGet || got.URL.Path != "/v1/users" || got.URL.Query().Get("syned_user_id") != "a b&c=d" {
		t.Errorf("got %s %s", got.Method, got.URL)
	}
}

func TestCallsCountsWhatWasSent(t *testing.T) {
	c := newClient(t, answering(http.StatusInternalServerError, ""))
	_, _ = c.Status(t.Context())
	_, _ = c.User(t.Context(), testUser)
	_, _ = c.User(t.Context(), "") // nobody to ask about: not sent
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = c.User(ended, testUser) // never got past the limiter
	if got := c.Calls(); got != 2 {
		t.Errorf("Calls() = %d, want 2", got)
	}
}

// Every kind of call draws from the one limiter. The gaps may only be too long, never too short, however busy the
// machine: so only the lower bound is tested.
func TestLimiterSpacesAllCalls(t *testing.T) {
	const perSecond, calls = 50, 10
	var mu sync.Mutex
	var sent []time.Time
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, time.Now())
	}))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL, RateLimit: perSecond}, io.Discard)

	began := time.Now()
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			switch i % 4 {
			case 0:
				_, _ = c.Status(t.Context())
			case 1:
				_ = c.CheckToken(t.Context())
			case 2:
				_, _ = c.ODLScores(t.Context(), testUser, time.Time{})
			case 3:
				_, _ = c.FlashProgress(t.Context(), testUser)
			}
		})
	}
	group.Wait()
	slices.SortFunc(sent, time.Time.Compare)
	for i, at := range sent {
		// The i-th call (from 0) may not arrive before i gaps have passed; 1 ms is for rounding.
		if earliest := time.Duration(i)*time.Second/perSecond - time.Millisecond; at.Sub(began) < earliest {
			t.Errorf("call %d arrived after %v, want at least %v", i, at.Sub(began), earliest)
		}
	}
	if len(sent) != calls {
		t.Errorf("%d calls arrived, want %d", len(sent), calls)
	}
}

func TestWaitingForTheLimiterEndsWithTheContext(t *testing.T) {
	server := httptest.NewServer(answering(http.StatusOK, "{}"))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL, RateLimit: 1e-3}, io.Discard)
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatalf("the first call: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Status(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's own error", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Status(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's own error", err)
	}
	if c.Calls() != 1 {
		t.Errorf("%d calls were sent, want 1", c.Calls())
	}
}

func TestStatus(t *testing.T) {
	at := time.Date(2026, 3, 4, 15, 16, 17, 0, time.UTC)
	var authorization []string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		authorization = append(authorization, r.Header.Get("Authorization"))
		w.Header().Set("Date", at.Format(http.TimeFormat))
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	})
	got, err := c.Status(t.Context())
	if err != nil || !got.ServerTime.Equal(at) || got.Took <= 0 {
		t.Errorf("got %+v, %v, want the server's time and how long it took", got, err)
	}
	if !slices.Equal(authorization, []string{""}) {
		t.Error("the token was sent to the index, which does not ask for one")
	}
}

func TestStatusWithoutADate(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil })
	if got, err := c.Status(t.Context()); err != nil || !got.ServerTime.IsZero() {
		t.Errorf("got %+v, %v, want a zero time", got, err)
	}
}

func TestFieldsThatDifferAreCountedAndLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	server := httptest.NewServer(answering(http.StatusOK, `{"syned_user_id":"`+testUser+`","streak":3,"flash_ctfs":[
		{"flash_ctf_name":"Packet Rush","flash_ctf_time_start_unix":1760000000,"rank":1,"badge":"owl","challenge_solves":[
			{"challenge_solve_id":1,"challenge_id":1,"challenge_points":100,"timestamp_unix":1760000100,"difficulty":"private"},
			{"challenge_solve_id":2,"challenge_id":2,"challenge_points":100,"timestamp_unix":1760000200,"difficulty":"private"}
		]}]}`))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL}, &log)
	for range 2 {
		got, err := c.FlashProgress(t.Context(), testUser)
		if err != nil || len(got.Results) != 1 || len(got.Results[0].Solves) != 2 || len(got.Malformed) != 0 {
			t.Fatalf("got %+v, %v, want everything read in spite of the fields", got, err)
		}
	}
	const call = "GET /scores/get_flash_ctf_progress: "
	want := map[metactf.Field]int64{
		{Name: call + "streak", Fault: metactf.FieldUnknown}:                                           2,
		{Name: call + "flash_ctfs.badge", Fault: metactf.FieldUnknown}:                                 2,
		{Name: call + "flash_ctfs.challenge_solves.difficulty", Fault: metactf.FieldUnknown}:           4,
		{Name: call + "flash_ctfs.challenges_solved", Fault: metactf.FieldMissing}:                     2,
		{Name: call + "flash_ctfs.points_earned", Fault: metactf.FieldMissing}:                         2,
		{Name: call + "flash_ctfs.max_points_possible", Fault: metactf.FieldMissing}:                   2,
		{Name: call + "flash_ctfs.challenge_solves.challenge_title", Fault: metactf.FieldMissing}:      4,
		{Name: call + "flash_ctfs.challenge_solves.challenge_category", Fault: metactf.FieldMissing}:   4,
		{Name: call + "flash_ctfs.challenge_solves.challenge_retired", Fault: metactf.FieldMissing}:    4,
		{Name: call + "flash_ctfs.challenge_solves.nist_nice_work_roles", Fault: metactf.FieldMissing}: 4,
	}
	equal(t, want, c.Fields())
	if n := strings.Count(log.String(), "\n"); n != len(want) {
		t.Errorf("%d lines logged, want one per field:\n%s", n, log.String())
	}
	for _, secret := range []string{"private", "owl", testUser} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}

func TestFieldsThatDifferAreBounded(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"metactf_user_status":"approved"`)
	for i := range 1000 {
		body.WriteString(`,"` + strings.Repeat("x", i+1) + `":1`)
	}
	body.WriteString("}")
	c := newClient(t, answering(http.StatusCreated, body.String()))
	if _, err := c.User(t.Context(), testUser); err != nil {
		t.Fatal(err)
	}
	got := c.Fields()
	if len(got) > 200 || len(got) < 60 {
		t.Errorf("%d fields are held", len(got))
	}
	for field := range got {
		if n := len([]rune(field.Name)); n > 100 {
			t.Errorf("a name of %d runes is held", n)
		}
	}
}
