package handlers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// healthView is the page but for its runs.
func (p *pages) healthView(h store.SyncHealth, c circumstances, coaches map[string]string) views.Sync {
	view := views.Sync{
		Sentence: syncSentence(h, c), Latency: latencies(h, c.zone), Hours: syncHours(h, c.zone), Calls: calls(h, c.zone),
		Fresh: freshBars(h), Errors: errorBars(h), Targets: h.OnPlatform, PollURL: syncPath, PollEvery: pollIdle, LeftOut: leftOut(h),
	}
	view.Stats = healthStats(h, view.Latency)
	for _, r := range h.Open {
		if w, ok := p.work(r, c, coaches); ok {
			view.Work, view.PollEvery = append(view.Work, w), pollWorking
		}
	}
	if c.enabled && !c.killed && !c.pause.On() {
		view.Next = nextText(h, c)
	}
	return view
}

func healthStats(h store.SyncHealth, l views.LatencyOverTime) []views.Stat {
	rate := func(n store.SyncSums) (figure, small string) {
		if n.Tried() == 0 {
			return "none", ""
		}
		return rateOf(n.Succeeded, n.Tried()), "of " + views.Number(n.Tried())
	}
	day, dayOf := rate(h.Day)
	week, weekOf := rate(h.Week)
	median := "none"
	if l.All.Calls > 0 {
		median = views.Span(l.All.P50)
	}
	return []views.Stat{
		{Label: "syncs succeeded, 24 h", Figure: day, Small: dayOf},
		{Label: "syncs succeeded, 7 days", Figure: week, Small: weekOf},
		{Label: "median answer, 24 h", Figure: median},
		{ID: "stat-failures", Label: "failing now", Figure: views.Number(h.Failing), Small: "of " + views.Number(h.OnPlatform), URL: "/admin/failures"},
		{Label: "blocked, waiting for the platform", Figure: views.Number(h.Blocked)},
		{Label: "pending, never tried", Figure: views.Number(h.Pending)},
	}
}

// leftOut counts those who are not synced, and so in none of the figures.
func leftOut(h store.SyncHealth) string {
	var texts []string
	if h.NotOnPlatform > 0 {
		texts = append(texts, views.Number(h.NotOnPlatform)+" not on the platform yet")
	}
	if h.NotEnrolled > 0 {
		texts = append(texts, views.Number(h.NotEnrolled)+" whose coach's turn comes later")
	}
	if len(texts) == 0 {
		return ""
	}
	return "Competitors in none of these figures: " + strings.Join(texts, ", ") + ". A sync that is blocked counts neither as succeeded nor as failed."
}

// rateOf is a share in percent with one digit, rounded down: 100 % is said of all alone.
func rateOf(n, of int) string {
	return strconv.FormatFloat(math.Floor(1000*float64(n)/float64(of))/10, 'f', 1, 64) + " %"
}

func latencies(h store.SyncHealth, zone *time.Location) views.LatencyOverTime {
	l := views.LatencyOverTime{Zone: zone}
	all := domain.Latencies{}
	for _, hour := range h.Hours {
		for bucket, n := range hour.Latencies {
			all[bucket] += n
		}
		l.Hours = append(l.Hours, latencyHour(hour.At, hour.Latencies))
	}
	l.All = latencyHour(time.Time{}, all)
	return l
}

func latencyHour(at time.Time, l domain.Latencies) views.LatencyHour {
	return views.LatencyHour{At: at, Calls: l.Count(), P50: l.Percentile(.5), P95: l.Percentile(.95), P99: l.Percentile(.99)}
}

func syncHours(h store.SyncHealth, zone *time.Location) views.SyncsByHour {
	s := views.SyncsByHour{Zone: zone}
	for _, hour := range h.Hours {
		s.Hours = append(s.Hours, views.SyncHour{At: hour.At, Succeeded: hour.Succeeded, Failed: hour.Failed, Blocked: hour.Blocked})
	}
	return s
}

