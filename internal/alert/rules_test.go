package alert

import (
	"testing"
	"time"

	"flagpole/internal/domain"
)

var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// well are facts by which no rule holds.
func well() Facts {
	return Facts{
		At: noon, Succeeded: 467, FirstTriedAt: ago(1000 * time.Hour), LastTriedAt: ago(time.Minute), LastSuccessAt: ago(time.Minute),
		Runs:  []Run{{StartedAt: ago(10 * time.Minute), Finished: true, Succeeded: 467}},
		Cycle: Cycle{StartedAt: ago(time.Hour), CompletedAt: ago(time.Hour)}, Disk: Disk{Known: true, Free: 50, Size: 100},
	}
}

func failedRun(d time.Duration, n int) Run {
	return Run{StartedAt: ago(d), Finished: true, Failed: n}
}

func TestRules(t *testing.T) {
	const min, hour = time.Minute, time.Hour
	for _, tc := range []struct {
		name   string
		rule   domain.AlertRule
		change func(*Facts)
		want   bool
	}{
		{"exactly a tenth failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 90, 10 }, false},
		{"more than a tenth failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 89, 11 }, true},
		{"19 tried, most failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 1, 18 }, false},
		{"20 tried, 3 failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 17, 3 }, true},
		{"all of 4 failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 0, 4 }, false},
		{"all of 5 failed", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 0, 5 }, true},
		{"nobody tried", domain.AlertFailureRate, func(f *Facts) { f.Succeeded, f.Failed = 0, 0 }, false},

		{"a success 11 h 59 min ago", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt = ago(12*hour - min) }, false},
		{"a success 12 h ago, tried since", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt = ago(12 * hour) }, true},
		{"all summer, nobody due", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt, f.LastTriedAt = ago(900*hour), ago(900*hour) }, false},
		{"never a success, first tried 13 h ago", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt, f.FirstTriedAt = time.Time{}, ago(13*hour) }, true},
		{"never a success, first tried an hour ago", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt, f.FirstTriedAt = time.Time{}, ago(hour) }, false},
		{"never tried", domain.AlertNoSuccess, func(f *Facts) { f.LastSuccessAt, f.FirstTriedAt, f.LastTriedAt = time.Time{}, time.Time{}, time.Time{} }, false},

		{"half of 10", domain.AlertPlatform, func(f *Facts) { f.Runs = []Run{{StartedAt: ago(min), Succeeded: 5, Failed: 5, PlatformErrors: 5}} }, true},
		{"4 of 10", domain.AlertPlatform, func(f *Facts) { f.Runs = []Run{{StartedAt: ago(min), Succeeded: 6, Failed: 4, PlatformErrors: 4}} }, false},
		{"all of 9", domain.AlertPlatform, func(f *Facts) { f.Runs = []Run{{StartedAt: ago(min), Failed: 9, PlatformErrors: 9}} }, false},
		{"10 failed for other reasons", domain.AlertPlatform, func(f *Facts) { f.Runs = []Run{failedRun(min, 10)} }, false},
		{"a small run after a bad one", domain.AlertPlatform, func(f *Facts) {
			f.Runs = []Run{{StartedAt: ago(min), Finished: true, Succeeded: 6}, {StartedAt: ago(hour), Finished: true, Failed: 400, PlatformErrors: 400}}
		}, true},
		{"a clean run after a bad one", domain.AlertPlatform, func(f *Facts) {
			f.Runs = []Run{{StartedAt: ago(min), Finished: true, Succeeded: 467}, {StartedAt: ago(hour), Finished: true, Failed: 400, PlatformErrors: 400}}
		}, false},
		{"a bad run the day before yesterday", domain.AlertPlatform, func(f *Facts) {
			f.Runs = []Run{{StartedAt: ago(25 * hour), Finished: true, Failed: 400, PlatformErrors: 400}}
		}, false},
		{"calls are held back", domain.AlertPlatform, func(f *Facts) { f.Runs, f.HeldBackSince = nil, ago(min) }, true},

		{"two failed runs", domain.AlertRuns, func(f *Facts) { f.LastSuccessAt, f.Runs = ago(9*hour), []Run{failedRun(min, 5), failedRun(hour, 5)} }, false},
		{"three failed runs", domain.AlertRuns, func(f *Facts) {
			f.LastSuccessAt, f.Runs = ago(9*hour), []Run{failedRun(min, 5), failedRun(hour, 5), failedRun(2*hour, 5)}
		}, true},
		{"three, one too small", domain.AlertRuns, func(f *Facts) {
			f.LastSuccessAt, f.Runs = ago(9*hour), []Run{failedRun(min, 5), failedRun(hour, 4), failedRun(2*hour, 5)}
		}, false},
		{"three, one not over", domain.AlertRuns, func(f *Facts) {
			open := failedRun(min, 5)
			open.Finished = false
			f.LastSuccessAt, f.Runs = ago(9*hour), []Run{open, failedRun(hour, 5), failedRun(2*hour, 5)}
		}, false},
		{"three with a good one in between", domain.AlertRuns, func(f *Facts) {
			f.LastSuccessAt = ago(90 * min)
			f.Runs = []Run{failedRun(min, 5), failedRun(hour, 5), {StartedAt: ago(90 * min), Finished: true, Succeeded: 1, Failed: 9}, failedRun(2*hour, 5)}
		}, false},
		{"three, and one success by itself since", domain.AlertRuns, func(f *Facts) {
			f.LastSuccessAt, f.Runs = noon, []Run{failedRun(min, 5), failedRun(hour, 5), failedRun(2*hour, 5)}
		}, false},

		{"a job too long, none in time since", domain.AlertJob, func(f *Facts) { f.Jobs = []Job{{Name: "sync", TimedOutAt: ago(hour), DoneAt: ago(2 * hour)}} }, true},
		{"a job too long, one in time since", domain.AlertJob, func(f *Facts) { f.Jobs = []Job{{Name: "sync", TimedOutAt: ago(hour), DoneAt: ago(min)}} }, false},
		{"a job too long the day before yesterday", domain.AlertJob, func(f *Facts) { f.Jobs = []Job{{Name: "sync", TimedOutAt: ago(25 * hour)}} }, false},

		{"a cycle of 23 h 59 min", domain.AlertNoCycle, func(f *Facts) { f.Cycle = Cycle{StartedAt: ago(24*hour - min), Left: 3} }, false},
		{"a cycle of 24 h", domain.AlertNoCycle, func(f *Facts) { f.Cycle = Cycle{StartedAt: ago(24 * hour), Left: 3} }, true},
		{"a cycle of 24 h while syncs are paused", domain.AlertNoCycle, func(f *Facts) { f.Stopped, f.Cycle = "paused", Cycle{StartedAt: ago(24 * hour), Left: 3} }, false},
		{"nobody left", domain.AlertNoCycle, func(f *Facts) { f.Cycle = Cycle{StartedAt: ago(24 * hour)} }, false},

		{"4 errors of the database", domain.AlertDatabase, func(f *Facts) { f.DatabaseErrors = 4 }, false},
		{"5 errors of the database", domain.AlertDatabase, func(f *Facts) { f.DatabaseErrors = 5 }, true},
		{"a tenth of the disk", domain.AlertDisk, func(f *Facts) { f.Disk.Free = 10 }, false},
		{"less than a tenth of the disk", domain.AlertDisk, func(f *Facts) { f.Disk.Free = 9 }, true},
		{"a disk elsewhere", domain.AlertDisk, func(f *Facts) { f.Disk = Disk{} }, false},
		{"a late message", domain.AlertDelivery, func(f *Facts) { f.Undelivered = []Undelivered{{domain.ChannelMail, 1, ago(hour)}} }, true},
		{"a refused token", domain.AlertToken, func(f *Facts) { f.TokenRefusedSince = ago(min) }, true},
	} {
		t.Run(string(tc.rule)+": "+tc.name, func(t *testing.T) {
			f := well()
			tc.change(&f)
			for _, v := range Judge(f, Defaults()) {
				if v.Evidence == "" {
					t.Errorf("%s gives no evidence", v.Rule)
				}
				if v.Rule == tc.rule && v.Holds != tc.want {
					t.Errorf("holds: %v, want %v: %s", v.Holds, tc.want, v.Evidence)
				}
			}
		})
	}
	for _, v := range Judge(well(), Defaults()) {
		if v.Holds {
			t.Errorf("%s holds although all is well: %s", v.Rule, v.Evidence)
		}
	}
}

