package metrics

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsShowWhatWasDoneAndHowThingsAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		var rows []roster.Row
		for i, id := range []string{"1", "2", "3"} {
			rows = append(rows, roster.Row{
				Line: i + 2, CoachEmail: "h.osei@north.example", CoachName: "Halima Osei", FirstName: "Amara", LastName: "Nwosu" + id, Email: "amara" + id + "@pupil.example",
				Division: domain.HighSchool, Status: domain.ProfileComplete, CompetitorID: "C-" + id, GamePlatformID: "P-" + id,
			})
		}
		if _, wrong, err := s.System().ImportRoster(t.Context(), rows, false); err != nil || len(wrong) > 0 {
			t.Fatal(err, wrong)
		}
		storetest.EnrolAll(t, s)
		for id, fault := range map[string]*domain.CallError{"P-1": nil, "P-2": {Class: domain.Timeout, Endpoint: "GET /users", Message: "late"}} {
			p := store.Pull{GamePlatformID: id, At: clock.Now(), Result: domain.SyncSuccess, NextDue: func(store.Activity) time.Time { return clock.Now().Add(-2 * time.Hour) }}
			if fault != nil {
				p.Result, p.Failure = domain.SyncFailure, fault
			}
			if _, err := s.System().StorePull(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		m := New(s.System(), false, clock.Now, slog.New(slog.DiscardHandler))
		m.Synced("changed")
		m.Job("sync", 42*time.Second, true)
		m.Call(metactf.Exchange{Endpoint: "GET /users", Took: 300 * time.Millisecond})
		m.Call(metactf.Exchange{Endpoint: "GET /users", Took: time.Second, Class: domain.Timeout})
		if strings.Contains(scrape(m), "flagpole_competitors_due") {
			t.Error("gauges are shown before they were read")
		}
		m.Read(t.Context())
		text := scrape(m)
		for _, line := range []string{
			`flagpole_syncs_total{result="changed"} 1`, `flagpole_syncs_total{result="failed"} 0`, `flagpole_job_timeouts_total 1`,
			`flagpole_job_duration_seconds_count{job="sync"} 1`, `flagpole_platform_call_duration_seconds_count{class="ok",endpoint="GET /users"} 1`,
			`flagpole_platform_call_duration_seconds_count{class="timeout",endpoint="GET /users"} 1`, `flagpole_competitors_due 3`, `flagpole_competitors_overdue 2`,
			`flagpole_competitors_fresh{within="1h"} 1`, `flagpole_competitors_fresh{within="never"} 2`, `flagpole_open_failures{class="timeout"} 1`,
			`flagpole_competitors_tried{result="failed"} 1`, `flagpole_last_success_timestamp_seconds 1.7950032e+09`, `flagpole_syncs_stopped 0`, `flagpole_rollout_frozen 0`,
			`flagpole_platform_token_refused 0`, `flagpole_alert{rule="disk_space",state="firing"} 0`, `flagpole_undelivered_messages{channel="mail"} 0`,
			`flagpole_snapshot_timestamp_seconds 1.7950032e+09`, `flagpole_database_errors_total 0`,
		} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("%s is missing", line)
			}
		}
		for _, personal := range []string{"Amara", "C-1", "P-1", "pupil.example", "Osei"} {
			if strings.Contains(text, personal) {
				t.Errorf("the metrics hold %q", personal)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
	})
}

func TestMetricsDoNotAskTheDatabaseWhenTheyAreRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		m := New(s.System(), true, clock.Now, slog.New(slog.DiscardHandler))
		m.Read(t.Context())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if text := scrape(m); !strings.Contains(text, "\nflagpole_syncs_stopped 1\n") {
			t.Errorf("without a database:\n%s", text)
		}
	})
}