// calls are the answers by class: those answered well first, then the most frequent.
func calls(h store.SyncHealth, zone *time.Location) views.CallsByHour {
	view := views.CallsByHour{Zone: zone}
	totals := map[domain.FailureClass]int64{}
	for _, hour := range h.Hours {
		view.Hours = append(view.Hours, hour.At)
		for class, n := range hour.Calls {
			totals[class] += n
		}
	}
	var classes []domain.FailureClass
	for class := range totals {
		classes = append(classes, class)
	}
	slices.SortFunc(classes, func(a, b domain.FailureClass) int {
		return cmp.Or(first(a == "", b == ""), cmp.Compare(totals[b], totals[a]), cmp.Compare(a, b))
	})
	for _, class := range classes {
		c := views.CallClass{Class: class, Name: views.ClassName(class)}
		for _, hour := range h.Hours {
			c.ByHour = append(c.ByHour, hour.Calls[class])
		}
		view.Classes = append(view.Classes, c)
	}
	return view
}

// first compares by what must stand first.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func freshBars(h store.SyncHealth) views.Bars {
	f := h.Fresh
	title := "How fresh the results are"
	if h.Stale > 0 {
		title = views.Plural(h.Stale, "coach has", "coaches have") + " results older than 24 h"
	}
	return views.Bars{
		Title: title, Head: "Age", Empty: "Nobody is on the platform yet.",
		Caption: "Time since the last good sync, " + views.Plural(h.OnPlatform, "competitor", "competitors") + " of " + views.Plural(h.Coaches, "coach", "coaches"),
		Rows: []views.Bar{
			{Name: "under 1 hour", N: f.Under1h}, {Name: "1 to 4 hours", N: f.Under4h}, {Name: "4 to 8 hours", N: f.Under8h},
			{Name: "8 to 24 hours", N: f.Under24h}, {Name: "over 24 hours", N: f.Older, Late: true}, {Name: "never", N: f.Never, Late: true},
		},
	}
}

func errorBars(h store.SyncHealth) views.Bars {
	b := views.Bars{
		Title: "Errors by class", Head: "What happened", Empty: "No sync fails.",
		Caption: views.Plural(h.Failing, "competitor's last sync", "competitors' last sync") + " failed",
	}
	for _, e := range h.Errors {
		b.Rows = append(b.Rows, views.Bar{
			ID: "error-" + string(e.Class), Name: views.ClassName(e.Class), URL: link("/admin/failures", "class", string(e.Class)), N: e.Competitors, Late: true,
		})
	}
	return b
}

// work is an open run as what is going on. A scheduled one that has come to everybody only waits for the end of its quarter
// hour.
func (p *pages) work(r store.Run, c circumstances, coaches map[string]string) (views.Work, bool) {
	w := views.Work{What: runWhat(r, coaches), Queued: r.Queued, Done: r.Counts.Attempted, Of: max(r.Expected, r.Counts.Attempted), Counts: r.Counts}
	if r.Expected == 0 {
		w.Of = 0
	}
	if p.dead(r) || r.Stopped != "" || r.Kind == store.RunSchedule && r.Counts.Attempted >= r.Expected {
		return w, false
	}
	took, done := r.HeartbeatAt.Sub(r.RoundAt), r.Counts.Attempted-r.RoundAttempted
	if r.RoundAt.IsZero() || done < 1 || took < time.Second {
		return w, true
	}
	rate := float64(done) / took.Seconds()
	w.Rate = fmt.Sprintf("%.1f a second", rate)
	if left := w.Of - w.Done; left > 0 {
		w.Ends = c.now.Add(time.Duration(float64(left) / rate * float64(time.Second))).In(c.zone).Format("15:04")
	}
	return w, true
}

// nextText says what comes next: who is due now and soon, with retries apart.
func nextText(h store.SyncHealth, c circumstances) string {
	n := h.Next
	text := ""
	if n.DueNow > 0 {
		text = views.Plural(n.DueNow, "competitor is", "competitors are") + " due now. "
	}
	if n.At.IsZero() {
		return text
	}
	text += "Next: " + c.since(n.At)
	if n.Soon == 0 {
		return text + "."
	}
	return text + "; " + views.Number(n.Soon-n.SoonRetries) + " due and " + views.Plural(n.SoonRetries, "retry", "retries") + " within 15 minutes."
}
