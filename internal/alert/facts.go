// Package alert says from stored facts which rules hold, what begins and ends with that, and which messages it takes. It
// computes only: nothing in it reads a clock, a database or the network, so that what happened can be gone through again.
package alert

import (
	"slices"
	"time"

	"flagpole/internal/domain"
)

// Facts are what the rules go by, as they were at one moment. Zero times are "never".
type Facts struct {
	At      time.Time `json:"at"`
	Stopped string    `json:"stopped,omitempty"` // why no call of the platform may be made; "" where calls may be made

	// Competitors by the result of their last sync, where that was in the last 24 hours. Who is blocked counts in neither.
	Succeeded      int `json:"succeeded"`
	Failed         int `json:"failed"`
	PlatformFailed int `json:"platform_failed"` // of Failed: 5xx, no answer in time, or unreachable

	FirstTriedAt  time.Time `json:"first_tried_at,omitzero"` // the oldest run that tried anybody
	LastTriedAt   time.Time `json:"last_tried_at,omitzero"`
	LastSuccessAt time.Time `json:"last_success_at,omitzero"`

	Runs []Run `json:"runs,omitempty"` // of the last 24 hours, those that tried at least 5 competitors, newest first

	Cycle          Cycle         `json:"cycle"`
	Jobs           []Job         `json:"jobs,omitempty"`  // those that ever took too long
	DatabaseErrors int           `json:"database_errors"` // in the last 15 minutes
	Disk           Disk          `json:"disk"`
	Undelivered    []Undelivered `json:"undelivered,omitempty"`

	GuardActedAt time.Time `json:"guard_acted_at,omitzero"` // the rollout's guard; zero: it has not, or a person has decided since
	GuardActed   string    `json:"guard_acted,omitempty"`   // what for

	TokenRefusedSince time.Time `json:"token_refused_since,omitzero"` // zero: it is not
	HeldBackSince     time.Time `json:"held_back_since,omitzero"`     // calls are, because the platform fails for many; zero: they are not
}

// Run is one run. Blocked competitors count as neither tried nor failed.
type Run struct {
	StartedAt      time.Time `json:"started_at"`
	Finished       bool      `json:"finished"`
	Succeeded      int       `json:"succeeded"`
	Failed         int       `json:"failed"`
	PlatformErrors int       `json:"platform_errors"` // of Failed: 5xx, no answer in time, or unreachable
}

// Tried are the competitors of whom the run came to know something.
func (r Run) Tried() int { return r.Succeeded + r.Failed }

// Cycle is the going through everybody who was due when it began.
type Cycle struct {
	StartedAt   time.Time `json:"started_at,omitzero"`   // of the one under way
	CompletedAt time.Time `json:"completed_at,omitzero"` // of the last completed one
	Left        int       `json:"left"`                  // competitors it has not come to
}

// Job is background work that once took too long.
type Job struct {
	Name       string    `json:"name"`
	TimedOutAt time.Time `json:"timed_out_at"` // the last time
	DoneAt     time.Time `json:"done_at,omitzero"`
}

// Disk is the file system that the database lies on.
type Disk struct {
	Known bool   `json:"known"` // false: the database is on another machine
	Free  uint64 `json:"free"`  // bytes that may be used
	Size  uint64 `json:"size"`  // bytes, without what is reserved
}

// Share is how much of the disk is free, from 0 to 1.
func (d Disk) Share() float64 {
	if d.Size == 0 {
		return 0
	}
	return float64(d.Free) / float64(d.Size)
}

// Undelivered are messages that a channel did not take: given up in the last 24 hours, or late by more than 15 minutes.
type Undelivered struct {
	Channel  domain.Channel `json:"channel"`
	Messages int            `json:"messages"`
	Since    time.Time      `json:"since"`
}

// FailedRuns is how many of the newest finished runs failed: enough were tried and none succeeded. A success after the newest
// of them makes it 0, however small its run was.
func (f Facts) FailedRuns() (n int) {
	var newest time.Time
	for _, r := range f.Runs {
		if !r.Finished || r.Tried() < AllFailedAtLeast {
			continue
		}
		if r.Succeeded > 0 {
			break
		}
		if n == 0 {
			newest = r.StartedAt
		}
		n++
	}
	if f.LastSuccessAt.After(newest) {
		return 0
	}
	return n
}

// OnlyPlatformFails reports whether nobody's last sync succeeded, and the platform is to blame for all of them. That is an outage
// even where it meets too few competitors for an alert about the platform.
func (f Facts) OnlyPlatformFails() bool {
	return f.Succeeded == 0 && f.Failed > 0 && f.PlatformFailed == f.Failed
}

// JobTimedOut reports whether a job took too long and has not come to its end in time since.
func (f Facts) JobTimedOut() bool { return len(f.LateJobs()) > 0 }

// LateJobs are the jobs that took too long and have not come to their end in time since.
func (f Facts) LateJobs() []Job {
	return slices.DeleteFunc(slices.Clone(f.Jobs), func(j Job) bool { return !f.late(j) })
}

func (f Facts) late(j Job) bool {
	return f.At.Sub(j.TimedOutAt) <= Window && !j.DoneAt.After(j.TimedOutAt)
}

// Thresholds are from where on rules hold.
type Thresholds struct {
	FailureShare    float64       // of those tried; more is too many
	FailureAtLeast  int           // competitors tried, below which the share says nothing
	NoSuccess       time.Duration // without a success
	PlatformShare   float64       // of those tried in a run; as many are too many
	PlatformAtLeast int           // competitors tried, below which a run says nothing of the platform
	NoCycle         time.Duration // without a completed cycle
	FailedRuns      int           // in a row
	DatabaseErrors  int           // within 15 minutes
	DiskFree        float64       // share of the disk; less is too little
}

// What is no setting.
const (
	AllFailedAtLeast = 5                // tried: so many, all failed, are too many whatever the share; and a run that tried fewer is neither failed nor good
	Window           = 24 * time.Hour   // results and runs that are older say nothing
	DatabaseWindow   = 15 * time.Minute // of database errors
	JobLimit         = 10 * time.Minute // for a job
	LateAfter        = 15 * time.Minute // for the delivery of a message
)

// Defaults are the thresholds where nothing else is set.
func Defaults() Thresholds {
	return Thresholds{
		FailureShare: .10, FailureAtLeast: 20, NoSuccess: 12 * time.Hour, PlatformShare: .5, PlatformAtLeast: 10,
		NoCycle: 24 * time.Hour, FailedRuns: 3, DatabaseErrors: 5, DiskFree: .10,
	}
}
