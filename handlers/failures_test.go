package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"flagpole/internal/domain"
	"flagpole/store"
)

// timeouts is the fingerprint of the season's only failed sync, Edda's, whose failure is the third; the first is that Cyrus has no
// email, the second that Beatriz waits for approval.
var timeouts = domain.Cause{Kind: domain.KindFailure, Class: domain.Timeout}.Fingerprint()

const edda, cyrus = "/admin/failures/3", "/admin/failures/1"

// failed stores a failed sync.
func (p *portal) failed(id string, class domain.FailureClass) {
	p.t.Helper()
	p.pull(id, nil, func(pull *store.Pull) {
		pull.Result, pull.ODL, pull.Full = domain.SyncFailure, nil, false
		pull.Failure = &domain.CallError{Class: class, Endpoint: "GET /scores/get_odl_scores", Status: 503, Message: "user 17 of “Amara” is busy"}
		pull.Attempts = []store.Attempt{{Endpoint: "GET /scores/get_odl_scores", StartedAt: pull.At, Took: 312 * time.Millisecond, Status: 503, Class: class, Message: "busy"}}
	})
}

func TestFailuresStandByCauseWithTheirCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-1", domain.ServerError)
		p.failed("P-4", domain.ServerError)
		page := p.as(admin).get("/admin/failures")
		wantStatus(t, page, 200)
		wantEqual(t, "causes", page.words(".cause h2"), []string{
			"The platform had a fault of its own (ODL scores, status 503)", "There is no email on file",
			"The platform did not answer in time", "The platform has not approved this account",
		})
		wantEqual(t, "head", page.words(".head p"), []string{"5 are open: 3 mend themselves, 1 needs someone and 1 is blocked."})
		wantEqual(t, "figures", page.words(".stats dd"), []string{"3", "3", "1", "1", "2", "0"})
		wantEqual(t, "the first one touches", page.words(".cause:first-of-type dl div:nth-child(2) dd"), []string{"2 competitors, 1 coach"})
		wantEqual(t, "menu", page.words("header nav .count"), []string{"5 open"})
		if got := page.words(".cause:first-of-type dl div:last-child dd"); len(got) != 1 || strings.Contains(got[0], "Amara") || !strings.Contains(got[0], "is busy") {
			t.Errorf("the message is %q, want it without the quote", got)
		}
	})
}

func TestWhatFailsAgainAndAgainIsNotLeftToItself(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for try, want := range []string{
			"It is tried again by itself. Nobody has to act. What to do about: The platform had a fault of its own (ODL scores, status 503)",
			"",
			"It has failed several times running, and is still tried. An admin tests the connection, and asks MetaCTF where that works. What to do about: The platform had a fault of its own (ODL scores, status 503)",
		} {
			p.failed("P-1", domain.ServerError)
			if want != "" {
				wantEqual(t, fmt.Sprintf("after try %d", try+1), p.as(admin).get("/admin/failures?class=server_error").words(".cause h2 ~ p"), []string{want})
			}
		}
	})
}

func TestFiltersOfFailuresStandInTheAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-1", domain.ServerError)
		b := p.as(admin)
		for query, want := range map[string]string{
			"class=timeout": "Edda Marsh", "kind=blocked": "Beatriz Quintanilla", "coach=K-2": "Edda Marsh", "state=blocked": "Beatriz Quintanilla",
			"q=edda+castellan": "Edda Marsh", "cause=" + timeouts: "Edda Marsh", "class=missing_email&age=under_1h": "Cyrus Vale", "class=server_error&state=retrying": "Amara Nwosu",
		} {
			page := b.get("/admin/failures?" + query) // the only cause is open by itself
			wantEqual(t, query, page.words(".tick tbody th"), []string{want})
			if n := page.doc().Find(".chip").Length(); n != 1+strings.Count(query, "&") {
				t.Errorf("%s: %d chips", query, n)
			}
		}
		wantEqual(t, "nothing", b.get("/admin/failures?class=malformed").words(".empty h2"), []string{"Nothing matches"})
		for _, query := range []string{"class=x", "kind=x", "age=x", "state=x", "cause=x", "open='", "coach=K-404", "q=" + strings.Repeat("x", 101)} {
			wantStatus(t, b.get("/admin/failures?"+query), 422)
		}
		region := b.get("/admin/failures?open="+timeouts, "HX-Request", "true", "HX-Target", "failures")
		if strings.Contains(region.body, "<html") || region.words(".tick tbody th")[0] != "Edda Marsh" {
			t.Errorf("the region is %s", region.body)
		}
	})
}

func TestProductStaffSeeNoNameAmongFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-1", domain.ServerError)
		b := p.as(product)
		for _, query := range []string{"", "?open=" + timeouts, "?class=server_error", "?state=resolved"} {
			page := b.get("/admin/failures" + query)
			wantStatus(t, page, 200)
			for _, secret := range append(mayNotSee(product), "Ruben Castellan", "is busy") {
				if strings.Contains(page.body, secret) {
					t.Errorf("%s shows %q", query, secret)
				}
			}
			wantEqual(t, query+" buttons and rows", page.doc().Find(".acts, .tick, .cause [aria-expanded]").Length(), 0)
		}
		wantStatus(t, b.get("/admin/failures?q=edda"), 403)
		wantEqual(t, "counted", b.get("/admin/failures").words(".stats dd")[0], "2")
	})
}

func TestOneClickRetriesAndComesBackToTheFilter(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		got := b.submit("/admin/failures?class=timeout", `.tick form[action*="/retry"]`)
		wantStatus(t, got, 303)
		wantEqual(t, "back", got.header.Get("Location"), "/admin/failures?class=timeout#failure-3")
		page := b.get("/admin/failures?class=timeout")
		wantEqual(t, "state", page.words(".tick .t1"), []string{"Waiting for its turn A retry was asked for."})
		wantEqual(t, "no second button", page.doc().Find(`.tick form[action*="/retry"]`).Length(), 0)

		second := b.post(edda+"/retry?class=timeout", nil, "Sec-Fetch-Site", "same-origin", "HX-Request", "true", "HX-Target", "failure-3")
		wantStatus(t, second, 200)
		if !strings.HasPrefix(second.body, "<tr") || !strings.Contains(second.body, "admin has asked for a retry at 12:12 already.") {
			t.Errorf("the second one is told %s", second.body)
		}
		plain := b.post(edda+"/retry?class=timeout", nil, "Sec-Fetch-Site", "same-origin")
		wantStatus(t, plain, 409)
		wantEqual(t, "told on the page", plain.words("#fault"), []string{"Nothing was done. admin has asked for a retry at 12:12 already."})
		wantEqual(t, "with its filter", plain.words(".chip"), []string{"Class: Too slow × remove"})

		p.pull("P-8", nil)
		row := b.get(edda, "HX-Request", "true", "HX-Target", "failure-3")
		if !strings.Contains(row.body, "Synced just now") || strings.Contains(row.body, "hx-trigger") {
			t.Errorf("after the sync the row is %s", row.body)
		}
	})
}

func TestAMissingEmailIsTypedIntoItsRow(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		htmx := []string{"Sec-Fetch-Site", "same-origin", "HX-Request", "true", "HX-Target", "failure-1"}
		for typed, want := range map[string]string{"cyrus": "This is not an email address.", "AMARA@pupil.example": "Another competitor has this email."} {
			got := b.post(cyrus+"/email", url.Values{"email": {typed}}, htmx...)
			row := `<table>` + got.body + `</table>`
			if got.status != 200 || !strings.Contains(row, want) || !strings.Contains(row, `value="`+typed+`"`) {
				t.Errorf("%s: %d %s", typed, got.status, row)
			}
		}
		wantStatus(t, b.post(cyrus+"/email", url.Values{"email": {"c@pupil.example"}}), 403) // no token
		got := b.post(cyrus+"/email", url.Values{"email": {"c@pupil.example"}}, htmx...)
		if !strings.Contains(got.body, "Looking it up on the platform") {
			t.Errorf("the row is %s", got.body)
		}
		wantEqual(t, "asked for", p.texts(`SELECT competitor_id FROM sync_runs WHERE queued`), []string{"C-3"})
		for _, line := range p.audited() {
			if strings.Contains(line, "c@pupil.example") {
				t.Errorf("the audit log has the address: %s", line)
			}
		}
	})
}

