package views

import (
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// Sync is the page about the health of all syncs. It names no person.
type Sync struct {
	Headline, Sub                                                string
	OnPlatform, Synced, Failing, Blocked, Waiting, NotOnPlatform int
	NotEnrolled                                                  int      // on the platform, and not synced because the coach's turn has not come
	Runs                                                         []RunRow // newest first
}

// RunRow is one run: all scheduled syncs of a quarter hour, or one request by a command.
type RunRow struct {
	Kind                  string    // "Schedule" or "On request"
	Queued                bool      // asked for, not begun
	StartedAt, FinishedAt time.Time // FinishedAt is zero while it runs
	Stopped               bool      // it ended without being finished
	StoppedBecause        string    // why, in some words; "" where that is not known
	Counts                domain.RunCounts
}

// State is the run's result in words.
func (r RunRow) State() State {
	switch {
	case r.Stopped && r.StoppedBecause != "":
		return State{Kind: "warn", Text: "Stopped: " + r.StoppedBecause}
	case r.Stopped:
		return State{Kind: "warn", Text: "Stopped before it was done"}
	case r.Queued:
		return State{Kind: "wait", Text: "Waiting for its turn"}
	case r.FinishedAt.IsZero():
		return State{Kind: "run", Text: "Running"}
	case r.Counts.Failed > 0:
		return State{Kind: "warn", Text: "With failures"}
	}
	return State{Kind: "ok", Text: "Clean"}
}

func (r RunRow) took(now time.Time) string {
	switch {
	case !r.FinishedAt.IsZero():
		return Took(r.FinishedAt.Sub(r.StartedAt))
	case r.Stopped:
		return "not known"
	case r.Queued:
		return ""
	}
	return strconv.Itoa(int(now.Sub(r.StartedAt)/time.Minute)) + " min so far"
}
