package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signIn fills in and sends the form of /login.
func (b *browser) signIn(email, word string, fields ...string) answer {
	b.p.t.Helper()
	return b.submit("/login", "form", append([]string{"email", email, "password", word}, fields...)...)
}

func TestSignInAndOutThroughTheForms(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.visitor()
		got := b.signIn("  H.Osei@North.example ", password)
		wantEqual(t, "signed in", fmt.Sprint(got.status, " ", got.header.Get("Location")), "303 /")
		wantEqual(t, "who", b.get("/competitors").words(".menu summary, .menu .soft"), []string{"Halima Osei", "Signed in as coach", owner})

		id := b.cookie("flagpole_session")
		got = b.submit("/competitors", "form[action='/logout']")
		wantEqual(t, "signed out", fmt.Sprint(got.status, " ", got.header.Get("Location")), "303 /login")
		wantEqual(t, "told to forget", got.header.Get("Clear-Site-Data"), `"cache", "storage"`)
		wantEqual(t, "cookie", b.cookie("flagpole_session"), "")
		wantStatus(t, b.get("/competitors"), 303)
		wantStatus(t, p.visitor().get("/competitors", "Cookie", "flagpole_session="+id), 303)
	})
}

func TestSessionIDIsRotatedAtSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.visitor()
		b.client.Jar.SetCookies(b.url("/"), []*http.Cookie{{Name: "flagpole_session", Value: "planted-by-somebody-else", Path: "/"}})
		wantStatus(t, b.signIn(owner, password), 303)
		first := b.cookie("flagpole_session")
		if first == "planted-by-somebody-else" {
			t.Error("the planted id was taken")
		}
		wantStatus(t, p.visitor().get("/competitors", "Cookie", "flagpole_session=planted-by-somebody-else"), 303)

		// Again without signing out, as somebody else: the id changes and the old one is dead.
		token := b.get("/competitors").attr("input[name=csrf]", "value")
		wantStatus(t, b.post("/login", url.Values{"email": {admin}, "password": {password}, "csrf": {token}}), 303)
		if b.cookie("flagpole_session") == first {
			t.Error("the id stayed the same")
		}
		wantStatus(t, p.visitor().get("/competitors", "Cookie", "flagpole_session="+first), 303)
		wantEqual(t, "who", b.get("/competitors").words(".menu summary"), []string{admin})
		wantEqual(t, "sessions", p.texts("SELECT CAST(COUNT(*) AS TEXT) FROM sessions"), []string{"1"})
	})
}

func TestOnlyTheHashOfASessionIsStored(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.visitor()
		wantStatus(t, b.signIn(owner, password), 303)
		id := b.cookie("flagpole_session")
		sum := sha256.Sum256([]byte(id))
		wantEqual(t, "stored", p.texts("SELECT session_hash FROM sessions"), []string{hex.EncodeToString(sum[:])})
		if len(id) < 43 { // 256 bits in base64
			t.Errorf("the id has only %d characters", len(id))
		}
		wantStatus(t, p.visitor().get("/competitors", "Cookie", "flagpole_session="+hex.EncodeToString(sum[:])), 303)
	})
}

func TestCookiesAreSecureExactlyUnderHTTPS(t *testing.T) {
	for address, secure := range map[string]bool{"http://portal.example": false, "https://portal.example": true} {
		p := newPortal(t, "sqlite", func(o *Options) { o.PublicURL = address })
		form := p.visitor().get("/login")
		token := form.setCookie("flagpole_csrf")
		signedIn := p.visitor().post("/login", url.Values{"email": {owner}, "password": {password}, "csrf": {token.Value}}, "Cookie", "flagpole_csrf="+token.Value)
		wantStatus(t, signedIn, 303)
		session := signedIn.setCookie("flagpole_session")
		signedOut := p.visitor().post("/logout", nil, "Cookie", "flagpole_session="+session.Value, "Sec-Fetch-Site", "same-origin").setCookie("flagpole_session")
		for _, c := range []*http.Cookie{token, session, signedOut} {
			if c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s: %s", address, c)
			}
		}
		wantEqual(t, "lifetime", session.MaxAge, 7*24*60*60)
		wantEqual(t, "cleared", fmt.Sprint(signedOut.Value, " ", signedOut.MaxAge), " -1")
	}
}

