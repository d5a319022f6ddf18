package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
)

func TestUnknownPathIsAnErrorPage(t *testing.T) {
	p := newPortal(t, "sqlite")
	for _, path := range []string{"/no/such/page", "/competitors/C-1/nothing", "/competitors/", "/competitors.xls", "/adminx", "/.env", "/competitors/C-1/solves.csv/x"} {
		page := p.as(owner).get(path)
		wantStatus(t, page, 404)
		wantEqual(t, path+" signed in", page.words("h1, .menu summary, header nav a"), []string{"Competitors", "Teams", "Flash CTF", "Halima Osei", "There is no such page"})
		wantEqual(t, path+" way back", page.attr("main a", "href"), "/")

		page = p.visitor().get(path)
		wantStatus(t, page, 404)
		wantEqual(t, path, page.words("h1"), []string{"There is no such page"})
		wantEqual(t, path+" menus", page.doc().Find("header, .menu").Length(), 0)
	}
	wantStatus(t, p.visitor().post("/no/such/page", nil, "Sec-Fetch-Site", "same-origin"), 404)
}

func TestWrongMethodIsRefused(t *testing.T) {
	p := newPortal(t, "sqlite")
	for _, try := range []struct{ method, path, allow string }{
		{"PUT", "/competitors", "GET"}, {"DELETE", "/competitors/a%2Fb", "GET"}, {"POST", "/competitors.csv", "GET"}, {"GET", "/logout", "POST"},
		{"PATCH", "/login", "GET, POST"}, {"HEAD", "/competitors", "GET"},
	} {
		got := p.as(owner).send(try.method, try.path, nil, "Sec-Fetch-Site", "same-origin")
		wantStatus(t, got, 405)
		wantEqual(t, try.method+" "+try.path, got.header.Get("Allow"), try.allow)
		if try.method != "HEAD" {
			wantEqual(t, "text", got.words("h1, .menu summary"), []string{"Halima Osei", "There is no such page"})
		}
	}
	wantStatus(t, p.visitor().send("PUT", "/competitors", nil, "Sec-Fetch-Site", "same-origin"), 405)
}

func TestRefusedRoleIsTold(t *testing.T) {
	p := newPortal(t, "sqlite")
	page := p.as(product).get("/competitors/C-1")
	wantStatus(t, page, 403)
	wantEqual(t, "text", page.words("h1, main > .sheet p"), []string{"You may not do this", "This page is not for your role. Ask an admin if you need it.", "Back to your start page"})
}

var referenceForm = regexp.MustCompile(`^[2-9A-HJ-NP-Z]{3}-[2-9A-HJ-NP-Z]{3}$`)

func TestFaultShowsAReferenceAndNoDetail(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(owner)
		p.exec(`DROP TABLE game_platform_users`)
		page := b.get("/competitors")
		wantStatus(t, page, 500)
		wantEqual(t, "text", page.words("h1, main > .sheet div > p")[:1], []string{"This page could not be made"})
		ref := page.words("code")
		if len(ref) != 1 || !referenceForm.MatchString(ref[0]) {
			t.Fatalf("reference %q", ref)
		}
		for _, detail := range []string{"game_platform", "SELECT", "table", "relation", "store", "list competitors", "goroutine"} {
			if strings.Contains(page.words("main")[0], detail) {
				t.Errorf("the page tells %q", detail)
			}
		}
		if log := p.log.String(); !strings.Contains(log, ref[0]) || !strings.Contains(log, "game_platform_users") {
			t.Errorf("the log lacks reference %s or the cause:\n%s", ref[0], log)
		}
		note := b.get("/competitors", "HX-Request", "true", "HX-Target", "list")
		wantStatus(t, note, 500)
		if other := note.words(".note code"); len(other) != 1 || other[0] == ref[0] {
			t.Errorf("reference of another fault %q", other)
		}
	})
}

// A map of errors to what people see of them.
func TestErrorsAndWhatIsShownOfThem(t *testing.T) {
	p := newPortal(t, "sqlite")
	secret := errors.New("secret detail")
	for name, test := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"invalid":   {domain.Errorf(domain.Invalid, "Wrong.").WithHint("Do it right.").Because(secret), 422, "Wrong. Do it right."},
		"no such":   {fmt.Errorf("secret: %w", domain.Errorf(domain.NoSuch, "Not there.")), 404, "Not there."},
		"denied":    {domain.Errorf(domain.Denied, "Not you."), 403, "Not you."},
		"throttled": {domain.Errorf(domain.Throttled, "Slow down."), 429, "Slow down."},
		"clash":     {domain.Errorf(domain.Clash, "Taken."), 409, "Taken."},
		"router":    {echo.NewHTTPError(http.StatusRequestEntityTooLarge, "secret"), 413, "The portal takes at most 1 MB here."},
		"other":     {secret, 500, "It is our fault and it is logged. Try again in a minute."},
		"gateway":   {echo.NewHTTPError(http.StatusBadGateway, "secret"), 500, "It is our fault and it is logged. Try again in a minute."},
	} {
		path := "/test/" + strings.ReplaceAll(name, " ", "-")
		p.echo.GET(path, func(echo.Context) error { return test.err })
		page := p.visitor().get(path)
		if text := page.words("main .sheet div p"); page.status != test.status || len(text) == 0 || !strings.HasPrefix(text[0], test.text) {
			t.Errorf("%s: %d %q, want %d %q", name, page.status, text, test.status, test.text)
		}
		if strings.Contains(page.body, "secret") {
			t.Errorf("%s tells the detail:\n%s", name, page.body)
		}
	}
}

func TestEveryErrorCodeHasAStatusAndATitle(t *testing.T) {
	for _, code := range []domain.Code{domain.Invalid, domain.NoSuch, domain.Denied, domain.Throttled, domain.Clash} {
		if statusOf[code] < 400 || titles[statusOf[code]] == "" {
			t.Errorf("%s: status %d, title %q", code, statusOf[code], titles[statusOf[code]])
		}
	}
}

func TestPanicIsAnErrorPageAndThePortalGoesOn(t *testing.T) {
	p := newPortal(t, "sqlite")
	p.echo.GET("/test/panic", func(echo.Context) error { panic("the roof fell in") })
	page := p.visitor().get("/test/panic")
	wantStatus(t, page, 500)
	if strings.Contains(page.body, "roof") || strings.Contains(page.body, "goroutine") {
		t.Errorf("the page tells:\n%s", page.body)
	}
	if log := p.log.String(); !strings.Contains(log, "the roof fell in") || !strings.Contains(log, page.words("code")[0]) || !strings.Contains(log, "errors_test.go") {
		t.Errorf("the log lacks the panic, its place or the reference:\n%s", log)
	}
	wantEqual(t, "headers", page.header.Get("X-Frame-Options"), "DENY")
	wantStatus(t, p.visitor().get("/login"), 200)
}

// Without a network in between: there the refusal may meet the rest of the form on its way.
func TestTooLargeAFormIsRefused(t *testing.T) {
	p := newPortal(t, "sqlite")
	for size, want := range map[int]int{1 << 19: 401, 2 << 20: 413} {
		form := url.Values{"email": {owner}, "password": {strings.Repeat("x", size)}}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		got := httptest.NewRecorder()
		p.echo.ServeHTTP(got, request)
		wantEqual(t, "status", got.Code, want)
	}
}
