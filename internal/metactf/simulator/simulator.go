// Package simulator is a runnable fake of the game platform: an http.Handler that answers as the real one is known
// to, from a synthetic season or from solves that are replayed, and that grows while it runs. The same options give
// the same answers, byte for byte, at the same time of its clock. It imports the standard library and domain; never
// the client it is there to test, nor anything of the portal.
package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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
	Behaviour   Behaviour     // what is unknown of the real platform
	Faults      Faults        // what goes wrong from the start; SetFaults changes it
	Flawless    bool          // everybody is on the platform, approved and answered for: no fault is built in
}

// Simulator is the fake platform. It may be used by many goroutines.
type Simulator struct {
	token     string
	latency   time.Duration
	clock     domain.Clock
	behaviour Behaviour
	accounts  []*account // in the order of the roster
	events    []*event
	registry  *registry
	routes    map[string]map[string]callFunc
	faulty    faulty
	orders    orders

	mu   sync.Mutex // guards live, and the ODL solves it appends to the accounts
	live *liveSolves
}

// New makes a platform with a synthetic season.
func New(o Options) (*Simulator, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return newSimulator(o, newSeason(o))
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
	return o, o.Behaviour.check()
}

func newSimulator(o Options, w world) (*Simulator, error) {
	s := &Simulator{
		token: o.Token, latency: o.Latency, clock: o.Clock, behaviour: o.Behaviour,
		accounts: w.accounts, events: w.events, live: w.live, registry: newRegistry(w),
	}
	s.routes = s.calls()
	for _, e := range w.events {
		e.settle()
	}
	return s, s.SetFaults(o.Faults)
}

// now is the platform's time, in the whole seconds it reports.
func (s *Simulator) now() time.Time { return s.clock().UTC().Truncate(time.Second) }

// ServeHTTP answers one call, with the faults that are set for it. A reset panics with http.ErrAbortHandler, as net/http
// wants it.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
	if err != nil {
		refuse(http.StatusBadRequest, "There was an error parsing the body").write(w, s.now())
		return
	}
	faults, over := s.faulty.of(r.Method, strings.TrimPrefix(r.URL.Path, BaseURLPath), aboutWhom(r, body))
	wait, hangs := s.latency, false
	for _, f := range faults {
		switch f.Fault {
		case Latency:
			wait += f.amount()
		case Hang:
			hangs = true
		}
	}
	if !pause(r.Context(), wait) {
		return // the caller has gone
	}
	now := s.now()
	reply := s.answerWithFaults(r, body, faults, now)
	if hangs {
		select {
		case <-over:
		case <-r.Context().Done():
			return
		}
	}
	reply.write(w, now)
}

const maxOrder = 1 << 20 // of a body that is read

// aboutWhom is the user whom a call names, by whichever way; empty: nobody.
func aboutWhom(r *http.Request, body []byte) string {
	if r.Method == http.MethodGet {
		return r.URL.Query().Get("syned_user_id")
	}
	var order struct {
		ID string `json:"syned_user_id"`
	}
	_ = json.Unmarshal(body, &order) // what cannot be read names nobody
	return order.ID
}

// answerWithFaults is the first fault's reply that takes the platform's place, or else the platform's with every fault
// that spoils it.
func (s *Simulator) answerWithFaults(r *http.Request, body []byte, faults []FaultRule, now time.Time) reply {
	for _, f := range faults {
		if reply, ok := f.instead(now); ok {
			return reply
		}
	}
	reply := s.answer(r, body, now)
	for _, f := range faults {
		reply = s.spoil(reply, f, now)
	}
	return reply
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
func (s *Simulator) answer(r *http.Request, body []byte, now time.Time) reply {
	methods := s.route(r.URL.Path)
	call := methods[r.Method]
	switch {
	case methods == nil:
		return refuse(http.StatusNotFound, "Not Found")
	case call == nil:
		refusal := refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
		refusal.header = http.Header{"Allow": {strings.Join(slices.Sorted(maps.Keys(methods)), ", ")}}
		return refusal
	case r.URL.Path != BaseURLPath && r.URL.Path != BaseURLPath+"/" && r.Header.Get("Authorization") != "Bearer "+s.token:
		return refuse(http.StatusUnauthorized, "Invalid authentication credentials")
	}
	reply := call(r.URL.Query(), body, now)
	if r.Method == http.MethodPost {
		s.orders.note(Order{r.Method + " " + strings.TrimPrefix(r.URL.Path, BaseURLPath), string(body), reply.status})
	}
	return reply
}

// callFunc answers one call.
type callFunc func(q url.Values, body []byte, now time.Time) reply

func asking(answer func(url.Values, time.Time) reply) callFunc {
	return func(q url.Values, _ []byte, now time.Time) reply { return answer(q, now) }
}

func ordering(answer func([]byte, time.Time) reply) callFunc {
	return func(_ url.Values, body []byte, now time.Time) reply { return answer(body, now) }
}

// calls are all calls, by path below the base URL and method.
func (s *Simulator) calls() map[string]map[string]callFunc {
	return map[string]map[string]callFunc{
		"/":      {http.MethodGet: asking(s.index)},
		"/users": {http.MethodGet: asking(s.user), http.MethodPost: ordering(s.createUser)},
		"/teams": {http.MethodPost: ordering(s.createTeam)},

		"/teams/delete":                  {http.MethodPost: ordering(s.deleteTeam)},
		"/users/assign_team":             {http.MethodPost: ordering(s.assignTeam)},
		"/users/delete_assignment":       {http.MethodPost: ordering(s.deleteAssignment)},
		"/users/get_team_assignments":    {http.MethodGet: asking(s.teamAssignments)},
		"/scores/get_odl_scores":         {http.MethodGet: asking(s.odlScores)},
		"/scores/get_flash_ctf_progress": {http.MethodGet: asking(s.flashProgress)},
	}
}

// route is the calls at path by their method, nil where there is none.
func (s *Simulator) route(path string) map[string]callFunc {
	below, ok := strings.CutPrefix(path, BaseURLPath)
	if !ok {
		return nil
	}
	return s.routes[cmp.Or(below, "/")]
}

// reply is an answer before it is sent.
type reply struct {
	status int
	html   bool // the body is a web page, not JSON
	body   []byte
	header http.Header   // beside the usual ones
	skew   time.Duration // of the Date header
	cut    bool          // the connection breaks in the middle of the body
}

func webPage(status int, body string) reply {
	return reply{status: status, html: true, body: []byte(body)}
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
	maps.Copy(h, a.header)
	h.Set("Date", now.Add(a.skew).Format(http.TimeFormat)) // the simulated clock, which the client compares with its own
	h.Set("Content-Type", "application/json")
	if a.html {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	if !a.cut {
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // a caller that has gone needs no answer
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // how net/http is told to break the connection
}
