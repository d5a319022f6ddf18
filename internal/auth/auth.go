// Package auth signs people in and out: passwords, sessions in our own table behind gorilla/sessions, and the throttle on
// sign-in attempts. It imports domain and store; it knows no route and no page.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"flagpole/internal/domain"
	"flagpole/store"
)

// The throttle: so many attempts in a window, for one email and for one network address. A school shares an address.
const (
	window         = 15 * time.Minute
	perEmail       = 10
	perAddress     = 100
	unknownAccount = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
)

// Auth signs people in and out.
type Auth struct {
	accounts *store.Accounts
	sessions *SessionStore
	hasher   hasher
	clock    domain.Clock
}

// New makes an Auth. secure says that cookies may only travel encrypted.
func New(accounts *store.Accounts, secure bool, clock domain.Clock) *Auth {
	return &Auth{accounts, newSessionStore(accounts, secure, clock), newHasher(), clock}
}

// SignIn checks email and password and starts a new session on w, in place of the one r had; where the user needs a code too, none is
// started, and SignInCode goes on. Wrong ones are a Denied error, too many attempts a Throttled one; neither says whether the email
// exists.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request, email, password, address string) (awaitsCode bool, err error) {
	ctx := r.Context()
	email = strings.TrimSpace(email)
	if err := a.throttle(ctx, email, address); err != nil {
		return false, err
	}
	user, err := a.verify(ctx, email, password)
	if err != nil {
		return false, err
	}
	if err := a.accounts.ForgetSignIns(ctx, subject("email", email)); err != nil {
		return false, err
	}
	return a.finish(w, r, store.Proof{UserID: user.ID, Password: user.PasswordHash})
}

// throttle counts the attempt before the password is looked at.
func (a *Auth) throttle(ctx context.Context, email, address string) error {
	if err := a.count(ctx, subject("email", email), perEmail); err != nil {
		return err
	}
	return a.count(ctx, subject("address", address), perAddress)
}

// count counts one more attempt of the subject; more than most in a window are a Throttled error.
func (a *Auth) count(ctx context.Context, subject string, most int) error {
	n, ends, err := a.accounts.CountSignIn(ctx, subject, window)
	if err != nil {
		return err
	}
	if n > most {
		return domain.Errorf(domain.Throttled, "Too many attempts.").
			WithHint("Wait " + wholeMinutes(ends.Sub(a.clock())) + ", then try again, or ask an admin for a new password.")
	}
	return nil
}

// wholeMinutes is d in words, rounded up.
func wholeMinutes(d time.Duration) string {
	n := int((d + time.Minute - 1) / time.Minute)
	if n == 1 {
		return "1 minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// subject is what attempts are counted for, without keeping the email or address itself. All spellings that find one user
// are one subject, accents composed either way too: guesses must not go on under the next spelling.
func subject(kind, text string) string {
	folded := norm.NFC.String(strings.ToLower(norm.NFC.String(text)))
	sum := sha256.Sum256([]byte(kind + "\x00" + folded))
	return hex.EncodeToString(sum[:])
}

// verify finds the user and checks the password. For an unknown email as much work is done as for a known one.
func (a *Auth) verify(ctx context.Context, email, password string) (store.User, error) {
	wrong := domain.Errorf(domain.Denied, "Email and password do not match.").WithHint("Try again, or ask an admin for a new password.")
	if len(password) > maxBytes {
		return store.User{}, wrong
	}
	user, err := a.accounts.UserByEmail(ctx, email)
	if err != nil && domain.CodeOf(err) != domain.NoSuch {
		return store.User{}, err
	}
	known := err == nil && !user.Disabled && user.PasswordHash != "" // who was invited has none yet
	stored := user.PasswordHash
	if !known {
		stored = unknownAccount
	}
	ok, err := a.hasher.matches(ctx, password, stored)
	if err != nil {
		return store.User{}, fmt.Errorf("check password: %w", err)
	}
	if !known || !ok {
		return store.User{}, wrong
	}
	return user, nil
}

// SignOut ends r's session at once and clears its cookie.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error { return a.sessions.end(w, r) }

// Viewer is who r comes from. signedIn is false for nobody, or for a session that has ended.
func (a *Auth) Viewer(r *http.Request) (v domain.Viewer, signedIn bool, err error) {
	session, err := a.sessions.Get(r, cookieName)
	if err != nil {
		return domain.Viewer{}, false, err
	}
	v, signedIn = session.Values[viewerKey{}].(domain.Viewer)
	return v, signedIn, nil
}

// ViewAs has r's session show the portal as the coach sees it, or with "" as its own person does. Only admins may: for others it
// is a Denied error, and a coach who does not exist is a NoSuch one.
func (a *Auth) ViewAs(r *http.Request, coachID string) error {
	session, err := a.sessions.Get(r, cookieName)
	if err != nil {
		return err
	}
	return a.accounts.ViewAs(r.Context(), hashOf(session.ID), coachID)
}
