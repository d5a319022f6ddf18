package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// healthProbes are the probes of the syncs' health and what staff does about it. Who may do it stands in
// TestOnlyAdminsPauseAndAskForSyncs.
func healthProbes() []probe {
	onlyCode := func(err error) (any, error) { return domain.CodeOf(err), nil }
	return []probe{
		{"SyncHealth", "", func(h *house, sc *store.Scope) (any, error) { return sc.SyncHealth(h.t.Context(), h.clock.Now()) }, nobody, "", nobody},
		{"RunsPage", "", func(h *house, sc *store.Scope) (any, error) {
			runs, _, err := sc.RunsPage(h.t.Context(), "", 50)
			return runs, err
		}, nobody, "", nobody},
		{"RunsPage", "hostile", func(h *house, sc *store.Scope) (any, error) {
			runs, _, err := sc.RunsPage(h.t.Context(), hostile, 50)
			return runs, err
		}, nobody, domain.Invalid, nobody},
		{"SyncPlan", "of the ambers\u2019 coach", func(h *house, sc *store.Scope) (any, error) {
			plan, err := sc.SyncPlan(h.t.Context(), "co-a")
			if domain.CodeOf(err) == domain.Denied {
				return nil, nil // who may not at all
			}
			plan.Coach = ""
			return plan, err
		}, nobody, "", nobody},
		{"RequestSync", "hostile", func(h *house, sc *store.Scope) (any, error) {
			_, err := sc.RequestSync(h.t.Context(), hostile)
			return onlyCode(err)
		}, nobody, "", nobody},
		{"PauseSyncs", "without a reason", func(h *house, sc *store.Scope) (any, error) { return onlyCode(sc.PauseSyncs(h.t.Context(), " ")) }, nobody, "", nobody},
		{"ResumeSyncs", "", func(h *house, sc *store.Scope) (any, error) { return onlyCode(sc.ResumeSyncs(h.t.Context())) }, nobody, "", nobody},
		{"CoachNames", "of no coach", func(h *house, sc *store.Scope) (any, error) {
			return sc.CoachNames(h.t.Context(), []string{hostile})
		}, nobody, "", nobody},
	}
}

