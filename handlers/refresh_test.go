package handlers

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

// woken are portals on both databases that count how often the syncs are told.
func woken(t *testing.T, test func(t *testing.T, p *portal, wakes *atomic.Int32)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var wakes atomic.Int32
			p := newPortal(t, kind, func(o *Options) { o.Wake = func() { wakes.Add(1) } })
			test(t, p, &wakes)
		})
	}
}

// refresh presses the button of a competitor's page, with htmx or without.
func (b *browser) refresh(id string, headers ...string) answer {
	b.p.t.Helper()
	return b.post("/competitors/"+url.PathEscape(id)+"/refresh", nil, append(headers, "Sec-Fetch-Site", "same-origin")...)
}

// finish has the run of a refresh end with counts.
func (p *portal) finish(run string, counts domain.RunCounts, stopped store.StopReason) {
	p.t.Helper()
	if _, err := p.store.System().BeginRun(p.t.Context(), run); err != nil {
		p.t.Fatal(err)
	}
	if err := p.store.System().FinishRun(p.t.Context(), run, counts, stopped); err != nil {
		p.t.Fatal(err)
	}
}

func runOf(t *testing.T, link string) string {
	t.Helper()
	_, run, ok := strings.Cut(link, "?run=")
	if !ok || run == "" {
		t.Fatalf("%q names no run", link)
	}
	return run
}

var htmxSync = []string{"HX-Request", "true", "HX-Target", "sync"}

func TestRefreshThroughTheFormIsQueuedAndFollowed(t *testing.T) {
	woken(t, func(t *testing.T, p *portal, wakes *atomic.Int32) {
		b := p.as(owner)
		asked := b.submit("/competitors/C-1", "#sync form")
		wantStatus(t, asked, 303)
		link := asked.header.Get("Location")
		run := runOf(t, link)
		wantEqual(t, "where to", link, "/competitors/C-1?run="+run)
		wantEqual(t, "woken", wakes.Load(), 1)
		wantEqual(t, "audit log", p.audited()[len(p.audited())-1], "competitor.refresh C-1  "+owner)

		page := b.get(link)
		wantEqual(t, "state", page.words("#sync .s"), []string{"Refreshing"})
		wantEqual(t, "follows", page.attr("#sync", "hx-get")+" "+page.attr("#sync", "hx-trigger"), link+" every 2s")
		wantEqual(t, "no second button", page.doc().Find("#refresh").Length(), 0)
		seen := len(p.audited())
		region := b.get(link, htmxSync...)
		wantEqual(t, "region", region.outer("#sync"), page.outer("#sync"))
		wantEqual(t, "following is not opening", len(p.audited()), seen)
		wantEqual(t, "without the run it is found too", b.get("/competitors/C-1").attr("#sync", "hx-get"), link)

		list := b.get("/competitors?sort=-points")
		wantEqual(t, "row", list.words("#list tbody tr:first-child td:last-child"), []string{"Refreshing"})
		wantEqual(t, "list asks again", list.attr("#list", "hx-get")+" "+list.attr("#list", "hx-trigger"), "/competitors?sort=-points every 3s")
		wantEqual(t, "another list does not", b.get("/competitors?q=cyrus").attr("#list", "hx-trigger"), "(none)")

		again := b.refresh("C-1")
		wantEqual(t, "again: the same run", again.header.Get("Location"), link)

		p.finish(run, domain.RunCounts{Attempted: 1, Changed: 1, NewSolves: 3}, "")
		done := b.get(link, htmxSync...)
		wantEqual(t, "done", done.words("#sync > p"), []string{"3 new solves. Show it"})
		wantEqual(t, "asks no more", done.attr("#sync", "hx-trigger"), "(none)")
		wantEqual(t, "list asks no more", b.get("/competitors").attr("#list", "hx-trigger"), "(none)")
		wantEqual(t, "row again", b.get("/competitors?q=amara").words("#list tbody td:last-child"), []string{"Synced"})
	})
}

