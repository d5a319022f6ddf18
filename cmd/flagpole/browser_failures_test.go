package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flagpole/internal/metactf/simulator"
)

// TestFailuresInTheBrowser has syncs fail and mends them, on both databases.
func TestFailuresInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			t.Run("an outage", func(t *testing.T) {
				t.Parallel()
				over := outage(t, browser, kind)
				t.Run("many", func(t *testing.T) { manyMended(t, browser, kind) }) // before the schedule's next tick
				over()
			})
			t.Run("some", func(t *testing.T) {
				t.Parallel()
				w := newMending(t, browser, kind)
				t.Run("product staff", w.productSeesNobody)
				t.Run("side by side", func(t *testing.T) {
					if kind == "sqlite" {
						t.Run("axe", func(t *testing.T) { t.Parallel(); w.failuresWithAxe(t) })
					}
					t.Run("clear, undo, clear", func(t *testing.T) { t.Parallel(); w.clearedTwice(t) })
					t.Run("others", func(t *testing.T) {
						t.Parallel()
						t.Run("an email in place", w.emailInPlace)
						t.Run("one that fails after the page was opened", w.failsAfterwards)
						t.Run("two admins", w.twoAdmins)
						t.Run("by keyboard", w.retryByKeyboard)
						t.Run("without JavaScript", w.plainFailures)
					})
				})
				t.Run("the log", w.nobodyInTheLog)
			})
		})
	}
}

const (
	manyThere = 500
	manyRate  = 200 // calls a second: the retry takes more than 7 seconds
)

// manyMended has 500 syncs fail with one cause, heals the platform, and retries them all at once.
func manyMended(t *testing.T, browser context.Context, kind string) {
	w := emptyMending(t, browser, kind, simulator.Options{Seed: 12, Competitors: manyThere, Coaches: 25, Teams: 60})
	w.settle(t, func(lines [][]string) [][]string { return lines })
	broken := simulator.Faults{Rules: []simulator.FaultRule{{Fault: simulator.ServerError, Call: odlCall}}}
	if err := w.console.sim.SetFaults(broken); err != nil {
		t.Fatal(err)
	}
	w.try("sync", "--all")
	w.later(t)
	w.console.env["GAME_PLATFORM_RATE_LIMIT"] = fmt.Sprint(manyRate)
	w.serve(t)
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin/failures")
	b.wantText("#failures .head p", fmt.Sprintf("%d are open", manyThere))
	if n := js[int](b, `document.querySelectorAll("article.cause").length`); n != 1 {
		t.Errorf("%d causes\n%s", n, b.describe())
	}
	b.wantText("article.cause", fmt.Sprintf("%d competitors, 25 coaches", manyThere))

	if err := w.console.sim.SetFaults(simulator.Faults{}); err != nil {
		t.Fatal(err)
	}
	w.front.forget()
	b.wantText("#retry-all", fmt.Sprintf("Retry all %d…", manyThere))
	b.follow("#retry-all")
	b.wantText("h1", fmt.Sprintf("Retry all %d?", manyThere))
	b.wantText("main", fmt.Sprintf("%d failures match", manyThere))
	b.wantText("main", fmt.Sprintf("At the limit of %d calls a second", manyRate))
	b.wantText("#confirm", fmt.Sprintf("Retry all %d", manyThere))
	b.follow("#confirm")
	b.wantText("h1", fmt.Sprintf("Retry of %d failures", manyThere))
	b.mark()
	seen := b.watched("#operation-bar", manyThere)
	if len(seen) < 3 { // two before the end
		t.Errorf("the bar was seen at %v only", seen)
	}
	b.same()
	b.until(says("#operation", "Done"))
	for id, want := range map[string]int{"matched": manyThere, "queued": 0, "done": manyThere, "failed": 0, "skipped": 0} {
		if got := b.number("#operation-" + id); got != want {
			t.Errorf("%s: %d, want %d", id, got, want)
		}
	}
	if b.has("#operation[hx-trigger]") || b.has("#abort") {
		t.Error("it is over, and still asks for itself or can be stopped")
	}
	b.open("/admin/failures")
	b.wantText("#failures .head p", "Nothing is open.")
	b.wantText("#failures .empty", "Nothing fails")
	if b.has("article.cause") {
		t.Error("a card is left")
	}
	w.withinTheLimit(t, manyRate)
	w.nobodyInTheLog(t)
}

