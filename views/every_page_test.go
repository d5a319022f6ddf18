package views

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"

	"github.com/PuerkitoBio/goquery"
)

func TestNothingInline(t *testing.T) {
	for name, c := range everything() {
		doc := render(t, c)
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
					t.Errorf("%s: <%s> has %s", name, s.Nodes[0].Data, a.Key)
				}
			}
		})
		if n := doc.Find("style").Length(); n > 0 {
			t.Errorf("%s: %d style elements", name, n)
		}
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("src", "") == "" || s.Text() != "" {
				t.Errorf("%s: an inline script", name)
			}
		})
	}
}

func TestIDsAreUnique(t *testing.T) {
	for name, c := range everything() {
		seen := map[string]bool{}
		doc := render(t, c)
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if seen[id] {
				t.Errorf("%s: id %q twice", name, id)
			}
			seen[id] = true
		})
		doc.Find("[aria-labelledby], [aria-describedby]").Each(func(_ int, s *goquery.Selection) {
			if id := s.AttrOr("aria-labelledby", "") + s.AttrOr("aria-describedby", ""); !seen[id] {
				t.Errorf("%s: nothing has the id %q", name, id)
			}
		})
	}
}

func TestEachElementCarriesAllItsAttributes(t *testing.T) {
	for name, c := range everything() {
		render(t, c).Find("[hx-get]:not([hx-trigger])").Each(func(_ int, s *goquery.Selection) {
			for _, attr := range []string{"hx-target", "hx-swap", "hx-push-url"} {
				if s.AttrOr(attr, "") == "" {
					t.Errorf("%s: %s lacks %s", name, s.AttrOr("hx-get", ""), attr)
				}
			}
			plain := s.AttrOr("href", "") + s.AttrOr("action", "")
			if got := s.AttrOr("hx-get", ""); got != plain {
				t.Errorf("%s: htmx gets %q, without a script it is %q", name, got, plain)
			}
		})
	}
}

func TestEveryTimeIsThereInFull(t *testing.T) {
	for name, c := range everything() {
		render(t, c).Find("time").Each(func(_ int, s *goquery.Selection) {
			if _, err := time.Parse(time.RFC3339, s.AttrOr("datetime", "")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !strings.HasSuffix(s.AttrOr("title", ""), " UTC") {
				t.Errorf("%s: title %q", name, s.AttrOr("title", ""))
			}
		})
	}
}

func TestNavigationByRole(t *testing.T) {
	for role, want := range map[domain.Role][]string{
		domain.RoleCoach: {"Competitors", "Teams", "Flash CTF"}, domain.RoleProduct: {"Rollout", "Launch", "Sync", "Failures", "Problems"},
		domain.RoleAdmin: {"Competitors", "Teams", "Flash CTF", "Coaches", "Rollout", "Sync", "Failures", "Pending", "Admin"},
	} {
		doc := render(t, ErrorPage(new(shell(role, "/competitors/C-1")), ErrorView{Title: "No"}))
		wantEach(t, doc, "header nav a", want...)
		wantWords(t, doc, ".menu li:first-child", "Signed in as "+string(role))
		wantWords(t, doc, ".menu li:nth-child(2)", "m.okafor@school.example")
		wantAttr(t, doc, ".menu form", "action", "/logout")
		wantAttr(t, doc, ".menu input[name=csrf]", "value", "token-1")
		if slices.Contains(want, "Competitors") {
			wantAttr(t, doc, `header nav a[href="/competitors"]`, "aria-current", "true")
		}
	}
}

func TestLayout(t *testing.T) {
	doc := render(t, CompetitorsPage(shell(domain.RoleCoach, "/competitors"), someCompetitors()))
	wantWords(t, doc, "title", "Competitors · Flagpole")
	wantEach(t, doc, "h1", "Competitors")
	wantAttr(t, doc, "header nav a", "aria-current", "page")
	wantWords(t, doc, "body > footer", "As of Thu 19 Nov 2026, 18:52 UTC Times are UTC What the numbers mean Report a problem")
	if n := doc.Find("script[defer]").Length(); n != 2 {
		t.Errorf("%d scripts, want 2", n)
	}
	var config struct {
		ResponseHandling []struct{ Code, Target string }
		AllowEval        bool
	}
	if err := json.Unmarshal([]byte(doc.Find("meta[name=htmx-config]").AttrOr("content", "")), &config); err != nil {
		t.Fatal(err)
	}
	if last := config.ResponseHandling[len(config.ResponseHandling)-1]; config.AllowEval || doc.Find(last.Target).Length() != 1 {
		t.Errorf("htmx-config = %+v", config)
	}
	if doc.Find(".band").Length() > 0 {
		t.Error("says that syncs are off")
	}

	plain := shell(domain.RoleCoach, "/competitors")
	plain.Assets, plain.SyncOff = Assets{CSS: "/static/app.css"}, true
	doc = render(t, CompetitorsPage(plain, someCompetitors()))
	if doc.Find("script").Length() > 0 || doc.Find("link[rel=stylesheet]").Length() != 1 {
		t.Error("asks for vendor files that were not built")
	}
	wantWords(t, doc, ".band", "Syncs are switched off. Pages show what was stored.")
}
