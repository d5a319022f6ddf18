package store_test

import (
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

// logins are three users: two admins and a coach, the admin of the tests among them.
func logins(h *house) {
	h.t.Helper()
	h.people()
	h.exec(`INSERT INTO users (user_id, email, email_key, role, coach_id, password_hash, created_at) VALUES
		('u-admin', 'Me@flagpole.example', 'me@flagpole.example', 'admin', NULL, 'x', 0),
		('u-2', 'other@flagpole.example', 'other@flagpole.example', 'admin', NULL, 'x', 0),
		('u-3', 'coach@amber.example', 'coach@amber.example', 'coach', 'co-a', 'x', 0)`)
	h.exec(`INSERT INTO sessions (session_hash, user_id, created_at, last_used_at, expires_at) VALUES ('s2', 'u-2', 0, 0, 9000000000000000), ('s3', 'u-3', 0, 0, 9000000000000000)`)
}

func TestALinkIsForOneUserOnceAndForItsTime(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		logins(h)
		a := h.s.Accounts()
		link := store.Link{Hash: "hash-1", Until: h.clock.Now().Add(time.Hour)}
		id, err := h.admin().InviteUser(t.Context(), " new@flagpole.example ", domain.RoleProduct, "", link)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := h.admin().User(t.Context(), id); err != nil || u.State != store.UserInvited || u.LinkUntil != link.Until || u.Email != "new@flagpole.example" {
			t.Errorf("%+v, %v", u, err)
		}
		if _, err := a.AcceptInvitation(t.Context(), "hash-2", "stored"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("another hash: %v", err)
		}
		if got, err := a.AcceptInvitation(t.Context(), "hash-1", "stored"); err != nil || got != id {
			t.Fatal(got, err)
		}
		if _, err := a.AcceptInvitation(t.Context(), "hash-1", "again"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("a second time: %v", err)
		}
		h.want("the password", `SELECT password_hash FROM users WHERE user_id = '`+id+`'`, "stored")

		later := store.Link{Hash: "hash-3", Until: h.clock.Now().Add(time.Hour)}
		if err := h.admin().ResetUser(t.Context(), id, later); err != nil {
			t.Fatal(err)
		}
		h.want("no password", `SELECT password_hash FROM users WHERE user_id = '`+id+`'`, "")
		h.clock.Advance(time.Hour)
		if _, err := a.Invited(t.Context(), "hash-3"); domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestWhoIsInvitedMustFit(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		logins(h)
		for name, c := range map[string]struct {
			email string
			role  domain.Role
			coach string
			want  domain.Code
		}{
			"taken, spelt otherwise": {"ME@flagpole.example", domain.RoleAdmin, "", domain.Clash},
			"no email":               {"me", domain.RoleAdmin, "", domain.Invalid},
			"no role":                {"a@flagpole.example", "root", "", domain.Invalid},
			"a coach of nobody":      {"a@flagpole.example", domain.RoleCoach, "", domain.Invalid},
			"an admin of a coach":    {"a@flagpole.example", domain.RoleAdmin, "co-a", domain.Invalid},
			"no such coach":          {"a@flagpole.example", domain.RoleCoach, "co-z", domain.NoSuch},
		} {
			_, err := h.admin().InviteUser(t.Context(), c.email, c.role, c.coach, store.Link{Hash: name})
			if domain.CodeOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.want("nobody came", `SELECT COUNT(*) FROM users`, "3")
	})
}

func TestNobodyLocksThemselvesOrTheLastAdminOut(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		logins(h)
		changes := func(sc *store.Scope, id string) []error {
			return []error{sc.SetUserDisabled(t.Context(), id, true), sc.SetUserRole(t.Context(), id, domain.RoleProduct, ""), sc.ResetUser(t.Context(), id, store.Link{Hash: "h"})}
		}
		for i, err := range changes(h.admin(), "u-admin") {
			if domain.CodeOf(err) != domain.Clash {
				t.Errorf("to oneself, %d: %v", i, err)
			}
		}
		if err := h.admin().SetUserDisabled(t.Context(), "u-2", true); err != nil {
			t.Fatal(err)
		}
		command := h.s.For(domain.Viewer{UserID: "command", Role: domain.RoleAdmin})
		for i, err := range changes(command, "u-admin") {
			if domain.CodeOf(err) != domain.Clash {
				t.Errorf("the last admin, %d: %v", i, err)
			}
		}
		h.want("admins", `SELECT user_id FROM users WHERE role = 'admin' AND disabled_at IS NULL AND password_hash <> ''`, "u-admin")
	})
}

func TestADisabledOrChangedUserIsOutAtOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		logins(h)
		if err := h.admin().SetUserRole(t.Context(), "u-2", domain.RoleCoach, "co-b"); err != nil {
			t.Fatal(err)
		}
		h.want("role", `SELECT role, coach_id FROM users WHERE user_id = 'u-2'`, "coach|co-b")
		h.want("sessions", `SELECT session_hash FROM sessions`, "s3")
		if err := h.admin().SetUserDisabled(t.Context(), "u-3", true); err != nil {
			t.Fatal(err)
		}
		h.want("no session", `SELECT COUNT(*) FROM sessions`, "0")
		list, _, err := h.admin().UsersPage(t.Context(), store.UserQuery{Search: "amber", State: store.UserDisabled}, store.Page{Limit: 9})
		if err != nil || len(list) != 1 || list[0].CoachName != "Coach Amber" || list[0].State != store.UserDisabled {
			t.Errorf("%+v, %v", list, err)
		}
		h.want("audit", `SELECT action, detail FROM audit_log WHERE action LIKE 'user.%' ORDER BY audit_id`, "user.role|user=u-2", "user.disable|user=u-3")
	})
}

func TestWhoAcceptsAnInvitationAndWhoResetsTheUserDoNotDeadlock(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	h.people()
	until := h.clock.Now().Add(day)
	id, err := h.admin().InviteUser(t.Context(), "new@quill.example", domain.RoleProduct, "", store.Link{Hash: "first", Until: until})
	if err != nil {
		t.Fatal(err)
	}
	queue(t, h, "invitations WHERE user_id = $1", id,
		func(s *store.Store) error {
			_, err := s.Accounts().AcceptInvitation(t.Context(), "first", "chosen")
			return err
		},
		func(s *store.Store) error {
			return s.For(domain.Viewer{UserID: "u-admin", Role: domain.RoleAdmin}).ResetUser(t.Context(), id, store.Link{Hash: "second", Until: until})
		})
	h.want("who comes second wins", `SELECT u.password_hash, i.token_hash FROM users u LEFT JOIN invitations i ON i.user_id = u.user_id WHERE u.user_id = '`+id+`'`, "|second")
}

func TestRecoveryCodesThatAreRenewedTwiceAtOnceAreOneSet(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	id := addUser(h, "root@quill.example", domain.RoleAdmin)
	renew := func(codes ...string) func(s *store.Store) error {
		return func(s *store.Store) error { return s.Accounts().RenewCodes(t.Context(), id, codes) }
	}
	if err := renew("a1", "a2")(h.s); err != nil {
		t.Fatal(err)
	}
	queue(t, h, "recovery_codes WHERE code_hash = $1", "a1", renew("b1", "b2"), renew("c1", "c2"))
	h.want("codes", `SELECT code_hash FROM recovery_codes ORDER BY 1`, "c1", "c2")
}