// watched are the values of a bar until it has reached the end. They must grow.
func (b *tab) watched(bar string, end int) (seen []int) {
	b.t.Helper()
	deadline := time.Now().Add(4 * patience)
	for at := -1; at < end; time.Sleep(20 * time.Millisecond) { // between two looks
		now := js[int](b, fmt.Sprintf(`document.querySelector(%q)?.value ?? -1`, bar))
		if now < at || time.Now().After(deadline) {
			b.t.Fatalf("the bar was at %v, and is at %d\n%s", seen, now, b.describe())
		}
		if now > at {
			at = now
			seen = append(seen, at)
		}
	}
	return seen
}

// withinTheLimit wants no second to have had more calls than the limit and one. They are seen where they arrive: those under
// way, as many as there are syncs side by side, may have left a second before.
func (w *mending) withinTheLimit(t *testing.T, limit int) {
	t.Helper()
	calls := w.front.seen()
	if len(calls) < 3*manyThere {
		t.Errorf("only %d calls", len(calls))
	}
	most := limit + 1 + sideBySide
	for i := most; i < len(calls); i++ {
		if took := calls[i].at.Sub(calls[i-most].at); took < time.Second {
			t.Fatalf("%d calls within %s, the limit is %d a second", most+1, took, limit)
		}
	}
}

// outage has the whole platform answer 503, be gone, and come back; over waits until that has mended everything by itself. There
// are too few to open the client's breaker, which would wait for half a minute.
func outage(t *testing.T, browser context.Context, kind string) (over func()) {
	t.Helper()
	const there = 9
	w := emptyMending(t, browser, kind, simulator.Options{Seed: 13, Competitors: there, Coaches: 2, Teams: 2})
	w.settle(t, func(lines [][]string) [][]string { return lines })
	w.run(t, "sync", "--all")
	w.later(t)
	w.exec(t, `UPDATE game_platform_sync_state SET last_full_pull_at = NULL WHERE syned_user_id IN (
		SELECT game_platform_id FROM competitors ORDER BY competitor_id LIMIT 4)`) // their first call is another one
	w.serve(t)
	b := w.signedIn(t, w.url, adminEmail)
	one := func(title string) {
		t.Helper()
		b.open("/admin/failures")
		b.wantText("#failures .head p", fmt.Sprintf("%d are open", there))
		if n := js[int](b, `document.querySelectorAll("article.cause").length`); n != 1 {
			t.Errorf("%d causes\n%s", n, b.describe())
		}
		b.wantText("article.cause h2", title)
		b.wantText("article.cause", fmt.Sprintf("%d competitors, 2 coaches", there))
	}
	w.front.forget()
	w.front.fails(503)
	w.try("sync", "--all")
	w.later(t)
	one("(status 503 to every call)")
	first := map[string]string{}
	for _, c := range w.front.seen() {
		if first[c.account] == "" {
			first[c.account] = c.path
		}
	}
	byCall := map[string]int{}
	for _, path := range first {
		byCall[path]++
	}
	if byCall["/users"] != 4 || byCall[odlCall] != there-4 {
		t.Errorf("first calls: %v; the outage is to begin with different ones", byCall)
	}

	w.front.close()
	w.try("sync", "--all")
	one("not be reached")

	w.front.fails(0)
	w.front.open(t)
	w.due(t, time.Now())
	return func() {
		t.Helper()
		b.again("/admin/failures", says("#failures .empty", "Nothing fails"))
		b.wantText("#failures .head p", "Nothing is open.")
		b.open("/admin/failures?state=resolved")
		b.wantText("#failures", "not be reached")
		b.wantText("#failures", "(status 503 to every call)")
		w.nobodyInTheLog(t)
	}
}

