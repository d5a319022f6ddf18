// Package metrics counts what this process does and shows it, with how things are, in the form that Prometheus reads. Labels
// have few values each: no id of a person, run or coach is one. It imports alert, domain, metactf, store and client_golang.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/store"
)

// Metrics are the counters of one process. The zero value is of no use; make one with New.
type Metrics struct {
	registry *prometheus.Registry
	syncs    *prometheus.CounterVec
	calls    *prometheus.HistogramVec
	jobs     *prometheus.HistogramVec
	timeouts prometheus.Counter

	store    *store.System
	off      bool
	clock    domain.Clock
	log      *slog.Logger
	client   atomic.Pointer[metactf.Client] // nil: this process calls no platform
	snapshot atomic.Pointer[store.Gauges]   // nil: none was read yet
}

// New makes the counters. off says that the integration is switched off.
func New(s *store.System, off bool, clock domain.Clock, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), store: s, off: off, clock: clock, log: log,
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flagpole_syncs_total", Help: "Syncs of one competitor that were stored, by result."}, []string{"result"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flagpole_platform_call_duration_seconds", Help: "Calls of the platform, repeats included, by endpoint and class; class ok was answered well.",
			Buckets: []float64{.05, .1, .2, .3, .5, .75, 1, 2, 5, 10, 20},
		}, []string{"endpoint", "class"}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flagpole_job_duration_seconds", Help: "Background jobs, by name; sync is a batch of up to 200 competitors.",
			Buckets: []float64{.01, .1, 1, 5, 15, 60, 180, 300, 600},
		}, []string{"job"}),
		timeouts: prometheus.NewCounter(prometheus.CounterOpts{Name: "flagpole_job_timeouts_total", Help: "Jobs that were ended because they took longer than 10 minutes."}),
	}
	for _, result := range []string{"changed", "unchanged", "blocked", "failed"} {
		m.syncs.WithLabelValues(result) // so that a rate can be taken from the start
	}
	m.registry.MustRegister(m.syncs, m.calls, m.jobs, m.timeouts, now{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Uses says which client this process calls the platform with.
func (m *Metrics) Uses(c *metactf.Client) { m.client.Store(c) }

// Call counts a call of the platform.
func (m *Metrics) Call(e metactf.Exchange) {
	class := string(e.Class)
	if class == "" {
		class = "ok"
	}
	m.calls.WithLabelValues(e.Endpoint, class).Observe(e.Took.Seconds())
}

// Synced counts a stored sync.
func (m *Metrics) Synced(result string) { m.syncs.WithLabelValues(result).Inc() }

// Job counts a job that is over.
func (m *Metrics) Job(name string, took time.Duration, timedOut bool) {
	m.jobs.WithLabelValues(name).Observe(took.Seconds())
	if timedOut {
		m.timeouts.Inc()
	}
}

// Read reads how things are, so that who asks for the metrics need not wait for the database.
func (m *Metrics) Read(ctx context.Context) {
	g, err := m.store.Gauges(ctx, m.clock(), m.off)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Error("cannot read the gauges; it is tried again", "error", err)
		}
		return
	}
	m.snapshot.Store(&g)
}

// Handler shows all metrics. It reads no database.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// now collects the gauges of the last reading.
type now struct{ m *Metrics }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flagpole_"+name, help, labels, nil)
}

var (
	due         = desc("competitors_due", "Competitors who are due now.")
	overdue     = desc("competitors_overdue", "Competitors who have been due for more than an hour.")
	fresh       = desc("competitors_fresh", "Competitors by the time since their last good sync; each is in one class.", "within")
	open        = desc("open_failures", "Open failures that nobody has cleared, by class.", "class")
	tried       = desc("competitors_tried", "Competitors by the result of their last sync, where that was in the last 24 hours.", "result")
	latestRun   = desc("latest_run_competitors", "Competitors of the newest run that tried at least 10: all, and those for whom the platform failed.", "result")
	lastSuccess = desc("last_success_timestamp_seconds", "The last good sync; 0: never.")
	lastAttempt = desc("last_attempt_timestamp_seconds", "The last sync that succeeded or failed; 0: never.")
	lastCycle   = desc("last_cycle_timestamp_seconds", "When everybody who was due before had been tried; 0: never.")
	failedRuns  = desc("runs_failed_in_a_row", "The newest runs in which at least 5 were tried and none succeeded.")
	jobTimedOut = desc("job_timed_out", "1: a job took longer than 10 minutes when it was last run.")
	refused     = desc("platform_token_refused", "1: the platform refuses the token.")
	stopped     = desc("syncs_stopped", "1: syncs are switched off, paused, or the kill switch is on.")
	frozen      = desc("rollout_frozen", "1: the guard of the rollout has acted, and nobody has decided since.")
	rate        = desc("platform_rate_limit", "Calls of the platform a second: as configured, and as they are now.", "kind")
	state       = desc("platform_state", "1 for the state of the client.", "state")
	dbErrors    = desc("database_errors_total", "Statements of this process at which the database failed.")
	diskFree    = desc("disk_free_ratio", "The free share of the disk that the database lies on.")
	undelivered = desc("undelivered_messages", "Messages about alerts that are late by 15 minutes or were given up in the last 24 hours.", "channel")
	alerts      = desc("alert", "1 for the state of each rule that holds.", "rule", "state")
	readAt      = desc("snapshot_timestamp_seconds", "When the gauges were read from the database.")
)

