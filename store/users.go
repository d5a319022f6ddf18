package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"flagpole/internal/domain"
	"flagpole/internal/roster"
)

// UserState is whether somebody may sign in.
type UserState string

// The states of a user.
const (
	UserActive   UserState = "active"
	UserInvited  UserState = "invited" // has no password yet
	UserDisabled UserState = "disabled"
)

// UserRow is a user as admins see them.
type UserRow struct {
	ID, Email          string
	Role               domain.Role
	CoachID, CoachName string
	State              UserState
	LinkUntil          time.Time // of the last link for choosing a password; zero: none is open
	LastSignInAt       time.Time
	TwoFactor          bool
	Sessions           int // live ones
}

// UserQuery says which users are wanted. What is empty does not narrow it.
type UserQuery struct {
	Search string // in emails and coaches' names
	Role   domain.Role
	State  UserState
}

const usersFrom = `users u LEFT JOIN coaches co ON co.coach_id = u.coach_id LEFT JOIN invitations i ON i.user_id = u.user_id`

// userState is in SQL a user's state.
const userState = `CASE WHEN u.disabled_at IS NOT NULL THEN 'disabled' WHEN u.password_hash = '' THEN 'invited' ELSE 'active' END`

func userColumns(a *args, now int64) string {
	return `u.user_id, u.email, u.role, COALESCE(u.coach_id, ''), COALESCE(co.name, ''), ` + userState + `,
		CASE WHEN i.expires_at > ` + a.add(now) + ` THEN i.expires_at END, u.last_sign_in_at, u.totp_secret IS NOT NULL,
		(SELECT COUNT(*) FROM sessions s WHERE s.user_id = u.user_id AND s.expires_at > ` + a.add(now) + `)`
}

func scanUser(scan func(...any) error) (UserRow, error) {
	var u UserRow
	err := scan(&u.ID, &u.Email, &u.Role, &u.CoachID, &u.CoachName, &u.State, into(&u.LinkUntil), into(&u.LastSignInAt), &u.TwoFactor, &u.Sessions)
	return u, err
}

func usersBy(q UserQuery) cutting {
	return cutting{usersFrom, "u.user_id", func(a *args) string {
		where := "TRUE"
		if q.Role != "" {
			where += " AND u.role = " + a.add(string(q.Role))
		}
		if q.State != "" {
			where += " AND " + userState + " = " + a.add(string(q.State))
		}
		return where + wordsIn(a, `u.email_key || ' ' || COALESCE(co.sort_key, '')`, q.Search)
	}, func(*args) string { return "TRUE" }, keyset{columns: []string{"u.email_key", "u.user_id"}}}
}

// UsersPage lists one page of the users, by email. Who may not manage users gets a Denied error.
func (sc *Scope) UsersPage(ctx context.Context, q UserQuery, p Page) ([]UserRow, Place, error) {
	if err := sc.viewer.Require(domain.MayManage); err != nil {
		return nil, Place{}, err
	}
	var list []UserRow
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		whole := usersBy(q)
		counted, total, err := whole.count(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		columns := userColumns(&a, sc.s.now())
		rows, err := tx.query(ctx, "SELECT "+columns+" FROM "+whole.page(&a, p), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			u, err := scanUser(rows.Scan)
			list = append(list, u)
			return err
		})
		place = p.place(counted, len(list), total)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, wrap(err, "list users")
}

// User reads one user. One that does not exist is a NoSuch error; who may not manage users gets a Denied one.
func (sc *Scope) User(ctx context.Context, id string) (UserRow, error) {
	if err := sc.viewer.Require(domain.MayManage); err != nil {
		return UserRow{}, err
	}
	var a args
	columns := userColumns(&a, sc.s.now())
	u, err := scanUser(sc.s.db.reader().row(ctx, "SELECT "+columns+" FROM "+usersFrom+" WHERE u.user_id = "+a.add(id), a...).Scan)
	return u, wrap(noSuch(err, "user"), "read user")
}

