package simulator_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/metactf/simulator"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]simulator.FaultRule{
		"server_error":                     {Fault: simulator.ServerError},
		"server_error:0.05":                {Fault: simulator.ServerError, Rate: 0.05},
		" rate_limited=30s@/users ":        {Fault: simulator.RateLimited, Amount: 30 * time.Second, Call: "/users"},
		"hang@/scores/get_odl_scores:0.01": {Fault: simulator.Hang, Call: "/scores/get_odl_scores", Rate: 0.01},
		"html@POST /users?syn-0badcafe":    {Fault: simulator.HTML, Call: "POST /users", UserID: "syn-0badcafe"},
		"token_refused#200-":               {Fault: simulator.TokenRefused, From: 200},
		"clock_skew=-2h#3-7:0.5":           {Fault: simulator.ClockSkew, Amount: -2 * time.Hour, From: 3, To: 7, Rate: 0.5},
		"reset#4":                          {Fault: simulator.Reset, From: 4, To: 4},
	} {
		got, err := simulator.ParseFault(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseFaultSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "there are: backdated, clock_skew, colliding_ids",
		"sever_error":      `there is no fault "sever_error"; there are: backdated`,
		"html@/user":       "GET /scores/get_odl_scores, GET /users, ",
		"html@GET /teams":  "POST /teams",
		"html:often":       "must be a rate",
		"html:0":           "must be a rate",
		"html:1.5":         "at most 1",
		"html:NaN":         "at most 1",
		"html#0":           "count calls from 1",
		"html#5-3":         "counted from 1",
		"html#x":           "count calls from 1",
		"latency=long":     "amount of time",
		"server_error=30s": "has no amount",
	} {
		_, err := simulator.ParseFault(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestEveryKnownFaultCanBeParsed(t *testing.T) {
	for _, name := range simulator.KnownFaults() {
		if _, err := simulator.ParseFault(name); err != nil {
			t.Error(err)
		}
	}
}

// player is a user with ODL and flash solves, the latest event among them.
func player(t *testing.T, s *simulator.Simulator) string {
	t.Helper()
	for _, id := range idsOf(t, s) {
		events := flashOf(t, s, id)
		if len(events) > 1 && events[len(events)-1].Name == "Flash CTF: Copper Relay" && len(events[len(events)-1].Solves) > 0 {
			return id
		}
	}
	t.Fatal("nobody played the latest event")
	return ""
}

type scores struct {
	User   string     `json:"syned_user_id"`
	Total  int        `json:"total_challenges_solved"`
	Points int64      `json:"total_points"`
	Solves []oneSolve `json:"challenge_solves"`
}

type oneSolve struct {
	ID        int64 `json:"challenge_solve_id"`
	Challenge int64 `json:"challenge_id"`
	Points    int64 `json:"challenge_points"`
	At        int64 `json:"timestamp_unix"`
}

type oneEvent struct {
	Name   string     `json:"flash_ctf_name"`
	Start  int64      `json:"flash_ctf_time_start_unix"`
	Solves []oneSolve `json:"challenge_solves"`
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("status %d: %v in %s", w.Code, err, w.Body)
	}
	return v
}

func odlOf(t *testing.T, s *simulator.Simulator, id string) scores {
	t.Helper()
	return read[scores](t, get(s, "/scores/get_odl_scores?syned_user_id="+id))
}

func flashOf(t *testing.T, s *simulator.Simulator, id string) []oneEvent {
	t.Helper()
	w := get(s, "/scores/get_flash_ctf_progress?syned_user_id="+id)
	if w.Code != http.StatusOK {
		return nil
	}
	return read[struct {
		Events []oneEvent `json:"flash_ctfs"`
	}](t, w).Events
}

func fault(t *testing.T, s *simulator.Simulator, rules ...simulator.FaultRule) {
	t.Helper()
	if err := s.SetFaults(simulator.Faults{Rules: rules}); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsInsteadOfAnAnswer(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, Flawless: true})
	id := idsOf(t, s)[0]
	for name, want := range map[simulator.Fault]struct {
		status int
		after  string
	}{
		simulator.RateLimited:  {429, "5"},
		simulator.RateDate:     {429, "Wed, 04 Mar 2026 15:00:05 GMT"},
		simulator.RateSilent:   {429, ""},
		simulator.Unavailable:  {503, "5"},
		simulator.ServerError:  {500, ""},
		simulator.HTML:         {502, ""},
		simulator.HTMLGood:     {200, ""},
		simulator.Forbidden:    {403, ""},
		simulator.TokenRefused: {401, ""},
	} {
		fault(t, s, simulator.FaultRule{Fault: name})
		w := get(s, "/users?syned_user_id="+id)
		if w.Code != want.status || w.Header().Get("Retry-After") != want.after {
			t.Errorf("%s: %d %q, want %+v", name, w.Code, w.Header().Get("Retry-After"), want)
		}
		if html := strings.HasPrefix(w.Body.String(), "<"); html != strings.HasPrefix(string(name), "html") {
			t.Errorf("%s: body %s", name, w.Body)
		}
	}
	fault(t, s)
	if w := get(s, "/users?syned_user_id="+id); w.Code != http.StatusCreated {
		t.Errorf("after the faults: %d", w.Code)
	}
}

func TestFaultsInAnAnswer(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Seed: 3, Competitors: 60, Flawless: true})
	id := player(t, s)
	odl, flash := odlOf(t, s, id), flashOf(t, s, id)
	n, k := len(odl.Solves), len(flash)
	newest := odl.Solves[n-1]
	with := func(f simulator.Fault) (scores, []oneEvent) {
		fault(t, s, simulator.FaultRule{Fault: f})
		return odlOf(t, s, id), flashOf(t, s, id)
	}
	if _, got := with(simulator.Renamed); got[k-1].Name != flash[k-1].Name+" (Finals)" || got[k-1].Start != flash[k-1].Start {
		t.Errorf("renamed: %+v", got[k-1])
	}
	if _, got := with(simulator.Redated); got[k-1].Name != flash[k-1].Name || got[k-1].Start != flash[k-1].Start+3600 {
		t.Errorf("redated: %+v", got[k-1])
	}
	if _, got := with(simulator.Withdrawn); !cmp.Equal(got, flash[:k-1]) {
		t.Errorf("withdrawn: %+v", got)
	}
	if got, _ := with(simulator.LateSolve); !cmp.Equal(got.Solves, odl.Solves[:n-1]) || got.Total != n-1 || got.Points != odl.Points-newest.Points {
		t.Errorf("late: %+v", got)
	}
	if got, _ := with(simulator.BackDated); got.Solves[n-1].At != newest.At-7*24*3600 || got.Total != n {
		t.Errorf("backdated: %+v", got.Solves[n-1])
	}
	if got, _ := with(simulator.OtherUser); got.User == id {
		t.Error("other_user: the answer is about the user")
	}
	if got, _ := with(simulator.CollidingIDs); got.Solves[1].ID != got.Solves[0].ID || got.Solves[1].Challenge == got.Solves[0].Challenge {
		t.Errorf("colliding_ids: %+v", got.Solves[:2])
	}
	fault(t, s, simulator.FaultRule{Fault: simulator.ClockSkew, Amount: -time.Minute})
	if got, want := get(s, "/").Header().Get("Date"), clock.now().Add(-time.Minute).Format(http.TimeFormat); got != want {
		t.Errorf("clock_skew: %s, want %s", got, want)
	}
	fault(t, s)
	if diff := cmp.Diff(odl, odlOf(t, s, id)); diff != "" {
		t.Errorf("a fault left its trace (-want +got)\n%s", diff)
	}
}

