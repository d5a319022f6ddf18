package views

import (
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
)

func TestCompetitor(t *testing.T) {
	doc := render(t, CompetitorPage(shell(domain.RoleCoach, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, "h1", "Amara Nwosu")
	wantWords(t, doc, ".crumb p", "Competitors / Amara Nwosu")
	wantAttr(t, doc, ".crumb p a", "href", "/competitors?team=T-1")
	wantEach(t, doc, ".crumb nav a", "← Ada", "Bo →")
	wantAttr(t, doc, "[rel=prev]", "href", "/competitors/C-1")
	wantAttr(t, doc, "[rel=next]", "href", "/competitors/C-3")
	wantWords(t, doc, ".head > div:first-child p", "Byte Lions · High school · grade 11 · on the platform amara_n · id C-1041")
	wantAttr(t, doc, ".head p a", "href", "/teams/T-1")
	wantEach(t, doc, ".note", "The platform did not answer in time. Nobody has to act.",
		"2 records of the platform could not be read and are kept aside. The totals leave them out. Admins see them.",
		"MetaCTF counts 25 ODL solves with 5,300 points; the solves it gave us are 24 with 5,000. This page shows what it gave us. "+
			"Nothing for you to do; it is compared again once a day. Compared 3 h ago.")
	wantEach(t, doc, ".stats dt", "points", "solves, 22 in flash CTFs", "last solve", "last seen on the platform", "at the moment")
	wantEach(t, doc, ".stats dd", "10,500", "47", "19 days ago", "never", "Idle")
	events := "section[aria-labelledby=events-title] "
	wantEach(t, doc, events+"tbody tr:first-child > *", "Autumn Qualifier", "31 Oct 2026", "7", "9 solves in Autumn Qualifier", "2,400 of 3,000", "")
	wantAttr(t, doc, events+".me", "width", "80.0%")
	wantEach(t, doc, events+"tbody tr:last-child > *", "Spring Finale", "19 May 2026", "not ranked", "1 solve in Spring Finale", "700", "")
	wantEach(t, doc, ".pairs div > *", "ODL solves", "12 min ago", "Flash CTF results", "not yet")

	doc = render(t, CompetitorPage(shell(domain.RoleAdmin, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, ".head > div:first-child p", "Byte Lions · High school · grade 11 · on the platform amara_n · id C-1041 · coach Halima Osei · Westlake High")
}

func TestQuietStateHasNoNote(t *testing.T) {
	coach := shell(domain.RoleCoach, "/competitors/C-2")
	d := Competitor{ID: "C-2", Name: "Cy", Sync: SyncState{State: State{Kind: "warn", Text: "Last synced 2 days ago"}, LastSyncedAt: now.AddDate(0, 0, -2)}}
	wantEach(t, render(t, CompetitorPage(coach, d)), "#sync", "Last synced 2 days ago")
	d.Sync = SyncState{State: State{Kind: "ok", Text: "Synced", Detail: "All is well."}, LastSyncedAt: now}
	doc := render(t, CompetitorPage(coach, d))
	wantEach(t, doc, "#sync, .head > div:first-child p", "No team · · id C-2", "Synced just now")
	if doc.Find(".note, .bars, table, .cols, .pairs, .year, .crumb nav, #refresh").Length() > 0 {
		t.Error("shows a note, a button or a section that has nothing to say")
	}
	if label := (Competitor{ODLSolves: 1}).solvesLabel(); label != "solve" {
		t.Errorf("one solve is called %q", label)
	}
	if text := (Competitor{Quarantined: 1}).quarantineText(); !strings.HasPrefix(text, "1 record of the platform could not be read and is kept aside.") {
		t.Error(text)
	}
	if text := (Drift{TheirSolves: 1, TheirPoints: 1}).text(); !strings.HasPrefix(text, "MetaCTF counts 1 ODL solve with 1 point; the solves it gave us are 0 with 0.") {
		t.Error(text)
	}
}

func TestSyncRegion(t *testing.T) {
	coach := shell(domain.RoleCoach, "/competitors/C-1")
	synced := SyncState{URL: "/competitors/C-1", BackURL: "/competitors/C-1", MayRefresh: true, State: State{Kind: "ok", Text: "Synced"}, LastSyncedAt: now.Add(-12 * time.Minute), NextDueAt: now.Add(18 * time.Minute)}
	doc := render(t, SyncRegion(coach, synced))
	wantEach(t, doc, "#sync > *", "Synced 12 min ago, next by 19:10 Refresh")
	wantAttr(t, doc, "#sync form", "action", "/competitors/C-1/refresh")
	wantAttr(t, doc, "#sync form", "hx-target", "#sync")
	wantAttr(t, doc, "#sync [name=csrf]", "value", "token-1")
	wantAttr(t, doc, "#sync", "hx-trigger", "(none)")
	wantAttr(t, doc, "#sync", "aria-live", "polite")

	refreshing := SyncState{URL: synced.URL, PollURL: "/competitors/C-1?run=r", State: Refreshing, LastSyncedAt: synced.LastSyncedAt}
	doc = render(t, SyncRegion(coach, refreshing))
	wantEach(t, doc, "#sync > *", "Refreshing last synced 12 min ago", "Asked for; it takes its turn and shows here when it is done. <a href=\"/competitors/C-1?run=r\">Look again</a>")
	wantAttr(t, doc, "#sync", "hx-get", "/competitors/C-1?run=r")
	wantAttr(t, doc, "#sync", "hx-trigger", "every 2s")

	refused, done := synced, synced
	refused.Problem = "The results were fetched less than 5 minutes ago. Refresh again in 3 min."
	wantEach(t, render(t, SyncRegion(coach, refused)), "[role=alert]", refused.Problem)
	done.Done, done.DoneKind = "3 new solves.", "ok"
	doc = render(t, SyncRegion(coach, done))
	wantEach(t, doc, "#sync > p", "3 new solves. Show it")
	wantAttr(t, doc, "#sync > p a", "href", "/competitors/C-1")

	never := render(t, SyncRegion(coach, SyncState{State: State{Kind: "wait", Text: "First sync due"}}))
	wantEach(t, never, "#sync > *", "First sync due not synced yet")
}

func TestSolves(t *testing.T) {
	doc := render(t, SolvesRegion(shell(domain.RoleCoach, "/competitors/C-1041"), someCompetitor()))
	wantWords(t, doc, "h2", "14 of 47 solves")
	wantEach(t, doc, "[name=category] option", "All", "Cryptography (14)", "Web (33)")
	wantEach(t, doc, "[name=source] option", "ODL and flash CTF", "ODL", "Flash CTF", "Autumn Qualifier")
	wantAttr(t, doc, "[name=category] option[selected]", "value", "crypto")
	wantAttr(t, doc, "[name=source] option[selected]", "value", "flash")
	wantAttr(t, doc, "[name=sort] option[selected]", "value", "-points")
	wantAttr(t, doc, "[name=from]", "value", "2026-10-01")
	wantAttr(t, doc, "[name=list]", "value", "team=T-1")
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
	coach := shell(domain.RoleCoach, "/")
	d := someCompetitor()
	d.Solves.Rows, d.Solves.Of, d.Solves.Category, d.Solves.CategoryName = nil, 0, "osint", "OSINT"
	doc := render(t, SolvesRegion(coach, d))
	wantEach(t, doc, ".empty > *", "No solve matches", "Amara Nwosu has no solve that fits all of the above at once.", "Show all 47")
	wantAttr(t, doc, "option[selected]", "value", "osint")
	wantAttr(t, doc, ".empty a", "href", "/competitors/C-1041?sort=-points")
	wantAttr(t, doc, "section", "data-say", "0 of 47 solves")
	d.Solves.Of = 14
	doc = render(t, SolvesRegion(coach, d))
	wantEach(t, doc, ".empty > *", "No solve on this page of the list", "The list has changed since the link was made.", "Back to the first page")
	wantAttr(t, doc, ".empty a", "href", "/competitors/C-1041?category=crypto&sort=-points")

	for kind, want := range map[string]string{
		"ok": "nothing to do", "run": "A sync is running", "wait": "The first sync", "off": "is not synced",
		"warn": "stands at the top of this page", "hold": "stands at the top of this page", "bad": "stands at the top of this page",
	} {
		d := Competitor{Name: "Cy", Sync: SyncState{State: State{Kind: kind, Detail: "Why."}}}
		doc := render(t, SolvesRegion(coach, d))
		wantWords(t, doc, "h2", "No solve yet")
		if got := words(doc, ".empty"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", kind, got, want)
		}
	}
	wantWords(t, render(t, SolvesRegion(coach, Competitor{Solves: Solves{Total: 1, Rows: []SolveRow{{}}}})), "h2", "1 solve")
}
