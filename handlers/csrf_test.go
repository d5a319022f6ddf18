package handlers

import (
	"net/url"
	"testing"
)

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	p := newPortal(t, "sqlite")
	credentials := url.Values{"email": {owner}, "password": {password}}
	b := p.as(owner)
	token := b.get("/competitors").attr("input[name=csrf]", "value")
	withToken := url.Values{"email": {owner}, "password": {password}, "csrf": {token}}
	for _, site := range []string{"cross-site", "same-site", "nonsense"} {
		for _, form := range []url.Values{credentials, withToken, nil} {
			for _, path := range []string{"/login", "/logout"} {
				if site == "nonsense" && form.Get("csrf") != "" {
					continue // no browser sends it
				}
				got := b.post(path, form, "Sec-Fetch-Site", site)
				if got.status != 403 || len(got.header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s from %s: status %d, cookies %q", path, site, got.status, got.header.Values("Set-Cookie"))
				}
			}
		}
	}
	wantStatus(t, b.get("/competitors"), 200)

	got := b.post("/logout", nil, "Sec-Fetch-Site", "cross-site")
	wantEqual(t, "text", got.words("h1, main p"), []string{"Flagpole", "You may not do this", "This form was sent from another site. Open the page here and send it again.", "Sign in"})
}

func TestWithoutSecFetchSiteTheTokenIsNeeded(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	token := b.get("/competitors").attr("input[name=csrf]", "value")
	for name, form := range map[string]url.Values{
		"none": nil, "wrong": {"csrf": {token + "x"}}, "empty": {"csrf": {""}}, "the browsers' mark": {"csrf": {"_echo_csrf_using_sec_fetch_site_"}},
	} {
		got := b.post("/logout", form)
		if got.status != 403 || got.words("main p")[1] != "This form is out of date. Reload the page and send it again." {
			t.Errorf("token %s: status %d %q", name, got.status, got.words("main p"))
		}
	}
	stranger := p.visitor()
	wantStatus(t, stranger.post("/logout", url.Values{"csrf": {token}}), 403) // the token belongs to a cookie
	wantStatus(t, b.get("/competitors"), 200)

	wantStatus(t, b.post("/logout", url.Values{"csrf": {token}}), 303)
	wantStatus(t, b.get("/competitors"), 303)
}

func TestTokenMayComeInAHeader(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	token := b.get("/competitors").attr("input[name=csrf]", "value")
	wantStatus(t, b.post("/logout", nil, "X-CSRF-Token", token), 303)
}

func TestFormsOfTheSameOriginNeedNoToken(t *testing.T) {
	p := newPortal(t, "sqlite")
	for _, site := range []string{"same-origin", "none"} {
		b := p.visitor()
		page := b.get("/login", "Sec-Fetch-Site", site)
		form := url.Values{"email": {owner}, "password": {password}, "csrf": {page.attr("input[name=csrf]", "value")}}
		wantStatus(t, b.post("/login", form, "Sec-Fetch-Site", site), 303)
		wantStatus(t, b.post("/logout", nil, "Sec-Fetch-Site", site), 303)
	}
}

func TestLinksFromOtherSitesOpenPages(t *testing.T) {
	p := newPortal(t, "sqlite")
	wantStatus(t, p.as(owner).get("/competitors", "Sec-Fetch-Site", "cross-site"), 200)
}
