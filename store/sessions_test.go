package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

// Hashes that differ within the digits of a handle, and one that differs behind them.
const (
	hashA  = "aaaaaaaaaaaaaaaa0000"
	hashB  = "bbbbbbbbbbbbbbbb0000"
	hashC  = "cccccccccccccccc0000"
	hashAA = "aaaaaaaaaaaaaaaa1111"
)

func ownSessions(h *house, user, this string) []store.OwnSession {
	h.t.Helper()
	list, err := h.s.Accounts().OwnSessions(h.t.Context(), user, this, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

const sessionAuditQuery = `SELECT user_id, action, detail FROM audit_log ORDER BY audit_id`

func TestOwnSessionsAreTheLiveOnesThisOneFirst(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		startSession(h, "dddddddddddddddd0000", "", user, 30*time.Minute)
		startSession(h, hashA, "", user, day)
		startSession(h, hashAA, "", other, day)
		h.clock.Advance(10 * time.Minute)
		startSession(h, hashB, "", user, day)
		startSession(h, hashC, "", user, day)
		row := func(handle string, this bool, started, used time.Duration) store.OwnSession {
			return store.OwnSession{Handle: handle, This: this, StartedAt: storetest.Start.Add(started), LastUsedAt: storetest.Start.Add(used)}
		}
		check := func(at string, want ...store.OwnSession) {
			t.Helper()
			if diff := cmp.Diff(want, ownSessions(h, user, hashA)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", at, diff)
			}
		}
		a, b := row("aaaaaaaaaaaaaaaa", true, 0, 0), row("bbbbbbbbbbbbbbbb", false, 10*time.Minute, 10*time.Minute)
		c, d := row("cccccccccccccccc", false, 10*time.Minute, 10*time.Minute), row("dddddddddddddddd", false, 0, 0)
		check("10 minutes", a, b, c, d)
		h.clock.Advance(20*time.Minute - time.Microsecond)
		check("just under 30 minutes", a, b, c, d)
		h.clock.Advance(time.Microsecond)
		check("30 minutes: one has expired", a, b, c)
		if err := h.s.Accounts().TouchSession(t.Context(), hashC); err != nil {
			t.Fatal(err)
		}
		c.LastUsedAt = storetest.Start.Add(30 * time.Minute)
		check("after one was used", a, c, b)
		h.clock.Advance(30*time.Minute - time.Microsecond)
		check("just under an hour", a, c, b)
		h.clock.Advance(time.Microsecond)
		check("an hour: one was not used for so long", c, b)
		if list := ownSessions(h, "nobody", hashA); len(list) != 0 {
			t.Errorf("of nobody: %v", list)
		}
	})
}

func TestOwnSessionsEndByTheirHandle(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		startSession(h, hashA, "", user, day)
		startSession(h, hashB, "", user, day)
		startSession(h, hashC, "", other, day)
		end := func(handle string) {
			t.Helper()
			if err := h.s.Accounts().EndOwnSession(t.Context(), user, handle); err != nil {
				t.Errorf("%q: %v", handle, err)
			}
		}
		for _, handle := range []string{store.SessionHandle(hashC), "", "%", "bbbb", hashB, "bbbbbbbbbbbbbbb_", "\x00", "\xff"} {
			end(handle)
		}
		h.want("after the handles of others and of nothing", `SELECT session_hash FROM sessions ORDER BY 1`, hashA, hashB, hashC)
		h.want("audit", sessionAuditQuery)
		for range 2 { // the second time it has ended already
			end(store.SessionHandle(hashB))
		}
		h.want("after one", `SELECT session_hash FROM sessions ORDER BY 1`, hashA, hashC)
		h.want("audit", sessionAuditQuery, user+"|session.end|one")
	})
}

