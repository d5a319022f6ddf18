package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
)

// TestPeopleInTheBrowser brings people onto the platform, edits and imports the roster, invites users and deletes a person, as admins do.
func TestPeopleInTheBrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := bareWorld(t, browser, kind, simulator.Options{Seed: 5, Competitors: 60, Coaches: 3, Teams: 6})
			w.console.env["GAME_PLATFORM_ONBOARDING_ENABLED"] = "true"
			w.console.must("rollout", "set", "100", "--reason", "the tests look at everybody")
			w.addUsers(t, map[string]domain.Role{adminEmail: domain.RoleAdmin, productEmail: domain.RoleProduct})
			w.exec(t, `UPDATE competitors SET status = 'complete' WHERE game_platform_id IS NULL AND email IS NOT NULL`)
			w.url, _ = startPortal(t, w.console.env)
			t.Run("onboarding", w.onboardingJourney)
			t.Run("editing", w.editJourney)
			t.Run("import", w.importJourney)
			t.Run("an invitation", w.invitationJourney)
			t.Run("two-factor", w.twoFactorJourney)
			t.Run("a person's request", w.personJourney)
			if kind == "sqlite" {
				t.Run("with axe", w.peoplePages)
			}
		})
	}
}

// onboardingJourney looks at what would be sent about a coach's people, agrees, and sees them on the platform.
func (w *world) onboardingJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.follow(`nav a[href="/admin/pending"]`)
	b.use("pending", `#pending a[href="/admin/pending?for=confirmation"]`)
	b.wantText(".chip", "Waits for: Nobody has agreed yet")
	name := b.text("#pending table:last-of-type tbody th a")
	page := js[string](b, `document.querySelector("#pending table:last-of-type tbody th a").pathname`)
	orders := len(w.console.sim.Orders())
	b.follow("#pending table:last-of-type tbody td:last-child a")
	b.wantText("#account-title ~ .scroll tbody", name)
	b.wantText("#account-title ~ .scroll thead", "syned_coach_user_id")
	if n := len(w.console.sim.Orders()); n != orders {
		t.Errorf("%d orders were given before anybody agreed", n-orders)
	}
	preview := js[string](b, `location.pathname`)
	b.follow("#confirm")
	b.wantText(".head", "has agreed on")
	b.again("/admin/pending?q="+strings.ReplaceAll(name, " ", "+"), says("#pending", "Never signed in"))
	b.open(page + "/disclosures")
	b.wantText("main table", "An account was made")
	b.wantText("main table", "Taken (201)")
	b.open(preview)
	b.follow("#stop")
	b.open("/admin/onboarding")
	b.wantText("h1", "Onboarding")
}

// editJourney mends a mistyped email, and has somebody not take part any more.
func (w *world) editJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/competitors/C-0001")
	b.follow(`a[href="/competitors/C-0001/edit"]`)
	taken := w.value(t, `SELECT email FROM competitors WHERE email IS NOT NULL AND competitor_id <> 'C-0001' ORDER BY competitor_id LIMIT 1`)
	b.expect("status of 409")
	b.choose("edit-email", taken)
	b.choose("edit-grade", "13")
	b.follow("#save")
	b.wantText("#edit-email-note", "another competitor has this email")
	if got := js[string](b, `document.getElementById("edit-grade").value`); got != "13" {
		t.Errorf("what was typed is %q", got)
	}
	b.choose("edit-email", "mended@school.example")
	b.follow("#save")
	b.wantText(".note.ok", "Saved.")
	b.wantText("#history-title ~ table", "mended@school.example")

	b.follow(`a[href="/competitors/C-0001/active"]`)
	b.wantText("main", "MetaCTF still holds the account")
	b.follow("#confirm")
	b.open("/competitors/C-0001")
	b.wantText("#sync", "Deactivated")
	if b.has("#refresh") {
		t.Error("a deactivated competitor can be refreshed")
	}
	plain := w.signedIn(t, w.url, adminEmail).withoutScripts()
	plain.open("/competitors/C-0001/active")
	plain.do(chromedp.Click(chromedp.CSS("#confirm")))
	b.again("/competitors/C-0001", `!document.querySelector("#sync").textContent.includes("Deactivated")`)
}

