package handlers

import (
	"strings"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// circumstances are what decides besides the figures whether the syncs are well.
type circumstances struct {
	enabled, killed bool
	pause           domain.SyncPause
	now             time.Time
	zone            *time.Location
}

func (p *pages) circumstances(v domain.Viewer) circumstances {
	return circumstances{p.conf.SyncEnabled, v.KillSwitch, v.Pause, p.clock(), p.conf.Zone}
}

const (
	// stalledAfter is how long somebody may be due, and nobody be tried, before it is said.
	stalledAfter = time.Hour
	// mostlyWell is the share of failing competitors, one in so many, up to which the rest counts more.
	mostlyWell = 20
)

// since is a time in a sentence: the clock today, else with its date.
func (c circumstances) since(t time.Time) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return views.Stamp(t, now, c.zone)
}

// syncSentence says in words whether all is well, or what is wrong since when for whom. The first that fits is said: what
// stops everything comes before what some suffer from.
func syncSentence(h store.SyncHealth, c circumstances) views.Sentence {
	switch {
	case !c.enabled:
		return views.Sentence{Kind: "off", Headline: "Syncs are switched off", Sub: "Set GAME_PLATFORM_INTEGRATION_ENABLED=true and restart the portal. An operator does it."}
	case c.killed:
		return views.Sentence{Kind: "bad", Headline: "All syncs are stopped", Sub: "Pages show what was stored. Product staff let syncs go on, on the page Rollout."}
	case c.pause.On():
		return views.Sentence{Kind: "hold", Headline: "Syncs are paused since " + c.since(c.pause.At), Sub: sentenceOf(c.pause.By+" paused them: "+c.pause.Reason) + " Pages show what was stored. An admin resumes them on this page."}
	case h.OnPlatform == 0 && h.NotEnrolled > 0:
		return views.Sentence{Kind: "wait", Headline: "No coach has the game platform yet", Sub: "Competitors are synced as soon as the rollout gives it to their coaches."}
	case h.OnPlatform == 0:
		return views.Sentence{Kind: "wait", Headline: "Nobody is on the platform yet", Sub: "Competitors are synced as soon as the roster gives them a game platform id."}
	case !h.TokenRefusedSince.IsZero():
		return views.Sentence{Kind: "bad", Headline: "Nothing is synced since " + c.since(h.TokenRefusedSince) + ": the platform refused our token", Sub: "Put in a valid token and restart the portal. An admin does it. Until then it is tried once a minute."}
	case stalled(h, c.now):
		return views.Sentence{Kind: "bad", Headline: "Nobody was synced since " + c.since(lastSign(h)), Sub: views.Plural(h.Next.DueNow, "competitor is", "competitors are") + " due, and nobody was tried for over an hour. An operator looks whether the portal that syncs is running, and into its log."}
	case h.Pending == h.OnPlatform:
		return views.Sentence{Kind: "run", Headline: "The first syncs are under way", Sub: "Results show as they arrive; nothing to do."}
	case len(h.Errors) > 0:
		return failingSentence(h, c)
	}
	return views.Sentence{Kind: "ok", Headline: "All is well", Sub: inStep(h) + " " + views.Number(h.Blocked) + " wait for the platform or for data."}
}

// stalled reports whether somebody is due for long while nobody is tried.
func stalled(h store.SyncHealth, now time.Time) bool {
	old := func(t time.Time) bool { return now.Sub(t) > stalledAfter }
	return !h.Next.OldestDue.IsZero() && old(h.Next.OldestDue) && old(h.LastTriedAt)
}

// lastSign is when somebody was last tried, or else should have been.
func lastSign(h store.SyncHealth) time.Time {
	if h.LastTriedAt.IsZero() {
		return h.Next.OldestDue
	}
	return h.LastTriedAt
}

func inStep(h store.SyncHealth) string {
	return views.Number(h.Synced) + " of " + views.Plural(h.OnPlatform, "competitor is", "competitors are") + " in step with the platform."
}

// failingSentence tells of the most frequent class of errors, and counts the others.
func failingSentence(h store.SyncHealth, c circumstances) views.Sentence {
	most := h.Errors[0]
	advice := domain.AdviceFor(most.Class)
	if most.NeedAttention > 0 {
		advice = advice.Lasting()
	}
	whom := views.Plural(most.Competitors, "competitor", "competitors") + " of " + views.Plural(most.Coaches, "coach", "coaches")
	s := views.Sentence{Kind: "warn", Sub: advice.Do + " " + advice.Who + " " + inStep(h)}
	if h.Failing*mostlyWell <= h.OnPlatform {
		s.Headline = "Mostly well, but " + whom + " cannot be synced since " + c.since(most.Since) + ": " + clause(advice.What)
	} else {
		s.Kind, s.Headline = "bad", "Syncs fail since "+c.since(most.Since)+" for "+whom+": "+clause(advice.What)
	}
	if others := h.Failing - most.Competitors; others > 0 {
		s.Sub += " " + views.Plural(others, "other fails", "others fail") + " for another reason."
	}
	return s
}

// clause makes a sentence the end of another one.
func clause(sentence string) string {
	s := strings.TrimSuffix(sentence, ".")
	return strings.ToLower(s[:1]) + s[1:]
}

// sentenceOf ends what somebody typed with a full stop.
func sentenceOf(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
