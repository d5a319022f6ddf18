package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// wider is by how much the page is wider than the window.
func (b *tab) wider() int {
	b.t.Helper()
	return js[int](b, `document.documentElement.scrollWidth - innerWidth`)
}

// onAPhone does a coach's five minutes before class with a thumb.
func (w *world) onAPhone(t *testing.T) {
	b := w.signedIn(t, w.url, w.coach)
	for _, width := range []int64{390, 320} {
		b.do(chromedp.EmulateViewport(width, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
		b.open("/competitors")
		if b.has("details.fold[open]") {
			t.Errorf("%d wide: the filters stand open before one is set", width)
		}
		b.click(".fold summary")
		b.choose("list-division", "high_school")
		b.choose("list-sort", "-points")
		b.use("list", "#list-apply")
		b.wantAt("/competitors?division=high_school&sort=-points")
		if !b.has("details.fold[open]") {
			t.Errorf("%d wide: the filter that is set is folded away", width)
		}
		rows := b.rows()
		if over := b.wider(); over > 0 || len(rows) == 0 {
			t.Errorf("%d wide: %d rows, the page is %d pixels wider", width, len(rows), over)
		}
		b.use("list", ".chip")
		b.follow("#list tbody tr:first-child a")
		b.wantText("h1", rows[0]["Competitor"])
		b.follow(`.top nav a[href="/teams"]`)
		b.follow("#teams tbody a")
		if over := b.wider(); over > 0 {
			t.Errorf("%d wide: the team is %d pixels wider", width, over)
		}
	}
}

// preferences are those of the person's system, and a page at twice its size.
func (w *world) preferences(t *testing.T) {
	b, path := w.opened(t, w.url)
	colours := func(selector, part string) [2]string {
		t.Helper()
		return js[[2]string](b, `(s => [s.color, s.backgroundColor])(getComputedStyle(document.querySelector("`+selector+`"), "`+part+`"))`)
	}

	b.media(map[string]string{"prefers-color-scheme": "light"})
	light := colours("html", "")
	b.media(map[string]string{"prefers-color-scheme": "dark"})
	if dark := colours("html", ""); dark[0] == light[0] || dark[1] == light[1] {
		t.Errorf("in the dark the colours are %v, in the light %v", dark, light)
	}

	b.media(map[string]string{"forced-colors": "active", "prefers-color-scheme": "dark"})
	mark, me, page := colours("#sync .s", "::before"), js[string](b, `getComputedStyle(document.querySelector("rect.me")).fill`), colours("html", "")
	if mark[1] == page[1] || mark[1] == "rgba(0, 0, 0, 0)" || me == page[1] {
		t.Errorf("in forced colours the mark is %v and the bar %s on %s: they cannot be seen", mark, me, page[1])
	}
	b.open("/competitors?sort=-points")
	if line := js[string](b, `getComputedStyle(document.querySelector(".top nav a[aria-current]")).borderBottomStyle`); line != "solid" {
		t.Errorf("in forced colours the current page is not marked: its border is %s", line)
	}

	b.media(map[string]string{"prefers-reduced-motion": "reduce"})
	next := b.held("/competitors*")
	b.click("#list-by-points")
	request := next()
	b.until(`document.getElementById("list").ariaBusy === "true"`)
	if n := js[int](b, `document.getAnimations().length`); n > 0 {
		t.Errorf("%d things move", n)
	}
	b.do(command("Fetch.continueRequest", map[string]any{"requestId": request}))
	b.until(`!document.getElementById("list").ariaBusy`)
	b.do(command("Fetch.disable", nil))

	for _, page := range []string{"/competitors", path, "/teams", "/events", "/numbers"} {
		b.open(page)
		b.do(chromedp.EmulateViewport(640, 450, chromedp.EmulateScale(2))) // as a zoom of 200 % makes of 1280 by 900
		if over := b.wider(); over > 0 {
			t.Errorf("%s at 200 %%: %d pixels wider than the window", page, over)
		}
	}
}
