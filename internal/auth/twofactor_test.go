package auth

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"flagpole/internal/domain"
	"flagpole/store/storetest"
)

// codeAt is the code that the app shows at a time.
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// withCode turns on the code of somebody, and gives the secret, the recovery codes and the session it was done in.
func withCode(t *testing.T, a *Auth, clock *storetest.Clock, email string) (secret string, codes []string, session *http.Cookie) {
	t.Helper()
	session = mustSignIn(t, a, email)
	if err := a.BeginTwoFactor(request(t.Context(), session), password); err != nil {
		t.Fatal(err)
	}
	on, _, setup, err := a.TwoFactor(request(t.Context(), session))
	if err != nil || on || setup == nil {
		t.Fatal(on, setup, err)
	}
	if picture, err := png.Decode(bytes.NewReader(setup.QR)); err != nil || picture.Bounds().Dx() < 200 {
		t.Errorf("no picture: %v", err)
	}
	codes, err = a.TurnOnTwoFactor(request(t.Context(), session), codeAt(t, setup.Secret, clock.Now()))
	if err != nil || len(codes) != 10 {
		t.Fatal(codes, err)
	}
	clock.Advance(time.Minute) // the code that confirmed it is used up
	return setup.Secret, codes, session
}

// secondHalf gives the code after the right password.
func secondHalf(t *testing.T, a *Auth, half *http.Cookie, code string) (*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := a.SignInCode(w, request(t.Context(), half), code); err != nil {
		return nil, err
	}
	for _, c := range w.Result().Cookies() {
		if c.Name == cookieName {
			return c, nil
		}
	}
	t.Fatal("no session")
	return nil, nil
}

func TestSigningInTakesPasswordThenCodeOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		elsewhere := mustSignIn(t, a, admin)
		secret, _, here := withCode(t, a, clock, admin)
		wantViewer(t, a, elsewhere, "") // it knew the password alone
		wantViewer(t, a, here, admin)

		half := mustSignIn(t, a, admin)
		if half.Name != halfCookie || !half.HttpOnly || !half.Secure || half.MaxAge != 300 {
			t.Fatalf("after the password: %s", half)
		}
		wantViewer(t, a, &http.Cookie{Name: cookieName, Value: half.Value}, "")
		code := codeAt(t, secret, clock.Now())
		session, err := secondHalf(t, a, half, code[:3]+" "+code[3:])
		if err != nil {
			t.Fatal(err)
		}
		wantViewer(t, a, session, admin)
		_, err = secondHalf(t, a, half, codeAt(t, secret, clock.Now().Add(30*time.Second)))
		wantCode(t, err, domain.NoSuch) // the half is used up
		_, err = secondHalf(t, a, mustSignIn(t, a, admin), code)
		wantCode(t, err, domain.Denied) // so is the code
		mustSignIn(t, a, product)
	})
}

func TestACodeIsGoodForOneStepEitherWayAndNeverBeforeTheLast(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		secret, _, _ := withCode(t, a, clock, admin)
		half := mustSignIn(t, a, admin)
		for _, off := range []time.Duration{-time.Minute, time.Minute} {
			_, err := secondHalf(t, a, half, codeAt(t, secret, clock.Now().Add(off)))
			wantCode(t, err, domain.Denied)
		}
		if _, err := secondHalf(t, a, half, codeAt(t, secret, clock.Now().Add(30*time.Second))); err != nil {
			t.Fatal(err)
		}
		_, err := secondHalf(t, a, mustSignIn(t, a, admin), codeAt(t, secret, clock.Now())) // older than the one that was taken
		wantCode(t, err, domain.Denied)
	})
}

func TestARecoveryCodeIsTakenOnceInAnySpelling(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		_, codes, here := withCode(t, a, clock, admin)
		if _, err := secondHalf(t, a, mustSignIn(t, a, admin), " "+strings.ToLower(codes[3])); err != nil {
			t.Fatal(err)
		}
		_, err := secondHalf(t, a, mustSignIn(t, a, admin), codes[3])
		wantCode(t, err, domain.Denied)
		if _, left, _, err := a.TwoFactor(request(t.Context(), here)); err != nil || left != 9 {
			t.Errorf("%d left, %v", left, err)
		}
		fresh, err := a.RenewRecoveryCodes(request(t.Context(), here), codes[4])
		if err != nil || len(fresh) != 10 {
			t.Fatal(fresh, err)
		}
		_, err = secondHalf(t, a, mustSignIn(t, a, admin), codes[5])
		wantCode(t, err, domain.Denied)
		if _, err := secondHalf(t, a, mustSignIn(t, a, admin), fresh[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestGuessesAtCodesAreThrottled(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		secret, _, _ := withCode(t, a, clock, admin)
		half := mustSignIn(t, a, admin)
		for range perEmail {
			_, err := secondHalf(t, a, half, "000000")
			wantCode(t, err, domain.Denied)
		}
		_, err := secondHalf(t, a, half, codeAt(t, secret, clock.Now()))
		wantCode(t, err, domain.Throttled)
	})
}

func TestHalfASignInEndsAfterFiveMinutes(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		secret, _, _ := withCode(t, a, clock, admin)
		half := mustSignIn(t, a, admin)
		clock.Advance(halfLifetime)
		_, err := secondHalf(t, a, half, codeAt(t, secret, clock.Now()))
		wantCode(t, err, domain.NoSuch)
		if awaited, err := a.AwaitsCode(request(t.Context(), half)); awaited || err != nil {
			t.Error(awaited, err)
		}
	})
}

func TestTheCodeIsTurnedOffWithPasswordAndCode(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		secret, codes, here := withCode(t, a, clock, admin)
		wantCode(t, a.TurnOffTwoFactor(request(t.Context(), here), "wrong guess", codes[0]), domain.Denied)
		wantCode(t, a.TurnOffTwoFactor(request(t.Context(), here), password, "000000"), domain.Denied)
		wantCode(t, a.BeginTwoFactor(request(t.Context(), here), password), domain.Clash)
		if err := a.TurnOffTwoFactor(request(t.Context(), here), password, codeAt(t, secret, clock.Now())); err != nil {
			t.Fatal(err)
		}
		wantViewer(t, a, mustSignIn(t, a, admin), admin)
	})
}

func TestSettingUpNeedsThePasswordAndARightCode(t *testing.T) {
	onBoth(t, func(t *testing.T, a *Auth, clock *storetest.Clock) {
		here := mustSignIn(t, a, admin)
		_, err := a.TurnOnTwoFactor(request(t.Context(), here), "000000")
		wantCode(t, err, domain.Clash)
		wantCode(t, a.BeginTwoFactor(request(t.Context(), here), "wrong guess"), domain.Denied)
		if err := a.BeginTwoFactor(request(t.Context(), here), password); err != nil {
			t.Fatal(err)
		}
		_, err = a.TurnOnTwoFactor(request(t.Context(), here), "000000")
		wantCode(t, err, domain.Denied)
		wantViewer(t, a, mustSignIn(t, a, admin), admin) // nothing is needed before it is confirmed
	})
}
