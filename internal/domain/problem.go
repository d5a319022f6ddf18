package domain

import (
	"net/url"
	"strings"
)

// ProblemState is how far a coach's problem report has come.
type ProblemState string

// The states. An answered report waits for nobody, a closed one was put aside.
const (
	ProblemOpen     ProblemState = "open"
	ProblemAnswered ProblemState = "answered"
	ProblemClosed   ProblemState = "closed"
)

// MaxProblemText is how long a report and its answer may be, in characters.
const MaxProblemText = 2000

// MaxProblemPage is how long the address of a reported page may be, in characters.
const MaxProblemPage = 300

// PageKind says what a page of the portal shows, not whom.
type PageKind string

// The kinds of pages that coaches open.
const (
	PageStart       PageKind = "start"
	PageCompetitors PageKind = "competitors"
	PageCompetitor  PageKind = "competitor"
	PageTeams       PageKind = "teams"
	PageTeam        PageKind = "team"
	PageEvents      PageKind = "events"
	PageEvent       PageKind = "event"
	PageNumbers     PageKind = "numbers"
	PageAccount     PageKind = "account"
	PageProblems    PageKind = "problems"
	PageOther       PageKind = "other"
)

// pageKinds are the kinds by the first part of an address: of the list alone, and of what stands below it.
var pageKinds = map[string][2]PageKind{
	"": {PageStart, PageOther}, "competitors": {PageCompetitors, PageCompetitor}, "teams": {PageTeams, PageTeam}, "events": {PageEvents, PageEvent},
	"numbers": {PageNumbers, PageOther}, "account": {PageAccount, PageAccount}, "problems": {PageProblems, PageProblems},
}

// PageKindOf is the kind of the page at an escaped path of the portal.
func PageKindOf(path string) PageKind {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	kinds, known := pageKinds[first]
	switch {
	case !known:
		return PageOther
	case rest == "":
		return kinds[0]
	}
	return kinds[1]
}

// PageCompetitorID is the id of the competitor whom the page at an escaped path is about, "" where it is nobody's.
func PageCompetitorID(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[1] != "competitors" {
		return ""
	}
	id, err := url.PathUnescape(parts[2])
	if err != nil {
		return ""
	}
	return id
}
