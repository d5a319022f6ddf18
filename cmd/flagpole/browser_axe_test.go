package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
)

// pageShown is a page that axe looks at.
type pageShown struct{ name, path string }

// everyPage runs axe on all pages in all their states, in both colours, wide and narrow. At no width they scroll sideways.
func (w *world) everyPage(t *testing.T) {
	axe := axeSource(t)
	w.exec(t, `INSERT INTO problem_reports (coach_id, user_id, page, as_of, text, state, reported_at, changed_at)
		SELECT coach_id, 'u', '/teams', 1, 'The average is too high.', 'open', 1, 1 FROM coaches WHERE email <> $1 ORDER BY coach_id LIMIT 1`, w.coach)
	for who, look := range map[string]func(*testing.T, string){
		"nobody": w.noPerson, "coach": w.coachsPages, "admin": w.adminsPages, "others": w.noviceAndProduct,
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			look(t, axe)
		})
	}
}

// axeSource is the script that looks for what not everybody can use.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "static", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// look examines pages one after the other.
func (b *tab) look(axe string, pages ...pageShown) {
	b.t.Helper()
	for _, p := range pages {
		b.t.Run(p.name, func(t *testing.T) {
			b := b.in(t)
			b.open(p.path)
			b.examine(axe)
		})
	}
}

// state examines what is not an address: a page after somebody did something.
func (b *tab) state(axe, name string, bring func(b *tab)) {
	b.t.Helper()
	b.t.Run(name, func(t *testing.T) {
		b := b.in(t)
		b.view(1280, false)
		bring(b)
		b.examine(axe)
	})
}

func (w *world) noPerson(t *testing.T, axe string) {
	b := w.newTab(t, w.url)
	b.expect("status of 401")
	b.expect("status of 404")
	b.look(axe, pageShown{"login", "/login"}, pageShown{"not found, signed out", "/nothing"})
	b.state(axe, "login with a problem", func(b *tab) {
		b.open("/login")
		b.fillLogin("nobody@flagpole.example", "a wrong one")
		b.wantText("#login-problem", "password")
	})
}

// coachsPages are all that a coach sees.
func (w *world) coachsPages(t *testing.T, axe string) {
	b, path := w.opened(t, w.url)
	b.expect("status of 422")
	b.expect("Error Code 422") // htmx says it too
	b.open("/teams?sort=-points")
	team := js[string](b, `document.querySelector("#teams tbody a").pathname`)
	b.open("/events")
	event := js[string](b, `document.querySelector("main tbody a").pathname`)
	b.look(axe,
		pageShown{"competitors", "/competitors"},
		pageShown{"competitors, by points, 25 a page", "/competitors?sort=-points&size=25"},
		pageShown{"competitors with chips", "/competitors?division=high_school&activity=active&q=a"},
		pageShown{"nobody matches", "/competitors?q=nobody+of+that+name&state=denied"},
		pageShown{"a page past the end", "/competitors?after=C-nobody"},
		pageShown{"competitor from a list", path + "?list=sort%3D-points"},
		pageShown{"solves with chips", path + "?source=odl&from=2020-01-01&sort=-points"},
		pageShown{"no solve matches", path + "?category=web&from=2020-01-01&to=2020-01-02"},
		pageShown{"teams", "/teams"},
		pageShown{"no team matches", "/teams?q=nothing+of+that+name"},
		pageShown{"team", team},
		pageShown{"team, all that is not solved", team + "?show=all"},
		pageShown{"flash CTFs", "/events"},
		pageShown{"flash CTF", event},
		pageShown{"numbers", "/numbers#active"},
		pageShown{"account", "/account?done=session"},
		pageShown{"no report yet", "/problems"},
	)
	b.state(axe, "report a problem", func(b *tab) {
		b.open(path)
		b.follow(`body > footer a[href^="/problems/new"]`)
		b.wantText("#report", "A competitor’s page")
	})
	b.state(axe, "a problem reported", func(b *tab) {
		b.do(chromedp.SendKeys(chromedp.CSS("#report-text"), "Two solves are missing."))
		b.follow("#report-send")
		b.wantAt("/problems")
		b.wantText("#problems tbody", "Two solves are missing.")
	})
	b.state(axe, "menu", func(b *tab) {
		b.open("/competitors")
		b.click("#user-menu summary")
	})
	b.state(axe, "an error in place", func(b *tab) {
		b.open("/competitors")
		js[chromedp.Void](b, `void (document.querySelector("#list-division").selectedOptions[0].value = "kindergarten")`)
		b.click("#list-apply")
		b.until(`!!document.querySelector("#problem [role=alert]")`)
	})
	b.state(axe, "refresh refused", func(b *tab) {
		b.open(path)
		b.swap("sync", "#refresh")
		b.wantText("#sync [role=alert]", "Refresh again in")
	})
	account := w.behind(t, path)
	goOn := w.hang(t, account)
	b.state(axe, "refreshing", func(b *tab) {
		b.open(path)
		b.swap("sync", "#refresh")
		b.wantText("#sync", "Refreshing")
	})
	b.look(axe, pageShown{"refreshing in the list", "/competitors?sort=-points"})
	b.state(axe, "refreshed", func(b *tab) {
		b.open(path)
		goOn()
		b.until(`document.getElementById("sync").textContent.includes("new solve")`)
	})
	w.exec(t, `UPDATE game_platform_stats SET platform_odl_points = platform_odl_points + 100 WHERE syned_user_id = $1`, account)
	b.state(axe, "drift", func(b *tab) {
		b.open(path)
		b.wantText("main", "MetaCTF counts")
	})
}

