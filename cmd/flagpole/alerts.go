package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/alert"
	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/notify"
	"flagpole/store"
)

// alertResult is a rule as flagpole alerts --json prints it; since is RFC 3339, UTC, and null for a rule that never held.
type alertResult struct {
	Rule     domain.AlertRule  `json:"rule"`
	State    domain.AlertState `json:"state"`
	Since    *time.Time        `json:"since"`
	Evidence string            `json:"evidence"`
}

// pastResult is a change as flagpole alerts --replay --json prints it.
type pastResult struct {
	At       time.Time         `json:"at"`
	Rule     domain.AlertRule  `json:"rule"`
	State    domain.AlertState `json:"state"`
	Evidence string            `json:"evidence"`
}

func (p *program) alertsCommand() *cobra.Command {
	var asJSON bool
	var replay time.Duration
	cmd := &cobra.Command{
		Use: "alerts", Short: "Ask the rules of alerts now, and show how each stands", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(conf config.Config, s *store.Store) error {
				if replay > 0 {
					return p.replayAlerts(cmd.Context(), conf, s, replay, asJSON)
				}
				return p.showAlerts(cmd.Context(), conf, s, asJSON)
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print a JSON list")
	f.DurationVar(&replay, "replay", 0, "go through the stored facts of the last `hours` (168h at most) with the thresholds that are set now, and show what would have begun and ended")
	return cmd
}

func (p *program) showAlerts(ctx context.Context, conf config.Config, s *store.Store, asJSON bool) error {
	now := time.Now()
	if _, err := s.System().EvaluateAlerts(ctx, now, alertRules(conf)); err != nil {
		return err
	}
	list, err := s.System().Alerts(ctx, now)
	if err != nil {
		return err
	}
	results := make([]alertResult, 0, len(list))
	for _, a := range list {
		r := alertResult{Rule: a.Rule, State: a.State, Evidence: a.Evidence}
		if !a.Since.IsZero() {
			r.Since = &a.Since
		}
		results = append(results, r)
	}
	if asJSON {
		return p.printJSON(results)
	}
	for _, r := range results {
		fmt.Fprintf(p.stdout, "%-12s  %-24s  %s\n", r.State, r.Rule, r.Evidence)
	}
	return nil
}

func (p *program) replayAlerts(ctx context.Context, conf config.Config, s *store.Store, span time.Duration, asJSON bool) error {
	history, err := s.System().AlertHistory(ctx, time.Now().Add(-span))
	if err != nil {
		return err
	}
	results := []pastResult{}
	for _, c := range alert.Replay(history, thresholds(conf)) {
		results = append(results, pastResult{c.At, c.Rule, c.State, c.Evidence})
	}
	if asJSON {
		return p.printJSON(results)
	}
	if len(history) == 0 {
		fmt.Fprintln(p.stdout, "There are no stored facts of that time: the portal was not running.")
		return nil
	}
	fmt.Fprintf(p.stdout, "%d minutes from %s on, %d changes\n", len(history), history[0].At.Format(time.RFC3339), len(results))
	for _, r := range results {
		fmt.Fprintf(p.stdout, "%s  %-8s  %-24s  %s\n", r.At.Format(time.RFC3339), r.State, r.Rule, r.Evidence)
	}
	return nil
}

func (p *program) printJSON(v any) error {
	out := json.NewEncoder(p.stdout)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// alertRules are what evaluations go by.
func alertRules(c config.Config) store.AlertRules {
	return store.AlertRules{
		Off: !c.SyncEnabled, Thresholds: thresholds(c), Timing: alert.Timing{Remind: c.AlertRemind}, Zone: c.Zone, Link: c.PublicURL + "/admin/alerts",
	}
}

func thresholds(c config.Config) alert.Thresholds {
	return alert.Thresholds{
		FailureShare: c.AlertFailureShare, FailureAtLeast: c.AlertFailureTried, NoSuccess: c.AlertNoSuccess,
		PlatformShare: c.AlertPlatformShare, PlatformAtLeast: c.AlertPlatformTried, NoCycle: c.AlertNoCycle,
		FailedRuns: c.AlertFailedRuns, DatabaseErrors: c.AlertDatabaseErrors, DiskFree: c.AlertDiskFree,
	}
}

// newNotifier makes the channels of the configuration.
func newNotifier(c config.Config) (*notify.Notifier, error) {
	n, err := notify.New(notify.Config{
		Mail: notify.Mail{
			Host: c.Mail.Host, Port: c.Mail.Port, User: c.Mail.User, Password: c.Mail.Password, TLS: notify.TLSMode(c.Mail.TLS), From: c.MailFrom, To: c.MailTo,
		},
		Webhook: notify.Webhook{URL: c.AlertWebhook, Secret: c.AlertSecret}, Slack: c.AlertSlack, AllowPrivate: c.AlertPrivate, Clock: time.Now,
	})
	if err != nil {
		return nil, usage(err)
	}
	return n, nil
}