func TestTheConfirmPageSaysWhatItsButtonDoes(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-1", domain.ServerError)
		b := p.as(admin)
		for path, want := range map[string]string{
			"retry": "Retry all 2", "retry?class=timeout": "Retry 1 that match", "retry?id=3": "Retry this failure", "clear?id=1&id=3": "Clear the 2 ticked", "clear": "Clear all 4",
		} {
			page := b.get("/admin/failures/" + path)
			wantEqual(t, path, page.words("#confirm"), []string{want})
			wantEqual(t, path+" title", page.words("h1"), []string{want + "?"})
		}
		page := b.get("/admin/failures/retry")
		wantEqual(t, "left alone", page.words(".left li"), []string{"1 is blocked: it waits for MetaCTF and is looked up again by itself.", "1 has no account on the platform."})
		if text := strings.Join(page.words(".head p"), " "); !strings.Contains(text, "As of 12:12:00, 4 failures match, 2 of which can be retried.") || !strings.Contains(text, "5 calls a second it takes at most 1 s") {
			t.Errorf("it says %q", text)
		}
		for _, path := range []string{"retry?id=x", "clear?id=0"} {
			wantStatus(t, b.get("/admin/failures/"+path), 422)
		}
	})
}

func TestWhatFailsAfterTheConfirmPageIsNotTouched(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		form := b.get("/admin/failures/retry").doc().Find("form.confirm")
		values := url.Values{"csrf": {form.Find("[name=csrf]").AttrOr("value", "")}, "last": {form.Find("[name=last]").AttrOr("value", "")}}
		p.failed("P-1", domain.ServerError)
		got := b.post("/admin/failures/retry", values)
		wantStatus(t, got, 303)
		page := b.get(got.header.Get("Location"))
		wantEqual(t, "counts", page.words(".stats dd"), []string{"3", "1", "0", "0", "2"})
		wantEqual(t, "the later one has its own time", b.get("/admin/failures?class=server_error").words(".tick .t1"), []string{"Retrying at 12:42"})
	})
}

func TestAClearNeedsAReasonAndCanBeTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		got := b.submit("/admin/failures/clear?class=timeout", "form.confirm", "reason", " ")
		wantStatus(t, got, 422)
		wantEqual(t, "told in place", len(got.words("#fault")), 1)
		got = b.submit("/admin/failures/clear?class=timeout", "form.confirm", "reason", "known since noon")
		wantStatus(t, got, 303)
		page := b.get(got.header.Get("Location"))
		wantEqual(t, "who and why", strings.Contains(page.words(".head p")[0], "by admin") && strings.Contains(page.words(".head p")[0], "known since noon"), true)
		wantEqual(t, "gone from the list", b.get("/admin/failures?class=timeout").words(".empty h2"), []string{"Nothing matches"})
		wantEqual(t, "among the cleared", b.get("/admin/failures?state=cleared").words(".tick tbody th"), []string{"Edda Marsh"})

		p.pull("P-8", nil) // it succeeds
		history := b.get(edda)
		wantEqual(t, "history", history.words("#end"), []string{"Over. It has resolved by itself after it was cleared: a later sync succeeded."})
		wantEqual(t, "who cleared it", history.words("#cleared"), []string{"Cleared by admin on 18 Nov, 12:12, because: known since noon"})

		undone := b.submit(got.header.Get("Location"), `form[action$="/undo"]`)
		wantStatus(t, undone, 303)
		twice := b.post(got.header.Get("Location")+"/undo", nil, "Sec-Fetch-Site", "same-origin")
		wantStatus(t, twice, 409)
		wantEqual(t, "told in place", twice.words("#fault"), []string{"Nothing was done. This has been taken back already, by admin."})
	})
}

func TestAnOperationIsFollowedAndStopped(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-1", domain.ServerError)
		b := p.as(admin)
		path := b.submit("/admin/failures/retry", "form.confirm").header.Get("Location")
		page := b.get(path)
		wantEqual(t, "polls", page.attr("#operation", "hx-get"), path)
		wantEqual(t, "bar", page.attr("progress", "value")+" of "+page.attr("progress", "max"), "0 of 2")
		p.pull("P-8", nil)
		region := b.get(path, "HX-Request", "true", "HX-Target", "operation")
		wantEqual(t, "bar", region.attr("progress", "value")+" of "+region.attr("progress", "max"), "1 of 2")
		wantStatus(t, b.submit(path, `form[action$="/abort"]`), 303)
		over := b.get(path)
		wantEqual(t, "polls no more", over.attr("#operation", "hx-get"), "(none)")
		wantEqual(t, "stopped", over.words("#operation-aborted"), []string{"1"})
		wantStatus(t, b.post(path+"/abort", nil, "Sec-Fetch-Site", "same-origin"), 409)
		nothing := b.submit("/admin/failures/retry?class=server_error", "form.confirm")
		wantStatus(t, nothing, 303) // stopped ones may be asked for again
	})
}

