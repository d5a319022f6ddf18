package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const (
	guidePath       = "/admin/guide"
	operationsPath  = "/admin/operations"
	causesShown     = 100
	operationsShown = 5
)

// failuresShow shows the failures by cause, and the rows of one cause to those who may see whom they are about.
func (p *pages) failuresShow(c echo.Context, s *store.Scope) error {
	return p.showFailures(c, s, nil)
}

// showFailures shows the page, and with it what spoke against what was asked for. Other errors are not its business.
func (p *pages) showFailures(c echo.Context, s *store.Scope, fault error) error {
	ctx := c.Request().Context()
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	l, err := p.failureListIn(ctx, c.QueryParams(), s)
	if err != nil {
		return err
	}
	board, err := s.FailureBoard(ctx, l.FailureQuery)
	if err != nil {
		return err
	}
	v := s.Viewer()
	d := views.Failures{
		Head: boardHead(board), Problem: plainText(fault), Stats: boardStats(board), Filter: l.filter, Matching: board.Matching(), Narrowed: l.narrowed(),
	}
	causes := board.Causes
	if len(causes) > causesShown && c.QueryParam("all") == "" {
		d.MoreCauses, d.AllURL = len(causes)-causesShown, l.with(failuresPath, "all", "yes")
		causes = causes[:causesShown]
	}
	for _, cause := range causes {
		d.Causes = append(d.Causes, p.causeCard(l, v, cause))
		d.Retryable += d.Causes[len(d.Causes)-1].Retryable
	}
	if l.filter.SeesPeople {
		if err := p.fillRows(c, s, l, &d); err != nil {
			return err
		}
	}
	bulk := v.May(domain.MayBulk) && d.Matching > 0 && l.State != domain.FailureResolved
	if bulk && v.May(domain.MayRetry) && d.Retryable > 0 {
		d.RetryURL = l.with(failuresPath+"/retry", "open", "")
	}
	if bulk && v.May(domain.MayClear) && l.State != domain.FailureCleared {
		d.ClearURL = l.with(failuresPath+"/clear", "open", "")
	}
	shell := p.shell(c, v)
	shell.Path = failuresPath
	if regionOf(c) == "failures" && status == http.StatusOK {
		return write(c, status, views.FailuresList(shell, d))
	}
	return write(c, status, views.FailuresPage(shell, d))
}

// fillRows adds what only those see who may see people: the rows of the opened cause, exports, and what was done last.
func (p *pages) fillRows(c echo.Context, s *store.Scope, l failureList, d *views.Failures) error {
	ctx := c.Request().Context()
	if d.Matching > 0 {
		d.ExportURL = l.with(failuresPath+".csv", "open", "")
	}
	for i := range d.Causes {
		card := &d.Causes[i]
		if card.Print != l.open && len(d.Causes) > 1 {
			continue
		}
		q, page := l.FailureQuery, pageOf(c, usualSize)
		q.Fingerprint = card.Print
		rows, place, err := s.FailuresPage(ctx, q, page, card.Competitors)
		if err != nil {
			return err
		}
		card.Open = true
		if card.Print == l.open && len(d.Causes) > 1 {
			card.CloseURL = l.with(failuresPath, "open", "")
		}
		card.Back = l.fields()
		for _, r := range rows {
			card.Rows = append(card.Rows, p.failureRow(l, s.Viewer(), r))
		}
		card.Pager = pager(rows, func(r store.FailureRow) string { return strconv.FormatInt(r.ID, 10) }, place, page.Limit,
			func(name, cursor string) string { return l.with(failuresPath, "open", card.Print, name, cursor) })
		if err := listed(c, s, "failures", "failures.view", "cause="+card.Print); err != nil {
			return err
		}
	}
	operations, err := s.Operations(ctx, operationsShown)
	for _, o := range operations {
		d.Operations = append(d.Operations, operationLine(o))
	}
	return err
}

// boardHead says in one sentence what there is.
func boardHead(b store.FailureBoard) string {
	if b.Open == 0 {
		return "Nothing is open."
	}
	head := views.Plural(b.Open, "is open", "are open") + ": "
	parts := []string{}
	for _, part := range []struct {
		n         int
		one, many string
	}{{b.Retrying, "mends itself", "mend themselves"}, {b.NeedAttention, "needs someone", "need someone"}, {b.Blocked, "is blocked", "are blocked"}} {
		if part.n > 0 {
			parts = append(parts, views.Plural(part.n, part.one, part.many))
		}
	}
	return head + enumeration(parts) + "."
}

// enumeration joins texts: "a", "a and b", "a, b and c".
func enumeration(texts []string) string {
	out := ""
	for i, text := range texts {
		switch {
		case i == 0:
		case i == len(texts)-1:
			out += " and "
		default:
			out += ", "
		}
		out += text
	}
	return out
}

func boardStats(b store.FailureBoard) []views.Stat {
	behind := func(state domain.FailureState) string { return link(failuresPath, "state", string(state)) }
	return []views.Stat{
		{Label: "syncs failing", Figure: views.Number(b.Open - b.Blocked - b.LackEmail)},
		{Label: "mend themselves", Figure: views.Number(b.Retrying), ID: "stat-retrying", URL: behind(domain.FailureRetrying)},
		{Label: "need someone", Figure: views.Number(b.NeedAttention), ID: "stat-attention", URL: behind(domain.FailureAttention)},
		{Label: "blocked, counted apart", Figure: views.Number(b.Blocked), ID: "stat-blocked", URL: behind(domain.FailureBlocked)},
		{Label: "coaches touched", Figure: views.Number(b.Coaches)},
		{Label: "cleared, not over", Figure: views.Number(b.Cleared), ID: "stat-cleared", URL: behind(domain.FailureCleared)},
	}
}

