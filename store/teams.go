package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"flagpole/internal/domain"
)

// Team is a team with sums over its members.
type Team struct {
	ID, Name           string
	CoachID, CoachName string
	Competitors        int // members
	OnPlatform, Active int
	Solves, Points     int64
	LastSolveAt        time.Time
}

// Average is the team's points for each member on the platform; 0 where there is none.
func (t Team) Average() float64 {
	if t.OnPlatform == 0 {
		return 0
	}
	return float64(t.Points) / float64(t.OnPlatform)
}

// TeamQuery says which teams are wanted, and in which order.
type TeamQuery struct {
	Bounds  domain.Bounds // for Active
	CoachID string
	Search  string
	Sort    TeamSort
	Desc    bool
}

// TeamSort is a column that teams can be ordered by.
type TeamSort string

// The columns of the list of teams.
const (
	TeamsByName    TeamSort = "name"
	TeamsByCoach   TeamSort = "coach"
	TeamsByMembers TeamSort = "members"
	TeamsByActive  TeamSort = "active"
	TeamsBySolves  TeamSort = "solves"
	TeamsByPoints  TeamSort = "points"
	TeamsByAverage TeamSort = "average"
)

// teamAverage is Team.Average in whole thousandths of points, so that both databases order it alike.
const teamAverage = `(CASE WHEN c.on_platform = 0 THEN 0 ELSE 1000 * (c.odl_points + c.flash_points) / c.on_platform END)`

// teamActive counts the active members of a team (c).
func teamActive(b domain.Bounds) string {
	return fmt.Sprintf(`(SELECT COUNT(*) FROM competitor_list m WHERE m.team_id = c.team_id AND m.last_solve_at >= %d)`, micros(b.ActiveSince))
}

func (q TeamQuery) keyset() keyset {
	column := ""
	switch q.Sort {
	case TeamsByCoach:
		return keyset{[]string{"(SELECT co.sort_key FROM coaches co WHERE co.coach_id = c.coach_id)", "c.sort_key", "c.team_id"}, q.Desc}
	case TeamsByMembers:
		column = "c.competitors"
	case TeamsByActive:
		column = teamActive(q.Bounds)
	case TeamsBySolves:
		column = "(c.odl_solves + c.flash_solves)"
	case TeamsByPoints:
		column = "(c.odl_points + c.flash_points)"
	case TeamsByAverage:
		column = teamAverage
	default:
		return keyset{[]string{"c.sort_key", "c.team_id"}, q.Desc}
	}
	if q.Desc {
		column = "(-" + column + ")"
	}
	return keyset{[]string{column, "c.sort_key", "c.team_id"}, false}
}

// teams is the predicate on teams (c) of all that the query wants and the viewer may see.
func (sc *Scope) teams(a *args, q TeamQuery) string {
	where := sc.visible(a)
	if q.CoachID != "" {
		where += " AND c.coach_id = " + a.add(q.CoachID)
	}
	return where + wordsIn(a, "c.sort_key", q.Search)
}

func (q TeamQuery) columns() string {
	return `c.team_id, c.name, c.coach_id, co.name, c.competitors, c.on_platform, ` + teamActive(q.Bounds) + `,
		c.odl_solves + c.flash_solves, c.odl_points + c.flash_points,
		(SELECT NULLIF(MAX(m.last_solve_at), 0) FROM competitor_list m WHERE m.team_id = c.team_id)`
}

func scanTeam(scan func(...any) error) (Team, error) {
	var t Team
	err := scan(&t.ID, &t.Name, &t.CoachID, &t.CoachName, &t.Competitors, &t.OnPlatform, &t.Active, &t.Solves, &t.Points, into(&t.LastSolveAt))
	return t, err
}

// TeamsPage lists one page of the viewer's teams; empty ones are among them.
func (sc *Scope) TeamsPage(ctx context.Context, q TeamQuery, p Page) ([]Team, Place, error) {
	var list []Team
	var place Place
	k := q.keyset()
	err := sc.s.db.view(ctx, func(tx conn) error {
		cut := cutting{"teams c", "c.team_id", func(a *args) string { return sc.teams(a, q) }, sc.visible, k}
		counted, total, err := cut.count(ctx, tx, p)
		if err != nil {
			return err
		}
		var a args
		rows, err := tx.query(ctx, "SELECT "+q.columns()+" FROM (SELECT c.* FROM "+cut.page(&a, p)+") c JOIN coaches co ON co.coach_id = c.coach_id ORDER BY "+k.order(p), a...)
		if err != nil {
			return err
		}
		list, err = collectTeams(rows)
		place = p.place(counted, len(list), total)
		return err
	})
	if p.Before != "" {
		slices.Reverse(list)
	}
	return list, place, wrap(err, "list teams")
}

