package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

func TestAnInvitedPersonChoosesAPasswordByALinkThatStandsNowhereElse(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		page := p.as(admin).press("/admin/users/new", "email", "fresh@flagpole.example", "role", "product")
		wantStatus(t, page, 200)
		link := page.attr("#link", "value")
		path := strings.TrimPrefix(link, "http://portal.example")
		if !strings.HasPrefix(path, "/invitation/") || len(path) != len("/invitation/")+43 {
			t.Fatalf("link %q", link)
		}
		id := p.texts("SELECT user_id FROM users WHERE email = 'fresh@flagpole.example'")[0]
		if strings.Contains(p.as(admin).get("/admin/users/"+id).body, path) {
			t.Error("the link is shown a second time")
		}

		b := p.visitor()
		opened := b.get(path)
		wantEqual(t, "the secret leaves the address", redirect(opened), "303 /invitation")
		wantEqual(t, "greeting", b.get("/invitation").words("h1"), []string{"Choose a password"})
		wantStatus(t, b.press("/invitation", "new", "short", "again", "short"), 422)
		wantStatus(t, b.press("/invitation", "new", "a few random words", "again", "a few random word"), 422)
		wantEqual(t, "in", redirect(b.press("/invitation", "new", "a few random words", "again", "a few random words")), "303 /")
		wantStatus(t, b.get("/rollout"), 200)

		again := p.visitor()
		again.get(path)
		over := again.get("/invitation")
		wantStatus(t, over, 404)
		wantEqual(t, "over", over.words("h1"), []string{"This link cannot be used"})
		if strings.Contains(p.log.String(), path[len("/invitation/"):]) {
			t.Error("the log holds the secret")
		}
	})
}

func TestAdminsHelpUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b, theirs := p.as(admin), p.as(owner)
		path := "/admin/users/" + p.userID(owner)
		wantEqual(t, "sessions", redirect(b.press(path, "do", "sessions")), "303 "+path+"?done=sessions")
		wantStatus(t, theirs.get("/competitors"), 303)
		wantEqual(t, "disabled", redirect(b.press(path, "do", "disable")), "303 "+path+"?done=disable")
		wantEqual(t, "state", b.get(path).words(".head .s"), []string{"Disabled"})
		wantStatus(t, b.press(path, "do", "reset"), 409)
		wantStatus(t, b.press(path, "do", "enable"), 303)
		wantEqual(t, "a coach needs a coach", b.press(path, "do", "role", "role", "coach", "coach_email", "").words("#fault p"), []string{"Nothing was changed. A coach’s login needs a coach. Choose one by email."})
		wantStatus(t, b.press(path, "do", "role", "role", "product", "coach_email", ""), 303)
		wantEqual(t, "role", p.texts("SELECT role FROM users WHERE email = '"+owner+"'"), []string{"product"})

		own := b.get("/admin/users/" + p.userID(admin))
		wantEqual(t, "nothing to press for oneself", len(own.words("main form")), 0)
		wantStatus(t, b.press("/admin/users/"+p.userID(admin), "do", "disable"), 409)
		wantEqual(t, "list", b.get("/admin/users?role=product").words("tbody th"), []string{owner, product})
	})
}

// phone is what somebody's app shows.
func (p *portal) phone(secret string) string {
	p.t.Helper()
	p.clock.Advance(time.Minute) // a code is taken once
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), p.clock.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

func TestACodeIsSetUpOnTheAccountPageAndAskedForAtSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(admin)
		wantEqual(t, "wrong password", b.press("/account/two-factor", "password", "wrong").words("#begin-problem"), []string{"This is not the current password. Try again, or ask an admin for a new one."})
		wantStatus(t, b.press("/account/two-factor", "password", password), 303)
		page := b.get("/account")
		secret := page.words("#two-factor-secret")[0]
		if !strings.HasPrefix(page.attr("#two-factor img", "src"), "data:image/png;base64,iVBOR") {
			t.Error("no picture to scan")
		}
		done := b.press("/account/two-factor/confirm", "code", p.phone(secret))
		wantStatus(t, done, 200)
		codes := done.words(".codes li")
		wantEqual(t, "recovery codes", len(codes), 10)
		wantEqual(t, "not shown again", len(b.get("/account").words(".codes li")), 0)

		v := p.visitor()
		half := v.press("/login", "email", admin, "password", password, "next", "/admin/users")
		wantEqual(t, "asks for the code", redirect(half), "303 /login/code?next=%2Fadmin%2Fusers")
		for _, path := range []string{"/competitors", "/account", "/admin/users"} {
			wantEqual(t, "half signed in "+path, v.get(path).status, 303)
		}
		wantStatus(t, v.press("/login/code", "code", "000000"), 401)
		wantEqual(t, "in", redirect(v.press("/login/code", "code", p.phone(secret), "next", "/admin/users")), "303 /admin/users")
		wantStatus(t, v.get("/admin/users"), 200)

		lost := p.visitor()
		lost.press("/login", "email", admin, "password", password)
		wantEqual(t, "by a recovery code", redirect(lost.press("/login/code", "code", codes[0])), "303 /")
	})
}

func TestWhereACodeIsRequiredStaffSetItUpFirst(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.TwoFactorRequired = true })
	for who, paths := range map[string][]string{admin: {"/competitors", "/rollout", "/admin/users", "/"}, product: {"/rollout", "/admin/sync", "/"}} {
		b := p.as(who)
		for _, path := range paths {
			wantEqual(t, who+" "+path, redirect(b.get(path)), "303 /account#two-factor")
		}
		page := b.get("/account")
		wantStatus(t, page, 200)
		wantEqual(t, "told", page.words("#two-factor .note .s"), []string{"This portal wants a code from you besides the password."})
		wantEqual(t, "nothing is changed either", redirect(b.press("/rollout/stop", "reason", "x")), "303 /account#two-factor")
	}
	wantStatus(t, p.as(owner).get("/competitors"), http.StatusOK)
}
