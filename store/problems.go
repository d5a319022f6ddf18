package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flagpole/internal/domain"
)

// A coach may report so many problems within an hour.
const (
	problemsAnHour = 20
	problemsHour   = time.Hour
	problemsWeek   = 7 * 24 * time.Hour // of the count that staff see
)

// ProblemReport is what a coach says is wrong with a page.
type ProblemReport struct {
	Page string    // an escaped path of the portal, without a query
	AsOf time.Time // of the page
	Text string
}

// Problem is a report with what became of it. Product staff get neither the page's address nor texts: they may name a student.
type Problem struct {
	ID                   int64
	CoachID, CoachName   string
	Kind                 domain.PageKind
	Page, Text           string
	AsOf, ReportedAt     time.Time
	State                domain.ProblemState
	Answer               string
	AnsweredBy           string // for admins only
	AnsweredAt, ClosedAt time.Time
	Seen                 int64 // changes with every change
}

// ProblemList is a part of the reports that a viewer sees.
type ProblemList struct {
	Rows []Problem
	More bool // there are older ones
	// How many of all reports are open, and how many came in the last 7 days; for staff only.
	Open, LastWeek int
}

// problemText is a text as it is stored: browsers send the ends of lines as two characters, and count them as one.
func problemText(text, what string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if n := utf8.RuneCountInString(text); n == 0 || n > domain.MaxProblemText {
		return "", domain.Errorf(domain.Invalid, "%s is needed, of 2,000 characters at most.", what)
	}
	return text, nil
}

// ReportProblem stores what a coach says is wrong, and returns the report's id. Only coaches who have the feature may; a text that is missing or
// too long is an Invalid error, too many reports within an hour are a Throttled one.
func (sc *Scope) ReportProblem(ctx context.Context, r ProblemReport) (id int64, err error) {
	v := sc.viewer
	if v.Role != domain.RoleCoach || v.CoachID == "" || !v.Enrolled || v.ViewingAs {
		return 0, domain.Errorf(domain.Denied, "Only coaches report problems here.")
	}
	text, err := problemText(r.Text, "A text")
	if err != nil {
		return 0, err
	}
	err = sc.s.db.update(ctx, func(tx conn) error {
		// The coach's row lets one report at a time be counted.
		var coach string
		if err := tx.row(ctx, `SELECT c.coach_id FROM coaches c WHERE c.coach_id = $1`+sc.s.db.forUpdate("c"), v.CoachID).Scan(&coach); err != nil {
			return noSuch(err, "coach")
		}
		now, recent := sc.s.clock(), 0
		err := tx.row(ctx, `SELECT COUNT(*) FROM problem_reports WHERE coach_id = $1 AND reported_at > $2`, v.CoachID, micros(now.Add(-problemsHour))).Scan(&recent)
		if err != nil {
			return err
		}
		if recent >= problemsAnHour {
			return domain.Errorf(domain.Throttled, "You have reported %d problems within an hour.", recent).WithHint("They have all arrived. What you typed is not stored: send it again in an hour.")
		}
		err = tx.row(ctx, `
			INSERT INTO problem_reports (coach_id, user_id, page, competitor_id, as_of, text, state, reported_at, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $7) RETURNING report_id`,
			v.CoachID, v.UserID, r.Page, nullText(domain.PageCompetitorID(r.Page)), micros(r.AsOf), text, micros(now)).Scan(&id)
		if err != nil {
			return err
		}
		return sc.audit(ctx, tx, "problem.report", "", problemDetail(id))
	})
	return id, wrap(err, "report a problem")
}

// problemDetail names a report in the audit log. Its text may name a student and stays out of there.
func problemDetail(id int64) string { return "problem=" + strconv.FormatInt(id, 10) }

// seesProblemTexts reports whether the viewer reads what stands in the reports that are the viewer's to see.
func (sc *Scope) seesProblemTexts() bool {
	return sc.viewer.Role == domain.RoleAdmin || sc.viewer.Role == domain.RoleCoach
}

// visibleProblems is the predicate on reports (p): staff see that there are all of them, coaches see their own.
func (sc *Scope) visibleProblems(a *args) string {
	switch {
	case sc.seesSync():
		return "TRUE"
	case sc.viewer.Role == domain.RoleCoach && sc.viewer.CoachID != "" && sc.viewer.Enrolled:
		return "p.coach_id = " + a.add(sc.viewer.CoachID)
	}
	return "FALSE"
}

// selectProblems begins a statement about reports (p). What the viewer may not read is not read from the database.
func (sc *Scope) selectProblems() string {
	texts := `p.text, p.answer`
	if !sc.seesProblemTexts() {
		texts = `'', ''`
	}
	return `SELECT p.report_id, p.coach_id, co.name, p.page, ` + texts + `, p.as_of, p.reported_at, p.state,
		COALESCE(u.email, p.answered_by), p.answered_at, p.closed_at, p.changed_at
		FROM problem_reports p JOIN coaches co ON co.coach_id = p.coach_id LEFT JOIN users u ON u.user_id = p.answered_by`
}

func (sc *Scope) scanProblem(scan func(...any) error) (Problem, error) {
	var p Problem
	err := scan(&p.ID, &p.CoachID, &p.CoachName, &p.Page, &p.Text, &p.Answer, into(&p.AsOf), into(&p.ReportedAt), &p.State,
		&p.AnsweredBy, into(&p.AnsweredAt), into(&p.ClosedAt), &p.Seen)
	p.Kind, p.AnsweredBy = domain.PageKindOf(p.Page), domain.LoginName(p.AnsweredBy)
	if !sc.seesProblemTexts() {
		p.Page = "" // it may hold a competitor's id
	}
	if !sc.viewer.May(domain.MayView) {
		p.AnsweredBy = ""
	}
	return p, err
}

