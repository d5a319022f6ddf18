package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/store/storetest"
)

const (
	admin   = "admin@flagpole.example"
	product = "product@flagpole.example"
	accent  = "ren\u00e9@flagpole.example" // é as one character
)

// onBoth runs test with three users on both databases, and cookies as under https.
func onBoth(t *testing.T, test func(t *testing.T, a *Auth, clock *storetest.Clock)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		stored := hashed(t, password)
		for email, role := range map[string]domain.Role{admin: domain.RoleAdmin, product: domain.RoleProduct, accent: domain.RoleAdmin} {
			if _, err := s.Accounts().AddUser(t.Context(), email, role, stored); err != nil {
				t.Fatal(err)
			}
		}
		test(t, New(s.Accounts(), true, clock.Now), clock)
	})
}

// signIn tries to sign in from address, with the cookies given, and gives the cookie of the new session.
func signIn(ctx context.Context, a *Auth, email, word, address string, cookies ...*http.Cookie) (*http.Cookie, error) {
	r := request(ctx, cookies...)
	w := httptest.NewRecorder()
	if _, err := a.SignIn(w, r, email, word, address); err != nil {
		return nil, err
	}
	if set := w.Result().Cookies(); len(set) == 1 {
		return set[0], nil
	}
	return nil, fmt.Errorf("%d cookies", len(w.Result().Cookies()))
}

func request(ctx context.Context, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func mustSignIn(t *testing.T, a *Auth, email string, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	cookie, err := signIn(t.Context(), a, email, password, "192.0.2.1", cookies...)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// wantViewer checks whose session a cookie is; "" is nobody's.
func wantViewer(t *testing.T, a *Auth, cookie *http.Cookie, want string) {
	t.Helper()
	v, signedIn, err := a.Viewer(request(t.Context(), cookie))
	if err != nil || v.Email != want || signedIn != (want != "") {
		t.Errorf("session of %q (%v, %v), want %q", v.Email, signedIn, err, want)
	}
}

func wantCode(t *testing.T, err error, want domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != want {
		t.Fatalf("error %v, want %q", err, want)
	}
}

func TestGuessesAreThrottledByEmail(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		for i := range perEmail {
			_, err := signIn(t.Context(), a, admin, "wrong guess", fmt.Sprintf("192.0.2.%d", i)) // from everywhere
			wantCode(t, err, domain.Denied)
		}
		_, err := signIn(t.Context(), a, admin, password, "198.51.100.1")
		wantCode(t, err, domain.Throttled)
		mustSignIn(t, a, product)

		clock.Advance(window - time.Second)
		_, err = signIn(t.Context(), a, admin, password, "198.51.100.1")
		wantCode(t, err, domain.Throttled)
		clock.Advance(time.Second) // the window began with the first guess; trying again has not made it longer
		mustSignIn(t, a, admin)
	})
}

func TestUnknownEmailsAreThrottledLikeKnownOnes(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		for range perEmail {
			_, err := signIn(t.Context(), a, "nobody@flagpole.example", strings.Repeat("x", maxBytes+1), "192.0.2.1")
			wantCode(t, err, domain.Denied)
		}
		_, err := signIn(t.Context(), a, "nobody@flagpole.example", password, "192.0.2.1")
		wantCode(t, err, domain.Throttled)
	})
}

func TestEverySpellingOfAnEmailCountsAsOne(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		spellings := []string{accent, "REN\u00c9@flagpole.example", "rene\u0301@flagpole.example", "RENE\u0301@FLAGPOLE.example", "  " + accent + "\t"}
		for _, email := range spellings {
			if _, err := signIn(t.Context(), a, email, password, "192.0.2.1"); err != nil {
				t.Fatalf("%q does not find its user: %v", email, err)
			}
		}
		for i := range perEmail {
			_, err := signIn(t.Context(), a, spellings[i%len(spellings)], "wrong guess", "192.0.2.1")
			wantCode(t, err, domain.Denied)
		}
		for _, email := range spellings {
			_, err := signIn(t.Context(), a, email, password, "192.0.2.1")
			wantCode(t, err, domain.Throttled)
		}
	})
}

func TestGuessesAreThrottledByAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		tooLong := strings.Repeat("x", maxBytes+1) // refused without the work of hashing
		for i := range perAddress {
			_, err := signIn(t.Context(), a, fmt.Sprintf("guess%d@flagpole.example", i), tooLong, "192.0.2.1")
			wantCode(t, err, domain.Denied)
		}
		_, err := signIn(t.Context(), a, admin, password, "192.0.2.1")
		wantCode(t, err, domain.Throttled)
		if _, err := signIn(t.Context(), a, admin, password, "192.0.2.2"); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		clock.Advance(window)
		mustSignIn(t, a, admin)
	})
}

func TestGuessesSideBySideDoNotPassTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		var mu sync.Mutex
		codes := map[domain.Code]int{}
		var all sync.WaitGroup
		for range 3 * perEmail {
			all.Go(func() {
				_, err := signIn(t.Context(), a, admin, "wrong guess", "192.0.2.1")
				mu.Lock()
				defer mu.Unlock()
				codes[domain.CodeOf(err)]++
			})
		}
		all.Wait()
		if codes[domain.Denied] != perEmail || codes[domain.Throttled] != 2*perEmail {
			t.Errorf("answers %v, want %d looked at and the rest throttled", codes, perEmail)
		}
	})
}

func TestRightPasswordForgetsEarlierSlips(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		for range 3 {
			for range perEmail - 1 {
				_, err := signIn(t.Context(), a, admin, strings.Repeat("x", maxBytes+1), "192.0.2.1")
				wantCode(t, err, domain.Denied)
			}
			mustSignIn(t, a, admin)
		}
	})
}

func TestWrongPasswordAndUnknownEmailAreOneError(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		_, wrong := signIn(t.Context(), a, admin, "wrong guess", "192.0.2.1")
		for _, email := range []string{"nobody@flagpole.example", "", "admin@flagpole.example\x00", "\xff\xfe"} {
			_, unknown := signIn(t.Context(), a, email, password, "192.0.2.1")
			wantCode(t, unknown, domain.Denied)
			if unknown.Error() != wrong.Error() {
				t.Errorf("%q: %q, want %q", email, unknown, wrong)
			}
		}
	})
}

func TestEndedRequestSignsNobodyIn(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if cookie, err := signIn(gone, a, admin, password, "192.0.2.1"); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%v, %v", cookie, err)
		}
	})
}
