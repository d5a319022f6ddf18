package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

func post(s http.Handler, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, simulator.BaseURLPath+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func userBody(id, role, coach string) string {
	return `{"syned_user_id":"` + id + `","first_name":"Ada","last_name":"Lind","email":"ada@oak.example","role":"` + role +
		`","syned_coach_user_id":` + coach + `,"preferred_username":null}`
}

func teamBody(id, coach string) string {
	return `{"syned_team_id":"` + id + `","syned_coach_user_id":"` + coach + `","team_name":"Owls","affiliation":"Oak","division":"college"}`
}

func inTeam(id, user string) string {
	return `{"syned_team_id":"` + id + `","syned_user_id":"` + user + `"}`
}

// step is a call and its status.
type step struct {
	path, body string
	want       int
}

func follow(t *testing.T, s http.Handler, steps ...step) {
	t.Helper()
	for i, at := range steps {
		var w *httptest.ResponseRecorder
		if at.body == "" {
			w = get(s, at.path)
		} else {
			w = post(s, at.path, at.body)
		}
		if w.Code != at.want {
			t.Errorf("step %d, %s %s: status %d, want %d: %s", i+1, at.path, at.body, w.Code, at.want, w.Body)
		}
	}
}

func TestLifeOfAUserAndATeam(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20, Flawless: true})
	coach := s.CoachIDs()[0]
	follow(t, s,
		step{"/users?syned_user_id=new-1", "", 404},
		step{"/users", userBody("new-1", "user", `"nobody"`), 404},
		step{"/users", userBody("new-1", "user", `"`+coach+`"`), 201},
		step{"/users?syned_user_id=new-1", "", 201},
		step{"/users", userBody("new-1", "user", "null"), 409},
		step{"/users", userBody("new-coach", "coach", "null"), 201},
		step{"/teams", teamBody("new-team", "nobody"), 404},
		step{"/teams", teamBody("new-team", "new-1"), 404}, // not a coach
		step{"/teams", teamBody("new-team", "new-coach"), 201},
		step{"/teams", teamBody("new-team", "new-coach"), 409},
		step{"/users/assign_team", inTeam("no-team", "new-1"), 404},
		step{"/users/assign_team", inTeam("new-team", "nobody"), 404},
		step{"/users/assign_team", inTeam("new-team", "new-1"), 201},
		step{"/users/assign_team", inTeam("new-team", "new-1"), 201},
		step{"/users/assign_team", inTeam("team-0001", "new-1"), 409},
		step{"/teams/delete", `{"syned_team_id":"new-team"}`, 409},
	)
	want := `{"assignments":[{"syned_team_id":"new-team","syned_user_id":"new-1"}],"total_count":1}`
	if got := get(s, "/users/get_team_assignments?syned_team_id=new-team").Body.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	left := post(s, "/users/delete_assignment", `{"syned_user_id":"new-1"}`)
	if got := left.Body.String(); left.Code != 200 || got != `{"syned_team_id":"new-team","syned_user_id":"new-1"}` {
		t.Errorf("got %d %s", left.Code, got)
	}
	follow(t, s,
		step{"/users/delete_assignment", `{"syned_user_id":"new-1"}`, 404},
		step{"/users/delete_assignment", `{"syned_user_id":"nobody"}`, 404},
		step{"/teams/delete", `{"syned_team_id":"new-team"}`, 200},
		step{"/teams/delete", `{"syned_team_id":"new-team"}`, 404},
		step{"/scores/get_odl_scores?syned_user_id=new-1", "", 200},
		step{"/scores/get_flash_ctf_progress?syned_user_id=new-1", "", 404},
	)
}

func TestNewUsersWaitForApproval(t *testing.T) {
	s, clock := newSeason(t, simulator.Options{Competitors: 20, Flawless: true, Behaviour: simulator.Behaviour{ApprovedAfter: time.Hour}})
	statusOf := func(id string) domain.PlatformStatus {
		return read[struct {
			Status domain.PlatformStatus `json:"metactf_user_status"`
		}](t, get(s, "/users?syned_user_id="+id)).Status
	}
	follow(t, s,
		step{"/users", userBody("new-1", "coach", "null"), 201},
		step{"/scores/get_odl_scores?syned_user_id=new-1", "", 404},
		step{"/teams", teamBody("new-team", "new-1"), 404})
	if got := statusOf("new-1"); got != domain.PlatformUserCreated {
		t.Errorf("got %s, want user_created", got)
	}
	clock.set(seasonStart.Add(time.Hour))
	follow(t, s, step{"/teams", teamBody("new-team", "new-1"), 201})
	for _, want := range []domain.PlatformStatus{domain.PlatformPendingApproval, domain.PlatformDenied, domain.PlatformApproved} {
		if ok := s.SetStatus("new-1", want); !ok || statusOf("new-1") != want {
			t.Errorf("%v: got %s, want %s", ok, statusOf("new-1"), want)
		}
	}
	s.SetStatus("new-1", domain.PlatformUnknown)
	follow(t, s, step{"/users?syned_user_id=new-1", "", 404})
	if s.SetStatus("nobody", domain.PlatformApproved) {
		t.Error("the status of nobody was set")
	}
}