// productSeesNobody looks at all that product staff see of failures and syncs.
func (w *mending) productSeesNobody(t *testing.T) {
	admin := w.signedIn(t, w.url, adminEmail)
	admin.open(w.list(t, w.groups["gossip"][0]))
	message := admin.text("article.cause") // an admin reads the platform's words
	if found := w.named(message); len(found) == 0 {
		t.Fatal("the admin's card names nobody, so this test would see nothing")
	}
	admin.open("/admin/sync")
	if found := w.named(admin.text("#runs")); len(found) == 0 {
		t.Errorf("the admin's runs name no coach\n%s", admin.describe())
	}
	b := w.signedIn(t, w.url, productEmail)
	b.expect("status of 422") // a coach is nobody to them
	cause := w.cause(t, w.groups["both"][0])
	coach := w.value(t, `SELECT coach_id FROM competitors WHERE competitor_id = $1`, w.groups["both"][0].id)
	for _, path := range []string{
		"/admin/failures", "/admin/failures?open=" + cause, w.list(t, w.groups["gossip"][0]) + "&open=" + w.cause(t, w.groups["gossip"][0]),
		"/admin/failures?class=missing_email", "/admin/failures?state=resolved", "/admin/failures?state=cleared", "/admin/failures?coach=" + coach,
		"/admin/failures?kind=blocked", "/admin/failures?all=yes", "/admin/sync", "/admin/guide",
	} {
		b.open(path)
		b.wantWhole()
		html := js[string](b, `document.documentElement.outerHTML`)
		if found := w.named(html); len(found) > 0 {
			t.Errorf("%s names %q", path, found)
		}
		for _, word := range []string{"worker", "no score of", "C-nobody", w.groups["gossip"][0].account} {
			if strings.Contains(html, word) {
				t.Errorf("%s has %q in it", path, word)
			}
		}
		if links := js[[]string](b, `[...document.querySelectorAll("main a, main form, main [hx-get], main [hx-post]")].flatMap(e => [e.href, e.action, e.getAttribute("hx-get"), e.getAttribute("hx-post")]).filter(u => typeof u === "string" && u)`); len(links) > 0 {
			for _, link := range links {
				if forRows.MatchString(link) {
					t.Errorf("%s leads to %s", path, link)
				}
			}
		}
		if n := js[int](b, `document.querySelectorAll("main tr[id^=failure-], main [id^=open-], main [name=id]").length`); n > 0 {
			t.Errorf("%s has rows, or ways to open them", path)
		}
	}
	b.open("/admin/failures")
	if n := js[int](b, `document.querySelectorAll("article.cause").length`); n < 6 {
		t.Errorf("product staff see %d causes", n)
	}
	b.wantText("#failures .head p", "are open")
	b.expect("status of 403")
	for _, path := range []string{"/admin/failures/" + w.failure(t, w.groups["both"][0]), "/admin/failures/retry", "/admin/failures.csv"} {
		b.mark()
		if status := js[int](b, fmt.Sprintf(`fetch(%q).then(answer => answer.status)`, path)); status != 403 {
			t.Errorf("%s answers product staff with %d", path, status)
		}
	}
}

// forRows are addresses that product staff must not be led to.
var forRows = regexp.MustCompile(`/admin/(failures/|failures\.csv|operations)|/competitors/`)

// emailInPlace adds an email to a row with the keyboard; the competitor is looked up and synced.
func (w *mending) emailInPlace(t *testing.T) {
	p := w.absent[0]
	b := w.signedIn(t, w.url, adminEmail)
	const at = "/admin/failures?class=missing_email"
	b.open(at)
	row := w.row(t, p)
	b.wantText("#"+row, "Needs an email")
	b.mark()
	b.old(row)
	b.typed(row+"-email", w.email(t, w.left[0]))
	b.press()
	b.renewed(row)
	b.wantText("#"+row+"-fault", "Another competitor has this email.")
	b.wantFocus(row + "-email")
	b.old(row)
	b.typed(row+"-email", "found.at.last@mail.example")
	b.press()
	b.renewed(row)
	b.wantFocus(row)
	b.until(says("#"+row, "Synced"))
	b.until(fmt.Sprintf(`!document.querySelector("#%s[hx-trigger]")`, row))
	b.same()
	b.wantAt(at)
	b.wantFocus(row) // it was replaced while it asked for itself
	b.until(says("#said", "Synced"))
	if n := js[int](b, `document.querySelectorAll("#failures [id$=-email]").length`); n != 3 {
		t.Errorf("%d others wait for an email, want 3", n)
	}
	b.open(p.page())
	b.wantText("h1", p.name)
	b.wantText("#sync", "Synced")
	if n := js[int](b, `document.querySelectorAll("#solves tbody tr").length`); n == 0 {
		t.Errorf("no results\n%s", b.describe())
	}
	b.open(at)
	if b.has("#" + row) {
		t.Error("the row is still there")
	}

	// Of one whom the platform does not know, the row says so.
	row = w.row(t, w.absent[3])
	b.typed(row+"-email", "not.there@mail.example")
	b.press()
	b.until(says("#"+row, "MetaCTF knows no account yet"))
}

