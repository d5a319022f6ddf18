package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/views"
)

// userID is the id of a user's login.
func (p *portal) userID(email string) string {
	p.t.Helper()
	return p.texts("SELECT user_id FROM users WHERE email = '" + email + "'")[0]
}

// diary has the owner, an admin, and the admin as the owner do something, and leaves entries of somebody who is gone.
func (p *portal) diary() {
	p.t.Helper()
	wantStatus(p.t, p.as(owner).get("/competitors/C-1"), 200)
	wantStatus(p.t, p.as(admin).get("/teams/"+p.teamID("Salt & Hash")), 200)
	b := p.looking()
	wantStatus(p.t, b.get("/competitors.csv"), 200)
	wantEqual(p.t, "back", b.submit("/numbers", ".band form").status, 303)
	p.exec(fmt.Sprintf(`INSERT INTO audit_log (at, user_id, action, competitor_id, detail) VALUES (%d, 'u-gone', 'no.such_action', 'C-gone', '<b>x</b>')`, p.clock.Now().UnixMicro()))
}

// auditCells are the texts of the list's rows without the time.
func (a answer) auditCells() [][]string {
	a.t.Helper()
	var rows [][]string
	for i := range a.doc().Find("#audit tbody tr").Length() {
		rows = append(rows, a.words(fmt.Sprintf("#audit tbody tr:nth-child(%d) > :not(:first-child)", i+1)))
	}
	return rows
}

func TestTheAuditPageSaysWhoDidWhat(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.diary()
		b := p.as(admin)
		page := b.get("/admin/audit")
		wantStatus(t, page, 200)
		wantEqual(t, "rows", page.auditCells(), [][]string{
			{"u-gone", "no.such_action no.such_action", "C-gone all entries about C-gone", "", "<b>x</b>"},
			{admin, "stopped looking as a coach view_as.end", "", "", "Halima Osei"},
			{admin, "exported competitors (csv) competitors.export", "", "Halima Osei", ""},
			{admin, "began to look as a coach view_as.begin", "", "", "Halima Osei"},
			{admin, "looked at a team team.view", "", "", "Salt & Hash"},
			{"Halima Osei", "looked at a competitor competitor.view", "Amara Nwosu all entries about Amara Nwosu", "", ""},
		})
		wantEqual(t, "what details name", page.doc().Find("#audit td:last-child a").Map(hrefOf), []string{"/competitors?coach=K-1", "/competitors?coach=K-1", "/teams/" + p.teamID("Salt & Hash")})
		wantEqual(t, "navigation", page.words(`header nav [aria-current=true]`), []string{"Admin"})
		wantEqual(t, "links to competitors", page.doc().Find(`#audit td a[href^="/competitors/"]`).Map(hrefOf), []string{"/competitors/C-1"})
		wantEqual(t, "about this person", page.doc().Find(`#audit td a[href*="competitor="]`).Map(hrefOf), []string{"/admin/audit?competitor=C-gone", "/admin/audit?competitor=C-1"})
		wantEqual(t, "looking as the same coach", page.doc().Find(`#audit td:nth-child(5) a`).Map(hrefOf), []string{"/admin/audit?as=K-1"})
		wantEqual(t, "by the same person", page.doc().Find(`#audit tbody th a`).Map(hrefOf)[5], "/admin/audit?user="+p.userID(owner))
		wantEqual(t, "no pages to turn", page.doc().Find("#audit .foot").Length(), 0)
		wantEqual(t, "opening it is noted", p.audited()[len(p.audited())-1], "audit.view   "+admin)

		n := len(p.audited())
		wantStatus(t, b.get("/admin/audit?user=u-gone", "HX-Request", "true", "HX-Target", "audit"), 200)
		wantEqual(t, "narrowing it is not", len(p.audited()), n)
	})
}