func TestAllOtherSessionsOfTheUserEnd(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		for _, hash := range []string{hashA, hashB, hashAA} {
			startSession(h, hash, "", user, day)
		}
		startSession(h, hashC, "", other, day)
		for range 2 { // the second time there are none
			if err := h.s.Accounts().EndOtherSessions(t.Context(), user, hashA); err != nil {
				t.Fatal(err)
			}
		}
		h.want("left", `SELECT session_hash FROM sessions ORDER BY 1`, hashA, hashC)
		h.want("audit", sessionAuditQuery, user+"|session.end|all others")

		startSession(h, hashB, "", user, day)
		h.breakOn("INSERT", "audit_log")
		if err := h.s.Accounts().EndOtherSessions(t.Context(), user, hashA); err == nil {
			t.Error("without the audit it says that it is done")
		}
		h.want("without the audit", `SELECT session_hash FROM sessions ORDER BY 1`, hashA, hashB, hashC)
	})
}

// change is a change of the password in the session hashA.
func change(user string) store.PasswordChange {
	return store.PasswordChange{UserID: user, Old: "hash of root@quill.example", New: "new hash", Session: hashA, Renewed: "renewed"}
}

const (
	passwordsQuery = `SELECT password_hash FROM users ORDER BY 1`
	ownersQuery    = `SELECT session_hash, u.email FROM sessions s JOIN users u ON u.user_id = s.user_id ORDER BY 1`
)

func TestANewPasswordEndsAllOtherSessionsAndRenewsThisOne(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		startSession(h, hashA, "", user, day)
		startSession(h, hashB, "", user, day)
		startSession(h, hashC, "", other, day)
		h.clock.Advance(5 * time.Minute)
		if err := h.s.Accounts().ChangePassword(t.Context(), change(user)); err != nil {
			t.Fatal(err)
		}
		h.want("passwords", passwordsQuery, "hash of desk@quill.example", "new hash")
		h.want("sessions", ownersQuery, hashC+"|desk@quill.example", "renewed|root@quill.example")
		h.want("the renewed one is no longer and no shorter for it", `
			SELECT `+minutes("created_at")+`, `+minutes("last_used_at")+`, `+minutes("expires_at")+` FROM sessions WHERE session_hash = 'renewed'`, "0|5|1440")
		h.want("audit", `SELECT `+minutes("at")+`, user_id, action, detail FROM audit_log`, "5|"+user+"|password.change|")
	})
}

func TestAPasswordChangesWhollyOrNotAtAll(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user, other := addUser(h, "root@quill.example", domain.RoleAdmin), addUser(h, "desk@quill.example", domain.RoleProduct)
		startSession(h, hashA, "", user, day)
		startSession(h, hashB, "", user, day)
		startSession(h, hashC, "", other, day)
		unchanged := func(what string) {
			t.Helper()
			h.want(what, passwordsQuery, "hash of desk@quill.example", "hash of root@quill.example")
			h.want(what, ownersQuery, hashA+"|root@quill.example", hashB+"|root@quill.example", hashC+"|desk@quill.example")
			h.want(what, sessionAuditQuery)
		}
		for what, c := range map[string]struct {
			alter func(*store.PasswordChange)
			want  domain.Code
		}{
			"another old password":      {func(c *store.PasswordChange) { c.Old = "hash before" }, domain.Clash},
			"nobody":                    {func(c *store.PasswordChange) { c.UserID = "nobody" }, domain.Clash},
			"a session that has ended":  {func(c *store.PasswordChange) { c.Session = "ended" }, domain.NoSuch},
			"somebody else's session":   {func(c *store.PasswordChange) { c.Session = hashC }, domain.NoSuch},
			"somebody else's password":  {func(c *store.PasswordChange) { c.UserID = other }, domain.Clash},
			"no session and no old one": {func(c *store.PasswordChange) { c.Session, c.Old = "", "" }, domain.Clash},
		} {
			p := change(user)
			c.alter(&p)
			if err := h.s.Accounts().ChangePassword(t.Context(), p); domain.CodeOf(err) != c.want {
				t.Errorf("%s: %v, want code %q", what, err, c.want)
			}
			unchanged(what)
		}
		h.breakOn("INSERT", "audit_log")
		if err := h.s.Accounts().ChangePassword(t.Context(), change(user)); err == nil {
			t.Error("without the audit it says that it is done")
		}
		unchanged("without the audit")
	})
}

