package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"flagpole/store"
)

func (p *program) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write a consistent copy of the database into a new file, also while the portal serves", Args: oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.copied(cmd.Context(), "backed up", store.WriteBackup, args[0])
		},
	}
}

func (p *program) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Put a backup into the database of DATABASE_URL, which must be empty", Args: oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.copied(cmd.Context(), "restored", store.RestoreBackup, args[0]); err != nil {
				return err
			}
			return p.sayPending(cmd.Context())
		},
	}
}

// copied copies and says what there is in the copy.
func (p *program) copied(ctx context.Context, what string, copying func(context.Context, string, string) (store.Totals, error), file string) error {
	conf, err := p.config()
	if err != nil {
		return err
	}
	t, err := copying(ctx, conf.DatabaseURL, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %s, %.1f MB, schema %d, %d coaches, %d competitors, %d teams, %d solves, %d points\n",
		what, t.Kind, float64(t.Bytes)/1e6, t.Version, t.Coaches, t.Competitors, t.Teams, t.Solves, t.Points)
	return nil
}

// sayPending says what is to be done where the backup is older than the program.
func (p *program) sayPending(ctx context.Context) error {
	conf, err := p.config()
	if err != nil {
		return err
	}
	s, err := p.open(ctx, conf)
	if err != nil {
		return err
	}
	pending, err := s.Pending(ctx)
	if pending > 0 {
		fmt.Fprintf(p.stdout, "%d migrations are pending; run: flagpole migrate up\n", pending)
	}
	return errors.Join(err, s.Close())
}
