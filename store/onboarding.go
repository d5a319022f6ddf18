package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"flagpole/internal/domain"
)

// OnboardingRules are the settings of onboarding.
type OnboardingRules struct {
	Enabled  bool
	Earliest domain.ProfileStatus // from this profile status on somebody gets an account
	Removals float64              // the share of all assignments that may be taken away in a day without anybody's word, from 0 to 1
}

// statuses is the list in SQL of the profile statuses that are far enough: words of the program, never of a person.
func (r OnboardingRules) statuses() string {
	list := []string{"''"}
	for _, s := range r.Earliest.From() {
		list = append(list, "'"+string(s)+"'")
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// opted is the predicate on coaches (co) of whose people something may be sent: the one place that says so.
const opted = `co.enrolled AND co.deactivated_at IS NULL AND co.onboarding_confirmed_at IS NOT NULL`

// waitsForAccount is the predicate on competitors (c) for whom an account may be made, whatever their coach's standing.
func (r OnboardingRules) waitsForAccount() string {
	return `c.game_platform_id IS NULL AND c.email IS NOT NULL AND c.deactivated_at IS NULL AND c.status IN ` + r.statuses()
}

// notBefore is the predicate that a step has no fault that is still to be waited out.
func notBefore(a *args, step domain.OnboardingStep, id string, now int64) string {
	return ` AND NOT EXISTS (SELECT 1 FROM onboarding_faults f WHERE f.kind = ` + a.add(string(step)) + ` AND f.subject_id = ` + id + ` AND f.next_due_at > ` + a.add(now) + `)`
}

// CoachToSend is a coach for whom an account is looked up or made.
type CoachToSend struct{ ID, Name, Email string }

const coachesToSend = `SELECT co.coach_id, co.name, co.email FROM coaches co LEFT JOIN game_platform_coaches g ON g.coach_id = co.coach_id WHERE ` + opted

// coachesDue is the predicate of the coaches (co) whose account is to be looked up: people wait for it, and it is not approved.
func (sys *System) coachesDue(a *args, r OnboardingRules) string {
	now := sys.s.now()
	return ` AND COALESCE(g.metactf_user_status, '') <> '` + string(domain.PlatformApproved) + `' AND COALESCE(g.next_due_at, 0) <= ` + a.add(now) + `
		AND (EXISTS (SELECT 1 FROM competitors c WHERE c.coach_id = co.coach_id AND ` + r.waitsForAccount() + `)
			OR EXISTS (SELECT 1 FROM teams t JOIN competitors c ON c.team_id = t.team_id WHERE t.coach_id = co.coach_id
				AND c.game_platform_id IS NOT NULL AND c.deactivated_at IS NULL AND NOT EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = t.team_id)))` +
		notBefore(a, domain.StepCoach, "co.coach_id", now)
}

// CoachesToSend lists the coaches whose account on the platform is to be looked up or made now.
func (sys *System) CoachesToSend(ctx context.Context, r OnboardingRules, limit int) ([]CoachToSend, error) {
	var a args
	rows, err := sys.s.db.reader().query(ctx, coachesToSend+sys.coachesDue(&a, r)+` ORDER BY co.coach_id LIMIT `+a.add(limit), a...)
	return coachRows(rows, err)
}

// CoachToSend reads a coach again before something is sent; ok is false where nothing may be sent any more.
func (sys *System) CoachToSend(ctx context.Context, r OnboardingRules, id string) (c CoachToSend, ok bool, err error) {
	var a args
	list, err := coachRows(sys.s.db.reader().query(ctx, coachesToSend+sys.coachesDue(&a, r)+` AND co.coach_id = `+a.add(id), a...))
	if err != nil || len(list) == 0 {
		return CoachToSend{}, false, err
	}
	return list[0], true, nil
}

func coachRows(rows *sql.Rows, err error) ([]CoachToSend, error) {
	if err != nil {
		return nil, wrap(err, "list coaches to send")
	}
	var list []CoachToSend
	err = each(rows, func() error {
		var c CoachToSend
		err := rows.Scan(&c.ID, &c.Name, &c.Email)
		list = append(list, c)
		return err
	})
	return list, wrap(err, "list coaches to send")
}

// StoreCoachAccount keeps what the platform says of a coach's account, and when it is looked up again.
func (sys *System) StoreCoachAccount(ctx context.Context, coachID string, u domain.PlatformUser, next time.Time) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		_, err := tx.exec(ctx, `
			INSERT INTO game_platform_coaches AS g (coach_id, metactf_user_id, metactf_username, metactf_user_status, last_login_at, since_at, checked_at, next_due_at)
			VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
			ON CONFLICT (coach_id) DO UPDATE SET
				metactf_user_id = excluded.metactf_user_id, metactf_username = excluded.metactf_username, last_login_at = excluded.last_login_at,
				since_at = CASE WHEN g.metactf_user_status = excluded.metactf_user_status THEN g.since_at ELSE excluded.since_at END,
				metactf_user_status = excluded.metactf_user_status, checked_at = excluded.checked_at, next_due_at = excluded.next_due_at`,
			coachID, u.MetaCTFUserID, u.Username, string(u.Status), nullMicros(u.LastLoginAt), sys.s.now(), micros(next))
		if err != nil {
			return err
		}
		return forgetFault(ctx, tx, domain.StepCoach, coachID)
	})
	return wrap(err, "store a coach's account")
}

