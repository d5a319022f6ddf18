package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/metactf/simulator"
)

// simulatorOptions are the flags of flagpole simulator.
type simulatorOptions struct {
	simulator.Options
	addr, replay, rosterOut string
	faults                  []string
}

func (p *program) simulatorCommand() *cobra.Command {
	var o simulatorOptions
	cmd := &cobra.Command{
		Use: "simulator", Short: "Serve a fake game platform: a synthetic season, or solves replayed from a file", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.simulator(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:9090", "address to listen on")
	f.StringVar(&o.Token, "token", "simulator-token", "the bearer token it takes")
	f.Int64Var(&o.Seed, "seed", 1, "the season's seed; the same seed gives the same season")
	f.IntVar(&o.Competitors, "competitors", 480, "competitors on the roster")
	f.DurationVar(&o.LiveEvery, "live-every", time.Minute, "a new solve somewhere this often; 0 for none")
	f.DurationVar(&o.Latency, "latency", 0, "wait before every answer")
	f.StringArrayVar(&o.faults, "fault", nil, "a `rule` of what goes wrong, like server_error:0.05 or hang@/users:0.01; may be given several times")
	f.StringVar(&o.replay, "replay", "", "serve the solves of this CSV `file` (player, event, challenge, category, points, solved_at)")
	f.StringVar(&o.rosterOut, "roster-out", "", "write the roster to this `file`, for flagpole import")
	return cmd
}

func (p *program) simulator(ctx context.Context, o simulatorOptions) error {
	sim, err := newSimulator(o)
	if err != nil {
		return usage(err)
	}
	if o.rosterOut != "" {
		if err := writeRoster(sim, o.rosterOut); err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, "roster written to", o.rosterOut)
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return usage(fmt.Errorf("listen on --addr: %w", err))
	}
	fmt.Fprintf(p.stdout, "simulated platform:\n  GAME_PLATFORM_API_BASE_URL=%s\n  GAME_PLATFORM_API_TOKEN=%s\n", baseURL(listener), o.Token)
	return listen(ctx, listener, sim, slog.New(slog.DiscardHandler))
}

func newSimulator(o simulatorOptions) (sim *simulator.Simulator, err error) {
	faults := simulator.Faults{Seed: o.Seed}
	for _, text := range o.faults {
		rule, err := simulator.ParseFault(text)
		if err != nil {
			return nil, fmt.Errorf("--fault %s: %w", text, err)
		}
		faults.Rules = append(faults.Rules, rule)
	}
	if sim, err = platform(o); err != nil {
		return nil, err
	}
	return sim, sim.SetFaults(faults)
}

func platform(o simulatorOptions) (*simulator.Simulator, error) {
	if o.replay == "" {
		return simulator.New(o.Options)
	}
	file, err := os.Open(o.replay)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read from
	return simulator.Replay(file, o.Options)
}

func writeRoster(sim *simulator.Simulator, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	return errors.Join(sim.WriteRoster(file), file.Close())
}

func baseURL(l net.Listener) string { return "http://" + l.Addr().String() + simulator.BaseURLPath }
