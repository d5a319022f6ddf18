package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

// failuresRetry asks whether to retry what matches or was ticked, or has it done.
func (p *pages) failuresRetry(c echo.Context, s *store.Scope) error {
	return p.operate(c, s, store.OpRetry)
}

// failuresClear asks whether to clear what matches or was ticked, or has it done.
func (p *pages) failuresClear(c echo.Context, s *store.Scope) error {
	return p.operate(c, s, store.OpClear)
}

// operate is the page that says how many, who is left alone, and how long it takes; and what does it.
func (p *pages) operate(c echo.Context, s *store.Scope, kind store.OperationKind) error {
	ctx := c.Request().Context()
	l, err := p.failureListIn(ctx, c.QueryParams(), s)
	if err != nil {
		return err
	}
	if l.IDs, err = idsIn(c.QueryParams()); err != nil {
		return err
	}
	q := l.FailureQuery
	if len(l.IDs) > 0 { // what was ticked is meant whatever has happened to it since
		q = store.FailureQuery{IDs: l.IDs, At: q.At}
		if l.State == domain.FailureCleared {
			q.State = l.State
		}
	}
	if c.Request().Method == http.MethodGet {
		return p.confirmOperation(c, s, kind, l, q, nil)
	}
	if kind == store.OpRetry && !p.conf.SyncEnabled {
		return p.confirmOperation(c, s, kind, l, q, errSyncOff())
	}
	last, err := strconv.ParseInt(c.FormValue("last"), 10, 64)
	if err != nil || last < 0 {
		return domain.Errorf(domain.Invalid, "The form does not say which failures were meant.").WithHint("Open the page again from the list.")
	}
	o, err := s.BeginOperation(ctx, store.OperationRequest{Kind: kind, Filter: q, Reason: c.FormValue("reason"), LastFailure: last, Pace: p.pace()})
	if err != nil {
		return p.confirmOperation(c, s, kind, l, q, err)
	}
	if o.Queued+o.Done == 0 && !o.PlannedAt.IsZero() {
		return p.confirmOperation(c, s, kind, l, q, p.nothingDone(c, s, o, 0))
	}
	p.wake()
	return seeOther(c, operationPath(o.ID))
}

// confirmOperation shows the page that asks, and with it what spoke against it. Other errors are not its business.
func (p *pages) confirmOperation(c echo.Context, s *store.Scope, kind store.OperationKind, l failureList, q store.FailureQuery, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	plan, err := s.PlanOperation(c.Request().Context(), kind, q)
	if err != nil {
		return err
	}
	verb := map[store.OperationKind]string{store.OpRetry: "Retry", store.OpClear: "Clear"}[kind]
	scope := "all " + views.Number(plan.Eligible)
	switch {
	case len(l.IDs) > 0:
		scope = "the " + views.Number(plan.Eligible) + " ticked"
	case l.narrowed():
		scope = views.Number(plan.Eligible) + " that match"
	}
	if len(l.IDs) == 1 {
		scope = "this failure"
	}
	d := views.FailureConfirm{
		Title: verb + " " + scope + "?", Button: verb + " " + scope, Action: c.Request().URL.RequestURI(), BackURL: l.with(failuresPath),
		Problem: plainText(fault), Reason: c.FormValue("reason"), NeedsReason: kind == store.OpClear, Impossible: plan.Eligible == 0,
		LastFailure: plan.LastFailure, Left: leftAlone(plan.Skipped),
	}
	if l.narrowed() && len(l.IDs) == 0 {
		d.Text = append(d.Text, "What is meant: "+p.filterWords(l)+".")
	}
	d.Text = append(d.Text, p.planWords(kind, plan))
	shell := p.shell(c, s.Viewer())
	shell.Path = failuresPath + "/"
	return write(c, status, views.FailureConfirmPage(shell, d))
}

// planWords say how many as of when, what happens to them, and how long it takes.
func (p *pages) planWords(kind store.OperationKind, plan store.OperationPlan) string {
	text := "As of " + plan.At.In(p.conf.Zone).Format("15:04:05") + ", " + views.Plural(plan.Matched, "failure matches", "failures match")
	if plan.Eligible < plan.Matched {
		text += ", " + views.Number(plan.Eligible) + " of which can be " + map[store.OperationKind]string{store.OpRetry: "retried", store.OpClear: "cleared"}[kind]
	}
	text += ". What fails after that is not touched. "
	if kind == store.OpClear {
		return text + "Clearing says that somebody knows: nothing is deleted, syncs go on, and it can be taken back for 30 days. One that succeeds later resolves by itself."
	}
	if plan.Eligible == 0 {
		return text
	}
	return text + "At the limit of " + strconv.FormatFloat(p.conf.RateLimit, 'f', -1, 64) + " calls a second it takes at most " + p.atMost(plan.Eligible) + ", beside what is running already."
}

