package store

import (
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

// PasswordChange is a new password, given in one of the user's sessions. Passwords are in their stored form, sessions
// by their hash.
type PasswordChange struct {
	UserID   string
	Old, New string // Old is the one that was checked
	Session  string // where it is given
	Renewed  string // takes the place of Session
}

// ChangePassword stores a new password and ends all sessions of the user but the one it is given in, which goes on under
// its new hash: whoever knew the old password or the old cookie is out. A password that is no longer the old one is a
// Clash error, a session that has ended a NoSuch error; nothing is stored then.
func (a *Accounts) ChangePassword(ctx context.Context, c PasswordChange) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE users SET password_hash = $1 WHERE user_id = $2 AND password_hash = $3`, c.New, c.UserID, c.Old)
		if err == nil && n == 0 {
			return domain.Errorf(domain.Clash, "The password has just been changed elsewhere.").WithHint("Sign in with the new one.")
		}
		if err != nil {
			return err
		}
		n, err = tx.exec(ctx, `UPDATE sessions SET session_hash = $1, last_used_at = $2 WHERE session_hash = $3 AND user_id = $4`,
			c.Renewed, a.s.now(), c.Session, c.UserID)
		if err == nil && n == 0 {
			return noSuch(sql.ErrNoRows, "session")
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND session_hash <> $2`, c.UserID, c.Renewed); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM half_sign_ins WHERE user_id = $1`, c.UserID); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: c.UserID}, "password.change", "", "")
	})
	return wrap(err, "change password")
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
