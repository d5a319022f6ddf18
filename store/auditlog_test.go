package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// noted writes an entry of a user, minutes after the tests began.
func (h *house) noted(minute int, user, action, competitor, detail, coach string) {
	h.t.Helper()
	h.exec(fmt.Sprintf(`INSERT INTO audit_log (at, user_id, action, competitor_id, detail, viewing_coach_id) VALUES (%d, '%s', '%s', '%s', '%s', '%s')`,
		storetest.Start.Add(time.Duration(minute)*time.Minute).UnixMicro(), user, action, competitor, detail, coach))
}

// auditLines are all entries of a query, read page by page; size is how many a page has.
func (h *house) auditLines(q store.AuditQuery, size int) []string {
	h.t.Helper()
	var lines []string
	for p := (store.Page{Limit: size}); ; {
		list, ends, err := h.admin().AuditPage(h.t.Context(), q, p)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range list {
			lines = append(lines, auditLine(e))
		}
		if len(list) > size || ends.Newer != (p.After != "") || len(lines) > 20_000 {
			h.t.Fatalf("%d entries on a page of %d, %+v", len(list), size, ends)
		}
		if !ends.Older {
			return lines
		}
		p.After = fmt.Sprint(list[len(list)-1].ID)
	}
}

func auditLine(e store.AuditEntry) string {
	at := int(e.At.Sub(storetest.Start) / time.Minute)
	return strings.Join([]string{fmt.Sprint(at), e.UserID, e.UserName, e.UserEmail, e.Action, e.Detail, e.CompetitorID, e.CompetitorName, e.CoachID, e.CoachName, e.DetailName}, "|")
}

// diary is a log with a coach, an admin who looks as the coach, somebody who is gone, and a program.
func (h *house) diary() (coach, admin string) {
	h.t.Helper()
	h.people()
	coach, admin = addUser(h, "coach@amber.example", domain.RoleCoach), addUser(h, "root@flagpole.example", domain.RoleAdmin)
	h.noted(1, coach, "competitor.view", "cp-a1", "", "")
	h.noted(2, admin, "competitors.export", "", "csv", "co-a")
	h.noted(3, "u-gone", "competitor.view", "cp-gone", "", "co-gone")
	h.noted(4, "api", "sync.all", "", "", "")
	h.noted(4, admin, "competitor.view", "cp-a1", "", "co-a") // at the same moment
	return coach, admin
}

func TestNoAuditEntryCanBeChangedOrDeleted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.noted(1, "u1", "a", "", "", "")
		statements := []string{
			`UPDATE audit_log SET user_id = 'u2'`, `UPDATE audit_log SET audit_id = DEFAULT`, `DELETE FROM audit_log`, `DELETE FROM audit_log WHERE at < 9000000000000000`, `TRUNCATE audit_log`,
		}
		if h.kind == "sqlite" {
			statements = []string{
				`UPDATE audit_log SET user_id = 'u2'`, `UPDATE OR REPLACE audit_log SET audit_id = 7`, `DELETE FROM audit_log`, `DELETE FROM audit_log WHERE at < 9000000000000000`,
				`INSERT OR REPLACE INTO audit_log (audit_id, at, user_id, action) VALUES (1, 0, 'u2', 'b')`,
				`INSERT INTO audit_log (audit_id, at, user_id, action) VALUES (1, 0, 'u2', 'b') ON CONFLICT (audit_id) DO UPDATE SET user_id = 'u2'`,
			}
		}
		for _, statement := range statements {
			if _, err := h.raw.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "the audit log is append only") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		h.noted(2, "u1", "b", "", "", "")
		h.want("log", `SELECT user_id, action FROM audit_log ORDER BY audit_id`, "u1|a", "u1|b")
	})
}