// skipWords say why failures are left alone.
var skipWords = map[store.SkipReason][2]string{
	store.SkipBlocked:     {"is blocked: it waits for MetaCTF and is looked up again by itself", "are blocked: they wait for MetaCTF and are looked up again by themselves"},
	store.SkipNoAccount:   {"has no account on the platform", "have no account on the platform"},
	store.SkipInactive:    {"does not take part any more", "do not take part any more"},
	store.SkipNotEnrolled: {"has a coach without the game platform", "have a coach without the game platform"},
	store.SkipQueued:      {"has been queued by another retry already", "have been queued by another retry already"},
	store.SkipRunning:     {"is being tried right now", "are being tried right now"},
	store.SkipCleared:     {"is cleared already", "are cleared already"},
}

func leftAlone(skipped map[store.SkipReason]int) []string {
	var list []string
	for _, reason := range store.SkipReasons {
		if n := skipped[reason]; n > 0 {
			list = append(list, views.Plural(n, skipWords[reason][0], skipWords[reason][1])+".")
		}
	}
	return list
}

// nothingDone is the Clash for an operation that left everything alone; of a single failure it says who was first.
func (p *pages) nothingDone(c echo.Context, s *store.Scope, o store.Operation, failure int64) error {
	if failure > 0 && o.Skipped[store.SkipQueued] > 0 {
		if first, err := s.QueuedBy(c.Request().Context(), failure); err == nil {
			return domain.Errorf(domain.Clash, "%s has asked for a retry at %s already.", first.By, first.RequestedAt.In(p.conf.Zone).Format("15:04"))
		}
	}
	if o.Matched == 0 {
		return domain.Errorf(domain.Clash, "None of them is open any more.")
	}
	return domain.Errorf(domain.Clash, "All were left alone. %s", strings.Join(leftAlone(o.Skipped), " "))
}

// filterWords are a filter in words.
func (p *pages) filterWords(l failureList) string {
	var parts []string
	for _, chip := range l.filter.Chips {
		parts = append(parts, chip.Label)
	}
	return enumeration(parts)
}

func operationPath(id int64) string { return operationsPath + "/" + strconv.FormatInt(id, 10) }

// operationLine is an operation as a row of a list.
func operationLine(o store.Operation) views.OperationLine {
	counts := views.Number(o.Done) + " done"
	if o.Kind == store.OpRetry {
		counts = views.Number(o.Queued) + " queued, " + counts + ", " + views.Number(o.Failed) + " failed"
	}
	return views.OperationLine{
		URL: operationPath(o.ID), Title: operationTitle(o), By: o.By, At: o.RequestedAt, State: operationState(o),
		Counts: counts + ", " + views.Number(o.SkippedAll()) + " left alone",
	}
}

func operationTitle(o store.Operation) string {
	what := views.Plural(o.Matched, "failure", "failures")
	if o.Kind == store.OpClear {
		return "Clear of " + what
	}
	return "Retry of " + what
}

func operationState(o store.Operation) views.State {
	switch {
	case !o.UndoneAt.IsZero():
		return views.State{Kind: "off", Text: "Taken back"}
	case !o.AbortedAt.IsZero():
		return views.State{Kind: "off", Text: "Stopped"}
	case o.PlannedAt.IsZero():
		return views.State{Kind: "run", Text: "Queueing"}
	case o.Queued > 0:
		return views.State{Kind: "run", Text: "In progress"}
	case o.Failed > 0:
		return views.State{Kind: "warn", Text: "Done, some failed again"}
	case o.Done == 0:
		return views.State{Kind: "off", Text: "Nothing to do"}
	}
	return views.State{Kind: "ok", Text: "Done"}
}

// operationShow follows an operation.
func (p *pages) operationShow(c echo.Context, s *store.Scope) error {
	return p.showOperation(c, s, nil)
}

// operationAbort stops what is left of an operation.
func (p *pages) operationAbort(c echo.Context, s *store.Scope) error {
	id, err := numbered(c.Param("id"), "operation")
	if err == nil {
		_, err = s.AbortOperation(c.Request().Context(), id)
	}
	if err != nil {
		return p.showOperation(c, s, err)
	}
	return seeOther(c, operationPath(id))
}

