package store

import (
	"context"
	"database/sql"
	"time"

	"flagpole/internal/domain"
)

// TwoFactor is how a user proves to be themselves besides the password.
type TwoFactor struct {
	Secret       string // "" where it is off
	Pending      string // being set up; no code has confirmed it yet
	CodesLeft    int    // recovery codes that were not used
	PasswordHash string
	Email        string
}

// TwoFactor reads it.
func (a *Accounts) TwoFactor(ctx context.Context, userID string) (TwoFactor, error) {
	var t TwoFactor
	err := a.s.db.reader().row(ctx, `
		SELECT COALESCE(totp_secret, ''), COALESCE(totp_pending, ''), (SELECT COUNT(*) FROM recovery_codes r WHERE r.user_id = u.user_id AND r.used_at IS NULL), password_hash, email
		FROM users u WHERE user_id = $1`, userID).Scan(&t.Secret, &t.Pending, &t.CodesLeft, &t.PasswordHash, &t.Email)
	return t, wrap(noSuch(err, "user"), "read two-factor")
}

// BeginTwoFactor keeps a secret until a code confirms it.
func (a *Accounts) BeginTwoFactor(ctx context.Context, userID, secret string) error {
	return a.write(ctx, "begin two-factor", `UPDATE users SET totp_pending = $2 WHERE user_id = $1`, userID, secret)
}

// TurnOnTwoFactor makes the secret that is being set up the user's, with the step of the code that confirmed it and new recovery codes
// by their hashes, and ends all other sessions. Where another secret is being set up by now, that is a Clash error.
func (a *Accounts) TurnOnTwoFactor(ctx context.Context, userID, secret string, step int64, codes []string, session string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `
			UPDATE users SET totp_secret = totp_pending, totp_pending = NULL, totp_last_step = $3 WHERE user_id = $1 AND totp_pending = $2`, userID, secret, step)
		if err == nil && n == 0 {
			return domain.Errorf(domain.Clash, "This was begun anew elsewhere.").WithHint("Open the page again.")
		}
		if err != nil {
			return err
		}
		if err := replaceCodes(ctx, tx, userID, codes); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND session_hash <> $2`, userID, session); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "two_factor.on", "", "")
	})
	return wrap(err, "turn on two-factor")
}

func replaceCodes(ctx context.Context, tx conn, userID string, hashes []string) error {
	if _, err := tx.exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := tx.exec(ctx, `INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)`, userID, hash); err != nil {
			return err
		}
	}
	return nil
}

// RenewCodes gives a user new recovery codes, by their hashes, in place of all there were.
func (a *Accounts) RenewCodes(ctx context.Context, userID string, hashes []string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		// Whoever comes second replaces what the first one has stored, too.
		if _, err := tx.exec(ctx, `SELECT 1 FROM users u WHERE u.user_id = $1`+a.s.db.forUpdate("u"), userID); err != nil {
			return err
		}
		if err := replaceCodes(ctx, tx, userID, hashes); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "two_factor.codes", "", "")
	})
	return wrap(err, "renew recovery codes")
}

// TurnOffTwoFactor has the password alone be enough again.
func (a *Accounts) TurnOffTwoFactor(ctx context.Context, userID string) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		if err := dropTwoFactor(ctx, tx, userID); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "two_factor.off", "", "")
	})
	return wrap(err, "turn off two-factor")
}

func dropTwoFactor(ctx context.Context, tx conn, userID string) error {
	if _, err := tx.exec(ctx, `UPDATE users SET totp_secret = NULL, totp_pending = NULL WHERE user_id = $1`, userID); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID)
	return err
}

// TakeStep takes the code of a time step, once: it reports whether no code of that step or a later one was taken before.
func (a *Accounts) TakeStep(ctx context.Context, userID string, step int64) (taken bool, err error) {
	err = a.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE users SET totp_last_step = $2 WHERE user_id = $1 AND totp_last_step < $2`, userID, step)
		taken = n > 0
		return err
	})
	return taken, wrap(err, "take a code")
}

