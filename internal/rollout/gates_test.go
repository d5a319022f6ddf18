package rollout

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
)

// Worked out with 50 digits from the formula of the score interval.
func TestWilsonLowerGoldenValues(t *testing.T) {
	for _, test := range []struct {
		k, n int
		want float64
	}{
		{0, 0, 0}, {0, 1, 0}, {0, 20, 0}, {0, 52, 0},
		{1, 5, 0.04596245388060396}, {5, 20, 0.12737716852035766}, {1, 1, 0.2698659487840541}, {3, 52, 0.023289743592634055},
		{5, 50, 0.04952903447744517}, {10, 100, 0.06071866701544723}, {20, 20, 0.8808421626390356}, {119, 357, 0.2936842701030504},
		{1, 357, 0.0006251564356026358},
	} {
		if got := WilsonLower(test.k, test.n); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%d of %d: %v, want %v", test.k, test.n, got, test.want)
		}
	}
}

// 52 is the first number of trials from which none failed says that fewer than 5 % do.
func TestFiftyTwoIsEnough(t *testing.T) {
	if enough, before := wilsonUpper(0, EnoughToPass), wilsonUpper(0, EnoughToPass-1); enough >= .05 || before < .05 {
		t.Errorf("none of 52: up to %v; none of 51: up to %v", enough, before)
	}
}

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// closed are windows that closed before noon, the last one last.
func closed(list ...Trials) []Trials {
	for i := range list {
		to := noon.Add(time.Duration(i+1-len(list)) * 6 * time.Hour)
		list[i].Window = Window{to.Add(-6 * time.Hour), to}
	}
	return list
}

// trials is a window with so many trials, of which some failed under these coaches.
func trials(n, failed int, coaches ...string) Trials {
	return Trials{Succeeded: n - failed, Failed: failed, FailingCoaches: len(coaches), Failing: coaches}
}

func times(n int, w Trials) (list []Trials) {
	for range n {
		list = append(list, w)
	}
	return list
}

// calm are facts for which every gate passes.
func calm(windows ...Trials) Facts {
	return Facts{
		At: noon, PhaseSince: noon.Add(-72 * time.Hour), Enrolled: 3,
		FirstTriedAt: noon.Add(-72 * time.Hour), LastTriedAt: noon.Add(-5 * time.Minute), LastSuccessAt: noon.Add(-5 * time.Minute),
		AlertsAskedAt: noon, Jobs: 3, Pilots: 2, PilotsReady: 2, Windows: closed(windows...),
	}
}

func judge(f Facts) map[Gate]Result {
	byGate := map[Gate]Result{}
	for _, r := range Judge(f, 48*time.Hour, defaultCriteria(Gates...)) {
		byGate[r.Gate] = r
	}
	return byGate
}

