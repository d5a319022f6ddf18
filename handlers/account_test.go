package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

const newPassword = "staple of new horses"

// changePassword fills in and sends the form of the account's page.
func (b *browser) changePassword(current, next, again string) answer {
	b.p.t.Helper()
	return b.submit("/account", "#password-form", "current", current, "new", next, "again", again)
}

// signedIn is somebody who signed in with the password.
func (p *portal) signedIn(email, word string) *browser {
	p.t.Helper()
	b := p.visitor()
	wantStatus(p.t, b.signIn(email, word), 303)
	return b
}

// handle names the browser's session in the forms.
func (b *browser) handle() string {
	sum := sha256.Sum256([]byte(b.cookie("flagpole_session")))
	return hex.EncodeToString(sum[:])[:16]
}

// redirect is the status and where to.
func redirect(a answer) string { return fmt.Sprint(a.status, " ", a.header.Get("Location")) }

func TestAccountSaysWhoIsSignedIn(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := newPortal(t, "sqlite", func(o *Options) { o.Zone = berlin })
	for who, want := range map[string]string{
		owner:   "You are signed in as Halima Osei (" + owner + "), a coach. You see your own competitors.",
		admin:   "You are signed in as " + admin + ", an admin. You see everybody.",
		product: "You are signed in as " + product + ", one of the product staff. You see figures, and no names.",
	} {
		page := p.as(who).get("/account")
		wantEqual(t, who, page.words("h1, .head p"), []string{"My account", want, "Times are shown in Europe/Berlin, set by an operator of the portal."})
		wantEqual(t, "link in the menu", page.attr("#user-menu a", "href")+" "+page.attr("#user-menu a", "aria-current"), "/account page")
	}
}

func TestNewPasswordEndsOtherSessionsAndKeepsThisOne(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, elsewhere, stranger := p.signedIn(owner, password), p.as(owner), p.as(other)
		before := b.cookie("flagpole_session")
		got := b.changePassword(password, newPassword, newPassword)
		wantEqual(t, "answer", redirect(got), "303 /account?done=password")
		if b.cookie("flagpole_session") == before || b.cookie("flagpole_session") == "" {
			t.Error("the session has no new id")
		}
		page := b.get(got.header.Get("Location"))
		wantEqual(t, "notice", page.words(".note[role=status]"), []string{"Your password is changed. All other sessions were ended."})
		wantEqual(t, "sessions", page.words("tbody th"), []string{"just now this one"})
		wantStatus(t, p.visitor().get("/account", "Cookie", "flagpole_session="+before), 303)
		wantStatus(t, elsewhere.get("/account"), 303)
		wantStatus(t, stranger.get("/account"), 200)
		wantEqual(t, "audit", p.audited(), []string{"password.change   " + owner})

		wantStatus(t, p.visitor().signIn(owner, password), 401)
		wantStatus(t, p.visitor().signIn(owner, newPassword), 303)
		wantStatus(t, p.visitor().signIn(other, password), 303)
		if log := p.log.String(); strings.Contains(log, newPassword) || strings.Contains(log, password) {
			t.Error("a password is in the log")
		}
	})
}

func TestFaultsStandBesideTheirFields(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, elsewhere := p.signedIn(owner, password), p.as(owner)
		const (
			wrong    = "This is not the current password. Try again, or ask an admin for a new one."
			short    = "The password is too short. Use at least 8 characters; a few random words are good."
			same     = "This is the current password. Choose another one."
			mismatch = "This is not the same as the new password. Type both again."
		)
		for name, try := range map[string]struct {
			current, next, again string
			want                 map[string]string // by field
		}{
			"wrong current":   {"wrong-guess-1", newPassword, newPassword, map[string]string{"current": wrong}},
			"no current":      {"", newPassword, newPassword, map[string]string{"current": wrong}},
			"too short":       {password, "short-1", "short-1", map[string]string{"new": short}},
			"mismatch":        {password, newPassword, newPassword + "x", map[string]string{"again": mismatch}},
			"the old one":     {password, password, password, map[string]string{"new": same}},
			"short, mismatch": {password, "short-1", "short-2", map[string]string{"new": short, "again": mismatch}},
		} {
			got := b.changePassword(try.current, try.next, try.again)
			wantStatus(t, got, 422)
			for _, field := range []string{"current", "new", "again"} {
				input, note, want := "[name="+field+"]", "#password-"+field+"-note", try.want[field]
				if want == "" {
					wantEqual(t, name+", "+field, got.attr(input, "aria-invalid"), "(none)")
					continue
				}
				wantEqual(t, name+", "+field, got.words(note+".s.bad"), []string{want})
				wantEqual(t, name+", "+field, got.attr(input, "aria-invalid")+" "+got.attr(input, "aria-describedby"), "true "+note[1:])
			}
			for _, secret := range []string{newPassword, password, "wrong-guess-1", "short-1"} {
				if strings.Contains(got.body, secret) {
					t.Errorf("%s: the page holds %q", name, secret)
				}
			}
			wantEqual(t, name+": whole page", got.words("h1, main h2"), []string{"My account", "Password", "Code at sign-in", "Where you are signed in"})
			wantEqual(t, name+": its link", got.attr("#user-menu a", "aria-current"), "page")
		}
		wantStatus(t, elsewhere.get("/account"), 200)
		wantStatus(t, p.visitor().signIn(owner, password), 303)
		wantEqual(t, "audit", len(p.audited()), 0)
	})
}

