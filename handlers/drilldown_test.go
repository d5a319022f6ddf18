package handlers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// viewpoint is somebody who looks at lists, with what narrows them to one coach; shift is how many columns an admin has more.
type viewpoint struct {
	name, who, coach string
	shift            int
}

var viewpoints = []viewpoint{
	{"a coach", owner, "", 0}, {"another coach", other, "", 0}, {"nobody's coach", newcomer, "", 0}, {"an admin", admin, "", 1}, {"an admin with one coach", admin, "?coach=K-2", 1},
}

// strip are the numbers above the list: all, on the platform, active, solves, points, in a flash CTF, waiting.
type strip struct{ All, OnPlatform, Active, Solves, Points, InFlash, Waiting int }

func (p *portal) strip(page answer) strip {
	p.t.Helper()
	dd := page.words("#list .stats dd")
	if len(dd) == 0 {
		return strip{}
	}
	var on, all int
	if _, err := fmt.Sscanf(dd[0], "%d of %d", &on, &all); err != nil {
		p.t.Fatalf("%q: %v", dd[0], err)
	}
	return strip{all, on, p.figure(dd[1]), p.figure(dd[2]), p.figure(dd[3]), p.figure(dd[4]), p.figure(dd[5])}
}

// offPlatform are the states of those who have no account.
var offPlatform = []string{"Email missing", "Not on the platform yet"}

func TestNumbersAboveTheListAreTheListsBehindThem(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, v := range viewpoints {
			b := p.as(v.who)
			page := b.get("/competitors" + v.coach)
			said := p.strip(page)
			rows := b.allRows("/competitors"+v.coach, "list")
			behind := func(label string) int {
				href := page.doc().Find("#list .stats a:contains('"+label+"')").AttrOr("href", "")
				if href == "" {
					return 0
				}
				return len(b.allRows(href, "list"))
			}
			wantEqual(t, v.name, said, strip{
				All: len(rows), OnPlatform: len(rows) - count(rows, 9+v.shift, offPlatform...), Active: behind("active"),
				Solves: p.sum(rows, 3+v.shift, 4+v.shift), Points: p.sum(rows, 5+v.shift), InFlash: behind("flash CTF"), Waiting: behind("waiting"),
			})
		}
		wantEqual(t, "of everybody", p.strip(p.as(admin).get("/competitors")).Waiting, 5)
	})
}

func TestTeamsAndThoseInNoneAreEverybody(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, v := range viewpoints {
			b := p.as(v.who)
			page := b.get("/teams" + v.coach)
			said := p.strip(b.get("/competitors" + v.coach))
			if said.All == 0 {
				wantEqual(t, v.name, page.words("#teams .empty h2"), []string{"No teams yet"})
				continue
			}
			teams, foot := b.allRows("/teams"+v.coach, "teams"), page.cells("#teams tfoot tr")
			wantEqual(t, v.name+": foot", []string{foot[0][0], foot[1][0]}, []string{"No team", "Everybody"})
			for column, want := range map[int]int{1: said.All, 2: said.OnPlatform, 3: said.Active, 4: said.Solves, 5: said.Points} {
				parts := p.sum(teams, column+v.shift) + p.figure(foot[0][column+v.shift])
				wantEqual(t, fmt.Sprintf("%s: column %d", v.name, column), []int{parts, p.figure(foot[1][column+v.shift])}, []int{want, want})
			}
			none := b.allRows(page.attr("#teams tfoot a", "href"), "list")
			wantEqual(t, v.name+": in no team", len(none), p.figure(foot[0][1+v.shift]))
			page.doc().Find("#teams tbody th a").Each(func(i int, s *goquery.Selection) { p.wantTeam(b, s.AttrOr("href", ""), teams[i], v.shift) })
		}
		wantEqual(t, "an empty team is there", p.as(owner).get("/teams").words("#teams tbody tr:nth-child(2) > *")[:2], []string{"Left Behind", "0"})
	})
}

// wantTeam holds a team's page against its row, and its numbers against its members.
func (p *portal) wantTeam(b *browser, path string, row []string, shift int) {
	p.t.Helper()
	page := b.get(path)
	wantStatus(p.t, page, 200)
	dd := page.words("main > .stats dd")
	var on, all, active, ofActive int
	if _, err := fmt.Sscanf(dd[0]+" "+dd[1], "%d of %d %d of %d", &on, &all, &active, &ofActive); err != nil {
		p.t.Fatal(dd, err)
	}
	n := func(column int) int { return p.figure(row[column+shift]) }
	wantEqual(p.t, path, []int{all, on, active, p.figure(dd[2]), p.figure(dd[3]), p.figure(dd[4])}, []int{n(1), n(2), n(3), n(4), n(5), n(6)})
	members := page.cells("section[aria-labelledby=members-title] tbody tr")
	wantEqual(p.t, path+": members", []int{len(members), len(members) - count(members, 8, offPlatform...), p.sum(members, 2, 3), p.sum(members, 4)}, []int{all, on, n(4), n(5)})
	if all > 0 {
		listed := b.allRows(page.attr("section[aria-labelledby=members-title] .acts a", "href"), "list")
		wantEqual(p.t, path+": in the list", len(listed), all)
	}
}

func TestCompetitorsTotalsAreTheSumOfTheirParts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(admin)
		for link := "/competitors?size=100"; link != "(none)"; {
			page := b.get(link)
			rows := page.cells("#list tbody tr")
			page.doc().Find("#list tbody th a").Each(func(i int, s *goquery.Selection) {
				if i%10 < 3 || p.figure(rows[i][6]) > 0 { // not all of the crowd who have nothing
					p.wantParts(b, s.AttrOr("href", ""), rows[i])
				}
			})
			link = page.attr("#list-next", "href")
		}
	})
}

