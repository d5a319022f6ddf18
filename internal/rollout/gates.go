package rollout

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Gate is one condition for going on.
type Gate string

// The gates.
const (
	GateSuccess  Gate = "sync_success"
	GateFailures Gate = "failure_rate"
	GateRecent   Gate = "recent_success"
	GateAlerts   Gate = "no_alert"
	GateJobs     Gate = "job_duration"
	GateSoak     Gate = "soak"
	GatePilots   Gate = "pilots_ready"
	GateReports  Gate = "problem_reports"
)

// Gates lists every gate in the order pages show them.
var Gates = []Gate{GateSuccess, GateFailures, GateRecent, GateAlerts, GateJobs, GateSoak, GatePilots, GateReports}

func (g Gate) known() bool { return slices.Contains(Gates, g) }

// Verdict is what a gate says.
type Verdict string

// The verdicts. Only Pass lets a rollout go on, only Fail has the guard act.
const (
	Pass    Verdict = "pass"
	Hold    Verdict = "hold"    // not decided yet, or something outside keeps it from being decided
	Fail    Verdict = "fail"    // beyond doubt
	Unknown Verdict = "unknown" // there is nothing to decide by
)

// How sure a rate must be.
const (
	EnoughToPass = 52 // trials: if none of so many failed, fewer than 5 % do, with 95 % certainty
	EnoughToFail = 20
	Day          = 24 * time.Hour // of the failure rate
	Week         = 7 * Day        // of problem reports
	alertSettles = 10 * time.Minute
	asksStale    = 5 * time.Minute
)

// Facts are what gates go by, as they were at one moment. Zero times are "never".
type Facts struct {
	At         time.Time `json:"at"`
	PhaseSince time.Time `json:"phase_since,omitzero"`
	Enrolled   int       `json:"enrolled"` // coaches who have the feature

	FirstTriedAt  time.Time `json:"first_tried_at,omitzero"`
	LastTriedAt   time.Time `json:"last_tried_at,omitzero"`
	LastSuccessAt time.Time `json:"last_success_at,omitzero"`
	OutageSince   time.Time `json:"outage_since,omitzero"` // the platform fails for many

	AlertsAskedAt time.Time `json:"alerts_asked_at,omitzero"`
	Alerts        []Alert   `json:"alerts,omitempty"` // that hold
	Jobs          int       `json:"jobs"`             // that ever ran
	LateJobs      []string  `json:"late_jobs,omitempty"`
	LateSince     time.Time `json:"late_since,omitzero"`
	OutageJobs    []string  `json:"outage_jobs,omitempty"` // that an outage of the platform made late; not in LateJobs

	Pilots      int `json:"pilots"`
	PilotsReady int `json:"pilots_ready"`
	Reports     int `json:"reports"` // problem reports within a week, but those that were made while the platform was out of order

	Windows []Trials `json:"-"` // closed since the phase began, oldest first
}

// Alert is an alert that holds.
type Alert struct {
	Title  string    `json:"title"`
	Since  time.Time `json:"since"`
	Known  bool      `json:"known,omitempty"`  // somebody has said that they know
	Outage bool      `json:"outage,omitempty"` // it comes from an outage of the platform
}

// outage reports whether the platform is out of order.
func (f Facts) outage() bool { return !f.OutageSince.IsZero() }

// Result is what one gate says of the facts, with the arithmetic.
type Result struct {
	Gate      Gate
	Needed    bool // for the phase it was asked for
	Verdict   Verdict
	Value     float64 // in the unit of the gate: a share from 0 to 1, hours, or a count
	Known     bool    // there is a value
	N         int     // observations
	Threshold float64 // in the same unit
	Over      string  // what was counted: "trials since the phase began"
	Sentence  string
}

// Judge asks every gate, in the order of Gates. soak is that of the phase which is on, c what the next one needs.
func Judge(f Facts, soak time.Duration, c Criteria) []Result {
	results := []Result{
		success(f, c), failures(f, c), recent(f, c), alerts(f), jobs(f), soaked(f, soak), pilots(f), reports(f, c),
	}
	for i := range results {
		r := &results[i]
		r.Needed = c.Needs(r.Gate)
		if r.Verdict == Pass && f.outage() { // whatever is needed, nothing goes on in an outage
			r.Verdict, r.Sentence = Hold, r.Sentence+outOfOrder
		}
	}
	return results
}

