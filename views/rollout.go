package views

import (
	"strconv"
	"strings"
	"time"
)

// Rollout is the page on which product staff move the rollout.
type Rollout struct {
	Level              string // "off", or a whole number
	Eligible, Enrolled int    // coaches not held back, and those who have the game platform
	KillSwitch         bool
	SyncOff            bool  // the integration is switched off in the environment
	Change             int64 // the last one
	Form               RolloutForm
	Preview            RolloutPreviewData
	History            []RolloutEntry // newest first
	PhaseName          string         // the one that is on
	PhaseSince         time.Time      // zero: the rollout has not begun
	Steps              []PhaseStep
	Gates              GateTable
	FrozenAt, WouldAct time.Time // zero: neither
	FrozenWhy          string
	Overrides          []RolloutOverride
	Plan               *RolloutPlan // the last one, while it matters; nil: none
	Pilots, HeldBack   []RolloutCoach
	Candidates         []RolloutCoach // the best next pilots, best first
}

// RolloutForm is the form as it was filled in.
type RolloutForm struct {
	Percent  string // "off", or as it was typed
	Keep     bool
	Override string // the gates that were seen not to pass; "" for none
	Lasts    string
	Reason   string
	Problem  string // why it was not saved; "" where nothing is wrong
	Clash    bool   // somebody else saved first
	Seen     int64  // the change that the page shows
}

// off reports whether the form asks for nobody at all.
func (f RolloutForm) off() bool { return f.Percent == levelOff }

const levelOff = "off"

// number is the value of the two number fields.
func (f RolloutForm) number() string {
	if f.off() {
		return "0"
	}
	return f.Percent
}

// RolloutPreviewData says what a change would do.
type RolloutPreviewData struct {
	Level              string
	Previewed          string // what the form must send back, so that nothing is saved that was not looked at
	Down, Keep         bool
	Seen               int64
	Reason             string
	Eligible, Enrolled int  // afterwards
	Same               bool // nothing would change
	Now, Then          RolloutLoad
	Budget             int // requests an hour
	Gained, Lost       []string
	GainedCompetitors  int
	LostCompetitors    int
	TakenFrom          int       // coaches who would lose it without keep
	Gates              []GateRow // where it gives more
	Lasts              string    // hours of an override
}

// RolloutLoad is what syncs ask of the platform.
type RolloutLoad struct{ Competitors, Calls int } // Calls an hour

// LevelText names a level: "Off", "10 %".
func LevelText(level string) string {
	if level == levelOff {
		return "Off"
	}
	return level + " %"
}

// say is the change in one line: "10 % → 3 of 26 coaches (+2 / −0)".
func (d RolloutPreviewData) say() string { return d.what() + " " + d.moved() }

func (d RolloutPreviewData) what() string { return LevelText(d.Level) + " → " + d.who() }

// who says how many would have it: "3 of 26 coaches".
func (d RolloutPreviewData) who() string { return ofCoaches(d.Enrolled, d.Eligible) }

func (d RolloutPreviewData) moved() string { return moved(len(d.Gained), len(d.Lost)) }

func ofCoaches(some, all int) string { return Number(some) + " of " + Plural(all, "coach", "coaches") }

func number64(n int64) string { return strconv.FormatInt(n, 10) }

func moved(gained, lost int) string { return "(+" + Number(gained) + " / −" + Number(lost) + ")" }

func (d RolloutPreviewData) saveLabel() string {
	verb := "Save: "
	if len(openGates(d.Gates)) > 0 {
		verb = "Override: "
	}
	return verb + LevelText(d.Level) + ", " + d.who()
}

// asksKeep reports whether those who have it may keep it: not where nobody is to have it.
func (d RolloutPreviewData) asksKeep() bool { return d.Down && d.TakenFrom > 0 && d.Level != levelOff }

func (d RolloutPreviewData) kept() int { return d.Enrolled - len(d.Gained) }

// rest are the coaches who count and do not have it before or after.
func (d RolloutPreviewData) rest() int { return max(0, d.Eligible-d.Enrolled-len(d.Lost)) }

// carried says whether the budget carries the requests, as a state.
func (d RolloutPreviewData) carried() State {
	limit := Number(d.Budget) + " requests an hour"
	if d.Then.Calls > d.Budget {
		return State{Kind: "warn", Text: "More than the limit of " + limit + ": syncs would come later than planned."}
	}
	return State{Kind: "ok", Text: "The limit of " + limit + " carries it."}
}

// loadTitle heads the load before and after.
func (d RolloutPreviewData) loadTitle() string {
	if d.Then.Calls < d.Now.Calls {
		return "What it saves"
	}
	return "What it adds"
}

// dot is one coach in the picture: x in steps from the left.
type dot struct{ class, cx string }

const (
	dotStep   = 20
	dotsShown = 60 // more are no picture any more
)

// dots are all coaches, those who have it first; nil where they are too many.
func (d RolloutPreviewData) dots() []dot {
	parts := d.parts()
	var list []dot
	for _, p := range parts {
		for range p.n {
			list = append(list, dot{p.class, strconv.Itoa(dotStep*len(list) + dotStep/2)})
		}
	}
	if len(list) > dotsShown {
		return nil
	}
	return list
}

// part is a kind of coach in the picture, with the word for it.
type part struct {
	class, word string
	n           int
}

func (d RolloutPreviewData) parts() []part {
	return []part{
		{"me", noun(d.kept(), "has it and keeps it", "have it and keep it"), d.kept()}, {"ring", "would get it", len(d.Gained)},
		{"late", "would lose it", len(d.Lost)}, {"rest", "not yet", d.rest()},
	}
}