func TestTheAuditLogNamesWhomItCan(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		coach, admin := h.diary()
		name := h.lines(`SELECT first_name || ' ' || last_name FROM competitors WHERE competitor_id = 'cp-a1'`)[0]
		want := []string{
			"4|" + admin + "||root@flagpole.example|competitor.view||cp-a1|" + name + "|co-a|" + h.coachName("co-a") + "|",
			"4|api|||sync.all||||||",
			"3|u-gone|||competitor.view||cp-gone||co-gone||",
			"2|" + admin + "||root@flagpole.example|competitors.export|csv|||co-a|" + h.coachName("co-a") + "|",
			"1|" + coach + "|" + h.coachName("co-a") + "|coach@amber.example|competitor.view||cp-a1|" + name + "|||",
		}
		for _, size := range []int{1, 2, 5, 50} {
			if diff := cmp.Diff(want, h.auditLines(store.AuditQuery{}, size)); diff != "" {
				t.Errorf("%d a page (-want +got):\n%s", size, diff)
			}
		}
		var exported []string
		if err := h.admin().EachAudit(t.Context(), store.AuditQuery{}, func(e store.AuditEntry) error { exported = append(exported, auditLine(e)); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, exported); diff != "" {
			t.Errorf("export (-want +got):\n%s", diff)
		}
	})
}

func TestTheAuditLogNamesWhatDetailsName(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		bothCoaches(h)
		team, event := h.lines(`SELECT name FROM teams WHERE team_id = 't-a1'`)[0], eventOf("Amber")
		for detail, want := range map[string]string{
			"coach=co-a": h.coachName("co-a"), "team=t-a1": team, "csv team=t-a1": team, "event=" + event: "Amber",
			"": "", "csv": "", "team=": "", "team=co-a": "", "coach=t-a1": "", "event=gone": "", "xlsx team=t-a1": "", "coach=%": "",
		} {
			h.noted(1, "u1", "a", "", detail, "")
			list, _, err := h.admin().AuditPage(t.Context(), store.AuditQuery{}, store.Page{Limit: 1})
			if err != nil || len(list) != 1 || list[0].Detail != detail || list[0].DetailName != want {
				t.Errorf("%q: %+v, %v; want %q", detail, list, err, want)
			}
		}
	})
}

func (h *house) coachName(id string) string {
	h.t.Helper()
	return h.lines(`SELECT name FROM coaches WHERE coach_id = '` + id + `'`)[0]
}

func TestTheAuditLogIsNarrowed(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		coach, admin := h.diary()
		at := func(minute int) time.Time { return storetest.Start.Add(time.Duration(minute) * time.Minute) }
		for _, c := range []struct {
			name string
			q    store.AuditQuery
			want []int // minutes
		}{
			{"user", store.AuditQuery{UserID: admin}, []int{4, 2}},
			{"program", store.AuditQuery{UserID: "api"}, []int{4}},
			{"action", store.AuditQuery{Action: "competitor.view"}, []int{4, 3, 1}},
			{"competitor", store.AuditQuery{CompetitorID: "cp-a1"}, []int{4, 1}},
			{"competitor who is gone", store.AuditQuery{CompetitorID: "cp-gone"}, []int{3}},
			{"looking as", store.AuditQuery{CoachID: "co-a"}, []int{4, 2}},
			{"from", store.AuditQuery{From: at(3)}, []int{4, 4, 3}},
			{"until", store.AuditQuery{Until: at(3)}, []int{2, 1}},
			{"from and until", store.AuditQuery{From: at(2), Until: at(4)}, []int{3, 2}},
			{"all at once", store.AuditQuery{From: at(4), Until: at(5), UserID: admin, Action: "competitor.view", CompetitorID: "cp-a1", CoachID: "co-a"}, []int{4}},
			{"nothing", store.AuditQuery{UserID: coach, CoachID: "co-a"}, nil},
			{"hostile", store.AuditQuery{UserID: "\x00' OR 1=1 --\xff", Action: "'", CompetitorID: "\xff", CoachID: "%"}, nil},
		} {
			for _, size := range []int{1, 50} {
				var got []int
				for _, line := range h.auditLines(c.q, size) {
					var minute int
					_, _ = fmt.Sscan(strings.ReplaceAll(line, "|", " "), &minute)
					got = append(got, minute)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s, %d a page: %v, want %v", c.name, size, got, c.want)
				}
			}
		}
	})
}

