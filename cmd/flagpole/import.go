package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"flagpole/internal/roster"
	"flagpole/store"
)

func (p *program) importCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import a roster CSV: all of it, or nothing where a line is bad", Args: oneArg("file"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.importRoster(cmd, args[0], dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change and store nothing")
	return cmd
}

func (p *program) importRoster(cmd *cobra.Command, path string, dryRun bool) (err error) {
	ctx := cmd.Context()
	conf, err := p.config()
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return usage(err)
	}
	defer func() { _ = file.Close() }() // only read from
	rows, bad, err := roster.Read(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	s, err := p.openMigrated(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// With bad lines the rest is still held against the database, so that one look shows all there is to mend.
	report, worse, err := s.System().ImportRoster(ctx, rows, dryRun || len(bad) > 0)
	if err != nil {
		return err
	}
	if bad = roster.Merge(bad, worse); len(bad) > 0 {
		for _, line := range bad {
			fmt.Fprintln(p.stdout, line)
		}
		fmt.Fprintf(p.stderr, "flagpole: nothing was stored: %d lines of %s need mending\n", len(bad), path)
		return failed()
	}
	if !report.DryRun {
		if err := s.For(operator).Audit(ctx, "roster.import", "", store.ImportCounts(report)); err != nil {
			return err
		}
	}
	fmt.Fprint(p.stdout, report)
	return nil
}