func collectTeams(rows *sql.Rows) ([]Team, error) {
	var list []Team
	err := each(rows, func() error {
		t, err := scanTeam(rows.Scan)
		list = append(list, t)
		return err
	})
	return list, err
}

// EachTeam calls fn for every team that matches, in the order of the query, reading as it goes.
func (sc *Scope) EachTeam(ctx context.Context, q TeamQuery, fn func(Team) error) error {
	var a args
	rows, err := sc.s.db.reader().query(ctx, "SELECT "+q.columns()+" FROM teams c JOIN coaches co ON co.coach_id = c.coach_id WHERE "+
		sc.teams(&a, q)+" ORDER BY "+q.keyset().order(Page{}), a...)
	if err != nil {
		return fmt.Errorf("read teams: %w", err)
	}
	err = each(rows, func() error {
		t, err := scanTeam(rows.Scan)
		if err != nil {
			return err
		}
		return fn(t)
	})
	return wrap(err, "read teams")
}

// WithoutTeam are the sums over the viewer's competitors who are in no team, as those of a team without a name.
func (sc *Scope) WithoutTeam(ctx context.Context, q TeamQuery) (Team, error) {
	var t Team
	var a args
	err := sc.s.db.reader().row(ctx, `
		SELECT COUNT(*), COUNT(c.game_platform_id), COUNT(*) FILTER (WHERE c.last_solve_at >= `+a.add(micros(q.Bounds.ActiveSince))+`),
			CAST(COALESCE(SUM(c.odl_solves + c.flash_solves), 0) AS BIGINT), CAST(COALESCE(SUM(c.points), 0) AS BIGINT),
			NULLIF(MAX(c.last_solve_at), 0)
		FROM competitor_list c WHERE `+sc.competitors(&a, CompetitorQuery{CoachID: q.CoachID, TeamID: NoTeam}), a...).
		Scan(&t.Competitors, &t.OnPlatform, &t.Active, &t.Solves, &t.Points, into(&t.LastSolveAt))
	return t, wrap(err, "sum up those without a team")
}

// Team reads one of the viewer's teams. Another coach's is a NoSuch error, like one that does not exist.
func (sc *Scope) Team(ctx context.Context, id string, b domain.Bounds) (Team, error) {
	var a args
	t, err := scanTeam(sc.s.db.reader().row(ctx, "SELECT "+TeamQuery{Bounds: b}.columns()+
		" FROM teams c JOIN coaches co ON co.coach_id = c.coach_id WHERE "+sc.visible(&a)+" AND c.team_id = "+a.add(id), a...).Scan)
	return t, wrap(noSuch(err, "team"), "read team")
}

// Choice is a record to choose by its name.
type Choice struct{ ID, Name string }

// TeamChoices lists the names of the coach's teams, or with "" of all, when there are at most limit of them; of more it is
// empty.
func (sc *Scope) TeamChoices(ctx context.Context, coachID string, limit int) ([]Choice, error) {
	var a args
	return sc.choices(ctx, `SELECT c.team_id, c.name FROM teams c WHERE `+sc.teams(&a, TeamQuery{CoachID: coachID})+
		` ORDER BY c.sort_key, c.team_id LIMIT `+a.add(limit+1), a, limit)
}

// CoachChoices lists the names of the coaches the viewer sees, when there are at most limit of them; of more it is empty.
func (sc *Scope) CoachChoices(ctx context.Context, limit int) ([]Choice, error) {
	var a args
	return sc.choices(ctx, `SELECT c.coach_id, c.name FROM coaches c WHERE `+sc.visible(&a)+
		` ORDER BY c.sort_key, c.coach_id LIMIT `+a.add(limit+1), a, limit)
}

func (sc *Scope) choices(ctx context.Context, query string, a args, limit int) ([]Choice, error) {
	rows, err := sc.s.db.reader().query(ctx, query, a...)
	if err != nil {
		return nil, fmt.Errorf("list choices: %w", err)
	}
	var list []Choice
	err = each(rows, func() error {
		var c Choice
		err := rows.Scan(&c.ID, &c.Name)
		list = append(list, c)
		return err
	})
	if len(list) > limit {
		list = nil
	}
	return list, wrap(err, "list choices")
}
