package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

const reportLinks = `body > footer a[href^="/problems/new"], #user-menu a[href^="/problems/new"]`

// report sends a report, and returns its id.
func (p *portal) report(who, page, text string) string {
	p.t.Helper()
	got := p.as(who).press("/problems", "page", page, "text", text)
	if got.status != 303 || got.header.Get("Location") != "/problems" {
		p.t.Fatalf("reporting: %d to %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	return p.texts(`SELECT CAST(MAX(report_id) AS TEXT) FROM problem_reports`)[0]
}

func (p *portal) reported() []string {
	p.t.Helper()
	return p.texts(`SELECT coach_id || ' ' || page || ' ' || COALESCE(competitor_id, '-') || ' ' || state || ' ' || text FROM problem_reports ORDER BY report_id`)
}

func TestEveryPageOfACoachLeadsToTheReport(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.report(owner, "/teams", "x")
		coach := p.as(owner)
		odd := "/competitors/" + url.PathEscape(oddID)
		want := map[string]string{
			"/competitors": "/competitors", "/competitors?q=Amara&sort=-points": "/competitors", "/competitors/C-1?list=q%3DAmara": "/competitors/C-1", odd: odd, "/competitors/D-1": "/competitors/D-1",
			"/teams": "/teams", "/teams/" + p.teamID("Salt & Hash"): "/teams/" + p.teamID("Salt & Hash"), "/events": "/events", "/events/" + autumn.ID(): "/events/" + autumn.ID(),
			"/numbers": "/numbers", "/account": "/account", "/problems": "/problems", "/problems/new?page=/teams": "/problems/new", "/no/such/page": "/no/such/page", "/admin/sync": "/admin/sync",
		}
		pages := 0
		for _, r := range coachPages() {
			pages++
			if path := p.filledIn(matrix["GET "+r].path); coach.get(path).doc().Find(reportLinks).Length() != 2 {
				t.Errorf("%s has no links", path)
			}
		}
		if pages < 8 {
			t.Errorf("only %d routes", pages)
		}
		at := strconv.FormatInt(p.clock.Now().Unix(), 10)
		for path, page := range want {
			got := coach.get(path)
			links := got.doc().Find(reportLinks).Map(hrefOf)
			href := "/problems/new?page=" + url.QueryEscape(page) + "&at=" + at
			wantEqual(t, path, links, []string{href, href})
			if strings.HasPrefix(page, "/no") {
				continue
			}
			form := coach.get(href)
			wantStatus(t, form, 200)
			wantEqual(t, path+": page", form.attr("#report input[name=page]", "value"), page)
			wantEqual(t, path+": link", form.attr("#report dd a", "href"), page)
			wantEqual(t, path+": as of", form.attr("#report input[name=at]", "value"), at)
		}
		wrong := coach.press("/account/password")
		wantStatus(t, wrong, 422)
		wantEqual(t, "what a form is answered with", wrong.doc().Find(reportLinks).Map(hrefOf)[0], "/problems/new?page=%2Faccount&at="+at)
		region := coach.get("/competitors", "HX-Request", "true", "HX-Target", "list")
		wantEqual(t, "a region", region.doc().Find(reportLinks).Length(), 0)
	})
}

func TestOthersHaveNoLinkToTheReport(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		none := func(who string, b *browser, paths ...string) {
			t.Helper()
			for _, path := range paths {
				if got := b.get(path); strings.Contains(got.body, "Report a problem") || strings.Contains(got.body, "/problems/new") {
					t.Errorf("%s as %s leads to the report", path, who)
				}
			}
		}
		none("nobody", p.visitor(), "/login")
		none("an admin", p.as(admin), "/competitors", "/competitors/C-1", "/admin", "/account")
		none("product staff", p.as(product), "/rollout", "/admin/sync", "/account")
		looking := p.looking()
		none("an admin who looks", looking, "/competitors", "/competitors/C-1", "/account")
		wantStatus(t, looking.get("/problems/new?page=/teams"), 403)
		wantStatus(t, looking.press("/problems", "page", "/teams", "text", "x"), 403)
		wantStatus(t, looking.get("/problems"), 200)

		p.change(store.RolloutChange{Action: store.HoldBack, CoachID: "K-1"})
		before := p.as(owner)
		none("a coach who is not enrolled", before, "/competitors", "/account", "/problems", "/problems/new")
		for _, path := range []string{"/problems", "/problems/new", "/problems/1"} {
			wantEqual(t, path, before.get(path).words("h1"), []string{"Results from the game platform are coming"})
		}
		wantStatus(t, before.press("/problems", "page", "/teams", "text", "x"), 403)
		wantEqual(t, "stored", p.reported(), nil)
	})
}

func TestACoachReportsAndReadsTheAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		coach := p.as(owner)
		at := p.clock.Now().Add(-time.Hour)
		form := "/problems/new?page=%2Fcompetitors%2FC-1&at=" + strconv.FormatInt(at.Unix(), 10)
		wantEqual(t, "page", coach.get(form).words("#report dd a"), []string{"A competitor’s page"})
		sent := coach.submit(form, "#report", "text", "It shows 12.\r\nIt was 14.")
		wantStatus(t, sent, 303)
		wantEqual(t, "to", sent.header.Get("Location"), "/problems")
		wantEqual(t, "stored", p.reported(), []string{"K-1 /competitors/C-1 C-1 open It shows 12.\nIt was 14."})
		wantEqual(t, "as of", p.texts(`SELECT CAST(as_of AS TEXT) FROM problem_reports`), []string{strconv.FormatInt(at.Truncate(time.Second).UnixMicro(), 10)})
		wantEqual(t, "own list", coach.get("/problems").words("#problems tbody tr > *"), []string{"A competitor’s page, report 1", "just now", "Open", "It shows 12. It was 14.", "none yet"})

		boss := p.as(admin)
		wantEqual(t, "count", boss.get("/admin").words(`a[href="/problems"] .count`), []string{"1 open"})
		wantEqual(t, "summary", boss.get("/problems").words("#problems .head p"), []string{"What coaches say is wrong with a page. 1 is open. 1 in the last 7 days."})
		page := boss.get("/problems/1")
		wantEqual(t, "text", page.words("#problem-text"), []string{"It shows 12. It was 14."})
		wantEqual(t, "link", page.attr("#reported-page", "href"), "/competitors/C-1")
		wantEqual(t, "section", page.attr(`header nav a[href="/admin"]`, "aria-current"), "page")
		wantStatus(t, boss.submit("/problems/1", "#answer", "answer", "Two come <b>tonight</b>."), 303)

		wantEqual(t, "answered", coach.get("/problems").words("#problems tbody tr > *")[2:], []string{"Answered", "It shows 12. It was 14.", "Two come <b>tonight</b>."})
		own := coach.get("/problems/1")
		wantEqual(t, "answer", own.words("#problem-answer"), []string{"Two come <b>tonight</b>."})
		wantEqual(t, "no forms", own.doc().Find("main form").Length(), 0)
		if strings.Contains(own.body, "by admin") {
			t.Error("the coach reads who answered")
		}
		amend := boss.get("/problems/1")
		wantEqual(t, "to be amended", strings.TrimSpace(amend.doc().Find("#answer-text").Text()), "Two come <b>tonight</b>.")
		wantEqual(t, "by", strings.Contains(amend.words("dl.fields")[0], "by admin"), true)
		wantStatus(t, boss.submit("/problems/1", "#close"), 303)
		wantEqual(t, "closed", coach.get("/problems").words("#problems tbody .s"), []string{"Closed"})
		wantEqual(t, "nothing open", boss.get("/admin").words(`a[href="/problems"]`), []string{"Problems"})
		wantStatus(t, boss.submit("/problems/1", "#reopen"), 303)
		wantEqual(t, "reopened", coach.get("/problems").words("#problems tbody .s"), []string{"Open"})
		audit := slices.DeleteFunc(p.audited(), func(line string) bool { return !strings.HasPrefix(line, "problem.") })
		wantEqual(t, "audit", audit, []string{
			"problem.report  problem=1 " + owner, "problem.answer  problem=1 " + admin, "problem.close  problem=1 " + admin, "problem.reopen  problem=1 " + admin,
		})
		wantEqual(t, "audit page", boss.get("/admin/audit?action=problem.answer").attr("#audit tbody td:last-child a", "href"), "/problems/1")
	})
}