func TestTheAuditPageIsNarrowedAndSoIsItsFile(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.exec(fmt.Sprintf(`INSERT INTO audit_log (at, user_id, action, competitor_id) VALUES (%d, 'api', 'sync.all', ''), (%d, 'u-gone', 'competitor.view', 'C-1')`,
			p.clock.Now().AddDate(0, 0, -2).UnixMicro(), p.clock.Now().AddDate(0, 0, -1).UnixMicro()))
		p.diary()
		b, user := p.as(admin), p.userID(owner)
		day := func(ago int) string { return p.clock.Now().AddDate(0, 0, -ago).Format(time.DateOnly) }
		for query, want := range map[string][]string{
			"user=" + user:                     {"competitor.view"},
			"user=" + url.QueryEscape(owner):   {"competitor.view"},
			"user=u-gone&sort=ignored":         {"no.such_action", "competitor.view"},
			"user=api":                         {"sync.all"},
			"action=competitor.view":           {"competitor.view", "competitor.view"},
			"action=failures.retry":            nil,
			"action=no.such_action":            {"no.such_action"},
			"competitor=C-1":                   {"competitor.view", "competitor.view"},
			"competitor=+C-gone+":              {"no.such_action"},
			"competitor=nobody":                nil,
			"as=K-1":                           {"competitors.export"},
			"to=" + day(1):                     {"competitor.view", "sync.all"},
			"from=" + day(1) + "&to=" + day(1): {"competitor.view"},
			"from=" + day(1) + "&competitor=C-1&user=" + user: {"competitor.view"},
			"as=K-1&action=view_as.begin":                     nil,
		} {
			page := b.get("/admin/audit?" + query)
			wantStatus(t, page, 200)
			if got := page.words("#audit tbody code"); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
			if len(want) == 0 {
				wantEqual(t, query, page.words("#audit .empty h2"), []string{"Nothing matches"})
				continue
			}
			file := b.get(page.attr("#audit .acts a", "href")).column("action")
			file = slices.DeleteFunc(file, func(action string) bool { return strings.HasPrefix(action, "audit.") })
			wantEqual(t, query+": file", file, want)
		}
		page := b.get("/admin/audit?user=" + url.QueryEscape(owner) + "&action=competitor.view&competitor=C-1&from=" + day(1) + "&to=" + day(0))
		wantEqual(t, "chips", page.words("#audit .chip"), []string{
			"Who: Halima Osei × remove", "Action: looked at a competitor × remove", "About: Amara Nwosu × remove", "From " + day(1) + " × remove", "To " + day(0) + " × remove",
		})
		wantEqual(t, "a chip's link", page.attr("#audit-without-user", "href"), link("/admin/audit", "action", "competitor.view", "competitor", "C-1", "from", day(1), "to", day(0)))
		wantEqual(t, "chosen", page.words("#audit option[selected]"), []string{"Halima Osei", "Looked at a competitor"})
		wantEqual(t, "looking as", b.get("/admin/audit?as=K-1").words("#audit .chip"), []string{"Acting as: Halima Osei × remove"})
		wantEqual(t, "kept by the form", b.get("/admin/audit?as=K-1").attr("#audit form [name=as]", "value"), "K-1")
	})
}

func TestTheAuditPageRefusesWhatItDoesNotKnow(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.diary()
		b := p.as(admin)
		n := len(p.audited())
		for _, query := range []string{
			"user=nobody", "user=%00", "action=nonsense", "action=competitor", "as=K-404", "from=yesterday", "to=2026-02-30", "from=2026-11-02&to=2026-11-01",
			"after=x", "before=404", "competitor=" + strings.Repeat("x", 101),
		} {
			wantStatus(t, b.get("/admin/audit?"+query), 422)
			if !strings.HasPrefix(query, "after") && !strings.HasPrefix(query, "before") {
				wantStatus(t, b.get("/admin/audit.csv?"+query), 422)
			}
			note := b.get("/admin/audit?"+query, "HX-Request", "true", "HX-Target", "audit")
			wantStatus(t, note, 422)
			wantEqual(t, query, note.attr("body > div", "role"), "alert")
		}
		wantEqual(t, "nothing was shown", len(p.audited()), n)
		if got := b.get("/admin/audit?action=nonsense"); !strings.Contains(got.body, "is not an action that is noted.") {
			t.Errorf("no word why:\n%s", got.body)
		}
	})
}

