// Package simulator is a runnable fake of the game platform: an http.Handler that answers as the real one is known
// to, from a synthetic season or from solves that are replayed, and that grows while it runs. The same options give
// the same answers, byte for byte, at the same time of its clock. It imports the standard library and domain; never
// the client it is there to test, nor anything of the portal.
package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"flagpole/internal/domain"
)

// BaseURLPath is where the API is mounted, as on the real platform.
const BaseURLPath = "/integrations/syned/v1"

// Options say which platform is simulated.
type Options struct {
	Seed        int64
	Competitors int           // on the roster; 0: 480
	Coaches     int           // 0: one per 20 competitors
	Teams       int           // 0: one per 8 competitors
	Token       string        // the bearer token it takes; needed
	Start       time.Time     // the season's history lies before it; zero: now
	LiveEvery   time.Duration // somebody solves something this often after Start; 0: nobody does
	Latency     time.Duration // before every answer
	Clock       domain.Clock  // nil: time.Now
	Flawless    bool          // everybody is on the platform, approved and answered for: no fault is built in
}

// Simulator is the fake platform. It may be used by many goroutines.
type Simulator struct {
	token    string
	latency  time.Duration
	clock    domain.Clock
	accounts []*account // in the order of the roster
	byID     map[string]*account
	events   []*event

	mu   sync.Mutex // guards live, and the ODL solves it appends to the accounts
	live *liveSolves
}

// New makes a platform with a synthetic season.
func New(o Options) (*Simulator, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return newSimulator(o, newSeason(o)), nil
}

// complete fills in what was left open.
func (o Options) complete() (Options, error) {
	if o.Token == "" {
		return o, errors.New("simulator: a token is needed")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Start.IsZero() {
		o.Start = o.Clock()
	}
	o.Start = o.Start.UTC().Truncate(time.Second)
	if o.Competitors == 0 {
		o.Competitors = usualCompetitors
	}
	if o.Coaches == 0 {
		o.Coaches = (o.Competitors + 19) / 20
	}
	if o.Teams == 0 {
		o.Teams = (o.Competitors + 7) / 8
	}
	if o.Coaches < 0 || o.Teams < 0 || o.Competitors < max(o.Coaches, o.Teams) {
		return o, errors.New("simulator: there must be at least as many competitors as coaches and as teams")
	}
	if o.LiveEvery < 0 || o.Latency < 0 {
		return o, errors.New("simulator: a duration must not be negative")
	}
	return o, nil
}

func newSimulator(o Options, w world) *Simulator {
	s := &Simulator{
		token: o.Token, latency: o.Latency, clock: o.Clock,
		accounts: w.accounts, events: w.events, live: w.live, byID: map[string]*account{},
	}
	for _, a := range w.accounts {
		if a.state != offPlatform {
			s.byID[a.platformID] = a
		}
	}
	for _, e := range w.events {
		e.settle()
	}
	return s
}

// now is the platform's time, in the whole seconds it reports.
func (s *Simulator) now() time.Time { return s.clock().UTC().Truncate(time.Second) }

// ServeHTTP answers one call. Each passes through here and is a reply before anything is written: this is the place
// to delay, replace or spoil one.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !pause(r.Context(), s.latency) {
		return // the caller has gone
	}
	now := s.now()
	s.answer(r, now).write(w, now)
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer finds the call and checks it in the order the real platform does: path, method, token, parameters.
func (s *Simulator) answer(r *http.Request, now time.Time) reply {
	call, public := s.route(r.URL.Path)
	switch {
	case call == nil:
		return refuse(http.StatusNotFound, "Not Found")
	case r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
	case !public && r.Header.Get("Authorization") != "Bearer "+s.token:
		return refuse(http.StatusUnauthorized, "Invalid authentication credentials")
	}
	return call(r.URL.Query(), now)
}

// route is the call at path, nil where there is none, and whether it needs no token.
func (s *Simulator) route(path string) (call func(url.Values, time.Time) reply, public bool) {
	below, ok := strings.CutPrefix(path, BaseURLPath)
	if !ok {
		return nil, false
	}
	switch below {
	case "", "/":
		return s.index, true
	case "/users":
		return s.user, false
	case "/users/get_team_assignments":
		return s.teamAssignments, false
	case "/scores/get_odl_scores":
		return s.odlScores, false
	case "/scores/get_flash_ctf_progress":
		return s.flashProgress, false
	}
	return nil, false
}

// reply is an answer before it is sent.
type reply struct {
	status int
	html   bool // the body is a web page, not JSON
	body   []byte
}

// answerWith is a reply of the API itself.
func answerWith(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic("simulator: " + err.Error()) // all that is encoded here are plain structs
	}
	return reply{status: status, body: body}
}

// refuse is a reply with a text as detail: all errors but 422.
func refuse(status int, detail string) reply {
	return answerWith(status, map[string]string{"detail": detail})
}

func (a reply) write(w http.ResponseWriter, now time.Time) {
	h := w.Header()
	h.Set("Date", now.Format(http.TimeFormat)) // the simulated clock, which the client compares with its own
	h.Set("Content-Type", "application/json")
	if a.html {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	if a.status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodGet)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that has gone needs no answer
}
