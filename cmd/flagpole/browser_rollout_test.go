package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
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
			if kind == "sqlite" {
				t.Run("axe in the end", w.axeInTheEnd)
			}
		})
	}
}

const coachesThere = 12

// staged is a world in which nobody has the feature at first.
type staged struct {
	*world
	pilot, other someCoach // other is late in the order
}

type someCoach struct{ id, name, email string }

func (c someCoach) page() string { return "/rollout/coaches/" + c.id }

func newRollout(t *testing.T, browser context.Context, kind string) *staged {
	t.Helper()
	w := &staged{world: bareWorld(t, browser, kind, simulator.Options{Seed: 7, Competitors: 120, Coaches: coachesThere, Teams: 12})}
	coach := func(where string, values ...any) (c someCoach) {
		c.id = w.value(t, `SELECT coach_id FROM coaches WHERE `+where+` ORDER BY coach_id LIMIT 1`, values...)
		c.name = w.value(t, `SELECT name FROM coaches WHERE coach_id = $1`, c.id)
		c.email = w.value(t, `SELECT email FROM coaches WHERE coach_id = $1`, c.id)
		return c
	}
	var first rolloutMoved // these may have it at 10 %
	if err := json.Unmarshal([]byte(w.console.must("rollout", "set", "10", "--dry-run")), &first); err != nil || len(first.Gained) != 2 {
		t.Fatal(first, err)
	}
	w.pilot = coach(`email = $1`, w.coach)
	w.other = coach(`coach_id NOT IN ($1, $2, $3) AND competitors > 0`, w.pilot.id, first.Gained[0], first.Gained[1])
	w.addUsers(t, map[string]domain.Role{
		w.pilot.email: domain.RoleCoach, w.other.email: domain.RoleCoach, adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct,
	})
	w.url, _ = startPortal(t, w.console.env)
	return w
}

// staff is a tab of product staff on the page of the rollout.
func (w *staged) staff(t *testing.T) *tab {
	t.Helper()
	b := w.signedIn(t, w.url, productEmail)
	b.wantAt("/rollout")
	return b
}

// standing is what the command line says of the rollout.
func (w *staged) standing(t *testing.T) (st rolloutStanding) {
	t.Helper()
	o := w.console.do("", "rollout", "show", "--json")
	if err := json.Unmarshal([]byte(o.stdout), &st); err != nil {
		t.Fatal(err, o.stderr)
	}
	return st
}

// wantStanding wants a percentage to be stored, and so many to have it.
func (w *staged) wantStanding(t *testing.T, percent, enrolled int) {
	t.Helper()
	if st := w.standing(t); st.Percent != percent || len(st.Enrolled) != enrolled {
		t.Errorf("%d %% and %d coaches are stored, want %d %% and %d", st.Percent, len(st.Enrolled), percent, enrolled)
	}
}

// set makes a change through the command line.
func (w *staged) set(t *testing.T, args ...string) {
	t.Helper()
	if o := w.console.do("", append([]string{"rollout"}, args...)...); o.status != 0 {
		t.Fatal(args, o.stderr)
	}
}

// previewed waits for the preview of a move; nothing may come after it.
func (b *tab) previewed(what string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(p => p.querySelector("[name=previewed]").value === %q && !p.matches(".htmx-request, .htmx-settling, .htmx-added"))(document.getElementById("preview"))`, what))
}

// typed types into a field in the place of what is there.
func (b *tab) typed(id, text string) {
	b.t.Helper()
	if b.plain {
		b.choose(id, text)
		return
	}
	b.do(chromedp.Focus(chromedp.CSS("#" + id)))
	js[chromedp.Void](b, fmt.Sprintf(`document.getElementById(%q).select()`, id))
	b.do(chromedp.KeyEvent(text))
}

// ask types a percentage and waits for its preview.
func (b *tab) ask(percent string) {
	b.t.Helper()
	b.typed("percent", percent)
	if b.plain {
		b.follow("#look")
	}
	b.previewed(percent)
}

// keeping chooses what becomes of those who have it.
func (b *tab) keeping(percent string, keep bool) {
	b.t.Helper()
	id, want := "#keep-no", percent
	if keep {
		id, want = "#keep-yes", percent+" keep"
	}
	b.click(id)
	if b.plain {
		b.follow("#look")
	}
	b.previewed(want)
}

// save stores the move that is previewed.
func (b *tab) save(reason string) {
	b.t.Helper()
	b.typed("reason", reason)
	b.follow("#save")
	b.wantAt("/rollout")
	b.wantWhole()
	b.wantText("[aria-labelledby=history-title] tbody tr:first-child", productEmail+": "+reason)
}

// confirm gives a reason on a page that asks for one, and does it.
func (b *tab) confirm(reason string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(".confirm [name=reason]"), reason))
	b.follow("#confirm")
	if b.has("#fault") {
		b.t.Fatalf("it was not done: %s", b.text("#fault"))
	}
}

// wantComing wants a coach to have the page of what is coming in the place of everything.
func (b *tab) wantComing() {
	b.t.Helper()
	for _, path := range []string{"/competitors", "/teams", "/events"} {
		b.open(path)
		b.wantText("h1", "Results from the game platform are coming")
		if b.has("main table") || js[int](b, `document.querySelectorAll(".top nav a").length`) != 1 {
			b.t.Errorf("%s shows more than what is coming\n%s", path, b.describe())
		}
	}
}

// wantOwnList wants a coach to have the own competitors.
func (b *tab) wantOwnList() {
	b.t.Helper()
	b.open("/competitors")
	b.wantText("h1", "Competitors")
	if len(b.rows()) == 0 {
		b.t.Errorf("no competitors\n%s", b.describe())
	}
}

// wantFor wants a coach's tab to show what the command line says of the coach.
func (w *staged) wantFor(b *tab, c someCoach) {
	b.t.Helper()
	if slices.Contains(w.standing(b.t).Enrolled, c.id) {
		b.wantOwnList()
	} else {
		b.wantComing()
	}
}

func (w *staged) upAndDown(t *testing.T) {
	b := w.staff(t)
	b.wantText(".head p", "0 of 12 coaches have the game platform. Level 0 %")
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
