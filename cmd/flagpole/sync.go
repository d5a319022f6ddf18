package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/connection"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/syncer"
	"flagpole/store"
)

// syncOptions are the flags of flagpole sync.
type syncOptions struct {
	all, full, dryRun, asJSON bool
	coach, competitor         string
}

// syncResult is what --json prints.
type syncResult struct {
	RunID string `json:"run_id"`
	domain.RunCounts
	Seconds float64 `json:"seconds"`
	Stopped string  `json:"stopped,omitempty"` // why it ended before it was done: disabled, kill_switch, paused, token_refused, interrupted, crashed or error
}

func (p *program) syncCommand() *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use: "sync", Short: "Pull results from the game platform now, due or not, and wait for the end", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.sync(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "everybody on the platform")
	f.StringVar(&o.coach, "coach", "", "the competitors of the coach with this `id`")
	f.StringVar(&o.competitor, "competitor", "", "the competitor with this `id`")
	f.BoolVar(&o.full, "full", false, "pull everything, not only what is newer than the last solve")
	f.BoolVar(&o.dryRun, "dry-run", false, "ask the platform and store nothing")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	return cmd
}

func (p *program) sync(ctx context.Context, o syncOptions) (err error) {
	selections := 0
	for _, given := range []bool{o.all, o.coach != "", o.competitor != ""} {
		if given {
			selections++
		}
	}
	if selections != 1 {
		return usage(errors.New("say exactly one of --all, --coach ID, --competitor ID"))
	}
	conf, err := p.config()
	if err != nil {
		return err
	}
	if !conf.SyncEnabled {
		return p.printSync(o, syncResult{Stopped: "disabled"})
	}
	watching := observer{log: p.logger(slog.LevelWarn)}
	client, err := newClient(conf, nil, o.dryRun, watching)
	if err != nil {
		return err
	}
	s, err := p.openMigrated(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	selection := store.Selection{CoachID: o.coach, CompetitorID: o.competitor}
	if err := s.System().CheckSelection(ctx, selection); domain.CodeOf(err) == domain.NoSuch {
		return usage(err)
	} else if err != nil {
		return err
	}
	if !o.dryRun {
		defer record(ctx, s, client, watching.log)()
	}
	report, err := newSyncer(s, client, conf, time.Now, watching).Do(ctx, store.RunRequest{
		Selection: selection, Full: o.full, DryRun: o.dryRun, By: "command",
	})
	if syncer.Ordered(err) {
		err = nil // somebody wants it so, and the result says it
	}
	result := syncResult{RunID: report.RunID, RunCounts: report.Counts, Seconds: report.Took.Seconds(), Stopped: string(report.Stopped)}
	if err := errors.Join(p.printSync(o, result), err); err != nil {
		return err
	}
	if result.Failed > 0 && !o.dryRun {
		return failed()
	}
	return nil
}

// record keeps how the connection with the platform is, until the function it returns is called.
func record(ctx context.Context, s *store.Store, client *metactf.Client, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { connection.New(s.System(), client, time.Now, log).Run(ctx) })
	return func() {
		cancel()
		done.Wait()
	}
}

func (p *program) printSync(o syncOptions, r syncResult) error {
	if o.asJSON {
		return json.NewEncoder(p.stdout).Encode(r)
	}
	switch r.Stopped {
	case "disabled":
		fmt.Fprintln(p.stdout, "Syncs are switched off; no call was made. Set GAME_PLATFORM_INTEGRATION_ENABLED=true to switch them on.")
		return nil
	case string(store.StopKillSwitch):
		fmt.Fprintln(p.stdout, "The kill switch is on: flagpole rollout on --reason ... lifts it.")
	case string(store.StopPaused):
		fmt.Fprintln(p.stdout, "Syncs are paused: an admin resumes them on the page Sync.")
	case "":
	default:
		fmt.Fprintln(p.stdout, "The run ended before it was done.")
	}
	if o.dryRun {
		fmt.Fprintln(p.stdout, "Dry run: nothing was stored.")
	}
	_, err := fmt.Fprintf(p.stdout, "%d attempted: %d changed, %d unchanged, %d blocked, %d failed. %d skipped, %d not enrolled. %d new solves, %d calls, %.1f s.\n",
		r.Attempted, r.Changed, r.Unchanged, r.Blocked, r.Failed, r.Skipped, r.NotEnrolled, r.NewSolves, r.APICalls, r.Seconds)
	return err
}