func health(h *house) store.SyncHealth {
	h.t.Helper()
	got, err := h.admin().SyncHealth(h.t.Context(), h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// call is an attempt that took so long.
func call(at time.Time, took time.Duration, class domain.FailureClass) store.Attempt {
	return store.Attempt{Endpoint: "GET /users", StartedAt: at, Took: took, Status: 200, Class: class}
}

// attempted stores attempts alone.
func (h *house) attempted(list ...store.Attempt) {
	h.t.Helper()
	p := h.pull("gp-a1")
	p.Attempts = list
	h.store(p)
}

func (h *house) rolledUp() int64 {
	h.t.Helper()
	n, err := h.sys.RollUpAttempts(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// sumsMatch compares the sums by hour with all attempts that were ever stored.
func (h *house) sumsMatch(all []store.Attempt) {
	h.t.Helper()
	sums, buckets := map[string]int{}, map[string]int{}
	for _, a := range all {
		hour := a.StartedAt.Truncate(time.Hour).UnixMicro()
		sums[fmt.Sprintf("%d|%s|%d|%s", hour, a.Endpoint, a.Status, a.Class)]++
		buckets[fmt.Sprintf("%d|%s|%d", hour, a.Endpoint, domain.LatencyBucket(a.Took))]++
	}
	want := func(counts map[string]int) (list []string) {
		for key, n := range counts {
			list = append(list, fmt.Sprintf("%s|%d", key, n))
		}
		slices.Sort(list)
		return list
	}
	got := func(query string) []string { list := h.lines(query); slices.Sort(list); return list }
	if diff := cmp.Diff(want(sums), got(`SELECT hour_at, endpoint, http_status, error_class, attempts FROM sync_attempt_sums`)); diff != "" {
		h.t.Errorf("sums (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want(buckets), got(`SELECT hour_at, endpoint, bucket, attempts FROM sync_latency_hours`)); diff != "" {
		h.t.Errorf("latencies (-want +got):\n%s", diff)
	}
	took := int64(0)
	for _, a := range all {
		took += a.Took.Microseconds()
	}
	h.want("all durations", `SELECT SUM(duration_us) FROM sync_attempt_sums`, fmt.Sprint(took))
}

// Sums are exact however roll-up, pruning and new attempts follow each other, and roll-ups run side by side.
func TestTheHealthSumsCountEachAttemptOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		random := rand.New(rand.NewPCG(3, 3))
		var all []store.Attempt
		for round := range 12 {
			var some []store.Attempt
			for range 1 + random.IntN(40) {
				at := h.clock.Now().Add(-time.Duration(random.IntN(300)) * time.Minute)
				class := []domain.FailureClass{"", "", "", domain.Timeout, domain.ServerError}[random.IntN(5)]
				some = append(some, call(at, time.Duration(random.IntN(4_000_000))*time.Microsecond, class))
			}
			h.attempted(some...)
			all = append(all, some...)
			switch round % 4 {
			case 0:
				ended := make(chan error, 3)
				for range 3 {
					go func() {
						_, err := h.sys.RollUpAttempts(t.Context())
						ended <- err
					}()
				}
				for range 3 {
					if err := <-ended; err != nil {
						t.Fatal(err)
					}
				}
			case 1: // all of them: on SQLite the next ids are those that were deleted
				later := h.clock.Now().Add(time.Hour)
				if n, err := h.sys.PruneAttempts(t.Context(), later, later); err != nil || n == 0 {
					t.Fatalf("pruned %d: %v", n, err)
				}
				h.want("attempts", `SELECT COUNT(*) FROM sync_attempts`, "0")
			case 2:
				before := h.clock.Now().Add(-2 * time.Hour)
				if _, err := h.sys.PruneAttempts(t.Context(), before, before.Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.rolledUp()
		h.sumsMatch(all)
		if n := h.rolledUp(); n != 0 {
			t.Errorf("%d rolled up a second time", n)
		}
		h.sumsMatch(all)
	})
}

func TestARollUpThatFailsLeavesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		list := []store.Attempt{call(storetest.Start, time.Second, ""), call(storetest.Start, time.Second, domain.Timeout)}
		h.attempted(list...)
		h.breakOn("UPDATE", "sync_roll_up")
		if _, err := h.sys.RollUpAttempts(t.Context()); err == nil {
			t.Error("no error")
		}
		h.mend("UPDATE", "sync_roll_up")
		h.breakOn("INSERT", "sync_latency_hours")
		if _, err := h.sys.PruneAttempts(t.Context(), h.clock.Now(), h.clock.Now()); err == nil {
			t.Error("no error")
		}
		h.mend("INSERT", "sync_latency_hours")
		h.want("attempts", `SELECT COUNT(*) FROM sync_attempts`, "2")
		h.rolledUp()
		h.sumsMatch(list)
	})
}

// A call that ends between the roll-up and the pruning stays until it is in the sums.
func TestPruningLeavesWhatIsNotInTheHealthSums(t *testing.T) {
	h := newHouse(t, "sqlite")
	h.exec(`CREATE TRIGGER late AFTER UPDATE ON sync_roll_up WHEN NEW.attempt_id > OLD.attempt_id AND NOT EXISTS (SELECT 1 FROM sync_attempts WHERE endpoint = 'late')
		BEGIN INSERT INTO sync_attempts (run_id, syned_user_id, endpoint, started_at, duration_us, http_status, error_class, error_message)
			VALUES ('r', 'u', 'late', 0, 1, 200, '', ''); END`)
	h.attempted(call(storetest.Start, time.Second, ""))
	if n, err := h.sys.PruneAttempts(t.Context(), h.clock.Now(), h.clock.Now()); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	h.want("left", `SELECT endpoint FROM sync_attempts`, "late")
	if n := h.rolledUp(); n != 1 {
		t.Errorf("%d rolled up", n)
	}
	h.want("sums", `SELECT endpoint, attempts FROM sync_attempt_sums ORDER BY 1`, "GET /users|1", "late|1")
}

// The support team deletes what it likes: the sums go on with what comes afterwards.
func TestTheHealthSumsGoOnAfterADeletionByHand(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.attempted(call(storetest.Start, time.Second, ""), call(storetest.Start, time.Second, ""))
		h.rolledUp()
		h.exec(`DELETE FROM sync_attempts`)
		h.rolledUp()
		h.attempted(call(storetest.Start, time.Second, ""))
		if n := h.rolledUp(); n != 1 {
			t.Errorf("%d rolled up", n)
		}
		h.want("sums", `SELECT attempts FROM sync_attempt_sums`, "3")
	})
}

