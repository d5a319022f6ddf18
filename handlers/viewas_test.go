package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// looking is an admin's session that looks at the portal as the owner.
func (p *portal) looking() *browser {
	p.t.Helper()
	b := p.as(admin)
	got := b.submit("/coaches?q=osei", "#coaches tbody form")
	if got.status != 303 || got.header.Get("Location") != "/competitors" {
		p.t.Fatalf("to look as a coach: %d to %q", got.status, got.header.Get("Location"))
	}
	return b
}

// viewedAs lists the audit log: action, competitor, who did it, and the coach as whom.
func (p *portal) viewedAs() []string {
	p.t.Helper()
	return p.texts(`SELECT a.action || ' ' || a.competitor_id || ' ' || u.email || ' ' || a.viewing_coach_id
		FROM audit_log a JOIN users u ON u.user_id = a.user_id ORDER BY a.audit_id`)
}

func TestLookingAsACoachShowsExactlyTheCoachsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.november()
		coach, b := p.as(owner), p.looking()
		pages := []string{
			"/competitors", "/competitors?sort=-points&state=waiting", "/competitors?q=zzz", "/competitors/C-1", "/competitors/C-3", "/teams", "/teams/" + p.teamID("Salt & Hash"),
			"/events", "/events/" + autumn.ID(), "/numbers", "/competitors.csv", "/teams.csv", "/events.csv", "/competitors/C-1/solves.csv",
		}
		for _, path := range pages {
			want, got := coach.get(path), b.get(path)
			wantStatus(t, got, 200)
			if strings.HasSuffix(path, ".csv") {
				wantEqual(t, path, got.body, want.body)
				wantEqual(t, path+": name", got.header.Get("Content-Disposition"), want.header.Get("Content-Disposition"))
				continue
			}
			for _, selector := range []string{"main table", "main .stats", "header nav a", "main h1", "#list .chip"} {
				wantEqual(t, path+": "+selector, got.words(selector), want.words(selector))
			}
			wantEqual(t, path+": banner", got.words("body > .band .s"), []string{"You see the portal as Halima Osei does."})
			wantEqual(t, path+": no button", got.doc().Find("main form[method=post]").Length(), 0)
			for _, secret := range peopleOf[other] {
				if strings.Contains(got.body, secret) {
					t.Errorf("%s shows %q", path, secret)
				}
			}
		}
		wantEqual(t, "summary", b.get("/competitors").words(".head p"), []string{"7 competitors of Halima Osei in 3 teams. 3 are on the platform."})
		wantEqual(t, "menu", b.get("/competitors").words(".menu summary, .menu li:first-child"), []string{admin, "Signed in as admin"})
		for path, status := range map[string]int{
			"/competitors/D-1": 404, "/competitors/D-1/solves.csv": 404, "/coaches": 403, "/coaches.csv": 403, "/admin/sync": 403, "/admin/categories": 403, "/no/such/page": 404,
			"/competitors?coach=K-2": 422, "/competitors?sort=x": 422, "/teams/" + p.teamID("Southern Cross"): 404,
		} {
			got := b.get(path)
			if got.status != status || len(got.words("body > .band .s")) != 1 {
				t.Errorf("%s: status %d, banner %q; want %d and the banner", path, got.status, got.words("body > .band"), status)
			}
		}
		region := b.get("/competitors", "HX-Request", "true", "HX-Target", "list")
		wantEqual(t, "a region has no banner", region.doc().Find(".band").Length(), 0)
		wantEqual(t, "other sessions are not touched", p.as(other).get("/competitors").doc().Find(".band").Length(), 0)
	})
}