// The two gates about rates, with what has misled others.
func TestRates(t *testing.T) {
	for _, test := range []struct {
		name     string
		f        Facts
		success  Verdict
		failures Verdict
		says     string // in the sentence of sync_success
	}{
		{"none", calm(), Unknown, Unknown, "No trial counts yet."},
		{"only such as are left out (429s, a whole outage)", calm(Trials{LeftOut: 60}, Trials{LeftOut: 60}), Unknown, Unknown, "No trial counts yet."},
		{"off-season: windows with nobody in them", calm(Trials{}, Trials{}), Unknown, Unknown, "No trial"},
		{"1 of 5", calm(trials(5, 1, "a")), Hold, Hold, "1 of 5 trials failed, needs 47 more, about 60 h, to decide."},
		{"21 good ones", calm(trials(21, 0)), Hold, Hold, "0 of 21 trials failed, needs 31 more, about 12 h, to decide."},
		{"51 good ones", calm(trials(51, 0)), Hold, Hold, "needs 1 more, about 6 h, to decide."},
		{"52 good ones", calm(trials(52, 0)), Pass, Pass, "0 of 52 trials failed, 0.0 %, with 95 % certainty no more than 4.9 %; at most 5.0 % may."},
		{"5 of 20 in one window", calm(trials(20, 5, "a", "b")), Hold, Hold, "needs 32 more"},
		{"5 of 20 twice", calm(trials(20, 5, "a", "b"), trials(20, 5, "a", "b")), Fail, Fail, "10 of 40 trials failed: with 95 % certainty at least 15.6 % fail, and at most 5.0 % may."},
		{"5 of 19 twice: at the first end too few", calm(trials(19, 5, "a", "b"), trials(19, 5, "a", "b")), Hold, Hold, "needs 14 more"},
		{"5 of 20 twice, an empty window between", calm(trials(20, 5, "a", "b"), Trials{LeftOut: 20}, trials(20, 5, "a", "b")), Fail, Fail, "10 of 40"},
		{"one noisy window, then an empty one", calm(trials(20, 5, "a", "b"), Trials{LeftOut: 20}), Hold, Hold, "5 of 20"},
		{"one noisy window, then a good one", calm(trials(100, 10, "a", "b"), trials(100, 0)), Pass, Pass, "10 of 200"},
		{"one noisy window after good ones", calm(trials(40, 0), trials(20, 10, "a", "b")), Hold, Hold, "two windows in a row must show"},
		{"one student failing for ever", calm(times(8, trials(16, 1, "a"))...), Hold, Pass, "all under one coach"},
		{"one student of many failing for ever", calm(times(8, trials(40, 1, "a"))...), Pass, Pass, "8 of 320 trials failed, 2.5 %"},
		{"one coach failing", calm(times(8, trials(30, 10, "a"))...), Hold, Hold, "all under one coach"},
		{"another coach each time", calm(trials(30, 10, "a"), trials(30, 10, "b")), Fail, Fail, "20 of 60"},
		{"6 %: too many for one gate, not for the other", calm(times(8, trials(100, 6, "a", "b"))...), Hold, Pass, "48 of 800 trials failed, 6.0 %, and at most 5.0 % may; whether that is chance"},
		{"just what may fail", calm(times(8, trials(100, 5, "a", "b"))...), Pass, Pass, "40 of 800 trials failed, 5.0 %"},
		{"7 %, of enough to be sure", calm(times(8, trials(200, 14, "a", "b"))...), Fail, Pass, "at least 6.0 % fail"},
		{"bad days ago, good in the last 24 hours", calm(append(times(4, trials(50, 20, "a", "b")), times(4, trials(50, 0))...)...), Fail, Pass, "80 of 400"},
	} {
		got := judge(test.f)
		if s, f := got[GateSuccess], got[GateFailures]; s.Verdict != test.success || f.Verdict != test.failures || !strings.Contains(s.Sentence, test.says) {
			t.Errorf("%s: %s, %s, want %s, %s\n  %s\n  %s", test.name, s.Verdict, f.Verdict, test.success, test.failures, s.Sentence, f.Sentence)
		}
	}
}

func TestExactlyAtAThresholdPasses(t *testing.T) {
	for tenths := 500; tenths <= 1000; tenths++ {
		f := calm(trials(1000, 1000-tenths, "a", "b"))
		c := defaultCriteria(Gates...)
		c.Success = float64(tenths) / 1000
		if r := Judge(f, 0, c)[0]; r.Verdict != Pass {
			t.Errorf("%.1f %%: %s, %s", float64(tenths)/10, r.Verdict, r.Sentence)
		}
	}
}

func TestOneCoachAloneIsEnoughToFail(t *testing.T) {
	f := calm(times(4, trials(30, 10, "a"))...)
	f.Enrolled = 1
	if got := judge(f)[GateSuccess].Verdict; got != Fail {
		t.Errorf("got %s", got)
	}
}

// While the platform is out of order nothing fails and nothing passes that comes from it.
func TestAnOutageHolds(t *testing.T) {
	outage := func(f Facts) Facts {
		f.OutageSince = noon.Add(-3 * time.Hour)
		f.LastSuccessAt = noon.Add(-13 * time.Hour)
		f.Alerts = []Alert{{Title: "Too many syncs fail", Since: noon.Add(-3 * time.Hour)}}
		f.LateJobs, f.LateSince, f.Reports = []string{"syncs"}, noon.Add(-time.Hour), 9
		return f
	}
	for name, f := range map[string]Facts{
		"after good windows":     outage(calm(times(8, trials(60, 0))...)),
		"after bad windows":      outage(calm(times(8, trials(60, 30, "a", "b"))...)),
		"without a window":       outage(calm()),
		"where all else is well": func() Facts { f := calm(times(8, trials(60, 0))...); f.OutageSince = noon; return f }(),
	} {
		got := judge(f)
		for _, g := range Gates {
			if got[g].Verdict != Hold {
				t.Errorf("%s: %s: %s, %s", name, g, got[g].Verdict, got[g].Sentence)
			}
		}
	}
}

