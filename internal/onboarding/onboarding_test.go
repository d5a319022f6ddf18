package onboarding

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
	"flagpole/store"
	"flagpole/store/storetest"
)

// each runs test in a world on both databases, whose platform approves everybody at once.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		test(t, newWorld(t, s, clock, simulator.Behaviour{}, nil))
	})
}

// onboarded agrees to what is sent about some coaches' people, and lets it come about.
func (w *world) onboarded(coaches ...string) {
	w.t.Helper()
	for _, c := range coaches {
		w.confirm(c)
	}
	w.rounds()
	w.clock.Advance(time.Hour) // until the coaches are looked up again
	w.rounds()
	w.sync()
	w.rounds()
}

// settled is a world in which the coach's people are on the platform and in their team.
func (w *world) settled() {
	w.t.Helper()
	w.onboarded("co-1")
	w.inTeams("settled", map[string]string{"cp-1": "t-1", "cp-2": "t-1", "cp-3": ""})
}

func (w *world) sent(when string, want int) {
	w.t.Helper()
	if got := len(w.platform.Orders()); got != want {
		w.t.Errorf("%s: %d orders were given, want %d: %v", when, got, want, w.platform.Orders())
	}
}

func TestNothingIsSentWithoutASwitchAnEnrolmentAndSomebodysWord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rounds()
		w.sent("nobody has agreed", 0)

		w.confirm("co-1")
		w.rules.Enabled = false
		w.start()
		w.rounds()
		w.sent("switched off", 0)

		w.rules.Enabled, w.dryRun = true, true
		w.start()
		if err := w.onboard.Round(t.Context()); err == nil {
			t.Error("a dry run that writes has no error")
		}
		w.sent("dry run", 0)

		w.dryRun = false
		w.start()
		_, err := w.sys.Rollout("test").Apply(t.Context(), store.RolloutChange{Action: store.SetLevel, Level: store.Level{Off: true}, Seen: -1, Reason: "test"})
		w.must(err)
		w.rounds()
		w.sent("the rollout is off", 0)
		p, err := w.admin.OnboardingPreview(t.Context(), w.rules, "co-2")
		w.must(err)
		if err := w.admin.ConfirmOnboarding(t.Context(), w.rules, "co-2", p.Digest()); domain.CodeOf(err) != domain.Clash {
			t.Errorf("agreed to for a coach who is not enrolled: %v", err)
		}

		storetest.EnrolAll(t, w.store)
		w.must(w.admin.StopOnboarding(t.Context(), "co-1"))
		w.rounds()
		w.sent("the agreement was taken back", 0)

		w.confirm("co-1")
		_, err = w.sys.Rollout("test").Apply(t.Context(), store.RolloutChange{Action: store.Kill, Seen: -1, Reason: "test"})
		w.must(err)
		if err := w.onboard.Round(t.Context()); err != errStopped {
			t.Errorf("under the kill switch: %v", err)
		}
		w.sent("the kill switch is on", 0)
	})
}

func TestOnlyWhoIsReadyIsSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.admin.SetCompetitorActive(t.Context(), "cp-3", false)
		w.must(err)
		w.onboarded("co-1")
		for _, id := range []string{"cp-3", "cp-4", "cp-5", "cp-6", "co-2"} {
			if w.platform.SetStatus(id, domain.PlatformApproved) {
				t.Errorf("the platform knows %s", id)
			}
		}
		w.rules.Earliest = domain.ProfileStarted
		w.start()
		w.rounds()
		if !w.platform.SetStatus("cp-4", domain.PlatformApproved) {
			t.Error("with the setting for it, an early profile gets no account")
		}
	})
}

