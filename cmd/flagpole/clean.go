package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/store"
)

func (p *program) cleanCommand() *cobra.Command {
	var mock, syncState, yes bool
	cmd := &cobra.Command{
		Use: "clean", Short: "Delete results of test accounts, or forget how syncs went; the next syncs fill in what is missing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if mock == syncState {
				return usage(errors.New("say one of --mock, --sync-state"))
			}
			return p.clean(cmd.Context(), mock, yes)
		},
	}
	cmd.Flags().BoolVar(&mock, "mock", false, `delete what was pulled for accounts with "mock" in their game platform id`)
	cmd.Flags().BoolVar(&syncState, "sync-state", false, "forget how every sync went: everybody is pulled again, in full")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (p *program) clean(ctx context.Context, mock, yes bool) error {
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error {
		count, act, what := s.System().CountSyncState, s.System().CleanSyncState, "rows of the sync state"
		if mock {
			count, act, what = s.System().CountMock, s.System().CleanMock, "solves of mock accounts, and all that belongs to them"
		}
		if !yes {
			if ok, err := p.sure(ctx, count, what); err != nil || !ok {
				return err
			}
		}
		n, err := act(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "deleted %d %s\n", n, what)
		return err
	})
}

// sure asks, and takes nothing but "yes" for a yes.
func (p *program) sure(ctx context.Context, count func(context.Context) (int64, error), what string) (bool, error) {
	n, err := count(ctx)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(p.stdout, "This deletes %d %s. Type yes to go on: ", n, what)
	answer, err := firstLine(p.stdin)
	if err != nil {
		return false, err
	}
	if answer != "yes" {
		fmt.Fprintln(p.stdout, "Nothing was deleted.")
		return false, failed()
	}
	return true, nil
}