// TakeRecoveryCode takes a recovery code by its hash, once: it reports whether the user had it and it was not used.
func (a *Accounts) TakeRecoveryCode(ctx context.Context, userID, hash string) (taken bool, err error) {
	err = a.s.db.update(ctx, func(tx conn) error {
		n, err := tx.exec(ctx, `UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL`, userID, hash, a.s.now())
		if err != nil || n == 0 {
			return err
		}
		taken = true
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "two_factor.recovery", "", "")
	})
	return taken, wrap(err, "take a recovery code")
}

// StartHalf notes by its hash that somebody has given the right password, until expires. Those of before are over. Where it is not the
// right one any more, that is a NoSuch error.
func (a *Accounts) StartHalf(ctx context.Context, hash string, by Proof, expires time.Time) error {
	err := a.s.db.update(ctx, func(tx conn) error {
		if _, err := a.holds(ctx, tx, by); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM half_sign_ins WHERE expires_at <= $1`, a.s.now()); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO half_sign_ins (half_hash, user_id, expires_at) VALUES ($1, $2, $3)`, hash, by.UserID, micros(expires))
		return err
	})
	return wrap(err, "start half a sign-in")
}

// Half is whose password was given, by the hash. One that has ended, or whose user is disabled, is a NoSuch error.
func (a *Accounts) Half(ctx context.Context, hash string) (p Proof, err error) {
	err = a.s.db.reader().row(ctx, `
		SELECT u.user_id, u.password_hash FROM half_sign_ins h JOIN users u ON u.user_id = h.user_id
		WHERE h.half_hash = $1 AND h.expires_at > $2 AND u.disabled_at IS NULL`, hash, a.s.now()).Scan(&p.UserID, &p.Password)
	return p, wrap(noSuch(err, "sign-in"), "find half a sign-in")
}

// EndHalf ends it; one that has ended is no error.
func (a *Accounts) EndHalf(ctx context.Context, hash string) error {
	return a.write(ctx, "end half a sign-in", `DELETE FROM half_sign_ins WHERE half_hash = $1`, hash)
}

// Invited is who may choose a password by a link, by the hash of what stands in it. A link that is over is a NoSuch error, and so is
// that of a disabled user.
func (a *Accounts) Invited(ctx context.Context, tokenHash string) (User, error) {
	var u User
	err := a.s.db.reader().row(ctx, `
		SELECT u.user_id, u.email, u.role, COALESCE(u.coach_id, ''), u.password_hash
		FROM invitations i JOIN users u ON u.user_id = i.user_id
		WHERE i.token_hash = $1 AND i.expires_at > $2 AND u.disabled_at IS NULL`, tokenHash, a.s.now()).Scan(&u.ID, &u.Email, &u.Role, &u.CoachID, &u.PasswordHash)
	return u, wrap(noSuch(err, "invitation"), "find an invitation")
}

// AcceptInvitation stores the password that somebody chose by a link, which is over then, and ends all sessions of the user. A link that
// is over is a NoSuch error.
func (a *Accounts) AcceptInvitation(ctx context.Context, tokenHash, passwordHash string) (userID string, err error) {
	err = a.s.db.update(ctx, func(tx conn) error {
		// The user's row comes first, as where an admin sends another link: two that lock in one order never wait for each other.
		err := tx.row(ctx, `
			SELECT u.user_id FROM users u JOIN invitations i ON i.user_id = u.user_id
			WHERE i.token_hash = $1 AND i.expires_at > $2 AND u.disabled_at IS NULL`+a.s.db.forUpdate("u"), tokenHash, a.s.now()).Scan(&userID)
		if err != nil {
			return noSuch(err, "invitation")
		}
		n, err := tx.exec(ctx, `DELETE FROM invitations WHERE token_hash = $1`, tokenHash)
		if err == nil && n == 0 {
			err = noSuch(sql.ErrNoRows, "invitation")
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET password_hash = $2 WHERE user_id = $1`, userID, passwordHash); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE user_id = $1`, userID); err != nil {
			return err
		}
		return audit(ctx, tx, a.s.now(), domain.Viewer{UserID: userID}, "invitation.accept", "", "")
	})
	return userID, wrap(err, "accept an invitation")
}