func TestWhatWasShownIsWhatWasSentAndLogged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shown, err := w.admin.OnboardingPreview(t.Context(), w.rules, "co-1")
		w.must(err)
		w.onboarded("co-1")
		var want []string
		for _, s := range shown.Sent {
			fields := map[string]string{}
			for _, f := range s.Fields {
				fields[f.Name] = f.Value
			}
			endpoint := map[domain.OnboardingStep]string{
				domain.StepCoach: "POST /users ", domain.StepAccount: "POST /users ", domain.StepTeam: "POST /teams ", domain.StepAssignment: "POST /users/assign_team ",
			}[s.Step]
			want = append(want, endpoint+text(fields))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(plain(w.done())))); diff != "" {
			t.Errorf("carried out (-shown +sent):\n%s", diff)
		}
		logged, err := w.admin.Disclosures(t.Context(), "cp-1")
		w.must(err)
		var about []string
		for _, d := range logged {
			about = append(about, d.Endpoint+" "+string(d.Fields))
			if d.Status != 201 || d.At.IsZero() || !json.Valid(d.Fields) {
				t.Errorf("%+v", d)
			}
		}
		if diff := cmp.Diff([]string{everything[1], everything[5]}, plain(about)); diff != "" {
			t.Errorf("logged about cp-1 (-want +got):\n%s", diff)
		}
	})
}

func TestAConfirmationIsForWhatWasShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p, err := w.admin.OnboardingPreview(t.Context(), w.rules, "co-1")
		w.must(err)
		w.roster("co-1,mara@quill.example,,,cp-5,Eli,Mailless,eli@harbor.example,,,")
		if err := w.admin.ConfirmOnboarding(t.Context(), w.rules, "co-1", p.Digest()); domain.CodeOf(err) != domain.Clash {
			t.Errorf("somebody came in meanwhile: %v", err)
		}
		w.rounds()
		w.sent("not confirmed", 0)
	})
}

// A read that fails, or does not tell everything, takes nobody out of a team.
func TestNoReadButACompleteOneUnassigns(t *testing.T) {
	faults := []simulator.Fault{
		simulator.ServerError, simulator.Truncated, simulator.HTMLGood, simulator.HTML, simulator.Forbidden, simulator.Reset,
	}
	each(t, func(t *testing.T, w *world) {
		w.settled()
		before := len(w.platform.Orders())
		w.roster("co-1,mara@quill.example,,,cp-1,Ada,Fennimore,,,t-2,Blue")
		for _, f := range faults {
			w.must(w.platform.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: f, Call: "GET /users/get_team_assignments"}}}))
			if err := w.onboard.Round(t.Context()); err == nil {
				t.Errorf("%s: no error", f)
			}
			w.sent(string(f), before)
			w.clock.Advance(time.Hour)
		}
		w.must(w.platform.SetFaults(simulator.Faults{}))
		w.rounds()
		w.inTeams("after all faults", map[string]string{"cp-1": "t-2", "cp-2": "t-1"})
	})
}

func TestManyRemovalsWaitForSomebodysWord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.settled()
		w.rules.Removals = 0.1 // of three assignments: one
		w.start()
		w.roster("co-1,mara@quill.example,,,cp-1,Ada,Fennimore,,,t-2,Blue", "co-1,mara@quill.example,,,cp-2,Bo,Tarn,,,t-2,Blue")
		before := len(w.platform.Orders())
		w.rounds()
		w.sent("two at once", before)
		held, err := w.admin.HeldRemovals(t.Context(), w.rules, 100)
		w.must(err)
		if held.Total != 2 || held.Without != 1 || len(held.List) != 2 || held.List[0].CompetitorID != "cp-1" {
			t.Fatalf("held: %+v", held)
		}
		if err := w.admin.ConfirmRemovals(t.Context(), held.Digest+"x"); domain.CodeOf(err) != domain.Clash {
			t.Errorf("another list than was shown: %v", err)
		}
		w.must(w.admin.ConfirmRemovals(t.Context(), held.Digest))
		w.clock.Advance(time.Minute)
		w.rounds()
		w.inTeams("confirmed", map[string]string{"cp-1": "t-2", "cp-2": "t-2"})

		w.roster("co-1,mara@quill.example,,,cp-1,Ada,Fennimore,,,t-1,Red")
		w.clock.Advance(time.Hour)
		w.rounds()
		w.inTeams("one more on the same day", map[string]string{"cp-1": "t-2"})
		w.clock.Advance(24 * time.Hour)
		w.rounds()
		w.inTeams("on the next day", map[string]string{"cp-1": "t-1"})
	})
}

