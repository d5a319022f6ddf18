package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/joho/godotenv"
	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf"
	"flagpole/internal/syncer"
	"flagpole/store"
)

// program is what every command has at hand.
type program struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// withDotEnv adds the variables of the file .env in the working folder, where there is one; the environment comes first.
func withDotEnv(getenv func(string) string) func(string) string {
	file, err := godotenv.Read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		file = map[string]string{dotEnvFault: "the file .env cannot be read: check its form and its rights"}
	}
	return func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return file[name]
	}
}

// dotEnvFault is where a broken .env is noted, so that only commands that need the configuration fail.
const dotEnvFault = ".env"

func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use: "flagpole", Short: "The portal of a cyber-competition programme",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              noArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(p.onboardingCommand(), p.demoCommand(), p.serveCommand(), p.simulatorCommand(), p.migrateCommand(), p.importCommand(),
		p.syncCommand(), p.failuresCommand(), p.retryCommand(), p.clearCommand(), p.alertsCommand(), p.checkCommand(), p.backupCommand(), p.restoreCommand(), p.cleanCommand(), p.userCommand(), p.rolloutCommand())
	return root
}

// noArgs refuses arguments with the status of a wrong command line.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("unknown argument %q; see %s --help", args[0], cmd.CommandPath()))
	}
	return nil
}

// oneArg wants exactly one argument.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(fmt.Errorf("%s needs exactly one %s; see %s --help", cmd.CommandPath(), name, cmd.CommandPath()))
		}
		return nil
	}
}

// config reads the configuration; a fault ends the program with the status of wrong usage.
func (p *program) config() (config.Config, error) {
	if fault := p.getenv(dotEnvFault); fault != "" {
		return config.Config{}, usage(errors.New(fault))
	}
	c, err := config.Load(p.getenv)
	if err != nil {
		return c, usage(fmt.Errorf("the configuration has faults:\n%w", err))
	}
	return c, nil
}

// open opens the database, whatever state it is in.
func (p *program) open(ctx context.Context, c config.Config) (*store.Store, error) {
	s, err := store.Open(ctx, c.DatabaseURL, time.Now)
	if err != nil {
		return nil, usage(err)
	}
	return s, nil
}

// openMigrated opens the database and refuses one with pending migrations.
func (p *program) openMigrated(ctx context.Context, c config.Config) (*store.Store, error) {
	s, err := p.open(ctx, c)
	if err != nil {
		return nil, err
	}
	pending, err := s.Pending(ctx)
	if err == nil && pending > 0 {
		err = usage(fmt.Errorf("the database is not up to date (%d migrations are pending); run: flagpole migrate up", pending))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// withStore runs one command with the configuration and the database, and closes that afterwards.
func (p *program) withStore(ctx context.Context, do func(config.Config, *store.Store) error) (err error) {
	conf, err := p.config()
	if err != nil {
		return err
	}
	s, err := p.openMigrated(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(conf, s)
}

// newClient makes the platform's client of the configuration. No write call can leave it in a dry run, nor where there is no log of what
// it sends.
func newClient(c config.Config, sends metactf.DisclosureLog, dryRun bool, o observer) (*metactf.Client, error) {
	client, err := metactf.New(metactf.Config{
		BaseURL: c.APIBaseURL, Tokens: tokens(c), RateLimit: c.RateLimit, RetryLimit: c.RetryLimit, Timeout: c.CallTimeout, DryRun: dryRun,
		Log: sends, Observe: o.call,
	}, o.log)
	if err != nil {
		return nil, usage(err)
	}
	return client, nil
}

// tokens are the platform's tokens in the order in which they are tried, each named by where it stands.
func tokens(c config.Config) (list []metactf.Token) {
	if c.APITokenFile != "" {
		list = append(list, metactf.Token{Name: "GAME_PLATFORM_API_TOKEN_FILE", File: c.APITokenFile})
	} else {
		list = append(list, metactf.Token{Name: "GAME_PLATFORM_API_TOKEN", Value: c.APIToken})
	}
	if c.APINext != "" {
		list = append(list, metactf.Token{Name: "GAME_PLATFORM_API_TOKEN_NEXT", Value: c.APINext})
	}
	return list
}

// newSyncer makes the syncer of the configuration.
func newSyncer(s *store.Store, client *metactf.Client, c config.Config, clock domain.Clock, o observer) *syncer.Syncer {
	set := syncer.Settings{
		Concurrency: c.Concurrency, RateLimit: c.RateLimit, Overlap: c.Overlap,
		Every: c.SyncEvery, AtMost: c.SyncAtLeast, Zone: c.Zone,
	}
	if o.metrics != nil {
		set.Synced = o.metrics.Synced
		set.JobDone = func(took time.Duration, timedOut bool) { o.metrics.Job("sync", took, timedOut) }
	}
	return syncer.New(s.System(), client, set, clock, o.log)
}

// onboardingRules are the settings of onboarding.
func onboardingRules(c config.Config) store.OnboardingRules {
	return store.OnboardingRules{Enabled: c.Onboarding, Earliest: domain.ProfileStatus(c.OnboardingFrom), Removals: c.OnboardingRemovals}
}

// logger writes JSON lines.
func (p *program) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}