func TestOtherGates(t *testing.T) {
	with := func(change func(*Facts)) Facts {
		f := calm()
		change(&f)
		return f
	}
	dry := func(n int) []Trials { return closed(times(n, trials(9, 9, "a"))...) }
	hour := func(n float64) time.Time { return noon.Add(-time.Duration(n * float64(time.Hour))) }
	for _, test := range []struct {
		name string
		gate Gate
		f    Facts
		want Verdict
		says string
	}{
		{"just synced", GateRecent, calm(), Pass, "The last success was 5 minutes ago."},
		{"nobody ever tried", GateRecent, with(func(f *Facts) { f.FirstTriedAt, f.LastTriedAt, f.LastSuccessAt = time.Time{}, time.Time{}, time.Time{} }), Unknown, "No sync has been tried yet."},
		{"tried and none succeeded", GateRecent, with(func(f *Facts) { f.FirstTriedAt, f.LastSuccessAt = hour(2), time.Time{} }), Hold, "the first was tried 2 hours ago"},
		{"none in 12 hours, though tried", GateRecent, with(func(f *Facts) { f.LastSuccessAt, f.Windows = hour(12), dry(2) }), Fail, "12 hours ago, the last try 5 minutes ago"},
		{"none in 12 hours, though tried, over an outage", GateRecent, with(func(f *Facts) {
			f.LastSuccessAt, f.Windows = hour(30), closed(trials(9, 9, "a"), Trials{LeftOut: 9}, trials(9, 9, "a"))
		}), Fail, "30 hours ago"},
		{"the first try after syncs were stopped fails", GateRecent, with(func(f *Facts) { f.LastSuccessAt = hour(24) }), Hold, "It fails when 2 windows of 6 hours went by"},
		{"tried in one window since", GateRecent, with(func(f *Facts) { f.LastSuccessAt, f.Windows = hour(12), dry(1) }), Hold, "12 hours ago"},
		{"a window with a success between", GateRecent, with(func(f *Facts) {
			f.LastSuccessAt, f.Windows = hour(13), closed(trials(9, 9, "a"), trials(9, 8, "a"), trials(9, 9, "a"))
		}), Hold, "13 hours ago"},
		{"a moment less", GateRecent, with(func(f *Facts) { f.LastSuccessAt = hour(12).Add(time.Second) }), Pass, "11 hours"},
		{"off-season: nobody was due", GateRecent, with(func(f *Facts) { f.LastSuccessAt, f.LastTriedAt = hour(300), hour(299) }), Unknown, "nobody was due"},
		{"none fires", GateAlerts, calm(), Pass, "None fires."},
		{"nobody asks the rules", GateAlerts, with(func(f *Facts) { f.AlertsAskedAt = hour(.1) }), Unknown, "not being asked"},
		{"one fires", GateAlerts, with(func(f *Facts) { f.Alerts = []Alert{{Title: "Too many syncs fail", Since: hour(1)}} }), Fail, "Too many syncs fail, since 1 hour."},
		{"one has just begun", GateAlerts, with(func(f *Facts) { f.Alerts = []Alert{{Title: "X", Since: hour(.1)}} }), Hold, "it has just begun"},
		{"somebody is on it", GateAlerts, with(func(f *Facts) { f.Alerts = []Alert{{Title: "X", Since: hour(1), Known: true}} }), Hold, "somebody is on it"},
		{"left over from an outage", GateAlerts, with(func(f *Facts) { f.Alerts = []Alert{{Title: "X", Since: hour(1), Outage: true}} }), Hold, "outage"},
		{"one of three is ours", GateAlerts, with(func(f *Facts) {
			f.Alerts = []Alert{{Title: "X", Since: hour(1), Outage: true}, {Title: "Y", Since: hour(1)}, {Title: "Z", Since: hour(1), Known: true}}
		}), Fail, "Y, since 1 hour. And 2 others."},
		{"no job yet", GateJobs, with(func(f *Facts) { f.Jobs = 0 }), Unknown, "No job"},
		{"in time", GateJobs, calm(), Pass, "in time"},
		{"late", GateJobs, with(func(f *Facts) { f.LateJobs, f.LateSince = []string{"syncs"}, hour(2) }), Fail, "2 hours ago, and was not done in time since: syncs."},
		{"soaked", GateSoak, calm(), Pass, "Long enough."},
		{"to the second", GateSoak, with(func(f *Facts) { f.PhaseSince = hour(48) }), Pass, "Long enough."},
		{"16 hours to go", GateSoak, with(func(f *Facts) { f.PhaseSince = hour(32) }), Hold, "16 h more."},
		{"a clock that was set back", GateSoak, with(func(f *Facts) { f.PhaseSince = hour(-2) }), Hold, "48 h more."},
		{"late from an outage", GateJobs, with(func(f *Facts) { f.OutageJobs = []string{"syncs"} }), Hold, "An outage of the platform made a job late"},
		{"late from an outage, and another", GateJobs, with(func(f *Facts) {
			f.OutageJobs, f.LateJobs, f.LateSince = []string{"syncs"}, []string{"digests"}, hour(1)
		}), Fail, "digests"},
		{"no pilot", GatePilots, with(func(f *Facts) { f.Pilots, f.PilotsReady = 0, 0 }), Unknown, "No pilot"},
		{"one not ready", GatePilots, with(func(f *Facts) { f.PilotsReady = 1 }), Hold, "1 pilot is not ready"},
		{"all ready", GatePilots, calm(), Pass, "All of them"},
		{"4 reports", GateReports, with(func(f *Facts) { f.Reports = 4 }), Pass, "4 reports in the last 7 days."},
		{"5 reports", GateReports, with(func(f *Facts) { f.Reports = 5 }), Fail, "5 reports"},
	} {
		if got := judge(test.f)[test.gate]; got.Verdict != test.want || !strings.Contains(got.Sentence, test.says) {
			t.Errorf("%s: %s, %q; want %s, %q", test.name, got.Verdict, got.Sentence, test.want, test.says)
		}
	}
}

