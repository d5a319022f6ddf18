package handlers

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// From any list, one can go through it and back again by the links of the competitors' pages.
func TestNeighboursFollowTheListOneCameFrom(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		for who, lists := range map[string][]string{
			owner: {"", "?sort=-points", "?sort=-name", "?team=none", "?state=waiting&sort=state", "?q=amara"},
			other: {"?q=bread", "?sort=-flash&size=25&activity=active"}, admin: {"?coach=K-1&sort=last_solve"},
		} {
			b := p.as(who)
			for _, list := range lists {
				want := firstCells(b.allRows("/competitors"+list, "list"))
				var got, back []string
				last := answer{}
				for link := b.get("/competitors"+list).attr("#list tbody th a", "href"); link != "(none)"; link = last.attr("[rel=next]", "href") {
					last = b.get(link)
					wantStatus(t, last, 200)
					got = append(got, last.words("h1")[0])
				}
				wantEqual(t, who+list+": forwards", got, want)
				for link := "x"; link != "(none)"; link = last.attr("[rel=prev]", "href") {
					if link != "x" {
						last = b.get(link)
					}
					back = append(back, last.words("h1")[0])
				}
				slices.Reverse(back)
				wantEqual(t, who+list+": backwards", back, want)
				wantEqual(t, who+list+": back to the list", firstCells(b.allRows(last.attr(".crumb p a", "href"), "list")), want)
			}
		}
	})
}

func TestListOneCameFromStaysInTheLinksOfThePage(t *testing.T) {
	p := newPortal(t, "sqlite")
	page := p.as(owner).get("/competitors/C-1?list=sort%3D-points&category=crypto")
	for selector, want := range map[string]string{
		"#solves-by-points": "/competitors/C-1?category=crypto&list=sort%3D-points&sort=-points", "#solves-without-category": "/competitors/C-1?list=sort%3D-points",
		"section[aria-labelledby=categories-title] tbody a":       "/competitors/C-1?category=crypto&list=sort%3D-points#solves",
		"section[aria-labelledby=events-title] td:nth-child(4) a": "/competitors/C-1?list=sort%3D-points&source=" + autumn.ID(),
		"#solves a[href*='.csv']":                                 "/competitors/C-1/solves.csv?category=crypto",
	} {
		wantEqual(t, selector, page.attr(selector, "href"), want)
	}
	wantEqual(t, "form", page.attr("#solves form [name=list]", "value"), "sort=-points")
	wantEqual(t, "not in that list", p.as(owner).get("/competitors/C-1?list=state%3Dstale").doc().Find(".crumb nav").Length(), 0)
	for _, list := range []string{"sort%3Dage", "%25zz", "size%3D7", "coach%3DK-2", "state%3Dx"} {
		if got := p.as(owner).get("/competitors/C-1?list=" + list); got.status != 422 || len(got.words("main p")) < 2 || strings.Contains(got.body, "Ruben") {
			t.Errorf("list=%s: status %d", list, got.status)
		}
	}
	theirs := p.as(owner).get("/competitors/C-1?list=" + url.QueryEscape("team="+p.teamID("Southern Cross")))
	wantStatus(t, theirs, 200)
	wantEqual(t, "another coach's list", theirs.doc().Find(".crumb nav").Length(), 0)
}