// AccountToMake is a competitor for whom an account is looked up or made.
type AccountToMake struct{ ID, CoachID, FirstName, LastName, Email string }

const accountsToMake = `
	SELECT c.competitor_id, c.coach_id, c.first_name, c.last_name, c.email
	FROM competitors c JOIN coaches co ON co.coach_id = c.coach_id
	JOIN game_platform_coaches g ON g.coach_id = co.coach_id AND g.metactf_user_status = '` + string(domain.PlatformApproved) + `'
	WHERE ` + opted + ` AND `

// AccountsToMake lists the competitors whose account is to be looked up or made now: their coach's is approved.
func (sys *System) AccountsToMake(ctx context.Context, r OnboardingRules, limit int) ([]AccountToMake, error) {
	var a args
	query := accountsToMake + r.waitsForAccount() + notBefore(&a, domain.StepAccount, "c.competitor_id", sys.s.now())
	return accountRows(sys.s.db.reader().query(ctx, query+` ORDER BY c.competitor_id LIMIT `+a.add(limit), a...))
}

// AccountToMake reads a competitor again before something is sent; ok is false where nothing may be sent any more.
func (sys *System) AccountToMake(ctx context.Context, r OnboardingRules, id string) (t AccountToMake, ok bool, err error) {
	var a args
	list, err := accountRows(sys.s.db.reader().query(ctx, accountsToMake+r.waitsForAccount()+` AND c.competitor_id = `+a.add(id), a...))
	if err != nil || len(list) == 0 {
		return AccountToMake{}, false, err
	}
	return list[0], true, nil
}

func accountRows(rows *sql.Rows, err error) ([]AccountToMake, error) {
	if err != nil {
		return nil, wrap(err, "list accounts to make")
	}
	var list []AccountToMake
	err = each(rows, func() error {
		var t AccountToMake
		err := rows.Scan(&t.ID, &t.CoachID, &t.FirstName, &t.LastName, &t.Email)
		list = append(list, t)
		return err
	})
	return list, wrap(err, "list accounts to make")
}

// IDTaken reports whether the platform would take an id for somebody else's: a coach and a competitor share its one kind of user.
func (sys *System) IDTaken(ctx context.Context, id string) (taken bool, err error) {
	err = sys.s.db.reader().row(ctx, `
		SELECT (SELECT COUNT(*) FROM competitors WHERE game_platform_id = $1 AND competitor_id <> $1) > 0
			OR EXISTS (SELECT 1 FROM coaches WHERE coach_id = $1) AND EXISTS (SELECT 1 FROM competitors WHERE competitor_id = $1 OR game_platform_id = $1)`,
		id).Scan(&taken)
	return taken, wrap(err, "look for an id")
}

// Fault is why a step of onboarding has not succeeded yet.
type Fault struct {
	Step         domain.OnboardingStep
	SubjectID    string // of the coach, competitor or team
	Class        domain.FailureClass
	Endpoint     string
	Message      string
	Status       int
	SinceAt      time.Time
	NextDueAt    time.Time
	FailedInARow int
}

// NoteFault keeps why a step failed. due says when it is tried again, from how often it failed in a row.
func (sys *System) NoteFault(ctx context.Context, f Fault, due func(failed int) time.Time) error {
	err := sys.s.db.update(ctx, func(tx conn) error {
		failed := 0
		err := tx.row(ctx, `SELECT failed_in_a_row FROM onboarding_faults WHERE kind = $1 AND subject_id = $2`, string(f.Step), f.SubjectID).Scan(&failed)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		failed++
		_, err = tx.exec(ctx, `
			INSERT INTO onboarding_faults AS o (kind, subject_id, endpoint, error_class, error_message, http_status, since_at, tried_at, failed_in_a_row, next_due_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
			ON CONFLICT (kind, subject_id) DO UPDATE SET
				endpoint = excluded.endpoint, error_class = excluded.error_class, error_message = excluded.error_message, http_status = excluded.http_status,
				tried_at = excluded.tried_at, failed_in_a_row = excluded.failed_in_a_row, next_due_at = excluded.next_due_at`,
			string(f.Step), f.SubjectID, f.Endpoint, string(f.Class), f.Message, f.Status, sys.s.now(), failed, micros(due(failed)))
		return err
	})
	return wrap(err, "note a fault of onboarding")
}

func forgetFault(ctx context.Context, tx conn, step domain.OnboardingStep, id string) error {
	_, err := tx.exec(ctx, `DELETE FROM onboarding_faults WHERE kind = $1 AND subject_id = $2`, string(step), id)
	return wrap(err, "forget a fault")
}

// OnboardingFaults lists what has not succeeded yet for a coach, competitor or team. Who may not see people's records gets a Denied error.
func (sc *Scope) OnboardingFaults(ctx context.Context, subjectID string) ([]Fault, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, err
	}
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT kind, subject_id, endpoint, error_class, error_message, http_status, since_at, next_due_at, failed_in_a_row
		FROM onboarding_faults WHERE subject_id = $1 ORDER BY kind`, subjectID)
	if err != nil {
		return nil, wrap(err, "list faults of onboarding")
	}
	var list []Fault
	err = each(rows, func() error {
		var f Fault
		err := rows.Scan(&f.Step, &f.SubjectID, &f.Endpoint, &f.Class, &f.Message, &f.Status, into(&f.SinceAt), into(&f.NextDueAt), &f.FailedInARow)
		list = append(list, f)
		return err
	})
	return list, wrap(err, "list faults of onboarding")
}