// texts stand in a report of the owner, and in its answer.
const (
	secretText   = "Zephyrine lacks a solve"
	secretAnswer = "Zephyrine has it now"
)

func TestWhoReadsWhatOfAReport(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		id := p.report(owner, "/competitors/C-1", secretText)
		wantStatus(t, p.as(admin).submit("/problems/"+id, "#answer", "answer", secretAnswer), 303)
		p.report(other, "/competitors", "of the other")

		theirs := p.as(other)
		wantStatus(t, theirs.get("/problems/"+id), 404)
		wantEqual(t, "as one that does not exist", theirs.get("/problems/"+id).words("main"), theirs.get("/problems/999").words("main"))
		wantEqual(t, "the other's list", theirs.get("/problems").words("#problems tbody td.typed"), []string{"of the other", "none yet"})

		staff := p.as(product)
		for _, path := range []string{"/problems", "/problems?state=answered", "/problems/" + id, "/rollout", "/admin/sync"} {
			got := staff.get(path)
			wantStatus(t, got, 200)
			for _, secret := range []string{"Zephyrine", "C-1", "competitors/", "of the other"} {
				if strings.Contains(got.body, secret) {
					t.Errorf("%s shows %q to product staff", path, secret)
				}
			}
		}
		wantEqual(t, "nav", staff.get("/rollout").words(`header nav a[href="/problems"]`), []string{"Problems 1 open"})
		list := staff.get("/problems?state=answered")
		wantEqual(t, "row", list.words("#problems tbody tr > *"), []string{"A competitor’s page, report " + id, "Halima Osei", "Answered", "just now", list.words("#problems tbody tr > :last-child")[0]})
		for _, path := range []string{"/problems", "/problems/" + id} {
			if note := staff.get(path).words("main .note"); len(note) != 1 || !strings.Contains(note[0], "may name a student") {
				t.Errorf("%s says %q", path, note)
			}
		}
		wantEqual(t, "no forms", staff.get("/problems/"+id).doc().Find("main form").Length(), 0)
		for _, who := range []string{owner, other, product} {
			for _, act := range []string{"answer", "close", "reopen"} {
				wantStatus(t, p.as(who).press("/problems/"+id+"/"+act, "seen", "1", "answer", "x"), 403)
			}
		}
		wantEqual(t, "admins read it", p.as(admin).get("/problems?state=answered").words("#problems tbody td:last-child"), []string{secretText})
		for _, secret := range []string{"Zephyrine", "/competitors/C-1"} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
}

func TestAReportNamesAPageOfThePortalOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		coach := p.as(owner)
		odd := "/competitors/" + url.PathEscape(oddID)
		long := "/competitors/" + strings.Repeat("x", 287)
		for page, want := range map[string]string{
			"": "/", "/": "/", "/teams": "/teams", odd: odd, "/competitors?q=Amara+Nwosu": "/competitors", "/competitors/C-1?list=q%3DAmara#x": "/competitors/C-1", long: long, long + "x": "/",
			"https://evil.example/teams": "/", "//evil.example/teams": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "teams": "/", "/no/such": "/", "/teams/../admin": "/", "/competitors/..": "/",
			"/competitors/%2e%2e": "/", "/logout": "/", "/competitors.csv": "/", "/competitors/C-1/solves.csv": "/", "/login": "/", "/invitation/token": "/", "/static/app.css": "/", "/healthz": "/", "/teams\r\nx": "/", "/te%zz": "/",
			"/competitors/<script>alert(1)</script>": "/", "/teams//": "/", "/competitors/%00": "/competitors/%00",
		} {
			form := coach.get("/problems/new?page=" + url.QueryEscape(page))
			wantStatus(t, form, 200)
			wantEqual(t, fmt.Sprintf("form for %q", page), form.attr("#report input[name=page]", "value"), want)
			p.exec(`DELETE FROM problem_reports`)
			p.report(owner, page, "x")
			wantEqual(t, fmt.Sprintf("stored for %q", page), p.texts(`SELECT page FROM problem_reports`), []string{want})
		}
		now := strconv.FormatInt(p.clock.Now().Unix(), 10)
		for _, at := range []string{"", "x", "-1", "0", "99999999999999999999", "9223372036854775807", strconv.FormatInt(p.clock.Now().Unix()+1, 10), "1e3"} {
			wantEqual(t, "as of "+at, coach.get("/problems/new?page=/teams&at="+at).attr("#report input[name=at]", "value"), now)
		}
	})
}