// wantParts holds a competitor's totals against the row of the list, categories, solves, days and growth.
func (p *portal) wantParts(b *browser, path string, row []string) {
	p.t.Helper()
	page := b.get(path)
	wantStatus(p.t, page, 200)
	dd := page.words("main > .stats dd")
	points, solves := p.figure(dd[0]), p.figure(dd[1])
	wantEqual(p.t, path+": list", []int{p.figure(row[4]) + p.figure(row[5]), p.figure(row[6])}, []int{solves, points})
	listed := b.allRows(path, "solves")
	wantEqual(p.t, path+": solves", []int{len(listed), p.sum(listed, 4)}, []int{solves, points})
	if solves == 0 {
		wantEqual(p.t, path+": pictures", page.doc().Find("[role=img]").Length(), 0)
		return
	}
	bars := "section[aria-labelledby=categories-title] "
	categories, all := page.cells(bars+"tbody tr"), page.cells(bars+"tfoot tr")
	wantEqual(p.t, path+": categories", []int{p.sum(categories, 1), p.sum(categories, 2), p.sum(all, 1), p.sum(all, 2)}, []int{solves, points, solves, points})
	page.doc().Find(bars + "tbody th a").Each(func(i int, s *goquery.Selection) {
		of := b.allRows(s.AttrOr("href", ""), "solves")
		wantEqual(p.t, path+": "+categories[i][0], []int{len(of), p.sum(of, 4)}, []int{p.figure(categories[i][1]), p.figure(categories[i][2])})
	})
	days := page.cells("section[aria-labelledby=year-title] .twin tbody tr")
	wantEqual(p.t, path+": days", []int{p.sum(days, 1), p.sum(days, 2)}, []int{solves, points})
	weeks := page.cells("section[aria-labelledby=growth-title] .twin tbody tr")
	wantEqual(p.t, path+": the last week", p.figure(weeks[len(weeks)-1][1]), points)
	events := "section[aria-labelledby=events-title] tbody "
	page.doc().Find(events + "td:nth-child(4) a").Each(func(i int, s *goquery.Selection) {
		of := b.allRows(s.AttrOr("href", ""), "solves")
		row := page.cells(events + "tr")[i]
		wantEqual(p.t, path+": "+row[0], []int{len(of), p.sum(of, 4)}, []int{p.figure(row[3]), p.figure(row[4])})
	})
}

func TestEventsCountTheirRows(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for _, who := range []string{owner, other, newcomer, admin} {
			b := p.as(who)
			onPlatform := p.strip(b.get("/competitors")).OnPlatform
			list := b.get("/events")
			events := list.cells("table tbody tr")
			wantEqual(t, who+": events", []string{events[0][0], events[1][0]}, []string{sprint.Name, autumn.Name})
			list.doc().Find("table tbody th a").Each(func(i int, s *goquery.Selection) {
				path := s.AttrOr("href", "")
				dd := b.get(path).words("main > .stats dd")
				took, absent := b.allRows(path, "results"), b.allRows(path, "absent")
				row := events[i]
				wantEqual(t, who+" "+path, []int{p.figure(row[2]), p.figure(row[3]), p.figure(dd[0]), p.figure(dd[1]), len(took) + len(absent)},
					[]int{len(took), len(absent), len(took), len(absent), onPlatform})
				wantEqual(t, who+" "+path+": best rank", dd[2], row[4])
				for _, row := range took {
					if slices.ContainsFunc(absent, func(a []string) bool { return a[0] == row[1] }) {
						t.Errorf("%s took part and did not", row[1])
					}
				}
			})
		}
	})
}

func TestCoachesRowsAreTheirLists(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(admin)
		page, rows := b.get("/coaches"), b.allRows("/coaches", "coaches")
		wantEqual(t, "coaches", []string{rows[0][0], rows[1][0], rows[2][0]}, []string{"Halima Osei", "Ines Falk", "Ruben Castellan"})
		page.doc().Find("#coaches tbody th a").Each(func(i int, s *goquery.Selection) {
			said, row := p.strip(b.get(s.AttrOr("href", ""))), rows[i]
			wantEqual(t, row[0], []int{p.figure(row[2]), p.figure(row[3]), p.figure(row[4]), p.figure(row[6]), p.figure(row[7])},
				[]int{said.All, said.OnPlatform, said.Waiting, said.Solves, said.Points})
			if teams := p.figure(row[5]); teams > 0 {
				wantEqual(t, row[0]+": teams", len(b.allRows(page.doc().Find("#coaches tbody tr").Eq(i).Find("td a").AttrOr("href", ""), "teams")), teams)
			}
		})
		all := p.strip(b.get("/competitors"))
		wantEqual(t, "all", []int{p.sum(rows, 2), p.sum(rows, 3), p.sum(rows, 4), p.sum(rows, 6), p.sum(rows, 7)},
			[]int{all.All, all.OnPlatform, all.Waiting, all.Solves, all.Points})
	})
}

func TestUnknownCategoriesAreCountedAndLeadToTheirPeople(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(admin)
		page := b.get("/admin/categories")
		rows := page.cells("section[aria-labelledby=unknown-title] tbody tr")
		wantEqual(t, "unknown", []string{rows[0][0], rows[1][0], rows[2][0]}, []string{"Cooking", "No category", "Steganography"})
		page.doc().Find("section[aria-labelledby=unknown-title] tbody a").Each(func(i int, s *goquery.Selection) {
			wantEqual(t, rows[i][0], len(b.allRows(s.AttrOr("href", ""), "list")), p.figure(rows[i][1]))
		})
		wantEqual(t, "known", len(page.cells("section[aria-labelledby=known-title] tbody tr")), 11)
	})
}
