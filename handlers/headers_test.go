package handlers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// everyKindOfAnswer are addresses that together give every kind of answer, with who asks.
var everyKindOfAnswer = []struct{ who, path string }{
	{"", "/login"}, {"", "/competitors"}, {"", "/no/such/page"}, {"", "/healthz"}, {"", "/readyz"}, {"", "/static/app.css"}, {"", "/static/none.css"},
	{owner, "/"}, {owner, "/competitors"}, {newcomer, "/competitors"}, {owner, "/competitors.csv"}, {owner, "/competitors/C-1"}, {owner, "/competitors/C-2"},
	{owner, "/competitors/C-1?category=crypto&sort=points"}, {owner, "/competitors/C-1?category=osint"}, {owner, "/competitors/C-1/solves.csv"},
	{owner, "/competitors/C-1?sort=nonsense"}, {owner, "/competitors/D-1"}, {owner, "/admin/sync"}, {owner, "/no/such/page"},
	{owner, "/competitors.xlsx"}, {owner, "/competitors?q=zzz"}, {owner, "/teams"}, {owner, "/teams.csv"}, {owner, "/events"}, {owner, "/events/" + autumn.ID()}, {owner, "/numbers"},
	{owner, "/competitors?state=x"}, {newcomer, "/teams"}, {newcomer, "/events/" + autumn.ID()}, {admin, "/coaches"}, {admin, "/admin/categories"}, {admin, "/teams?coach=K-1"},
	{admin, "/competitors"}, {admin, "/competitors/D-2"}, {product, "/admin/sync"}, {product, "/competitors"},
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	p := newPortal(t, "sqlite")
	for _, ask := range everyKindOfAnswer {
		b := p.visitor()
		if ask.who != "" {
			b = p.as(ask.who)
		}
		h := b.get(ask.path).header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
			"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Strict-Transport-Security": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", ask.path, name, got, want)
			}
		}
		if got := h.Get("Cache-Control"); got != "no-store" && !strings.HasPrefix(ask.path, "/static/") {
			t.Errorf("%s: Cache-Control %q", ask.path, got)
		}
	}
}

func TestStrictTransportSecurityIsSaidUnderHTTPSOnly(t *testing.T) {
	p := newPortal(t, "sqlite", func(o *Options) { o.PublicURL = "https://portal.example" })
	for _, path := range []string{"/login", "/no/such/page", "/static/app.css", "/competitors"} {
		wantEqual(t, path, p.visitor().get(path).header.Get("Strict-Transport-Security"), "max-age=31536000")
	}
	p = newPortal(t, "sqlite") // whatever a request claims
	wantEqual(t, "claimed", p.visitor().get("/login", "X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "on").header.Get("Strict-Transport-Security"), "")
}

func TestNoPageHasInlineScriptOrStyle(t *testing.T) {
	p := newPortal(t, "sqlite")
	pages := 0
	for _, ask := range everyKindOfAnswer {
		b := p.visitor()
		if ask.who != "" {
			b = p.as(ask.who)
		}
		page := b.get(ask.path)
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		pages++
		page.doc().Find("*").Each(func(_ int, s *goquery.Selection) {
			tag := goquery.NodeName(s)
			if tag == "style" || tag == "iframe" || tag == "base" || (tag == "script" && (s.Text() != "" || s.AttrOr("src", "") == "")) {
				t.Errorf("%s: <%s>", ask.path, tag)
			}
			for _, a := range s.Nodes[0].Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", ask.path, tag, a.Key, a.Val)
				}
				if (a.Key == "src" || (a.Key == "href" && tag == "link")) && !strings.HasPrefix(a.Val, "/static/") && !strings.HasPrefix(a.Val, "data:image/") {
					t.Errorf("%s: <%s %s=%q> comes from elsewhere", ask.path, tag, a.Key, a.Val)
				}
			}
		})
	}
	if pages < 25 {
		t.Errorf("only %d pages", pages)
	}
}

