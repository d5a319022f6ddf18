package handlers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
	"flagpole/store"
	"flagpole/store/storetest"
)

// sprint is a flash CTF of this month.
var sprint = domain.FlashEvent{Name: "November <i>Sprint</i>", StartsAt: storetest.Start.AddDate(0, 0, -3)}

// inEvent is a result in a flash CTF with one solve for each number of points.
func inEvent(event domain.FlashEvent, rank int64, points ...int64) domain.FlashResult {
	r := domain.FlashResult{Event: event, Rank: rank, MaxPoints: 900, ChallengesSolved: int64(len(points))}
	for i, n := range points {
		r.PointsEarned += n
		r.Solves = append(r.Solves, domain.Solve{
			SolveKey: domain.SolveKey{Source: domain.SourceFlash, EventID: event.ID(), ChallengeSolveID: int64(i + 1), ChallengeID: int64(50 + i)},
			Title:    fmt.Sprintf("Sprint %d", i), Category: "Cooking", Points: n, SolvedAt: event.StartsAt.Add(time.Hour),
		})
	}
	return r
}

// november adds what makes lists long and states many: a flash CTF of this month, somebody who signs in without solving,
// somebody idle, somebody stale, an empty team, and a crowd of which every tenth has solves.
func (p *portal) november() {
	p.t.Helper()
	p.crowd(60)
	p.enrol(
		p.pupil(other, roster.Row{CompetitorID: "D-3", FirstName: "Stale", LastName: "Bread", Email: "stale@pupil.example", Team: "Southern Cross", GamePlatformID: "P-9"}),
		p.pupil(other, roster.Row{CompetitorID: "D-4", FirstName: "Idle", LastName: "Hands", Email: "idle@pupil.example", Team: "Southern Cross", GamePlatformID: "P-10"}),
		p.pupil(owner, roster.Row{CompetitorID: "C-8", FirstName: "Moved", LastName: "On", Team: "Left Behind"}),
	)
	p.enrol(p.pupil(owner, roster.Row{CompetitorID: "C-8", FirstName: "Moved", LastName: "On", Team: "Salt & Hash"}))
	p.pull("P-1", amarasSolves(), withFlash, func(pull *store.Pull) {
		pull.Flash.Results = append(pull.Flash.Results, inEvent(sprint, 3, 100, 20))
	})
	p.pull("P-7", []domain.Solve{odl(1, "Southern Lights", "web", 50, 1)}, func(pull *store.Pull) {
		pull.Flash = &store.FlashPull{RequestedAt: pull.At, Results: []domain.FlashResult{inEvent(sprint, 0, 40)}}
	})
	p.pull("P-4", nil, func(pull *store.Pull) { pull.ODL.LastAccessedAt = pull.At.AddDate(0, 0, -2) })
	p.pull("P-9", []domain.Solve{odl(1, "Southern Lights", "web", 50, 9)}, func(pull *store.Pull) { pull.At = pull.At.Add(-40 * time.Hour) })
	p.pull("P-10", []domain.Solve{odl(1, "Southern Lights", "web", 50, 30)})
	for i := 0; i < 60; i += 10 {
		var solves []domain.Solve
		for n := range i/2 + 30 { // more than a page of solves
			solves = append(solves, odl(int64(n+1), fmt.Sprintf("Task %02d", n), []string{"web", "pwn", "Cooking"}[n%3], int64(n), n*5+i/10))
		}
		p.pull(fmt.Sprintf("Q-%d", i), solves)
	}
}

// cells are the texts of the rows that the selector finds.
func (a answer) cells(rows string) [][]string {
	a.t.Helper()
	var list [][]string
	a.doc().Find(rows).Each(func(_ int, row *goquery.Selection) {
		list = append(list, row.Children().Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }))
	})
	return list
}

// allRows turns every page of a region's table and gives the rows; they must be as many as its foot says.
func (b *browser) allRows(path, region string) [][]string {
	b.p.t.Helper()
	var list [][]string
	for link := path; link != "(none)"; {
		page := b.get(link)
		wantStatus(b.p.t, page, 200)
		list = append(list, page.cells("#"+region+" tbody tr")...)
		link = page.attr("#"+region+"-next", "href")
		if place := page.place(region); link == "(none)" && place != "" && !strings.HasSuffix(place, " of "+commas(len(list))) {
			b.p.t.Errorf("%s: %d rows, the foot says %q", path, len(list), place)
		}
	}
	return list
}

func commas(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// figure is the number that a text begins with: 1113 of "1,113 of 2,000".
func (p *portal) figure(text string) int {
	p.t.Helper()
	number, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
	if err != nil {
		p.t.Fatalf("%q is no number", text)
	}
	return n
}

// sum adds up columns, counted from 0, of rows.
func (p *portal) sum(rows [][]string, columns ...int) int {
	p.t.Helper()
	n := 0
	for _, row := range rows {
		for _, column := range columns {
			n += p.figure(row[column])
		}
	}
	return n
}

// count counts the rows whose column is one of the texts.
func count(rows [][]string, column int, texts ...string) int {
	n := 0
	for _, row := range rows {
		for _, text := range texts {
			if row[column] == text {
				n++
			}
		}
	}
	return n
}
