package auth

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"flagpole/store/storetest"
)

func TestSessionBelongsToWhoSignedIn(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		ofAdmin, ofProduct := mustSignIn(t, a, admin), mustSignIn(t, a, product)
		wantViewer(t, a, ofAdmin, admin)
		wantViewer(t, a, ofProduct, product)
		for _, value := range []string{"", "nonsense", hashOf(ofAdmin.Value), ofAdmin.Value + "x", ofAdmin.Value[1:]} {
			wantViewer(t, a, &http.Cookie{Name: cookieName, Value: value}, "")
		}
	})
}

func TestSessionIDIsRandomAndNew(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		planted := &http.Cookie{Name: cookieName, Value: "planted"}
		first := mustSignIn(t, a, admin, planted)
		wantViewer(t, a, planted, "")
		second := mustSignIn(t, a, admin, first)
		wantViewer(t, a, first, "") // its place was taken
		wantViewer(t, a, second, admin)
		for _, c := range []*http.Cookie{first, second} {
			if id, err := base64.RawURLEncoding.DecodeString(c.Value); err != nil || len(id) != 32 {
				t.Errorf("id of %d bytes: %v", len(id), err)
			}
		}
		elsewhere := mustSignIn(t, a, admin) // another browser of the same person
		wantViewer(t, a, second, admin)
		wantViewer(t, a, elsewhere, admin)
	})
}

func TestSignOutEndsTheSessionAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		cookie, elsewhere := mustSignIn(t, a, admin), mustSignIn(t, a, admin)
		w := httptest.NewRecorder()
		if err := a.SignOut(w, request(t.Context(), cookie)); err != nil {
			t.Fatal(err)
		}
		if set := w.Result().Cookies(); len(set) != 1 || set[0].Value != "" || set[0].MaxAge >= 0 || !set[0].Secure || !set[0].HttpOnly {
			t.Errorf("cookies %v", set)
		}
		wantViewer(t, a, cookie, "")
		wantViewer(t, a, elsewhere, admin)
		if err := a.SignOut(httptest.NewRecorder(), request(t.Context())); err != nil {
			t.Errorf("without a session: %v", err)
		}
	})
}

func TestSessionEndsAfterTwelveHoursWithoutUse(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		cookie := mustSignIn(t, a, admin)
		for range 4 {
			clock.Advance(12*time.Hour - time.Minute)
			wantViewer(t, a, cookie, admin)
		}
		clock.Advance(12 * time.Hour)
		wantViewer(t, a, cookie, "")
	})
}

func TestSessionEndsAfterSevenDaysHoweverBusy(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		cookie := mustSignIn(t, a, admin)
		for range 7*4 - 1 {
			clock.Advance(6 * time.Hour)
			wantViewer(t, a, cookie, admin)
		}
		clock.Advance(6 * time.Hour)
		wantViewer(t, a, cookie, "")
	})
}

func TestCookieFlags(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		c := mustSignIn(t, a, admin)
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 7*24*60*60 {
			t.Errorf("under https: %s", c)
		}
		c = mustSignIn(t, New(a.accounts, false, clock.Now), admin)
		if c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("under http: %s", c)
		}
	})
}

func TestSessionOfNobodyIsNotStored(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, _ *storetest.Clock) {
		r, w := request(t.Context()), httptest.NewRecorder()
		session, err := a.sessions.Get(r, cookieName)
		if err != nil || !session.IsNew {
			t.Fatal(err)
		}
		if err := sessions.Save(r, w); err == nil || len(w.Result().Cookies()) > 0 {
			t.Errorf("%v, cookies %v", err, w.Result().Cookies())
		}
	})
}
