package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

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
