package views

import (
	"testing"

	"flagpole/internal/domain"
)

func someEvents() Events {
	return Events{ExportURL: "/events.csv", Rows: []EventSummary{
		{Name: "Autumn <i>Qualifier</i>", URL: "/events/e1", StartsAt: now, Participants: 3, Absent: 1110, BestRank: 7, MaxPoints: 3000},
		{Name: "Nobody's", URL: "/events/e2", StartsAt: now.AddDate(0, -1, 0), Absent: 4},
	}}
}

func someEvent() Event {
	return Event{
		EventSummary: someEvents().Rows[0], ExportURL: "/events/e1/results.csv",
		Participants: Participants{
			Rows: []ParticipantRow{
				{Name: "Amara Nwosu", URL: "/competitors/C-1", Team: "Salt & Hash", CoachName: "Halima Osei", Rank: 7, Solves: 9, Points: 2400, MaxPoints: 3000},
				{Name: "Cy", URL: "/competitors/C-2", CoachName: "Halima Osei"},
			},
			Pager: Pager{First: 1, Last: 2, Of: 3, NextURL: "/events/e1?results_after=C-2", NextCount: 1},
		},
		Absent: Absent{
			Rows:  []CompetitorRow{{Name: "Dov", URL: "/competitors/D-1", CoachName: "Ruben Castellan", State: State{Kind: "ok", Text: "Synced"}}},
			Pager: Pager{First: 1, Last: 1, Of: 1110, NextURL: "/events/e1?absent_after=D-1", NextCount: 50},
		},
	}
}

func TestEvents(t *testing.T) {
	doc := render(t, EventsPage(shell(domain.RoleCoach, "/events"), someEvents()))
	wantWords(t, doc, ".head p", "2 events so far. Counts are of your competitors on the platform.")
	wantEach(t, doc, "tbody tr:first-child > *", "Autumn <i>Qualifier</i>", "19 Nov 2026", "3", "1,110", "7", "3,000")
	wantEach(t, doc, "tbody tr:last-child > *", "Nobody's", "19 Oct 2026", "0", "4", "none", "not known")
	wantEach(t, doc, "[aria-sort=descending]", "Day")

	one := someEvents()
	one.Rows = one.Rows[:1]
	wantWords(t, render(t, EventsPage(shell(domain.RoleAdmin, "/events"), one)), ".head p", "1 event so far. Counts are of all competitors on the platform.")
	doc = render(t, EventsPage(shell(domain.RoleAdmin, "/events"), Events{}))
	wantEach(t, doc, ".empty > *", "No flash CTF yet", "One shows here as soon as a sync finds somebody's result in it; nothing to do.")
	if doc.Find("table, a[role=button]").Length() > 0 {
		t.Error("an empty page shows a table or a button")
	}
}

func TestEvent(t *testing.T) {
	doc := render(t, EventPage(shell(domain.RoleAdmin, "/events/"), someEvent()))
	wantEach(t, doc, ".head p", "Thu 19 Nov 2026, 18:52 UTC")
	wantEach(t, doc, ".stats dd", "3 of 1,113", "1,110", "7", "3,000")
	wantEach(t, doc, "#results thead th", "Rank", "Competitor", "Team", "Coach", "Solves", "Points")
	wantEach(t, doc, "#results tbody tr:first-child > *", "7", "Amara Nwosu", "Salt & Hash", "Halima Osei", "9", "2,400 of 3,000")
	wantEach(t, doc, "#results tbody tr:last-child > *", "not ranked", "Cy", "No team", "Halima Osei", "0", "0")
	wantEach(t, doc, "#results [aria-sort=ascending]", "Rank")
	wantEach(t, doc, "#absent tbody td, #absent tbody th", "Dov", "No team", "Ruben Castellan", "Never", "Synced")
	wantAttr(t, doc, "#results", "data-say", "Results by rank, 1 to 2 of 3")
	wantAttr(t, doc, "#absent", "data-say", "Did not take part, 1 to 1 of 1,110")
	wantAttr(t, doc, "#absent-next", "hx-target", "#absent")
}

func TestEventOfNobody(t *testing.T) {
	coach := shell(domain.RoleCoach, "/events/")
	looking := coach
	looking.Viewer.ViewingAs = true
	wantEach(t, render(t, EventPage(coach, Event{})), ".empty", "None of your competitors took part.", "Everybody on the platform took part.")
	wantEach(t, render(t, EventPage(looking, Event{Absent: Absent{Nobody: true}})), ".empty", "None of this coach's competitors took part.",
		"Nobody is on the platform yet, so nobody could take part.")
	wantAttr(t, render(t, ParticipantsRegion(coach, Participants{})), "#results", "data-say", "Nobody took part")
}

