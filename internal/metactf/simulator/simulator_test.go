package simulator_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/metactf/simulator"
)

const token = "simulated-token"

// seasonStart is a Wednesday afternoon.
var seasonStart = time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)

// hand is a clock that stands still until it is moved.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) set(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
}

// newSeason is a simulator of o with the test's token, start and a clock that stands at the start.
func newSeason(t *testing.T, o simulator.Options) (*simulator.Simulator, *hand) {
	t.Helper()
	clock := &hand{at: seasonStart}
	o.Token, o.Start, o.Clock = token, seasonStart, clock.now
	s, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, clock
}

// get asks for a path below the base URL with the right token.
func get(s http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, simulator.BaseURLPath+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// rosterOf is the roster's lines by column.
func rosterOf(t *testing.T, s *simulator.Simulator) []map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := s.WriteRoster(&out); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]string
	for _, record := range records[1:] {
		line := map[string]string{}
		for i, name := range records[0] {
			line[name] = record[i]
		}
		lines = append(lines, line)
	}
	return lines
}

// idsOf is every game platform id on the roster.
func idsOf(t *testing.T, s *simulator.Simulator) []string {
	t.Helper()
	var ids []string
	for _, line := range rosterOf(t, s) {
		if id := line["game_platform_id"]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

var userCalls = []string{"/users", "/scores/get_odl_scores", "/scores/get_flash_ctf_progress"}

// everyAnswer is all that s has to say about everybody, headers included.
func everyAnswer(t *testing.T, s *simulator.Simulator) string {
	t.Helper()
	var all strings.Builder
	record := func(path string) {
		w := get(s, path)
		all.WriteString(path + " " + strconv.Itoa(w.Code) + " " + w.Header().Get("Date") + " " + w.Body.String() + "\n")
	}
	record("/")
	record("/users/get_team_assignments")
	for _, id := range idsOf(t, s) {
		for _, call := range userCalls {
			record(call + "?syned_user_id=" + url.QueryEscape(id))
		}
	}
	return all.String()
}

func TestSameOptionsGiveTheSameAnswers(t *testing.T) {
	options := simulator.Options{Seed: 7, Competitors: 120, LiveEvery: time.Minute}
	often, oftenClock := newSeason(t, options)
	once, onceClock := newSeason(t, options)
	for at := seasonStart; at.Before(seasonStart.Add(3 * time.Hour)); at = at.Add(97 * time.Second) {
		oftenClock.set(at)
		get(often, "/scores/get_odl_scores?syned_user_id="+idsOf(t, often)[0])
	}
	end := seasonStart.Add(3 * time.Hour)
	oftenClock.set(end)
	onceClock.set(end)
	if diff := cmp.Diff(everyAnswer(t, once), everyAnswer(t, often)); diff != "" {
		t.Errorf("what is asked in between changes the answers (-once +often)\n%s", diff)
	}
	other, otherClock := newSeason(t, simulator.Options{Seed: 8, Competitors: 120, LiveEvery: time.Minute})
	otherClock.set(end)
	if everyAnswer(t, other) == everyAnswer(t, once) {
		t.Error("another seed gives the same season")
	}
}

func TestSeasonGrows(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Seed: 1, LiveEvery: time.Minute})
	before := s.Totals(seasonStart)
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{
		{59 * time.Second, 0}, {time.Minute, 1}, {time.Minute + 59*time.Second, 1}, {time.Hour, 60}, {24 * time.Hour, 1440},
		{time.Minute, 1}, // looking back takes nothing away from then, and adds nothing to it
	} {
		at := seasonStart.Add(tc.after)
		if got := s.Totals(at).ODLSolves - before.ODLSolves; got != tc.want {
			t.Errorf("after %v: %d new solves, want %d", tc.after, got, tc.want)
		}
	}
	clock.set(seasonStart.Add(24 * time.Hour))
	if got := s.Totals(clock.now()); got.FlashSolves != before.FlashSolves {
		t.Errorf("%d flash solves, want %d as before: live ones are ODL", got.FlashSolves, before.FlashSolves)
	}
}