// UserIDByEmail finds a user whatever the spelling of the email. Errors are those of User.
func (sc *Scope) UserIDByEmail(ctx context.Context, email string) (id string, err error) {
	if err := sc.viewer.Require(domain.MayManage); err != nil {
		return "", err
	}
	err = sc.s.db.reader().row(ctx, `SELECT user_id FROM users WHERE email_key = $1`, emailKey(email)).Scan(&id)
	return id, wrap(noSuch(err, "user"), "find user")
}

// Link is what lets somebody choose a password: the hash of what stands in the link, and until when it does.
type Link struct {
	Hash  string
	Until time.Time
}

// manage runs fn in a transaction, for who may manage users, and audits it with the id of the user it is about.
func (sc *Scope) manage(ctx context.Context, action, id string, fn func(tx conn) error) error {
	if err := sc.viewer.Require(domain.MayManage); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		if err := tx.alone(ctx, "users"); err != nil { // so that two admins cannot take each other's place at once
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return sc.audit(ctx, tx, action, "", "user="+id)
	})
	return wrap(err, action)
}

// InviteUser adds a user who has no password yet and may choose one by the link, and returns the new id. A coach's user belongs to that
// coach; others have none. A taken email is a Clash error, a wrong email, role or coach an Invalid one.
func (sc *Scope) InviteUser(ctx context.Context, email string, role domain.Role, coachID string, link Link) (id string, err error) {
	if email, err = roster.CheckEmail(email); err != nil {
		return "", err
	}
	id = uuid.NewString()
	err = sc.manage(ctx, "user.invite", id, func(tx conn) error {
		if err := roleFits(ctx, tx, role, coachID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `
			INSERT INTO users (user_id, email, email_key, role, coach_id, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, '', $6)`,
			id, email, emailKey(email), string(role), nullText(coachID), sc.s.now())
		if violatesUnique(err) {
			return domain.Errorf(domain.Clash, "A user with this email exists already.").WithHint("Find them in the list of users.")
		}
		if err != nil {
			return err
		}
		return sc.putLink(ctx, tx, id, link)
	})
	return id, err
}

// roleFits checks that a role is known, and has a coach exactly where it is a coach's.
func roleFits(ctx context.Context, tx conn, role domain.Role, coachID string) error {
	switch {
	case !role.Valid():
		return domain.Errorf(domain.Invalid, "Choose a role.")
	case role != domain.RoleCoach && coachID != "":
		return domain.Errorf(domain.Invalid, "Only a coach’s login belongs to a coach.").WithHint("Leave the coach empty for another role.")
	case role != domain.RoleCoach:
		return nil
	case coachID == "":
		return domain.Errorf(domain.Invalid, "A coach’s login needs a coach.").WithHint("Choose one by email.")
	}
	_, err := rosterCoach(ctx, tx, coachID)
	return err
}

func (sc *Scope) putLink(ctx context.Context, tx conn, userID string, link Link) error {
	_, err := tx.exec(ctx, `
		INSERT INTO invitations (user_id, token_hash, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at, created_by = excluded.created_by, expires_at = excluded.expires_at`,
		userID, link.Hash, sc.s.now(), sc.viewer.UserID, micros(link.Until))
	return err
}

// lockedUser reads what an admin is about to change.
func lockedUser(ctx context.Context, tx conn, id string) (User, error) {
	var u User
	err := tx.row(ctx, `SELECT user_id, email, role, COALESCE(coach_id, ''), password_hash, disabled_at IS NOT NULL FROM users WHERE user_id = $1`, id).
		Scan(&u.ID, &u.Email, &u.Role, &u.CoachID, &u.PasswordHash, &u.Disabled)
	return u, noSuch(err, "user")
}

// keepsAnAdmin is a Clash error where what is done to u would leave nobody who may manage users, or be done to oneself.
func (sc *Scope) keepsAnAdmin(ctx context.Context, tx conn, u User) error {
	if u.ID == sc.viewer.UserID {
		return domain.Errorf(domain.Clash, "You cannot do this to yourself.").WithHint("Ask another admin.")
	}
	if u.Role != domain.RoleAdmin || u.Disabled {
		return nil
	}
	var others int
	err := tx.row(ctx, `SELECT COUNT(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL AND password_hash <> '' AND user_id <> $1`, u.ID).Scan(&others)
	if err == nil && others == 0 {
		return domain.Errorf(domain.Clash, "This is the last admin who can sign in.").WithHint("Invite another admin first.")
	}
	return err
}