func TestTheAuditLogIsReadBackwards(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for i := range 7 {
			h.noted(i, "u1", "a", "", "", "")
		}
		page := func(p store.Page) (minutes []int, first, last string, ends store.Ends) {
			list, ends, err := h.admin().AuditPage(t.Context(), store.AuditQuery{Action: "a"}, p)
			if err != nil || len(list) == 0 {
				t.Fatalf("%+v: %d entries, %v", p, len(list), err)
			}
			for _, e := range list {
				minutes = append(minutes, int(e.At.Sub(storetest.Start)/time.Minute))
			}
			return minutes, fmt.Sprint(list[0].ID), fmt.Sprint(list[len(list)-1].ID), ends
		}
		_, _, last, _ := page(store.Page{Limit: 3})
		_, _, last, _ = page(store.Page{After: last, Limit: 3})
		got, first, _, ends := page(store.Page{After: last, Limit: 3})
		if !slices.Equal(got, []int{0}) || ends != (store.Ends{Newer: true}) {
			t.Errorf("last page %v, %+v", got, ends)
		}
		got, first, _, ends = page(store.Page{Before: first, Limit: 3})
		if !slices.Equal(got, []int{3, 2, 1}) || ends != (store.Ends{Newer: true, Older: true}) {
			t.Errorf("the one before %v, %+v", got, ends)
		}
		got, _, _, ends = page(store.Page{Before: first, Limit: 3})
		if !slices.Equal(got, []int{6, 5, 4}) || ends != (store.Ends{Older: true}) {
			t.Errorf("the first %v, %+v", got, ends)
		}
		for _, cursor := range []string{"404", "x", "1 OR 1=1", "-1", "99999999999999999999"} {
			for _, p := range []store.Page{{After: cursor, Limit: 3}, {Before: cursor, Limit: 3}} {
				if _, _, err := h.admin().AuditPage(t.Context(), store.AuditQuery{}, p); domain.CodeOf(err) != domain.Invalid {
					t.Errorf("%+v: %v", p, err)
				}
			}
		}
	})
}

func TestTheAuditLogIsForThoseWhoMayView(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.diary()
		looking := domain.Viewer{UserID: "u3", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true, ViewingAs: true}
		refused := 0
		for _, v := range append(slices.Clone(viewers), struct {
			name         string
			viewer       domain.Viewer
			amber, zebra bool
			sync         bool
		}{name: "admin who looks as a coach", viewer: looking}) {
			sc := h.s.For(v.viewer)
			list, ends, err1 := sc.AuditPage(t.Context(), store.AuditQuery{}, store.Page{Limit: 50})
			exported, err2 := all(func(fn func(store.AuditEntry) error) error { return sc.EachAudit(t.Context(), store.AuditQuery{}, fn) })
			users, err3 := sc.AuditUsers(t.Context(), 50)
			actions, err4 := sc.AuditActions(t.Context())
			user, err5 := sc.AuditUser(t.Context(), "api")
			n := []int{len(list), len(exported), len(users), len(actions)}
			if v.viewer.May(domain.MayView) {
				if !slices.Equal(n, []int{5, 5, 4, 3}) || user.Name != "api" {
					t.Errorf("%s: %v, %+v", v.name, n, user)
				}
				continue
			}
			refused++
			for i, err := range []error{err1, err2, err3, err4, err5} {
				if domain.CodeOf(err) != domain.Denied {
					t.Errorf("%s, %d: %v, want a refusal", v.name, i, err)
				}
			}
			if !slices.Equal(n, []int{0, 0, 0, 0}) || ends != (store.Ends{}) || user != (store.Choice{}) {
				t.Errorf("%s: %v %+v", v.name, n, user)
			}
		}
		if refused != len(viewers) {
			t.Errorf("%d are refused", refused)
		}
	})
}

func TestTheAuditLogsChoices(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		if users, err := h.admin().AuditUsers(t.Context(), 50); err != nil || len(users) != 0 {
			t.Errorf("of an empty log: %v, %v", users, err)
		}
		coach, admin := h.diary()
		users, err := h.admin().AuditUsers(t.Context(), 4)
		want := []store.Choice{{ID: coach, Name: h.coachName("co-a")}, {ID: "api", Name: "api"}, {ID: admin, Name: "root@flagpole.example"}, {ID: "u-gone", Name: "u-gone"}}
		slices.SortFunc(want, func(a, b store.Choice) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
		if diff := cmp.Diff(want, users); diff != "" || err != nil {
			t.Errorf("users (-want +got):\n%s%v", diff, err)
		}
		if users, err := h.admin().AuditUsers(t.Context(), 3); err != nil || len(users) != 0 {
			t.Errorf("more than are listed: %v, %v", users, err)
		}
		actions, err := h.admin().AuditActions(t.Context())
		if diff := cmp.Diff([]string{"competitor.view", "competitors.export", "sync.all"}, actions); diff != "" || err != nil {
			t.Errorf("actions (-want +got):\n%s%v", diff, err)
		}
		for text, want := range map[string]store.Choice{
			admin: {ID: admin, Name: "root@flagpole.example"}, " ROOT@flagpole.example": {ID: admin, Name: "root@flagpole.example"},
			coach: {ID: coach, Name: h.coachName("co-a")}, "u-gone": {ID: "u-gone", Name: "u-gone"}, "api": {ID: "api", Name: "api"},
		} {
			if got, err := h.admin().AuditUser(t.Context(), text); err != nil || got != want {
				t.Errorf("%q: %+v, %v", text, got, err)
			}
		}
		for _, text := range []string{"", "nobody", "\x00\xff", "cp-a1"} {
			if got, err := h.admin().AuditUser(t.Context(), text); domain.CodeOf(err) != domain.NoSuch {
				t.Errorf("%q: %+v, %v", text, got, err)
			}
		}
	})
}

