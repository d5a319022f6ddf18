package views

import (
	"strings"
	"time"
)

// PhaseStep is a phase in the timeline of the rollout.
type PhaseStep struct {
	Title, URL string
	Current    bool
	Over       bool
	Part       int       // of 100 that the current one has soaked
	Soaked     string    // "soaked 32 of 48 h"
	Earliest   time.Time // when it may be entered at the earliest; zero: not known yet
	Then       string    // "then soaks 24 h"; "" where it need not
}

func (p PhaseStep) bar() (class, width string) {
	switch {
	case p.Current:
		return "me", share(int64(p.Part), 100)
	case p.Over:
		return "ref", "100%"
	}
	return "rest", "100%"
}

// GateTable is what the gates say of going on.
type GateTable struct {
	Phase     string // the one they were asked for: "50 %"
	Last      bool   // it is on already: the guard goes by its gates
	Rows      []GateRow
	NextURL   string // enters it
	AnewURL   string // begins the one that is on anew
	GuardText string // what the guard does when one fails
}

// GateRow is one gate.
type GateRow struct {
	Name, Title, Verdict, Value, Wanted, Over, Sentence string
	Since                                               time.Time // of the verdict; zero: not known
	Needed                                              bool
}

var verdicts = map[string]State{
	"pass": {Kind: "ok", Text: "Pass"}, "hold": {Kind: "warn", Text: "Hold"}, "fail": {Kind: "bad", Text: "Fail"}, "unknown": {Kind: "off", Text: "Unknown"},
}

func (r GateRow) state() State {
	if !r.Needed {
		return State{Kind: "off", Text: "Not needed"}
	}
	return verdicts[r.Verdict]
}

// counts says how the needed gates stand: "6 pass, 2 hold."
func (t GateTable) counts() string {
	found := map[string]int{}
	for _, r := range t.Rows {
		if r.Needed {
			found[r.Verdict]++
		}
	}
	var parts []string
	for _, v := range []struct{ verdict, one, many string }{{"pass", "passes", "pass"}, {"hold", "holds", "hold"}, {"fail", "fails", "fail"}, {"unknown", "is unknown", "are unknown"}} {
		if n := found[v.verdict]; n > 0 {
			parts = append(parts, Number(n)+" "+noun(n, v.one, v.many))
		}
	}
	if len(parts) == 0 {
		return "No gate is needed."
	}
	return strings.Join(parts, ", ") + "."
}

func (t GateTable) title() string {
	if t.Last {
		return "Gates of " + t.Phase
	}
	return "Gates for " + t.Phase
}

// open are the needed gates that do not pass.
func openGates(rows []GateRow) (list []GateRow) {
	for _, r := range rows {
		if r.Needed && r.Verdict != "pass" {
			list = append(list, r)
		}
	}
	return list
}

// gateNames are the gates that an override is about, as its form sends them.
func gateNames(rows []GateRow) string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return strings.Join(names, ",")
}

// openText says how many gates do not pass.
func openText(n int) string {
	return Plural(n, "gate does not pass.", "gates do not pass.")
}

// RolloutOverride is an override that is marked.
type RolloutOverride struct {
	Actor, Reason string
	Until         time.Time
	Gates         []string // titles
	Excused       []string // titles of those that failed
}

// excuse says for which gates the guard does not act.
func (o RolloutOverride) excuse() string {
	if len(o.Excused) == 0 {
		return ""
	}
	return "Until then the guard does not act for " + strings.Join(o.Excused, ", ") + ". "
}

// RolloutPlan is a move that the rollout makes by itself.
type RolloutPlan struct {
	Phase, Reason, By string
	NotBefore         time.Time // zero: as soon as gates pass
	Ended             time.Time // zero: it waits
	EndedWhy          string
}

// notBefore names the time of the first step, where there is one.
func (p RolloutPlan) notBefore(s Shell) string {
	if p.NotBefore.IsZero() {
		return ""
	}
	return ", not before " + Stamp(p.NotBefore, s.Now, s.Zone)
}

// PhaseForm asks before a phase is entered, now or later.
type PhaseForm struct {
	Name, Title, Action string
	Forward             bool // it gives more than there is
	Again               bool // it is on already
	Preview             RolloutPreviewData
	When, At            string // "now", "gates" or "time"; the time as it was typed
	Keep                bool
	Lasts               string // hours of an override
	Reason, Problem     string
	Seen                int64
}

// overrides are how long an override may be marked.
var overrideHours = []struct{ hours, text string }{{"24", "24 hours"}, {"48", "48 hours"}, {"72", "3 days"}, {"168", "7 days"}}

// PhaseSettings is the page on which phases, gates and the guard are set.
type PhaseSettings struct {
	Phases    []PhaseFields
	Gates     []GateField
	Reason    string
	Problem   string
	Seen      int64
	Rehearsal *RehearsalData
	GuardOn   bool
	GuardAct  string
}

// PhaseFields are the fields of one phase, as they were typed.
type PhaseFields struct {
	Index                            string
	Title                            string
	Percent                          string // "" where it is no percentage
	Soak                             string // hours
	Success, Failures, Hours, Number string // percent, percent, hours, reports
	Needed                           map[string]bool
	First                            bool // off: nothing to set
}

// GateField is a gate that can be chosen.
type GateField struct{ Name, Title string }

// RehearsalData is what the guard would have done with the gates in the form.
type RehearsalData struct {
	Since   time.Time // zero: nothing is stored yet
	Freezes []RehearsedFreeze
}

// RehearsedFreeze is a time in which the guard would have frozen.
type RehearsedFreeze struct {
	From, To time.Time // To zero: until now
	Why      string
}

// say is the result in a sentence.
func (r RehearsalData) say() string {
	switch n := len(r.Freezes); n {
	case 0:
		return "Would not have frozen."
	case 1:
		return "Would have frozen once:"
	case 2:
		return "Would have frozen twice:"
	default:
		return "Would have frozen " + Number(n) + " times:"
	}
}

// GuardActs are what the guard can do, with the words for it.
var GuardActs = []struct{ Act, Text string }{
	{"freeze", "Freeze: nobody else gets it until a person decides"},
	{"back", "Step back one phase, and freeze there"},
	{"off", "Turn the rollout off: nobody has it until a person decides"},
}

// set are the phases that can be set.
func (d PhaseSettings) set() (list []PhaseFields) {
	for _, p := range d.Phases {
		if !p.First {
			list = append(list, p)
		}
	}
	return list
}

// phaseInputs are the numbers of a phase, as rows of the table.
var phaseInputs = []struct {
	name, label, least, most, step string
	value                          func(PhaseFields) string
}{
	{"percent", "Percent of coaches", "1", "100", "1", func(p PhaseFields) string { return p.Percent }},
	{"soak", "Soaks for, hours", "0", "2160", "1", func(p PhaseFields) string { return p.Soak }},
	{"success", "Syncs that succeed, at least %", "50", "100", "0.1", func(p PhaseFields) string { return p.Success }},
	{"failures", "Failure rate, at most %", "0", "50", "0.1", func(p PhaseFields) string { return p.Failures }},
	{"recent", "A success within, hours", "1", "168", "1", func(p PhaseFields) string { return p.Hours }},
	{"reports", "Problem reports in 7 days, fewer than", "1", "1000", "1", func(p PhaseFields) string { return p.Number }},
}

// nowText says what it takes to move now.
func (d PhaseForm) nowText() string {
	if n := len(openGates(d.Preview.Gates)); n > 0 {
		return "Now, as an override of " + Plural(n, "gate", "gates")
	}
	return "Now"
}
