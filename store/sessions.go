package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// Proof is by what somebody signs in.
type Proof struct {
	UserID   string
	Password string // in its stored form: the one that was checked
	Code     bool   // a code was taken too
}

// holds is a NoSuch error where a proof is none any more, and otherwise keeps it one until the transaction ends: checking a password
// takes long, and whoever changes it meanwhile wants those out who know the old one. needsCode says that the password alone is not enough.
func (a *Accounts) holds(ctx context.Context, tx conn, p Proof) (needsCode bool, err error) {
	err = tx.row(ctx, `
		SELECT u.totp_secret IS NOT NULL FROM users u WHERE u.user_id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL`+a.s.db.forUpdate("u"),
		p.UserID, p.Password).Scan(&needsCode)
	if errors.Is(err, sql.ErrNoRows) {
		return false, proofOver()
	}
	return needsCode, err
}

func proofOver() error {
	return domain.Errorf(domain.NoSuch, "Your login has just been changed.").WithHint("Sign in again.")
}

// StartSession stores a session under its hash, ends the one it takes the place of, if any, and sweeps up expired
// ones. Where the proof is none any more, or a code is needed by now, that is a NoSuch error. The user's row comes first, as in
// ChangePassword: two that lock in one order never wait for each other.
func (a *Accounts) StartSession(ctx context.Context, hash, replaces string, by Proof, expires time.Time) error {
	now := a.s.now()
	err := a.s.db.update(ctx, func(tx conn) error {
		needsCode, err := a.holds(ctx, tx, by)
		if err == nil && needsCode && !by.Code {
			err = proofOver()
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET last_sign_in_at = $1 WHERE user_id = $2`, now, by.UserID); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE session_hash = $1 OR expires_at <= $2`, replaces, now); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `
			INSERT INTO sessions (session_hash, user_id, created_at, last_used_at, expires_at)
			VALUES ($1, $2, $3, $3, $4)`, hash, by.UserID, now, micros(expires))
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
			COALESCE(seen.coach_id, ''), COALESCE(seen.name, ''), COALESCE(seen.enrolled, co.enrolled, FALSE),
			COALESCE(seen.introduced_at, co.introduced_at) IS NOT NULL, (SELECT kill_switch FROM rollout),
			p.paused_at, COALESCE(pu.email, p.paused_by, ''), COALESCE(p.reason, ''),
			u.totp_secret IS NOT NULL,
			COALESCE((SELECT k.competitors FROM failure_sums k WHERE k.coach_id = '' AND k.fingerprint = '' AND k.state = 'open' AND u.role <> 'coach'), 0),
			CASE WHEN u.role = 'coach' THEN 0 ELSE (SELECT COUNT(*) FROM problem_reports pr WHERE pr.state = 'open') END
		FROM sessions s
		JOIN users u ON u.user_id = s.user_id
		LEFT JOIN coaches co ON co.coach_id = u.coach_id
		LEFT JOIN coaches seen ON seen.coach_id = s.viewing_coach_id AND u.role = 'admin'
		LEFT JOIN sync_pause p ON p.only_one = 1
		LEFT JOIN users pu ON pu.user_id = p.paused_by
		WHERE s.session_hash = $1 AND s.expires_at > $2 AND s.last_used_at > $3 AND u.disabled_at IS NULL`,
		hash, micros(now), micros(now.Add(-idle))).
		Scan(&v.UserID, &v.Email, &v.Name, &v.Role, &v.CoachID, into(&s.LastUsedAt), &seen, &v.CoachName, &v.Enrolled, &v.Introduced, &v.KillSwitch,
			into(&v.Pause.At), &v.Pause.By, &v.Pause.Reason, &v.TwoFactor, &v.OpenFailures, &v.OpenProblems)
	if err != nil {
		return Session{}, fmt.Errorf("find session: %w", noSuch(err, "session"))
	}
	v.Pause.By = domain.LoginName(v.Pause.By)
	if seen != "" {
		v.Role, v.CoachID, v.ViewingAs = domain.RoleCoach, seen, true
	}
	return s, nil
}

// TouchSession notes that a session was used just now.
func (a *Accounts) TouchSession(ctx context.Context, hash string) error {
	return a.write(ctx, "touch session", `UPDATE sessions SET last_used_at = $1 WHERE session_hash = $2`, a.s.now(), hash)
}

// EndSession ends a session; one that has ended already is no error.
func (a *Accounts) EndSession(ctx context.Context, hash string) error {
	return a.write(ctx, "end session", `DELETE FROM sessions WHERE session_hash = $1`, hash)
}

// handleDigits is how much of a session's hash names it among its owner's.
const handleDigits = 16

// SessionHandle is what the owner of a session calls it by.
func SessionHandle(hash string) string { return hash[:min(len(hash), handleDigits)] }

// OwnSession is a live session as its owner sees it.
type OwnSession struct {
	Handle                string
	This                  bool // the one that asks
	StartedAt, LastUsedAt time.Time
}

// OwnSessions lists the live sessions of a user: the one with the hash this first, then as they were last used.
func (a *Accounts) OwnSessions(ctx context.Context, userID, this string, idle time.Duration) ([]OwnSession, error) {
	now := a.s.clock()
	rows, err := a.s.db.reader().query(ctx, `
		SELECT session_hash, session_hash = $1, created_at, last_used_at
		FROM sessions
		WHERE user_id = $2 AND expires_at > $3 AND last_used_at > $4
		ORDER BY session_hash <> $1, last_used_at DESC, session_hash`,
		this, userID, micros(now), micros(now.Add(-idle)))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	var list []OwnSession
	err = each(rows, func() error {
		var s OwnSession
		err := rows.Scan(&s.Handle, &s.This, into(&s.StartedAt), into(&s.LastUsedAt))
		s.Handle = SessionHandle(s.Handle)
		list = append(list, s)
		return err
	})
	return list, wrap(err, "list sessions")
}

// EndOwnSession ends the session of the user that the handle names. Where there is none it has ended already, or is not
// the user's; neither is an error.
func (a *Accounts) EndOwnSession(ctx context.Context, userID, handle string) error {
	return a.endOwn(ctx, userID, "one", `DELETE FROM sessions WHERE user_id = $1 AND substr(session_hash, 1, 16) = $2`, handle)
}

// EndOtherSessions ends all sessions of the user but the one with the hash this.
func (a *Accounts) EndOtherSessions(ctx context.Context, userID, this string) error {
	return a.endOwn(ctx, userID, "all others", `DELETE FROM sessions WHERE user_id = $1 AND session_hash <> $2`, this)
}

// endOwn deletes sessions of the user, and audits it where there were any.
func (a *Accounts) endOwn(ctx context.Context, userID, which, query, what string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, query, userID, what)
		if err != nil || n == 0 {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "session.end", "", which)
	})
	return wrap(err, "end sessions")
}

// ViewAs has an admin's session show the portal as the coach sees it, or with "" as the admin does again. Only admins may, and
// a coach who does not exist is a NoSuch error; both are audited.
func (a *Accounts) ViewAs(ctx context.Context, hash, coachID string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		var v domain.Viewer
		var before string
		err := tx.row(ctx, `
			SELECT u.user_id, COALESCE(s.viewing_coach_id, '') FROM sessions s JOIN users u ON u.user_id = s.user_id
			WHERE s.session_hash = $1 AND u.role = 'admin'`+a.s.db.forUpdate("s"), hash).Scan(&v.UserID, &before)
		if errors.Is(err, sql.ErrNoRows) {
			return domain.Errorf(domain.Denied, "Only admins may look at the portal as a coach.")
		}
		if err != nil || before == coachID {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE sessions SET viewing_coach_id = $2 WHERE session_hash = $1`, hash, nullText(coachID)); err != nil {
			return err
		}
		if before != "" {
			if err := audit(ctx, tx, a.s.now(), v, "view_as.end", "", "coach="+before); err != nil {
				return err
			}
		}
		if coachID == "" {
			return nil
		}
		name := ""
		if err := tx.row(ctx, `SELECT name FROM coaches WHERE coach_id = $1`, coachID).Scan(&name); err != nil {
			return noSuch(err, "coach")
		}
		return audit(ctx, tx, a.s.now(), v, "view_as.begin", "", "coach="+coachID)
	})
	return wrap(err, "view as a coach")
}
