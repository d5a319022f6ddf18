package handlers

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// outer is the HTML of the one element that the selector finds.
func (a answer) outer(selector string) string {
	a.t.Helper()
	found := a.doc().Find(selector)
	if found.Length() != 1 {
		a.t.Fatalf("%d elements %s", found.Length(), selector)
	}
	html, err := goquery.OuterHtml(found)
	if err != nil {
		a.t.Fatal(err)
	}
	return html
}

func TestRegionIsTheSameAsInItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.crowd(120)
		for who, places := range map[string][][2]string{
			other: {{"list", "/competitors"}, {"list", "/competitors?after=Z%2F100%3F"}, {"solves", "/competitors/D-1"}},
			owner: {
				{"solves", "/competitors/C-1"}, {"solves", "/competitors/C-1?category=crypto&sort=-points"},
				{"solves", "/competitors/C-1?category=osint"}, {"solves", "/competitors/C-2"},
			},
			admin: {
				{"list", "/competitors"}, {"list", "/competitors?coach=K-2&sort=-points&size=25"}, {"teams", "/teams?sort=-points"}, {"coaches", "/coaches?q=a"},
				{"audit", "/admin/audit?action=competitors.view"}, {"audit", "/admin/audit?competitor=nobody&user=" + admin},
				{"results", "/events/" + autumn.ID()}, {"absent", "/events/" + autumn.ID()}, {"unsolved", "/teams/" + p.teamID("Southern Cross") + "?category=crypto"},
			},
			newcomer: {{"list", "/competitors"}, {"teams", "/teams"}},
		} {
			b := p.as(who)
			for _, place := range places {
				id, path := place[0], place[1]
				page, region := b.get(path), b.get(path, "HX-Request", "true", "HX-Target", id)
				wantStatus(t, region, 200)
				roots := region.doc().Find("body > *")
				if roots.Length() != 1 || roots.AttrOr("id", "") != id || strings.Contains(region.body, "<html") {
					t.Errorf("%s: the region has %d roots, id %q", path, roots.Length(), roots.AttrOr("id", ""))
				}
				wantEqual(t, path, region.outer("#"+id), page.outer("#"+id))
				if len(region.body) >= len(page.body)-1000 {
					t.Errorf("%s: the region has %d bytes, its page %d", path, len(region.body), len(page.body))
				}
			}
		}
	})
}

func TestWholePageWhereHtmxNeedsIt(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	for name, headers := range map[string][]string{
		"plain":              nil,
		"boosted":            {"HX-Request", "true", "HX-Boosted", "true", "HX-Target", "solves"},
		"history restored":   {"HX-Request", "true", "HX-History-Restore-Request", "true", "HX-Target", "solves"},
		"no target":          {"HX-Request", "true"},
		"unknown target":     {"HX-Request", "true", "HX-Target", "nonsense"},
		"another's target":   {"HX-Request", "true", "HX-Target", "list"},
		"target, no request": {"HX-Target", "solves"},
	} {
		page := b.get("/competitors/C-1", headers...)
		if page.status != 200 || len(page.words("html > body > main > h1, main h1")) != 1 || !strings.HasPrefix(page.body, "<!doctype html>") && !strings.HasPrefix(page.body, "<!DOCTYPE html>") {
			t.Errorf("%s: no whole page:\n%.300s", name, page.body)
		}
	}
}

func TestRegionsLinksAskForTheRegion(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.crowd(120)
	pages := map[string]answer{
		"solves": p.as(owner).get("/competitors/C-1?category=crypto"), "list": p.as(other).get("/competitors"), "teams": p.as(other).get("/teams?q=s"),
		"coaches": p.as(admin).get("/coaches"), "audit": p.as(admin).get("/admin/audit?action=audit.view"), "absent": p.as(other).get("/events/" + autumn.ID()), "unsolved": p.as(other).get("/teams/" + p.teamID("Southern Cross")),
	}
	for id, page := range pages {
		found := page.doc().Find("#" + id + " [hx-get]")
		if found.Length() == 0 {
			t.Errorf("#%s asks for nothing", id)
		}
		found.Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("hx-target", "") != "#"+id || s.AttrOr("hx-push-url", "") != "true" {
				t.Errorf("%s aims at %q", s.AttrOr("hx-get", ""), s.AttrOr("hx-target", ""))
			}
		})
	}
}

