package views

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 19, 18, 52, 0, 0, time.UTC)

func shell(role domain.Role, path string) Shell {
	return Shell{
		Viewer: domain.Viewer{UserID: "u1", Email: "m.okafor@school.example", Name: "Marisol Okafor", Role: role},
		Path:   path, CSRF: "token-1", Now: now,
		Assets: Assets{Pico: "/static/vendor/pico.min.css?v=1", CSS: "/static/app.css?v=2", HTMX: "/static/vendor/htmx.min.js?v=3", JS: "/static/app.js?v=4"},
	}
}

func someCompetitors() Competitors {
	return Competitors{
		Rows: []CompetitorRow{
			{ID: "C-1041", Name: "Amara <b>Nwosu</b>", Team: "Salt & Hash", CoachName: "Halima Osei", Division: domain.HighSchool, ODLSolves: 1025, FlashSolves: 22, Points: 10500,
				LastSolveAt: now.AddDate(0, 0, -19), LastSyncedAt: now.Add(-12 * time.Minute), State: State{Kind: "ok", Text: "Synced"}},
			{ID: "a/b", Name: "Beatriz Quintanilla", CoachName: "Halima Osei", Division: domain.MiddleSchool, State: State{Kind: "hold", Text: "Awaiting approval"}},
		},
		Total: 480, OnPlatform: 441, Teams: 60, Coaches: 24, Solves: 11226, Points: 1295700,
		First: 101, Last: 200, PrevURL: "/competitors", NextURL: "/competitors?after=C-9", ExportURL: "/competitors.csv", NextCount: 100,
	}
}

func someCompetitor() Competitor {
	return Competitor{
		ID: "C-1041", Name: "Amara Nwosu", Team: "Byte Lions", CoachName: "Halima Osei", School: "Westlake High", Grade: "11", Division: domain.HighSchool,
		State:     State{Kind: "warn", Text: "Retrying at 22:53", Detail: "The platform did not answer in time. Nobody has to act."},
		ODLSolves: 25, FlashSolves: 22, Points: 10500, Quarantined: 2,
		LastSolveAt: now.AddDate(0, 0, -19), LastSyncedAt: now.Add(-12 * time.Minute),
		Events: []EventRow{
			{Name: "Autumn Qualifier", StartsAt: now.AddDate(0, 0, -19), Rank: 7, Solves: 9, Points: 2400, MaxPoints: 3000},
			{Name: "Spring Finale", StartsAt: now.AddDate(0, -6, 0), Solves: 3, Points: 700},
		},
		Solves: Solves{
			Rows: []SolveRow{
				{Title: "Padding Oracle Blues", Category: "Cryptography", Source: domain.SourceFlash, Event: "Autumn Qualifier", WorkRoles: []string{"PR-CDA-001", "PD-WRL-001"}, Points: 400, SolvedAt: now.AddDate(0, 0, -19)},
				{Title: " ", Source: domain.SourceODL, Retired: true, SolvedAt: now.AddDate(-1, 0, 0)},
			},
			Total: 47, Matching: 14, Categories: []CategoryOption{{"crypto", "Cryptography", 14}, {"web", "Web", 33}},
			Category: "crypto", CategoryName: "Cryptography", Sort: "-points", First: 1, Last: 2, NextCount: 12,
			BaseURL: "/competitors/C-1041", DateSortURL: "/competitors/C-1041?category=crypto", PointsSortURL: "/competitors/C-1041?category=crypto&sort=points",
			ClearURL: "/competitors/C-1041?sort=-points", NextURL: "/competitors/C-1041?after=x", ExportURL: "/competitors/C-1041.csv?category=crypto",
		},
	}
}

func someSync() Sync {
	return Sync{Headline: "Mostly well", Sub: "The last run ended at 10:45.", OnPlatform: 357, Synced: 302, Runs: []RunRow{
		{Kind: "Schedule", StartedAt: now.Add(-7 * time.Minute)},
		{Kind: "Command", StartedAt: now.Add(-time.Hour), Stopped: true},
		{Kind: "Schedule", StartedAt: now.Add(-2 * time.Hour), FinishedAt: now.Add(-2*time.Hour + 184*time.Second), Counts: domain.RunCounts{Attempted: 121, Changed: 22, Unchanged: 84, Blocked: 1, Failed: 14, NewSolves: 31, APICalls: 1340}},
		{Kind: "Schedule", StartedAt: now.Add(-3 * time.Hour), FinishedAt: now.Add(-3 * time.Hour)},
	}}
}

