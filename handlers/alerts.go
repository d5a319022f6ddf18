package handlers

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"flagpole/internal/alert"
	"flagpole/internal/domain"
	"flagpole/store"
	"flagpole/views"
)

const (
	alertsPath     = "/admin/alerts"
	alertsShown    = 50 // of the past
	messagesShown  = 10
	alertsPollSoon = "2s" // while a message is on its way
)

// Alerting is what the page of alerts shows of the configuration.
type Alerting struct {
	Thresholds alert.Thresholds
	Remind     time.Duration   // between reminders; 0: none
	Targets    []domain.Target // whom messages go to
}

// alertsShow is how every rule stands, and what people were told.
func (p *pages) alertsShow(c echo.Context, s *store.Scope) error {
	return p.showAlerts(c, s, nil)
}

// alertAcknowledge says that somebody knows of an alert.
func (p *pages) alertAcknowledge(c echo.Context, s *store.Scope) error {
	if err := s.AcknowledgeAlert(c.Request().Context(), domain.AlertRule(c.FormValue("rule")), c.FormValue("reason")); err != nil {
		return p.showAlerts(c, s, err)
	}
	return seeOther(c, alertsPath)
}

// alertsTest has a message sent by which the channels are tried.
func (p *pages) alertsTest(c echo.Context, s *store.Scope) error {
	if err := s.TestMessages(c.Request().Context(), p.conf.PublicURL+alertsPath); err != nil {
		return p.showAlerts(c, s, err)
	}
	return seeOther(c, alertsPath)
}

// showAlerts shows the page, and what was wrong with the request before it.
func (p *pages) showAlerts(c echo.Context, s *store.Scope, problem error) error {
	ctx, now := c.Request().Context(), p.clock()
	before, err := pastBefore(c)
	if err != nil {
		return err
	}
	rules, evaluated, err := s.Alerts(ctx, now)
	if err != nil {
		return err
	}
	past, more, err := s.PastAlerts(ctx, before, alertsShown)
	if err != nil {
		return err
	}
	messages, err := s.Messages(ctx, messagesShown)
	if err != nil {
		return err
	}
	view := views.Alerts{EvaluatedAt: evaluated, MayAct: s.Viewer().May(domain.MayAlert), Channels: p.channels(s.Viewer())}
	for _, a := range rules {
		row := views.AlertRow{Rule: a.Rule, State: a.State, Since: a.Since, Evidence: a.Evidence, Threshold: p.threshold(a.Rule)}
		if a.State == domain.AlertAcknowledged {
			row.By, row.Reason = who(s.Viewer(), a.AcknowledgedBy), a.Reason
		}
		view.Rules = append(view.Rules, row)
	}
	slices.SortStableFunc(view.Rules, func(a, b views.AlertRow) int { return urgency(a.State) - urgency(b.State) })
	for _, a := range past {
		view.Past = append(view.Past, views.PastAlertRow{
			Rule: a.Rule, FiredAt: a.FiredAt, EndedAt: a.ResolvedAt, Evidence: a.Evidence, By: who(s.Viewer(), a.AcknowledgedBy), Note: a.Reason, Others: a.Others,
		})
	}
	if more {
		view.OlderURL = alertsPath + "?before=" + strconv.FormatInt(past[len(past)-1].ID, 10)
	}
	for _, m := range messages {
		row := views.MessageRow{At: m.At, Subject: m.Subject}
		for _, d := range m.Deliveries {
			row.Deliveries = append(row.Deliveries, deliveryRow(s.Viewer(), d))
			if d.State == "waiting" && d.Error == "" {
				view.PollEvery = alertsPollSoon
			}
		}
		if len(row.Deliveries) == 0 && len(view.Channels) > 0 && now.Sub(m.At) < time.Minute {
			view.PollEvery = alertsPollSoon
		}
		view.Messages = append(view.Messages, row)
	}
	return p.answerAlerts(c, s, view, problem)
}

func (p *pages) answerAlerts(c echo.Context, s *store.Scope, view views.Alerts, problem error) error {
	shell := p.shell(c, s.Viewer())
	shell.Path = adminPath
	if problem != nil {
		status, err := inPlace(problem)
		if err != nil {
			return err
		}
		view.Problem = plainText(problem)
		return write(c, status, views.AlertsPage(shell, view))
	}
	return render(c, views.AlertsPage(shell, view), regions{"alerts": views.AlertsList(shell, view)})
}

