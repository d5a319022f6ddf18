package onboarding

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
	"flagpole/store"
	"flagpole/store/storetest"
)

func user(id, first, last, email, role, coach string) string {
	u := map[string]string{"syned_user_id": id, "first_name": first, "last_name": last, "email": email, "role": role}
	if coach != "" {
		u["syned_coach_user_id"] = coach
	}
	return "POST /users " + text(u)
}

func team(id, coach, name, school string) string {
	return "POST /teams " + text(map[string]string{"syned_team_id": id, "syned_coach_user_id": coach, "team_name": name, "affiliation": school, "division": "high_school"})
}

func assign(teamID, id string) string {
	return "POST /users/assign_team " + text(map[string]string{"syned_team_id": teamID, "syned_user_id": id})
}

func remove(id string) string {
	return "POST /users/delete_assignment " + text(map[string]string{"syned_user_id": id})
}

func text(fields map[string]string) string {
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// plain puts the members of each body into one order, so that they can be compared.
func plain(orders []string) []string {
	var list []string
	for _, o := range orders {
		at := len(o)
		for i, r := range o {
			if r == '{' {
				at = i
				break
			}
		}
		fields := map[string]string{}
		if err := json.Unmarshal([]byte(o[at:]), &fields); err != nil {
			panic(err)
		}
		list = append(list, o[:at]+text(fields))
	}
	return list
}

// everything is what the whole life has carried out on the platform.
var everything = []string{
	user("co-1", "Mara", "Quill", "mara@quill.example", "coach", ""),
	user("cp-1", "Ada", "Fennimore", "ada@harbor.example", "user", "co-1"),
	user("cp-2", "Bo", "Tarn", "bo@harbor.example", "user", "co-1"),
	user("cp-3", "Cy", "Vane", "cy@harbor.example", "user", "co-1"),
	team("t-1", "co-1", "Red", "Harbor High"),
	assign("t-1", "cp-1"),
	assign("t-1", "cp-2"),
	remove("cp-1"),
	team("t-2", "co-1", "Blue", "Harbor High"),
	assign("t-2", "cp-1"),
	user("co-2", "Nils", "Orr", "nils@orr.example", "coach", ""),
	remove("cp-2"),
	user("cp-6", "Fay", "Noor", "fay@quay.example", "user", "co-2"),
	remove("cp-1"),
	`POST /teams/delete {"syned_team_id":"t-1"}`,
}

// live is the life of some competitors, from the day on which somebody agrees to it.
func live(w *world) {
	w.t.Helper()
	w.confirm("co-1")
	w.rounds()
	w.says(domain.PlatformApproved, "co-1")
	w.clock.Advance(time.Hour)
	w.rounds() // accounts
	w.sync()
	w.waits("created", map[string]domain.Wait{"cp-1": "sign_in", "cp-2": "sign_in", "cp-3": "sign_in", "cp-4": "profile", "cp-5": "email"})

	w.says(domain.PlatformPendingApproval, "cp-1", "cp-2")
	w.clock.Advance(8 * time.Hour)
	w.sync()
	w.waits("signed in", map[string]domain.Wait{"cp-1": "approval", "cp-2": "approval", "cp-3": "sign_in"})

	w.says(domain.PlatformApproved, "cp-1", "cp-2")
	w.says(domain.PlatformDenied, "cp-3")
	w.clock.Advance(8 * time.Hour)
	w.sync()
	w.waits("approved and denied", map[string]domain.Wait{"cp-1": "sign_in", "cp-2": "sign_in", "cp-3": "denied"}) // the simulated accounts were never signed in to
	w.rounds()
	w.inTeams("assigned", map[string]string{"cp-1": "t-1", "cp-2": "t-1", "cp-3": ""})

	w.roster("co-1,mara@quill.example,,,cp-1,Ada,Fennimore,,,t-2,Blue")
	w.rounds()
	w.inTeams("team changed", map[string]string{"cp-1": "t-2", "cp-2": "t-1"})

	w.must(w.admin.MoveCompetitor(w.t.Context(), "cp-2", "co-2"))
	w.rounds()
	w.inTeams("moved to a coach nobody has agreed for", map[string]string{"cp-2": "t-1"})
	w.confirm("co-2")
	w.rounds()
	w.inTeams("moved", map[string]string{"cp-2": ""})
	w.says(domain.PlatformApproved, "co-2")
	w.clock.Advance(time.Hour)
	w.rounds()

	w.clock.Advance(24 * time.Hour) // the removals of yesterday do not count today
	_, err := w.admin.SetCompetitorActive(w.t.Context(), "cp-1", false)
	w.must(err)
	w.rounds()
	w.inTeams("deactivated", map[string]string{"cp-1": ""})

	w.roster("co-1,mara@quill.example,,,cp-4,Dot,Early,,,t-2,Blue") // leaves t-1 on the roster, so that nobody is in it
	w.must(w.admin.DeleteTeam(w.t.Context(), "t-1"))
	w.rounds()
	if w.platform.HasTeam("t-1") || !w.platform.HasTeam("t-2") {
		w.t.Errorf("team deleted: the platform has t-1: %v, t-2: %v", w.platform.HasTeam("t-1"), w.platform.HasTeam("t-2"))
	}
	calls := len(w.platform.Orders())
	w.rounds()
	if more := len(w.platform.Orders()) - calls; more > 0 {
		w.t.Errorf("%d orders were given though nothing was left to do", more)
	}
}

// waits wants to know for what competitors wait.
func (w *world) waits(when string, want map[string]domain.Wait) {
	w.t.Helper()
	got := map[string]domain.Wait{}
	w.must(w.admin.EachPending(w.t.Context(), w.rules, store.PendingQuery{}, func(r store.PendingRow) error {
		if _, asked := want[r.CompetitorID]; asked {
			got[r.CompetitorID] = r.Wait
		}
		return nil
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// inTeams wants to know where the platform has competitors.
func (w *world) inTeams(when string, want map[string]string) {
	w.t.Helper()
	got := map[string]string{}
	for id := range want {
		got[id] = w.platform.TeamOf(id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestAWholeLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		w := newWorld(t, s, clock, simulator.Behaviour{ApprovedAfter: -1}, &cut{})
		live(w)
		if diff := cmp.Diff(everything, plain(w.done())); diff != "" {
			t.Errorf("what was carried out (-want +got):\n%s", diff)
		}
	})
}

// However the platform answers what is there already, and wherever the process ends, each order is carried out once.
func TestAWholeLifeInterruptedAtEveryCall(t *testing.T) {
	behaviours := map[string]simulator.Behaviour{
		"conflict": {ApprovedAfter: -1}, "again 200": {ApprovedAfter: -1, AgainStatus: 200}, "users blocked": {ApprovedAfter: -1, BlockedUsers: true, BlockedStatus: 403},
	}
	want := slices.Sorted(slices.Values(everything))
	for name, behaviour := range behaviours {
		t.Run(name, func(t *testing.T) {
			for _, after := range []bool{false, true} {
				if !after && name != "conflict" { // what the platform never had, it cannot answer in its own way
					continue
				}
				for at := 1; ; at++ {
					c := &cut{at: at, after: after}
					t.Run(fmt.Sprintf("call %d after %v", at, after), func(t *testing.T) {
						kind := []string{"sqlite", "postgres"}[at%2]
						clock := storetest.NewClock()
						w := newWorld(t, storetest.Open(t, storetest.URL(t, kind), clock), clock, behaviour, c)
						live(w)
						if diff := cmp.Diff(want, slices.Sorted(slices.Values(plain(w.done())))); diff != "" {
							t.Errorf("what was carried out (-want +got):\n%s", diff)
						}
					})
					if c.calls < at || t.Failed() {
						break
					}
				}
			}
		})
	}
}
