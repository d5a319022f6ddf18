package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/connection"
)

// mostSkew is how far the platform's clock may be from ours before it is a finding.
const mostSkew = time.Minute

func (p *program) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, database, migrations, API token and clock", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := p.config()
			if err != nil {
				return err
			}
			c := &checklist{p: p}
			c.say(true, "configuration", "no fault found")
			p.checkDatabase(cmd.Context(), conf, c)
			p.checkPlatform(cmd.Context(), conf, c)
			if c.bad > 0 {
				return failed()
			}
			return nil
		},
	}
}

// checklist prints one line a check and counts what is not in order.
type checklist struct {
	p   *program
	bad int
}

func (c *checklist) say(ok bool, what, text string) {
	mark := "ok  "
	if !ok {
		mark = "FAIL"
		c.bad++
	}
	fmt.Fprintf(c.p.stdout, "%s  %-14s %s\n", mark, what, text)
}

func (p *program) checkDatabase(ctx context.Context, conf config.Config, c *checklist) {
	s, err := p.open(ctx, conf)
	if err != nil {
		c.say(false, "database", err.Error())
		return
	}
	defer func() { _ = s.Close() }() // nothing was written
	c.say(true, "database", s.Kind()+" answers")
	pending, err := s.Pending(ctx)
	switch {
	case err != nil:
		c.say(false, "migrations", err.Error())
	case pending > 0:
		c.say(false, "migrations", fmt.Sprintf("%d pending; run: flagpole migrate up", pending))
	default:
		c.say(true, "migrations", "all applied")
	}
}

// checkPlatform calls the platform even while syncs are switched off: that is when one wants to know.
func (p *program) checkPlatform(ctx context.Context, conf config.Config, c *checklist) {
	if conf.APIToken == "" && conf.APITokenFile == "" {
		c.say(false, "token", "neither GAME_PLATFORM_API_TOKEN nor GAME_PLATFORM_API_TOKEN_FILE is set")
		return
	}
	client, err := newClient(conf, nil, false, observer{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.say(false, "platform", err.Error())
		return
	}
	test := connection.Test(ctx, client, time.Now)
	if test.Reachable != "" {
		c.say(false, "platform", test.Reachable)
	} else {
		c.say(true, "platform", fmt.Sprintf("answers in %d ms", test.Answer.Milliseconds()))
		c.clock(test.Skew)
	}
	if test.Token != "" {
		c.say(false, "token", test.Token)
		return
	}
	use := client.State().Token
	c.say(true, "token", fmt.Sprintf("accepted: the one of %s (fingerprint %s)", use.Name, use.Fingerprint))
}

// clock says how far the platform's clock is from ours; nil: it does not say.
func (c *checklist) clock(ahead *time.Duration) {
	if ahead == nil {
		c.say(true, "clock", "the platform does not say its time")
		return
	}
	skew := ahead.Abs()
	text := fmt.Sprintf("differs from the platform's by %s", skew)
	if skew > mostSkew {
		text += "; set this machine's clock"
	}
	c.say(skew <= mostSkew, "clock", text)
}