func TestTheHistoryHoldsEveryAttemptAndIsNoted(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for range 52 {
			p.failed("P-8", domain.Timeout)
			p.clock.Advance(time.Minute)
		}
		b := p.as(admin)
		list := b.get("/admin/failures?class=timeout")
		path := list.attr(`.tick a[href*="/admin/failures/"]:last-child`, "href")
		page := b.get(path)
		wantEqual(t, "calls", page.doc().Find("[aria-labelledby=attempts-title] tbody tr").Length(), attemptsShown)
		wantEqual(t, "a call", page.words("[aria-labelledby=attempts-title] tbody tr:first-child td"), []string{"ODL scores", "503", "312 ms", "Too slow busy"})
		older := b.get(page.attr("[aria-labelledby=attempts-title] nav a", "href"))
		wantEqual(t, "older calls", older.doc().Find("[aria-labelledby=attempts-title] tbody tr").Length(), 2)
		wantStatus(t, b.get(path+"&attempts=x"), 422)
		wantEqual(t, "other failures", page.words("[aria-labelledby=earlier-title] tbody th"), []string{"The platform did not answer in time"})
		b.get(strings.TrimSuffix(path, "?class=timeout"), "HX-Request", "true", "HX-Target", fmt.Sprintf("failure-%s", path[strings.LastIndex(path, "/")+1:strings.Index(path, "?")]))
		wantEqual(t, "noted", p.audited(), []string{
			"failures.view  cause=" + list.attr(".cause", "id")[len("cause-"):] + " " + admin,
			"failure.history D-2  " + admin, "failure.history D-2  " + admin,
		})
		wantStatus(t, b.get("/admin/failures/999"), 404)
		wantStatus(t, b.get("/admin/failures/x"), 404)
	})
}

func TestTheFileOfFailuresIsWhatTheScreenShows(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.failed("P-4", domain.ServerError)
		b := p.as(admin)
		wantEqual(t, "all", b.exported("/admin/failures.csv", "competitor_id", "class", "state"), []string{
			"C-3¦missing_email¦needs_attention", "C-2¦blocked¦blocked", "D-2¦timeout¦retrying", oddID + "¦server_error¦retrying",
		})
		wantEqual(t, "narrowed as the screen is", b.exported("/admin/failures.csv?class=timeout", "competitor", "coach", "status"), []string{"Edda Marsh¦Ruben Castellan¦0"})
		wantEqual(t, "noted", p.audited(), []string{"failures.export  csv " + admin, "failures.export  csv " + admin})
	})
}

func TestACompetitorsPageLeadsAdminsToTheFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		wantEqual(t, "admin", p.as(admin).get("/competitors/D-2").attr("#failure", "href"), edda)
		wantEqual(t, "the coach", p.as(other).get("/competitors/D-2").attr("#failure", "href"), "(none)")
		wantEqual(t, "nothing fails", p.as(admin).get("/competitors/D-1").attr("#failure", "href"), "(none)")
	})
}

func TestEveryClassHasItsPartOfTheGuide(t *testing.T) {
	p := newPortal(t, "sqlite")
	guide := p.as(product).get(guidePath)
	for _, class := range domain.FailureClasses {
		_, part, _ := strings.Cut(guideFor(class), "#")
		wantEqual(t, string(class)+" leads to #"+part, guide.doc().Find("h2#"+part).Length(), 1)
	}
	for _, part := range []string{"sync-one", "investigate", "pause", "outage", "bulk-retry"} {
		wantEqual(t, part, guide.doc().Find("h2#"+part).Length(), 1)
	}
	guide.doc().Find(".guide a").Each(func(_ int, link *goquery.Selection) {
		wantEqual(t, "link", guide.doc().Find(link.AttrOr("href", "?")).Length(), 1)
	})
}

func TestSyncsSwitchedOffAreNotRetried(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.SyncEnabled = false })
	b := p.as(admin)
	got := b.submit("/admin/failures?class=timeout", `.tick form[action*="/retry"]`)
	wantStatus(t, got, 409)
	got = b.submit("/admin/failures/retry", "form.confirm")
	wantStatus(t, got, 409)
	wantEqual(t, "begun", p.texts(`SELECT COUNT(*) FROM operations`), []string{"0"})
}