func TestTheAuditLogIsForAdminsWhoLookAsThemselves(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		looking := p.looking()
		for _, path := range []string{"/admin/audit", "/admin/audit.csv", "/admin/audit?user=api"} {
			for _, b := range []*browser{p.as(owner), p.as(product), looking} {
				got := b.get(path)
				wantStatus(t, got, 403)
				if strings.Contains(got.body, "view_as") {
					t.Errorf("%s shows the log", path)
				}
			}
		}
	})
}

func TestTheAuditPageIsTurned(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		var entries []string
		for i := range 120 {
			entries = append(entries, fmt.Sprintf(`(%d, 'u%d', 'sync.all', 'no %d')`, p.clock.Now().Add(time.Duration(i)*time.Second).UnixMicro(), i%110, i))
		}
		p.exec(`INSERT INTO audit_log (at, user_id, action, detail) VALUES ` + strings.Join(entries, ", "))
		b := p.as(admin)
		var seen []string
		path, pages := "/admin/audit?action=sync.all", []string{}
		for path != "(none)" {
			page := b.get(path)
			wantStatus(t, page, 200)
			seen = append(seen, page.words("#audit tbody td:last-child")...)
			pages = append(pages, path)
			path = page.attr("#audit-older", "href")
		}
		if len(pages) != 3 || len(seen) != 120 || seen[0] != "no 119" || seen[119] != "no 0" {
			t.Errorf("%d entries on %q, from %q to %q", len(seen), pages, seen[0], seen[len(seen)-1])
		}
		back := b.get(b.get(pages[2]).attr("#audit-newer", "href"))
		wantEqual(t, "back", back.words("#audit tbody td:last-child"), seen[50:100])
		wantEqual(t, "the first has no newer one", b.get(back.attr("#audit-newer", "href")).attr("#audit-newer", "aria-disabled"), "true")
		wantEqual(t, "too many users to choose from", b.get("/admin/audit?user=u7").attr("input#audit-user", "value"), "u7")
		wantEqual(t, "all of them in the file", len(b.get("/admin/audit.csv?action=sync.all").column("at")), 120)
	})
}

// Lists of names are noted for admins, also while they look as a coach; coaches' lists of their own people are not.
func TestAdminsListsOfNamesAreNoted(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		wantStatus(t, p.as(owner).get("/competitors"), 200)
		wantEqual(t, "a coach's", len(p.audited()), 0)
		b := p.as(admin)
		for _, path := range []string{"/competitors", "/competitors?coach=K-2&sort=-points"} {
			wantStatus(t, b.get(path), 200)
			wantStatus(t, b.get(path, "HX-Request", "true", "HX-Target", "list"), 200)
		}
		wantStatus(t, b.get("/competitors?sort=x"), 422)
		wantStatus(t, p.looking().get("/competitors"), 200)
		wantEqual(t, "admin's", p.texts(`SELECT detail || '|' || viewing_coach_id FROM audit_log WHERE action = 'competitors.view' ORDER BY audit_id`), []string{"|", "coach=K-2|", "|K-1"})
	})
}

func TestEveryActionThatIsNotedHasWords(t *testing.T) {
	p := newPortal(t, "sqlite")
	for route, a := range matrix {
		for _, who := range []string{owner, admin} {
			p.walk(route, p.filledIn(a.path), who)
		}
	}
	found := p.texts(`SELECT DISTINCT action FROM audit_log ORDER BY 1`)
	if len(found) < 15 {
		t.Errorf("only %q", found)
	}
	for _, action := range found {
		if views.AuditAction(action) == action {
			t.Errorf("%s has no words", action)
		}
	}
}
