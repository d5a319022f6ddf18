package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// TestRolloutInTheBrowser moves the rollout as product staff do, and looks at what coaches then see, on both databases.
func TestRolloutInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newRollout(t, browser, kind)
			if kind == "sqlite" {
				t.Run("axe", w.axeAtFirst)
			}
			t.Run("a pilot to 100 % and back", w.upAndDown)
			t.Run("two tabs saving", w.twoSaving)
			t.Run("restore", w.restored)
			t.Run("held back and released", w.heldBack)
			t.Run("without JavaScript", w.plainRollout)
			t.Run("kill switch in mid-run", w.killed)
			t.Run("a phone", w.rolloutOnAPhone)
			if kind == "sqlite" {
				t.Run("axe in the end", w.axeInTheEnd)
			}
		})
	}
}

// upAndDown takes the rollout from nobody over a pilot to everybody, and back, once with keeping and once without.
func (w *staged) upAndDown(t *testing.T) {
	b := w.staff(t)
	b.wantText(".head p", "0 of 12 coaches have the game platform. Phase Off")
	b.wantText("[aria-labelledby=history-title]", "No change yet")
	pilot, other := w.signedIn(t, w.url, w.pilot.email), w.signedIn(t, w.url, w.other.email)
	pilot.wantComing()
	other.wantComing()

	b.follow(`a[href="/rollout/coaches"]`)
	b.follow(`tbody a[href="` + w.pilot.page() + `"]`)
	b.wantText("h1", w.pilot.name)
	b.wantText(".head .s", "Not yet")
	b.follow(`.acts a[href$="/pilot"]`)
	b.wantText("h1", "Make a pilot of "+w.pilot.name+"?")
	b.wantText(".say", "1 of 12 coaches (+1 / −0)")
	b.wantText(".confirm", "Would get it"+w.pilot.name)
	w.wantStanding(t, 0, 0)
	b.follow("#confirm") // for a pilot no reason is needed
	b.wantAt(w.pilot.page())
	b.wantText(".head .s", "Has it, as a pilot")
	w.wantStanding(t, 0, 1)
	pilot.wantOwnList()
	other.wantComing()
	pilot.introducedOnce()

	b.open("/rollout")
	b.wantText("[aria-labelledby=pilots-title]", w.pilot.name)
	w.previews(b)
	b.missingReason()
	b.ask("10")
	b.wantText("#say", "10 % → 2 of 12 coaches (+1 / −0)")
	b.save("one in ten")
	w.wantStanding(t, 10, 2)
	other.wantComing()
	b.ask("50")
	b.wantText("#say", "50 % → 6 of 12 coaches (+4 / −0)")
	b.save("half of them")
	w.wantStanding(t, 50, 6)
	half := w.standing(t).Enrolled
	w.wantFor(other, w.other)
	b.ask("100")
	b.save("everybody")
	w.wantStanding(t, 100, coachesThere)
	pilot.wantOwnList()
	other.wantOwnList()
	other.until(`!!document.querySelector("#introduction")`)
	b.until(`!!document.querySelector(".phases [aria-current=step]")`)
	b.wantText(".phases [aria-current=step]", "100 %")

	b.ask("50")
	b.wantText("#say", "50 % → 6 of 12 coaches (+0 / −6)")
	b.wantText("#preview fieldset", "Take it from these 6")
	b.keeping("50", true)
	b.wantFocus("keep-yes")
	b.wantText("#say", "50 % → 12 of 12 coaches (+0 / −0)")
	b.save("down, and all keep it")
	w.wantStanding(t, 50, coachesThere)
	other.wantOwnList()
	b.ask("100")
	b.save("up again")
	b.ask("50")
	b.keeping("50", true)
	b.keeping("50", false) // thought better of it
	b.save("down to half")
	w.wantStanding(t, 50, 6)
	if diff := cmp.Diff(half, w.standing(t).Enrolled); diff != "" {
		t.Errorf("half are others than on the way up (-up +down):\n%s", diff)
	}
	w.wantFor(other, w.other)
	b.ask("10")
	b.wantText("#preview", "Would lose it")
	b.save("down to a tenth")
	w.wantStanding(t, 10, 2)
	pilot.wantOwnList()
	other.wantComing()
}

// introducedOnce reads the introduction, which then is gone for good.
func (b *tab) introducedOnce() {
	b.t.Helper()
	b.wantText("#introduction", "New: results from the game platform")
	b.open("/competitors?sort=-points")
	b.follow("#introduction button")
	b.wantAt("/competitors")
	b.wantText("h1", "Competitors")
	b.open("/competitors")
	if b.has("#introduction") {
		b.t.Error("the introduction is there again")
	}
}

// previews tries moves by slider, number and box. Nothing is saved, and the page is not loaded anew.
func (w *staged) previews(b *tab) {
	b.t.Helper()
	b.mark()
	value := func(id string) string { return js[string](b, `document.getElementById("`+id+`").value`) }
	b.do(chromedp.Focus(chromedp.CSS("#share")))
	b.do(chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 51) + kb.ArrowLeft))
	b.previewed("50")
	b.wantText("#say", "50 % → 6 of 12 coaches (+5 / −0)")
	b.wantText("#preview", "Would get it")
	b.wantFocus("share")
	b.until(`document.getElementById("said").textContent.includes("50 % → 6 of 12 coaches")`)
	if got := value("percent"); got != "50" {
		b.t.Errorf("the number is %s, want what the slider says", got)
	}
	b.ask("25")
	b.wantText("#say", "25 % → 3 of 12 coaches (+2 / −0)")
	b.wantFocus("percent")
	if got := value("share"); got != "25" {
		b.t.Errorf("the slider is at %s, want what was typed", got)
	}
	b.click("#off")
	b.previewed("off")
	b.wantText("#preview", "Would lose it"+w.pilot.name)
	b.do(chromedp.Focus(chromedp.CSS("#share")), chromedp.KeyEvent(kb.ArrowLeft))
	b.previewed("24")
	if js[bool](b, `document.getElementById("off").checked`) {
		b.t.Error("it is off after the slider was moved")
	}
	b.same()
	b.wantAt("/rollout")
	w.wantStanding(b.t, 0, 1)
}

// missingReason is told by the browser where the field is empty, and by the portal where it says nothing.
func (b *tab) missingReason() {
	b.t.Helper()
	b.expect("status of 422")
	b.ask("40")
	b.typed("reason", "")
	b.mark()
	b.click("#save")
	b.wantFocus("reason")
	b.same()
	b.typed("reason", "   ")
	b.follow("#save")
	b.wantText("#fault", "Nothing was saved. A reason is missing.")
	b.wantText("#say", "40 % →")
	if got := js[string](b, `document.getElementById("percent").value + document.getElementById("share").value + document.getElementById("reason").getAttribute("aria-describedby")`); got != "4040fault" {
		b.t.Errorf("what was typed is gone: %q", got)
	}
	b.wantWhole()
}