// Two browsers change the password at once, and a third signs in: one change wins, and nobody waits for each other.
func TestPasswordsChangedSideBySideAreChangedOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		user := addUser(h, "root@quill.example", domain.RoleAdmin)
		startSession(h, hashA, "", user, day)
		startSession(h, hashB, "", user, day)
		codes, signedIn := make(chan error, 2), make(chan error, 1)
		signIn := proofOf(h, user)
		for _, session := range []string{hashA, hashB} {
			go func() {
				c := change(user)
				c.Session, c.New, c.Renewed = session, "new hash of "+session, "renewed "+session
				codes <- h.s.Accounts().ChangePassword(t.Context(), c)
			}()
		}
		go func() {
			signedIn <- h.s.Accounts().StartSession(t.Context(), hashC, hashB, signIn, h.clock.Now().Add(day))
		}()
		count := map[domain.Code]int{}
		for range 2 {
			err := <-codes
			if err != nil && domain.CodeOf(err) == "" {
				t.Error(err)
			}
			count[domain.CodeOf(err)]++
		}
		// The sign-in takes the place of B's session: where it is first, B's change finds none.
		if count[""] != 1 || count[domain.Clash]+count[domain.NoSuch] != 1 {
			t.Errorf("answers %v, want one change done", count)
		}
		if err := <-signedIn; err != nil && domain.CodeOf(err) != domain.NoSuch {
			t.Errorf("signing in: %v, want it done, or too late for the old password", err)
		}
		if live(h, hashC) {
			t.Error("the old password has signed somebody in for longer than it was one")
		}
	})
}

func TestNobodySignsInByWhatWasChangedMeanwhile(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for what, c := range map[string]struct {
			change   string
			needCode bool // and so a code is enough
		}{
			"another password":   {change: `UPDATE users SET password_hash = 'new hash'`},
			"no password":        {change: `UPDATE users SET password_hash = ''`},
			"disabled":           {change: `UPDATE users SET disabled_at = 1`},
			"a code is demanded": {change: `UPDATE users SET totp_secret = 'secret'`, needCode: true},
		} {
			by := proofOf(h, addUser(h, what+"@quill.example", domain.RoleAdmin))
			h.exec(c.change)
			accounts, until := h.s.Accounts(), h.clock.Now().Add(day)
			wantCode(t, what, accounts.StartSession(t.Context(), "session of "+what, "", by, until), domain.NoSuch)
			over := domain.NoSuch
			if c.needCode {
				over = ""
			}
			wantCode(t, what+", then a code", accounts.StartHalf(t.Context(), "half of "+what, by, until), over)
			by.Code = true
			wantCode(t, what+", with a code", accounts.StartSession(t.Context(), "session by a code of "+what, "", by, until), over)
		}
		h.want("sessions", `SELECT session_hash FROM sessions`, "session by a code of a code is demanded")
	})
}

func TestAPasswordThatIsBeingChangedSignsNobodyIn(t *testing.T) {
	t.Parallel() // on Postgres only: SQLite has one writer
	h := newHouse(t, "postgres")
	user := addUser(h, "root@quill.example", domain.RoleAdmin)
	startSession(h, hashA, "", user, day)
	old := proofOf(h, user)
	queue(t, h, "sessions WHERE session_hash = $1", hashA,
		func(s *store.Store) error { return s.Accounts().ChangePassword(t.Context(), change(user)) },
		func(s *store.Store) error {
			wantCode(t, "a session", s.Accounts().StartSession(t.Context(), hashB, "", old, h.clock.Now().Add(day)), domain.NoSuch)
			return nil
		},
		func(s *store.Store) error {
			wantCode(t, "the first half", s.Accounts().StartHalf(t.Context(), "half", old, h.clock.Now().Add(day)), domain.NoSuch)
			return nil
		})
	h.want("sessions", `SELECT session_hash FROM sessions`, "renewed")
	h.want("halves", `SELECT half_hash FROM half_sign_ins`)
}