// failsAfterwards has somebody fail with the cause of others after the page that asks was opened.
func (w *mending) failsAfterwards(t *testing.T) {
	early, tardy := w.groups["late"], w.take(1)[0]
	b := w.signedIn(t, w.url, adminEmail)
	list := w.list(t, early[0])
	b.open(list)
	b.follow("#retry-all")
	b.wantText("h1", "Retry 2 that match?")

	w.fail(501, tardy)
	w.try("sync", "--competitor", tardy.id)
	w.later(t, tardy)
	if w.cause(t, tardy) != w.cause(t, early[0]) {
		t.Fatal("it fails with another cause")
	}
	before := w.standing(t, tardy)
	w.heal(tardy, early[0], early[1]) // so that a try would be seen
	b.follow("#confirm")
	b.wantText("h1", "Retry of 2 failures")
	b.until(says("#operation-done", "2"))
	b.until(says("#operation", "Done"))
	for id, want := range map[string]int{"matched": 2, "failed": 0, "skipped": 0} {
		if got := b.number("#operation-" + id); got != want {
			t.Errorf("%s: %d, want %d", id, got, want)
		}
	}
	if after := w.standing(t, tardy); after != before {
		t.Errorf("it was %s, and is %s", before, after)
	}
	b.follow(".crumb a")
	b.wantAt(list)
	if rows := js[[]string](b, `[...document.querySelectorAll("#failures tr[id^=failure-]")].map(row => row.id)`); len(rows) != 1 || rows[0] != w.row(t, tardy) {
		t.Errorf("the rows %q are left, want that of the one who came later", rows)
	}
}

// clearedTwice clears a failure, takes that back, clears it again; then the platform heals.
func (w *mending) clearedTwice(t *testing.T) {
	p := w.groups["cleared"][0]
	b := w.signedIn(t, w.url, adminEmail)
	list := w.list(t, p)
	clear := func(reason string) (operation string) {
		t.Helper()
		b.open(list)
		b.follow("#" + w.row(t, p) + ` a[href*="/clear"]`)
		b.wantText("h1", "Clear this failure?")
		b.confirm(reason)
		b.wantText("h1", "Clear of 1 failure")
		b.wantText("#operation", "because: "+reason)
		return b.at()
	}
	operation := clear("the coach has been told")
	b.open(list)
	if b.has("#" + w.row(t, p)) {
		t.Error("it is cleared, and stands among the open ones")
	}
	b.open(list + "&state=cleared")
	b.wantText("#"+w.row(t, p), "Cleared")

	b.open(operation)
	b.follow("#undo")
	b.wantText("#operation", "Taken back")
	b.open(list)
	b.wantText("#"+w.row(t, p), "Retrying")
	failure := "/admin/failures/" + w.failure(t, p)

	clear("it is known")
	w.try("sync", "--competitor", p.id) // fails once more: that changes nothing
	b.open(failure)
	b.wantText("#cleared", "because: it is known")
	b.wantText("#"+w.row(t, p), "Cleared")
	if b.has("#end") {
		t.Errorf("it is over\n%s", b.describe())
	}
	w.heal(p)
	w.due(t, time.Now(), p)
	b.again(failure, `!!document.querySelector("#end")`)
	b.wantText("#end", "It has resolved by itself after it was cleared")
	b.wantText("#cleared", "because: it is known")
}