const outOfOrder = " The platform is out of order."

// Passes reports whether everything that is needed passes.
func Passes(results []Result) bool { return len(NotPassed(results)) == 0 }

// NotPassed are the needed gates that do not pass.
func NotPassed(results []Result) (list []Result) {
	for _, r := range results {
		if r.Needed && r.Verdict != Pass {
			list = append(list, r)
		}
	}
	return list
}

// Failed are the needed gates that fail.
func Failed(results []Result) (list []Result) {
	for _, r := range results {
		if r.Needed && r.Verdict == Fail {
			list = append(list, r)
		}
	}
	return list
}

// success: enough of all trials since the phase began.
func success(f Facts, c Criteria) Result {
	most := math.Round((1-c.Success)*1e4) / 1e4 // without what floating point adds
	r := rated(f, f.Windows, most, func(windows []Trials, _ time.Time) []Trials { return windows })
	r.Gate, r.Threshold, r.Over = GateSuccess, c.Success, "trials since the phase began"
	if r.Known {
		r.Value = 1 - r.Value
	}
	return r
}

// failures: not too many of the latest trials.
func failures(f Facts, c Criteria) Result {
	r := rated(f, f.Windows, c.Failures, lastDay)
	r.Gate, r.Threshold, r.Over = GateFailures, c.Failures, "trials in 24 h, or the last 52"
	return r
}

// lastDay are the windows that closed in the 24 hours before a time, and as many before them as it takes to have enough trials: few
// pilots would never have enough in a day.
func lastDay(windows []Trials, until time.Time) []Trials {
	from := until.Add(-Day)
	begin, trials := len(windows), 0
	for begin > 0 && (windows[begin-1].To.After(from) || trials < EnoughToPass) {
		begin--
		trials += windows[begin].N()
	}
	return windows[begin:]
}

// rated judges a rate of failed trials, of which most may fail, over the part of the windows that counts. Its value is the share
// that failed.
func rated(f Facts, windows []Trials, most float64, part func([]Trials, time.Time) []Trials) Result {
	all := Sum(part(windows, f.At))
	r := Result{N: all.N()}
	if r.N > 0 {
		r.Value, r.Known = float64(all.Failed)/float64(r.N), true
	}
	what := fmt.Sprintf("%s of %s failed", domain.Number(all.Failed), domain.Plural(r.N, "trial", "trials"))
	switch enough := r.N >= EnoughToPass; {
	case f.outage():
		r.Verdict, r.Sentence = Hold, "The platform is out of order: nothing is decided until it is well again."
	case r.N == 0:
		r.Verdict, r.Sentence = Unknown, "No trial counts yet. "+windowsClose
	case failing(windows, most, part) && WilsonLower(all.Failed, r.N) > most && beyondOne(all, f.Enrolled):
		r.Verdict = Fail
		r.Sentence = fmt.Sprintf("%s: with 95 %% certainty at least %s fail, and at most %s may.", what, share(WilsonLower(all.Failed, r.N)), share(most))
	case enough && r.Value <= most:
		r.Verdict = Pass
		r.Sentence = fmt.Sprintf("%s, %s, with 95 %% certainty no more than %s; at most %s may.", what, share(r.Value), share(wilsonUpper(all.Failed, r.N)), share(most))
	case !enough:
		r.Verdict, r.Sentence = Hold, what+", "+needs(EnoughToPass-r.N, windows)
	case !beyondOne(all, f.Enrolled):
		r.Verdict = Hold
		r.Sentence = fmt.Sprintf("%s, %s, and at most %s may; all under one coach, so the rollout is not the cause. Mend them first.", what, share(r.Value), share(most))
	default:
		r.Verdict = Hold
		r.Sentence = fmt.Sprintf("%s, %s, and at most %s may; whether that is chance, two windows in a row must show.", what, share(r.Value), share(most))
	}
	return r
}

const windowsClose = "Windows of 6 hours are counted half an hour after their end."

// needs says how many trials are missing, and how long that takes at the pace so far.
func needs(missing int, windows []Trials) string {
	trials, with := 0, 0
	for _, w := range windows {
		if w.N() > 0 {
			trials, with = trials+w.N(), with+1
		}
	}
	more := int(math.Ceil(float64(missing) * float64(with) / float64(trials))) // windows
	return fmt.Sprintf("needs %s more, about %d h, to decide.", domain.Number(missing), more*windowHours)
}