// Problems lists reports, newest first, those before the one given; 0 is from the newest on, and an empty state is any.
func (sc *Scope) Problems(ctx context.Context, state domain.ProblemState, before int64, limit int) (list ProblemList, err error) {
	err = sc.s.db.view(ctx, func(tx conn) error {
		var a args
		where := sc.visibleProblems(&a)
		if state != "" {
			where += " AND p.state = " + a.add(string(state))
		}
		if before > 0 {
			where += " AND p.report_id < " + a.add(before)
		}
		rows, err := tx.query(ctx, sc.selectProblems()+` WHERE `+where+` ORDER BY p.report_id DESC LIMIT `+a.add(limit+1), a...)
		if err != nil {
			return err
		}
		err = each(rows, func() error {
			p, err := sc.scanProblem(rows.Scan)
			list.Rows = append(list.Rows, p)
			return err
		})
		if err != nil || !sc.seesSync() {
			return err
		}
		if err := tx.row(ctx, `SELECT COUNT(*) FROM problem_reports WHERE state = 'open'`).Scan(&list.Open); err != nil {
			return err
		}
		list.LastWeek, err = problemsSince(ctx, tx, sc.s.clock().Add(-problemsWeek))
		return err
	})
	if len(list.Rows) > limit {
		list.Rows, list.More = list.Rows[:limit], true
	}
	return list, wrap(err, "list problem reports")
}

// problemsSince counts the reports that came at a time or later, whatever became of them.
func problemsSince(ctx context.Context, tx conn, since time.Time) (n int, err error) {
	err = tx.row(ctx, `SELECT COUNT(*) FROM problem_reports WHERE reported_at >= $1`, micros(since)).Scan(&n)
	return n, err
}

// Problem is one report. One that does not exist, or is another coach's, is a NoSuch error.
func (sc *Scope) Problem(ctx context.Context, id int64) (Problem, error) {
	var a args
	where := sc.visibleProblems(&a)
	p, err := sc.scanProblem(sc.s.db.reader().row(ctx, sc.selectProblems()+` WHERE `+where+` AND p.report_id = `+a.add(id), a...).Scan)
	if err != nil {
		return Problem{}, wrap(noSuch(err, "report"), "read a problem report")
	}
	return p, nil
}

// AnswerProblem answers a report, or changes its answer. seen is the Seen of the report that the answer was written for: where somebody has
// changed it since, or it is closed, it is a Clash error. An answer that is missing or too long is an Invalid one.
func (sc *Scope) AnswerProblem(ctx context.Context, id, seen int64, answer string) error {
	if err := sc.viewer.Require(domain.MayAnswer); err != nil {
		return err
	}
	answer, err := problemText(answer, "An answer")
	if err != nil {
		return err
	}
	return sc.changeProblem(ctx, id, seen, "problem.answer", []domain.ProblemState{domain.ProblemOpen, domain.ProblemAnswered}, func(tx conn, now int64) error {
		_, err := tx.exec(ctx, `UPDATE problem_reports SET state = 'answered', answer = $2, answered_by = $3, answered_at = $4 WHERE report_id = $1`,
			id, answer, sc.viewer.UserID, now)
		return err
	})
}

// CloseProblem puts a report aside. Errors are those of AnswerProblem.
func (sc *Scope) CloseProblem(ctx context.Context, id, seen int64) error {
	return sc.changeProblem(ctx, id, seen, "problem.close", []domain.ProblemState{domain.ProblemOpen, domain.ProblemAnswered}, func(tx conn, now int64) error {
		_, err := tx.exec(ctx, `UPDATE problem_reports SET state = 'closed', closed_at = $2 WHERE report_id = $1`, id, now)
		return err
	})
}

// ReopenProblem has a report wait for an answer again; one that it has stays. Errors are those of AnswerProblem.
func (sc *Scope) ReopenProblem(ctx context.Context, id, seen int64) error {
	return sc.changeProblem(ctx, id, seen, "problem.reopen", []domain.ProblemState{domain.ProblemAnswered, domain.ProblemClosed}, func(tx conn, _ int64) error {
		_, err := tx.exec(ctx, `UPDATE problem_reports SET state = 'open', closed_at = NULL WHERE report_id = $1`, id)
		return err
	})
}

// changeProblem changes a report that is still what the viewer has seen, and in one of some states.
func (sc *Scope) changeProblem(ctx context.Context, id, seen int64, action string, from []domain.ProblemState, change func(tx conn, now int64) error) error {
	if err := sc.viewer.Require(domain.MayAnswer); err != nil {
		return err
	}
	err := sc.s.db.update(ctx, func(tx conn) error {
		var state domain.ProblemState
		var changed int64
		err := tx.row(ctx, `SELECT p.state, p.changed_at FROM problem_reports p WHERE p.report_id = $1`+sc.s.db.forUpdate("p"), id).Scan(&state, &changed)
		if err != nil {
			return noSuch(err, "report")
		}
		if changed != seen {
			return domain.Errorf(domain.Clash, "Somebody has changed this report since you opened it.").WithHint("Look at it as it is now, and decide again.")
		}
		if !slices.Contains(from, state) {
			return domain.Errorf(domain.Clash, "This report is %s.", state).WithHint("Nothing was changed.")
		}
		now := sc.s.now()
		if err := change(tx, now); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE problem_reports SET changed_at = $2 WHERE report_id = $1`, id, max(now, changed+1)); err != nil {
			return err
		}
		return sc.audit(ctx, tx, action, "", problemDetail(id))
	})
	return wrap(err, "change a problem report")
}