func TestPageTellsFreshnessDriftAndWhatWasKeptAside(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		solves, points := int64(7), int64(2000)
		p.pull("P-1", amarasSolves(), withFlash, func(pull *store.Pull) {
			pull.ODL.TotalSolves, pull.ODL.TotalPoints = &solves, &points
			pull.ODL.Malformed = []domain.Quarantined{{Source: domain.SourceODL, Payload: `{"secret":"payload"}`, Reason: "no id"}}
		})
		p.clock.Advance(3 * time.Minute)
		page := p.as(owner).get("/competitors/C-1")
		wantEqual(t, "notes", page.words(".note"), []string{
			"1 record of the platform could not be read and is kept aside. The totals leave it out. Admins see it.",
			"MetaCTF counts 7 ODL solves with 2,000 points; the solves it gave us are 6 with 1,150. This page shows what it gave us. " +
				"Nothing for you to do; it is compared again once a day. Compared 3 min ago."})
		wantEqual(t, "fresh", page.words(".pairs dt"), []string{"ODL solves", "Flash CTF results", "Everything anew, once a day", "Account on the platform", "Last try", "Next sync"})
		wantEqual(t, "when", page.words(".pairs dd"), []string{"3 min ago", "3 min ago", "3 min ago", "3 min ago", "3 min ago", "at 12:42"})
		wantEqual(t, "state", page.words("#sync > .acts > .s, #sync > .acts > .meta"), []string{"Synced", "3 min ago, next by 12:42"})
		if strings.Contains(page.body, "secret") || strings.Contains(page.body, "payload") {
			t.Error("the record itself is shown")
		}
		solves, points = 6, 1150
		p.pull("P-1", amarasSolves(), withFlash, func(pull *store.Pull) { pull.ODL.TotalSolves, pull.ODL.TotalPoints = &solves, &points })
		wantEqual(t, "in step again", len(p.as(owner).get("/competitors/C-1").words(".note")), 0)
	})
}

func TestPageTellsWhyNothingArrivesAndWhoActs(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		for id, want := range map[string][2]string{
			"C-2":   {"Waiting for MetaCTF's approval, which is looked up every 8 hours. Nothing for you to do.", "Nothing could be fetched so far. Why, and who acts, stands at the top of this page. Solves show here after the next sync that succeeds."},
			"C-3":   {"No email on file, so there is no account on the platform yet. Tell an admin the email.", "Nothing could be fetched so far. Why, and who acts, stands at the top of this page. Solves show here after the next sync that succeeds."},
			"x.csv": {"The account on the platform has not been made yet. An admin does it; nothing to do for you.", "The first sync is still to come. Solves show here right after it."},
		} {
			page := b.get("/competitors/" + id)
			wantEqual(t, id, []string{page.words(".note")[0], page.words("#solves .empty p")[0]}, []string{want[0], want[1]})
		}
		wantEqual(t, "no account, no button", b.get("/competitors/C-3").doc().Find("#refresh").Length(), 0)
		page := p.as(other).get("/competitors/D-2")
		wantEqual(t, "failed", page.words("#sync > .acts > .s")[0], "Retrying at 12:30")
		wantEqual(t, "why", page.words(".note"), []string{"The platform did not answer in time. It is tried again by itself. Nobody has to act."})
		page = b.get("/competitors/" + url.PathEscape(oddID))
		wantEqual(t, "synced, no solve", page.words("#solves h2, #solves .empty p"), []string{"No solve yet",
			"The platform has reported no solved challenge so far. The first one shows here after the sync that follows it; nothing to do."})
		p.clock.Advance(40 * time.Hour)
		wantEqual(t, "stale", p.as(owner).get("/competitors/C-1").words("#sync > .acts > .s, .note"), []string{"Last synced 2 days ago", "The results are older than usual. They are fetched again by themselves."})
	})
}