// choose a file in the form and send it.
func (b *tab) uploadRoster(content string) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "roster.csv")
	write(b.t, path, content)
	b.open("/admin/import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#import-file"), []string{path}))
	b.follow("#upload")
}

func (w *world) importJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	const header = "coach_email,coach_name,school,region,first_name,last_name,email,division,grade,status,team,competitor_id,game_platform_id\n"
	b.uploadRoster(header + w.coach + ",,,,Nina,Neu,no email,college,,pending,,,\n")
	b.wantText("h1", "1 line needs mending")
	b.wantText("main table", `"no email" is not an email address`)
	if b.has("#confirm") {
		t.Error("a file with a wrong line can be imported")
	}
	b.follow("#cancel")
	b.wantText("h1", "This upload was dropped")

	first := w.value(t, `SELECT first_name FROM competitors WHERE competitor_id = 'C-0002'`)
	last := w.value(t, `SELECT last_name FROM competitors WHERE competitor_id = 'C-0002'`)
	theirs := w.value(t, `SELECT co.email FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id WHERE c.competitor_id = 'C-0002'`)
	b.uploadRoster(header + theirs + ",,,," + first + "," + last + ",,,12,,,C-0002,\n" + w.coach + ",,,,Nina,Neu,nina@new.example,college,,pending,,C-nina,\n")
	b.wantText("h1", "Check what would be imported")
	b.wantText("#changes-title ~ table", "Grade")
	b.wantText("#added-title ~ table", "Nina Neu")
	b.follow("#confirm")
	b.wantText("h1", "The roster is imported")
	b.open("/competitors/C-nina")
	b.wantText("h1", "Nina Neu")
}

// invitationJourney invites somebody, who chooses a password by the link.
func (w *world) invitationJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/admin/users")
	b.follow(`a[href="/admin/users/new"]`)
	b.choose("edit-email", "fresh@flagpole.example")
	b.choose("edit-role", "product")
	b.follow("#save")
	link := js[string](b, `document.getElementById("link").value`)
	_, path, _ := strings.Cut(link, "/invitation/")

	guest := w.newTab(t, w.url)
	guest.open("/invitation/" + path)
	guest.wantAt("/invitation")
	guest.wantText("form", "You sign in as fresh@flagpole.example.")
	guest.do(chromedp.SendKeys(chromedp.CSS("[name=new]"), "a few random words"), chromedp.SendKeys(chromedp.CSS("[name=again]"), "a few random words"))
	guest.follow("form button")
	guest.wantAt("/rollout")

	late := w.newTab(t, w.url)
	late.expect("status of 404")
	late.open("/invitation/" + path)
	late.wantText("h1", "This link cannot be used")
	b.open("/admin/users?role=product")
	b.wantText("#users", "fresh@flagpole.example")
}

