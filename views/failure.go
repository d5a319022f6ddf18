package views

import (
	"strconv"
	"time"

	"flagpole/internal/domain"
)

// Failure is one failure with every stored attempt.
type Failure struct {
	Row         FailureRow
	Card        CauseCard
	Raw         string // the platform's words
	ClearedText string
	End         string
	Attempts    []AttemptRow
	OlderURL    string
	NewestURL   string
	Earlier     []EarlierFailure
	BackURL     string
	OnPlatform  bool
}

// AttemptRow is one call of the platform.
type AttemptRow struct {
	At       time.Time
	Call     string
	Status   int
	Took     string
	State    State
	Message  string
	Endpoint string
}

// EarlierFailure is another failure of the same competitor.
type EarlierFailure struct {
	URL, Title        string
	OpenedAt, EndedAt time.Time
	End               string
}

// Milliseconds is a duration of a call: "312 ms", "15.0 s".
func Milliseconds(d time.Duration) string {
	if d < 10*time.Second {
		return Number(int(d.Milliseconds())) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

// EndText says how a failure came to its end, in a sentence.
func EndText(f domain.Failure, cleared bool) string {
	switch f.EndReason {
	case domain.EndedSynced:
		if cleared {
			return "It has resolved by itself after it was cleared: a later sync succeeded."
		}
		return "It is resolved: a later sync succeeded."
	case domain.EndedCompleted:
		return "It is resolved: what was missing has been added."
	case domain.EndedChanged:
		return "The competitor fails for another cause since then."
	case domain.EndedInactive:
		return "The competitor does not take part any more."
	case domain.EndedForgotten:
		return "How the syncs went was deleted, so it is tried anew."
	}
	return ""
}
