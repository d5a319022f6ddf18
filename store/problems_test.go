package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
)

// report has a coach report a problem just now.
func (h *house) report(coach, page, text string) int64 {
	h.t.Helper()
	id, err := h.coach(coach).ReportProblem(h.t.Context(), store.ProblemReport{Page: page, AsOf: h.clock.Now(), Text: text})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// problems has each coach report one, with the own people's name in it; both are answered.
func problems(h *house) {
	h.t.Helper()
	for coach, text := range map[string]string{"co-a": "Amber", "co-b": "Zebra"} {
		id := h.report(coach, "/competitors/"+text, "About "+text)
		if err := h.admin().AnswerProblem(h.t.Context(), id, h.seen(id), "Thanks for "+text); err != nil {
			h.t.Fatal(err)
		}
	}
}

// seen is the version of a report.
func (h *house) seen(id int64) int64 {
	h.t.Helper()
	p, err := h.admin().Problem(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return p.Seen
}

// problemTexts are what a report says of people. Product staff know coaches by name, so that is left out.
func problemTexts(p store.Problem) string {
	return strings.Join([]string{p.Page, p.Text, p.Answer}, "|")
}

func problemProbes() []probe {
	one := func(coach string) func(*house, *store.Scope) (any, error) {
		return func(h *house, sc *store.Scope) (any, error) {
			var id int64
			if _, err := fmt.Sscan(h.lines(`SELECT MIN(report_id) FROM problem_reports WHERE coach_id = '` + coach + `'`)[0], &id); err != nil {
				h.t.Fatal(err)
			}
			p, err := sc.Problem(h.t.Context(), id)
			if sc.Viewer().Role == domain.RoleProduct { // sees that there is one
				if err != nil || p.CoachID != coach || p.Kind != domain.PageCompetitor || problemTexts(p) != "||" {
					h.t.Errorf("product staff get %+v, %v", p, err)
				}
				return nil, domain.Errorf(domain.NoSuch, "nothing to read")
			}
			return problemTexts(p), err
		}
	}
	return []probe{
		{"Problems", "", func(h *house, sc *store.Scope) (any, error) {
			list, err := sc.Problems(h.t.Context(), "", 0, 9)
			if staff := sc.Viewer().Role == domain.RoleAdmin || sc.Viewer().Role == domain.RoleProduct; staff != (list.LastWeek > 0) || staff && len(list.Rows) < 2 {
				h.t.Errorf("Problems as %+v gives %d, and counts %d", sc.Viewer(), len(list.Rows), list.LastWeek)
			}
			var texts []string
			for _, p := range list.Rows {
				texts = append(texts, problemTexts(p))
			}
			return texts, err
		}, everybody, "", everybody},
		{"Problem", "of the ambers' coach", one("co-a"), anAmber, domain.NoSuch, anAmber},
		{"Problem", "of the zebras' coach", one("co-b"), aZebra, domain.NoSuch, aZebra},
		{"Problem", "one that does not exist", func(h *house, sc *store.Scope) (any, error) {
			_, err := sc.Problem(h.t.Context(), 1<<40)
			return nil, err
		}, nobody, domain.NoSuch, nobody},
		{"ReportProblem", "", func(h *house, sc *store.Scope) (any, error) {
			v := sc.Viewer()
			_, err := sc.ReportProblem(h.t.Context(), store.ProblemReport{Page: "/", AsOf: h.clock.Now(), Text: "x"})
			if denied := domain.CodeOf(err) == domain.Denied; denied == (v.Role == domain.RoleCoach && v.CoachID != "" && v.Enrolled) {
				h.t.Errorf("ReportProblem as %+v: %v", v, err)
			}
			return nil, nil
		}, nobody, "", nobody},
		forAdmins("AnswerProblem", func(h *house, sc *store.Scope) error { return sc.AnswerProblem(h.t.Context(), 1<<40, 0, "x") }),
		forAdmins("CloseProblem", func(h *house, sc *store.Scope) error { return sc.CloseProblem(h.t.Context(), 1<<40, 0) }),
		forAdmins("ReopenProblem", func(h *house, sc *store.Scope) error { return sc.ReopenProblem(h.t.Context(), 1<<40, 0) }),
	}
}

func wantProblemCode(t *testing.T, what string, err error, code domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != code || (code == "") != (err == nil) {
		t.Errorf("%s: %v, want code %q", what, err, code)
	}
}

func TestAProblemIsStoredAnsweredClosedAndReopened(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.exec(`INSERT INTO users (user_id, email, email_key, role, password_hash, created_at) VALUES ('u-admin', 'devan@flagpole.example', 'devan@flagpole.example', 'admin', '', 0)`)
		asOf := h.clock.Now().Add(-time.Hour)
		id, err := h.coach("co-a").ReportProblem(t.Context(), store.ProblemReport{Page: "/competitors/cp-a1", AsOf: asOf, Text: " First\r\nsecond "})
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.coach("co-a").Problem(t.Context(), id)
		want := store.Problem{ID: id, CoachID: "co-a", CoachName: "Coach Amber", Kind: domain.PageCompetitor, Page: "/competitors/cp-a1", Text: "First\nsecond",
			AsOf: asOf, ReportedAt: h.clock.Now(), State: domain.ProblemOpen, Seen: h.clock.Now().UnixMicro()}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		admin, ctx := h.admin(), t.Context()
		step := func(what string, err error, state string) {
			t.Helper()
			wantProblemCode(t, what, err, "")
			h.want(what, `SELECT state, answer, closed_at IS NOT NULL FROM problem_reports`, state)
		}
		step("answered", admin.AnswerProblem(ctx, id, h.seen(id), "It comes\r\ntonight."), "answered|It comes\ntonight.|0")
		step("answered again", admin.AnswerProblem(ctx, id, h.seen(id), "It came."), "answered|It came.|0")
		step("closed", admin.CloseProblem(ctx, id, h.seen(id)), "closed|It came.|1")
		wantProblemCode(t, "answer to a closed one", admin.AnswerProblem(ctx, id, h.seen(id), "x"), domain.Clash)
		wantProblemCode(t, "closing a closed one", admin.CloseProblem(ctx, id, h.seen(id)), domain.Clash)
		step("reopened", admin.ReopenProblem(ctx, id, h.seen(id)), "open|It came.|0")
		wantProblemCode(t, "reopening an open one", admin.ReopenProblem(ctx, id, h.seen(id)), domain.Clash)
		for _, text := range []string{"", " \r\n\t", strings.Repeat("ü", domain.MaxProblemText+1)} {
			wantProblemCode(t, "a wrong answer", admin.AnswerProblem(ctx, id, h.seen(id), text), domain.Invalid)
		}
		whole, err := admin.Problem(ctx, id)
		if err != nil || whole.AnsweredBy != "devan" || whole.AnsweredAt.IsZero() {
			t.Errorf("%+v, %v", whole, err)
		}
		if own, err := h.coach("co-a").Problem(ctx, id); err != nil || own.AnsweredBy != "" || own.Answer != "It came." {
			t.Errorf("a coach reads %+v, %v", own, err)
		}
		detail := fmt.Sprintf("problem=%d", id)
		h.want("audit without texts", `SELECT user_id, action, competitor_id, detail FROM audit_log WHERE action LIKE 'problem.%' ORDER BY audit_id`,
			"u-co-a|problem.report||"+detail, "u-admin|problem.answer||"+detail, "u-admin|problem.answer||"+detail, "u-admin|problem.close||"+detail, "u-admin|problem.reopen||"+detail)
	})
}

