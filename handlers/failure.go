package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const attemptsShown = 50

// failureShow is one failure with every stored attempt, or its row alone where htmx asks for that.
func (p *pages) failureShow(c echo.Context, s *store.Scope) error {
	id, err := numbered(c.Param("id"), "failure")
	if err != nil {
		return err
	}
	return p.showFailure(c, s, id, nil, "")
}

// showFailure answers with the row where htmx asks for it, and otherwise with the page. A fault that is the reader's to know
// stands with the row; typed is what was not taken.
func (p *pages) showFailure(c echo.Context, s *store.Scope, id int64, fault error, typed string) error {
	ctx := c.Request().Context()
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	l, err := p.failureListIn(ctx, c.QueryParams(), s)
	if err != nil {
		return err
	}
	r, err := s.Failure(ctx, id)
	if err != nil {
		return err
	}
	row := p.failureRow(l, s.Viewer(), r)
	row.Problem, row.Typed = plainText(fault), typed
	if err := p.followMended(c, s, l, r, &row); err != nil {
		return err
	}
	shell := p.shell(c, s.Viewer())
	shell.Path = failuresPath + "/"
	if regionOf(c) == views.FailureElement(id) {
		return write(c, http.StatusOK, views.FailureLine(shell, row, r.Print))
	}
	d, err := p.failurePage(c, s, l, r)
	if err != nil {
		return err
	}
	d.Row, d.Row.Tickable, d.Row.PageURL = row, false, ""
	if err := s.Audit(ctx, "failure.history", r.CompetitorID, ""); err != nil {
		return err
	}
	return write(c, status, views.FailurePage(shell, d))
}

// followMended words what has become of a competitor since what was missing has been added.
func (p *pages) followMended(c echo.Context, s *store.Scope, l failureList, r store.FailureRow, row *views.FailureRow) error {
	if r.EndReason != domain.EndedCompleted || p.clock().Sub(r.EndedAt) > domain.RunningFor {
		return nil
	}
	now, err := s.CompetitorRow(c.Request().Context(), r.CompetitorID)
	if err != nil {
		return err
	}
	if now.Refreshing && p.conf.SyncEnabled {
		row.State = views.State{Kind: "run", Text: "Looking it up on the platform"}
		row.PollURL = l.with(failurePath(r.ID))
		return nil
	}
	row.State = p.state(now.Sync)
	switch {
	case now.GamePlatformID == "" && !r.Enrolled:
		row.State = views.State{Kind: "wait", Text: "Email added", Detail: "Nothing is looked up before the coach has the game platform."}
	case now.GamePlatformID == "":
		row.State = views.State{Kind: "wait", Text: "Email added", Detail: "MetaCTF knows no account yet; it still has to be made."}
	}
	return nil
}

func (p *pages) failurePage(c echo.Context, s *store.Scope, l failureList, r store.FailureRow) (views.Failure, error) {
	ctx := c.Request().Context()
	now := p.clock()
	d := views.Failure{
		Card: p.causeCard(l, s.Viewer(), store.FailedCause{Cause: r.Cause, Print: r.Print}), Raw: r.Raw, OnPlatform: r.OnPlatform,
		End: views.EndText(r.Failure, !r.ClearedAt.IsZero()), BackURL: l.with(failuresPath),
	}
	if r.Kind == domain.KindBlocked {
		d.Raw = ""
	}
	if !r.ClearedAt.IsZero() {
		d.ClearedText = "by " + r.ClearedBy + " on " + views.Stamp(r.ClearedAt, now, p.conf.Zone) + ", because: " + r.ClearedReason
	}
	own := failurePath(r.ID)
	before, err := beforeIn(c)
	if err != nil {
		return d, err
	}
	attempts, more, err := s.FailureAttempts(ctx, r.ID, before, attemptsShown)
	if err != nil {
		return d, err
	}
	for _, t := range attempts {
		row := views.AttemptRow{
			At: t.StartedAt, Call: views.EndpointName(t.Endpoint), Endpoint: t.Endpoint, Status: t.Status, Took: views.Milliseconds(t.Took), Message: t.Message,
			State: views.State{Kind: "ok", Text: views.ClassName(t.Class)},
		}
		if t.Class != "" {
			row.State.Kind = "warn"
		}
		d.Attempts = append(d.Attempts, row)
	}
	if more {
		d.OlderURL = l.with(own, "attempts", strconv.FormatInt(attempts[len(attempts)-1].ID, 10))
	}
	if before > 0 {
		d.NewestURL = l.with(own)
	}
	earlier, err := s.EarlierFailures(ctx, r.ID, 20)
	for _, e := range earlier {
		d.Earlier = append(d.Earlier, views.EarlierFailure{
			URL: failurePath(e.ID), Title: views.CauseTitle(e.Cause), OpenedAt: e.OpenedAt, EndedAt: e.EndedAt,
			End: views.EndText(e.Failure, !e.ClearedAt.IsZero()),
		})
	}
	return d, err
}

// beforeIn reads before which attempt the page begins, 0 for the newest.
func beforeIn(c echo.Context) (int64, error) {
	text := c.QueryParam("attempts")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, domain.Errorf(domain.Invalid, "%q is no call.", shorten(text)).WithHint("Open the page again from the list.")
	}
	return id, nil
}

// failureRetry has one failed sync tried again at once.
func (p *pages) failureRetry(c echo.Context, s *store.Scope) error {
	id, err := numbered(c.Param("id"), "failure")
	if err != nil {
		return err
	}
	if !p.conf.SyncEnabled {
		return p.answerRow(c, s, id, errSyncOff(), "")
	}
	ctx := c.Request().Context()
	r, err := s.Failure(ctx, id)
	if err != nil {
		return err
	}
	q := store.FailureQuery{IDs: []int64{id}}
	if r.Kept == domain.FailureCleared {
		q.State = domain.FailureCleared
	}
	o, err := s.BeginOperation(ctx, store.OperationRequest{Kind: store.OpRetry, Filter: q})
	if err != nil {
		return p.answerRow(c, s, id, err, "")
	}
	if o.Queued == 0 {
		return p.answerRow(c, s, id, p.nothingDone(c, s, o, id), "")
	}
	p.wake()
	return p.answerRow(c, s, id, nil, "")
}

// failureEmail puts a missing email on file, and has the competitor looked up at once.
func (p *pages) failureEmail(c echo.Context, s *store.Scope) error {
	id, err := numbered(c.Param("id"), "failure")
	if err != nil {
		return err
	}
	email := c.FormValue("email")
	if _, err := s.AddEmail(c.Request().Context(), id, email); err != nil {
		return p.answerRow(c, s, id, err, email)
	}
	p.wake()
	return p.answerRow(c, s, id, nil, "")
}

// answerRow goes back to the list where there is no htmx; a fault stands on the page then.
func (p *pages) answerRow(c echo.Context, s *store.Scope, id int64, fault error, typed string) error {
	if regionOf(c) == views.FailureElement(id) {
		return p.showFailure(c, s, id, fault, typed)
	}
	if fault != nil {
		return p.showFailures(c, s, fault)
	}
	l, err := p.failureListIn(c.Request().Context(), c.QueryParams(), s)
	if err != nil {
		return err
	}
	return seeOther(c, l.with(failuresPath)+"#"+views.FailureElement(id))
}
