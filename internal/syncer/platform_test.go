package syncer

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// wireSolve is a solve as the platform sends it; points is any, so that a test can send what it likes.
type wireSolve struct {
	SolveID   int64    `json:"challenge_solve_id"`
	Challenge int64    `json:"challenge_id"`
	Title     string   `json:"challenge_title"`
	Points    any      `json:"challenge_points"`
	Category  string   `json:"challenge_category"`
	At        int64    `json:"timestamp_unix"`
	Retired   bool     `json:"challenge_retired"`
	Roles     []string `json:"nist_nice_work_roles"`
}

type wireEvent struct {
	Name   string      `json:"flash_ctf_name"`
	Start  int64       `json:"flash_ctf_time_start_unix"`
	Solved int         `json:"challenges_solved"`
	Solves []wireSolve `json:"challenge_solves"`
	Points int         `json:"points_earned"`
	Max    int         `json:"max_points_possible"`
	Rank   int         `json:"rank"`
}

// account is one user of the test's platform.
type account struct {
	status domain.PlatformStatus
	odl    []wireSolve
	flash  []wireEvent
	// spoil answers in the place of the platform where it returns true; path is like "/scores/get_odl_scores".
	spoil func(w http.ResponseWriter, path string) bool
}

// platform is a game platform whose every answer the test decides. It refuses what is not a GET, so that a write call
// cannot pass unseen.
type platform struct {
	mu       sync.Mutex
	accounts map[string]*account
	calls    []string // method, path and query, in the order they came
	server   *httptest.Server
}

const apiBase = "/integrations/syned/v1"

func newPlatform(t *testing.T) *platform {
	p := &platform{accounts: map[string]*account{}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, apiBase)
	p.calls = append(p.calls, r.Method+" "+path+"?"+r.URL.RawQuery)
	id := r.URL.Query().Get("syned_user_id")
	a := p.accounts[id]
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, `{"detail":"no writing"}`, http.StatusMethodNotAllowed)
	case a != nil && a.spoil != nil && a.spoil(w, path):
	case a == nil, path != "/users" && a.status != domain.PlatformApproved:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail":"User not found or not approved"}`))
	case path == "/users":
		w.WriteHeader(http.StatusCreated)
		answer(w, map[string]any{"metactf_user_id": 7, "metactf_username": "u-" + id, "syned_user_id": id, "metactf_user_status": a.status})
	case path == "/scores/get_odl_scores":
		p.odl(w, r, id, a)
	case path == "/scores/get_flash_ctf_progress" && len(a.flash) == 0:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail":"No flash CTF progress"}`))
	case path == "/scores/get_flash_ctf_progress":
		answer(w, map[string]any{"syned_user_id": id, "flash_ctfs": a.flash})
	default:
		http.NotFound(w, r)
	}
}

func (p *platform) odl(w http.ResponseWriter, r *http.Request, id string, a *account) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after_time_unix"), 10, 64)
	solves := []wireSolve{}
	points := 0
	for _, s := range a.odl {
		if n, ok := s.Points.(int); ok {
			points += n
		}
		if s.At >= after {
			solves = append(solves, s)
		}
	}
	answer(w, map[string]any{
		"syned_user_id": id, "metactf_user_id": 7, "total_challenges_solved": len(a.odl), "total_points": points,
		"last_accessed_unix_timestamp": nil, "category_points": map[string]int{}, "challenge_solves": solves,
	})
}

func answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// asked lists the calls since it was last asked.
func (p *platform) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

// change alters the platform between two syncs.
func (p *platform) change(fn func(map[string]*account)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(p.accounts)
}

// solve is a solve n of 100 points, made ago before the tests' start.
func solve(n int64, ago time.Duration) wireSolve {
	return wireSolve{SolveID: n, Challenge: 100 + n, Title: "Challenge " + strconv.FormatInt(n, 10), Points: 100, Category: "web",
		At: storetest.Start.Add(-ago).Unix(), Roles: []string{"DD-WRL-003"}}
}

func approved(odl ...wireSolve) *account { return &account{status: domain.PlatformApproved, odl: odl} }

// bench is a store with a roster, a platform and a syncer between them.
type bench struct {
	t        *testing.T
	store    *store.Store
	clock    *storetest.Clock
	platform *platform
	syncer   *Syncer
}

// newBench has one coach with a competitor for each id, whose competitor id is "C-" and the id.
func newBench(t *testing.T, s *store.Store, clock *storetest.Clock, ids ...string) *bench {
	t.Helper()
	b := &bench{t: t, store: s, clock: clock, platform: newPlatform(t)}
	client, err := metactf.New(metactf.Config{
		BaseURL: b.platform.server.URL + apiBase, Tokens: []metactf.Token{{Name: "token", Value: "test-token"}}, RateLimit: 10_000, Timeout: 5 * time.Second,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.syncer = New(s.System(), client, Settings{
		Concurrency: 4, RateLimit: 10_000, Overlap: 48 * time.Hour, Every: 30 * time.Minute, AtMost: 8 * time.Hour, Zone: time.UTC,
	}, clock.Now, slog.New(slog.DiscardHandler))
	b.enrol(ids...)
	return b
}

func (b *bench) enrol(ids ...string) {
	b.t.Helper()
	var rows []roster.Row
	for i, id := range ids {
		rows = append(rows, roster.Row{
			Line: i + 2, CoachEmail: "mara.lind@oak.example", CoachName: "Mara Lind", FirstName: "Player", LastName: id,
			Email: id + "@oak.example", Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-" + id, GamePlatformID: id,
		})
	}
	_, bad, err := b.store.System().ImportRoster(b.t.Context(), rows, false)
	if err != nil || len(bad) > 0 {
		b.t.Fatalf("import: %v %v", err, bad)
	}
	storetest.EnrolAll(b.t, b.store)
}

// run syncs everybody and wants no error.
func (b *bench) run(req store.RunRequest) Report {
	b.t.Helper()
	report, err := b.syncer.Do(b.t.Context(), req)
	if err != nil {
		b.t.Fatalf("run: %v", err)
	}
	return report
}

// row is a competitor as an admin sees it.
func (b *bench) row(id string) store.CompetitorDetail {
	b.t.Helper()
	d, err := b.store.For(domain.Viewer{UserID: "u", Role: domain.RoleAdmin}).Competitor(b.t.Context(), "C-"+id, storetest.Start.AddDate(-1, 0, 0), time.UTC)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// target is what the next sync of a competitor starts from.
func (b *bench) target(id string) store.Target {
	b.t.Helper()
	list, err := b.store.System().Targets(b.t.Context(), store.Selection{CompetitorID: "C-" + id}, "", 10)
	if err != nil || len(list) != 1 {
		b.t.Fatalf("targets: %v %v", list, err)
	}
	return list[0]
}