func TestTheSecondOfTwoAdminsIsToldOfAProblem(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id := h.report("co-a", "/teams", "x")
		seen := h.seen(id) // both have opened it, and the clock stands still
		wantProblemCode(t, "the first", h.admin().AnswerProblem(t.Context(), id, seen, "first"), "")
		for name, err := range map[string]error{
			"answer": h.admin().AnswerProblem(t.Context(), id, seen, "second"), "close": h.admin().CloseProblem(t.Context(), id, seen), "reopen": h.admin().ReopenProblem(t.Context(), id, seen),
		} {
			wantProblemCode(t, name, err, domain.Clash)
		}
		h.want("the first one's", `SELECT state, answer FROM problem_reports`, "answered|first")

		for range 10 {
			seen := h.seen(id)
			var wait sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				wait.Go(func() { errs[i] = h.admin().AnswerProblem(t.Context(), id, seen, fmt.Sprint(i)) })
			}
			wait.Wait()
			done := 0
			for _, err := range errs {
				if err == nil {
					done++
				} else if domain.CodeOf(err) != domain.Clash {
					t.Error(err)
				}
			}
			if done != 1 {
				t.Errorf("%d of %d at once were done", done, len(errs))
			}
		}
	})
}

func TestProblemTextsHaveLimits(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		for text, code := range map[string]domain.Code{
			"": domain.Invalid, " \r\n ": domain.Invalid, strings.Repeat("ü", 2001): domain.Invalid, strings.Repeat("👍", 2000): "",
			strings.Repeat("a\r\n", 999) + "ab": "", strings.Repeat("a\r\n", 999) + "abc": domain.Invalid, // a line's end is one character
			"nul\x00 and \xff": "", "'; DROP TABLE problem_reports; --": "",
		} {
			_, err := h.coach("co-a").ReportProblem(t.Context(), store.ProblemReport{Page: "/", AsOf: h.clock.Now(), Text: text})
			wantProblemCode(t, fmt.Sprintf("%.20q", text), err, code)
		}
		h.want("stored", `SELECT COUNT(*) FROM problem_reports`, "4")
		looking := domain.Viewer{UserID: "u", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true, ViewingAs: true}
		_, err := h.s.For(looking).ReportProblem(t.Context(), store.ProblemReport{Page: "/", AsOf: h.clock.Now(), Text: "x"})
		wantProblemCode(t, "while looking as the coach", err, domain.Denied)
	})
}

