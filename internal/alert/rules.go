package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// Verdict is what a rule says of the facts.
type Verdict struct {
	Rule     domain.AlertRule
	Holds    bool
	Evidence string // the figures it went by, as a sentence
}

// Judge asks every rule, in the order of domain.AlertRules.
func Judge(f Facts, t Thresholds) []Verdict {
	verdicts := make([]Verdict, 0, len(domain.AlertRules))
	for _, rule := range domain.AlertRules {
		holds, evidence := rules[rule](f, t)
		verdicts = append(verdicts, Verdict{rule, holds, evidence})
	}
	return verdicts
}

var rules = map[domain.AlertRule]func(Facts, Thresholds) (holds bool, evidence string){
	domain.AlertDisk:        diskSpace,
	domain.AlertDatabase:    databaseErrors,
	domain.AlertToken:       tokenRefused,
	domain.AlertPlatform:    platformErrors,
	domain.AlertFailureRate: failureRate,
	domain.AlertRuns:        failedRuns,
	domain.AlertJob:         jobTimeout,
	domain.AlertNoSuccess:   noSuccess,
	domain.AlertNoCycle:     noCycle,
	domain.AlertGuard:       guardActed,
	domain.AlertDelivery:    delivery,
}

// failureRate: more than a share of enough competitors, or all of a few, by each one's last result in 24 hours.
func failureRate(f Facts, t Thresholds) (bool, string) {
	tried := f.Succeeded + f.Failed
	if tried == 0 {
		return false, "Nobody was tried in the last 24 hours."
	}
	evidence := fmt.Sprintf("The last sync of %s of %s who were tried in the last 24 hours failed: %s.", domain.Number(f.Failed), competitors(tried), percent(f.Failed, tried))
	many := tried >= t.FailureAtLeast && float64(f.Failed) > t.FailureShare*float64(tried)
	all := tried >= AllFailedAtLeast && f.Failed == tried
	return many || all, evidence
}

// noSuccess: none for long, although somebody was due and tried in that time. Where none has ever succeeded, the time
// counts from the first try.
func noSuccess(f Facts, t Thresholds) (bool, string) {
	since, what := f.LastSuccessAt, "The last successful sync was"
	if since.IsZero() {
		since, what = f.FirstTriedAt, "No sync has succeeded; the first was tried"
	}
	if since.IsZero() {
		return false, "No sync has been tried yet."
	}
	evidence := fmt.Sprintf("%s %s ago", what, span(f.At.Sub(since)))
	switch {
	case f.LastTriedAt.IsZero():
		return false, evidence + "."
	case f.At.Sub(f.LastTriedAt) > t.NoSuccess:
		return false, evidence + ", and nobody was due since."
	}
	return f.At.Sub(since) >= t.NoSuccess, fmt.Sprintf("%s, the last try %s ago.", evidence, span(f.At.Sub(f.LastTriedAt)))
}

// platformErrors: faults of the platform for a large share of the newest run that tried enough competitors, or so many of them
// within a minute that no call is made until it is well again: then a run would take long to come to enough.
func platformErrors(f Facts, t Thresholds) (bool, string) {
	if !f.HeldBackSince.IsZero() {
		return true, fmt.Sprintf("The platform failed for half or more of those asked about within a minute; %s ago calls were held back, but for one now and then.", span(f.At.Sub(f.HeldBackSince)))
	}
	for _, r := range f.Runs {
		if r.Tried() < t.PlatformAtLeast || f.At.Sub(r.StartedAt) > Window {
			continue
		}
		evidence := fmt.Sprintf("The latest run met faults of the platform (status 5xx, no answer in time, unreachable) for %s of %s.",
			domain.Number(r.PlatformErrors), competitors(r.Tried()))
		return float64(r.PlatformErrors) >= t.PlatformShare*float64(r.Tried()) && r.PlatformErrors > 0, evidence
	}
	return false, fmt.Sprintf("No run of the last 24 hours tried %s or more.", competitors(t.PlatformAtLeast))
}

