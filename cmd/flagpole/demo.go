package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/metactf/simulator"
	"flagpole/internal/roster"
	"flagpole/store"
)

func (p *program) demoCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use: "demo", Short: "Show everything on this machine: simulated platform, synthetic season, one login per role", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context(), addr) },
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen on; a free port is taken where this one is not")
	return cmd
}

// demo runs the portal on a database in a temporary folder, which goes with it.
func (p *program) demo(ctx context.Context, addr string) (err error) {
	folder, err := os.MkdirTemp("", "flagpole-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	listener, err := listenNear(addr)
	if err != nil {
		return usage(err)
	}
	clock := newDemoClock(demoSince)
	season, err := startSeason(ctx, clock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, season.server.Close()) }()
	conf, err := demoConfig(folder, listener, season.url)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, conf.DatabaseURL, clock.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	logins, err := p.fill(ctx, s, season.sim, conf, clock)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	p.welcome(conf, logins)
	return serve(ctx, listener, s, conf, p.logger(slog.LevelError))
}

// season is the simulated platform while it is served.
type season struct {
	sim    *simulator.Simulator
	server *http.Server
	url    string
}

func startSeason(ctx context.Context, clock *demoClock) (*season, error) {
	sim, err := simulator.New(simulator.Options{Seed: 1, Token: "demo-token", Start: time.Now(), LiveEvery: 5 * time.Second, Clock: clock.Now})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	go func() { _ = server.Serve(listener) }() // ends with the server's Close
	return &season{sim, server, baseURL(listener)}, nil
}

// listenNear listens on addr, or on a free port of the same host where that one is taken.
func listenNear(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return nil, splitErr
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// demoConfig ignores the environment: the demo is the same everywhere. It syncs more often than the real portal, so that
// there is something to see.
func demoConfig(folder string, l net.Listener, platform string) (config.Config, error) {
	return config.Load(func(name string) string {
		return map[string]string{
			"FLAGPOLE_ADDR":                     l.Addr().String(),
			"DATABASE_URL":                      "sqlite:" + filepath.Join(folder, "flagpole.db"),
			"GAME_PLATFORM_API_BASE_URL":        platform,
			"GAME_PLATFORM_API_TOKEN":           "demo-token",
			"GAME_PLATFORM_INTEGRATION_ENABLED": "true",
			"GAME_PLATFORM_RATE_LIMIT":          "500",
			"GAME_PLATFORM_ONBOARDING_ENABLED":  "true",
			"GAME_PLATFORM_SYNC_INTERVAL":       "1m",
			"GAME_PLATFORM_SYNC_INTERVAL_MAX":   "10m",
		}[name]
	})
}

// login is one of the demo's users.
type login struct {
	role            domain.Role
	email, password string
}

// fill brings the roster in, lives through the rollout up to now, adds a user for each role, and pulls what is new.
func (p *program) fill(ctx context.Context, s *store.Store, sim *simulator.Simulator, conf config.Config, clock *demoClock) ([]login, error) {
	if _, err := s.MigrateUp(ctx); err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if err := sim.WriteRoster(&file); err != nil {
		return nil, err
	}
	rows, bad, err := roster.Read(&file)
	if err != nil {
		return nil, err
	}
	_, worse, err := s.System().ImportRoster(ctx, rows, false)
	if err != nil {
		return nil, err
	}
	if bad = roster.Merge(bad, worse); len(bad) > 0 {
		return nil, fmt.Errorf("the demo's roster has %d bad lines, the first is %s", len(bad), bad[0])
	}
	fmt.Fprintln(p.stdout, "Living through the first days of a rollout with a simulated platform ...")
	past, err := newDemoPast(s, conf, clock)
	if err != nil {
		return nil, err
	}
	if err := past.rollOut(ctx, rows); err != nil {
		return nil, err
	}
	if err := demoOnboarding(ctx, s.For(operator)); err != nil {
		return nil, err
	}
	st, err := s.System().Rollout("demo").State(ctx)
	if err != nil {
		return nil, err
	}
	enrolled := map[string]bool{}
	for _, c := range st.Coaches {
		enrolled[c.ID] = c.Enrolled
	}
	logins := []login{
		{domain.RoleCoach, demoCoach(rows, func(id string) bool { return enrolled[id] }), ""},
		{domain.RoleAdmin, "admin@flagpole.example", ""}, {domain.RoleProduct, "product@flagpole.example", ""},
	}
	for i := range logins {
		logins[i].password = strings.ToLower(rand.Text()[:12])
		if err := addUser(ctx, s, logins[i].email, logins[i].role, logins[i].password); err != nil {
			return nil, err
		}
	}
	return logins, p.lastSync(ctx, past)
}

// demoOnboarding completes the profiles of some competitors who have no account yet, so that there is somebody to bring onto the platform.
func demoOnboarding(ctx context.Context, s *store.Scope) error {
	var ready []string
	err := s.EachCompetitor(ctx, store.CompetitorQuery{State: string(domain.StateAccount)}, func(r store.CompetitorRow) error {
		if len(ready) < 12 {
			ready = append(ready, r.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ready {
		old, err := s.RosterCompetitor(ctx, id)
		if err != nil {
			return err
		}
		complete := old
		complete.Status = domain.ProfileComplete
		if err := s.UpdateCompetitor(ctx, old, complete); err != nil {
			return err
		}
	}
	return nil
}

// demoCoach is, of the coaches for whom has holds, the one whose roster is nearest to the size of 30: enough to see something of
// everything.
func demoCoach(rows []roster.Row, has func(coachID string) bool) string {
	size := map[string]int{}
	best, distance := "", 1<<30
	for _, r := range rows {
		size[r.CoachEmail]++
	}
	for _, r := range rows { // in the order of the file, so that it is the same one every time
		if d := max(size[r.CoachEmail]-30, 30-size[r.CoachEmail]); d < distance && has(r.CoachID) {
			best, distance = r.CoachEmail, d
		}
	}
	return best
}

func (p *program) lastSync(ctx context.Context, past *demoPast) error {
	report, err := past.syncer.Do(ctx, store.RunRequest{By: "command"})
	if err != nil {
		return err
	}
	n := report.Counts
	fmt.Fprintf(p.stdout, "%d competitors synced: %d with new results, %d without, %d blocked, %d failed.\n", n.Attempted, n.Changed, n.Unchanged, n.Blocked, n.Failed)
	return nil
}

func (p *program) welcome(conf config.Config, logins []login) {
	fmt.Fprintf(p.stdout, "\nThe portal is at %s\n\n", conf.PublicURL)
	width := 0
	for _, l := range logins {
		width = max(width, len(l.email))
	}
	for _, l := range logins {
		fmt.Fprintf(p.stdout, "  %-8s %-*s  %s\n", l.role, width, l.email, l.password)
	}
	fmt.Fprint(p.stdout, "\nNew solves keep arriving. Everything is invented and goes when you stop it with Ctrl-C.\n")
}
