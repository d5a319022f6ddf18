package metactf_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
)

// disclosures is a log of what is sent; refuse is its error.
type disclosures struct {
	mu       sync.Mutex
	list     []domain.Disclosure
	answered map[int64]int
	refuse   error
}

func (d *disclosures) Sending(_ context.Context, one domain.Disclosure) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, one)
	return int64(len(d.list)), d.refuse
}

func (d *disclosures) Answered(ctx context.Context, id int64, status int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answered == nil {
		d.answered = map[int64]int{}
	}
	d.answered[id] = status
	return nil
}

func TestWhatIsSentIsLoggedBeforeItLeavesByTheVeryBytes(t *testing.T) {
	log := &disclosures{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		log.mu.Lock()
		last := log.list[len(log.list)-1]
		log.mu.Unlock()
		if string(last.Fields) != string(body) || last.Endpoint != r.Method+" "+r.URL.Path {
			t.Errorf("%s sent %s, logged %s %s", r.URL.Path, body, last.Endpoint, last.Fields)
		}
		answering(418, `{"detail":"no"}`)(w, r)
	}))
	defer server.Close()
	c := clientOf(t, metactf.Config{BaseURL: server.URL, Log: log}, io.Discard)
	for name, call := range writes(t, c) {
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if len(log.list) != 5 {
		t.Fatalf("%d logged", len(log.list))
	}
	about := map[string]string{}
	for i, d := range log.list {
		about[d.Endpoint] = d.UserID
		if log.answered[int64(i+1)] != 418 {
			t.Errorf("%s was answered %d", d.Endpoint, log.answered[int64(i+1)])
		}
	}
	equal(t, map[string]string{"POST /users": testUser, "POST /teams": "", "POST /teams/delete": "", "POST /users/assign_team": testUser, "POST /users/delete_assignment": testUser}, about)
}

func TestNothingIsSentThatIsNotLogged(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a write call left") }))
	defer server.Close()
	broken := errors.New("disk full")
	refusing := clientOf(t, metactf.Config{BaseURL: server.URL, Log: &disclosures{refuse: broken}}, io.Discard)
	for name, call := range writes(t, refusing) {
		if err := call(); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	without, err := metactf.New(metactf.Config{BaseURL: server.URL, Tokens: []metactf.Token{{Name: "token", Value: testToken}}, RateLimit: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range writes(t, without) {
		if err := call(); !errors.Is(err, metactf.ErrNoLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLogSaysWhenNothingLeftAfterAll(t *testing.T) {
	log := &disclosures{}
	c := clientOf(t, metactf.Config{BaseURL: "http://127.0.0.1:1", Log: log}, io.Discard)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.CreateUser(ended, newUser()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(log.list) != 1 || log.answered[1] != domain.NotSent {
		t.Errorf("logged %v, answered %v", log.list, log.answered)
	}
}