func TestRefreshWithHtmxAnswersTheRegion(t *testing.T) {
	woken(t, func(t *testing.T, p *portal, wakes *atomic.Int32) {
		b := p.as(owner)
		got := b.refresh(oddID, htmxSync...)
		wantStatus(t, got, 200)
		wantEqual(t, "root", got.attr("body > *", "id"), "sync")
		wantEqual(t, "state", got.words("#sync .s"), []string{"Refreshing"})
		runOf(t, got.attr("#sync", "hx-get"))
		wantStatus(t, b.get(got.attr("#sync", "hx-get"), htmxSync...), 200)
		wantEqual(t, "woken", wakes.Load(), 1)

		// Fetched less than five minutes ago: said in place, and without htmx on a page.
		p.pull("P-1", amarasSolves())
		got = b.refresh("C-1", htmxSync...)
		wantStatus(t, got, 200)
		if said := got.words("#sync [role=alert]"); len(said) != 1 || !strings.HasPrefix(said[0], "The results were fetched less than 5 minutes ago. Refresh again in ") {
			t.Errorf("throttled: %q", said)
		}
		wantEqual(t, "button stays", got.doc().Find("#refresh").Length(), 1)
		page := b.refresh("C-1")
		wantStatus(t, page, 429)
		wantEqual(t, "title", page.words("main h1"), []string{"Too many attempts"})
		got = b.refresh("C-3", htmxSync...)
		wantEqual(t, "no account", got.words("#sync [role=alert]"), []string{"There is nothing to refresh: the competitor has no account on the platform yet."})
		wantStatus(t, b.refresh("C-3"), 409)
		wantEqual(t, "refused ones wake nobody", wakes.Load(), 1)

		p.clock.Advance(6 * time.Minute)
		wantStatus(t, b.refresh("C-1"), 303)
		wantEqual(t, "woken again", wakes.Load(), 2)
	})
}

func TestDoneRefreshSaysWhatItBrought(t *testing.T) {
	woken(t, func(t *testing.T, p *portal, _ *atomic.Int32) {
		b := p.as(owner)
		for _, test := range []struct {
			counts  domain.RunCounts
			stopped store.StopReason
			want    string
		}{
			{domain.RunCounts{Attempted: 1, Changed: 1, NewSolves: 1}, "", "s ok 1 new solve. Show it"},
			{domain.RunCounts{Attempted: 1, Changed: 1}, "", "s ok Refreshed: something has changed. Show it"},
			{domain.RunCounts{Attempted: 1, Unchanged: 1}, "", "s ok Refreshed: nothing new. Show it"},
			{domain.RunCounts{Attempted: 1, Blocked: 1}, "", "s warn Asked again: the platform still gives no results. Show it"},
			{domain.RunCounts{Attempted: 1, Failed: 1}, "", "s warn The platform could not be read just now. It is tried again by itself. Show it"},
			{domain.RunCounts{}, store.StopTokenRefused, "s warn The refresh was stopped: the platform refused our token. Show it"},
			{domain.RunCounts{}, "new reason", "s warn The refresh was stopped. Show it"},
		} {
			link := b.refresh("C-1").header.Get("Location")
			p.finish(runOf(t, link), test.counts, test.stopped)
			done := b.get(link)
			wantEqual(t, test.want, done.attr("#sync > p .s", "class")+" "+done.words("#sync > p")[0], test.want)
			if strings.Contains(p.as(owner).get("/competitors/C-2?run=" + runOf(t, link)).words("#sync")[0], "Show it") {
				t.Error("another competitor's page tells of the run")
			}
		}
		wantStatus(t, b.get("/competitors/C-1?run=nonsense"), 200)
		wantStatus(t, b.get("/competitors/C-1?run=%00"), 200)
	})
}

func TestRefreshIsRefusedToOthersAndWhileSwitchedOff(t *testing.T) {
	woken(t, func(t *testing.T, p *portal, wakes *atomic.Int32) {
		for _, headers := range [][]string{nil, htmxSync} {
			wantStatus(t, p.as(other).refresh("C-1", headers...), 404)
			wantStatus(t, p.as(owner).refresh("C-404", headers...), 404)
			wantStatus(t, p.as(product).refresh("C-1", headers...), 403)
		}
		link := p.as(owner).refresh("C-1").header.Get("Location")
		wantStatus(t, p.as(other).get(link, htmxSync...), 404)
		wantEqual(t, "woken", wakes.Load(), 1)
		wantStatus(t, p.as(admin).refresh("D-1"), 303)
		wantStatus(t, p.as(owner).post("/competitors/C-1/refresh", nil, "Sec-Fetch-Site", "cross-site"), 403)
	})
	p := newPortal(t, "sqlite", func(o *Options) { o.SyncEnabled = false })
	off := p.as(owner).refresh("C-1")
	wantStatus(t, off, 409)
	wantEqual(t, "text", off.words("main p")[1], "Syncs are switched off. An operator switches them on.")
	wantEqual(t, "for htmx", p.as(owner).refresh("C-1", htmxSync...).words(".note"), []string{"This is not possible now. Syncs are switched off. An operator switches them on."})
	wantEqual(t, "no button", p.as(owner).get("/competitors/C-1").doc().Find("#refresh").Length(), 0)
}