// failing reports whether the rate is too high beyond doubt at the end of each of the last two windows in which something was tried.
func failing(windows []Trials, most float64, part func([]Trials, time.Time) []Trials) bool {
	seen := 0
	for end := len(windows); end > 0 && seen < 2; end-- {
		last := windows[end-1]
		if last.N() == 0 {
			continue
		}
		all := Sum(part(windows[:end], last.To))
		if all.N() < EnoughToFail || WilsonLower(all.Failed, all.N()) <= most {
			return false
		}
		seen++
	}
	return seen == 2
}

// beyondOne reports whether failures are not those of one coach alone, unless there is only one.
func beyondOne(all Trials, enrolled int) bool {
	return all.FailingCoaches > 1 || enrolled == 1 && all.FailingCoaches == 1
}

// recent: a success not long ago. It fails only where some were tried all that time: a first failure after syncs were stopped for a day
// is none.
func recent(f Facts, c Criteria) Result {
	r := Result{Gate: GateRecent, Threshold: c.Recent.Hours(), Over: "since the last success"}
	since, what := f.LastSuccessAt, "The last success was"
	if since.IsZero() {
		since, what = f.FirstTriedAt, "None has succeeded; the first was tried"
	}
	if since.IsZero() {
		r.Verdict, r.Sentence = Unknown, "No sync has been tried yet."
		return r
	}
	gap := f.At.Sub(since)
	r.Value, r.Known, r.N = gap.Hours(), true, 1
	what += " " + ago(gap)
	dry, enough := dryWindows(f.Windows), int(math.Ceil(c.Recent.Hours()/windowHours))
	switch due := !f.LastTriedAt.IsZero() && f.At.Sub(f.LastTriedAt) <= c.Recent; {
	case gap < c.Recent && !f.LastSuccessAt.IsZero():
		r.Verdict, r.Sentence = Pass, what+"."
	case f.outage():
		r.Verdict, r.Sentence = Hold, what+"; the platform is out of order."
	case gap < c.Recent:
		r.Verdict, r.Sentence = Hold, what+"."
	case !due:
		r.Verdict, r.Sentence = Unknown, what+", and nobody was due since."
	case dry < enough:
		r.Verdict, r.Sentence = Hold, fmt.Sprintf("%s, the last try %s. It fails when %s of 6 hours went by in which some were tried and none succeeded.",
			what, ago(f.At.Sub(f.LastTriedAt)), domain.Plural(enough, "window", "windows"))
	default:
		r.Verdict, r.Sentence = Fail, fmt.Sprintf("%s, the last try %s.", what, ago(f.At.Sub(f.LastTriedAt)))
	}
	return r
}

// dryWindows is in how many of the newest windows some were tried and none succeeded; windows in which nobody was tried are passed
// over, so that syncs which were stopped, or an outage, do not count.
func dryWindows(windows []Trials) (n int) {
	for i := len(windows) - 1; i >= 0 && windows[i].Succeeded == 0; i-- {
		if windows[i].Failed > 0 {
			n++
		}
	}
	return n
}

// alerts: none fires. One that has just begun is waited for: it may be the first sign of an outage, or pass.
func alerts(f Facts) Result {
	r := Result{Gate: GateAlerts, Over: "alerts that fire", Known: true, N: len(f.Alerts), Value: float64(len(f.Alerts))}
	if f.At.Sub(f.AlertsAskedAt) > asksStale {
		r.Known, r.N, r.Value = false, 0, 0
		r.Verdict, r.Sentence = Unknown, "The rules of alerts are not being asked. Is the portal running?"
		return r
	}
	r.Verdict, r.Sentence = Pass, "None fires."
	worst := 0
	for _, a := range f.Alerts {
		rank, verdict, why := 1, Hold, "."
		switch {
		case a.Outage || f.outage():
			why = ": that comes from an outage of the platform."
		case a.Known:
			why = ": somebody is on it."
		case f.At.Sub(a.Since) < alertSettles:
			why = ": it has just begun."
		default:
			rank, verdict, why = 2, Fail, ", since "+spell(f.At.Sub(a.Since))+"."
		}
		if rank > worst {
			worst, r.Verdict, r.Sentence = rank, verdict, a.Title+why
		}
	}
	if more := len(f.Alerts) - 1; more > 0 {
		r.Sentence += fmt.Sprintf(" And %s.", domain.Plural(more, "other", "others"))
	}
	return r
}