func TestAWrongReportKeepsWhatWasTyped(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		coach := p.as(owner)
		for _, text := range []string{"", " \r\n ", strings.Repeat("ü", 2001), "\n" + strings.Repeat(hostile[1], 100)} {
			got := coach.press("/problems", "page", "/competitors/C-1", "at", "1000", "text", text)
			wantStatus(t, got, 422)
			wantEqual(t, "typed", strings.TrimSpace(got.doc().Find("#report-text").Text()), strings.TrimSpace(text))
			wantEqual(t, "page and time", []string{got.attr("#report input[name=page]", "value"), got.attr("#report input[name=at]", "value")}, []string{"/competitors/C-1", "1000"})
			wantEqual(t, "says why", got.words("#fault"), []string{"Nothing was stored. A text is needed, of 2,000 characters at most."})
			wantEqual(t, "no element of the text", got.doc().Find("main script").Length(), 0)
		}
		wantEqual(t, "stored", p.reported(), nil)
		for range 20 {
			p.report(owner, "/teams", "x")
		}
		got := coach.press("/problems", "page", "/teams", "text", "one more")
		wantStatus(t, got, 429)
		wantEqual(t, "typed", strings.TrimSpace(got.doc().Find("#report-text").Text()), "one more")
		wantEqual(t, "says why", strings.HasPrefix(got.words("#fault")[0], "Nothing was stored. You have reported 20 problems within an hour."), true)
		wantEqual(t, "stored", len(p.reported()), 20)
		p.report(other, "/teams", "x")
		wantStatus(t, p.as(owner).post("/problems", url.Values{"text": {"x"}}), 403) // without the form's token
		wantStatus(t, p.as(owner).post("/problems", url.Values{"text": {"x"}}, "Sec-Fetch-Site", "cross-site"), 403)
	})
}

func TestHostileReportsShowSafely(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for i, text := range hostile {
			if i == 19 {
				p.clock.Advance(2 * time.Hour)
			}
			id := p.report(owner, "/competitors/"+url.PathEscape(text), text+"\x00")
			wantStatus(t, p.as(admin).submit("/problems/"+id, "#answer", "answer", text), 303)
			for _, who := range []string{owner, admin, product} {
				p.wantHarmless("/problems/"+id, p.as(who).get("/problems/"+id))
			}
			shown := p.as(owner).get("/problems/" + id)
			wantEqual(t, "answer", strings.TrimSpace(shown.doc().Find("#problem-answer").Text()), text)
		}
		for _, who := range []string{owner, admin, product} {
			p.wantHarmless("/problems", p.as(who).get("/problems"))
		}
	})
}

func TestASecondAdminIsToldThatAReportHasChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		id := p.report(owner, "/teams", "x")
		path, b := "/problems/"+id, p.as(admin)
		seen := b.get(path).attr("#answer input[name=seen]", "value")
		wantStatus(t, b.press(path+"/answer", "seen", seen, "answer", "the first"), 303)
		got := b.press(path+"/answer", "seen", seen, "answer", "the second")
		wantStatus(t, got, 409)
		wantEqual(t, "says why", got.words("#fault"), []string{"Nothing was changed. Somebody has changed this report since you opened it. Look at it as it is now, and decide again."})
		wantEqual(t, "now", got.words("#problem-answer"), []string{"the first"})
		wantEqual(t, "typed", strings.TrimSpace(got.doc().Find("#answer-text").Text()), "the second")
		for _, act := range []string{"close", "reopen"} {
			wantStatus(t, b.press(path+"/"+act, "seen", seen), 409)
		}
		for _, wrong := range []string{"", "x", "0"} {
			wantStatus(t, b.press(path+"/close", "seen", wrong), 409)
		}
		wantEqual(t, "stored", p.texts(`SELECT state || ' ' || answer FROM problem_reports`), []string{"answered the first"})

		fresh := got.attr("#answer input[name=seen]", "value")
		for _, answer := range []string{"", strings.Repeat("y", 2001)} {
			wrong := b.press(path+"/answer", "seen", fresh, "answer", answer)
			wantStatus(t, wrong, 422)
			wantEqual(t, "typed", strings.TrimSpace(wrong.doc().Find("#answer-text").Text()), answer)
		}
		wantStatus(t, b.press(path+"/close", "seen", fresh), 303)
		late := b.press(path+"/answer", "seen", fresh, "answer", "too late")
		wantStatus(t, late, 409)
		wantEqual(t, "what was typed is not lost", late.words("#answer-typed"), []string{"too late"})
	})
}

func TestTheListOfReportsIsPagedAndFiltered(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		wantEqual(t, "none", b.get("/problems").words(".empty h2"), []string{"No reports yet"})
		wantEqual(t, "none of own", p.as(owner).get("/problems").words(".empty h2"), []string{"No reports yet"})
		sc := p.store.For(domain.Viewer{UserID: "u", Role: domain.RoleCoach, CoachID: "K-1", Enrolled: true})
		for i := range 60 {
			if i%20 == 0 {
				p.clock.Advance(2 * time.Hour)
			}
			if _, err := sc.ReportProblem(t.Context(), store.ProblemReport{Page: "/teams", AsOf: p.clock.Now(), Text: fmt.Sprint("Nr ", i)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, who := range []string{admin, product, owner} {
			b := p.as(who)
			first := b.get("/problems")
			wantEqual(t, who+": rows", first.doc().Find("#problems tbody tr").Length(), 50)
			older := first.attr("#problems-older", "href")
			wantEqual(t, who+": cursor", older, "/problems?before=11")
			last := b.get(older)
			wantEqual(t, who+": rest", last.doc().Find("#problems tbody tr").Length(), 10)
			wantEqual(t, who+": nothing older", last.doc().Find("#problems-older[href]").Length(), 0)
			wantEqual(t, who+": back", last.attr("#problems-newest", "href"), "/problems")
		}
		wantEqual(t, "closed", b.get("/problems?state=closed").words(".empty h2"), []string{"No report matches"})
		wantEqual(t, "open, older", b.get("/problems?state=open").attr("#problems-older", "href"), "/problems?before=11&state=open")
		for _, wrong := range []string{"state=new", "before=x", "before=0", "before=-1"} {
			wantStatus(t, b.get("/problems?"+wrong), 422)
		}
		for _, id := range []string{"0", "-1", "x", "1%20", "99999999999999999999"} {
			wantStatus(t, b.get("/problems/"+id), 404)
		}
		region := b.get("/problems?state=open", "HX-Request", "true", "HX-Target", "problems")
		wantEqual(t, "a region", []int{region.doc().Find("#problems").Length(), region.doc().Find("header").Length()}, []int{1, 0})
	})
}

// coachPages are the routes of pages that coaches open.
func coachPages() (paths []string) {
	for _, r := range (&pages{}).routes() {
		if r.method == "GET" && slices.Contains(r.roles, domain.RoleCoach) && !strings.Contains(r.path, ".") && r.path != "/" {
			paths = append(paths, r.path)
		}
	}
	return paths
}
