package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/roster"
)

func TestListShowsOwnCompetitorsWithTheirNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		page := p.as(owner).get("/competitors")
		wantStatus(t, page, 200)
		wantEqual(t, "columns", page.words("#list thead th"), []string{
			"Competitor", "Team", "Division", "ODL", "Flash", "Points", "Last solve", "Last seen", "Last synced", "State"})
		wantEqual(t, "names in order", page.words("#list tbody th"), []string{
			`=HYPERLINK("http://evil.example") Evil`, "Amara Nwosu", "Beatriz Quintanilla", "Cyrus Vale", oddName, "Écrin Zola"})
		wantEqual(t, "synced", page.words("#list tbody tr:nth-child(2) > *"), []string{
			"Amara Nwosu", "Salt & Hash", "High school", "6", "1", "1,400", "yesterday", "Never", "12 min ago", "Synced"})
		wantEqual(t, "blocked", page.words("#list tbody tr:nth-child(3) > *"), []string{
			"Beatriz Quintanilla", "Salt & Hash", "Middle school", "0", "0", "0", "No solve yet", "Never", "Not yet", "Awaiting approval"})
		wantEqual(t, "no team, no email, not on the platform", page.words("#list tbody tr:nth-child(4) > *"), []string{
			"Cyrus Vale", "No team", "High school", "0", "0", "0", "No solve yet", "Never", "Not yet", "Email missing"})
		wantEqual(t, "not on the platform", page.words("#list tbody tr:nth-child(6) > :last-child"), []string{"Not on the platform yet"})
		wantEqual(t, "summary", page.words(".head p"), []string{"Your 6 competitors in 2 teams. 3 are on the platform."})
		wantEqual(t, "sums", page.words(".stats dd"), []string{"3 of 6", "1 of 3", "7", "1,400", "0", "4"})
		wantEqual(t, "pager", len(page.words("#list nav")), 0)
		wantEqual(t, "full time", page.attr("#list tbody tr:nth-child(2) td:nth-child(9) time", "datetime"), "2026-11-18T12:00:00Z")
	})
}

func TestListOfAdminsHasEverybodyAndTheirCoach(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		page := p.as(admin).get("/competitors")
		wantEqual(t, "third column", page.words("#list thead th:nth-child(3)"), []string{"Coach"})
		wantEqual(t, "names and coaches", page.words("#list tbody tr:nth-child(5) th, #list tbody tr:nth-child(5) td:nth-child(3)"), []string{oddName, "Halima Osei"})
		wantEqual(t, "names and coaches", page.words("#list tbody tr:nth-child(6) th, #list tbody tr:nth-child(6) td:nth-child(3)"), []string{"Dov Lindqvist", "Ruben Castellan"})
		wantEqual(t, "summary", page.words(".head p"), []string{"8 competitors of 2 coaches in 3 teams. 5 are on the platform."})
	})
}

func TestListOfCoachWithoutCompetitorsSaysWhoActs(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		page := p.as(newcomer).get("/competitors")
		wantStatus(t, page, 200)
		wantEqual(t, "text", page.words("#list h2, #list p"), []string{
			"No competitors yet", "An admin imports the roster; your competitors show here right after."})
		wantEqual(t, "export", len(page.words("a[href$='.csv']")), 0)
	})
}

func TestListPagesForwardAndBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.crowd(120)
		b := p.as(other) // with Dov and Edda there are 122
		first := b.get("/competitors")
		wantEqual(t, "place", first.place("list"), "1 to 50 of 122")
		wantEqual(t, "links", first.words("#list .foot .acts a"), []string{"Previous", "Next 50"})
		wantEqual(t, "sizes", first.words("#list .sizes"), []string{"Rows a page: 25 50 100"})
		wantEqual(t, "nothing before", first.attr("#list-prev", "href"), "(none)")

		names := first.words("#list tbody th")
		second := b.get(first.attr("#list-next", "href"))
		wantEqual(t, "place", second.place("list"), "51 to 100 of 122")
		wantEqual(t, "links", second.words("#list .foot .acts a"), []string{"Previous", "Next 22"})
		names = append(names, second.words("#list tbody th")...)

		third := b.get(second.attr("#list-next", "href"))
		wantEqual(t, "place", third.place("list"), "101 to 122 of 122")
		wantEqual(t, "nothing after", third.attr("#list-next", "href"), "(none)")
		names = append(names, third.words("#list tbody th")...)

		want := []string{"Dov Lindqvist", "Edda Marsh"}
		for i := range 120 {
			want = append(want, fmt.Sprintf("Pupil %03d Many", i))
		}
		wantEqual(t, "names of all pages", names, want)

		back := b.get(third.attr("#list-prev", "href"))
		wantEqual(t, "back", back.words("#list tbody th, #list .foot > span:first-child"), second.words("#list tbody th, #list .foot > span:first-child"))
		back = b.get(back.attr("#list-prev", "href"))
		wantEqual(t, "back to the start", back.words("#list tbody th, #list .foot .acts a"), first.words("#list tbody th, #list .foot .acts a"))
	})
}