// urgency orders the page: what somebody has to see comes first.
func urgency(s domain.AlertState) int {
	switch s {
	case domain.AlertFiring:
		return 0
	case domain.AlertAcknowledged:
		return 1
	case domain.AlertResolved:
		return 2
	}
	return 3
}

func pastBefore(c echo.Context) (int64, error) {
	text := c.QueryParam("before")
	if text == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil || before < 1 {
		return 0, domain.Errorf(domain.Invalid, "%q is no place in the history of alerts.", shorten(text)).WithHint("Open the page of alerts again.")
	}
	return before, nil
}

// who is a login for those who may know who works here.
func who(v domain.Viewer, login string) string {
	if login != "" && !v.May(domain.MayView) {
		return "an admin"
	}
	return login
}

// channels are where messages go, in words. Addresses are for admins only.
func (p *pages) channels(v domain.Viewer) (texts []string) {
	for _, t := range p.conf.Alerting.Targets {
		texts = append(texts, targetText(v, t))
	}
	return texts
}

func targetText(v domain.Viewer, t domain.Target) string {
	switch {
	case t.Channel == domain.ChannelSlack:
		return "Slack"
	case t.Channel == domain.ChannelWebhook:
		return "the webhook"
	case v.May(domain.MayView):
		return t.Address
	}
	return "mail"
}

func deliveryRow(v domain.Viewer, d store.DeliveryState) views.DeliveryRow {
	row := views.DeliveryRow{To: targetText(v, d.Target), At: d.EndedAt, Error: d.Error}
	switch {
	case d.State == "sent":
		row.State, row.Kind = "Delivered", "ok"
	case d.State == "given_up":
		row.State, row.Kind = "Given up", "bad"
	case d.Error != "":
		row.State, row.Kind = "Is tried again", "warn"
	default:
		row.State, row.Kind = "On its way", "hold"
	}
	return row
}

// threshold says from where on a rule holds, and what sets that.
func (p *pages) threshold(rule domain.AlertRule) string {
	t, d := p.conf.Alerting.Thresholds, alert.Defaults()
	said := func(limit, standard, names string) string {
		if limit != standard {
			limit += " (by itself: " + standard + ")"
		}
		return "Fires at: " + limit + ". Set by " + names + "."
	}
	share := func(f float64) string { return strconv.FormatFloat(100*f, 'f', -1, 64) + " %" }
	switch rule {
	case domain.AlertFailureRate:
		text := func(t alert.Thresholds) string {
			return fmt.Sprintf("more than %s of at least %d tried, or all of at least %d", share(t.FailureShare), t.FailureAtLeast, alert.AllFailedAtLeast)
		}
		return said(text(t), text(d), "FLAGPOLE_ALERT_FAILURE_SHARE and …_FAILURE_COMPETITORS")
	case domain.AlertNoSuccess:
		return said(hours(t.NoSuccess)+" without a success", hours(d.NoSuccess)+" without a success", "FLAGPOLE_ALERT_NO_SUCCESS")
	case domain.AlertPlatform:
		text := func(t alert.Thresholds) string {
			return fmt.Sprintf("%s of at least %d tried in a run", share(t.PlatformShare), t.PlatformAtLeast)
		}
		return said(text(t), text(d), "FLAGPOLE_ALERT_PLATFORM_SHARE and …_PLATFORM_COMPETITORS")
	case domain.AlertNoCycle:
		return said(hours(t.NoCycle)+" without everybody having been tried", hours(d.NoCycle)+" without everybody having been tried", "FLAGPOLE_ALERT_NO_CYCLE")
	case domain.AlertRuns:
		return said(fmt.Sprintf("%d runs in a row", t.FailedRuns), fmt.Sprintf("%d runs in a row", d.FailedRuns), "FLAGPOLE_ALERT_FAILED_RUNS")
	case domain.AlertDatabase:
		return said(fmt.Sprintf("%d errors in 15 minutes", t.DatabaseErrors), fmt.Sprintf("%d errors in 15 minutes", d.DatabaseErrors), "FLAGPOLE_ALERT_DATABASE_ERRORS")
	case domain.AlertDisk:
		return said("less than "+share(t.DiskFree)+" free", "less than "+share(d.DiskFree)+" free", "FLAGPOLE_ALERT_DISK_FREE")
	}
	return ""
}

// hours is a duration as settings have it: whole hours without minutes.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return views.Took(d)
}