// A process may have been handed a smaller id than one that was committed before it.
func TestARollUpWaitsForAttemptsUnderWay(t *testing.T) {
	h := newHouse(t, "postgres")
	tx, err := h.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	const insert = `INSERT INTO sync_attempts (run_id, syned_user_id, endpoint, started_at, duration_us, http_status, error_class, error_message)
		VALUES ('r', 'u', 'slow', 0, 1, 200, '', '')`
	if _, err := tx.ExecContext(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	h.attempted(call(storetest.Start, time.Second, ""))
	ended := make(chan error, 1)
	go func() {
		_, err := h.sys.RollUpAttempts(t.Context())
		ended <- err
	}()
	select {
	case <-ended:
		t.Fatal("the roll-up did not wait")
	case <-time.After(200 * time.Millisecond): // it waits
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	h.rolledUp()
	h.want("sums", `SELECT endpoint, attempts FROM sync_attempt_sums ORDER BY 1`, "GET /users|1", "slow|1")
}

// What was summed by pruning before there was a roll-up stays, and what was not is added once; down takes it out again.
func TestTheHealthSumsOverAnUpgrade(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		downBelow(h, 9)
		hour := fmt.Sprint(storetest.Start.UnixMicro())
		h.exec(`INSERT INTO sync_attempt_sums VALUES (` + hour + `, 'GET /users', 200, '', 5, 500)`)
		h.exec(`INSERT INTO sync_attempts (run_id, syned_user_id, endpoint, started_at, duration_us, http_status, error_class, error_message)
			VALUES ('r', 'u', 'GET /users', ` + hour + `, 30, 200, '', '')`)
		if _, err := h.s.MigrateUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.rolledUp()
		h.want("after", `SELECT attempts, duration_us FROM sync_attempt_sums`, "6|530")
		downBelow(h, 9)
		h.want("taken back", `SELECT attempts, duration_us FROM sync_attempt_sums`, "5|500")
	})
}

func TestHealthTellsPercentilesWithinTheirBound(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		random := rand.New(rand.NewPCG(5, 5))
		var took []time.Duration
		var list []store.Attempt
		for range 400 {
			d := time.Duration(math.Exp(10+4*random.Float64())) * time.Microsecond
			took, list = append(took, d), append(list, call(h.clock.Now(), d, ""))
		}
		h.attempted(list...)
		h.rolledUp()
		slices.Sort(took)
		hour := health(h).Hours[store.HoursShown-1]
		for share, exact := range map[float64]time.Duration{.5: took[199], .95: took[379], .99: took[395]} {
			if off := float64(hour.Latencies.Percentile(share)) / float64(exact); off > math.Exp2(1.0/8) || off < math.Exp2(-1.0/8) {
				t.Errorf("p%v is %s, exactly %s", 100*share, hour.Latencies.Percentile(share), exact)
			}
		}
	})
}