func someAccount() Account {
	return Account{Sessions: []SessionRow{
		{Handle: "00000000000000a1", This: true, StartedAt: now.Add(-3 * time.Hour), LastUsedAt: now.Add(-4 * time.Minute)},
		{Handle: "00000000000000b2", StartedAt: now.AddDate(0, 0, -2), LastUsedAt: now.Add(-7 * time.Minute)},
		{Handle: "00000000000000c3", StartedAt: now.AddDate(0, 0, -4), LastUsedAt: now.Add(-5 * time.Hour)},
	}}
}

// everything is each page and region once, by name.
func everything() map[string]templ.Component {
	coach, admin, product := shell(domain.RoleCoach, "/competitors"), shell(domain.RoleAdmin, "/competitors/C-1041"), shell(domain.RoleProduct, "/admin/sync")
	coach.SyncOff = true
	fault := ErrorView{Status: 500, Title: "This page could not be made", Message: "It is our fault.", Hint: "Try again.", Reference: "7QK-F2M", BackURL: "/", BackLabel: "Back"}
	bare := coach
	bare.Assets = Assets{CSS: "/static/app.css?v=2"}
	empty := someCompetitor()
	empty.Solves = Solves{}
	noMatch := someCompetitor()
	noMatch.Solves.Rows, noMatch.Solves.Matching = nil, 0
	wrong := someAccount()
	wrong.Password = PasswordFaults{Current: "This is not the current password.", New: "The password is too short.", Again: "This is not the same."}
	return map[string]templ.Component{
		"account":            AccountPage(coach, Account{Done: "The session has ended.", Sessions: someAccount().Sessions}),
		"account, wrong":     AccountPage(bare, wrong),
		"login":              LoginPage(LoginForm{Email: "a@b.example", Problem: "Email and password do not match.", CSRF: "x"}),
		"competitors":        CompetitorsPage(coach, someCompetitors()),
		"competitors, admin": CompetitorsPage(admin, someCompetitors()),
		"competitors, none":  CompetitorsPage(coach, Competitors{}),
		"competitors, past":  CompetitorsList(admin, Competitors{Total: 3}),
		"competitor":         CompetitorPage(coach, someCompetitor()),
		"competitor, admin":  CompetitorPage(admin, someCompetitor()),
		"competitor, bare":   CompetitorPage(bare, Competitor{}),
		"solves, none":       SolvesRegion(coach, empty),
		"solves, no match":   SolvesRegion(coach, noMatch),
		"sync":               SyncPage(product, someSync()),
		"sync, no run":       SyncPage(product, Sync{}),
		"error":              ErrorPage(&coach, fault),
		"error, anonymous":   ErrorPage(nil, fault),
		"error, in place":    ErrorNote(fault),
	}
}

