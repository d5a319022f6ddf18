package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
)

// viewerOf is whom a session shows the portal to.
func viewerOf(h *house, hash string) domain.Viewer {
	h.t.Helper()
	s, err := h.s.Accounts().Session(h.t.Context(), hash, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Viewer
}

func TestAnAdminLooksAtThePortalAsACoachAndBack(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "a", "", id, day)
		startSession(h, "other", "", id, day)
		admin := domain.Viewer{UserID: id, Email: "root@quill.example", Name: "root@quill.example", Role: domain.RoleAdmin}
		as := func(coach, name string) domain.Viewer {
			v := admin
			v.Role, v.CoachID, v.CoachName, v.ViewingAs, v.Enrolled = domain.RoleCoach, coach, name, true, true
			return v
		}
		for _, step := range []struct {
			coach string
			code  domain.Code
			want  domain.Viewer
		}{
			{"", "", admin}, // ending what was not begun is nothing
			{"co-a", "", as("co-a", "Coach Amber")},
			{"co-a", "", as("co-a", "Coach Amber")},
			{"co-z", domain.NoSuch, as("co-a", "Coach Amber")},
			{hostile, domain.NoSuch, as("co-a", "Coach Amber")},
			{"co-b", "", as("co-b", "Coach Zebra")},
			{"", "", admin},
			{"", "", admin},
		} {
			if err := h.s.Accounts().ViewAs(t.Context(), "a", step.coach); domain.CodeOf(err) != step.code || (step.code == "") != (err == nil) {
				t.Errorf("%q: %v, want code %q", step.coach, err, step.code)
			}
			if diff := cmp.Diff(step.want, viewerOf(h, "a")); diff != "" {
				t.Errorf("%q (-want +got):\n%s", step.coach, diff)
			}
			if diff := cmp.Diff(admin, viewerOf(h, "other")); diff != "" {
				t.Errorf("%q: the admin's other session (-want +got):\n%s", step.coach, diff)
			}
		}
		h.want("audit", auditQuery, id+"|view_as.begin||coach=co-a|", id+"|view_as.end||coach=co-a|", id+"|view_as.begin||coach=co-b|",
			id+"|view_as.end||coach=co-b|")
	})
}

func TestOnlyAnAdminLooksAtThePortalAsACoach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		startSession(h, "coach", "", addUser(h, "coach@amber.example", domain.RoleCoach), day)
		startSession(h, "product", "", addUser(h, "desk@quill.example", domain.RoleProduct), day)
		for _, hash := range []string{"coach", "product", "none", "", hostile} {
			for _, coach := range []string{"co-b", "co-a", "", "co-z"} {
				if err := h.s.Accounts().ViewAs(t.Context(), hash, coach); domain.CodeOf(err) != domain.Denied {
					t.Errorf("%q as %q: %v", hash, coach, err)
				}
			}
		}
		h.want("nothing was audited", auditQuery)
		// Whatever stands in a session, it makes nobody another coach.
		h.exec(`UPDATE sessions SET viewing_coach_id = 'co-b'`)
		if v := viewerOf(h, "coach"); v.CoachID != "co-a" || v.ViewingAs || v.CoachName != "" {
			t.Errorf("the coach: %+v", v)
		}
		if v := viewerOf(h, "product"); v.Role != domain.RoleProduct || v.CoachID != "" || v.ViewingAs {
			t.Errorf("product staff: %+v", v)
		}
	})
}

func TestAnAdminWhoseCoachIsGoneIsAnAdminAgain(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "a", "", id, day)
		h.exec(`INSERT INTO coaches (coach_id, email, email_key, name, created_at, updated_at) VALUES ('co-c', 'c', 'c', 'Coach C', 0, 0)`)
		if err := h.s.Accounts().ViewAs(t.Context(), "a", "co-c"); err != nil {
			t.Fatal(err)
		}
		if v := viewerOf(h, "a"); v.CoachName != "Coach C" {
			t.Errorf("%+v", v)
		}
		h.exec(`DELETE FROM coaches WHERE coach_id = 'co-c'`)
		if diff := cmp.Diff(domain.Viewer{UserID: id, Email: "root@quill.example", Name: "root@quill.example", Role: domain.RoleAdmin}, viewerOf(h, "a")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := h.s.Accounts().ViewAs(t.Context(), "a", ""); err != nil {
			t.Error(err)
		}
		h.want("audit", auditQuery, id+"|view_as.begin||coach=co-c|", id+"|view_as.end||coach=co-c|")
	})
}

func TestWhatAnAdminSeesAsACoachIsAuditedWithTheCoach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		id := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "a", "", id, day)
		look := func(action string) {
			t.Helper()
			sc := h.s.For(viewerOf(h, "a"))
			if err := sc.Audit(t.Context(), action, "cp-a1", ""); err != nil {
				t.Fatal(err)
			}
		}
		look("before")
		if err := h.s.Accounts().ViewAs(t.Context(), "a", "co-a"); err != nil {
			t.Fatal(err)
		}
		look("during")
		sc := h.s.For(viewerOf(h, "a"))
		requestRefresh(h, sc, "cp-a1")
		if got := idsOf(h, sc, store.CompetitorQuery{}); len(got) != 3 {
			t.Errorf("as the coach of three, %q are seen", got)
		}
		if _, err := sc.Competitor(t.Context(), "cp-b1", h.clock.Now(), time.UTC); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("another coach's: %v", err)
		}
		if err := h.s.Accounts().ViewAs(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		look("after")
		if err := h.coach("co-a").Audit(t.Context(), "the coach", "cp-a1", ""); err != nil { // who is nobody's guest
			t.Fatal(err)
		}
		h.want("audit", auditQuery, id+"|before|cp-a1||", id+"|view_as.begin||coach=co-a|", id+"|during|cp-a1||co-a", id+"|competitor.refresh|cp-a1||co-a",
			id+"|view_as.end||coach=co-a|", id+"|after|cp-a1||", "u-co-a|the coach|cp-a1||")
	})
}

func TestLooksAsTwoCoachesThatBeginAtOnceAreAuditedOneAfterTheOther(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	id := addUser(h, "root@quill.example", domain.RoleAdmin)
	startSession(h, "a", "", id, day)
	as := func(coach string) func(s *store.Store) error {
		return func(s *store.Store) error { return s.Accounts().ViewAs(t.Context(), "a", coach) }
	}
	queue(t, h, "sessions WHERE session_hash = $1", "a", as("co-a"), as("co-b"))
	h.want("audit", auditQuery, id+"|view_as.begin||coach=co-a|", id+"|view_as.end||coach=co-a|", id+"|view_as.begin||coach=co-b|")
}
