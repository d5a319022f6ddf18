package handlers

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// Whoever reads the log learns which pages were asked for, and by which user's id; no person, no query, no secret.
func TestLogOfAFullTourNamesNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.visitor()
		wantStatus(t, b.get("/competitors/C-1?category=crypto"), 303)
		wantStatus(t, b.signIn(owner, "wrong horse battery"), 401)
		wantStatus(t, b.signIn(owner, password, "next", "/competitors/C-1"), 303)
		session, token := b.cookie("flagpole_session"), b.cookie("flagpole_csrf")
		for path, status := range map[string]int{
			"/competitors": 200, "/competitors/C-1": 200, "/competitors/C-1?category=crypto&sort=points&q=amara@pupil.example": 200,
			"/competitors?after=Amara+Nwosu": 422, "/competitors.csv": 200, "/competitors/C-1/solves.csv?sort=date&who=Nwosu": 200,
			"/competitors/amara@pupil.example": 404, "/Amara/Nwosu?email=amara@pupil.example": 404, "/competitors/a%2Fb%20c%3F%25%23%C3%BC?q=Dara": 200,
			"/static/Nwosu.css?amara": 404, "/competitors?q=Amara&team=Salt": 422, "/competitors.xlsx?q=Nwosu": 200, "/teams?q=Salt": 200, "/teams.csv?q=Salt": 200,
			"/competitors?q=Amara": 200, "/competitors/C-1?list=q%3DAmara": 200, "/events?name=Amara": 200, "/coaches?q=Halima": 403, "/admin/sync?coach=Halima": 403, "/healthz?x=Amara": 200, "/readyz": 200,
		} {
			wantStatus(t, b.get(path, "User-Agent", "Amara's browser", "Referer", "http://portal.example/?q=Nwosu"), status)
		}
		wantStatus(t, b.send("DELETE", "/competitors?name=Amara", nil, "Sec-Fetch-Site", "same-origin"), 405)
		p.echo.GET("/test/panic", func(echo.Context) error { panic("the roof fell in") })
		wantStatus(t, b.get("/test/panic?name=Amara"), 500)
		wantStatus(t, b.submit("/competitors", "form[action='/logout']"), 303)
		for range 10 {
			wantStatus(t, b.submit("/login", "form", "email", "dov@pupil.example", "password", strings.Repeat("x", 1025)), 401)
		}
		wantStatus(t, b.signIn("dov@pupil.example", password), 429)
		p.exec(`DROP TABLE game_platform_users`)
		wantStatus(t, p.as(owner).get("/competitors/C-1?name=Amara"), 500)

		log := p.log.String()
		secrets := slices.Concat(peopleOf[owner], peopleOf[other], []string{
			"amara", "nwosu", "@", "pupil.example", "category=", "sort=", "q=", "after=", "name=", session, token, "session-of", password, "wrong horse",
			"flagpole_session", "flagpole_csrf", "Salt", "argon2id",
		})
		for _, secret := range secrets {
			for line := range strings.Lines(log) {
				if strings.Contains(withoutStack(t, line), strings.ToLower(secret)) {
					t.Errorf("%q stands in the log: %s", secret, line)
				}
			}
		}
		for _, route := range []string{"/competitors/:id", "/competitors/:id/solves.csv", "/static/*", "/*", "/login"} {
			if !strings.Contains(log, `"route":"`+route+`"`) {
				t.Errorf("no request of %s in the log", route)
			}
		}
		if id := p.texts(`SELECT user_id FROM users WHERE email = '` + owner + `'`)[0]; !strings.Contains(log, id) {
			t.Error("the user's id is not in the log")
		}
	})
}

// withoutStack is the line in lower case without the stack of a panic, where an @ may stand in the path of a module.
func withoutStack(t *testing.T, line string) string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatal(err)
	}
	if stack, ok := fields["stack"].(string); ok && strings.Contains(stack, "amara") {
		t.Errorf("the stack names a person: %s", stack)
	}
	delete(fields, "stack")
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToLower(string(text))
}
