package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"flagpole/internal/domain"
	"flagpole/store"
)

// Codes are those of RFC 6238: six digits, a new one every 30 seconds, one step of drift either way.
const (
	stepSeconds   = 30
	drift         = 1
	halfCookie    = "flagpole_sign_in"
	halfLifetime  = 5 * time.Minute
	recoveryCodes = 10
	recoveryBytes = 10
)

// SignInCode finishes a sign-in by a code, or by a recovery code, and starts a session on w. A wrong code is a Denied error, too many
// are a Throttled one; where the password was not given, or too long ago, it is NoSuch.
func (a *Auth) SignInCode(w http.ResponseWriter, r *http.Request, code string) error {
	ctx := r.Context()
	half, by, err := a.half(r)
	if err != nil {
		return err
	}
	if err := a.checkCode(ctx, by.UserID, code); err != nil {
		return err
	}
	by.Code = true
	if err := a.accounts.EndHalf(ctx, half); err != nil {
		return err
	}
	a.setCookie(w, halfCookie, "", -1)
	return a.sessions.start(w, r, by)
}

// AwaitsCode reports whether r comes from somebody who has given the right password, and whose code is awaited.
func (a *Auth) AwaitsCode(r *http.Request) (bool, error) {
	_, _, err := a.half(r)
	if domain.CodeOf(err) == domain.NoSuch {
		return false, nil
	}
	return err == nil, err
}

// half is the sign-in that r's cookie names, by its hash, and what has been proven.
func (a *Auth) half(r *http.Request) (hash string, by store.Proof, err error) {
	over := domain.Errorf(domain.NoSuch, "Too much time has passed since you gave your password.").WithHint("Sign in again.")
	cookie, err := r.Cookie(halfCookie)
	if err != nil || cookie.Value == "" {
		return "", by, over
	}
	hash = hashOf(cookie.Value)
	by, err = a.accounts.Half(r.Context(), hash)
	if domain.CodeOf(err) == domain.NoSuch {
		return "", by, over.Because(err)
	}
	return hash, by, err
}

// awaitCode begins the second half of a sign-in.
func (a *Auth) awaitCode(ctx context.Context, w http.ResponseWriter, by store.Proof) error {
	id, err := newID()
	if err != nil {
		return err
	}
	if err := a.accounts.StartHalf(ctx, hashOf(id), by, a.clock().Add(halfLifetime)); err != nil {
		return err
	}
	a.setCookie(w, halfCookie, id, int(halfLifetime.Seconds()))
	return nil
}

func (a *Auth) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	o := a.sessions.options
	o.MaxAge = maxAge
	http.SetCookie(w, sessions.NewCookie(name, value, &o))
}

// checkCode takes a code or a recovery code of a user, once. Guesses count per user. What is wrong is a Denied error.
func (a *Auth) checkCode(ctx context.Context, userID, code string) error {
	if err := a.count(ctx, subject("code", userID), perEmail); err != nil {
		return err
	}
	t, err := a.accounts.TwoFactor(ctx, userID)
	if err != nil {
		return err
	}
	ok, err := a.takeCode(ctx, userID, t.Secret, code)
	if err != nil {
		return err
	}
	if !ok {
		return domain.Errorf(domain.Denied, "This code is not right, or was used already.").WithHint("Wait for the next one and try again, or use a recovery code.")
	}
	return a.accounts.ForgetSignIns(ctx, subject("code", userID))
}

func (a *Auth) takeCode(ctx context.Context, userID, secret, code string) (bool, error) {
	code = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code))
	if len(code) != 6 {
		return a.accounts.TakeRecoveryCode(ctx, userID, recoveryHash(code))
	}
	step, ok, err := a.stepOf(secret, code)
	if err != nil || !ok {
		return false, err
	}
	return a.accounts.TakeStep(ctx, userID, step)
}

