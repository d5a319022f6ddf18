package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// Event is a flash CTF with what the viewer's competitors did in it.
type Event struct {
	ID, Name     string
	StartsAt     time.Time
	Participants int   // of the viewer's competitors, those with a result
	OnPlatform   int   // of the viewer's competitors, those who could have one
	BestRank     int64 // 0: nobody is ranked
	MaxPoints    int64 // possible ones; 0: not known
}

// Absent counts those who could have taken part and have no result.
func (e Event) Absent() int { return e.OnPlatform - e.Participants }

// eventColumns are those of an event (e) in what the viewer may see. An admin's counts are kept with the events.
func (sc *Scope) eventColumns(a *args) string {
	common := `e.event_id, e.name, e.starts_at,
		(SELECT CAST(COALESCE(SUM(c.on_platform), 0) AS BIGINT) FROM coaches c WHERE ` + sc.visible(a) + `), `
	if sc.viewer.Role == domain.RoleAdmin {
		// The first in the order of ranks is soon found; results of accounts that are nobody's any more are passed over.
		best := func(what string) string {
			return `COALESCE((SELECT ` + what + ` FROM game_platform_flash_ctf_results r WHERE r.event_id = e.event_id
				AND EXISTS (SELECT 1 FROM competitor_list c WHERE c.game_platform_id = r.syned_user_id)
				ORDER BY (r.rank = 0), r.rank LIMIT 1), 0)`
		}
		return common + "e.participants, " + best("r.rank") + ", " + best("r.max_points_possible")
	}
	results := func(what string) string {
		return `(SELECT ` + what + ` FROM competitor_list c JOIN game_platform_flash_ctf_results r ON r.syned_user_id = c.game_platform_id
			WHERE ` + sc.visible(a) + ` AND r.event_id = e.event_id)`
	}
	return common + results("COUNT(*)") + ", COALESCE(" + results("MIN(NULLIF(r.rank, 0))") + ", 0), COALESCE(" + results("MAX(r.max_points_possible)") + ", 0)"
}

func scanEvent(scan func(...any) error) (Event, error) {
	var e Event
	err := scan(&e.ID, &e.Name, into(&e.StartsAt), &e.OnPlatform, &e.Participants, &e.BestRank, &e.MaxPoints)
	return e, err
}

// EachEvent calls fn for every flash CTF, newest first. Those in which none of the viewer's competitors took part are among
// them. There is about one a month.
func (sc *Scope) EachEvent(ctx context.Context, fn func(Event) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+sc.eventColumns(&a)+
		" FROM game_platform_flash_ctf_events e WHERE "+a.add(sc.seesPeople())+" ORDER BY e.starts_at DESC, e.event_id", a...)
	if err != nil {
		return fmt.Errorf("list events: %w", err)
	}
	err = each(rows, func() error {
		e, err := scanEvent(rows.Scan)
		if err != nil {
			return err
		}
		return fn(e)
	})
	return wrap(err, "list events")
}

// seesPeople reports whether the viewer may see competitors at all.
func (sc *Scope) seesPeople() bool {
	return sc.viewer.Role == domain.RoleAdmin || sc.viewer.Role == domain.RoleCoach && sc.viewer.CoachID != "" && sc.viewer.Enrolled
}

// Event reads one flash CTF. One that does not exist is a NoSuch error.
func (sc *Scope) Event(ctx context.Context, id string) (Event, error) {
	var a args
	e, err := scanEvent(sc.s.db.reader().row(ctx, "SELECT "+sc.eventColumns(&a)+
		" FROM game_platform_flash_ctf_events e WHERE "+a.add(sc.seesPeople())+" AND e.event_id = "+a.add(id), a...).Scan)
	return e, wrap(noSuch(err, "flash CTF"), "read event")
}

// Participant is a competitor's result in one flash CTF.
type Participant struct {
	CompetitorID, FirstName, LastName, Email  string
	Team, CoachName                           string
	Rank, ChallengesSolved, Points, MaxPoints int64 // Rank 0: not ranked
}

// Name is the full name as shown.
func (p Participant) Name() string {
	return domain.Competitor{FirstName: p.FirstName, LastName: p.LastName}.Name()
}

// byRank is the order of a flash CTF's results: the ranked first.
var byRank = keyset{columns: []string{"(r.rank = 0)", "r.rank", "r.syned_user_id"}}

// participants is the table that a flash CTF's results are cut from.
func (sc *Scope) participants(eventID string) cutting {
	return cutting{
		"game_platform_flash_ctf_results r JOIN competitor_list c ON c.game_platform_id = r.syned_user_id", "c.competitor_id",
		func(a *args) string { return sc.visible(a) + " AND r.event_id = " + a.add(eventID) },
		func(a *args) string { return sc.visible(a) + " AND r.event_id = " + a.add(eventID) }, byRank,
	}
}

const participantColumns = `c.competitor_id, p.first_name, p.last_name, COALESCE(p.email, ''), COALESCE(t.name, ''), co.name,
	r.rank, r.challenges_solved, r.points_earned, r.max_points_possible`

const participantJoins = `
	JOIN competitors p ON p.competitor_id = c.competitor_id
	JOIN coaches co ON co.coach_id = c.coach_id
	LEFT JOIN teams t ON t.team_id = c.team_id`

func scanParticipant(scan func(...any) error) (Participant, error) {
	var p Participant
	err := scan(&p.CompetitorID, &p.FirstName, &p.LastName, &p.Email, &p.Team, &p.CoachName, &p.Rank, &p.ChallengesSolved, &p.Points, &p.MaxPoints)
	return p, err
}

// ParticipantsPage lists one page of the results of the viewer's competitors in a flash CTF, by rank.
func (sc *Scope) ParticipantsPage(ctx context.Context, e Event, p Page) ([]Participant, Place, error) {
	var list []Participant
	var place Place
	err := sc.s.db.view(ctx, func(tx conn) error {
		whole := sc.participants(e.ID)
		counted, err := whole.countUpTo(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		rows, err := tx.query(ctx, `SELECT `+participantColumns+` FROM (
			SELECT r.*, c.competitor_id, c.coach_id, c.team_id FROM `+whole.page(&a, p)+`) r
			JOIN competitor_list c ON c.competitor_id = r.competitor_id`+participantJoins+` ORDER BY `+byRank.order(p), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			r, err := scanParticipant(rows.Scan)
			list = append(list, r)
			return err
		})
		place = p.place(counted, len(list), e.Participants)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, wrap(err, "list participants")
}

// EachParticipant calls fn for every result of the viewer's competitors in a flash CTF, by rank, reading as it goes.
func (sc *Scope) EachParticipant(ctx context.Context, eventID string, fn func(Participant) error) error {
	var a args
	whole := sc.participants(eventID)
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+participantColumns+" FROM "+whole.from+participantJoins+
		" WHERE "+whole.matches(&a)+" ORDER BY "+byRank.order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read participants: %w", err)
	}
	err = each(rows, func() error {
		p, err := scanParticipant(rows.Scan)
		if err != nil {
			return err
		}
		return fn(p)
	})
	return wrap(err, "read participants")
}
