package views

import (
	"net/url"
	"time"

	"flagpole/internal/domain"
)

// Competitors is the list of the viewer's competitors, one page of it. Counts and sums are over all of them.
type Competitors struct {
	Rows                              []CompetitorRow
	Total, OnPlatform, Teams, Coaches int
	Solves, Points                    int64
	First, Last                       int    // place of the first and last row in the list, from 1
	PrevURL, NextURL, ExportURL       string // "" where there is none
	NextCount                         int    // rows on the next page
}

// CompetitorRow is one competitor in the list.
type CompetitorRow struct {
	ID, Name, Team, CoachName      string
	Division                       domain.Division
	ODLSolves, FlashSolves, Points int64
	LastSolveAt                    time.Time // zero: no solve yet
	LastSyncedAt                   time.Time // when a sync last succeeded; zero: none did yet
	State                          State
}

// CompetitorURL is the path of a competitor's page.
func CompetitorURL(id string) string { return "/competitors/" + url.PathEscape(id) }

// summary says in one sentence whom the list holds: "Your 38 competitors in 6 teams. 31 are on the platform."
func (d Competitors) summary(admin bool) string {
	text := Plural(d.Total, "competitor", "competitors")
	if admin {
		text += " of " + Plural(d.Coaches, "coach", "coaches")
	} else {
		text = "Your " + text
	}
	if d.Teams > 0 {
		text += " in " + Plural(d.Teams, "team", "teams")
	}
	return text + ". " + d.onPlatform()
}

func (d Competitors) onPlatform() string {
	switch d.OnPlatform {
	case 0:
		return "None is on the platform yet."
	case 1:
		return "1 is on the platform."
	}
	return Number(d.OnPlatform) + " are on the platform."
}

// say is read out after the list was replaced.
func (d Competitors) say() string {
	if len(d.Rows) == 0 {
		return "No competitors on this page"
	}
	return "Competitors " + span(d.First, d.Last, d.Total)
}
