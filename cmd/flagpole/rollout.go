package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/rollout"
	"flagpole/store"
)

// byCommandLine stands in the history for whoever types the command.
const byCommandLine = "command line"

// rolloutStanding is what show --json prints. Lists are never null.
type rolloutStanding struct {
	Enabled  bool           `json:"enabled"` // the kill switch is off
	Percent  int            `json:"percent"`
	Pilots   []string       `json:"pilots"`
	HeldBack []string       `json:"held_back"`
	Enrolled []string       `json:"enrolled"`
	Eligible int            `json:"eligible"`
	Phase    string         `json:"phase"`  // the one that is on: "off", "pilot", or its percentage, as "10 %"
	Frozen   bool           `json:"frozen"` // the guard has acted, and nobody has decided since
	Gates    []gateStanding `json:"gates"`
}

// gateStanding is a gate of going on, in the unit of its value: a share from 0 to 1, hours, or a count.
type gateStanding struct {
	Name      string   `json:"name"`
	Verdict   string   `json:"verdict"` // pass, hold, fail or unknown
	Value     *float64 `json:"value"`   // null: there is none
	N         int      `json:"n"`       // observations
	Threshold float64  `json:"threshold"`
	Sentence  string   `json:"sentence"`
	Needed    bool     `json:"needed"`          // by the next phase
	Over      string   `json:"over"`            // what was counted
	Since     string   `json:"since,omitempty"` // of the verdict, RFC 3339; not there: not known
}

// rolloutMoved is what a change prints.
type rolloutMoved struct {
	Gained []string `json:"gained"`
	Lost   []string `json:"lost"`
}

func (p *program) rolloutCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "rollout", Short: "Say who has the game platform, and change it",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usage(errors.New("say one of show, phase NAME, set PERCENT, pilot add|remove COACH, off, on, restore N"))
		},
	}
	group.AddCommand(p.rolloutShowCommand(), p.rolloutPhaseCommand(), p.rolloutSetCommand(), p.rolloutPilotCommand(), p.rolloutRestoreCommand(),
		p.rolloutSwitchCommand("off", "Stop all calls of the platform; who has it keeps it", store.Kill),
		p.rolloutSwitchCommand("on", "Let syncs go on after off", store.Unkill))
	return group
}

func (p *program) rolloutShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: "Say where the rollout stands", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withRollout(cmd.Context(), func(r *store.Rollout) error {
				st, err := r.State(cmd.Context())
				if err != nil {
					return err
				}
				gates, err := r.Gates(cmd.Context())
				if err != nil {
					return err
				}
				return p.printRollout(st, gates, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (p *program) printRollout(st store.RolloutState, gates store.Gates, asJSON bool) error {
	phase := st.Phases[st.Phase()].Name()
	if asJSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(rolloutStanding{
			Enabled: !st.KillSwitch, Percent: st.Percent, Pilots: st.Pilots(), HeldBack: st.HeldBack(), Enrolled: st.Enrolled(), Eligible: st.Eligible,
			Phase: phase, Frozen: !st.FrozenAt.IsZero(), Gates: gateStandings(gates),
		})
	}
	level, kill := fmt.Sprintf("%d %%", st.Percent), ""
	if st.Off {
		level = "off"
	}
	if st.KillSwitch {
		kill = " The kill switch is on: nothing is synced."
	}
	if !st.FrozenAt.IsZero() {
		kill += " The guard has stopped the rollout. " + st.FrozenBy
	}
	_, err := fmt.Fprintf(p.stdout, "%s: %d of %d coaches have the game platform.%s\nphase: %s\npilots: %s\nheld back: %s\nenrolled: %s\ngates for %s:\n", level, len(st.Enrolled()), st.Eligible, kill,
		phase, orNone(st.Pilots()), orNone(st.HeldBack()), orNone(st.Enrolled()), st.Phases[gates.Phase].Name())
	for _, g := range gates.Results {
		verdict := string(g.Verdict)
		if !g.Needed {
			verdict = "not needed"
		}
		if err == nil {
			_, err = fmt.Fprintf(p.stdout, "  %-16s %-10s %s\n", g.Gate, verdict, g.Sentence)
		}
	}
	return err
}

func gateStandings(gates store.Gates) (list []gateStanding) {
	for _, g := range gates.Results {
		row := gateStanding{Name: string(g.Gate), Verdict: string(g.Verdict), N: g.N, Threshold: g.Threshold, Sentence: g.Sentence, Needed: g.Needed, Over: g.Over}
		if !g.Since.IsZero() {
			row.Since = g.Since.UTC().Format(time.RFC3339)
		}
		if g.Known {
			row.Value = &g.Value
		}
		list = append(list, row)
	}
	return list
}

func (p *program) rolloutPhaseCommand() *cobra.Command {
	c := store.RolloutChange{Action: store.EnterPhase}
	cmd := &cobra.Command{
		Use: "phase NAME", Short: "Enter a phase (off, pilot, or a percentage), where its gates pass; the one that is on begins anew", Args: oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Phase = args[0]
			if c.OverrideFor < 0 || c.OverrideFor > 0 && !c.Override {
				return usage(errors.New("--override-for takes a time as 48h, and goes with --override"))
			}
			return p.changeRollout(cmd.Context(), c, false)
		},
	}
	reasonFlag(cmd, &c, "why; it stands in the history")
	cmd.Flags().BoolVar(&c.Override, "override", false, "enter it also where gates do not pass; the override is marked")
	cmd.Flags().DurationVar(&c.OverrideFor, "override-for", 0, "how long an override is marked (default 48h)")
	cmd.Flags().BoolVar(&c.Keep, "keep", false, "going back, who has it keeps it")
	return cmd
}

func orNone(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}

func (p *program) rolloutSetCommand() *cobra.Command {
	c := store.RolloutChange{Action: store.SetLevel, Override: true}
	var dryRun bool
	cmd := &cobra.Command{
		Use: "set PERCENT", Short: "Give the game platform to a share of the coaches, whatever gates say; off takes it from pilots too", Args: oneArg("PERCENT"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if c.Level, err = rollout.ParseLevel(args[0]); err != nil {
				return usage(err)
			}
			if c.Keep && c.Level.Off {
				return usage(errors.New("--keep does not go with off: nobody has it then"))
			}
			return p.changeRollout(cmd.Context(), c, dryRun)
		},
	}
	reasonFlag(cmd, &c, "why; it stands in the history")
	cmd.Flags().BoolVar(&c.Keep, "keep", false, "going down, who has it keeps it")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say who would gain and lose it, and store nothing")
	return cmd
}

func (p *program) rolloutPilotCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "pilot", Short: "Make a coach a pilot, or end it",
		Args: noArgs, RunE: func(*cobra.Command, []string) error { return usage(errors.New("say add COACH or remove COACH")) },
	}
	for _, one := range []struct {
		name, short string
		action      store.ChangeAction
	}{{"add", "Make the coach with this id a pilot", store.AddPilot}, {"remove", "End the pilot of the coach with this id", store.RemovePilot}} {
		c := store.RolloutChange{Action: one.action}
		cmd := &cobra.Command{
			Use: one.name + " COACH", Short: one.short, Args: oneArg("COACH"),
			RunE: func(cmd *cobra.Command, args []string) error {
				c.CoachID = args[0]
				return p.changeRollout(cmd.Context(), c, false)
			},
		}
		reasonFlag(cmd, &c, "why, if you like; it stands in the history")
		group.AddCommand(cmd)
	}
	return group
}