func jobs(f Facts) Result {
	r := Result{Gate: GateJobs, Over: "jobs over 10 minutes", N: f.Jobs, Known: f.Jobs > 0, Value: float64(len(f.LateJobs))}
	switch {
	case f.Jobs == 0:
		r.Verdict, r.Sentence = Unknown, "No job has come to its end yet."
	case len(f.LateJobs)+len(f.OutageJobs) == 0:
		r.Verdict, r.Sentence = Pass, "Every job was done in time when it last ran."
	case len(f.LateJobs) == 0:
		r.Verdict, r.Sentence = Hold, "An outage of the platform made a job late, and it was not done in time since: "+strings.Join(f.OutageJobs, ", ")+"."
	case f.outage():
		r.Verdict, r.Sentence = Hold, "A job took too long; the platform is out of order."
	default:
		r.Verdict = Fail
		r.Sentence = fmt.Sprintf("Took too long %s, and was not done in time since: %s.", ago(f.At.Sub(f.LateSince)), strings.Join(f.LateJobs, ", "))
	}
	return r
}

func soaked(f Facts, soak time.Duration) Result {
	r := Result{Gate: GateSoak, Verdict: Pass, Known: true, N: 1, Threshold: soak.Hours(), Over: "since the phase began", Sentence: "Long enough."}
	lasted := time.Duration(0)
	if !f.PhaseSince.IsZero() {
		lasted = max(0, f.At.Sub(f.PhaseSince))
	}
	r.Value = lasted.Hours()
	if soak == 0 {
		r.Sentence = "This phase need not last."
	} else if lasted < soak {
		r.Verdict, r.Sentence = Hold, hours(soak-lasted)+" more."
	}
	return r
}

func pilots(f Facts) Result {
	r := Result{Gate: GatePilots, N: f.Pilots, Known: f.Pilots > 0, Value: float64(f.PilotsReady), Threshold: float64(f.Pilots), Over: "pilots"}
	switch missing := f.Pilots - f.PilotsReady; {
	case f.Pilots == 0:
		r.Verdict, r.Sentence = Unknown, "No pilot is chosen yet."
	case missing > 0:
		r.Verdict, r.Sentence = Hold, fmt.Sprintf("%s not ready; the list of pilots says what is missing.", domain.Plural(missing, "pilot is", "pilots are"))
	default:
		r.Verdict, r.Sentence = Pass, "All of them pass every check."
	}
	return r
}

func reports(f Facts, c Criteria) Result {
	r := Result{Gate: GateReports, Verdict: Pass, Known: true, N: f.Reports, Value: float64(f.Reports), Threshold: float64(c.Reports), Over: "problem reports in 7 days"}
	r.Sentence = upper(domain.Plural(f.Reports, "report", "reports")) + " in the last 7 days."
	if f.Reports >= c.Reports {
		r.Verdict = Fail
		if f.outage() {
			r.Verdict, r.Sentence = Hold, r.Sentence+outOfOrder
		}
	}
	return r
}

func share(rate float64) string { return strconv.FormatFloat(100*rate, 'f', 1, 64) + " %" }

// spell writes a duration in its largest unit.
func spell(d time.Duration) string {
	switch {
	case d < time.Hour:
		return domain.Plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return domain.Plural(int(d.Hours()), "hour", "hours")
	}
	return domain.Plural(int(d.Hours())/24, "day", "days")
}

func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return spell(d) + " ago"
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var gateTitles = map[Gate]string{
	GateSuccess:  "Syncs succeed",
	GateFailures: "Failure rate",
	GateRecent:   "A recent success",
	GateAlerts:   "No alert firing",
	GateJobs:     "No job over 10 minutes",
	GateSoak:     "Soaked long enough",
	GatePilots:   "Pilots ready",
	GateReports:  "Few problem reports",
}

// Title is what the gate is called.
func (g Gate) Title() string { return gateTitles[g] }