// place says which rows of a region's list are shown: "1 to 50 of 122".
func (a answer) place(region string) string {
	a.t.Helper()
	foot := a.words("#" + region + " .foot > span:first-child")
	if len(foot) == 0 {
		return ""
	}
	place, _, _ := strings.Cut(foot[0], " Rows a page")
	return place
}

// crowd gives the other coach n more competitors, with ids that run against their names.
func (p *portal) crowd(n int) {
	p.t.Helper()
	var rows []roster.Row
	for i := range n {
		rows = append(rows, p.pupil(other, roster.Row{
			CompetitorID: fmt.Sprintf("Z/%03d?", n-i), FirstName: fmt.Sprintf("Pupil %03d", i), LastName: "Many", GamePlatformID: fmt.Sprintf("Q-%d", i),
		}))
	}
	p.enrol(rows...)
}

func TestPageLinkOfAnotherCoachsRowShowsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for _, link := range []string{"?after=D-1", "?before=D-1", "?after=C-404"} {
			got := p.as(owner).get("/competitors" + link)
			if got.status != 422 || got.words("h1, h1 ~ div p")[1] != "The list has changed since this link was made. Open it again from its first page." {
				t.Errorf("%s: %d %q", link, got.status, got.words("main p"))
			}
		}
	})
}

// Ids are opaque texts, and stand in addresses.
func TestEveryCompetitorIsReachedThroughTheLinkOfTheList(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		list := b.get("/competitors")
		found := map[string]string{}
		list.doc().Find("#list tbody th a").Each(func(_ int, s *goquery.Selection) {
			page := b.get(s.AttrOr("href", ""))
			if page.status != 200 {
				t.Errorf("%s: status %d", s.AttrOr("href", ""), page.status)
				return
			}
			found[page.words("h1")[0]] = page.words(".head .whole")[0]
			if export := b.get(s.AttrOr("href", "") + "/solves.csv"); export.status != 200 || export.header.Get("Content-Type") != "text/csv; charset=utf-8" {
				t.Errorf("%s/solves.csv: status %d", s.AttrOr("href", ""), export.status)
			}
		})
		wantEqual(t, "ids", found, map[string]string{
			"Amara Nwosu": "id C-1", "Beatriz Quintanilla": "id C-2", "Cyrus Vale": "id C-3", oddName: "id " + oddID,
			`=HYPERLINK("http://evil.example") Evil`: "id x.csv", "Écrin Zola": "id ..%2f",
		})
	})
}

func TestIDsAreReadAsTheyWereWritten(t *testing.T) {
	p := newPortal(t, "sqlite")
	var rows []roster.Row
	ids := []string{"a/b", "a%2Fb", "a%252Fb", "%", "a+b", "a b", "a;b,c", ":id", "solves.csv", "a/solves.csv", "*", "é/é", "~'()!$&=@", "..."}
	for _, id := range ids {
		rows = append(rows, p.pupil(other, roster.Row{CompetitorID: id, FirstName: "Id", LastName: id}))
	}
	p.enrol(rows...)
	b := p.as(other)
	for _, id := range ids {
		page := b.get("/competitors/" + url.PathEscape(id))
		if page.status != 200 || page.words("h1")[0] != "Id "+id {
			t.Errorf("%q: status %d, %q", id, page.status, page.words("h1"))
		}
	}
}

func TestListSaysThatSyncsAreSwitchedOff(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.SyncEnabled = false })
	wantEqual(t, "band", p.as(owner).get("/competitors").words(".band"), []string{"Syncs are switched off. Pages show what was stored."})
	wantEqual(t, "headline", p.as(product).get("/admin/sync").words("h1"), []string{"Syncs are switched off"})
}