// What is shown beside a verdict is what it was decided by.
func TestResultsShowTheirArithmetic(t *testing.T) {
	f := calm(trials(50, 0), trials(50, 2, "a"))
	type figures struct {
		Value     float64
		Known     bool
		N         int
		Threshold float64
	}
	got := map[Gate]figures{}
	for g, r := range judge(f) {
		got[g] = figures{math.Round(r.Value*1000) / 1000, r.Known, r.N, r.Threshold}
	}
	want := map[Gate]figures{
		GateSuccess: {.98, true, 100, .95}, GateFailures: {.02, true, 100, .1}, GateRecent: {.083, true, 1, 12}, GateAlerts: {0, true, 0, 0},
		GateJobs: {0, true, 3, 0}, GateSoak: {72, true, 1, 48}, GatePilots: {2, true, 2, 2}, GateReports: {0, true, 0, 5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyNeededGatesCount(t *testing.T) {
	f := calm(times(8, trials(60, 0))...)
	f.Reports = 7
	for _, test := range []struct {
		needed []Gate
		passes bool
		trips  int
	}{{Gates, false, 1}, {[]Gate{GateSuccess, GateSoak}, true, 0}, {nil, true, 0}, {[]Gate{GateReports}, false, 1}} {
		results := Judge(f, 0, defaultCriteria(test.needed...))
		if got := Passes(results); got != test.passes || len(Trips(results, nil)) != test.trips || len(results) != len(Gates) {
			t.Errorf("%v: passes %v, %d trip", test.needed, got, len(Trips(results, nil)))
		}
	}
	results := Judge(f, 0, defaultCriteria(Gates...))
	if got := Trips(results, []Gate{GateReports}); len(got) != 0 || Passes(results) {
		t.Errorf("an overridden gate trips the guard: %+v", got)
	}
}

func TestWindowsAreQuartersOfCalendarDays(t *testing.T) {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		zone *time.Location
		at   string // UTC
		want string // in the zone
		took time.Duration
	}{
		{time.UTC, "2026-11-18T12:00:00Z", "18 12:00 to 18 18:00", 6 * time.Hour},
		{time.UTC, "2026-11-18T11:59:59Z", "18 06:00 to 18 12:00", 6 * time.Hour},
		{pacific, "2026-11-18T07:59:00Z", "17 18:00 to 18 00:00", 6 * time.Hour},
		{pacific, "2026-11-18T08:00:00Z", "18 00:00 to 18 06:00", 6 * time.Hour},
		{pacific, "2026-03-08T09:30:00Z", "08 00:00 to 08 06:00", 5 * time.Hour}, // forward
		{pacific, "2026-11-01T09:30:00Z", "01 00:00 to 01 06:00", 7 * time.Hour}, // back
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		w := WindowOf(at, test.zone)
		got := w.From.In(test.zone).Format("02 15:04") + " to " + w.To.In(test.zone).Format("02 15:04")
		if got != test.want || w.To.Sub(w.From) != test.took {
			t.Errorf("%s: %s, %v; want %s, %v", test.at, got, w.To.Sub(w.From), test.want, test.took)
		}
	}
	// Every moment is in its window, and windows follow each other without a gap.
	for _, name := range []string{
		"UTC", "America/Los_Angeles", "Africa/Cairo", "Asia/Beirut", // clocks go forward at midnight
		"America/Havana", "America/Santiago", "Atlantic/Azores", "Asia/Amman", "Antarctica/Casey", // there is a midnight twice
		"Asia/Kathmandu",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		last := Window{}
		for at := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(15 * time.Minute) {
			w := WindowOf(at, zone)
			if at.Before(w.From) || !at.Before(w.To) || w != last && !last.To.IsZero() && !w.From.Equal(last.To) {
				t.Fatalf("%v at %v: %v to %v, after %v to %v", zone, at, w.From, w.To, last.From, last.To)
			}
			last = w
		}
	}
}

func TestLocalTimesAroundSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-11-30T18:00": "2026-11-30T17:00:00Z", "2026-03-29T03:00": "2026-03-29T01:00:00Z",
		"2026-10-25T02:30": "2026-10-25T00:30:00Z", // twice: the first
		"2026-03-29T02:30": "", "yesterday": "", "": "",
	} {
		got, err := ParseLocal(text, berlin)
		if want == "" && domain.CodeOf(err) == domain.Invalid {
			continue
		}
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v; want %q", text, got, err, want)
		}
	}
}

