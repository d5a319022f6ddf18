package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

const newPassword = "staple of new horses"

// changePassword tries to change the password in the session of the cookie, and gives the cookies that are set.
func changePassword(ctx context.Context, a *Auth, cookie *http.Cookie, current, next string) ([]*http.Cookie, error) {
	w := httptest.NewRecorder()
	err := a.ChangePassword(w, request(ctx, cookie), current, next)
	return w.Result().Cookies(), err
}

func TestANewPasswordIsTheOnlyOneAndEndsOtherSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here, elsewhere, others := mustSignIn(t, a, admin), mustSignIn(t, a, admin), mustSignIn(t, a, product)
		set, err := changePassword(t.Context(), a, here, password, newPassword)
		if err != nil || len(set) != 1 || set[0].Value == here.Value || len(set[0].Value) != 43 {
			t.Fatalf("%v, cookies %v", err, set)
		}
		if c := set[0]; !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Name != cookieName {
			t.Errorf("cookie %s", c)
		}
		wantViewer(t, a, set[0], admin)
		wantViewer(t, a, here, "")
		wantViewer(t, a, elsewhere, "")
		wantViewer(t, a, others, product)

		_, err = signIn(t.Context(), a, admin, password, "192.0.2.1")
		wantCode(t, err, domain.Denied)
		if _, err := signIn(t.Context(), a, admin, newPassword, "192.0.2.1"); err != nil {
			t.Errorf("with the new password: %v", err)
		}
		mustSignIn(t, a, product)
	})
}

func TestAPasswordThatWillNotDoChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here, elsewhere := mustSignIn(t, a, admin), mustSignIn(t, a, admin)
		for name, test := range map[string]struct {
			current, next string
			want          domain.Code
		}{
			"wrong current one":       {"wrong guess", newPassword, domain.Denied},
			"no current one":          {"", newPassword, domain.Denied},
			"current one of no end":   {strings.Repeat("x", maxBytes+1), newPassword, domain.Denied},
			"somebody's hash for it":  {hashed(t, password), newPassword, domain.Denied},
			"too short":               {password, "1234567", domain.Invalid},
			"the same":                {password, password, domain.Invalid},
			"too short, and the same": {"", "", domain.Invalid},
		} {
			set, err := changePassword(t.Context(), a, here, test.current, test.next)
			if domain.CodeOf(err) != test.want || len(set) > 0 {
				t.Errorf("%s: %v, cookies %v", name, err, set)
			}
			if err != nil && strings.Contains(err.Error(), newPassword) {
				t.Errorf("%s: the error holds the password", name)
			}
		}
		wantViewer(t, a, here, admin)
		wantViewer(t, a, elsewhere, admin)
		mustSignIn(t, a, admin)
	})
}

func TestGuessesAtTheCurrentPasswordAreThrottledWithThoseOfSigningIn(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		here := mustSignIn(t, a, accent)
		tooLong := strings.Repeat("x", maxBytes+1) // refused without the work of hashing
		for range perEmail - 1 {
			_, err := changePassword(t.Context(), a, here, tooLong, newPassword)
			wantCode(t, err, domain.Denied)
		}
		_, err := signIn(t.Context(), a, strings.ToUpper(accent), tooLong, "192.0.2.1")
		wantCode(t, err, domain.Denied)
		_, err = changePassword(t.Context(), a, here, password, newPassword)
		wantCode(t, err, domain.Throttled)
		_, err = signIn(t.Context(), a, accent, password, "198.51.100.1")
		wantCode(t, err, domain.Throttled)
		mustSignIn(t, a, admin)
		wantViewer(t, a, here, accent)

		clock.Advance(window)
		if _, err = changePassword(t.Context(), a, here, password, newPassword); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func TestAnUnfitNewPasswordIsNoGuess(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here := mustSignIn(t, a, admin)
		for range perEmail + 1 {
			_, err := changePassword(t.Context(), a, here, "wrong guess", "short")
			wantCode(t, err, domain.Invalid)
		}
		if _, err := changePassword(t.Context(), a, here, password, newPassword); err != nil {
			t.Error(err)
		}
	})
}

func TestTheCurrentPasswordForgetsEarlierSlips(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here, tooLong := mustSignIn(t, a, admin), strings.Repeat("x", maxBytes+1)
		for range perEmail - 1 {
			_, err := changePassword(t.Context(), a, here, tooLong, newPassword)
			wantCode(t, err, domain.Denied)
		}
		if _, err := changePassword(t.Context(), a, here, password, newPassword); err != nil {
			t.Fatal(err)
		}
		for range perEmail {
			_, err := signIn(t.Context(), a, admin, tooLong, "192.0.2.1")
			wantCode(t, err, domain.Denied)
		}
	})
}

func TestWithoutASessionNothingIsChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here := mustSignIn(t, a, admin)
		w := httptest.NewRecorder()
		if err := a.SignOut(w, request(t.Context(), here)); err != nil {
			t.Fatal(err)
		}
		_, err := changePassword(t.Context(), a, here, password, newPassword)
		wantCode(t, err, domain.NoSuch)
		_, err = a.OwnSessions(request(t.Context(), here))
		wantCode(t, err, domain.NoSuch)
		wantCode(t, a.EndOtherSessions(request(t.Context(), here)), domain.NoSuch)
		_, err = a.EndSession(w, request(t.Context(), here), store.SessionHandle(hashOf(here.Value)))
		wantCode(t, err, domain.NoSuch)
		mustSignIn(t, a, admin)
	})
}

// The session ends between the look at the cookie and the change: the change must not bring it back.
func TestASessionThatEndsMeanwhileChangesNoPassword(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		here := mustSignIn(t, a, admin)
		r, w := request(t.Context(), here), httptest.NewRecorder()
		if _, signedIn, err := a.Viewer(r); err != nil || !signedIn {
			t.Fatal(signedIn, err)
		}
		if err := a.SignOut(httptest.NewRecorder(), request(t.Context(), here)); err != nil {
			t.Fatal(err)
		}
		wantCode(t, a.ChangePassword(w, r, password, newPassword), domain.NoSuch)
		if set := w.Result().Cookies(); len(set) > 0 {
			t.Errorf("cookies %v", set)
		}
		mustSignIn(t, a, admin)
	})
}

func TestOwnSessionsAreListedAndEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		others, first := mustSignIn(t, a, product), mustSignIn(t, a, admin)
		clock.Advance(time.Minute)
		here := mustSignIn(t, a, admin)
		clock.Advance(time.Minute)
		last := mustSignIn(t, a, admin)
		list, err := a.OwnSessions(request(t.Context(), here))
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		for i, c := range []*http.Cookie{here, last, first} {
			if list[i].Handle != hashOf(c.Value)[:16] || list[i].This != (i == 0) {
				t.Errorf("place %d has %+v", i, list[i])
			}
		}

		end := func(by, which *http.Cookie) (bool, []*http.Cookie) {
			t.Helper()
			w := httptest.NewRecorder()
			out, err := a.EndSession(w, request(t.Context(), by), store.SessionHandle(hashOf(which.Value)))
			if err != nil {
				t.Fatal(err)
			}
			return out, w.Result().Cookies()
		}
		if out, set := end(others, first); out || len(set) > 0 {
			t.Errorf("somebody else's: signed out %v, cookies %v", out, set)
		}
		wantViewer(t, a, first, admin)
		if out, set := end(here, first); out || len(set) > 0 {
			t.Errorf("an own one: signed out %v, cookies %v", out, set)
		}
		wantViewer(t, a, first, "")
		wantViewer(t, a, last, admin)
		out, set := end(last, last)
		if !out || len(set) != 1 || set[0].Value != "" || set[0].MaxAge >= 0 || !set[0].Secure || !set[0].HttpOnly {
			t.Errorf("this one: signed out %v, cookies %v", out, set)
		}
		wantViewer(t, a, last, "")
		wantViewer(t, a, here, admin)

		elsewhere := mustSignIn(t, a, admin)
		if err := a.EndOtherSessions(request(t.Context(), here)); err != nil {
			t.Fatal(err)
		}
		wantViewer(t, a, elsewhere, "")
		wantViewer(t, a, here, admin)
		wantViewer(t, a, others, product)
	})
}

func TestANewPasswordIsHashedInItsTurn(t *testing.T) {
	h := newHasher()
	h.slots <- struct{}{}
	h.slots <- struct{}{}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if hash, err := h.hash(gone, password); hash != "" || err != context.Canceled {
		t.Errorf("a third did not wait: %q, %v", hash, err)
	}
	<-h.slots
	hash, err := h.hash(t.Context(), password)
	if err != nil || len(h.slots) != 1 {
		t.Errorf("after one was done: %v, %d slots taken", err, len(h.slots))
	}
	if ok, err := newHasher().matches(t.Context(), password, hash); !ok || err != nil {
		t.Errorf("the hash does not match: %v", err)
	}
}