// twoAdmins press the same buttons at once.
func (w *mending) twoAdmins(t *testing.T) {
	group := w.groups["both"]
	list := w.list(t, group[0])
	one, two := w.signedIn(t, w.url, adminEmail), w.signedIn(t, w.url, secondAdmin)
	one.open(list)
	two.open(list)
	row := w.row(t, group[0])
	goOn := w.hold(t, group...)
	w.front.forget()

	one.mark()
	one.old(row)
	one.click("#" + row + "-retry")
	one.renewed(row)
	one.until(fmt.Sprintf(`%s || %s`, says("#"+row, "Waiting for its turn"), says("#"+row, "Running now")))
	two.mark()
	two.old(row)
	two.click("#" + row + "-retry")
	two.renewed(row)
	two.wantText("#"+row+"-fault", "admin has asked for a retry at")
	for _, b := range []*tab{one, two} {
		b.same()
		b.wantAt(list)
	}

	one.follow("#retry-all")
	two.follow("#retry-all")
	for _, b := range []*tab{one, two} {
		b.wantText("h1", "Retry 2 that match?")
		b.wantText(".left", "1 has been queued by another retry already.")
	}
	two.expect("status of 409")
	one.follow("#confirm")
	two.follow("#confirm")
	two.wantText("#fault", "Nothing was done.")
	two.wantText("#fault", "3 have been queued by another retry already.")
	if !strings.Contains(two.at(), "cause="+w.cause(t, group[0])) {
		t.Errorf("the filter is gone from %s", two.at())
	}
	two.follow(".confirm .acts a")
	two.wantAt(list)
	two.until(says("#"+w.row(t, group[1]), "Waiting for its turn") + "||" + says("#"+w.row(t, group[1]), "Running now"))

	two.mark()
	goOn()
	one.until(says("#operation", "Done"))
	if got := one.number("#operation-done"); got != 2 {
		t.Errorf("%d are mended, want 2", got)
	}
	for _, p := range group {
		two.until(says("#"+w.row(t, p), "Synced"))
		if n := w.front.asked(p); n != 1 {
			t.Errorf("%d calls about %s, want one", n, p.id)
		}
	}
	two.same()
	two.wantAt(list)
}

// retryByKeyboard retries a row; the keyboard goes on from there.
func (w *mending) retryByKeyboard(t *testing.T) {
	p := w.groups["keyboard"][0]
	b := w.signedIn(t, w.url, adminEmail)
	b.open(w.list(t, p))
	row := w.row(t, p)
	goOn := w.hold(t, p)
	b.mark()
	b.old(row)
	b.do(chromedp.Focus(chromedp.CSS("#" + row + "-retry")))
	b.press()
	b.renewed(row)
	b.wantFocus(row)
	b.until(says("#said", p.name+": Waiting for its turn") + "||" + says("#said", p.name+": Running now"))
	goOn()
	b.until(says("#"+row, "Synced"))
	b.wantFocus(row)
	b.until(says("#said", p.name+": Synced"))
	b.do(chromedp.KeyEvent("\t"))
	b.until(fmt.Sprintf(`document.getElementById(%q).contains(document.activeElement) && document.activeElement.id !== %q`, row, row))
	b.same()
}

