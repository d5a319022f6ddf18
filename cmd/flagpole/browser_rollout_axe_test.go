package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeAtFirst looks at the rollout before the first move, and at what coaches see who do not have it.
func (w *staged) axeAtFirst(t *testing.T) {
	axe := axeSource(t)
	w.signedIn(t, w.url, w.other.email).look(axe, pageShown{"what is coming", "/competitors"})
	w.staff(t).look(axe, pageShown{"a rollout that has not begun", "/rollout"}, pageShown{"who has it, nobody", "/rollout/coaches"})
}

// axeInTheEnd looks at all pages of a rollout under way.
func (w *staged) axeInTheEnd(t *testing.T) {
	axe := axeSource(t)
	w.set(t, "set", "50", "--reason", "axe")
	held := w.value(t, `SELECT coach_id FROM coaches WHERE NOT pilot AND coach_id <> $1 ORDER BY coach_id LIMIT 1`, w.other.id)
	b := w.staff(t)
	b.open("/rollout/coaches/" + held + "/hold-back")
	b.confirm("to be looked at")
	b.expect("status of 422")
	b.look(axe,
		pageShown{"rollout", "/rollout"},
		pageShown{"preview up", "/rollout?percent=100"},
		pageShown{"preview down", "/rollout?percent=10"},
		pageShown{"preview down, kept", "/rollout?percent=10&keep=yes"},
		pageShown{"preview off", "/rollout?percent=off"},
		pageShown{"go on to a phase", "/rollout/phase/100"},
		pageShown{"begin a phase anew", "/rollout/phase/50"},
		pageShown{"go back to a phase", "/rollout/phase/10"},
		pageShown{"phases and gates", "/rollout/phases"},
		pageShown{"launch", "/rollout/launch"},
		pageShown{"problem reports", "/problems"},
		pageShown{"confirm the kill switch", "/rollout/stop"},
		pageShown{"confirm to restore", "/rollout/restore/2"},
		pageShown{"confirm a pilot", w.other.page() + "/pilot"},
		pageShown{"confirm the end of a pilot", w.pilot.page() + "/no-pilot"},
		pageShown{"confirm to hold back", w.other.page() + "/hold-back"},
		pageShown{"confirm to release", "/rollout/coaches/" + held + "/release"},
		pageShown{"who has it", "/rollout/coaches"},
		pageShown{"who had it", "/rollout/coaches?at=2026-01-01T12:00"},
		pageShown{"a pilot", w.pilot.page()},
		pageShown{"a coach held back", "/rollout/coaches/" + held},
		pageShown{"a brief", w.pilot.page() + "/brief"},
	)
	b.state(axe, "a preview by keyboard", func(b *tab) {
		b.open("/rollout")
		b.ask("90")
	})
	b.state(axe, "a reason missing", func(b *tab) {
		b.open("/rollout")
		b.ask("90")
		b.typed("reason", " ")
		b.follow("#save")
		b.wantText("#fault", "A reason is missing")
	})
	w.set(t, "set", "100", "--reason", "axe")
	coach := w.signedIn(t, w.url, w.other.email)
	coach.look(axe, pageShown{"list with the introduction", "/competitors"})
	w.set(t, "off", "--reason", "axe")
	coach.look(axe, pageShown{"list while all is stopped", "/competitors"})
	b.look(axe, pageShown{"rollout while all is stopped", "/rollout"}, pageShown{"confirm to go on", "/rollout/resume"})
}

// rolloutOnAPhone moves it with a thumb; nothing scrolls sideways.
func (w *staged) rolloutOnAPhone(t *testing.T) {
	w.set(t, "set", "50", "--reason", "the phone begins")
	b := w.staff(t)
	b.do(chromedp.EmulateViewport(390, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
	fits := func() {
		t.Helper()
		if over := b.wider(); over > 0 {
			t.Errorf("%s is %d pixels wider than the phone", b.at(), over)
		}
	}
	b.open("/rollout")
	fits()
	b.ask("100")
	fits()
	b.save("by thumb")
	fits()
	b.ask("10")
	fits()
	b.keeping("10", true)
	fits()
	b.save("a reason that goes on for long, so that the history has something to wrap: " + strings.TrimSpace(strings.Repeat("more ", 30)))
	fits()
	w.wantStanding(t, 10, coachesThere)
	for _, path := range []string{"/rollout/stop", "/rollout/restore/1", "/rollout/coaches", w.pilot.page(), w.pilot.page() + "/brief", w.pilot.page() + "/no-pilot"} {
		b.open(path)
		fits()
	}
}