// failedRuns: so many of the newest runs failed as a whole.
func failedRuns(f Facts, t Thresholds) (bool, string) {
	switch n := f.FailedRuns(); n {
	case 0:
		return false, "The last run did not fail as a whole."
	case 1:
		return n >= t.FailedRuns, "In the last run nobody could be synced."
	default:
		return n >= t.FailedRuns, fmt.Sprintf("In the last %d runs nobody could be synced.", n)
	}
}

// jobTimeout: a job that took too long and has not come to its end in time since.
func jobTimeout(f Facts, _ Thresholds) (bool, string) {
	for _, j := range f.Jobs {
		if f.late(j) {
			return true, fmt.Sprintf("The job %q took longer than 10 minutes, %s ago, and has not been done in time since.", j.Name, span(f.At.Sub(j.TimedOutAt)))
		}
	}
	return false, "Every job was done within 10 minutes when it was last run."
}

// noCycle: somebody who was due has not been tried for long.
func noCycle(f Facts, t Thresholds) (bool, string) {
	switch {
	case f.Stopped != "":
		return false, "Syncs are stopped: " + f.Stopped + "."
	case f.Cycle.StartedAt.IsZero() || f.Cycle.Left == 0:
		return false, "Everybody who was due has been tried."
	}
	took := f.At.Sub(f.Cycle.StartedAt)
	return took >= t.NoCycle, fmt.Sprintf("%s due %s ago %s not been tried since.", upper(competitors(f.Cycle.Left)), span(took), domain.Noun(f.Cycle.Left, "has", "have"))
}

func databaseErrors(f Facts, t Thresholds) (bool, string) {
	if f.DatabaseErrors == 0 && t.DatabaseErrors > 0 {
		return false, "No statement of the database failed in the last 15 minutes."
	}
	return f.DatabaseErrors >= t.DatabaseErrors, fmt.Sprintf("%s of the database failed in the last 15 minutes.", upper(domain.Plural(f.DatabaseErrors, "statement", "statements")))
}

func diskSpace(f Facts, t Thresholds) (bool, string) {
	if !f.Disk.Known {
		return false, "Not watched: the database is on a server of its own."
	}
	evidence := fmt.Sprintf("%.1f of %.1f GB are free (%.0f %%).", float64(f.Disk.Free)/1e9, float64(f.Disk.Size)/1e9, 100*f.Disk.Share())
	return f.Disk.Share() < t.DiskFree, evidence
}

func delivery(f Facts, _ Thresholds) (bool, string) {
	if len(f.Undelivered) == 0 {
		return false, "No message is late."
	}
	var parts []string
	for _, u := range f.Undelivered {
		parts = append(parts, fmt.Sprintf("%s by %s, the first %s ago", domain.Plural(u.Messages, "message", "messages"), u.Channel, span(f.At.Sub(u.Since))))
	}
	return true, "Not delivered: " + strings.Join(parts, "; ") + "."
}

func guardActed(f Facts, _ Thresholds) (bool, string) {
	if f.GuardActedAt.IsZero() {
		return false, "The guard has not acted, or somebody has decided since."
	}
	return true, fmt.Sprintf("The guard acted %s ago. %s", span(f.At.Sub(f.GuardActedAt)), f.GuardActed)
}

func tokenRefused(f Facts, _ Thresholds) (bool, string) {
	if f.TokenRefusedSince.IsZero() {
		return false, "The platform has not refused it."
	}
	return true, fmt.Sprintf("The platform refused it %s ago, and has taken none since.", span(f.At.Sub(f.TokenRefusedSince)))
}

func competitors(n int) string { return domain.Plural(n, "competitor", "competitors") }

func percent(part, whole int) string {
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64) + " %"
}

// span writes a duration for people, in its two largest units at most.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return domain.Plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 && d < 10*time.Hour {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return domain.Plural(int(d.Hours()), "hour", "hours")
	}
	return domain.Plural(int(d.Hours())/24, "day", "days")
}

// upper makes the first letter of an ASCII text a capital; a text that begins with a figure stays as it is.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