func TestTenGuessesAtTheCurrentPasswordCloseTheEmail(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		tooLong := strings.Repeat("x", 2000) // refused without the work of hashing
		for range 10 {
			wantStatus(t, b.changePassword(tooLong, newPassword, newPassword), 422)
		}
		got := b.changePassword(password, newPassword, newPassword)
		wantStatus(t, got, 429)
		wantEqual(t, "problem", got.words("#password-current-note"), []string{"Too many attempts. Wait 15 minutes, then try again, or ask an admin for a new password."})
		wantStatus(t, p.visitor().signIn(owner, password), 429)
		wantEqual(t, "others", p.as(other).changePassword("wrong", newPassword, newPassword).status, 422)
		wantStatus(t, b.get("/account"), 200) // still signed in

		p.clock.Advance(15 * time.Minute)
		wantEqual(t, "later", redirect(b.changePassword(password, newPassword, newPassword)), "303 /account?done=password")
	})
}

func TestSessionsAreListedAndEndOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		first := p.as(owner)
		p.clock.Advance(2 * time.Hour)
		second, stranger := p.signedIn(owner, password), p.as(other)
		p.clock.Advance(10 * time.Minute)
		b := p.signedIn(owner, password)
		page := b.get("/account")
		wantEqual(t, "started", page.words("tbody th"), []string{"just now this one", "10 min ago", "2 h ago"})
		wantEqual(t, "last used", page.words("tbody td:nth-child(2)"), []string{"now", "10 min ago", "2 h ago"})
		wantEqual(t, "buttons", page.words("#sessions-title ~ * button"), []string{"End the session started 10 min ago", "End the session started 2 h ago", "End all others (2)"})
		if strings.Contains(page.body, first.handle()+"0") || !strings.Contains(page.body, `value="`+first.handle()+`"`) {
			t.Error("the form does not name the session by its handle alone")
		}

		got := b.submit("/account", "form:has([value='"+first.handle()+"'])")
		wantEqual(t, "ended", redirect(got), "303 /account?done=session")
		page = b.get(got.header.Get("Location"))
		wantEqual(t, "notice", page.words(".note[role=status]"), []string{"The session has ended."})
		wantEqual(t, "buttons left", page.words("#sessions-title ~ * button"), []string{"End the session started 10 min ago"})
		wantStatus(t, first.get("/account"), 303)
		wantStatus(t, second.get("/account"), 200)

		token := page.attr("[name=csrf]", "value")
		for _, form := range []url.Values{
			{"session": {stranger.handle()}}, {"session": {first.handle()}}, {"session": {"%"}}, {"session": {"\xff\x00"}}, {"others": {"some"}}, {},
		} {
			form.Set("csrf", token)
			wantEqual(t, form.Encode(), redirect(b.post("/account/sessions/end", form)), "303 /account?done=session")
		}
		for _, still := range []*browser{b, second, stranger} {
			wantStatus(t, still.get("/account"), 200)
		}
		wantEqual(t, "audit", p.audited(), []string{"session.end  one " + owner})
	})
}

func TestAllOtherSessionsEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, stranger := p.signedIn(owner, password), p.as(other)
		elsewhere := []*browser{p.as(owner), p.signedIn(owner, password)}
		got := b.submit("/account", "form:has([name=others])")
		wantEqual(t, "ended", redirect(got), "303 /account?done=others")
		wantEqual(t, "notice", b.get(got.header.Get("Location")).words(".note[role=status]"), []string{"All other sessions have ended."})
		for _, gone := range elsewhere {
			wantStatus(t, gone.get("/account"), 303)
		}
		wantStatus(t, stranger.get("/account"), 200)
		wantEqual(t, "audit", p.audited(), []string{"session.end  all others " + owner})
	})
}

func TestEndingThisSessionSignsOut(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, elsewhere := p.signedIn(owner, password), p.as(owner)
		got := b.post("/account/sessions/end", url.Values{"session": {b.handle()}}, "Sec-Fetch-Site", "same-origin")
		wantEqual(t, "answer", redirect(got), "303 /login")
		wantEqual(t, "told to forget", got.header.Get("Clear-Site-Data"), `"cache", "storage"`)
		wantEqual(t, "cookie", b.cookie("flagpole_session"), "")
		wantStatus(t, b.get("/account"), 303)
		wantStatus(t, elsewhere.get("/account"), 200)
	})
}

func TestAccountFormsNeedTheirToken(t *testing.T) {
	p := newPortal(t, "sqlite")
	b, elsewhere := p.as(owner), p.signedIn(owner, password)
	for path, form := range map[string]url.Values{
		"/account/password":     {"current": {password}, "new": {newPassword}, "again": {newPassword}},
		"/account/sessions/end": {"others": {"all"}},
	} {
		for _, headers := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			wantStatus(t, b.post(path, form, headers...), 403)
		}
	}
	wantStatus(t, elsewhere.get("/account"), 200)
	wantEqual(t, "audit", len(p.audited()), 0)
}

func TestWhatWasDoneIsSaidFromAListOnly(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	wantEqual(t, "nothing", len(b.get("/account").words(".note")), 0)
	wantStatus(t, b.get("/account?done=%3Cb%3Ehacked"), 422)
	for done, words := range doneWords {
		wantEqual(t, done, b.get("/account?done="+done).words(".note[role=status]"), []string{words})
	}
}