func TestSeasonWithoutLiveSolvesStaysAsItIs(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 50})
	if before, after := s.Totals(seasonStart), s.Totals(seasonStart.AddDate(1, 0, 0)); before != after {
		t.Errorf("got %+v, want %+v as at the start", after, before)
	}
}

func TestLiveSolvesEndWhenEverythingIsSolved(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 2, LiveEvery: time.Second, Flawless: true})
	got := s.Totals(seasonStart.Add(24 * time.Hour))
	if got.ODLSolves > 2*121 {
		t.Errorf("%d solves by two competitors of 121 challenges", got.ODLSolves)
	}
	if later := s.Totals(seasonStart.Add(48 * time.Hour)); later != got {
		t.Errorf("got %+v a day later, want %+v", later, got)
	}
}

func TestUsualSeason(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1})
	got := s.Totals(seasonStart)
	for _, tc := range []struct {
		name           string
		got, low, high int
	}{
		{"competitors", got.Competitors, 480, 480},
		{"coaches", got.Coaches, 24, 24},
		{"teams", got.Teams, 60, 60},
		{"off the platform", got.OffPlatform, 40, 40},
		{"unknown", got.Unknown, 4, 4},
		{"pending", got.Pending, 14, 14},
		{"denied", got.Denied, 3, 3},
		{"approved", got.Approved, 419, 419},
		{"never signed in", got.NeverSignedIn, 30, 30},
		{"failing", got.Failing, 6, 6},
		{"events", got.Events, 7, 7},
		{"malformed", got.Malformed, 2, 2},
		{"solves", got.ODLSolves + got.FlashSolves, 11_000, 14_000},
		{"flash solves", got.FlashSolves, 2_000, 4_000},
	} {
		if tc.got < tc.low || tc.got > tc.high {
			t.Errorf("%s: %d, want %d to %d", tc.name, tc.got, tc.low, tc.high)
		}
	}
}

func TestFlawlessSeason(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 100, Flawless: true})
	got := s.Totals(seasonStart)
	if got.Approved != 100 || got.Failing+got.Malformed+got.NeverSignedIn != 0 {
		t.Errorf("got %+v, want everybody approved and answered for", got)
	}
}

func TestNothingIsSolvedInTheFuture(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Seed: 3, Competitors: 100, LiveEvery: time.Second})
	for _, now := range []time.Time{seasonStart.AddDate(0, 0, -40), seasonStart, seasonStart.Add(time.Hour)} {
		clock.set(now)
		for _, id := range idsOf(t, s) {
			for _, call := range userCalls[1:] {
				for _, at := range timesIn(t, get(s, call+"?syned_user_id="+id)) {
					if at > now.Unix() {
						t.Fatalf("%s: a time %d s after now", call, at-now.Unix())
					}
				}
			}
		}
	}
}

// timesIn is every time of a solve or event in an answer; none for an answer that is no JSON object.
func timesIn(t *testing.T, w *httptest.ResponseRecorder) []int64 {
	t.Helper()
	type solve struct {
		At int64 `json:"timestamp_unix"`
	}
	var answer struct {
		Solves []solve `json:"challenge_solves"`
		Events []struct {
			Start  int64   `json:"flash_ctf_time_start_unix"`
			Solves []solve `json:"challenge_solves"`
		} `json:"flash_ctfs"`
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		return nil
	}
	solves, times := answer.Solves, []int64{}
	for _, e := range answer.Events {
		solves = append(solves, e.Solves...)
		times = append(times, e.Start)
	}
	for _, s := range solves {
		times = append(times, s.At)
	}
	return times
}