// causeCard is a cause with the buttons that the viewer may press.
func (p *pages) causeCard(l failureList, v domain.Viewer, c store.FailedCause) views.CauseCard {
	advice := c.Advice()
	if c.NeedAttention > 0 {
		advice = advice.Lasting()
	}
	card := views.CauseCard{
		Print: c.Print, Title: views.CauseTitle(c.Cause), Advice: advice.Do + " " + advice.Who, Needs: views.CauseNeeds(c.Kind, c.NeedAttention),
		Competitors: c.Competitors, Coaches: c.Coaches, FirstAt: c.FirstAt, LastAt: c.LastAt, Class: c.Class,
		GuideURL: guideFor(c.Class),
	}
	if l.CoachID == "" {
		card.Hours = c.Hours
	}
	over := l.State == domain.FailureResolved
	if c.Kind == domain.KindFailure && c.Class != domain.MissingEmail && c.Class != domain.MissingCoach && !over {
		card.Retryable = c.Competitors
	}
	if !v.May(domain.MayView) {
		return card
	}
	if c.Kind == domain.KindFailure {
		card.Message = c.Message // "" for who may not see people
	}
	card.OpenURL = l.with(failuresPath, "open", c.Print)
	if v.May(domain.MayBulk) && v.May(domain.MayRetry) && card.Retryable > 0 {
		card.RetryURL = l.with(failuresPath+"/retry", "cause", c.Print)
	}
	if v.May(domain.MayBulk) && v.May(domain.MayClear) && !over && l.State != domain.FailureCleared {
		card.ClearURL = l.with(failuresPath+"/clear", "cause", c.Print)
	}
	return card
}

// guideFor is the part of the guide that helps with a class.
func guideFor(class domain.FailureClass) string {
	part := "investigate"
	switch class {
	case domain.ServerError, domain.Timeout, domain.Unreachable, domain.Malformed, domain.RateLimited, domain.Unauthorized:
		part = "outage"
	case domain.MissingEmail, domain.MissingCoach:
		part = "missing-data"
	case domain.Blocked, domain.AccountDenied:
		part = "blocked"
	}
	return guidePath + "#" + part
}

// failureRow is a failure as a row of the list, with what can be done about it.
func (p *pages) failureRow(l failureList, v domain.Viewer, r store.FailureRow) views.FailureRow {
	now := p.clock()
	own := failurePath(r.ID)
	row := views.FailureRow{
		ID: r.ID, Name: r.CompetitorName, URL: views.CompetitorURL(r.CompetitorID), Coach: r.CoachName, OpenedAt: r.OpenedAt, Tries: r.FailedInARow,
		Answer: views.AnswerText(r.Class, r.Endpoint, r.Status), State: views.FailureStateOf(r.Failure, r.Enrolled, now, p.conf.Zone),
		PageURL: l.with(own),
	}
	state := r.StateAt(now)
	if state == domain.FailureResolved {
		return row
	}
	row.Tickable = v.May(domain.MayBulk)
	if r.Queued > 0 && state != domain.FailureRunning {
		row.State = views.State{Kind: "wait", Text: "Waiting for its turn", Detail: "A retry was asked for."}
	}
	switch {
	case r.Class == domain.MissingEmail && v.May(domain.MayRetry):
		row.EmailURL = l.with(own + "/email")
	case r.Kind == domain.KindFailure && r.OnPlatform && r.Enrolled && r.Queued == 0 && state != domain.FailureRunning && v.May(domain.MayRetry):
		row.RetryURL = l.with(own + "/retry")
	}
	if v.May(domain.MayClear) && state != domain.FailureCleared {
		row.ClearURL = l.with(failuresPath+"/clear", "id", strconv.FormatInt(r.ID, 10))
	}
	if p.conf.SyncEnabled && (r.Queued > 0 || state == domain.FailureRunning) {
		row.PollURL = l.with(own)
	}
	return row
}

// failuresCSV exports the failures as the address narrows them, all of them.
func (p *pages) failuresCSV(c echo.Context, s *store.Scope) error {
	ctx := c.Request().Context()
	l, err := p.failureListIn(ctx, c.QueryParams(), s)
	if err != nil {
		return err
	}
	if err := s.Viewer().Require(domain.MayView); err != nil {
		return err
	}
	if err := s.Audit(ctx, "failures.export", "", "csv"); err != nil {
		return err
	}
	header := []string{"failure_id", "competitor_id", "competitor", "coach_id", "coach", "kind", "class", "fingerprint", "call", "status", "message",
		"since", "last_try", "tries", "state", "next_try", "cleared_at", "cleared_by", "cleared_reason", "over_at"}
	return p.csv(c, "failures", "", header, func(row func(...any) error) error {
		return s.EachFailure(ctx, l.FailureQuery, func(r store.FailureRow) error {
			return row(r.ID, r.CompetitorID, r.CompetitorName, r.CoachID, r.CoachName, string(r.Kind), string(r.Class), r.Print, r.Endpoint, r.Status, r.Raw,
				r.OpenedAt, r.LastAt, r.FailedInARow, string(r.StateAt(p.clock())), r.NextDueAt, r.ClearedAt, r.ClearedBy, r.ClearedReason, r.EndedAt)
		})
	})
}