func TestPhases(t *testing.T) {
	phases := DefaultPhases()
	if err := CheckPhases(phases); err != nil {
		t.Error(err)
	}
	var names []string
	for _, p := range phases {
		names = append(names, p.Name())
	}
	if diff := cmp.Diff([]string{"off", "pilot", "10 %", "50 %", "100 %"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]int{"off": 0, "Pilot": 1, "10": 2, "10%": 2, "10 %": 2, "100": 4, "": -1, "20": -1, "%": -1} {
		got, err := PhaseNamed(phases, name)
		if (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v, want %d", name, got, err, want)
		}
	}
	for _, test := range []struct {
		l     Level
		begun bool
		want  int
	}{{Level{}, false, 0}, {Level{}, true, 1}, {Level{Off: true}, true, 0}, {Level{Percent: 9}, true, 1}, {Level{Percent: 10}, true, 2}, {Level{Percent: 99}, true, 3}, {Level{Percent: 100}, true, 4}} {
		if got := PhaseAt(phases, test.l, test.begun); got != test.want {
			t.Errorf("%v, begun %v: %d, want %d", test.l, test.begun, got, test.want)
		}
	}
	for name, change := range map[string]func([]Phase) []Phase{
		"too few":        func(p []Phase) []Phase { return p[:2] },
		"no off":         func(p []Phase) []Phase { return p[1:] },
		"falling":        func(p []Phase) []Phase { p[3].Level.Percent = 10; return p },
		"above all":      func(p []Phase) []Phase { p[4].Level.Percent = 101; return p },
		"soak below 0":   func(p []Phase) []Phase { p[1].Soak = -time.Hour; return p },
		"no share":       func(p []Phase) []Phase { p[2].Gates.Success = 1.5; return p },
		"not a number":   func(p []Phase) []Phase { p[2].Gates.Success = math.NaN(); return p },
		"too many fail":  func(p []Phase) []Phase { p[2].Gates.Failures = .51; return p },
		"no time at all": func(p []Phase) []Phase { p[2].Gates.Recent = 0; return p },
		"no report":      func(p []Phase) []Phase { p[2].Gates.Reports = 0; return p },
		"unknown gate":   func(p []Phase) []Phase { p[2].Gates.Needed = []Gate{"party"}; return p },
	} {
		if err := CheckPhases(change(DefaultPhases())); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDifferencesOfPhases(t *testing.T) {
	after := DefaultPhases()
	if got := Differences(DefaultPhases(), after); got != nil {
		t.Errorf("of the same: %q", got)
	}
	after[1].Soak = 24 * time.Hour
	after[2].Level.Percent, after[2].Gates.Success, after[2].Gates.Failures = 25, .975, .05
	after[3].Gates.Recent, after[3].Gates.Reports, after[3].Gates.Needed = 6*time.Hour, 2, []Gate{GateSoak}
	after[1].Gates.Needed = []Gate{GatePilots}
	want := []string{
		"pilot: soaks 24 h, was 48 h; now needs Pilots ready.",
		"10 %: share 25 %, was 10 %; succeed at least 97.5 %, was 95.0 %; fail at most 5.0 %, was 10.0 %.",
		"50 %: a success within 6 h, was 12 h; fewer reports than 2, was 5; no longer needs Syncs succeed; no longer needs Failure rate; " +
			"no longer needs A recent success; no longer needs No alert firing; no longer needs No job over 10 minutes; no longer needs Pilots ready; " +
			"no longer needs Few problem reports.",
	}
	if diff := cmp.Diff(want, Differences(DefaultPhases(), after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRehearsal(t *testing.T) {
	start := noon.Add(-20 * 24 * time.Hour)
	var windows []Trials
	var history []Moment
	for i := range 80 {
		from := start.Add(time.Duration(i) * 6 * time.Hour)
		w := trials(30, 0)
		if i >= 20 && i < 24 || i >= 50 && i < 53 {
			w = trials(30, 12, "a", "b")
		}
		w.Window = Window{from, from.Add(6 * time.Hour)}
		windows = append(windows, w)
		f := calm()
		f.At, f.PhaseSince = w.To.Add(OutageShows), start
		f.LastTriedAt, f.LastSuccessAt, f.AlertsAskedAt = f.At, f.At, f.At
		history = append(history, Moment{f, Level{Percent: 10}})
	}
	off := false
	freezes := func(change func(*Criteria)) (list []string) {
		phases := DefaultPhases()
		change(&phases[3].Gates)
		moments := slices.Clone(history)
		for i := range moments {
			moments[i].Level.Off = off
		}
		phases[1].Gates.Needed = Gates // nobody has it while it is off
		for _, f := range Rehearse(moments, windows, phases) {
			to := "the end"
			if !f.To.IsZero() {
				to = fmt.Sprint(math.Floor(f.To.Sub(start).Hours() / 6))
			}
			list = append(list, fmt.Sprintf("%s %v to %s", f.Gate, math.Floor(f.From.Sub(start).Hours()/6), to))
		}
		return list
	}
	for name, test := range map[string]struct {
		change func(*Criteria)
		want   []string
	}{
		"as it is":             {func(*Criteria) {}, []string{"failure_rate 23 to 27", "failure_rate 53 to 56"}},
		"more may fail":        {func(c *Criteria) { c.Failures, c.Success = .5, .5 }, nil},
		"without that gate":    {func(c *Criteria) { c.Needed = []Gate{GateSoak} }, nil},
		"while it is off":      {func(c *Criteria) { off = true }, nil},
		"only the whole phase": {func(c *Criteria) { c.Needed = []Gate{GateSuccess} }, []string{"sync_success 25 to 26"}},
	} {
		off = false
		if diff := cmp.Diff(test.want, freezes(test.change)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
