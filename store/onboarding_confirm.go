package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"flagpole/internal/domain"
)

// SentField is one value that is sent, by the platform's name for it.
type SentField struct{ Name, Value string }

// Sent is one thing that is going to be sent to the platform.
type Sent struct {
	Step      domain.OnboardingStep
	SubjectID string // of the coach, competitor or team
	Who       string // their name
	Fields    []SentField
}

// OnboardingPreview is what is going to be sent about a coach's people, as far as the roster goes now.
type OnboardingPreview struct {
	Coach       domain.Coach
	Enrolled    bool
	Deactivated bool
	ConfirmedAt time.Time // zero: nobody has agreed yet
	ConfirmedBy string
	Status      domain.PlatformStatus // of the coach's account; "" where it is not known yet
	Sent        []Sent
}

// Digest changes with everything that the preview shows to be sent.
func (p OnboardingPreview) Digest() string {
	text, err := json.Marshal(p.Sent)
	if err != nil {
		panic("store: " + err.Error()) // all that is encoded here are plain structs
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Accounts counts the competitors for whom an account is made.
func (p OnboardingPreview) Accounts() int {
	n := 0
	for _, s := range p.Sent {
		if s.Step == domain.StepAccount {
			n++
		}
	}
	return n
}

// OnboardingPreview reads what is going to be sent about a coach's people. A coach who does not exist is a NoSuch error; who may not see
// people's records gets a Denied one.
func (sc *Scope) OnboardingPreview(ctx context.Context, r OnboardingRules, coachID string) (OnboardingPreview, error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return OnboardingPreview{}, err
	}
	var p OnboardingPreview
	err := sc.s.db.view(ctx, func(tx conn) (err error) {
		p, err = onboardingPreview(ctx, tx, r, coachID)
		return err
	})
	return p, wrap(err, "preview onboarding")
}

func onboardingPreview(ctx context.Context, tx conn, r OnboardingRules, coachID string) (OnboardingPreview, error) {
	var p OnboardingPreview
	c := &p.Coach
	err := tx.row(ctx, `
		SELECT co.coach_id, co.email, co.name, co.school, co.region, co.enrolled, co.deactivated_at IS NOT NULL, co.onboarding_confirmed_at,
			COALESCE(u.email, co.onboarding_confirmed_by), COALESCE(g.metactf_user_status, '')
		FROM coaches co LEFT JOIN game_platform_coaches g ON g.coach_id = co.coach_id LEFT JOIN users u ON u.user_id = co.onboarding_confirmed_by
		WHERE co.coach_id = $1`, coachID).
		Scan(&c.ID, &c.Email, &c.Name, &c.School, &c.Region, &p.Enrolled, &p.Deactivated, into(&p.ConfirmedAt), &p.ConfirmedBy, &p.Status)
	if err != nil {
		return p, noSuch(err, "coach")
	}
	p.ConfirmedBy = domain.LoginName(p.ConfirmedBy)
	if p.Status == "" || p.Status == domain.PlatformUnknown {
		first, last, _ := domain.SplitName(c.Name)
		p.Sent = append(p.Sent, Sent{domain.StepCoach, c.ID, c.Name, []SentField{
			{"syned_user_id", c.ID}, {"first_name", first}, {"last_name", last}, {"email", c.Email}, {"role", "coach"},
		}})
	}
	for _, part := range []func(context.Context, conn, OnboardingRules, *OnboardingPreview) error{previewAccounts, previewRemovals, previewTeams, previewAssignments} {
		if err := part(ctx, tx, r, &p); err != nil {
			return p, err
		}
	}
	if len(p.Sent) == 1 && p.Sent[0].Step == domain.StepCoach { // without people the coach is not sent either
		p.Sent = nil
	}
	return p, nil
}

func previewAccounts(ctx context.Context, tx conn, r OnboardingRules, p *OnboardingPreview) error {
	var a args
	query := `SELECT c.competitor_id, c.coach_id, c.first_name, c.last_name, c.email FROM competitors c WHERE c.coach_id = ` + a.add(p.Coach.ID) + ` AND ` + r.waitsForAccount()
	list, err := accountRows(tx.query(ctx, query+` ORDER BY c.sort_key, c.competitor_id`, a...))
	for _, t := range list {
		p.Sent = append(p.Sent, Sent{domain.StepAccount, t.ID, t.FirstName + " " + t.LastName, []SentField{
			{"syned_user_id", t.ID}, {"first_name", t.FirstName}, {"last_name", t.LastName}, {"email", t.Email}, {"role", "user"}, {"syned_coach_user_id", t.CoachID},
		}})
	}
	return err
}

// onItsWay is the predicate on competitors (c) who are on the platform or are brought there, and are to be in a team there in which they
// are not.
func (r OnboardingRules) onItsWay() string {
	return `c.deactivated_at IS NULL AND (c.game_platform_id IS NOT NULL OR ` + r.waitsForAccount() + `) AND ` + toAssign
}

func previewRemovals(ctx context.Context, tx conn, _ OnboardingRules, p *OnboardingPreview) error {
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.first_name, c.last_name, c.game_platform_id
		FROM competitors c JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
		WHERE c.coach_id = $1 AND `+toRemove+` ORDER BY c.sort_key, c.competitor_id`, p.Coach.ID)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var c domain.Competitor
		err := rows.Scan(&c.ID, &c.FirstName, &c.LastName, &c.GamePlatformID)
		p.Sent = append(p.Sent, Sent{domain.StepRemoval, c.ID, c.Name(), []SentField{{"syned_user_id", c.GamePlatformID}}})
		return err
	})
}

func previewTeams(ctx context.Context, tx conn, r OnboardingRules, p *OnboardingPreview) error {
	var a args
	list, err := teamRows(tx.query(ctx, `
		SELECT t.team_id, t.coach_id, t.name, co.school,
			COALESCE((SELECT CASE WHEN MIN(c.division) = MAX(c.division) THEN MIN(c.division) ELSE '' END FROM competitors c WHERE c.team_id = t.team_id AND c.deactivated_at IS NULL), '')
		FROM teams t JOIN coaches co ON co.coach_id = t.coach_id
		WHERE t.coach_id = `+a.add(p.Coach.ID)+` AND NOT EXISTS (SELECT 1 FROM game_platform_teams m WHERE m.syned_team_id = t.team_id)
			AND EXISTS (SELECT 1 FROM competitors c LEFT JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
				WHERE c.team_id = t.team_id AND `+r.onItsWay()+`)
		ORDER BY t.sort_key, t.team_id`, a...))
	for _, t := range list {
		p.Sent = append(p.Sent, Sent{domain.StepTeam, t.ID, t.Name, []SentField{
			{"syned_team_id", t.ID}, {"syned_coach_user_id", t.CoachID}, {"team_name", t.Name}, {"affiliation", t.School}, {"division", string(t.Division)},
		}})
	}
	return err
}

func previewAssignments(ctx context.Context, tx conn, r OnboardingRules, p *OnboardingPreview) error {
	var a args
	rows, err := tx.query(ctx, `
		SELECT c.competitor_id, c.first_name, c.last_name, COALESCE(c.game_platform_id, c.competitor_id), c.team_id
		FROM competitors c LEFT JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
		WHERE c.coach_id = `+a.add(p.Coach.ID)+` AND `+r.onItsWay()+` ORDER BY c.sort_key, c.competitor_id`, a...)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var c domain.Competitor
		var account, team string
		err := rows.Scan(&c.ID, &c.FirstName, &c.LastName, &account, &team)
		p.Sent = append(p.Sent, Sent{domain.StepAssignment, c.ID, c.Name(), []SentField{{"syned_team_id", team}, {"syned_user_id", account}}})
		return err
	})
}

// ConfirmOnboarding agrees to what a preview showed: from then on everything about the coach's people is sent as it comes up. Where
// the digest is not that of what would be sent now, where the coach is not enrolled, or nothing would be sent, that is a Clash error.
func (sc *Scope) ConfirmOnboarding(ctx context.Context, r OnboardingRules, coachID, digest string) error {
	return sc.edit(ctx, "confirm onboarding", func(tx conn) error {
		p, err := onboardingPreview(ctx, tx, r, coachID)
		switch {
		case err != nil:
			return err
		case !p.Enrolled || p.Deactivated:
			return domain.Errorf(domain.Clash, "%s does not have the game platform.", p.Coach.Name).WithHint("Nothing is sent about a coach's people before the rollout reaches the coach.")
		case !p.ConfirmedAt.IsZero():
			return domain.Errorf(domain.Clash, "%s has agreed to this already.", p.ConfirmedBy)
		case len(p.Sent) == 0:
			return domain.Errorf(domain.Clash, "There is nothing to send.")
		case p.Digest() != digest:
			return domain.Errorf(domain.Clash, "What would be sent has changed since you looked.").WithHint("This is how it is now. Look again, then confirm.")
		}
		_, err = tx.exec(ctx, `UPDATE coaches SET onboarding_confirmed_at = $2, onboarding_confirmed_by = $3 WHERE coach_id = $1`, coachID, sc.s.now(), sc.viewer.UserID)
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, "onboarding.confirm", "", "coach="+coachID)
	})
}

// StopOnboarding takes the agreement back: nothing more is sent about the coach's people. What was sent stays on the platform.
func (sc *Scope) StopOnboarding(ctx context.Context, coachID string) error {
	return sc.edit(ctx, "stop onboarding", func(tx conn) error {
		if _, err := rosterCoach(ctx, tx, coachID); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `
			UPDATE coaches SET onboarding_confirmed_at = NULL, onboarding_confirmed_by = '' WHERE coach_id = $1 AND onboarding_confirmed_at IS NOT NULL`, coachID)
		if err != nil || n == 0 {
			return err
		}
		return sc.audit(ctx, tx, "onboarding.stop", "", "coach="+coachID)
	})
}

// OnboardingCoach is an enrolled coach, and how far the coach's people are.
type OnboardingCoach struct {
	ID, Name, School string
	ConfirmedAt      time.Time
	ConfirmedBy      string
	Status           domain.PlatformStatus
	Accounts         int // that are to be made
	Moves            int // competitors to be put into a team, or taken out of one
	Faults           int // of people and teams of the coach
}

// OnboardingCoaches lists the enrolled coaches, those first for whom nobody has agreed yet, with the most to send first, and counts them. Who may not see people's records gets a Denied error.
func (sc *Scope) OnboardingCoaches(ctx context.Context, r OnboardingRules, limit int) (list []OnboardingCoach, total int, err error) {
	if err := sc.viewer.Require(domain.MayView); err != nil {
		return nil, 0, err
	}
	var a args
	rows, err := sc.s.db.reader().query(ctx, `
		SELECT co.coach_id, co.name, co.school, co.onboarding_confirmed_at, COALESCE(u.email, co.onboarding_confirmed_by), COALESCE(g.metactf_user_status, ''),
			COALESCE(n.accounts, 0), (SELECT COUNT(*) FROM competitors c LEFT JOIN game_platform_assignments a ON a.syned_user_id = c.game_platform_id
				WHERE c.coach_id = co.coach_id AND (`+r.onItsWay()+` OR c.game_platform_id IS NOT NULL AND `+toRemove+`)),
			(SELECT COUNT(*) FROM onboarding_faults f WHERE f.subject_id = co.coach_id
				OR f.subject_id IN (SELECT competitor_id FROM competitors WHERE coach_id = co.coach_id)
				OR f.subject_id IN (SELECT team_id FROM teams WHERE coach_id = co.coach_id)),
			COUNT(*) OVER ()
		FROM coaches co
		LEFT JOIN (SELECT c.coach_id, COUNT(*) AS accounts FROM competitors c WHERE `+r.waitsForAccount()+` GROUP BY c.coach_id) n ON n.coach_id = co.coach_id
		LEFT JOIN game_platform_coaches g ON g.coach_id = co.coach_id
		LEFT JOIN users u ON u.user_id = co.onboarding_confirmed_by
		WHERE co.enrolled AND co.deactivated_at IS NULL
		ORDER BY (co.onboarding_confirmed_at IS NOT NULL), COALESCE(n.accounts, 0) DESC, co.sort_key, co.coach_id LIMIT `+a.add(limit), a...)
	if err != nil {
		return nil, 0, fmt.Errorf("list coaches of onboarding: %w", err)
	}
	err = each(rows, func() error {
		var c OnboardingCoach
		err := rows.Scan(&c.ID, &c.Name, &c.School, into(&c.ConfirmedAt), &c.ConfirmedBy, &c.Status, &c.Accounts, &c.Moves, &c.Faults, &total)
		c.ConfirmedBy = domain.LoginName(c.ConfirmedBy)
		list = append(list, c)
		return err
	})
	return list, total, wrap(err, "list coaches of onboarding")
}