// everyKind has competitors of each kind: two ambers (one synced, one failing for an hour), one not on the platform, a zebra
// blocked and one never tried; a coach who is not enrolled has two more.
func everyKind(h *house) {
	h.people()
	h.roster2nd()
	h.exec(fmt.Sprintf(`INSERT INTO sync_runs (run_id, kind, full_pull, started_at, heartbeat_at, attempted, changed, failed, dry_run)
		VALUES ('dry', 'command', FALSE, %d, %d, 9, 5, 4, TRUE)`, h.clock.Now().Add(-time.Hour).UnixMicro(), h.clock.Now().UnixMicro()))
	for _, one := range []struct {
		id     string
		ago    time.Duration
		result domain.SyncResult
		class  domain.FailureClass
	}{
		{"gp-a1", 26 * time.Hour, domain.SyncSuccess, ""},
		{"gp-a2", 9 * time.Hour, domain.SyncSuccess, ""},
		{"gp-b1", 4 * time.Hour, domain.SyncBlocked, domain.Blocked},
		{"gp-a2", time.Hour, domain.SyncFailure, domain.Timeout},
		{"gp-a2", 30 * time.Minute, domain.SyncFailure, domain.ServerError},
		{"gp-late", time.Hour, domain.SyncFailure, domain.Timeout},
	} {
		at := h.clock.Now().Add(-one.ago)
		run := scheduled(h, at.Truncate(15*time.Minute))
		h.exec(fmt.Sprintf(`UPDATE sync_runs SET started_at = %d WHERE run_id = '%s'`, at.UnixMicro(), run))
		p := h.pull(one.id)
		p.RunID, p.At, p.Result = run, at, one.result
		if one.class != "" {
			p.Failure = &domain.CallError{Class: one.class}
		}
		p.Attempts = []store.Attempt{call(at, time.Second, one.class)}
		p.NextDue = func(store.Activity) time.Time { return at.Add(35 * time.Minute) }
		if _, err := h.sys.StorePull(h.t.Context(), p); err != nil {
			h.t.Fatal(err)
		}
	}
}

// roster2nd imports a coach who is not enrolled.
func (h *house) roster2nd() {
	h.t.Helper()
	row := func(id string) roster.Row {
		return roster.Row{Line: 2, CoachID: "co-late", CoachEmail: "late@late.example", CoachName: "Late", FirstName: "Lou", LastName: id,
			Email: id + "@late.example", CompetitorID: "cp-" + id, GamePlatformID: "gp-" + id, Division: domain.College, Status: domain.ProfileComplete}
	}
	if _, bad, err := h.sys.ImportRoster(h.t.Context(), []roster.Row{row("late"), row("later")}, false); err != nil || bad != nil {
		h.t.Fatal(err, bad)
	}
}