// What somebody changed on the platform is shown, and left alone until a person says so.
func TestDriftIsLeftAloneUntilSomebodySaysSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.settled()
		order := func(path, body string) {
			t.Helper()
			if code := post(t, w.url+path, body); code >= 300 {
				t.Fatalf("%s: %d", path, code)
			}
		}
		order("/users/delete_assignment", `{"syned_user_id":"cp-1"}`)
		order("/users/delete_assignment", `{"syned_user_id":"cp-2"}`)
		order("/teams", `{"syned_team_id":"t-x","syned_coach_user_id":"co-1","team_name":"X","affiliation":"H","division":"high_school"}`)
		order("/users/assign_team", `{"syned_user_id":"cp-2","syned_team_id":"t-x"}`)
		before := len(w.platform.Orders())
		w.clock.Advance(time.Hour)
		w.rounds()
		w.sent("drift", before)
		drift, err := w.admin.DriftPage(t.Context(), 100)
		w.must(err)
		var got []string
		for _, d := range drift.Assignments {
			got = append(got, d.CompetitorID+": here "+d.Wanted+", there "+d.Theirs)
		}
		if diff := cmp.Diff([]string{"cp-1: here Red, there ", "cp-2: here Red, there t-x"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		w.must(w.admin.ApplyDrift(t.Context(), "cp-2", "t-x"))
		w.rounds()
		w.inTeams("one of them applied", map[string]string{"cp-1": "", "cp-2": "t-1"})
		if err := w.admin.ApplyDrift(t.Context(), "cp-2", "t-x"); domain.CodeOf(err) != domain.Clash {
			t.Errorf("applied once more: %v", err)
		}
		w.must(w.admin.ApplyDrift(t.Context(), "cp-1", ""))
		w.rounds()
		w.inTeams("both applied", map[string]string{"cp-1": "t-1", "cp-2": "t-1"})
	})
}

func TestAFaultStaysWithOneAndEndsWithWhatItWasAbout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.platform.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.ServerError, Call: "POST /users", UserID: "cp-1"}}}))
		w.onboarded("co-1")
		if w.platform.SetStatus("cp-1", domain.PlatformApproved) || !w.platform.SetStatus("cp-2", domain.PlatformApproved) {
			t.Error("the fault of one kept the other off the platform, or was none")
		}
		faults, err := w.admin.OnboardingFaults(t.Context(), "cp-1")
		w.must(err)
		if len(faults) != 1 || faults[0].Class != domain.ServerError || faults[0].Step != domain.StepAccount || faults[0].FailedInARow < 1 {
			t.Errorf("faults %+v", faults)
		}
		w.must(w.platform.SetFaults(simulator.Faults{}))
		w.roster("co-1,mara@quill.example,,,cp-1,Adah,Fennimore,,,,")
		w.must(w.onboard.Round(t.Context()))
		if !w.platform.SetStatus("cp-1", domain.PlatformApproved) {
			t.Error("a change on file does not end the wait")
		}
		faults, err = w.admin.OnboardingFaults(t.Context(), "cp-1")
		w.must(err)
		if len(faults) > 0 {
			t.Errorf("faults after success %+v", faults)
		}
	})
}

func TestAnOutageEndsTheRound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.confirm("co-1")
		w.confirm("co-2")
		w.must(w.platform.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.TokenRefused}}}))
		if err := w.onboard.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "the platform does not answer") {
			t.Errorf("%v", err)
		}
		if faults, err := w.admin.OnboardingFaults(t.Context(), "co-1"); err != nil || len(faults) > 0 {
			t.Errorf("an outage is kept as somebody's fault: %+v, %v", faults, err)
		}
	})
}

func TestAnIDOfTwoIsNeverSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.roster("cp-1,olga@quill.example,Olga Rune,Pier School,cp-9,Gus,Hale,gus@pier.example,complete,,")
		storetest.EnrolAll(t, w.store)
		w.onboarded("co-1", "cp-1")
		for _, o := range w.platform.Orders() {
			if strings.Contains(o.Body, `"syned_user_id":"cp-1"`) {
				t.Errorf("sent: %s %s", o.Endpoint, o.Body)
			}
		}
		faults, err := w.admin.OnboardingFaults(t.Context(), "cp-1")
		w.must(err)
		if len(faults) != 2 || faults[0].Class != domain.InvalidCall {
			t.Errorf("faults %+v", faults)
		}
	})
}

func TestATeamOfTwoDivisionsOrWithoutASchoolWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old, err := w.admin.RosterCompetitor(t.Context(), "cp-2")
		w.must(err)
		changed := old
		changed.Division = domain.College
		w.must(w.admin.UpdateCompetitor(t.Context(), old, changed))
		w.onboarded("co-1")
		if w.platform.HasTeam("t-1") {
			t.Error("a team of two divisions was made")
		}
		changed, err = w.admin.RosterCompetitor(t.Context(), "cp-2") // with its account by now
		w.must(err)
		old = changed
		old.Division = domain.HighSchool
		w.must(w.admin.UpdateCompetitor(t.Context(), changed, old))
		w.clock.Advance(8 * time.Hour)
		w.rounds()
		w.inTeams("of one division", map[string]string{"cp-1": "t-1", "cp-2": "t-1"})
	})
}

// A call that waits for its turn, while the platform asks for a pause, does not leave once all calls are stopped.
func TestAStopEndsARoundThatWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.confirm("co-1")
		w.must(w.platform.SetFaults(simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.RateLimited, To: 1, Amount: time.Hour}}}))
		if err := w.onboard.Round(t.Context()); err == nil || w.onboard.client.Calls() != 1 {
			t.Fatalf("%d calls, %v", w.onboard.client.Calls(), err)
		}
		ended := make(chan error, 1)
		go func() { ended <- w.onboard.Round(t.Context()) }()
		_, err := w.sys.Rollout("test").Apply(t.Context(), store.RolloutChange{Action: store.Kill, Seen: -1, Reason: "test"})
		w.must(err)
		if err := <-ended; err != errStopped {
			t.Errorf("%v", err)
		}
		w.sent("under the kill switch", 0)
	})
}

// Somebody makes the account between our look and our order: the conflict is the word that it is there.
func TestAConflictIsSuccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		c := &cut{}
		w := newWorld(t, s, clock, simulator.Behaviour{}, c)
		c.before = func(r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/users") {
				body, err := r.GetBody()
				if err != nil {
					t.Fatal(err)
				}
				raw, err := io.ReadAll(body)
				if err != nil || post(t, w.url+"/users", string(raw)) != http.StatusCreated {
					t.Errorf("somebody else could not make it: %v", err)
				}
			}
		}
		w.onboarded("co-1")
		c.before = nil
		w.waits("linked", map[string]domain.Wait{"cp-1": "sign_in", "cp-2": "sign_in", "cp-3": "sign_in"})
		conflicts := 0
		for _, o := range w.platform.Orders() {
			if o.Status == http.StatusConflict {
				conflicts++
			}
		}
		if conflicts != 4 {
			t.Errorf("%d conflicts, want one for the coach and each of the three", conflicts)
		}
	})
}

// A place in a team is given up before another takes it.
func TestRemovalsComeBeforeAdditions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.settled()
		before := len(w.done())
		w.roster("co-1,mara@quill.example,,,cp-2,Bo,Tarn,,,t-2,Blue", "co-1,mara@quill.example,,,cp-3,Cy,Vane,,,t-1,Red")
		w.rounds()
		want := []string{remove("cp-2"), team("t-2", "co-1", "Blue", "Harbor High"), assign("t-2", "cp-2"), assign("t-1", "cp-3")}
		if diff := cmp.Diff(want, plain(w.done()[before:])); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