// The clock is set back on 1 November 2026 in Los Angeles: that day has 25 hours there.
func TestSolvesAreFilteredBySourceEventAndCalendarDays(t *testing.T) {
	var portals []*portal
	for _, kind := range []string{"sqlite", "postgres"} {
		portals = append(portals, newPortal(t, kind, func(o *Options) { o.Zone = losAngeles(t) }))
	}
	at := func(title, utc string, id int64) domain.Solve {
		when, err := time.Parse(time.DateTime, utc)
		if err != nil {
			t.Fatal(err)
		}
		s := odl(id, title, "web", 10*id, 0)
		s.SolvedAt = when
		return s
	}
	for _, p := range portals {
		p.pull("P-4", []domain.Solve{
			at("last of October", "2026-11-01 06:59:59", 1), at("first of November", "2026-11-01 07:00:00", 2), at("last of that day", "2026-11-02 07:59:59", 3),
			at("next day", "2026-11-02 08:00:00", 4),
		}, withFlash)
		b, path := p.as(owner), "/competitors/"+url.PathEscape(oddID)
		for query, want := range map[string][]string{
			"from=2026-11-01&to=2026-11-01": {"last of that day", "first of November"}, "to=2026-10-31": {"last of October", "Flash Cipher"}, "from=2026-11-02": {"next day"},
			"from=2026-11-02&to=2026-11-02": {"next day"}, "source=flash": {"Flash Cipher"}, "source=odl&sort=date": {"last of October", "first of November", "last of that day", "next day"},
			"source=" + autumn.ID(): {"Flash Cipher"}, "source=odl&category=crypto": {}, "sort=category&source=odl": {"last of October", "first of November", "last of that day", "next day"},
			"sort=-category": {"next day", "last of that day", "first of November", "last of October", "Flash Cipher"}, "from=2027-01-01": {}, "from=1999-01-01&to=2030-12-31&source=flash": {"Flash Cipher"},
		} {
			page := b.get(path + "?" + query)
			wantStatus(t, page, 200)
			if got := challenges(page); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
			if got := b.get(path + "/solves.csv?" + query).column("challenge"); !slices.Equal(got, want) {
				t.Errorf("%s: exported %q, want %q", query, got, want)
			}
			region := b.get(path+"?"+query, "HX-Request", "true", "HX-Target", "solves")
			wantEqual(t, query+": region", region.outer("#solves"), page.outer("#solves"))
			if href := page.attr("#solves a.end", "href"); len(want) > 0 && len(b.get(href).column("challenge")) != len(want) {
				t.Errorf("%s: the link to the file is %s", query, href)
			}
		}
		page := b.get(path + "?from=2026-11-01&to=2026-11-02&source=odl")
		wantEqual(t, "chips", page.words("#solves .chip"), []string{"Source: ODL × remove", "From 2026-11-01 × remove", "To 2026-11-02 × remove"})
		wantEqual(t, "without one", page.attr("#solves-without-from", "href"), path+"?source=odl&to=2026-11-02")
		wantEqual(t, "form", []string{page.attr("#solves-from", "value"), page.attr("#solves-to", "value"), page.attr("#solves-source option[selected]", "value")}, []string{"2026-11-01", "2026-11-02", "odl"})
	}
}

func TestWrongDatesAndSourcesAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.pull("P-7", nil, func(pull *store.Pull) {
			pull.Flash = &store.FlashPull{RequestedAt: pull.At, Results: []domain.FlashResult{inEvent(sprint, 0, 40)}}
		})
		today := storetest.Start.Format(time.DateOnly)
		for query, want := range map[string]string{
			"from=yesterday":                   `"yesterday" is not a date for "from". Write it like 2026-11-30.`,
			"to=2026-02-30":                    `"2026-02-30" is not a date for "to". Write it like 2026-11-30.`,
			"from=18.11.2026":                  `"18.11.2026" is not a date for "from". Write it like 2026-11-30.`,
			"from=0001-01-01":                  `"0001-01-01" is not a date for "from". Write it like 2026-11-30.`,
			"from=2026-11-18%00":               `"2026-11-18\x00" is not a date for "from". Write it like 2026-11-30.`,
			"from=" + today + "&to=2026-11-17": "The first day is after the last one. Swap the two dates.",
			"from=2026-11-18&to=2026-10-01":    "The first day is after the last one. Swap the two dates.",
			"source=nonsense":                  `"nonsense" is not a source of this competitor's solves. Use odl, flash, or the id of a flash CTF the competitor took part in.`,
			"source=" + sprint.ID():            `"` + sprint.ID() + `" is not a source of this competitor's solves. Use odl, flash, or the id of a flash CTF the competitor took part in.`,
			"source=%00":                       `"\x00" is not a source of this competitor's solves. Use odl, flash, or the id of a flash CTF the competitor took part in.`,
			"from=" + strings.Repeat("9", 60):  `"` + strings.Repeat("9", 40) + `…" is not a date for "from". Write it like 2026-11-30.`,
		} {
			for _, path := range []string{"/competitors/C-1", "/competitors/C-1/solves.csv"} {
				if got := p.as(owner).get(path + "?" + query); got.status != 422 || got.words("main p")[1] != want {
					t.Errorf("%s?%s: %d %q, want %q", path, query, got.status, got.words("main p"), want)
				}
			}
		}
	})
}