func render(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var out strings.Builder
	if err := c.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// words is the text of what the selector finds, with single spaces.
func words(doc *goquery.Document, selector string) string {
	return strings.Join(strings.Fields(doc.Find(selector).Text()), " ")
}

// each is the text of every element the selector finds.
func each(doc *goquery.Document, selector string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

func wantWords(t *testing.T, doc *goquery.Document, selector, want string) {
	t.Helper()
	if got := words(doc, selector); got != want {
		t.Errorf("%s = %q, want %q", selector, got, want)
	}
}

func wantEach(t *testing.T, doc *goquery.Document, selector string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, each(doc, selector)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", selector, diff)
	}
}

func wantAttr(t *testing.T, doc *goquery.Document, selector, attr, want string) {
	t.Helper()
	if got := doc.Find(selector).AttrOr(attr, "(none)"); got != want {
		t.Errorf("%s %s = %q, want %q", selector, attr, got, want)
	}
}

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
		render(t, c).Find("[hx-get]").Each(func(_ int, s *goquery.Selection) {
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
		domain.RoleCoach: {"Competitors"}, domain.RoleAdmin: {"Competitors", "Sync"}, domain.RoleProduct: {"Sync"},
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
	wantWords(t, doc, "body > footer", "As of Thu 19 Nov 2026, 18:52 UTC Times are UTC")
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

func TestCompetitorsForCoach(t *testing.T) {
	doc := render(t, CompetitorsPage(shell(domain.RoleCoach, "/competitors"), someCompetitors()))
	wantWords(t, doc, ".head p", "Your 480 competitors in 60 teams. 441 are on the platform.")
	wantEach(t, doc, ".stats dd", "441 of 480", "11,226", "1,295,700")
	wantEach(t, doc, "thead th", "Competitor", "Team", "Division", "ODL", "Flash", "Points", "Last solve", "Last synced", "State")
	wantEach(t, doc, "tbody tr:first-child > *", "Amara <b>Nwosu</b>", "Salt & Hash", "High school", "1,025", "22", "10,500", "19 days ago", "12 min ago", "Synced")
	wantEach(t, doc, "tbody tr:last-child > *", "Beatriz Quintanilla", "No team", "Middle school", "0", "0", "0", "No solve yet", "Not yet", "Awaiting approval")
	wantAttr(t, doc, "tbody tr:last-child a", "href", "/competitors/a%2Fb")
	wantAttr(t, doc, "tbody tr:last-child .s", "class", "s hold")
	wantAttr(t, doc, ".head a[role=button]", "href", "/competitors.csv")
	wantEach(t, doc, "#list .foot > span:first-child, #list .foot a", "101 to 200 of 480", "Previous", "Next 100")
	wantAttr(t, doc, "#list-next", "hx-swap", "outerHTML show:#list:top")
	wantAttr(t, doc, "#list-next", "hx-target", "#list")
}

func TestCompetitorsForAdmin(t *testing.T) {
	doc := render(t, CompetitorsList(shell(domain.RoleAdmin, "/competitors"), someCompetitors()))
	wantEach(t, doc, "thead th:nth-child(3)", "Coach")
	wantEach(t, doc, "tbody tr:first-child td:nth-child(3)", "Halima Osei")
	if doc.Find("header").Length() > 0 {
		t.Error("the region holds the whole page")
	}
}

func TestCompetitorsSummary(t *testing.T) {
	tests := []struct {
		name  string
		d     Competitors
		admin bool
		want  string
	}{
		{"admin", Competitors{Total: 480, Coaches: 24, Teams: 60, OnPlatform: 441}, true, "480 competitors of 24 coaches in 60 teams. 441 are on the platform."},
		{"one of each", Competitors{Total: 1, Coaches: 1, Teams: 1, OnPlatform: 1}, true, "1 competitor of 1 coach in 1 team. 1 is on the platform."},
		{"no team, none there", Competitors{Total: 2}, false, "Your 2 competitors. None is on the platform yet."},
	}
	for _, test := range tests {
		if got := test.d.summary(test.admin); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestNoCompetitors(t *testing.T) {
	doc := render(t, CompetitorsPage(shell(domain.RoleCoach, "/competitors"), Competitors{ExportURL: "/competitors.csv"}))
	wantEach(t, doc, "#list h2, #list p", "No competitors yet", "An admin imports the roster; your competitors show here right after.")
	if doc.Find(".stats, table, a[role=button]").Length() > 0 {
		t.Error("an empty list shows figures, a table or a button")
	}
}

func TestCompetitor(t *testing.T) {
	doc := render(t, CompetitorPage(shell(domain.RoleCoach, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, "h1", "Amara Nwosu")
	wantWords(t, doc, ".crumb", "Competitors / Byte Lions")
	wantEach(t, doc, ".head p", "Byte Lions · High school · grade 11 · id C-1041", "Retrying at 22:53 last synced 12 min ago")
	wantEach(t, doc, ".note", "The platform did not answer in time. Nobody has to act.",
		"2 records of the platform could not be read and are kept aside. The totals leave them out. Admins see them.")
	wantEach(t, doc, ".stats dt", "points", "solves, 22 in flash CTFs", "last solve", "last seen on the platform", "last synced")
	wantEach(t, doc, ".stats dd", "10,500", "47", "19 days ago", "never", "12 min ago")
	wantEach(t, doc, ".bars tbody tr:first-child > *", "Autumn Qualifier", "31 Oct 2026", "7", "9", "2,400 of 3,000", "")
	wantAttr(t, doc, ".bars .me", "width", "80.0%")
	wantEach(t, doc, ".bars tbody tr:last-child > *", "Spring Finale", "19 May 2026", "not ranked", "3", "700", "")

	doc = render(t, CompetitorPage(shell(domain.RoleAdmin, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, ".head div p", "Byte Lions · High school · grade 11 · id C-1041 · coach Halima Osei · Westlake High")
}

func TestQuietStateHasNoNote(t *testing.T) {
	d := Competitor{ID: "C-2", Name: "Cy", State: State{Kind: "warn", Text: "Last synced 2 days ago"}, LastSyncedAt: now.AddDate(0, 0, -2)}
	wantEach(t, render(t, CompetitorPage(shell(domain.RoleCoach, "/competitors/C-2"), d)), ".acts", "Last synced 2 days ago")
	d = Competitor{ID: "C-2", Name: "Cy", State: State{Kind: "ok", Text: "Synced", Detail: "All is well."}, LastSyncedAt: now}
	doc := render(t, CompetitorPage(shell(domain.RoleCoach, "/competitors/C-2"), d))
	wantEach(t, doc, ".head p", "No team · id C-2", "Synced just now")
	if doc.Find(".note, .bars, table").Length() > 0 {
		t.Error("shows a note or a section that has nothing to say")
	}
}

func TestSolves(t *testing.T) {
	doc := render(t, SolvesRegion(shell(domain.RoleCoach, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, "h2", "14 of 47 solves in Cryptography")
	wantEach(t, doc, "[name=category] option", "All (47)", "Cryptography (14)", "Web (33)")
	wantAttr(t, doc, "[name=category] option[selected]", "value", "crypto")
	wantAttr(t, doc, "[name=sort] option[selected]", "value", "-points")
	wantAttr(t, doc, "form", "action", "/competitors/C-1041")
	wantEach(t, doc, "thead th", "Challenge", "Category", "Source", "NICE work role", "Points", "Solved")
	wantEach(t, doc, "[aria-sort=descending]", "Points")
	wantAttr(t, doc, "#solves-by-points", "hx-get", "/competitors/C-1041?category=crypto&sort=points")
	wantEach(t, doc, "tbody tr:first-child > *", "Padding Oracle Blues", "Cryptography", "Flash CTF Autumn Qualifier", "PR-CDA-001, PD-WRL-001", "400", "31 Oct, 18:52")
	wantEach(t, doc, "tbody tr:last-child > *", "Untitled challenge retired", "No category", "ODL", "none given", "0", "19 Nov 2025, 18:52")
	wantWords(t, doc, ".chip", "Category: Cryptography × remove")
	wantAttr(t, doc, "a.end", "href", "/competitors/C-1041.csv?category=crypto")
	wantEach(t, doc, ".foot > span:first-child, .foot a", "1 to 2 of 14", "Previous", "Next 12")
	wantAttr(t, doc, "#solves-prev", "aria-disabled", "true")
	wantAttr(t, doc, "section", "data-say", "Solves, most points first, 1 to 2 of 14")
}

func TestSolvesEmpty(t *testing.T) {
	d := someCompetitor()
	d.Solves.Rows, d.Solves.Matching, d.Solves.Category, d.Solves.CategoryName = nil, 0, "osint", "OSINT"
	doc := render(t, SolvesRegion(shell(domain.RoleCoach, "/"), d))
	wantEach(t, doc, ".empty > *", "No solve matches", "Amara Nwosu has no solve in OSINT.", "Category: OSINT × remove")
	wantAttr(t, doc, "option[selected]", "value", "osint")
	wantAttr(t, doc, ".empty .chip", "href", "/competitors/C-1041?sort=-points")

	for kind, want := range map[string]string{
		"ok": "nothing to do", "run": "A sync is running", "wait": "The first sync", "off": "is not synced",
		"warn": "stands at the top of this page", "hold": "stands at the top of this page", "bad": "stands at the top of this page",
	} {
		d := Competitor{Name: "Cy", State: State{Kind: kind, Detail: "Why."}}
		doc := render(t, SolvesRegion(shell(domain.RoleCoach, "/"), d))
		wantWords(t, doc, "h2", "No solve yet")
		if got := words(doc, ".empty"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", kind, got, want)
		}
	}
}

func TestSync(t *testing.T) {
	doc := render(t, SyncPage(shell(domain.RoleProduct, "/admin/sync"), someSync()))
	wantWords(t, doc, "h1", "Mostly well")
	wantEach(t, doc, "tbody td:last-child", "Running", "Stopped before it was done", "With failures", "Clean")
	wantEach(t, doc, "tbody td:nth-last-child(2)", "7 min so far", "not known", "3 min 04 s", "under 1 s")
	wantEach(t, doc, "tbody tr:nth-child(3) > *", "19 Nov, 16:52", "Schedule", "121", "22", "84", "1", "14", "0", "31", "1,340", "3 min 04 s", "With failures")
}

func TestErrors(t *testing.T) {
	e := ErrorView{Status: 404, Title: "There is no such page", Message: "It may have moved.", BackURL: "/competitors", BackLabel: "Back to your competitors"}
	doc := render(t, ErrorPage(nil, e))
	wantWords(t, doc, "h1", "There is no such page")
	wantWords(t, doc, "main a", "Back to your competitors")
	if doc.Find("header, .s.bad").Length() > 0 {
		t.Error("shows a header or the sign of a fault")
	}
	e.Status, e.Reference, e.Hint = 500, "7QK-F2M", "Try again."
	doc = render(t, ErrorNote(e))
	wantWords(t, doc, ".note.bad[role=alert] p", "There is no such page. It may have moved. Try again. If it stays, report it with the reference 7QK-F2M.")
}

func TestLogin(t *testing.T) {
	doc := render(t, LoginPage(LoginForm{Email: "a@b.example", Problem: "Email and password do not match.", CSRF: "t"}))
	wantWords(t, doc, "[role=alert]", "Email and password do not match.")
	wantAttr(t, doc, "[name=email]", "value", "a@b.example")
	wantAttr(t, doc, "[name=password]", "aria-describedby", "login-problem")
	wantAttr(t, doc, "form", "action", "/login")
	wantAttr(t, doc, "[name=csrf]", "value", "t")
	if render(t, LoginPage(LoginForm{})).Find("[role=alert], [aria-describedby]").Length() > 0 {
		t.Error("a fresh form shows a problem")
	}
}

func TestAccount(t *testing.T) {
	doc := render(t, AccountPage(shell(domain.RoleCoach, "/account"), someAccount()))
	wantEach(t, doc, ".head p", "You are signed in as Marisol Okafor (m.okafor@school.example), a coach. You see your own competitors.",
		"Times are shown in UTC, set by an operator of the portal.")
	wantEach(t, doc, "tbody tr:first-child > *", "3 h ago this one", "now", "")
	wantEach(t, doc, "tbody tr:last-child > *", "4 days ago", "5 h ago", "End the session started 4 days ago")
	wantAttr(t, doc, "tbody tr:last-child [name=session]", "value", "00000000000000c3")
	wantWords(t, doc, "form:has([name=others]) button", "End all others (2)")
	wantEach(t, doc, "#password-form label", "Current password", "New password", "New password again")
	wantAttr(t, doc, "#password-form [name=new]", "aria-describedby", "password-new-note")
	wantWords(t, doc, "#password-new-note", "At least 8 characters; a few random words are good.")
	wantAttr(t, doc, "#password-form [autocomplete=username]", "value", "m.okafor@school.example")
	wantAttr(t, doc, `#user-menu a[href="/account"]`, "aria-current", "page")
	if n := doc.Find("main form").Length(); n != 4 || doc.Find(`main form[method=post] [name=csrf][value="token-1"]`).Length() != n {
		t.Errorf("%d forms, each needs its token", n)
	}
	if doc.Find(".note, [aria-invalid], [autofocus], #password-form [type=password][value]").Length() > 0 {
		t.Error("a fresh page shows a notice, a fault or a password")
	}

	d := someAccount()
	d.Sessions, d.Password.Again = d.Sessions[:2], "This is not the same."
	doc = render(t, AccountPage(shell(domain.RoleAdmin, "/account"), d))
	if doc.Find("[name=others]").Length() > 0 || doc.Find("tbody button").Length() != 1 {
		t.Error("one other session needs one button")
	}
	wantEach(t, doc, "#password-form .s.bad", "This is not the same.")
	wantAttr(t, doc, "[aria-invalid=true]", "name", "again")
	wantAttr(t, doc, "[aria-invalid=true]", "aria-describedby", "password-again-note")
}