func TestNothingIsChangedWhileLookingAsACoach(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.looking()
		for _, r := range (&pages{}).routes() {
			if r.method != http.MethodPost || len(r.roles) == 0 || r.path == viewingEndPath {
				continue // everybody may sign in and out
			}
			path := strings.NewReplacer("/competitors/:id", "/competitors/C-1", "/coaches/:id", "/coaches/K-1").Replace(r.path)
			for _, headers := range [][]string{nil, {"HX-Request", "true", "HX-Target", "sync"}} {
				got := b.post(path, nil, append(headers, "Sec-Fetch-Site", "same-origin")...)
				if got.status != 403 {
					t.Errorf("POST %s: status %d", path, got.status)
				}
			}
		}
		refused := b.post("/competitors/C-1/refresh", nil, "Sec-Fetch-Site", "same-origin")
		wantEqual(t, "text", refused.words("main p")[1], "Nothing can be changed while you look at the portal as Halima Osei. Go back to your own view first.")
		wantEqual(t, "runs", len(p.texts("SELECT run_id FROM sync_runs")), 0)
		wantStatus(t, b.get("/competitors/C-1"), 200)
		wantStatus(t, b.get("/competitors.csv"), 200)

		ended := b.submit("/competitors/C-1", ".band form")
		wantEqual(t, "ended", ended.header.Get("Location"), "/coaches")
		wantEqual(t, "own view", b.get("/competitors").words(".head p"), []string{"8 competitors of 2 coaches in 3 teams. 5 are on the platform."})
		wantEqual(t, "no banner", b.get("/competitors").doc().Find(".band").Length(), 0)
		wantStatus(t, b.post("/competitors/C-1/refresh", nil, "Sec-Fetch-Site", "same-origin"), 303)
		wantEqual(t, "audit log", p.viewedAs(), []string{
			"view_as.begin  " + admin + " ", "competitor.view C-1 " + admin + " K-1", "competitors.export  " + admin + " K-1", "competitor.view C-1 " + admin + " K-1",
			"view_as.end  " + admin + " ", "competitors.view  " + admin + " ", "competitors.view  " + admin + " ", "competitor.refresh C-1 " + admin + " ",
		})
		wantEqual(t, "which coach", p.texts("SELECT detail FROM audit_log WHERE action LIKE 'view_as%' ORDER BY audit_id"), []string{"coach=K-1", "coach=K-1"})
	})
}

func TestOnlyAdminsLookAsCoaches(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for _, who := range []string{owner, other, product} {
			b := p.as(who)
			for _, path := range []string{"/coaches/K-1/view", "/coaches/K-404/view", "/viewing/end"} {
				wantStatus(t, b.post(path, nil, "Sec-Fetch-Site", "same-origin"), 403)
			}
		}
		wantEqual(t, "own people still", p.as(other).get("/competitors").words("#list tbody th"), []string{"Dov Lindqvist", "Edda Marsh"})
		b := p.as(admin)
		wantStatus(t, b.post("/coaches/K-404/view", nil, "Sec-Fetch-Site", "same-origin"), 404)
		wantStatus(t, b.post("/coaches/K-1/view", nil, "Sec-Fetch-Site", "cross-site"), 403)
		wantStatus(t, b.post("/coaches/K-1/view", nil), 403) // without the form's token
		wantEqual(t, "still an admin", b.get("/competitors").doc().Find(".band").Length(), 0)
		wantEqual(t, "audit log", p.audited(), []string{"competitors.view   " + admin})

		b = p.looking()
		p.exec(`UPDATE users SET role = 'product' WHERE email = '` + admin + `'`)
		wantStatus(t, b.get("/competitors"), 403) // who is no admin any more looks as nobody
		p.exec(`UPDATE users SET role = 'admin' WHERE email = '` + admin + `'`)
		wantStatus(t, b.submit("/competitors", "form[action='/logout']"), 303)
		wantStatus(t, b.get("/competitors"), 303)
		wantEqual(t, "signed in again", p.as(admin).get("/competitors").doc().Find(".band").Length(), 0)
	})
}

func TestCoachWithAnOddIDIsLookedAs(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		const odd = "K/3 ?%#ü"
		p.exec(`UPDATE coaches SET sort_key = 'a', name = 'A <b>Odd</b> One' WHERE coach_id = 'K-3'`)
		p.exec(`INSERT INTO coaches (coach_id, email, email_key, name, sort_key, created_at, updated_at) VALUES ('` + odd + `', 'o@odd.example', 'o@odd.example', 'Odd <b>Id</b>', 'odd', 0, 0)`)
		b := p.as(admin)
		got := b.submit("/coaches?q=odd", "#coaches tbody tr:last-child form")
		wantStatus(t, got, 303)
		wantEqual(t, "banner", b.get("/competitors").words("body > .band .s"), []string{"You see the portal as Odd <b>Id</b> does."})
		wantStatus(t, b.get("/coaches/"+url.PathEscape(odd)+"/view"), 405)
	})
}