// twoFactorJourney sets up the code, signs in with it, and turns it off by a recovery code.
func (w *world) twoFactorJourney(t *testing.T) {
	b := w.signedIn(t, w.url, productEmail)
	b.open("/account")
	b.do(chromedp.SendKeys(chromedp.CSS("#two-factor [name=password]"), anyPassword))
	b.follow("#two-factor-begin")
	secret := strings.ReplaceAll(b.text("#two-factor-secret"), " ", "")
	code := func(steps int) string {
		t.Helper()
		text, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#confirm-code"), code(0)))
	b.follow("#two-factor-confirm")
	b.wantText("#two-factor", "Signing in needs a code from now on.")
	recovery := b.text(".codes li")
	b.signOut()
	b.fillLogin(productEmail, anyPassword)
	b.wantAt("/login/code?next=%2F")
	b.do(chromedp.SendKeys(chromedp.CSS("#code"), code(1))) // the next one: this one is used up
	b.follow("form button")
	b.wantAt("/rollout")
	b.open("/account")
	b.do(chromedp.SendKeys(chromedp.CSS(`form[action="/account/two-factor/off"] [name=password]`), anyPassword), chromedp.SendKeys(chromedp.CSS("#off-code"), recovery))
	b.follow("#two-factor-off")
	b.wantText("#two-factor", "Off.")
}

// personJourney tells a family what is held, and deletes it.
func (w *world) personJourney(t *testing.T) {
	b := w.signedIn(t, w.url, adminEmail)
	b.open("/competitors/C-0003/data")
	b.wantText("main table", "Profile")
	b.follow(`a[href="/competitors/C-0003/disclosures"]`)
	b.wantText("h1", "What was sent to MetaCTF about")
	b.open("/competitors/C-0003/delete")
	b.choose("delete-id", "C-0003")
	b.follow("#confirm")
	b.wantText("h1", "The person is deleted")
	b.expect("status of 404")
	b.open("/competitors/C-0003")
	b.wantText("h1", "There is no such page")
}

// peoplePages has axe look at all of them, wide, on a phone and in the dark.
func (w *world) peoplePages(t *testing.T) {
	axe := axeSource(t)
	b := w.signedIn(t, w.url, adminEmail)
	for _, status := range []string{"404", "409"} {
		b.expect("status of " + status)
	}
	w.exec(t, `UPDATE coaches SET onboarding_confirmed_at = NULL`)
	coach := w.value(t, `SELECT coach_id FROM coaches ORDER BY coach_id LIMIT 1`)
	team := w.value(t, `SELECT team_id FROM teams ORDER BY team_id LIMIT 1`)
	user := w.value(t, `SELECT user_id FROM users WHERE role = 'product' ORDER BY email LIMIT 1`)
	b.look(axe,
		pageShown{"admin", "/admin"}, pageShown{"pending", "/admin/pending"}, pageShown{"pending, nobody", "/admin/pending?q=nobody+of+that+name"},
		pageShown{"onboarding", "/admin/onboarding"}, pageShown{"what is sent", "/admin/onboarding/" + coach}, pageShown{"drift", "/admin/drift"},
		pageShown{"edit a competitor", "/competitors/C-0001/edit"}, pageShown{"move", "/competitors/C-0001/move"}, pageShown{"deactivate", "/competitors/C-0001/active"},
		pageShown{"add a competitor", "/admin/competitors/new"}, pageShown{"edit a coach", "/coaches/" + coach + "/edit"}, pageShown{"deactivate a coach", "/coaches/" + coach + "/active"},
		pageShown{"add a coach", "/admin/coaches/new"}, pageShown{"edit a team", "/teams/" + team + "/edit"}, pageShown{"delete a team", "/teams/" + team + "/delete"},
		pageShown{"add a team", "/admin/teams/new?coach=" + coach}, pageShown{"import", "/admin/import"}, pageShown{"users", "/admin/users"}, pageShown{"invite", "/admin/users/new"},
		pageShown{"a user", "/admin/users/" + user}, pageShown{"personal data", "/competitors/C-0002/data"}, pageShown{"what was sent", "/competitors/C-0002/disclosures"},
		pageShown{"delete a person", "/competitors/C-0002/delete"}, pageShown{"no invitation", "/invitation"}, pageShown{"account", "/account"},
	)
	b.state(axe, "an import with wrong lines", func(b *tab) { b.uploadRoster("coach_email\n") })
	b.state(axe, "a form with faults", func(b *tab) {
		b.open("/admin/coaches/new")
		b.choose("edit-coach_name", "One")
		b.choose("edit-coach_email", w.coach)
		b.follow("#save")
		b.wantText("#edit-coach_email-note", "another coach has this email")
	})
}