// operationUndo takes a clear back.
func (p *pages) operationUndo(c echo.Context, s *store.Scope) error {
	id, err := numbered(c.Param("id"), "operation")
	if err == nil {
		_, err = s.UndoClear(c.Request().Context(), id)
	}
	if err != nil {
		return p.showOperation(c, s, err)
	}
	return seeOther(c, operationPath(id))
}

func (p *pages) showOperation(c echo.Context, s *store.Scope, fault error) error {
	status, err := inPlace(fault)
	if err != nil {
		return err
	}
	id, err := numbered(c.Param("id"), "operation")
	if err != nil {
		return err
	}
	o, err := s.Operation(c.Request().Context(), id)
	if err != nil {
		return err
	}
	d := p.operationPage(o, s.Viewer())
	d.Problem = plainText(fault)
	shell := p.shell(c, s.Viewer())
	shell.Path = failuresPath + "/"
	if regionOf(c) == "operation" {
		return write(c, status, views.OperationProgress(shell, d))
	}
	return write(c, status, views.OperationPage(shell, d))
}

func (p *pages) operationPage(o store.Operation, v domain.Viewer) views.Operation {
	own := operationPath(o.ID)
	d := views.Operation{
		Title: operationTitle(o), State: operationState(o), By: o.By, At: o.RequestedAt, Reason: o.Reason, What: filterOf(o.Filter),
		Done: o.Done + o.Failed + o.Aborted, Of: o.Matched - o.SkippedAll(), Left: leftAlone(o.Skipped), BackURL: failuresOf(o.Filter), SelfURL: own,
	}
	stat := func(id, label string, n int) {
		d.Stats = append(d.Stats, views.Stat{ID: "operation-" + id, Label: label, Figure: views.Number(n)})
	}
	stat("matched", "matched", o.Matched)
	if o.Kind == store.OpRetry {
		stat("queued", "queued, not tried yet", o.Queued)
		stat("done", "mended", o.Done)
		stat("failed", "failed again", o.Failed)
	} else {
		stat("done", "cleared", o.Done)
	}
	stat("skipped", "left alone", o.SkippedAll())
	if o.Aborted > 0 {
		stat("aborted", "stopped before", o.Aborted)
	}
	open := o.PlannedAt.IsZero() || o.Queued > 0
	if open {
		d.Poll = pollWorking
		if v.May(domain.MayBulk) {
			d.AbortURL = own + "/abort"
		}
		if o.Queued > 0 {
			d.Rate = "At most " + p.atMost(o.Queued) + " to go, at " + strconv.FormatFloat(p.conf.RateLimit, 'f', -1, 64) + " calls a second."
		}
	}
	if o.CanUndo(p.clock()) && !open && v.May(domain.MayClear) {
		d.UndoURL = own + "/undo"
	}
	switch at := func(t time.Time) string { return views.Stamp(t, p.clock(), p.conf.Zone) }; {
	case !o.UndoneAt.IsZero():
		d.Over = "by " + o.UndoneBy + " on " + at(o.UndoneAt) + ". What is not over is open again."
	case !o.AbortedAt.IsZero():
		d.Over = "by " + o.AbortedBy + " on " + at(o.AbortedAt) + ". Those not tried are due when they would have been."
	}
	return d
}

// filterOf says what an operation was for, in words.
func filterOf(q store.FailureQuery) string {
	switch {
	case len(q.IDs) == 1, q.CompetitorID != "":
		return "One failure."
	case len(q.IDs) > 1:
		return "Those that were ticked."
	}
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+value)
		}
	}
	add("cause ", q.Fingerprint)
	if q.Class != "" {
		add("class: ", views.ClassName(q.Class))
	}
	add("kind: ", nameIn(kindOptions, string(q.Kind)))
	if q.CoachID != "" {
		add("", "one coach")
	}
	add("age: ", nameIn(ageOptions, string(q.Age)))
	add("state: ", views.FailureStateName(q.State))
	add("search: ", q.Search)
	if len(parts) == 0 {
		return "All that were open."
	}
	return "All that matched " + enumeration(parts) + "."
}

// failuresOf is the list with the filter of an operation.
func failuresOf(q store.FailureQuery) string {
	return link(failuresPath, "cause", q.Fingerprint, "class", string(q.Class), "kind", string(q.Kind), "coach", q.CoachID, "age", string(q.Age),
		"state", string(q.State), "q", q.Search)
}