// picture is the point of the picture: "26 coaches: 3 have it and keep it, 10 would get it, 13 not yet."
func (d RolloutPreviewData) picture() string {
	var texts []string
	all := 0
	for _, p := range d.parts() {
		all += p.n
		if p.n > 0 {
			texts = append(texts, Number(p.n)+" "+p.word)
		}
	}
	return Plural(all, "coach", "coaches") + ": " + strings.Join(texts, ", ") + "."
}

// pictureBox is as wide as the dots are.
func (d RolloutPreviewData) pictureBox() string {
	return "0 0 " + strconv.Itoa(dotStep*len(d.dots())) + " " + strconv.Itoa(dotStep)
}

// RolloutCoach is a coach as the rollout's pages show one, with the competitors as counts.
type RolloutCoach struct {
	ID, Name, School, URL       string
	Competitors, OnPlatform     int
	Enrolled, Pilot, HeldBack   bool
	Since                       time.Time // enrolled; zero where the coach is not
	Why                         string
	MaySee, MayCall, KillSwitch bool
	Checks                      []RolloutCheck
	PeopleLinks                 bool // the viewer may open the coach's competitors
	Had                         bool // had it at the time asked for
}

// RolloutCheck is one thing that makes a good pilot.
type RolloutCheck struct {
	OK            bool
	Name, Missing string
	URL           string // where the competitors are that it is about
}

// state is the check in a word.
func (c RolloutCheck) state() State {
	if c.OK {
		return State{Kind: "ok", Text: "Yes"}
	}
	return State{Kind: "warn", Text: "Not yet"}
}

// Ready is how many checks have passed.
func (c RolloutCoach) Ready() int {
	n := 0
	for _, check := range c.Checks {
		if check.OK {
			n++
		}
	}
	return n
}

// ready is the readiness in a word.
func (c RolloutCoach) ready() State {
	if c.Ready() == len(c.Checks) {
		return State{Kind: "ok", Text: "Ready"}
	}
	return State{Kind: "warn", Text: Number(c.Ready()) + " of " + Number(len(c.Checks))}
}

// missing are the sentences about what is missing.
func (c RolloutCoach) missing() string {
	var texts []string
	for _, check := range c.Checks {
		if !check.OK {
			texts = append(texts, check.Missing)
		}
	}
	return strings.Join(texts, " ")
}

// state says whether the coach has it.
func (c RolloutCoach) state() State {
	switch {
	case c.HeldBack:
		return State{Kind: "hold", Text: "Held back"}
	case c.Enrolled && c.Pilot:
		return State{Kind: "ok", Text: "Has it, as a pilot"}
	case c.Enrolled:
		return State{Kind: "ok", Text: "Has it"}
	case c.Pilot:
		return State{Kind: "wait", Text: "Pilot, not yet"}
	}
	return State{Kind: "off", Text: "Not yet"}
}

// had says whether the coach had it at the time asked for.
func (c RolloutCoach) had() State {
	if c.Had {
		return State{Kind: "ok", Text: "Had it"}
	}
	return State{Kind: "off", Text: "Did not"}
}

// RolloutEntry is a change in the history.
type RolloutEntry struct {
	ID           int64
	At           time.Time
	Actor        string
	What, Reason string
	Gained, Lost []string // names of coaches
	Current      bool
	RestoreURL   string
	Override     string // which gates it overrode, and until when; "" for none
}

func (e RolloutEntry) title() string { return e.What + " " + moved(len(e.Gained), len(e.Lost)) }

// why is who did it and the reason.
func (e RolloutEntry) why() string {
	if e.Reason == "" {
		return e.Actor
	}
	return e.Actor + ": " + e.Reason
}

// RolloutConfirm asks before a change that is not a move.
type RolloutConfirm struct {
	Title, Text, Button  string
	Danger               bool
	Counts               bool // the button says how many have it then
	Back, Action, Reason string
	Problem              string
	Seen                 int64
	NeedsReason          bool
	Preview              RolloutPreviewData
}

// button names the act, and how many have it then where that changes for several.
func (d RolloutConfirm) button() string {
	if d.Counts {
		return d.Button + ": " + LevelText(d.Preview.Level) + ", " + d.Preview.who()
	}
	return d.Button
}

// RolloutCoaches lists all coaches: who has it, or had it at a time.
type RolloutCoaches struct {
	At        string // as in the address; "" is now
	Had       int
	ExportURL string
	Rows      []RolloutCoach
}

// atText is the time as people read it.
func (d RolloutCoaches) atText() string { return strings.Replace(d.At, "T", " ", 1) }

// slideTicks are the marks below the slider.
var slideTicks = []struct{ X, Label, Anchor string }{{"0%", "0", "start"}, {"10%", "10 %", "middle"}, {"50%", "50 %", "middle"}, {"100%", "100 %", "end"}}

// reasonTexts are why a coach has the feature or not, by the rollout's word for it.
var reasonTexts = map[string]string{
	"environment": "No calls are made: the integration is switched off in the environment.",
	"kill_switch": "No calls are made: all syncs are stopped.",
	"held_back":   "Held back by the staff.",
	"pilot":       "Has it as a pilot.",
	"enrolled":    "Has it with the percentage.",
	"off":         "Not this coach's turn yet.",
}

// ReasonText says in plain words why a coach has the feature or not.
func ReasonText[R ~string](reason R) string { return reasonTexts[string(reason)] }

// phaseText names the phase, and the level where somebody has moved it past that of the phase.
func (d Rollout) phaseText() string {
	if d.Level != levelOff && d.Level != "0" && LevelText(d.Level) != d.PhaseName {
		return d.PhaseName + ", at " + LevelText(d.Level) + ","
	}
	return d.PhaseName + ","
}
