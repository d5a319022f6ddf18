package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// held keeps the tab's requests for a path back. Each call of what it returns waits for the next one, and gives its id.
func (b *tab) held(pattern string) (next func() string) {
	b.t.Helper()
	paused, stop := chromedp.FromContext(b.ctx).Target.Subscribe("Fetch.requestPaused")
	b.t.Cleanup(stop)
	b.do(command("Fetch.enable", map[string]any{"patterns": []map[string]string{{"urlPattern": b.url + pattern}}}))
	return func() string {
		b.t.Helper()
		select {
		case event := <-paused:
			var request struct{ RequestID string }
			if err := json.Unmarshal(event, &request); err != nil {
				b.t.Fatal(err)
			}
			return request.RequestID
		case <-time.After(patience):
			b.t.Fatal("nothing is asked for")
		}
		return ""
	}
}

// places are where the parts of the page stand.
func (b *tab) places() map[string][4]int {
	b.t.Helper()
	return js[map[string][4]int](b, `Object.fromEntries([...document.querySelectorAll("h1, .stats, form, table, tbody tr, .foot, body > footer")].map((e, i) => {
		const r = e.getBoundingClientRect()
		return [i + " " + e.tagName, [r.left, r.top, r.width, r.height].map(Math.round)]
	}))`)
}

// slowAnswer holds answers back: the region says that it is busy, its rows turn into blanks, and nothing moves. After an
// answer, good or bad, it is as before.
func (w *world) slowAnswer(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.media(nil) // with movement: the blanks come with it
	next := b.held("/competitors*")
	before, rows := b.places(), b.rows()
	const busy = `document.getElementById("list").ariaBusy === "true"`
	const free = `!document.getElementById("list").ariaBusy`
	blank := func(want bool) string {
		return fmt.Sprintf(`(getComputedStyle(document.querySelector("#list tbody td")).color === "rgba(0, 0, 0, 0)") === %v`, want)
	}

	b.mark()
	b.click("#list-by-points")
	request := next()
	b.until(busy)
	b.until(blank(true))
	if diff := cmp.Diff(before, b.places()); diff != "" {
		t.Errorf("the page jumps while it waits (-before +waiting):\n%s", diff)
	}
	b.do(command("Fetch.continueRequest", map[string]any{"requestId": request}))
	b.until(`document.getElementById("list-by-points").closest("th").ariaSort === "descending"`)
	b.until(free)
	b.until(blank(false))

	b.expect("status of 500")
	b.expect("Error Code 500")
	b.click("#list-by-name")
	request = next()
	b.until(busy)
	b.do(command("Fetch.fulfillRequest", map[string]any{"requestId": request, "responseCode": 500}))
	b.until(`!!document.querySelector("#problem [role=alert]")`)
	b.until(free)
	b.wantText("#problem", "That did not work (status 500)")

	b.expect("ERR_FAILED")
	b.expect("htmx:sendError")
	b.click("#list-by-name")
	request = next()
	b.until(busy)
	b.do(command("Fetch.failRequest", map[string]any{"requestId": request, "errorReason": "Failed"}))
	b.until(free)
	b.until(`document.getElementById("problem").textContent.includes("did not answer")`)
	b.wantAt("/competitors?sort=-points")

	b.click("#list-by-name")
	b.do(command("Fetch.continueRequest", map[string]any{"requestId": next()}))
	b.until(`location.search === "" && ` + free)
	b.until(`document.getElementById("problem").childElementCount === 0`)
	if diff := cmp.Diff(column(rows, "path"), column(b.rows(), "path")); diff != "" {
		t.Errorf("the list is another one (-want +got):\n%s", diff)
	}
	b.same()
}

// errorInPlace asks for a category that does not exist, as a page from before a change might.
func (w *world) errorInPlace(t *testing.T) {
	b, path := w.opened(t, w.url)
	before := b.list()
	b.mark()
	b.expect("status of 422")
	b.expect("Error Code 422") // htmx says it too
	js[chromedp.Void](b, `void (document.querySelector("#solves-category").selectedOptions[0].value = "knitting")`)
	b.click("#solves-apply")
	b.until(`!!document.querySelector("#problem [role=alert]")`)
	b.wantText("#problem", "is not a category")
	b.wantText("#problem", "Use one of")
	b.wantList("after the error", before)
	b.wantAt(path)
	b.same()

	b.click("#solves-by-points") // the next answer that is good takes the note away
	b.until(`location.search === "?sort=-points"`)
	b.until(`document.getElementById("problem").childElementCount === 0`)
	b.same()
}

// portalGone stops the portal while somebody looks at a page.
func (w *world) portalGone(t *testing.T) {
	env := map[string]string{}
	for name, value := range w.console.env {
		env[name] = value
	}
	env["GAME_PLATFORM_INTEGRATION_ENABLED"] = "false"
	url, stop := startPortal(t, env)
	b, path := w.opened(t, url)
	b.wantText(".band", "Syncs are switched off")
	before := b.list()
	b.mark()
	stop()
	b.expect("ERR_CONNECTION_REFUSED")
	b.expect("htmx:sendError")
	b.click("#solves-by-points")
	b.until(`!!document.querySelector("#problem [role=alert]")`)
	b.wantText("#problem", "did not answer")
	b.wantList("without an answer", before)
	b.wantAt(path)
	b.same()
}

// timesTick lets an hour pass in the page alone.
func (w *world) timesTick(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	b.do(command("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `(() => {
		const now = performance.now.bind(performance), every = setInterval
		window.later = 0
		performance.now = () => now() + later
		window.ticks = []
		window.setInterval = (f, ms) => { ticks.push(f); return every(f, ms) }
	})()`}))
	b.open("/competitors")
	times := func() []string {
		t.Helper()
		return js[[]string](b, `[...document.querySelectorAll("#list tbody tr")].filter(r => r.textContent.includes("Synced"))
			.map(r => r.cells[r.cells.length - 2].querySelector("time")).map(e => e.textContent.trim() + "|" + e.title + "|" + e.dateTime)`)
	}
	before := times()
	b.until(`ticks.length > 0`)
	js[chromedp.Void](b, `later = 3600 * 1000 + 1, ticks.forEach(f => f())`)
	after := times()
	for i, was := range before {
		old, now := strings.Split(was, "|"), strings.Split(after[i], "|")
		if now[0] != "1 h ago" || !strings.HasSuffix(old[0], "min ago") && old[0] != "just now" {
			t.Errorf("after an hour %q has become %q", old[0], now[0])
		}
		if old[1] != now[1] || old[2] != now[2] || old[1] == "" {
			t.Errorf("the exact time was %q, is %q", old[1:], now[1:])
		}
	}
	if len(before) == 0 {
		t.Error("no time is shown")
	}
}
