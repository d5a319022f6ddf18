package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"flagpole/store"
)

func (p *program) migrateCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date",
		Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error { return usage(errors.New("say one of: up, down, status")) },
	}
	step := func(use, short string, do func(context.Context, *store.Store) error) {
		group.AddCommand(&cobra.Command{Use: use, Short: short, Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := p.config()
			if err != nil {
				return err
			}
			s, err := p.open(cmd.Context(), conf)
			if err != nil {
				return err
			}
			return errors.Join(do(cmd.Context(), s), s.Close())
		}})
	}
	step("up", "Apply every pending migration", p.migrateUp)
	step("down", "Take back the newest migration, with the data in its tables", p.migrateDown)
	step("status", "List the migrations", p.migrateStatus)
	return group
}

func (p *program) migrateUp(ctx context.Context, s *store.Store) error {
	done, err := s.MigrateUp(ctx)
	for _, m := range done {
		fmt.Fprintln(p.stdout, "applied", m.Name)
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(p.stdout, "nothing to do: the database is up to date")
	}
	return err
}

func (p *program) migrateDown(ctx context.Context, s *store.Store) error {
	m, err := s.MigrateDown(ctx)
	if err == nil {
		fmt.Fprintln(p.stdout, "took back", m.Name)
	}
	return err
}

func (p *program) migrateStatus(ctx context.Context, s *store.Store) error {
	all, err := s.Migrations(ctx)
	for _, m := range all {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		fmt.Fprintf(p.stdout, "%-8s %s\n", state, m.Name)
	}
	return err
}
