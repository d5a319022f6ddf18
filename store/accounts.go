package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flagpole/internal/domain"
)

// Accounts is the way in for signing in: users, sessions and sign-in attempts. It reads no competitor.
type Accounts struct{ s *Store }

// User is a person who may sign in.
type User struct {
	ID           string
	Email        string
	Role         domain.Role
	CoachID      string
	PasswordHash string
	Disabled     bool
}

// AddUser stores a user and returns the new id. A coach's user belongs to the coach with that email, who must exist. A
// taken email is a Clash, a missing coach an Invalid error.
func (a *Accounts) AddUser(ctx context.Context, email string, role domain.Role, passwordHash string) (string, error) {
	id := uuid.NewString()
	err := a.s.db.update(ctx, func(tx conn) error {
		var coach any
		if role == domain.RoleCoach {
			coachID, err := coachByEmail(ctx, tx, email)
			if err != nil {
				return err
			}
			coach = coachID
		}
		_, err := tx.exec(ctx, `
			INSERT INTO users (user_id, email, email_key, role, coach_id, password_hash, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, email, emailKey(email), string(role), coach, passwordHash, a.s.now())
		if violatesUnique(err) {
			return domain.Errorf(domain.Clash, "A user with this email exists already.").Because(err)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("add user: %w", err)
	}
	return id, nil
}

func coachByEmail(ctx context.Context, tx conn, email string) (string, error) {
	var id string
	err := tx.row(ctx, `SELECT coach_id FROM coaches WHERE email_key = $1`, emailKey(email)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", domain.Errorf(domain.Invalid, "No coach has this email.").WithHint("Import the roster with this coach first.")
	}
	return id, err
}

// UserByEmail finds a user whatever the spelling of the email. No user is a NoSuch error.
func (a *Accounts) UserByEmail(ctx context.Context, email string) (User, error) {
	var u User
	err := a.s.db.reader().row(ctx, `
		SELECT user_id, email, role, COALESCE(coach_id, ''), password_hash, disabled_at IS NOT NULL
		FROM users WHERE email_key = $1`, emailKey(email)).
		Scan(&u.ID, &u.Email, &u.Role, &u.CoachID, &u.PasswordHash, &u.Disabled)
	if err != nil {
		return User{}, fmt.Errorf("find user: %w", noSuch(err, "user"))
	}
	return u, nil
}

// StartSession stores a session under its hash, ends the one it takes the place of, if any, and sweeps up expired
// ones.
func (a *Accounts) StartSession(ctx context.Context, hash, replaces, userID string, expires time.Time) error {
	now := a.s.now()
	err := a.s.db.update(ctx, func(tx conn) error {
		if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE session_hash = $1 OR expires_at <= $2`, replaces, now); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			INSERT INTO sessions (session_hash, user_id, created_at, last_used_at, expires_at)
			VALUES ($1, $2, $3, $3, $4)`, hash, userID, now, micros(expires)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE users SET last_sign_in_at = $1 WHERE user_id = $2`, now, userID)
		return err
	})
	if err != nil {
		return fmt.Errorf("start session: %w", err)
	}
	return nil
}

// Session is a live session and whom it belongs to.
type Session struct {
	Viewer     domain.Viewer
	LastUsedAt time.Time
}