func (p *program) rolloutSwitchCommand(name, short string, action store.ChangeAction) *cobra.Command {
	c := store.RolloutChange{Action: action}
	cmd := &cobra.Command{
		Use: name, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.changeRollout(cmd.Context(), c, false) },
	}
	reasonFlag(cmd, &c, "why; it stands in the history")
	return cmd
}

func (p *program) rolloutRestoreCommand() *cobra.Command {
	c := store.RolloutChange{Action: store.Restore}
	cmd := &cobra.Command{
		Use: "restore N", Short: "Go back to who had it after change N", Args: oneArg("N"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if c.Earlier, err = strconv.ParseInt(args[0], 10, 64); err != nil {
				return usage(fmt.Errorf("%q is not the number of a change; the rollout's page lists them", args[0]))
			}
			return p.changeRollout(cmd.Context(), c, false)
		},
	}
	reasonFlag(cmd, &c, "why; it stands in the history")
	return cmd
}

func reasonFlag(cmd *cobra.Command, c *store.RolloutChange, help string) {
	cmd.Flags().StringVar(&c.Reason, "reason", "", help)
}

// changeRollout makes a change, whatever was changed last, and prints who gained and lost it.
func (p *program) changeRollout(ctx context.Context, c store.RolloutChange, dryRun bool) error {
	c.Seen = -1
	return p.withRollout(ctx, func(r *store.Rollout) error {
		act := r.Apply
		if dryRun {
			act = r.Preview
		}
		o, err := act(ctx, c)
		if err != nil {
			return plainly(err)
		}
		if n := len(o.Overridden); n > 0 {
			fmt.Fprintf(p.stderr, "This overrides %s; the rollout's page shows it.\n", domain.Plural(n, "gate", "gates"))
		}
		return json.NewEncoder(p.stdout).Encode(rolloutMoved{coachIDs(o.Gained), coachIDs(o.Lost)})
	})
}

// plainly keeps what people are to know of an error; one in what was typed ends with the status of wrong usage.
func plainly(err error) error {
	var known *domain.Error
	if !errors.As(err, &known) {
		return err
	}
	if known.Code == domain.Invalid || known.Code == domain.NoSuch {
		return usage(known)
	}
	return known
}

func coachIDs(list []store.RolloutCoach) []string {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	return ids
}

// withRollout opens the database for one command.
func (p *program) withRollout(ctx context.Context, do func(*store.Rollout) error) error {
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error { return do(s.System().Rollout(byCommandLine)) })
}
