package views

import (
	"testing"
	"time"

	"flagpole/internal/domain"
)

func someTeams() Teams {
	return Teams{
		Rows: []TeamRow{
			{Name: "Salt & Hash", URL: "/teams/T-1", CoachName: "Halima Osei", Members: 6, OnPlatform: 5, Active: 3, Solves: 1113, Points: 100001, Average: 20000.2, LastSolveAt: now.Add(-time.Hour)},
			{Name: "Empty", URL: "/teams/T-2", CoachName: "Halima Osei"},
		},
		None: &TeamRow{Name: "No team", URL: "/competitors?team=none", Members: 1}, All: TeamRow{Name: "Everybody", URL: "/competitors", Members: 7, OnPlatform: 5, Points: 100001},
		Sorting: Sorting{Region: "teams", Sort: "name", URLs: map[string]string{"name": "/teams?sort=-name", "points": "/teams?sort=-points"}},
		Pager:   Pager{First: 1, Last: 2, Of: 60, NextURL: "/teams?after=T-2", NextCount: 50}, ExportURL: "/teams.csv",
	}
}

func someTeam() Team {
	return Team{
		TeamRow: TeamRow{Name: "Salt & Hash", CoachName: "Halima Osei", Members: 2, OnPlatform: 1, Active: 1, Solves: 1, Points: 1, Average: 1},
		Members: Competitors{Rows: someCompetitors().Rows, Sorting: Sorting{Sort: "name"}, OneTeam: true}, ListURL: "/competitors?team=T-1",
		Unsolved: Unsolved{
			Rows: []ChallengeRow{{Title: "<b>Cipher</b>", Category: "Cryptography", Points: 50}, {Title: " "}}, Total: 30, Category: "crypto",
			Categories: []Option{{"crypto", "Cryptography"}}, BaseURL: "/teams/T-1", MoreURL: "/teams/T-1?show=all#unsolved", ExportURL: "/teams/T-1/unsolved.csv",
		},
	}
}

func TestTeams(t *testing.T) {
	doc := render(t, TeamsPage(shell(domain.RoleAdmin, "/teams"), someTeams()))
	wantWords(t, doc, ".head p", "60 teams. 1 competitor is in none.")
	wantEach(t, doc, "thead th", "Team", "Coach", "Members", "On the platform", "Active", "Solves", "Points", "Average", "Last solve")
	wantEach(t, doc, "tbody tr:first-child > *", "Salt & Hash", "Halima Osei", "6", "5", "3", "1,113", "100,001", "20,000", "1 h ago")
	wantEach(t, doc, "tbody tr:last-child > *", "Empty", "Halima Osei", "0", "0", "0", "0", "0", "0", "No solve yet")
	wantEach(t, doc, "tfoot th", "No team", "Everybody")
	wantAttr(t, doc, "tfoot a", "href", "/competitors?team=none")
	wantEach(t, doc, "[aria-sort=ascending]", "Team")
	wantAttr(t, doc, "#teams", "data-say", "Teams by name, 1 to 2 of 60")
	wantAttr(t, doc, "tbody td.l", "data-l", "active of 6")

	d := someTeams()
	d.None, d.Of = nil, 1
	wantWords(t, render(t, TeamsPage(shell(domain.RoleCoach, "/teams"), d)), ".head p", "1 team. Everybody is in one.")
	wantEach(t, render(t, TeamsPage(shell(domain.RoleCoach, "/teams"), d)), "thead th:nth-child(2)", "Members")
}

func TestTeamsThatMatchOrNot(t *testing.T) {
	coach := shell(domain.RoleCoach, "/teams")
	d := someTeams()
	d.Search, d.Of = " hash ", 1
	doc := render(t, TeamsPage(coach, d))
	wantWords(t, doc, ".head p", "1 team with “hash” in the name.")
	if doc.Find("tfoot").Length() > 0 {
		t.Error("the sums over everybody stand below a part")
	}
	d.Rows, d.Pager = nil, Pager{}
	doc = render(t, TeamsPage(coach, d))
	wantEach(t, doc, ".empty > *", "No team matches", "No team has “hash” in its name.", "Show all teams")
	wantAttr(t, doc, "#teams", "data-say", "No team matches")
	wantAttr(t, doc, "#teams-q", "value", " hash ")

	doc = render(t, TeamsPage(coach, Teams{ExportURL: "/teams.csv"}))
	wantEach(t, doc, ".empty > *", "No teams yet", "Teams come with the roster. An admin imports it; they show here right after.")
	if doc.Find("table, form[method=get], a[role=button]").Length() > 0 {
		t.Error("an empty page shows a table, a search or a button")
	}
	doc = render(t, TeamsPage(coach, Teams{None: &TeamRow{Name: "No team", Members: 2}, All: TeamRow{Name: "Everybody", Members: 2}}))
	wantEach(t, doc, "tfoot th", "No team", "Everybody") // those without a team are there where there is no team at all
}

func TestTeam(t *testing.T) {
	doc := render(t, TeamPage(shell(domain.RoleAdmin, "/teams/"), someTeam()))
	wantEach(t, doc, "h1, .head p", "Salt & Hash", "coach Halima Osei", "Show in the list, to sort and export")
	wantEach(t, doc, ".stats dt", "on the platform", "active in the last 7 days", "solve", "point", "points a member, on average", "last solve")
	wantEach(t, doc, ".stats dd", "1 of 2", "1 of 1", "1", "1", "1", "none yet")
	members := "section[aria-labelledby=members-title] "
	wantEach(t, doc, members+"thead th", "Competitor", "Division", "ODL", "Flash", "Points", "Last solve", "Last seen", "Last synced", "State")
	wantEach(t, doc, members+"[aria-sort=ascending]", "Competitor")
	wantWords(t, doc, members+"caption", "Competitors by name")
	if doc.Find(members+"thead a").Length() > 0 {
		t.Error("a head of the members is a link")
	}
	wantEach(t, doc, "#unsolved tbody tr:first-child > *", "<b>Cipher</b>", "Cryptography", "50")
	wantEach(t, doc, "#unsolved tbody tr:last-child > *", "Untitled challenge", "No category", "0")
	wantEach(t, doc, "#unsolved .foot > *", "1 to 2 of 30", "Show all 30")
	wantAttr(t, doc, "#unsolved", "data-say", "30 challenges not solved yet")
	wantAttr(t, doc, "header nav [aria-current=true]", "href", "/teams")

	doc = render(t, TeamPage(shell(domain.RoleCoach, "/teams/"), Team{TeamRow: TeamRow{Name: "Empty"}}))
	wantEach(t, doc, ".empty", "Nobody is in this team. The roster says who is; an admin imports it.",
		"Nothing is left here: each known challenge has been solved by somebody in the team.")
}
