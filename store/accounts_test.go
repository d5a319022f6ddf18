package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

const day = 24 * time.Hour

// addUser adds a user and returns the id.
func addUser(h *house, email string, role domain.Role) string {
	h.t.Helper()
	id, err := h.s.Accounts().AddUser(h.t.Context(), email, role, "hash of "+email)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// proofOf is by what a user signs in now.
func proofOf(h *house, user string) store.Proof {
	h.t.Helper()
	return store.Proof{UserID: user, Password: h.lines(`SELECT password_hash FROM users WHERE user_id = '` + user + `'`)[0]}
}

func startSession(h *house, hash, replaces, user string, lasts time.Duration) {
	h.t.Helper()
	if err := h.s.Accounts().StartSession(h.t.Context(), hash, replaces, proofOf(h, user), h.clock.Now().Add(lasts)); err != nil {
		h.t.Fatal(err)
	}
}

// live reports whether a session is, when it ends after an hour without use.
func live(h *house, hash string) bool {
	h.t.Helper()
	_, err := h.s.Accounts().Session(h.t.Context(), hash, time.Hour)
	if err != nil && domain.CodeOf(err) != domain.NoSuch {
		h.t.Fatal(err)
	}
	return err == nil
}

func TestAUserIsFoundInAnySpellingOfTheEmail(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		coach := addUser(h, "Coach@AMBER.example", domain.RoleCoach)
		admin := addUser(h, "root@quill.example", domain.RoleAdmin)
		want := map[string]store.User{
			"coach@amber.example": {ID: coach, Email: "Coach@AMBER.example", Role: domain.RoleCoach, CoachID: "co-a", PasswordHash: "hash of Coach@AMBER.example"},
			"ROOT@quill.EXAMPLE":  {ID: admin, Email: "root@quill.example", Role: domain.RoleAdmin, PasswordHash: "hash of root@quill.example"},
		}
		for email, user := range want {
			got, err := h.s.Accounts().UserByEmail(t.Context(), email)
			if diff := cmp.Diff(user, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", email, err, diff)
			}
		}
		for _, email := range []string{"", "nobody@quill.example", "root@quill.example\x00", "\xff", "%"} {
			if _, err := h.s.Accounts().UserByEmail(t.Context(), email); domain.CodeOf(err) != domain.NoSuch {
				t.Errorf("%q: %v", email, err)
			}
		}
		h.exec(`UPDATE users SET disabled_at = 1 WHERE role = 'admin'`)
		if got, err := h.s.Accounts().UserByEmail(t.Context(), "root@quill.example"); err != nil || !got.Disabled {
			t.Errorf("disabled: %+v, %v", got, err)
		}
	})
}

func TestAUserIsAddedOnceAndACoachsOnlyForACoach(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		addUser(h, "root@quill.example", domain.RoleAdmin)
		for _, c := range []struct {
			email string
			role  domain.Role
			want  domain.Code
		}{
			{"ROOT@Quill.example", domain.RoleAdmin, domain.Clash},
			{"root@quill.example", domain.RoleProduct, domain.Clash},
			{"stranger@quill.example", domain.RoleCoach, domain.Invalid},
			{"root@quill.example", domain.RoleCoach, domain.Invalid},
			{"stranger@quill.example", domain.RoleProduct, ""},
		} {
			_, err := h.s.Accounts().AddUser(t.Context(), c.email, c.role, "h")
			if domain.CodeOf(err) != c.want || (c.want == "") != (err == nil) {
				t.Errorf("%s as %s: %v, want code %q", c.email, c.role, err, c.want)
			}
		}
		h.want("users", `SELECT email, role, coach_id FROM users ORDER BY 1`, "root@quill.example|admin|-", "stranger@quill.example|product|-")
		if _, err := h.s.Accounts().AddUser(t.Context(), "x@quill.example", "owner", "h"); err == nil {
			t.Error("a role that does not exist was stored")
		}
	})
}

func TestASessionSaysWhoIsSignedIn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		coach, admin := addUser(h, "coach@amber.example", domain.RoleCoach), addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "c", "", coach, day)
		startSession(h, "a", "", admin, day)
		for hash, want := range map[string]domain.Viewer{
			"c": {UserID: coach, Email: "coach@amber.example", Name: "Coach Amber", Role: domain.RoleCoach, CoachID: "co-a", Enrolled: true},
			"a": {UserID: admin, Email: "root@quill.example", Name: "root@quill.example", Role: domain.RoleAdmin},
		} {
			got, err := h.s.Accounts().Session(t.Context(), hash, time.Hour)
			if diff := cmp.Diff(store.Session{Viewer: want, LastUsedAt: storetest.Start}, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
		h.want("last sign-in", `SELECT `+minutes("last_sign_in_at")+` FROM users`, "0", "0")
	})
}

