package views

import (
	"os"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
)

func someAudit() AuditLog {
	at := time.Date(2026, 11, 19, 17, 4, 0, 0, time.UTC)
	return AuditLog{
		Filter: AuditFilter{
			Action: "competitor.view", As: "K/1", UserText: "a@b.example", Actions: AuditActions([]string{"new.action"}), ClearURL: "/admin/audit",
			Chips: []Chip{{ID: "action", Label: "Action: looked at a competitor", URL: "/admin/audit?as=K%2F1"}, {ID: "as", Label: "Acting as: Halima", URL: "/admin/audit?action=competitor.view"}},
		},
		ExportURL: "/admin/audit.csv?action=competitor.view", NewerURL: "/admin/audit?before=9", OlderURL: "/admin/audit?after=3",
		Rows: []AuditRow{
			{At: at, Who: "Halima <b>Osei</b>", WhoURL: "/admin/audit?user=u1", Action: "competitor.view", Competitor: "Amara Nwosu", CompetitorURL: "/competitors/C-1", AboutURL: "/admin/audit?competitor=C-1"},
			{At: at.AddDate(-1, 0, 0), Who: "u-gone", WhoURL: "/admin/audit?user=u-gone", Action: "unsolved.export", Detail: "csv team=T/1", DetailName: "Salt & Hash", Competitor: "C-gone", AboutURL: "/admin/audit?competitor=C-gone", As: "Halima Osei", AsURL: "/admin/audit?as=K-1"},
			{At: at, Who: "api", WhoURL: "/admin/audit?user=api", Action: "new.action", Detail: "odd=1", As: "K-gone"},
		},
	}
}

func TestAudit(t *testing.T) {
	doc := render(t, AuditPage(shell(domain.RoleAdmin, "/admin/audit"), someAudit()))
	wantEach(t, doc, "tbody tr:nth-child(1) > *", "19 Nov, 17:04", "Halima <b>Osei</b>", "looked at a competitor competitor.view", "Amara Nwosu all entries about Amara Nwosu", "", "")
	wantEach(t, doc, "tbody tr:nth-child(2) > *", "19 Nov 2025, 17:04", "u-gone", "exported what a team has not solved (csv) unsolved.export", "C-gone all entries about C-gone", "Halima Osei", "Salt & Hash")
	wantEach(t, doc, "tbody tr:nth-child(3) > *", "19 Nov, 17:04", "api", "new.action new.action", "", "K-gone", "odd=1")
	wantAttr(t, doc, "tbody tr:nth-child(2) td:last-child a", "href", "/teams/T%2F1")
	wantEach(t, doc, ".foot a", "Newer", "Older")
	wantAttr(t, doc, "#audit", "data-say", "Audit log, newest first, 3 entries")
	wantAttr(t, doc, ".acts a", "href", "/admin/audit.csv?action=competitor.view")
	wantAttr(t, doc, "input#audit-user", "value", "a@b.example")
	wantEach(t, doc, "#audit-action option[selected]", "Looked at a competitor")
	wantEach(t, doc, "#audit-action option:last-child", "new.action")

	doc = render(t, AuditPage(shell(domain.RoleAdmin, "/admin/audit"), AuditLog{}))
	wantEach(t, doc, ".empty h2", "Nothing noted yet")
}

func TestAuditDetailsLeadToWhatTheyName(t *testing.T) {
	for detail, want := range map[string]string{
		"": "", "csv": "", "team=": "", "team=T 1": "/teams/T%201", "csv team=T1": "/teams/T1", "event=a/b": "/events/a%2Fb", "coach=K&1": "/competitors?coach=K%261", "user=u/1": "/admin/users/u%2F1", "odd=1": "", "javascript:alert(1)": "",
	} {
		if got := (AuditRow{Action: "unsolved.export", Detail: detail, DetailName: "X"}).moreURL(); got != want {
			t.Errorf("%q leads to %q, want %q", detail, got, want)
		}
	}
	if got := (AuditRow{Action: "team.view", Detail: "team=gone"}).moreURL(); got != "" {
		t.Errorf("what is gone leads to %q", got)
	}
	for _, c := range []struct{ action, detail, what, more string }{
		{"competitors.export", "xlsx", "exported competitors (xlsx)", ""},
		{"event.export", "event=e1", "exported the results of a flash CTF", "event=e1"},
		{"session.end", "csv", "ended an own session", "csv"},
	} {
		if r := (AuditRow{Action: c.action, Detail: c.detail}); r.what() != c.what || r.more() != c.more {
			t.Errorf("%+v: %q, %q", c, r.what(), r.more())
		}
	}
}

// The page about the log lists every action with its words.
func TestTheAuditsGuideSaysWhatTheTableSays(t *testing.T) {
	page, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range auditWords {
		if row := "| `" + o.Key + "` | " + o.Name + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/audit.md lacks the row\n%s", row)
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(auditWords) {
		t.Errorf("docs/audit.md has %d rows, the table %d", rows, len(auditWords))
	}
}