func someCoaches() Coaches {
	return Coaches{ExportURL: "/coaches.csv", Pager: Pager{First: 1, Last: 2, Of: 2}, Rows: []CoachRow{
		{ID: "K/1", Name: "Halima <b>Osei</b>", School: "Northgate", CompetitorsURL: "/competitors?coach=K%2F1", TeamsURL: "/teams?coach=K%2F1", Competitors: 1113, OnPlatform: 3, Waiting: 4, Teams: 1, Solves: 7, Points: 1400},
		{ID: "K-3", Name: "Ines Falk", CompetitorsURL: "/competitors?coach=K-3"},
	}}
}

func TestCoaches(t *testing.T) {
	doc := render(t, CoachesPage(shell(domain.RoleAdmin, "/coaches"), someCoaches()))
	wantEach(t, doc, "tbody tr:first-child > *", "Halima <b>Osei</b>", "Northgate", "1,113", "3", "4", "1 team of Halima <b>Osei</b>", "7", "1,400", "Edit Halima <b>Osei</b> Look as Halima <b>Osei</b>")
	wantEach(t, doc, "tbody tr:last-child > *", "Ines Falk", "No school", "0", "0", "0", "0", "0", "0", "Edit Ines Falk Look as Ines Falk")
	wantAttr(t, doc, "tbody form", "action", "/coaches/K%2F1/view")
	wantAttr(t, doc, "tbody form", "method", "post")
	wantAttr(t, doc, "tbody [name=csrf]", "value", "token-1")
	wantAttr(t, doc, "#coaches", "data-say", "Coaches by name, 1 to 2 of 2")

	doc = render(t, CoachesPage(shell(domain.RoleAdmin, "/coaches"), Coaches{Search: " zz "}))
	wantEach(t, doc, ".empty > *", "No coach matches", "No coach has “zz” in the name.", "Show all coaches")
	doc = render(t, CoachesPage(shell(domain.RoleAdmin, "/coaches"), Coaches{}))
	wantEach(t, doc, ".empty > *", "No coaches yet", "Coaches come with the roster: import it, or add a coach.")
}

func TestBannerWhileLookingAsACoach(t *testing.T) {
	looking := shell(domain.RoleCoach, "/numbers")
	looking.Viewer.ViewingAs, looking.Viewer.CoachName = true, "Halima <b>Osei</b>"
	doc := render(t, NumbersPage(looking))
	wantWords(t, doc, ".band span:first-child > .s", "You see the portal as Halima <b>Osei</b> does.")
	wantAttr(t, doc, ".band form", "action", "/viewing/end")
	wantAttr(t, doc, ".band [name=csrf]", "value", "token-1")
	wantWords(t, doc, ".menu li:first-child", "Signed in as admin")
	if render(t, NumbersPage(shell(domain.RoleCoach, "/numbers"))).Find(".band").Length() > 0 {
		t.Error("a coach looks as nobody")
	}
}

func TestCategories(t *testing.T) {
	admin := shell(domain.RoleAdmin, "/admin/categories")
	doc := render(t, CategoriesPage(admin, Categories{
		Known: []KnownCategory{{"Web", "/competitors?category=web", []string{"web", "webex"}}}, Unknown: []UnknownCategory{{"Cooking", "/competitors?category=cooking", 1, 1113}},
	}))
	wantEach(t, doc, "tbody tr > *", "Cooking", "1", "1,113", "Web", "web, webex")
	wantWords(t, render(t, CategoriesPage(admin, Categories{})), ".empty", "None. Every category that the platform has sent is in the table.")
}

// What the pages link to for an explanation must be explained.
func TestNumbersHaveTheirDefinitions(t *testing.T) {
	doc := render(t, NumbersPage(shell(domain.RoleCoach, "/numbers")))
	seen := map[string]bool{}
	for _, d := range definitions {
		if d.ID == "" || d.Term == "" || d.Text == "" || seen[d.ID] || doc.Find("#"+d.ID).Length() != 1 {
			t.Errorf("definition %+v", d)
		}
		seen[d.ID] = true
	}
	if !seen["teams"] { // TeamsList links to it
		t.Error("the team average is not explained")
	}
}