func TestStatuses(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 40, Flawless: true})
	id := idsOf(t, s)[0]
	const base, user = simulator.BaseURLPath, "?syned_user_id="
	const bearer = "Bearer " + token
	const missing = `{"detail":[{"loc":["query","syned_user_id"],"msg":"Field required","type":"missing"}]}`
	const notANumber = `{"detail":[{"loc":["query","after_time_unix"],"msg":"Input should be a valid integer, ` +
		`unable to parse string as an integer","type":"int_parsing"}]}`
	const noToken = `{"detail":"Invalid authentication credentials"}`
	for _, tc := range []struct {
		name, method, path, auth string
		status                   int
		body                     string // empty: any
	}{
		{"index", "GET", base + "/", "", 200, `{"status":"ok"}`},
		{"index without its slash", "GET", base, "", 200, `{"status":"ok"}`},
		{"user", "GET", base + "/users" + user + id, bearer, 201, ""},
		{"ODL", "GET", base + "/scores/get_odl_scores" + user + id, bearer, 200, ""},
		{"assignments", "GET", base + "/users/get_team_assignments", bearer, 200, ""},
		{
			"no such team", "GET", base + "/users/get_team_assignments?syned_team_id=nobody", bearer,
			200, `{"assignments":[],"total_count":0}`,
		},
		{"no token", "GET", base + "/users" + user + id, "", 401, noToken},
		{"wrong token", "GET", base + "/users" + user + id, bearer + "x", 401, noToken},
		{"token without its kind", "GET", base + "/users" + user + id, token, 401, noToken},
		{"token before parameters", "GET", base + "/users", "", 401, noToken},
		{"no user", "GET", base + "/users", bearer, 422, missing},
		{"no user, ODL", "GET", base + "/scores/get_odl_scores", bearer, 422, missing},
		{"no user, flash", "GET", base + "/scores/get_flash_ctf_progress", bearer, 422, missing},
		{"after is a word", "GET", base + "/scores/get_odl_scores" + user + id + "&after_time_unix=now", bearer, 422, notANumber},
		{"after is empty", "GET", base + "/scores/get_odl_scores" + user + id + "&after_time_unix=", bearer, 422, notANumber},
		{"after is a fraction", "GET", base + "/scores/get_odl_scores" + user + id + "&after_time_unix=1.5", bearer, 422, notANumber},
		{"user of nobody", "GET", base + "/users" + user + "nobody", bearer, 404, `{"detail":"User not found"}`},
		{
			"ODL of nobody", "GET", base + "/scores/get_odl_scores" + user + "nobody", bearer,
			404, `{"detail":"User not found or not approved"}`,
		},
		{
			"flash of nobody", "GET", base + "/scores/get_flash_ctf_progress" + user + "nobody", bearer,
			404, `{"detail":"User not found or not approved"}`,
		},
		{"unknown path", "GET", base + "/nothing", bearer, 404, `{"detail":"Not Found"}`},
		{"outside the API", "GET", "/users" + user + id, bearer, 404, `{"detail":"Not Found"}`},
		{"wrong method", "POST", base + "/scores/get_odl_scores", bearer, 405, `{"detail":"Method Not Allowed"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, tc.path, nil)
			r.Header.Set("Authorization", tc.auth)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tc.status || (tc.body != "" && w.Body.String() != tc.body) {
				t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.body)
			}
			if got, want := w.Header().Get("Date"), seasonStart.Format(http.TimeFormat); got != want {
				t.Errorf("Date %q, want the simulated clock's %q", got, want)
			}
		})
	}
}

// The filter is by the time of the solve and takes the second that is named along; totals stay whole.
func TestAfterTime(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 40, Flawless: true})
	path := "/scores/get_odl_scores?syned_user_id=" + idsOf(t, s)[0]
	all := timesIn(t, get(s, path))
	for name, tc := range map[string]struct {
		after int64
		want  []int64
	}{
		"the second":           {all[1], all[1:]},
		"a second later":       {all[1] + 1, all[2:]},
		"long ago":             {-1 << 63, all},
		"the end of all times": {1<<63 - 1, []int64{}},
	} {
		w := get(s, path+"&after_time_unix="+strconv.FormatInt(tc.after, 10))
		if diff := cmp.Diff(tc.want, timesIn(t, w)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if want := `"total_challenges_solved":` + strconv.Itoa(len(all)) + ","; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: the totals are filtered, want %s in %s", name, want, w.Body)
		}
	}
}

func TestTeamAssignments(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 60, Flawless: true})
	type answer struct {
		Assignments []struct {
			Team string `json:"syned_team_id"`
			User string `json:"syned_user_id"`
		}
		Total int `json:"total_count"`
	}
	read := func(path string) (a answer) {
		if err := json.Unmarshal(get(s, path).Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	inTeam := 0
	for _, line := range rosterOf(t, s) {
		if line["team"] != "" {
			inTeam++
		}
	}
	all := read("/users/get_team_assignments")
	if all.Total != inTeam || len(all.Assignments) != inTeam {
		t.Errorf("%d assignments, total %d; want %d as on the roster", len(all.Assignments), all.Total, inTeam)
	}
	one := read("/users/get_team_assignments?syned_team_id=" + all.Assignments[0].Team)
	if one.Total == 0 || one.Total > 6 || one.Assignments[0] != all.Assignments[0] {
		t.Errorf("got %+v for one team", one)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Seed: 1, Competitors: 60, LiveEvery: time.Second})
	ids := idsOf(t, s)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j, id := range ids {
				clock.set(seasonStart.Add(time.Duration(i*100+j) * time.Second))
				get(s, userCalls[(i+j)%len(userCalls)]+"?syned_user_id="+id)
				s.Totals(clock.now())
			}
		})
	}
	group.Wait()
	at := seasonStart.Add(time.Hour)
	quiet, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 60, LiveEvery: time.Second})
	if got, want := s.Totals(at), quiet.Totals(at); got != want {
		t.Errorf("got %+v, want %+v as without the crowd", got, want)
	}
}

func TestLatency(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 20, Latency: 20 * time.Millisecond})
	began := time.Now()
	if w := get(s, "/"); w.Code != http.StatusOK || time.Since(began) < 20*time.Millisecond {
		t.Errorf("status %d after %v", w.Code, time.Since(began))
	}
	slow, _ := newSeason(t, simulator.Options{Seed: 1, Competitors: 20, Latency: time.Hour})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	slow.ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodGet, simulator.BaseURLPath+"/", nil))
	if w.Body.Len() > 0 {
		t.Error("answered a caller that had gone")
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, o := range map[string]simulator.Options{
		"no token":                      {},
		"more coaches than competitors": {Token: token, Competitors: 3, Coaches: 4},
		"more teams than competitors":   {Token: token, Competitors: 3, Teams: 4},
		"negative competitors":          {Token: token, Competitors: -1},
		"negative coaches":              {Token: token, Coaches: -1},
		"negative pace":                 {Token: token, LiveEvery: -1},
		"negative latency":              {Token: token, Latency: -1},
	} {
		if _, err := simulator.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSeasonsOfEverySize(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 21, 100, 481, 1000} {
		s, _ := newSeason(t, simulator.Options{Seed: int64(n), Competitors: n, LiveEvery: time.Minute})
		if got := s.Totals(seasonStart.Add(time.Hour)); got.Competitors != n || got.Coaches != (n+19)/20 || got.Teams != (n+7)/8 {
			t.Errorf("%d competitors: got %+v", n, got)
		}
	}
	for _, coaches := range []int{1, 30} {
		s, _ := newSeason(t, simulator.Options{Competitors: 30, Coaches: coaches, Teams: 30})
		if got := s.Totals(seasonStart); got.Coaches != coaches || got.Teams != 30 {
			t.Errorf("%d coaches: got %+v", coaches, got)
		}
	}
}