func TestWriteCallsCheckTheirData(t *testing.T) {
	s, _ := newSeason(t, simulator.Options{Competitors: 20})
	for _, tc := range []struct{ path, body, want string }{
		{"/users", `{`, `"json_invalid"`},
		{"/users", `[]`, `"json_invalid"`},
		{"/users", `{}`, `{"loc":["body","role"],"msg":"Field required","type":"missing"}`},
		{"/users", userBody("", "user", "null"), `{"loc":["body","syned_user_id"],"msg":"String should have at least 1 character","type":"string_too_short"}`},
		{"/users", userBody("x", "admin", "null"), `"literal_error"`},
		{"/users", userBody("x", "user", "7"), `{"loc":["body","syned_coach_user_id"],"msg":"Input should be a valid string","type":"string_type"}`},
		{"/users", strings.Replace(userBody("x", "user", "null"), "ada@", "ada", 1), `"value_error"`},
		{"/teams", strings.Replace(teamBody("x", "y"), "college", "elite", 1), `"literal_error"`},
		{"/teams/delete", `{"syned_team_id":null}`, `"string_type"`},
		{"/users/assign_team", `{"syned_team_id":"x"}`, `"syned_user_id"`},
		{"/users/delete_assignment", `{}`, `"missing"`},
	} {
		if w := post(s, tc.path, tc.body); w.Code != 422 || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %s: %d %s, want 422 with %s", tc.path, tc.body, w.Code, w.Body, tc.want)
		}
	}
}

func TestEveryUnknownIsASwitch(t *testing.T) {
	season := func(b simulator.Behaviour) *simulator.Simulator {
		s, _ := newSeason(t, simulator.Options{Seed: 3, Competitors: 60, Flawless: true, Behaviour: b})
		return s
	}
	usual := season(simulator.Behaviour{})
	id := player(t, usual)
	all := odlOf(t, usual, id)
	last := all.Solves[len(all.Solves)-1]
	since := "/scores/get_odl_scores?syned_user_id=" + id + "&after_time_unix=" + strconv.FormatInt(last.At, 10)

	if got := read[scores](t, get(usual, since)); len(got.Solves) != 1 || got.Total != len(all.Solves) {
		t.Errorf("usual: %+v, want the last solve and whole totals", got)
	}
	if got := read[scores](t, get(season(simulator.Behaviour{AfterExclusive: true}), since)); len(got.Solves) != 0 || got.Total != len(all.Solves) {
		t.Errorf("AfterExclusive: %+v, want no solve", got)
	}
	if got := read[scores](t, get(season(simulator.Behaviour{TotalsFiltered: true}), since)); got.Total != 1 || got.Points != last.Points {
		t.Errorf("TotalsFiltered: %+v, want the totals of one solve", got)
	}
	if got := odlOf(t, season(simulator.Behaviour{OmitUserID: true}), id); got.User != "" || len(got.Solves) == 0 {
		t.Errorf("OmitUserID: %+v", got)
	}
	for _, code := range []int{403, 404} {
		s := season(simulator.Behaviour{BlockedStatus: code, BlockedUsers: true})
		follow(t, s, step{"/users?syned_user_id=nobody", "", code}, step{"/scores/get_odl_scores?syned_user_id=nobody", "", code})
	}
	for _, code := range []int{200, 201, 409} {
		s := season(simulator.Behaviour{AgainStatus: code})
		body, team := userBody("new-1", "coach", "null"), teamBody("new-team", "new-1")
		follow(t, s, step{"/users", body, 201}, step{"/users", body, code}, step{"/teams", team, 201}, step{"/teams", team, code})
	}
	s := season(simulator.Behaviour{ConflictStatus: 400, UserStatus: 200, FlashEmptyList: true})
	follow(t, s,
		step{"/teams/delete", `{"syned_team_id":"team-0001"}`, 400},
		step{"/users?syned_user_id=" + id, "", 200},
		step{"/users", userBody("new-1", "coach", "null"), 201},
		step{"/scores/get_flash_ctf_progress?syned_user_id=new-1", "", 200})
	if got := flashOf(t, s, "new-1"); !cmp.Equal(got, []oneEvent{}) {
		t.Errorf("got %v, want an empty list", got)
	}
	if _, err := simulator.New(simulator.Options{Token: token, Behaviour: simulator.Behaviour{AgainStatus: 700}}); err == nil {
		t.Error("status 700 was taken")
	}
}