func TestHealthAgreesWithTheFacts(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.clock.Advance(20 * time.Minute) // 12:20
		everyKind(h)
		h.rolledUp()
		got := health(h)
		now := h.clock.Now()
		if want := (store.Freshnesses{Under24h: 1, Older: 1, Never: 2}); got.Fresh != want {
			t.Errorf("freshness %+v, want %+v", got.Fresh, want)
		}
		counts := []int{got.NotOnPlatform, got.NotEnrolled, got.OnPlatform, got.Synced, got.Pending, got.Blocked, got.Failing, got.Coaches, got.Stale}
		if want := []int{1, 2, 4, 1, 1, 1, 1, 2, 1}; !slices.Equal(counts, want) {
			t.Errorf("counts %v, want %v", counts, want)
		}
		if diff := cmp.Diff([]store.OpenErrors{{Class: domain.ServerError, Competitors: 1, Coaches: 1, Since: now.Add(-time.Hour)}}, got.Errors); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		// The last 24 hours begin at 13:00 the day before: the sync of 26 h ago counts in the week alone.
		if want := (store.SyncSums{Succeeded: 1, Failed: 3, Blocked: 1}); got.Day != want {
			t.Errorf("day %+v, want %+v", got.Day, want)
		}
		if want := (store.SyncSums{Succeeded: 2, Failed: 3, Blocked: 1}); got.Week != want {
			t.Errorf("week %+v, want %+v", got.Week, want)
		}
		var day store.SyncSums
		calls := map[domain.FailureClass]int64{}
		for i, hour := range got.Hours {
			if want := now.Truncate(time.Hour).Add(time.Duration(i-23) * time.Hour); !hour.At.Equal(want) {
				t.Errorf("hour %d begins at %s", i, hour.At)
			}
			day.Succeeded, day.Failed, day.Blocked = day.Succeeded+hour.Succeeded, day.Failed+hour.Failed, day.Blocked+hour.Blocked
			for class, n := range hour.Calls {
				calls[class] += n
			}
		}
		if day != got.Day || got.Hours[22].Failed != 3 {
			t.Errorf("the hours add up to %+v, the day is %+v; from 11:00 %d failed", day, got.Day, got.Hours[22].Failed)
		}
		if diff := cmp.Diff(map[domain.FailureClass]int64{"": 1, domain.Blocked: 1, domain.Timeout: 2, domain.ServerError: 1}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		// gp-a1 and gp-b1 are due for long, b2 was never tried, gp-a2 is retried in 5 minutes; gp-late is nobody's business.
		if want := (store.NextSyncs{DueNow: 3, OldestDue: now.Add(-26*time.Hour + 35*time.Minute), At: now.Add(5 * time.Minute), Soon: 1, SoonRetries: 1}); got.Next != want {
			t.Errorf("next %+v, want %+v", got.Next, want)
		}
	})
}

func TestARefusedTokenIsToldUntilASyncPasses(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		everyKind(h)
		slot := h.clock.Now().Truncate(15 * time.Minute)
		first := scheduled(h, slot)
		if err := h.sys.NoteStop(t.Context(), first, store.StopTokenRefused); err != nil {
			t.Fatal(err)
		}
		since := h.clock.Now()
		h.clock.Advance(15 * time.Minute)
		second := scheduled(h, slot.Add(15*time.Minute))
		if err := h.sys.NoteStop(t.Context(), second, store.StopTokenRefused); err != nil {
			t.Fatal(err)
		}
		if got := health(h).TokenRefusedSince; !got.Equal(since) {
			t.Errorf("since %s, want %s", got, since)
		}
		p := h.pull("gp-a1")
		p.RunID = second
		h.store(p)
		if got := health(h).TokenRefusedSince; !got.IsZero() {
			t.Errorf("still since %s", got)
		}
	})
}

func TestARunSaysHowManyItWillTry(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id := h.begunRun(false)
		if err := h.sys.ExpectRun(t.Context(), id, 4); err != nil {
			t.Fatal(err)
		}
		p := h.pull("gp-a1")
		p.RunID = id
		h.store(p)
		got := health(h).Open
		if len(got) != 1 || got[0].Expected != 4 || got[0].Counts.Attempted != 1 || !got[0].RoundAt.Equal(storetest.Start) {
			t.Errorf("%+v", got)
		}
		if err := h.sys.ExpectRun(t.Context(), id, 2); err != nil { // another round
			t.Fatal(err)
		}
		if got := health(h).Open; got[0].Expected != 3 || got[0].RoundAttempted != 1 {
			t.Errorf("%+v", got[0])
		}
		if err := h.sys.FinishRun(t.Context(), id, domain.RunCounts{}, ""); err != nil {
			t.Fatal(err)
		}
		if got := health(h).Open; len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestRunsArePagedToTheLast(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var want []string
		for i := range 7 {
			want = append([]string{h.begunRun(false)}, want...)
			if i%2 == 0 {
				h.clock.Advance(time.Minute) // two each begin at once
			}
		}
		var got []string
		for before, more := "", true; more; {
			var runs []store.Run
			var err error
			if runs, more, err = h.admin().RunsPage(t.Context(), before, 3); err != nil || len(runs) == 0 {
				t.Fatal(runs, err)
			}
			for _, r := range runs {
				got, before = append(got, r.ID), r.ID
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
