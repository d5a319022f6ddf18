package views

import (
	"testing"
	"time"
)

// someGates are a gate of each verdict, and one that is not needed.
func someGates() []GateRow {
	return []GateRow{
		{Title: "Syncs succeed", Verdict: "pass", Value: "99.1 %", Wanted: "at least 95 %", Over: "1,412 trials since the phase began", Sentence: "12 of 1,412 trials failed.", Since: now, Needed: true},
		{Title: "Failure rate", Verdict: "hold", Value: "3.2 %", Wanted: "at most 10 %", Sentence: "1 of 31 trials failed, needs 21 more, about 6 h, to decide.", Needed: true},
		{Title: "No alert firing", Verdict: "fail", Value: "1", Wanted: "none", Sentence: "Too many syncs fail, since 2 hours.", Needed: true},
		{Title: "Pilots ready", Verdict: "unknown", Wanted: "all", Sentence: "No pilot is chosen yet.", Needed: true},
		{Title: "Few problem reports", Verdict: "fail", Value: "7", Wanted: "fewer than 5", Sentence: "7 reports in the last 7 days."},
	}
}

func someRollout() Rollout {
	return Rollout{
		Level: "10", Eligible: 20, Enrolled: 2, PhaseName: "10 %", PhaseSince: now.Add(-20 * time.Hour), Form: RolloutForm{Percent: "10"},
		Steps: []PhaseStep{
			{Title: "Off", URL: "/rollout/phase/off", Over: true}, {Title: "10 %, 2 coaches", URL: "/rollout/phase/10", Current: true, Part: 41, Soaked: "soaked 20 of 48 h"},
			{Title: "50 %, 10 coaches", URL: "/rollout/phase/50", Earliest: now.Add(28 * time.Hour), Then: "then soaks 24 h"}, {Title: "90 %, 18 coaches", URL: "/rollout/phase/90", Earliest: now}, {Title: "100 %, 20 coaches", URL: "/rollout/phase/100"},
		},
		Gates:    GateTable{Phase: "50 %", Rows: someGates(), NextURL: "/rollout/phase/50", AnewURL: "/rollout/phase/10", GuardText: "If a gate fails, the guard freezes the rollout."},
		FrozenAt: now.Add(-time.Hour), FrozenWhy: "No alert firing: Too many syncs fail, since 2 hours.",
		Overrides: []RolloutOverride{{Actor: "ingrid@house.example", Reason: "<b>sure</b>", Until: now.Add(30 * time.Hour), Gates: []string{"Soaked long enough"}}},
		Plan:      &RolloutPlan{Phase: "50 %", Reason: "by itself", By: "ingrid@house.example", Ended: now.Add(-time.Hour), EndedWhy: "The guard acted."},
	}
}

func somePhases() PhaseSettings {
	return PhaseSettings{
		Phases: []PhaseFields{{Index: "0", First: true}, {Index: "1", Title: "Pilot", Soak: "48", Success: "95", Failures: "10", Hours: "12", Number: "5", Needed: map[string]bool{"soak": true}},
			{Index: "2", Title: "10 %", Percent: "10", Soak: "48", Success: "99.5", Failures: "10", Hours: "12", Number: "5"}},
		Gates: []GateField{{"sync_success", "Syncs succeed"}, {"soak", "Soaked long enough"}}, GuardOn: true, GuardAct: "back",
		Rehearsal: &RehearsalData{Since: now.Add(-90 * 24 * time.Hour), Freezes: []RehearsedFreeze{{now.Add(-48 * time.Hour), now.Add(-40 * time.Hour), "Failure rate: 12 of 60 trials failed."}, {From: now.Add(-time.Hour), Why: "Syncs succeed."}}},
	}
}

func someLaunch() Launch {
	list := LaunchList{ID: "pilot", Title: "Ready for the pilot"}
	list.AddAt(now, "The platform accepts our token", "Last accepted", "Not yet.")
	list.AddAt(time.Time{}, "Alerts reach somebody", "A test alert was delivered", "No test alert was delivered yet.")
	list.Items = append(list.Items,
		LaunchItem{ID: "pilots_briefed", Title: "Pilots are briefed", Detail: "Each has the page.", Done: true, Confirm: true, By: "ingrid@house.example", At: now},
		LaunchItem{ID: "team_trained", Title: "The team is trained", Confirm: true})
	return Launch{Lists: []LaunchList{list}, Days: []LaunchDay{{now.Add(-48 * time.Hour), 60, 61, "98.4 %", true}, {now.Add(-24 * time.Hour), 10, 20, "50 %", false}, {Day: now}}}
}

func TestGatesShowTheirVerdicts(t *testing.T) {
	doc := render(t, RolloutPage(shell("product", "/rollout"), someRollout()))
	wantEach(t, doc, "#gates tbody .s", "Pass", "Hold", "Fail", "Unknown", "Not needed")
	wantWords(t, doc, "#gates .meta", "1 passes, 1 holds, 1 fails, 1 is unknown. If a gate fails, the guard freezes the rollout. Change phases, gates and guard · Launch lists")
	wantWords(t, doc, ".phases [aria-current=step]", "10 %, 2 coaches On now soaked 20 of 48 h")
	wantEach(t, doc, ".phases .s", "Over", "On now", "Earliest 20 Nov, 22:52", "When its gates pass", "Not yet")
	wantAttr(t, doc, ".phases [aria-current=step] rect.me", "width", "41.0%")
	wantWords(t, doc, "#gates .acts a:first-child", "Go on to 50 %, now or later…")
}

func TestARehearsalSaysHowOften(t *testing.T) {
	for n, want := range map[int]string{0: "Would not have frozen.", 1: "Would have frozen once:", 2: "Would have frozen twice:", 3: "Would have frozen 3 times:"} {
		if got := (RehearsalData{Freezes: make([]RehearsedFreeze, n)}).say(); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