func TestACoachReportsTwentyProblemsAnHour(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		report := func(coach string) error {
			_, err := h.coach(coach).ReportProblem(t.Context(), store.ProblemReport{Page: "/", AsOf: h.clock.Now(), Text: "x"})
			return err
		}
		var wait sync.WaitGroup
		errs := make([]error, 24)
		for i := range errs { // at once: they are counted one after the other
			wait.Go(func() { errs[i] = report("co-a") })
		}
		wait.Wait()
		refused := 0
		for _, err := range errs {
			if domain.CodeOf(err) == domain.Throttled {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if refused != 4 {
			t.Errorf("%d of 24 were refused", refused)
		}
		wantProblemCode(t, "another coach", report("co-b"), "")
		h.clock.Advance(time.Hour - time.Minute)
		wantProblemCode(t, "within the hour", report("co-a"), domain.Throttled)
		h.clock.Advance(time.Minute)
		wantProblemCode(t, "after an hour", report("co-a"), "")
	})
}

func TestProblemsArePagedFilteredAndCounted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		var ids []int64
		for i := range 7 {
			ids = append([]int64{h.report([]string{"co-a", "co-b"}[i%2], "/teams", fmt.Sprint(i))}, ids...)
			h.clock.Advance(24 * time.Hour)
		}
		admin := h.admin()
		if err := admin.CloseProblem(t.Context(), ids[1], h.seen(ids[1])); err != nil {
			t.Fatal(err)
		}
		list := func(sc *store.Scope, state domain.ProblemState, before int64, limit int) (got []int64, l store.ProblemList) {
			t.Helper()
			l, err := sc.Problems(t.Context(), state, before, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range l.Rows {
				got = append(got, p.ID)
			}
			return got, l
		}
		same := func(what string, got, want []int64) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		got, l := list(admin, "", 0, 3)
		same("first page", got, ids[:3])
		if !l.More || l.Open != 6 || l.LastWeek != 7 { // the oldest is 7 days old to the second
			t.Errorf("more %v, %d open, %d in a week", l.More, l.Open, l.LastWeek)
		}
		got, l = list(admin, "", ids[2], 4)
		same("last page", got, ids[3:])
		if l.More {
			t.Error("there is more after the last page")
		}
		got, _ = list(admin, domain.ProblemOpen, ids[0], 2)
		same("open ones", got, ids[2:4])
		got, _ = list(admin, domain.ProblemClosed, 0, 9)
		same("closed ones", got, ids[1:2])
		got, l = list(h.coach("co-b"), "", 0, 9)
		same("own ones", got, []int64{ids[1], ids[3], ids[5]})
		if l.Open != 0 || l.LastWeek != 0 {
			t.Errorf("a coach reads the counts of all: %+v", l)
		}
		h.clock.Advance(time.Second)
		if _, l = list(admin, "", 0, 1); l.LastWeek != 6 {
			t.Errorf("%d in the last 7 days", l.LastWeek)
		}
	})
}

func TestStaffSessionsCountOpenProblems(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.report("co-a", "/", "x")
		for email, want := range map[string]int{"coach@amber.example": 0, "a@flagpole.example": 1, "p@flagpole.example": 1} {
			role := map[byte]domain.Role{'c': domain.RoleCoach, 'a': domain.RoleAdmin, 'p': domain.RoleProduct}[email[0]]
			startSession(h, email, "", addUser(h, email, role), day)
			s, err := h.s.Accounts().Session(t.Context(), email, day)
			if err != nil || s.Viewer.OpenProblems != want {
				t.Errorf("%s: %d open, %v", email, s.Viewer.OpenProblems, err)
			}
		}
	})
}

// Reports about somebody's page go with the person, reports about other pages stay.
func TestDeletingAPersonDeletesTheReportsAboutThePage(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.report("co-a", "/competitors/cp-a1", "about cp-a1")
		h.report("co-a", "/competitors/cp-a2", "about cp-a2")
		h.report("co-a", "/competitors", "about the list")
		if _, err := h.admin().ErasePerson(t.Context(), "cp-a1"); err != nil {
			t.Fatal(err)
		}
		h.want("left", `SELECT text FROM problem_reports ORDER BY report_id`, "about cp-a2", "about the list")
	})
}