// SetUserRole gives a user another role, and for a coach's login the coach. All sessions of the user end. The own role and that of the
// last admin cannot be changed: that is a Clash error.
func (sc *Scope) SetUserRole(ctx context.Context, id string, role domain.Role, coachID string) error {
	return sc.manage(ctx, "user.role", id, func(tx conn) error {
		u, err := lockedUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := roleFits(ctx, tx, role, coachID); err != nil {
			return err
		}
		if err := sc.keepsAnAdmin(ctx, tx, u); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET role = $2, coach_id = $3 WHERE user_id = $1`, id, string(role), nullText(coachID)); err != nil {
			return err
		}
		return endSessions(ctx, tx, id)
	})
}

func endSessions(ctx context.Context, tx conn, userID string) error {
	for _, table := range []string{"sessions", "half_sign_ins"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE user_id = $1`, userID); err != nil {
			return err
		}
	}
	return nil
}

// SetUserDisabled keeps a user from signing in, at once, or lets them again. Oneself and the last admin cannot be disabled: that is a
// Clash error.
func (sc *Scope) SetUserDisabled(ctx context.Context, id string, disabled bool) error {
	action := map[bool]string{true: "user.disable", false: "user.enable"}[disabled]
	return sc.manage(ctx, action, id, func(tx conn) error {
		u, err := lockedUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if !disabled {
			_, err := tx.exec(ctx, `UPDATE users SET disabled_at = NULL WHERE user_id = $1`, id)
			return err
		}
		if err := sc.keepsAnAdmin(ctx, tx, u); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET disabled_at = $2 WHERE user_id = $1`, id, sc.s.now()); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM invitations WHERE user_id = $1`, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id)
	})
}

// ResetUser takes a user's password away and ends all sessions; by the link they choose a new one. For oneself that is a Clash error.
func (sc *Scope) ResetUser(ctx context.Context, id string, link Link) error {
	return sc.manage(ctx, "user.reset", id, func(tx conn) error {
		u, err := lockedUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if u.Disabled {
			return domain.Errorf(domain.Clash, "This user is disabled.").WithHint("Enable the user first.")
		}
		if err := sc.keepsAnAdmin(ctx, tx, u); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET password_hash = '' WHERE user_id = $1`, id); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, id); err != nil {
			return err
		}
		return sc.putLink(ctx, tx, id, link)
	})
}

// SetUserPassword gives a user a new password in its stored form, and ends all sessions: the command line's way.
func (sc *Scope) SetUserPassword(ctx context.Context, id, passwordHash string) error {
	return sc.manage(ctx, "user.reset", id, func(tx conn) error {
		if _, err := lockedUser(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE users SET password_hash = $2 WHERE user_id = $1`, id, passwordHash); err != nil {
			return err
		}
		return endSessions(ctx, tx, id)
	})
}

// EndUserSessions signs a user out everywhere.
func (sc *Scope) EndUserSessions(ctx context.Context, id string) error {
	return sc.manage(ctx, "user.sessions_end", id, func(tx conn) error {
		if _, err := lockedUser(ctx, tx, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id)
	})
}

// DropTwoFactor has the password alone be enough for a user who has lost the phone, and ends all sessions.
func (sc *Scope) DropTwoFactor(ctx context.Context, id string) error {
	return sc.manage(ctx, "user.two_factor_off", id, func(tx conn) error {
		if _, err := lockedUser(ctx, tx, id); err != nil {
			return err
		}
		if err := dropTwoFactor(ctx, tx, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id)
	})
}

// EachUser calls fn for every user, by email, reading as it goes. Who may not manage users gets a Denied error.
func (sc *Scope) EachUser(ctx context.Context, fn func(UserRow) error) error {
	if err := sc.viewer.Require(domain.MayManage); err != nil {
		return err
	}
	var a args
	columns := userColumns(&a, sc.s.now())
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+columns+" FROM "+usersFrom+" ORDER BY u.email_key, u.user_id", a...)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	err = each(rows, func() error {
		u, err := scanUser(rows.Scan)
		if err != nil {
			return err
		}
		return fn(u)
	})
	return wrap(err, "read users")
}
