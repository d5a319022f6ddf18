package auth

import (
	"context"
	"net/http"

	"flagpole/internal/domain"
	"flagpole/store"
)

// OwnSessions lists the live sessions of whoever r comes from, r's own first.
func (a *Auth) OwnSessions(r *http.Request) ([]store.OwnSession, error) {
	v, this, err := a.own(r)
	if err != nil {
		return nil, err
	}
	return a.accounts.OwnSessions(r.Context(), v.UserID, this, idle)
}

// CheckNewPassword says what is wrong with a new password in place of the current one, as an Invalid error, or nil.
func CheckNewPassword(current, next string) error {
	if err := CheckPassword(next); err != nil {
		return err
	}
	if next == current {
		return domain.Errorf(domain.Invalid, "This is the current password.").WithHint("Choose another one.")
	}
	return nil
}

// ChangePassword gives whoever r comes from a new password, goes on in a session with a new id, and ends all others. A
// new password that will not do is an Invalid error, a wrong current one Denied, too many of these Throttled; where the
// session has ended it is NoSuch, where somebody else changed the password in between Clash.
func (a *Auth) ChangePassword(w http.ResponseWriter, r *http.Request, current, next string) error {
	if err := CheckNewPassword(current, next); err != nil {
		return err
	}
	v, _, err := a.own(r)
	if err != nil {
		return err
	}
	user, err := a.confirm(r.Context(), v.Email, current)
	if err != nil {
		return err
	}
	stored, err := a.hasher.hash(r.Context(), next)
	if err != nil {
		return err
	}
	return a.sessions.renew(w, r, func(from, to string) error {
		return a.accounts.ChangePassword(r.Context(), store.PasswordChange{
			UserID: user.ID, Old: user.PasswordHash, New: stored, Session: from, Renewed: to,
		})
	})
}

// confirm checks the password of somebody who is signed in. Guesses count as those of signing in do: who finds a
// browser left open must not try words without end.
func (a *Auth) confirm(ctx context.Context, email, password string) (store.User, error) {
	if err := a.count(ctx, subject("email", email), perEmail); err != nil {
		return store.User{}, err
	}
	user, err := a.verify(ctx, email, password)
	if domain.CodeOf(err) == domain.Denied {
		return store.User{}, domain.Errorf(domain.Denied, "This is not the current password.").
			WithHint("Try again, or ask an admin for a new one.").Because(err)
	}
	if err != nil {
		return store.User{}, err
	}
	return user, a.accounts.ForgetSignIns(ctx, subject("email", email))
}

// EndSession ends the session that the handle names, if it is one of whoever r comes from. For r's own that is signing
// out: the cookie is cleared too, and signedOut is true.
func (a *Auth) EndSession(w http.ResponseWriter, r *http.Request, handle string) (signedOut bool, err error) {
	v, this, err := a.own(r)
	if err != nil {
		return false, err
	}
	if err := a.accounts.EndOwnSession(r.Context(), v.UserID, handle); err != nil {
		return false, err
	}
	if handle != store.SessionHandle(this) {
		return false, nil
	}
	return true, a.sessions.clear(w, r)
}

// EndOtherSessions ends all sessions of whoever r comes from but r's own.
func (a *Auth) EndOtherSessions(r *http.Request) error {
	v, this, err := a.own(r)
	if err != nil {
		return err
	}
	return a.accounts.EndOtherSessions(r.Context(), v.UserID, this)
}

// own is who r comes from, and the hash of r's session. Nobody is a NoSuch error.
func (a *Auth) own(r *http.Request) (v domain.Viewer, this string, err error) {
	session, err := a.sessions.Get(r, cookieName)
	if err != nil {
		return domain.Viewer{}, "", err
	}
	v, signedIn := session.Values[viewerKey{}].(domain.Viewer)
	if !signedIn {
		return domain.Viewer{}, "", domain.Errorf(domain.NoSuch, "You are not signed in any more.").WithHint("Sign in again.")
	}
	return v, hashOf(session.ID), nil
}
