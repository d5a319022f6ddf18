package views

import (
	"testing"

	"flagpole/internal/domain"
)

func TestCompetitorsForCoach(t *testing.T) {
	doc := render(t, CompetitorsPage(shell(domain.RoleCoach, "/competitors"), someCompetitors()))
	wantWords(t, doc, ".head p", "Your 480 competitors in 60 teams. 441 are on the platform.")
	wantEach(t, doc, ".stats dt", "on the platform", "active in the last 7 days", "solves", "points", "in a flash CTF this month", "waiting for something")
	wantEach(t, doc, ".stats dd", "441 of 480", "201 of 441", "11,226", "1,295,700", "17", "1")
	wantEach(t, doc, ".stats a", "active in the last 7 days", "in a flash CTF this month", "waiting for something")
	wantAttr(t, doc, ".stats a", "href", "/competitors?activity=active")
	wantEach(t, doc, "thead th", "Competitor", "Team", "Division", "ODL", "Flash", "Points", "Last solve", "Last seen", "Last synced", "State")
	wantEach(t, doc, "[aria-sort]", "Points")
	wantAttr(t, doc, "[aria-sort]", "aria-sort", "descending")
	wantAttr(t, doc, "#list-by-points", "href", "/competitors?sort=points")
	wantEach(t, doc, "tbody tr:first-child > *", "Amara <b>Nwosu</b>", "Salt & Hash", "High school", "1,025", "22", "10,500", "19 days ago", "5 h ago", "12 min ago", "Synced")
	wantEach(t, doc, "tbody tr:last-child > *", "Beatriz Quintanilla", "No team", "Middle school", "0", "0", "0", "No solve yet", "Never", "Not yet", "Awaiting approval")
	wantAttr(t, doc, "tbody tr:last-child a", "href", "/competitors/a%2Fb")
	wantAttr(t, doc, "tbody tr:last-child .s", "class", "s hold")
	wantEach(t, doc, ".head a[role=button]", "Export CSV", "Excel")
	wantEach(t, doc, "#list .foot > span:first-child, #list .foot .acts a", "101 to 200 of 480 Rows a page: 25 50 100", "Previous", "Next 100")
	wantEach(t, doc, ".sizes b", "100")
	wantAttr(t, doc, "#list-next", "hx-swap", "outerHTML show:#list:top")
	wantAttr(t, doc, "#list-next", "hx-target", "#list")
	wantAttr(t, doc, "#list", "data-say", "Competitors by most points, 101 to 200 of 480")
	wantAttr(t, doc, "#list", "hx-trigger", "(none)")
	wantAttr(t, doc, "select[name=sort] option[selected]", "value", "-points")
	wantAttr(t, doc, "details.fold", "open", "(none)")
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
	coach, admin := shell(domain.RoleCoach, "/"), shell(domain.RoleAdmin, "/")
	looking := coach
	looking.Viewer.ViewingAs, looking.Viewer.CoachName = true, "Halima Osei"
	all := CompetitorSums{Competitors: 480, Coaches: 24, Teams: 60, OnPlatform: 441}
	tests := []struct {
		name  string
		d     Competitors
		shell Shell
		want  string
	}{
		{"admin", Competitors{Sums: all}, admin, "480 competitors of 24 coaches in 60 teams. 441 are on the platform."},
		{"one coach's", Competitors{Sums: all, Filter: CompetitorFilter{CoachName: "Ada"}}, admin, "480 competitors of Ada in 60 teams. 441 are on the platform."},
		{"one of each", Competitors{Sums: CompetitorSums{Competitors: 1, Coaches: 1, Teams: 1, OnPlatform: 1}}, admin, "1 competitor of 1 coach in 1 team. 1 is on the platform."},
		{"looking as a coach", Competitors{Sums: CompetitorSums{Competitors: 2, OnPlatform: 2}}, looking, "2 competitors of Halima Osei. 2 are on the platform."},
		{"no team, none there", Competitors{Sums: CompetitorSums{Competitors: 2}}, coach, "Your 2 competitors. None is on the platform yet."},
	}
	for _, test := range tests {
		if got := test.d.summary(test.shell); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestNoCompetitors(t *testing.T) {
	none := Competitors{ExportURL: "/competitors.csv", SheetURL: "/competitors.xlsx"}
	doc := render(t, CompetitorsPage(shell(domain.RoleCoach, "/competitors"), none))
	wantEach(t, doc, "#list h2, #list p", "No competitors yet", "An admin imports the roster; your competitors show here right after.")
	if doc.Find(".stats, table, form:not([action='/logout']), a[role=button]").Length() > 0 {
		t.Error("an empty list shows figures, a table, a filter or a button")
	}
	doc = render(t, CompetitorsPage(shell(domain.RoleAdmin, "/competitors"), none))
	wantWords(t, doc, "#list .empty p", "Import the roster with the command flagpole import. All competitors show here right after.")
}

func TestNobodyMatches(t *testing.T) {
	d := narrowed()
	doc := render(t, CompetitorsList(shell(domain.RoleCoach, "/competitors"), d))
	wantEach(t, doc, ".empty > *", "Nobody matches", "No competitor fits all of the above at once. Take a filter away to see more.", "Show all 480")
	wantEach(t, doc, ".chips > *", "0 of 480 competitors", "Search: amara × remove", "Team: Salt & Hash × remove", "Show all")
	wantAttr(t, doc, "#list-without-team", "href", "/competitors?q=amara")
	wantAttr(t, doc, "#list-clear", "hx-get", "/competitors?sort=-points")
	wantAttr(t, doc, "[name=team] option[selected]", "value", "T-1")
	wantAttr(t, doc, "[name=q]", "value", "amara")
	wantAttr(t, doc, "#list", "data-say", "No competitor matches")
	if doc.Find("details.fold[open]").Length() != 1 {
		t.Error("the filters are folded away though one is set")
	}

	d.Filter.Chips = d.Filter.Chips[:1]
	if render(t, CompetitorsList(shell(domain.RoleCoach, "/"), d)).Find("#list-clear").Length() > 0 {
		t.Error("one chip and a link that does the same")
	}
	d.Of = 3 // there are some, on other pages
	doc = render(t, CompetitorsList(shell(domain.RoleCoach, "/"), d))
	wantEach(t, doc, ".empty > *", "Nobody on this page of the list", "The list has become shorter since the link was made.", "Back to the first page")
	wantAttr(t, doc, ".empty a", "href", "/competitors?sort=-points")
}

func TestListAsksForItselfOnlyWhileSomebodyIsRefreshed(t *testing.T) {
	d := someCompetitors()
	d.Rows[1].Refreshing = true
	doc := render(t, CompetitorsList(shell(domain.RoleCoach, "/competitors"), d))
	wantEach(t, doc, "tbody td:last-child", "Synced", "Refreshing")
	wantAttr(t, doc, "#list", "hx-get", "/competitors?before=C-1&sort=-points")
	wantAttr(t, doc, "#list", "hx-trigger", "every 3s")
	wantAttr(t, doc, "#list", "hx-push-url", "(none)")
	wantAttr(t, doc, "tbody tr:last-child .s", "class", "s run")
}

// Every order that a head makes has a name for the caption and the phone's list of orders.
func TestEveryOrderHasAName(t *testing.T) {
	for _, column := range []string{"name", "team", "coach", "division", "odl", "flash", "points", "last_solve", "last_seen", "last_sync", "state"} {
		for _, sort := range []string{column, "-" + column} {
			if sortName(competitorSorts, sort) == "" {
				t.Errorf("competitors by %s", sort)
			}
		}
	}
	for _, column := range []string{"name", "coach", "members", "active", "solves", "points", "average"} {
		for _, sort := range []string{column, "-" + column} {
			if sortName(teamSorts, sort) == "" {
				t.Errorf("teams by %s", sort)
			}
		}
	}
	for _, sort := range []string{"-date", "date", "-points", "points", "category", "-category"} {
		if sortName(solveSorts, sort) == "" {
			t.Errorf("solves by %s", sort)
		}
	}
}

func TestNumbersOfNobodyLeadNowhere(t *testing.T) {
	d := someCompetitors()
	d.Sums.Active, d.Sums.InFlash, d.Sums.Solves, d.Sums.Points = 0, 0, 1, 1
	doc := render(t, CompetitorsList(shell(domain.RoleCoach, "/competitors"), d))
	wantEach(t, doc, ".stats a", "waiting for something")
	wantEach(t, doc, ".stats dt:contains('solve'), .stats dt:contains('point')", "solve", "point")
}