func TestASessionEndsByItselfWhenItExpiresOrNobodyUsesIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "idle", "", user, day)
		startSession(h, "short", "", user, 10*time.Minute)
		startSession(h, "used", "", user, 70*time.Minute)
		check := func(at string, want ...string) {
			t.Helper()
			var got []string
			for _, hash := range []string{"idle", "short", "used"} {
				if live(h, hash) {
					got = append(got, hash)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("after %s: live are %q, want %q", at, got, want)
			}
		}
		check("the start", "idle", "short", "used")
		h.clock.Advance(10*time.Minute - time.Microsecond)
		check("just under 10 minutes", "idle", "short", "used")
		h.clock.Advance(time.Microsecond)
		check("10 minutes", "idle", "used")
		if err := h.s.Accounts().TouchSession(t.Context(), "used"); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(50*time.Minute - time.Microsecond)
		check("just under an hour", "idle", "used")
		h.clock.Advance(time.Microsecond)
		check("an hour", "used")
		h.clock.Advance(9 * time.Minute)
		check("69 minutes", "used")
		h.clock.Advance(time.Minute)
		check("70 minutes, although it was used")
	})
}

func TestASessionEndsWhenItIsEndedReplacedOrItsUserDisabled(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		startSession(h, "before", "", user, day)
		startSession(h, "after", "before", user, day)
		startSession(h, "others", "", other, day)
		if live(h, "before") || !live(h, "after") || !live(h, "others") || live(h, "") || live(h, "\x00\xff") {
			t.Error("a new session takes the place of the one it names, and of no other")
		}
		for range 2 { // the second time there is none any more
			if err := h.s.Accounts().EndSession(t.Context(), "after"); err != nil {
				t.Fatal(err)
			}
		}
		if live(h, "after") || !live(h, "others") {
			t.Error("ending a session ends this one")
		}
		h.exec(`UPDATE users SET disabled_at = 1 WHERE role = 'product'`)
		if live(h, "others") {
			t.Error("the session of a disabled user is live")
		}
		if err := h.s.Accounts().StartSession(t.Context(), "x", "", store.Proof{UserID: "no such user"}, h.clock.Now().Add(day)); err == nil {
			t.Error("a session of nobody was stored")
		}
	})
}

func TestSigningInSweepsUpExpiredSessions(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, "short", "", user, time.Minute)
		startSession(h, "long", "", user, day)
		h.clock.Advance(time.Minute)
		startSession(h, "new", "", user, day)
		h.want("stored", `SELECT session_hash FROM sessions ORDER BY 1`, "long", "new")
	})
}

func TestSignInAttemptsAreCountedInWindows(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		count := func(subject string, want int, wantEnds time.Duration) {
			t.Helper()
			n, ends, err := h.s.Accounts().CountSignIn(t.Context(), subject, 10*time.Minute)
			if err != nil || n != want || !ends.Equal(storetest.Start.Add(wantEnds)) {
				t.Errorf("%d attempts until %v (%v), want %d until %v", n, ends, err, want, storetest.Start.Add(wantEnds))
			}
		}
		count("ada", 1, 10*time.Minute)
		count("bo", 1, 10*time.Minute)
		h.clock.Advance(10*time.Minute - time.Microsecond)
		count("ada", 2, 10*time.Minute) // the window is not extended
		h.clock.Advance(time.Microsecond)
		count("ada", 1, 20*time.Minute)
		count("ada", 2, 20*time.Minute)
		if err := h.s.Accounts().ForgetSignIns(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Minute)
		count("ada", 1, 21*time.Minute)
		h.want("swept up", `SELECT subject FROM sign_in_attempts`, "ada")
	})
}

func TestSignInAttemptsSideBySideAreAllCounted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		const goroutines, each = 8, 5
		for i := range 20 { // what expired is swept up by all of them at once
			if _, _, err := h.s.Accounts().CountSignIn(t.Context(), fmt.Sprint("old ", i), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		h.clock.Advance(time.Hour)
		var mu sync.Mutex
		var got []int
		var wait sync.WaitGroup
		for range goroutines {
			wait.Go(func() {
				for range each {
					n, _, err := h.s.Accounts().CountSignIn(t.Context(), "ada", time.Hour)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					got = append(got, n)
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		slices.Sort(got)
		for i, n := range got {
			if n != i+1 {
				t.Fatalf("counts %v, want 1 to %d", got, goroutines*each)
			}
		}
	})
}