// stepOf finds the time step whose code it is.
func (a *Auth) stepOf(secret, code string) (step int64, ok bool, err error) {
	if secret == "" {
		return 0, false, nil
	}
	now := a.clock()
	for _, d := range []int64{0, -drift, drift} {
		at := now.Add(time.Duration(d) * stepSeconds * time.Second)
		want, err := totp.GenerateCodeCustom(secret, at, totp.ValidateOpts{Period: stepSeconds, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("make a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return at.Unix() / stepSeconds, true, nil
		}
	}
	return 0, false, nil
}

func recoveryHash(code string) string {
	sum := sha256.Sum256([]byte("recovery\x00" + code))
	return hex.EncodeToString(sum[:])
}

// newRecoveryCodes makes codes as people type them, and what is stored of them.
func newRecoveryCodes() (codes, hashes []string, err error) {
	for range recoveryCodes {
		random := make([]byte, recoveryBytes)
		if _, err := rand.Read(random); err != nil {
			return nil, nil, fmt.Errorf("make a recovery code: %w", err)
		}
		code := base32.StdEncoding.EncodeToString(random) // 16 letters and digits
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		hashes = append(hashes, recoveryHash(code))
	}
	return codes, hashes, nil
}

// TwoFactorSetup is what an authenticator app needs.
type TwoFactorSetup struct {
	Secret string // in groups of four
	QR     []byte // the same as a picture, PNG
}

// TwoFactor says how whoever r comes from proves to be themselves: whether a code is needed, how many recovery codes are left, and what
// is being set up; nil where nothing is.
func (a *Auth) TwoFactor(r *http.Request) (on bool, codesLeft int, setup *TwoFactorSetup, err error) {
	v, _, err := a.own(r)
	if err != nil {
		return false, 0, nil, err
	}
	t, err := a.accounts.TwoFactor(r.Context(), v.UserID)
	if err != nil || t.Pending == "" || t.Secret != "" {
		return t.Secret != "", t.CodesLeft, nil, err
	}
	setup, err = a.setup(t)
	return false, t.CodesLeft, setup, err
}

func (a *Auth) setup(t store.TwoFactor) (*TwoFactorSetup, error) {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(t.Pending)
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Flagpole", AccountName: t.Email, Secret: secret, Period: stepSeconds, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	picture, err := key.Image(220, 220)
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	var groups []string
	for rest := t.Pending; rest != ""; {
		n := min(4, len(rest))
		groups, rest = append(groups, rest[:n]), rest[n:]
	}
	return &TwoFactorSetup{strings.Join(groups, " "), out.Bytes()}, nil
}

// BeginTwoFactor makes a secret for whoever r comes from, after checking the password. Nothing changes before a code confirms it. Errors
// are those of ChangePassword for the current password; where a code is needed already, it is a Clash.
func (a *Auth) BeginTwoFactor(r *http.Request, password string) error {
	v, _, err := a.own(r)
	if err != nil {
		return err
	}
	if v.TwoFactor {
		return domain.Errorf(domain.Clash, "A code is needed already.").WithHint("Turn it off first, to set it up anew.")
	}
	if _, err := a.confirm(r.Context(), v.Email, password); err != nil {
		return err
	}
	random := make([]byte, 20) // 160 bits, as RFC 4226 recommends
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("make a secret: %w", err)
	}
	return a.accounts.BeginTwoFactor(r.Context(), v.UserID, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
}

// TurnOnTwoFactor confirms by a code that the app has the secret, and gives the recovery codes, which are never shown again. From then on
// signing in needs a code, and all other sessions are over. A wrong code is a Denied error; where nothing is being set up, a Clash.
func (a *Auth) TurnOnTwoFactor(r *http.Request, code string) (codes []string, err error) {
	ctx := r.Context()
	v, session, err := a.own(r)
	if err != nil {
		return nil, err
	}
	if err := a.count(ctx, subject("code", v.UserID), perEmail); err != nil {
		return nil, err
	}
	t, err := a.accounts.TwoFactor(ctx, v.UserID)
	if err != nil {
		return nil, err
	}
	if t.Pending == "" {
		return nil, domain.Errorf(domain.Clash, "Nothing is being set up.").WithHint("Begin again with your password.")
	}
	step, ok, err := a.stepOf(t.Pending, strings.ReplaceAll(strings.TrimSpace(code), " ", ""))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, domain.Errorf(domain.Denied, "This code is not right.").WithHint("Look whether the phone’s clock is right, and type the code it shows now.")
	}
	if err := a.accounts.ForgetSignIns(ctx, subject("code", v.UserID)); err != nil {
		return nil, err
	}
	codes, hashes, err := newRecoveryCodes()
	if err != nil {
		return nil, err
	}
	return codes, a.accounts.TurnOnTwoFactor(ctx, v.UserID, t.Pending, step, hashes, session)
}

// RenewRecoveryCodes gives whoever r comes from new recovery codes in place of the old ones, against a code.
func (a *Auth) RenewRecoveryCodes(r *http.Request, code string) (codes []string, err error) {
	v, _, err := a.own(r)
	if err != nil {
		return nil, err
	}
	if err := a.checkCode(r.Context(), v.UserID, code); err != nil {
		return nil, err
	}
	codes, hashes, err := newRecoveryCodes()
	if err != nil {
		return nil, err
	}
	return codes, a.accounts.RenewCodes(r.Context(), v.UserID, hashes)
}

// TurnOffTwoFactor has the password alone be enough for whoever r comes from, against password and code.
func (a *Auth) TurnOffTwoFactor(r *http.Request, password, code string) error {
	v, _, err := a.own(r)
	if err != nil {
		return err
	}
	if _, err := a.confirm(r.Context(), v.Email, password); err != nil {
		return err
	}
	if err := a.checkCode(r.Context(), v.UserID, code); err != nil {
		return err
	}
	return a.accounts.TurnOffTwoFactor(r.Context(), v.UserID)
}