// Session finds a live session by its hash. One that has ended, has not been used for longer than idle, or whose user is
// disabled is a NoSuch error.
func (a *Accounts) Session(ctx context.Context, hash string, idle time.Duration) (Session, error) {
	var s Session
	v := &s.Viewer
	seen := ""
	now := a.s.clock()
	err := a.s.db.reader().row(ctx, `
		SELECT u.user_id, u.email, COALESCE(co.name, u.email), u.role, COALESCE(u.coach_id, ''), s.last_used_at,
			COALESCE(seen.coach_id, ''), COALESCE(seen.name, '')
		FROM sessions s
		JOIN users u ON u.user_id = s.user_id
		LEFT JOIN coaches co ON co.coach_id = u.coach_id
		LEFT JOIN coaches seen ON seen.coach_id = s.viewing_coach_id AND u.role = 'admin'
		WHERE s.session_hash = $1 AND s.expires_at > $2 AND s.last_used_at > $3 AND u.disabled_at IS NULL`,
		hash, micros(now), micros(now.Add(-idle))).
		Scan(&v.UserID, &v.Email, &v.Name, &v.Role, &v.CoachID, into(&s.LastUsedAt), &seen, &v.CoachName)
	if err != nil {
		return Session{}, fmt.Errorf("find session: %w", noSuch(err, "session"))
	}
	if seen != "" {
		v.Role, v.CoachID, v.ViewingAs = domain.RoleCoach, seen, true
	}
	return s, nil
}

// ViewAs has an admin's session show the portal as the coach sees it, or with "" as the admin does again. Only admins may, and
// a coach who does not exist is a NoSuch error; both are audited.
func (a *Accounts) ViewAs(ctx context.Context, hash, coachID string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		var v domain.Viewer
		var before string
		err := tx.row(ctx, `
			SELECT u.user_id, COALESCE(s.viewing_coach_id, '') FROM sessions s JOIN users u ON u.user_id = s.user_id
			WHERE s.session_hash = $1 AND u.role = 'admin'`, hash).Scan(&v.UserID, &before)
		if errors.Is(err, sql.ErrNoRows) {
			return domain.Errorf(domain.Denied, "Only admins may look at the portal as a coach.")
		}
		if err != nil || before == coachID {
			return err
		}
		action, name := "view_as.end", ""
		if coachID != "" {
			action = "view_as.begin"
			if err := tx.row(ctx, `SELECT name FROM coaches WHERE coach_id = $1`, coachID).Scan(&name); err != nil {
				return noSuch(err, "coach")
			}
		}
		if _, err := tx.exec(ctx, `UPDATE sessions SET viewing_coach_id = $2 WHERE session_hash = $1`, hash, nullText(coachID)); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), v, action, "", "coach="+cmp.Or(coachID, before))
	})
	return wrap(err, "view as a coach")
}

// TouchSession notes that a session was used just now.
func (a *Accounts) TouchSession(ctx context.Context, hash string) error {
	return a.write(ctx, "touch session", `UPDATE sessions SET last_used_at = $1 WHERE session_hash = $2`, a.s.now(), hash)
}

// EndSession ends a session; one that has ended already is no error.
func (a *Accounts) EndSession(ctx context.Context, hash string) error {
	return a.write(ctx, "end session", `DELETE FROM sessions WHERE session_hash = $1`, hash)
}

// CountSignIn counts one more attempt of subject (a hash) in the running window and returns how many there are and when
// the window ends. It counts before the password is looked at, so that guesses side by side cannot pass together.
func (a *Accounts) CountSignIn(ctx context.Context, subject string, window time.Duration) (attempts int, ends time.Time, err error) {
	now := a.s.clock()
	err = a.s.db.update(ctx, func(tx conn) error {
		if _, err := tx.exec(ctx, `DELETE FROM sign_in_attempts WHERE window_ends <= $1`, micros(now)); err != nil {
			return err
		}
		return tx.row(ctx, `
			INSERT INTO sign_in_attempts (subject, attempts, window_ends) VALUES ($1, 1, $2)
			ON CONFLICT (subject) DO UPDATE SET attempts = sign_in_attempts.attempts + 1
			RETURNING attempts, window_ends`, subject, micros(now.Add(window))).Scan(&attempts, into(&ends))
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count sign-in: %w", err)
	}
	return attempts, ends, nil
}

// ForgetSignIns clears a subject's attempts, after the right password.
func (a *Accounts) ForgetSignIns(ctx context.Context, subject string) error {
	return a.write(ctx, "forget sign-ins", `DELETE FROM sign_in_attempts WHERE subject = $1`, subject)
}

func (a *Accounts) write(ctx context.Context, what, query string, arguments ...any) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, query, arguments...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