func TestVaryNamesAllThatAnAnswerDependsOn(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.as(owner)
	for _, headers := range [][]string{nil, {"HX-Request", "true", "HX-Target", "solves"}, {"HX-Request", "true", "HX-Boosted", "true"}} {
		for _, path := range []string{"/competitors", "/competitors/C-1", "/competitors/none"} {
			vary := strings.Join(b.get(path, headers...).header.Values("Vary"), ", ")
			for _, name := range []string{"HX-Request", "HX-Boosted", "HX-History-Restore-Request", "HX-Target", "Accept-Encoding", "Cookie"} {
				if !strings.Contains(vary, name) {
					t.Errorf("%s: Vary %q lacks %s", path, vary, name)
				}
			}
		}
	}
}

func TestStaticFilesAreKeptForEverUnderTheirVersion(t *testing.T) {
	p := newPortal(t, "sqlite")
	b := p.visitor()
	href := b.get("/login").attr("link[rel=stylesheet][href*='app.css']", "href")
	css := b.get(href)
	wantStatus(t, css, 200)
	wantEqual(t, "with version", css.header.Get("Cache-Control"), "public, max-age=31536000, immutable")
	wantEqual(t, "without", b.get("/static/app.css").header.Get("Cache-Control"), "no-cache")
	wantEqual(t, "type", css.header.Get("Content-Type"), "text/css; charset=utf-8")
	wantStatus(t, b.get("/static/../handlers.go"), 404)
	wantStatus(t, b.get("/static/"), 404)
}

func TestForwardedForIsBelievedFromProxiesOnly(t *testing.T) {
	prefixes := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	for name, test := range map[string]struct {
		proxies   []netip.Prefix
		from      string
		forwarded []string
		want      string
	}{
		"no proxy: never":                         {nil, "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"no proxy: not from this machine either":  {nil, "127.0.0.1:1", []string{"198.51.100.1"}, "127.0.0.1"},
		"a stranger":                              {prefixes("10.1.0.0/16"), "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"another private address":                 {prefixes("10.1.0.0/16"), "10.2.0.1:1", []string{"198.51.100.1"}, "10.2.0.1"},
		"this machine, which is no proxy":         {prefixes("10.1.0.0/16"), "127.0.0.1:1", []string{"198.51.100.1"}, "127.0.0.1"},
		"the proxy":                               {prefixes("10.1.0.0/16"), "10.1.2.3:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"the proxy, and what the client made up":  {prefixes("10.1.0.0/16"), "10.1.2.3:1", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
		"made up in a header of its own":          {prefixes("10.1.0.0/16"), "10.1.2.3:1", []string{"192.0.2.66", "198.51.100.1"}, "198.51.100.1"},
		"two proxies in a row":                    {prefixes("10.1.0.0/16", "10.9.9.9/32"), "10.1.2.3:1", []string{"192.0.2.66, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"the proxy says nothing":                  {prefixes("10.1.0.0/16"), "10.1.2.3:1", nil, "10.1.2.3"},
		"the proxy passes on nonsense":            {prefixes("10.1.0.0/16"), "10.1.2.3:1", []string{"nonsense"}, "10.1.2.3"},
		"a proxy under IPv6":                      {prefixes("2001:db8:1::/48"), "[2001:db8:1::5]:1", []string{"2001:db8:2::7"}, "2001:db8:2::7"},
		"a stranger under IPv6":                   {prefixes("2001:db8:1::/48"), "[2001:db8:2::5]:1", []string{"198.51.100.1"}, "2001:db8:2::5"},
		"this machine, when it is the proxy":      {prefixes("127.0.0.1/32"), "127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"a prefix that is written with host bits": {prefixes("10.1.2.3/16"), "10.1.200.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
	} {
		request := &http.Request{RemoteAddr: test.from, Header: http.Header{"X-Forwarded-For": test.forwarded, "X-Real-Ip": {"192.0.2.77"}}}
		if got := ipExtractor(Options{Proxies: test.proxies})(request); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestSchemeIsThatOfThePublicAddress(t *testing.T) {
	claimed := &http.Request{Header: http.Header{"X-Forwarded-Proto": {"https"}}}
	wantEqual(t, "http", schemeExtractor(Options{PublicURL: "http://portal.example"})(claimed), "http")
	claimed.Header.Set("X-Forwarded-Proto", "http")
	wantEqual(t, "https", schemeExtractor(Options{PublicURL: "https://portal.example"})(claimed), "https")
}