func TestErrorsForHtmxAreNotes(t *testing.T) {
	p := newPortal(t, "sqlite")
	for who, paths := range map[string]map[string]int{
		owner:   {"/competitors/C-1?sort=nonsense": 422, "/competitors/D-1": 404, "/no/such/page": 404, "/admin/sync": 403},
		product: {"/competitors": 403},
	} {
		b := p.as(who)
		for path, status := range paths {
			note := b.get(path, "HX-Request", "true", "HX-Target", "solves")
			wantStatus(t, note, status)
			// The script of the pages takes nothing else for an answer of ours.
			if !strings.HasPrefix(strings.TrimSpace(note.body), `<div class="note`) || note.doc().Find("body > *").Length() != 1 || note.attr("body > div", "role") != "alert" {
				t.Errorf("%s: not a note:\n%s", path, note.body)
			}
			page := b.get(path, "HX-Request", "true", "HX-Boosted", "true")
			if page.status != status || len(page.words("main h1")) != 1 {
				t.Errorf("%s boosted: status %d, no whole page", path, page.status)
			}
		}
	}
}

// What is seen is noted once: when the page is opened, not when the list in it is turned.
func TestOpeningAPageIsAuditedAndItsRegionIsNot(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		view := "competitor.view C-1  " + owner
		wantStatus(t, b.get("/competitors/C-1"), 200)
		wantEqual(t, "page", p.audited(), []string{view})
		wantStatus(t, b.get("/competitors/C-1?sort=points", "HX-Request", "true", "HX-Target", "solves"), 200)
		wantEqual(t, "region", p.audited(), []string{view})
		wantStatus(t, b.get("/competitors/C-1", "HX-Request", "true", "HX-Boosted", "true", "HX-Target", "solves"), 200)
		wantStatus(t, b.get("/competitors/C-1", "HX-Request", "true", "HX-Target", "nonsense"), 200)
		wantEqual(t, "whole pages for htmx", p.audited(), []string{view, view, view})
		wantStatus(t, b.get("/competitors/C-1?sort=nonsense"), 422)
		wantStatus(t, b.get("/competitors/D-1"), 404)
		wantEqual(t, "nothing was shown", len(p.audited()), 3)
	})
}

func hrefOf(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") }

// A link to a list says all of what is shown, with a script or without one.
func TestListIsTheSameWithAScriptAndWithout(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		b := p.as(other)
		path := "/competitors?after=D-1&q=pupil&size=25&sort=-points"
		path = strings.Replace(path, "D-1", "Z%2F060%3F", 1)
		page, region := b.get(path), b.get(path, "HX-Request", "true", "HX-Target", "list")
		wantEqual(t, "region", region.outer("#list"), page.outer("#list"))
		wantEqual(t, "rows", len(page.words("#list tbody tr")), 25)
		for name, headers := range map[string][]string{
			"boosted":          {"HX-Request", "true", "HX-Boosted", "true", "HX-Target", "list"},
			"history restored": {"HX-Request", "true", "HX-History-Restore-Request", "true", "HX-Target", "list"},
			"another's target": {"HX-Request", "true", "HX-Target", "solves"},
		} {
			whole := b.get(path, headers...)
			if whole.doc().Find("header.top").Length() != 1 || whole.outer("#list") != page.outer("#list") {
				t.Errorf("%s: no whole page", name)
			}
		}
	})
}

// What of an event and a team is seen is noted once, too.
func TestOpeningEventsAndTeamsIsAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, event, team := p.as(owner), "/events/"+autumn.ID(), "/teams/"+p.teamID("Salt & Hash")
		want := []string{"event.view  event=" + autumn.ID() + " " + owner, "team.view  team=" + p.teamID("Salt & Hash") + " " + owner}
		for path, region := range map[string]string{event: "absent", team: "unsolved"} {
			before := len(p.audited())
			wantStatus(t, b.get(path, "HX-Request", "true", "HX-Target", region), 200)
			wantEqual(t, path+": a region", len(p.audited()), before)
			wantStatus(t, b.get(path), 200)
			wantStatus(t, b.get(path, "HX-Request", "true", "HX-Boosted", "true"), 200)
			wantStatus(t, b.get(path, "HX-Request", "true", "HX-Target", "nonsense"), 200) // all of the page
			wantEqual(t, path+": whole pages", len(p.audited()), before+3)
		}
		for _, line := range want {
			if !strings.Contains(strings.Join(p.audited(), "\n"), line) {
				t.Errorf("%q is not in the audit log: %q", line, p.audited())
			}
		}
	})
}