// Describe implements prometheus.Collector.
func (n now) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		due, overdue, fresh, open, tried, latestRun, lastSuccess, lastAttempt, lastCycle, failedRuns, jobTimedOut, refused, stopped, frozen, rate, state,
		dbErrors, diskFree, undelivered, alerts, readAt,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (n now) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(dbErrors, prometheus.CounterValue, float64(n.m.store.DatabaseErrors()))
	s := sink{out}
	if client := n.m.client.Load(); client != nil && client.Calls() > 0 {
		s.client(client.State())
	}
	if g := n.m.snapshot.Load(); g != nil {
		s.gauges(*g)
	}
}

type sink struct{ out chan<- prometheus.Metric }

func (s sink) set(d *prometheus.Desc, value float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s sink) client(c metactf.State) {
	s.set(rate, c.ConfiguredRate, "configured")
	s.set(rate, c.Rate, "current")
	for _, kind := range []metactf.StateKind{metactf.Open, metactf.Paused, metactf.BreakerOpen, metactf.TokenRefused} {
		s.set(state, one(c.Kind == kind), string(kind))
	}
}

func (s sink) gauges(g store.Gauges) {
	f := g.Facts
	s.set(readAt, seconds(f.At))
	s.set(due, float64(g.Next.DueNow))
	s.set(overdue, float64(g.Overdue))
	for _, c := range []struct {
		within string
		n      int
	}{{"1h", g.Fresh.Under1h}, {"4h", g.Fresh.Under4h}, {"8h", g.Fresh.Under8h}, {"24h", g.Fresh.Under24h}, {"older", g.Fresh.Older}, {"never", g.Fresh.Never}} {
		s.set(fresh, float64(c.n), c.within)
	}
	for _, class := range domain.FailureClasses {
		s.set(open, float64(g.Open[class]), string(class))
	}
	s.set(tried, float64(f.Succeeded), "succeeded")
	s.set(tried, float64(f.Failed), "failed")
	if i := slices.IndexFunc(f.Runs, func(r alert.Run) bool { return r.Tried() >= 10 }); i >= 0 {
		s.set(latestRun, float64(f.Runs[i].Tried()), "tried")
		s.set(latestRun, float64(f.Runs[i].PlatformErrors), "platform_error")
	}
	s.set(lastSuccess, seconds(f.LastSuccessAt))
	s.set(lastAttempt, seconds(f.LastTriedAt))
	s.set(lastCycle, seconds(f.Cycle.CompletedAt))
	s.set(failedRuns, float64(f.FailedRuns()))
	s.set(jobTimedOut, one(f.JobTimedOut()))
	s.set(refused, one(!f.TokenRefusedSince.IsZero()))
	s.set(stopped, one(f.Stopped != ""))
	s.set(frozen, one(!f.GuardActedAt.IsZero()))
	if f.Disk.Known {
		s.set(diskFree, f.Disk.Share())
	}
	for _, channel := range domain.Channels {
		n := 0
		for _, u := range f.Undelivered {
			if u.Channel == channel {
				n = u.Messages
			}
		}
		s.set(undelivered, float64(n), string(channel))
	}
	for _, a := range g.Alerts {
		for _, st := range []domain.AlertState{domain.AlertFiring, domain.AlertAcknowledged} {
			s.set(alerts, one(a.State == st), string(a.Rule), string(st))
		}
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it; 0: never.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
