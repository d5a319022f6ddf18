package auth

import (
	"net/http"
	"time"

	"flagpole/internal/domain"
	"flagpole/store"
)

const (
	invitationCookie = "flagpole_invitation"
	invitationHour   = 60 * 60 // seconds: from opening a link to choosing a password
	linkLifetime     = 7 * 24 * time.Hour
)

// NewLink makes what lets somebody choose a password: the token that stands in the link, and what is stored of it.
func (a *Auth) NewLink() (token string, link store.Link, err error) {
	token, err = newID()
	return token, store.Link{Hash: hashOf(token), Until: a.clock().Add(linkLifetime)}, err
}

// OpenInvitation puts a link's token into a cookie, so that it need not stand in an address any longer.
func (a *Auth) OpenInvitation(w http.ResponseWriter, token string) {
	a.setCookie(w, invitationCookie, token, invitationHour)
}

// Invited is the email of who may choose a password by the link that r opened before. A link that is over is a NoSuch error.
func (a *Auth) Invited(r *http.Request) (email string, err error) {
	u, err := a.accounts.Invited(r.Context(), invitationHash(r))
	return u.Email, overLink(err)
}

func invitationHash(r *http.Request) string {
	cookie, err := r.Cookie(invitationCookie)
	if err != nil || cookie.Value == "" {
		return ""
	}
	return hashOf(cookie.Value)
}

// AcceptInvitation stores the password that somebody chose by a link, which is over then, and signs them in; awaitsCode is true where a
// code is still needed. A password that will not do is an Invalid error, a link that is over a NoSuch one.
func (a *Auth) AcceptInvitation(w http.ResponseWriter, r *http.Request, password string) (awaitsCode bool, err error) {
	ctx := r.Context()
	if err := CheckPassword(password); err != nil {
		return false, err
	}
	hash := invitationHash(r)
	if _, err := a.accounts.Invited(ctx, hash); err != nil { // before the work of hashing
		return false, overLink(err)
	}
	stored, err := a.hasher.hash(ctx, password)
	if err != nil {
		return false, err
	}
	userID, err := a.accounts.AcceptInvitation(ctx, hash, stored)
	if err != nil {
		return false, overLink(err)
	}
	a.setCookie(w, invitationCookie, "", -1)
	return a.finish(w, r, store.Proof{UserID: userID, Password: stored})
}

// finish starts a session for somebody who has given the right password, or asks for the code.
func (a *Auth) finish(w http.ResponseWriter, r *http.Request, by store.Proof) (awaitsCode bool, err error) {
	t, err := a.accounts.TwoFactor(r.Context(), by.UserID)
	if err != nil {
		return false, err
	}
	if t.Secret != "" {
		return true, a.awaitCode(r.Context(), w, by)
	}
	return false, a.sessions.start(w, r, by)
}

// overLink words for people that a link is over; other errors stay as they are.
func overLink(err error) error {
	if domain.CodeOf(err) != domain.NoSuch {
		return err
	}
	return domain.Errorf(domain.NoSuch, "This link is over.").WithHint("It works once, and for 7 days. Ask an admin for a new one.").Because(err)
}