// plainFailures retries one, adds an email and clears what is ticked, with links and forms alone.
func (w *mending) plainFailures(t *testing.T) {
	group := w.groups["plain"]
	b := w.newTab(t, w.url).withoutScripts()
	b.open("/login")
	b.fillLogin(adminEmail, anyPassword)
	list := w.list(t, group[0])
	b.open(list)
	b.wantWhole()
	w.heal(group[0])
	b.follow("#" + w.row(t, group[0]) + "-retry")
	b.wantAt(list)
	b.again(list, fmt.Sprintf(`document.querySelectorAll("tr[id^=failure-]").length === %d`, len(group)-1))
	b.open("/admin/failures/" + w.failure(t, group[0]))
	b.wantText("#end", "a later sync succeeded")

	const missing = "/admin/failures?class=missing_email"
	p := w.absent[1]
	b.open(missing)
	row := w.row(t, p)
	b.choose(row+"-email", w.email(t, w.left[0]))
	b.expect("status of 409")
	b.follow("#" + row + "-add")
	b.wantText("#fault", "Another competitor has this email.")
	b.open(missing)
	b.choose(row+"-email", "typed.without.scripts@mail.example")
	b.follow("#" + row + "-add")
	b.wantAt(missing)
	b.again(p.page(), says("#sync", "Synced"))
	if !b.has("#solves tbody tr") {
		t.Errorf("no results\n%s", b.describe())
	}

	b.open(list)
	for _, p := range group[1:] {
		b.click("#" + w.row(t, p) + " [name=id]")
	}
	b.follow(`[formaction="/admin/failures/clear"]`)
	b.wantText("h1", "Clear the 2 ticked?")
	b.confirm("ticked")
	b.wantText("h1", "Clear of 2 failures")
	b.follow("#undo")
	b.wantText("#operation", "Taken back")
	b.open(list)
	if n := js[int](b, `document.querySelectorAll("tr[id^=failure-]").length`); n != 2 {
		t.Errorf("%d are open again, want 2", n)
	}
}

// failuresWithAxe looks at all pages of failures, in both colours and at all widths.
func (w *mending) failuresWithAxe(t *testing.T) {
	axe := axeSource(t)
	group := w.groups["axe"]
	b := w.signedIn(t, w.url, adminEmail)
	cause := w.cause(t, group[0])
	clear := "/admin/failures/clear?cause=" + cause
	b.look(axe,
		pageShown{"failures, cards closed", "/admin/failures"},
		pageShown{"failures, a cause open", "/admin/failures?open=" + cause},
		pageShown{"failures with chips", "/admin/failures?class=server_error&state=retrying&q=a"},
		pageShown{"missing emails", "/admin/failures?class=missing_email"},
		pageShown{"no failure matches", "/admin/failures?class=conflict"},
		pageShown{"confirm a retry", "/admin/failures/retry?class=server_error"},
		pageShown{"confirm a retry, all left alone", "/admin/failures/retry?class=missing_email"},
		pageShown{"confirm a clear", clear},
		pageShown{"history of a failure", "/admin/failures/" + w.failure(t, group[0])},
		pageShown{"history without calls", "/admin/failures/" + w.failure(t, w.absent[3])},
		pageShown{"guide", "/admin/guide"},
	)
	b.state(axe, "more opened", func(b *tab) {
		b.open("/admin/failures?class=server_error")
		b.click("#failures-more-summary")
	})
	b.state(axe, "an email that is another's", func(b *tab) {
		b.open("/admin/failures?class=missing_email")
		row := w.row(t, w.absent[2])
		b.old(row)
		b.typed(row+"-email", w.email(t, w.left[0]))
		b.press()
		b.renewed(row)
		b.wantText("#"+row+"-fault", "Another competitor")
	})
	last := slices.MaxFunc(group, func(p, q person) int { return cmp.Compare(w.number(t, p), w.number(t, q)) }) // to be tried
	goOn := w.hold(t, last)
	b.state(axe, "operation in progress", func(b *tab) {
		b.open("/admin/failures/retry?cause=" + cause)
		b.follow("#confirm")
		b.until(`document.querySelector("#operation-bar")?.value > 0`)
	})
	running := b.at()
	b.state(axe, "retry that is under way already", func(b *tab) {
		b.open("/admin/failures/retry?id=" + w.failure(t, last))
		b.wantText("main", "queued by another retry already")
	})
	goOn()
	b.state(axe, "operation done, some failed", func(b *tab) {
		b.again(running, says("#operation", "Done, some failed again"))
	})
	b.state(axe, "cleared", func(b *tab) {
		b.open(clear)
		b.confirm("axe")
	})
	b.look(axe, pageShown{"cleared failures", "/admin/failures?state=cleared"}, pageShown{"resolved failures", "/admin/failures?state=resolved"},
		pageShown{"history of a cleared failure", "/admin/failures/" + w.failure(t, group[1])})
	w.signedIn(t, w.url, productEmail).look(axe, pageShown{"product staff's failures", "/admin/failures"})
}
