package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"flagpole/internal/domain"
	"flagpole/store"
)

const (
	cookieName = "flagpole_session"
	idBytes    = 32
	lifetime   = 7 * 24 * time.Hour // of a session, however busy
	idle       = 12 * time.Hour     // of a session nobody uses
	touchAfter = 5 * time.Minute    // use is noted at most this often
)

// viewerKey is where a session keeps whom it belongs to, and proofKey where a new one says by what.
type (
	viewerKey struct{}
	proofKey  struct{}
)

// SessionStore is a gorilla/sessions store on our sessions table. The cookie holds a random 256-bit id; the table holds
// only the id's hash, so a copy of the database signs nobody in.
type SessionStore struct {
	accounts *store.Accounts
	options  sessions.Options
	clock    domain.Clock
}

var _ sessions.Store = (*SessionStore)(nil)

func newSessionStore(accounts *store.Accounts, secure bool, clock domain.Clock) *SessionStore {
	return &SessionStore{accounts, sessions.Options{
		Path: "/", MaxAge: int(lifetime.Seconds()), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}, clock}
}

// Get gives the request's session, read once per request.
func (s *SessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session the request's cookie names. One that has ended comes back new and empty.
func (s *SessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := s.empty(name)
	cookie, err := r.Cookie(name)
	if err != nil || cookie.Value == "" {
		return session, nil
	}
	hash := hashOf(cookie.Value)
	found, err := s.accounts.Session(r.Context(), hash, idle)
	if domain.CodeOf(err) == domain.NoSuch {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	if s.clock().Sub(found.LastUsedAt) >= touchAfter {
		if err := s.accounts.TouchSession(r.Context(), hash); err != nil {
			return session, err
		}
	}
	session.ID, session.IsNew = cookie.Value, false
	session.Values[viewerKey{}] = found.Viewer
	return session, nil
}

// Save stores a session that was given a user, under a new id, and sets its cookie; with a negative MaxAge it ends the
// session and clears the cookie.
func (s *SessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		if err := s.accounts.EndSession(r.Context(), hashOf(session.ID)); err != nil {
			return err
		}
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	by, ok := session.Values[proofKey{}].(store.Proof)
	if !ok {
		return errors.New("save session: it belongs to nobody")
	}
	return s.begin(r.Context(), w, session, by)
}

func (s *SessionStore) begin(ctx context.Context, w http.ResponseWriter, session *sessions.Session, by store.Proof) error {
	id, err := newID()
	if err != nil {
		return err
	}
	replaces := session.ID
	session.ID = id
	if err := s.accounts.StartSession(ctx, hashOf(session.ID), hashOf(replaces), by, s.clock().Add(lifetime)); err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}

// renew gives r's session a new id: store has to put the hash to in the place of from, as part of what it does.
func (s *SessionStore) renew(w http.ResponseWriter, r *http.Request, store func(from, to string) error) error {
	session, err := s.Get(r, cookieName)
	if err != nil {
		return err
	}
	id, err := newID()
	if err != nil {
		return err
	}
	if err := store(hashOf(session.ID), hashOf(id)); err != nil {
		return err
	}
	session.ID = id
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}

func newID() (string, error) {
	random := make([]byte, idBytes)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(random), nil
}

func (s *SessionStore) start(w http.ResponseWriter, r *http.Request, by store.Proof) error {
	session, err := s.Get(r, cookieName)
	if err != nil {
		return err
	}
	session.Values[proofKey{}] = by
	return session.Save(r, w)
}

func (s *SessionStore) end(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Get(r, cookieName)
	if err != nil {
		return err
	}
	session.Options.MaxAge = -1
	return session.Save(r, w)
}

// clear has the browser forget the cookie of r's session, which has ended in the store.
func (s *SessionStore) clear(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Get(r, cookieName)
	if err != nil {
		return err
	}
	session.Options.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
	return nil
}

func (s *SessionStore) empty(name string) *sessions.Session {
	session := sessions.NewSession(s, name)
	options := s.options
	session.Options = &options
	session.IsNew = true
	return session
}

// hashOf is what the table keeps of a session id.
func hashOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