// adminsPages are all that an admin sees, and a coach does not.
func (w *world) adminsPages(t *testing.T, axe string) {
	b := w.signedIn(t, w.url, adminEmail)
	b.expect("status of 404")
	b.expect("status of 422")
	some := b.someCompetitors()
	coach := js[string](b, `document.querySelector("#list-coach option:nth-child(2)").value`)
	b.look(axe,
		pageShown{"admin's competitors", "/competitors"},
		pageShown{"those of a coach", "/competitors?coach=" + coach},
		pageShown{"admin's competitor", some["solves"]},
		pageShown{"competitor that is blocked", some["blocked"]},
		pageShown{"competitor that fails", some["failing"]},
		pageShown{"competitor without solves", some["without solves"]},
		pageShown{"competitor without an account", some["without an account"]},
		pageShown{"admin's teams", "/teams?sort=-average"},
		pageShown{"team without members", "/teams/" + w.value(t, `SELECT team_id FROM teams WHERE competitors = 0`)},
		pageShown{"admin's flash CTFs", "/events"},
		pageShown{"coaches", "/coaches"},
		pageShown{"no coach matches", "/coaches?q=nobody+of+that+name"},
		pageShown{"categories", "/admin/categories"},
		pageShown{"sync", "/admin/sync"},
		pageShown{"audit log", "/admin/audit"},
		pageShown{"audit log with chips", "/admin/audit?action=competitor.view&from=2020-01-01"},
		pageShown{"nothing in the audit log matches", "/admin/audit?competitor=nobody&action=audit.export"},
		pageShown{"problem reports", "/problems"},
		pageShown{"a problem report", "/problems/1"},
		pageShown{"not found", "/competitors/nobody"},
		pageShown{"wrong address", some["solves"] + "?sort=sideways"},
	)
	b.state(axe, "account with problems", func(b *tab) {
		b.open("/account")
		for name, word := range map[string]string{"current": "a wrong one", "new": "short", "again": "shorter"} {
			b.do(chromedp.SendKeys(chromedp.CSS("#password-form [name="+name+"]"), word))
		}
		b.follow("#password-form button")
		b.wantText("#password-new-note", "too short")
		b.wantText("#password-again-note", "not the same")
	})
	b.state(axe, "looking as a coach", func(b *tab) {
		b.open("/coaches")
		b.follow("#coaches tbody button")
		b.wantText(".band", "Nothing can be changed")
	})
	b.look(axe, pageShown{"competitor, looking as a coach", js[string](b, `document.querySelector("#list tbody a").pathname`)})
}

func (w *world) noviceAndProduct(t *testing.T, axe string) {
	b := w.signedIn(t, w.url, noviceEmail)
	b.look(axe, pageShown{"coach without competitors", "/competitors"}, pageShown{"coach with an empty team", "/teams"}, pageShown{"flash CTFs of nobody", "/events"})
	b = w.signedIn(t, w.url, productEmail)
	b.expect("status of 403")
	b.look(axe, pageShown{"refused", "/competitors"}, pageShown{"product staff's syncs", "/admin/sync"},
		pageShown{"product staff's problem reports", "/problems?state=open"}, pageShown{"product staff's problem report", "/problems/1"})
}

// in is the same tab for a part of its test.
func (b *tab) in(t *testing.T) *tab {
	part := *b
	part.t = t
	return &part
}

// someCompetitors are paths of competitors in different states, read from the admin's export.
func (b *tab) someCompetitors() map[string]string {
	b.t.Helper()
	found := js[map[string]string](b, `fetch("/competitors.csv").then(answer => answer.text()).then(text => {
		const [head, ...rows] = text.trim().split(/\r?\n/).map(line => line.split(","))
		const list = rows.map(row => Object.fromEntries(row.map((cell, i) => [head[i].replace("\ufeff", ""), cell])))
		const path = fits => "/competitors/" + list.find(fits).competitor_id
		return {
			"solves": path(c => c.state === "Synced" && c.odl_solves > 20 && c.flash_solves > 0),
			"blocked": path(c => c.state === "Awaiting approval"),
			"failing": path(c => /^(Retrying|Needs attention)/.test(c.state)), // the latter once the clock has retried it
			"without solves": path(c => c.state === "Synced" && c.points === "0"),
			"without an account": path(c => c.state === "Email missing"),
		}
	})`)
	return found
}

// examine looks at the open page as everybody may see it.
func (b *tab) examine(axe string) {
	b.t.Helper()
	for _, width := range []int64{320, 640, 820, 1121} {
		b.view(width, false)
		if over := js[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			b.t.Errorf("%d wide: the page is %d pixels wider", width, over)
		}
	}
	js[chromedp.Void](b, axe+`;void 0`)
	for _, look := range []struct {
		width int64
		dark  bool
	}{{1280, true}, {390, false}} {
		b.view(look.width, look.dark)
		for _, fault := range js[[]string](b, `axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled: `+strconv.FormatBool(look.width < 400)+`}}}).then(found => found.violations.flatMap(v =>
			v.nodes.map(n => v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary)))`) {
			b.t.Errorf("%d wide, dark %v: %s", look.width, look.dark, fault)
		}
	}
}

// policyWatch breaks the content security policy, so that it is known that the other tests would notice.
func (w *world) policyWatch(t *testing.T) {
	b := w.newTab(t, w.url)
	b.open("/login")
	b.expect("Content Security Policy")
	js[chromedp.Void](b, `document.body.setAttribute("style", "color: red")`)
}