func TestEveryRuleHasItsWords(t *testing.T) {
	for _, rule := range domain.AlertRules {
		if a := rule.Advice(); rules[rule] == nil || rule.Title() == "" || a.What == "" || a.Do == "" || a.Who == "" {
			t.Errorf("%s lacks a rule, a title or advice", rule)
		}
	}
	if len(rules) != len(domain.AlertRules) {
		t.Errorf("%d rules, %d in the list", len(rules), len(domain.AlertRules))
	}
}

func TestThresholdsDecide(t *testing.T) {
	f := well()
	f.Succeeded, f.Failed = 80, 20
	strict := Defaults()
	strict.FailureShare = .3
	if holds, _ := failureRate(f, strict); holds {
		t.Error("a fifth is too many although up to 30 % are allowed")
	}
}

func TestAnOutageOfFewIsOneWhereOnlyThePlatformFails(t *testing.T) {
	for name, c := range map[string]struct {
		f    Facts
		want bool
	}{
		"all of six":         {Facts{Failed: 6, PlatformFailed: 6}, true},
		"one succeeded":      {Facts{Succeeded: 1, Failed: 5, PlatformFailed: 5}, false},
		"one is not of it":   {Facts{Failed: 6, PlatformFailed: 5}, false},
		"nobody was tried":   {Facts{}, false},
		"everybody succeeds": {Facts{Succeeded: 6}, false},
	} {
		if got := c.f.OnlyPlatformFails(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