func TestFaultsOfForm(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Seed: 3, Competitors: 20, Flawless: true})
	path := "/scores/get_odl_scores?syned_user_id=" + idsOf(t, s)[0]
	for f, want := range map[simulator.Fault]string{
		simulator.Nulls: `"total_points":null`, simulator.UnknownFields: `"x_difficulty":`, simulator.WrongTypes: `"total_points":"`,
	} {
		fault(t, s, simulator.FaultRule{Fault: f})
		if w := get(s, path); !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s", f, w.Body)
		}
	}
	fault(t, s, simulator.FaultRule{Fault: simulator.Truncated})
	if w := get(s, path); w.Code != http.StatusOK || json.Valid(w.Body.Bytes()) {
		t.Errorf("truncated: %s", w.Body)
	}
}

func TestResetBreaksTheConnectionInMidBody(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, Flawless: true, Faults: simulator.Faults{
		Rules: []simulator.FaultRule{{Fault: simulator.Reset}},
	}})
	server := httptest.NewServer(s)
	defer server.Close()
	resp, err := server.Client().Get(server.URL + simulator.BaseURLPath + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("got %q, %v; want half a body", body, err)
	}
}

func TestWhatHangsGoesOnWhenTheFaultsEnd(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, Flawless: true})
	fault(t, s, simulator.FaultRule{Fault: simulator.Hang}, simulator.FaultRule{Fault: simulator.Latency, Amount: time.Millisecond})
	done := make(chan int)
	go func() { done <- get(s, "/").Code }()
	select {
	case <-done:
		t.Fatal("it answered")
	case <-time.After(20 * time.Millisecond):
	}
	fault(t, s)
	if code := <-done; code != http.StatusOK {
		t.Errorf("status %d", code)
	}
}