func TestWrongPasswordAndUnknownEmailGiveTheSameAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.exec(`UPDATE users SET disabled_at = 1 WHERE email = '` + newcomer + `'`)
		var bodies []string
		for _, try := range []struct{ email, word string }{
			{owner, "wrong horse"}, {"nobody@north.example", password}, {newcomer, password}, {owner, ""}, {owner, strings.Repeat("x", 2000)},
			{"not\x00text@north.example", password}, {"\xff", password}, {"", ""},
		} {
			b := p.visitor()
			got := b.signIn(try.email, try.word)
			wantStatus(t, got, 401)
			wantEqual(t, "session of "+try.email, b.cookie("flagpole_session"), "")
			wantEqual(t, "email in the form", got.attr("input[name=email]", "value"), strings.ReplaceAll(try.email, "\x00", "\ufffd"))
			wantEqual(t, "password in the form", got.attr("input[name=password]", "value"), "(none)")
			wantEqual(t, "problem", got.words("#login-problem"), []string{"Email and password do not match. Try again, or ask an admin for a new password."})
			token := got.attr("input[name=csrf]", "value")
			bodies = append(bodies, strings.NewReplacer(try.email, "EMAIL", token, "TOKEN").Replace(got.body))
		}
		wantEqual(t, "unknown email", bodies[1], bodies[0])
		wantEqual(t, "disabled user", bodies[2], bodies[0])
	})
}

func TestTenWrongGuessesCloseAnEmailForAQuarterHour(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		for range 10 {
			wantStatus(t, p.visitor().signIn(owner, "wrong guess"), 401)
		}
		got := p.visitor().signIn(owner, password, "next", "/competitors/C-1")
		wantStatus(t, got, 429)
		wantEqual(t, "problem", got.words("#login-problem"), []string{"Too many attempts. Wait 15 minutes, then try again, or ask an admin for a new password."})
		wantEqual(t, "kept", got.attr("input[name=email]", "value")+" "+got.attr("input[name=next]", "value"), owner+" /competitors/C-1")
		wantStatus(t, p.visitor().signIn(strings.ToUpper(owner), password), 429)
		wantStatus(t, p.visitor().signIn(other, password), 303)

		p.clock.Advance(14*time.Minute + time.Second)
		wantEqual(t, "later", p.visitor().signIn(owner, password).words("#login-problem"), []string{"Too many attempts. Wait 1 minute, then try again, or ask an admin for a new password."})
		p.clock.Advance(time.Minute)
		wantStatus(t, p.visitor().signIn(owner, password), 303)
	})
}

func TestSignInGoesOnToOwnPagesOnly(t *testing.T) {
	p := newPortal(t, "sqlite")
	for next, want := range map[string]string{
		"/competitors/C-1?category=crypto&sort=points": "/competitors/C-1?category=crypto&sort=points",
		"/competitors/a%2Fb%20c%3F":                    "/competitors/a%2Fb%20c%3F",
		"":                                             "/",
		"//evil.example":                               "/",
		"///evil.example":                              "/",
		"https://evil.example/x":                       "/",
		"https:evil.example":                           "/",
		"http:/evil.example":                           "/",
		"HTTPS://evil.example":                         "/",
		`/\evil.example`:                               "/",
		`\\evil.example`:                               "/",
		`/x\..\evil`:                                   "/",
		"javascript:alert(1)":                          "/",
		"data:text/html,x":                             "/",
		"evil.example":                                 "/",
		"?x=1":                                         "/",
		"/\tevil":                                      "/",
		"/x\r\nSet-Cookie: a=b":                        "/",
		"//user@evil.example/":                         "/",
		"/ok#//evil.example":                           "/ok",
		"/%zz":                                         "/",
		" //evil.example":                              "/",
		"/competitors?x=//evil.example/":               "/competitors?x=//evil.example/",
	} {
		wantEqual(t, "ownPage of "+next, ownPage(next), want)
		form := p.visitor().get("/login?next=" + url.QueryEscape(next))
		wantEqual(t, "form of "+next, form.attr("input[name=next]", "value"), want)
		signedIn := p.as(owner).get("/login?next=" + url.QueryEscape(next))
		wantEqual(t, "signed in already, "+next, fmt.Sprint(signedIn.status, " ", signedIn.header.Get("Location")), "303 "+want)
	}
	b := p.visitor()
	wantEqual(t, "after signing in", b.signIn(owner, password, "next", "/competitors/C-1?sort=date").header.Get("Location"), "/competitors/C-1?sort=date")
	wantEqual(t, "elsewhere", p.visitor().signIn(owner, password, "next", "//evil.example").header.Get("Location"), "/")
}

func TestAttemptsAreCountedForTheAddressThatIsBelieved(t *testing.T) {
	p := newPortal(t, "sqlite") // without proxies: the header is not believed
	for i := range 100 {
		email := fmt.Sprintf("guess%d@north.example", i)
		got := p.visitor().post("/login", url.Values{"email": {email}, "password": {strings.Repeat("x", 2000)}},
			"Sec-Fetch-Site", "same-origin", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		wantStatus(t, got, 401)
	}
	wantStatus(t, p.visitor().signIn(owner, password), 429)
}
