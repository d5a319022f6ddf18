package views

import (
	"net/url"
	"strconv"
	"time"

	"flagpole/internal/domain"
)

const problemsPath = "/problems"

// ProblemURL is the page of a report.
func ProblemURL(id string) string { return problemsPath + "/" + url.PathEscape(id) }

// Problems are reports, newest first, one page of them.
type Problems struct {
	Rows           []ProblemRow
	State          domain.ProblemState // what is chosen; "" is all
	Open, LastWeek int                 // of all, for staff
	OlderURL       string              // "" where there is nothing older
	NewestURL      string              // "" on the first page
}

// ProblemRow is a report. Page, Text and Answer are empty for who may not read them.
type ProblemRow struct {
	ID                        int64
	Coach, Page, Text, Answer string
	Kind                      domain.PageKind
	AsOf, ReportedAt          time.Time
	State                     domain.ProblemState
	AnsweredBy                string
	AnsweredAt, ClosedAt      time.Time // zero: never
}

// ProblemForm is what a coach says is wrong with a page.
type ProblemForm struct {
	Page    string
	Kind    domain.PageKind
	At      time.Time // the page is as of this time
	Text    string    // what was typed
	Problem string    // why it was not stored
}

// Problem is the page of one report.
type Problem struct {
	ProblemRow
	Seen    string // what the forms were made from
	MayAct  bool
	Typed   string // into the field for the answer
	Problem string // why the last thing that somebody wanted was not done
}

var pageKindNames = map[domain.PageKind]string{
	domain.PageStart:       "The start page",
	domain.PageCompetitors: "The list of competitors",
	domain.PageCompetitor:  "A competitor’s page",
	domain.PageTeams:       "The list of teams",
	domain.PageTeam:        "A team’s page",
	domain.PageEvents:      "The list of flash CTFs",
	domain.PageEvent:       "A flash CTF’s page",
	domain.PageNumbers:     "What the numbers mean",
	domain.PageAccount:     "My account",
	domain.PageProblems:    "Problem reports",
	domain.PageOther:       "Another page",
}

// PageKindName is a kind of page as people read it.
func PageKindName(k domain.PageKind) string { return pageKindNames[k] }

var problemStates = []Option{{string(domain.ProblemOpen), "Open"}, {string(domain.ProblemAnswered), "Answered"}, {string(domain.ProblemClosed), "Closed"}}

// ProblemState is a report's state as shape and word.
func ProblemState(s domain.ProblemState) State {
	switch s {
	case domain.ProblemOpen:
		return State{Kind: "warn", Text: "Open"}
	case domain.ProblemAnswered:
		return State{Kind: "ok", Text: "Answered"}
	}
	return State{Kind: "off", Text: "Closed"}
}

func (r ProblemRow) id() string { return strconv.FormatInt(r.ID, 10) }

func (r ProblemRow) url() string { return ProblemURL(r.id()) }

// excerptLength is how many characters of a text stand in a list.
const excerptLength = 160

// excerpt is the beginning of a text.
func (r ProblemRow) excerpt() string {
	if text := []rune(r.Text); len(text) > excerptLength {
		return string(text[:excerptLength]) + "…"
	}
	return r.Text
}

func (d Problems) say() string {
	if len(d.Rows) == 0 {
		return "No report matches"
	}
	return "Problem reports, newest first, " + Plural(len(d.Rows), "report", "reports")
}

// summary says how many reports there are.
func (d Problems) summary() string {
	open := "None is open."
	if d.Open > 0 {
		open = Number(d.Open) + " " + noun(d.Open, "is", "are") + " open."
	}
	return open + " " + Number(d.LastWeek) + " in the last 7 days."
}

// answerLabel is the button's word.
func (d Problem) answerLabel() string {
	if d.Answer == "" {
		return "Answer"
	}
	return "Change the answer"
}

// noAnswer says that there is none: a closed report gets none any more.
func (r ProblemRow) noAnswer() string {
	if r.State == domain.ProblemClosed {
		return "none"
	}
	return "none yet"
}