func TestRulesChooseTheirCalls(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, Flawless: true})
	ids := idsOf(t, s)
	codes := func(call string, users ...string) (all []int) {
		for _, id := range users {
			all = append(all, get(s, call+"?syned_user_id="+id).Code)
		}
		return all
	}
	fault(t, s,
		simulator.FaultRule{Fault: simulator.ServerError, Call: "/users", From: 2, To: 3},
		simulator.FaultRule{Fault: simulator.Forbidden, Call: "GET /scores/get_odl_scores", UserID: ids[1]},
		simulator.FaultRule{Fault: simulator.Unavailable, Call: "POST /users"})
	for _, tc := range []struct{ got, want []int }{
		{codes("/users", ids[:5]...), []int{201, 500, 500, 201, 201}},
		{codes("/scores/get_odl_scores", ids[0], ids[1], ids[2], ids[1]), []int{200, 403, 200, 403}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Error(diff)
		}
	}
	if err := s.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: "nonsense"}}}); err == nil {
		t.Error("an unknown fault was taken")
	}
	if w := get(s, "/users?syned_user_id="+ids[0]); w.Code != http.StatusCreated {
		t.Errorf("status %d", w.Code)
	}
}

// The same seed gives the same faults to everybody, in whatever order they are asked about.
func TestRatesAreDrawnBySeed(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 200, Flawless: true})
	ids := idsOf(t, s)
	codes := func(seed int64, at func(i int) int) map[string]int {
		rules := []simulator.FaultRule{{Fault: simulator.ServerError, Rate: 0.2}}
		if err := s.SetFaults(simulator.Faults{Seed: seed, Rules: rules}); err != nil {
			t.Fatal(err)
		}
		all, failed := map[string]int{}, 0
		for i := range ids {
			id := ids[at(i)]
			if all[id] = get(s, "/users?syned_user_id="+id).Code; all[id] == 500 {
				failed++
			}
		}
		if failed < 20 || failed > 60 {
			t.Errorf("%d of 200 failed, want about 40", failed)
		}
		return all
	}
	forwards := codes(1, func(i int) int { return i })
	if diff := cmp.Diff(forwards, codes(1, func(i int) int { return len(ids) - 1 - i })); diff != "" {
		t.Errorf("another order gives other faults\n%s", diff)
	}
	if cmp.Equal(forwards, codes(2, func(i int) int { return i })) {
		t.Error("another seed gives the same faults")
	}
}

func TestFaultsChangeWhileItAnswers(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, LiveEvery: time.Minute})
	ids := idsOf(t, s)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 50 {
				get(s, userCalls[j%3]+"?syned_user_id="+ids[(i+j)%len(ids)])
			}
		})
	}
	for i := range 50 {
		fault(t, s, simulator.FaultRule{Fault: simulator.Nulls, Rate: 0.5}, simulator.FaultRule{Fault: simulator.Withdrawn})
		s.SetStatus(ids[i%len(ids)], "denied")
	}
	group.Wait()
}
