package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"flagpole/internal/domain"
)

// Sync is the page about the health of all syncs. It names no competitor.
type Sync struct {
	Sentence
	Stats   []Stat
	Work    []Work // what is going on now
	Next    string // what comes next, "" where nothing does
	LeftOut string // who is in none of the figures, "" where everybody is
	Latency LatencyOverTime
	Hours   SyncsByHour
	Calls   CallsByHour
	Fresh   Bars
	Errors  Bars

	Runs                []RunRow // newest first
	OlderURL, NewestURL string   // of the runs; "" where there are none
	Targets             int      // whom a sync of everybody comes to
	MaySync, MayPause   bool
	Paused              bool
	PollURL, PollEvery  string // "" where the page does not ask for itself
}

// Sentence says whether all is well, or what is wrong since when for whom, and what happens now.
type Sentence struct{ Kind, Headline, Sub string }

// renewed says how often the figures come anew.
func (d Sync) renewed() string {
	if d.PollEvery == "" {
		return "."
	}
	return ", renewed every " + strings.TrimSuffix(d.PollEvery, "s") + " seconds."
}

// Stat is a figure with what it counts.
type Stat struct{ ID, Label, Figure, Small, URL string }

// polled are the attributes by which the region asks for itself.
func (d Sync) polled() templ.Attributes {
	if d.PollEvery == "" {
		return nil
	}
	return polls(d.PollURL, "health", d.PollEvery)
}

// Work is a run in progress, or one that waits for its turn.
type Work struct {
	What     string
	Queued   bool
	Done, Of int // competitors; Of is 0 where it is not known
	Rate     string
	Ends     string // when it will be done, about
	Counts   domain.RunCounts
}

// line is how far it is, how fast, and when it ends.
func (w Work) line() string {
	switch {
	case w.Queued:
		return "Waits for its turn."
	case w.Of == 0:
		return Plural(w.Done, "competitor", "competitors") + " so far."
	}
	text := Number(w.Done) + " of " + Plural(w.Of, "competitor", "competitors")
	if w.Rate != "" {
		text += ", " + w.Rate
	}
	if w.Ends != "" {
		text += ", done at about " + w.Ends
	}
	return text + "."
}

// brought is what it did so far.
func (w Work) brought() string {
	n := w.Counts
	return Number(n.Changed) + " changed, " + Number(n.Unchanged) + " unchanged, " + Number(n.Blocked) + " blocked, " +
		Number(n.Failed) + " failed, " + Plural(n.NewSolves, "new solve", "new solves") + "."
}

// Bars is a table of counts with a bar in each row.
type Bars struct {
	Title, Caption, Head, Empty string
	Rows                        []Bar
}

// Bar is a row of Bars. Late marks what should not be.
type Bar struct {
	ID, Name, URL string
	N             int
	Late          bool
}

func (b Bars) total() (n int) {
	for _, r := range b.Rows {
		n += r.N
	}
	return n
}

// longest is the count a full bar stands for.
func (b Bars) longest() (n int) {
	for _, r := range b.Rows {
		n = max(n, r.N)
	}
	return n
}

func (b Bar) class() string {
	if b.Late {
		return "late"
	}
	return "me"
}

// percentOf is a share in whole percent; what there is is never 0 %, and what is not all is never 100 %.
func percentOf(n, of int) string {
	switch p := 100 * n / max(of, 1); {
	case n > 0 && p == 0:
		return "< 1 %"
	default:
		return strconv.Itoa(p) + " %"
	}
}

// RunRow is one run: all scheduled syncs of a quarter hour, or one request.
type RunRow struct {
	Kind                  string    // what it is for
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

// SyncConfirm asks before syncs are asked for, paused or resumed.
type SyncConfirm struct {
	Title, Button, Action string
	Danger                bool
	Text                  []string
	Problem               string // why it was not done
	Reason                string // as it was typed
	AsksReason            bool
	CoachID               string // whose competitors it is for
	Impossible            bool   // there is nobody to do it for
}

// SyncCoach is the page to choose a coach whose competitors are synced.
type SyncCoach struct {
	Search string
	Rows   []SyncCoachRow
	Pager
}

// SyncCoachRow is a coach to choose.
type SyncCoachRow struct {
	ID, Name, School, URL string
	OnPlatform            int
}

func (d SyncCoach) say() string {
	if len(d.Rows) == 0 {
		return "No coach matches"
	}
	return "Coaches by name, " + d.span()
}