// Nothing is left out of a long log, on its pages or in its export.
func TestALongAuditLog(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const entries = 10_001
		h.exec(fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO audit_log (at, user_id, action, competitor_id, viewing_coach_id)
			SELECT %d + i / 3, 'u' || (i %% 50), 'a' || (i %% 7), 'cp' || (i %% 900), CASE WHEN i %% 100 = 0 THEN 'co-a' ELSE '' END FROM n`, entries, storetest.Start.UnixMicro()))
		h.exec("ANALYZE")
		n := 0
		var before store.AuditEntry
		err := h.admin().EachAudit(t.Context(), store.AuditQuery{}, func(e store.AuditEntry) error {
			if n++; n > 1 && (e.At.After(before.At) || e.ID >= before.ID) {
				t.Fatalf("%d after %d", e.ID, before.ID)
			}
			before = e
			return nil
		})
		if err != nil || n != entries {
			t.Errorf("%d entries exported, %v", n, err)
		}
		seen := map[string]bool{}
		for p := (store.Page{Limit: 100}); ; {
			list, ends, err := h.admin().AuditPage(t.Context(), store.AuditQuery{}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				seen[fmt.Sprint(e.ID)] = true
			}
			if !ends.Older {
				break
			}
			p.After = fmt.Sprint(list[len(list)-1].ID)
		}
		if len(seen) != entries {
			t.Errorf("%d entries on all pages", len(seen))
		}
		for name, q := range map[string]store.AuditQuery{"user": {UserID: "u7"}, "action": {Action: "a3"}, "competitor": {CompetitorID: "cp7"}, "coach": {CoachID: "co-a"}} {
			if n := len(h.auditLines(q, 50)); n < 10 || n > 2000 {
				t.Errorf("%s: %d entries", name, n)
			}
		}
	})
}

// auditProbes read the log, which names everybody and is refused to all but admins.
func auditProbes() []probe {
	code := func(call func(h *house, sc *store.Scope) error) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			want := domain.Denied
			if sc.Viewer().Role == domain.RoleAdmin {
				want = ""
			}
			if got := domain.CodeOf(call(h, sc)); got != want {
				h.t.Errorf("%+v: the code is %q, want %q", sc.Viewer(), got, want)
			}
			return nil, nil
		}
	}
	return []probe{
		{"AuditPage", "", code(func(h *house, sc *store.Scope) error {
			_, _, err := sc.AuditPage(h.t.Context(), store.AuditQuery{}, store.Page{Limit: 9})
			return err
		}), nobody, "", nobody},
		{"EachAudit", "", code(func(h *house, sc *store.Scope) error {
			return sc.EachAudit(h.t.Context(), store.AuditQuery{}, func(store.AuditEntry) error { return nil })
		}), nobody, "", nobody},
		{"AuditUsers", "", code(func(h *house, sc *store.Scope) error { _, err := sc.AuditUsers(h.t.Context(), 9); return err }), nobody, "", nobody},
		{"AuditActions", "", code(func(h *house, sc *store.Scope) error { _, err := sc.AuditActions(h.t.Context()); return err }), nobody, "", nobody},
		{"AuditUser", "", code(func(h *house, sc *store.Scope) error { _, err := sc.AuditUser(h.t.Context(), "u1"); return err }), nobody, "", nobody},
	}
}
