package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/internal/operation"
	"flagpole/store"
	"flagpole/views"
)

// operator is who works on the command line: everything, and noted in the audit log as a command.
var operator = domain.Viewer{UserID: "command", Role: domain.RoleAdmin}

// causeResult is a cause as flagpole failures --json prints it; first and last seen are RFC 3339, UTC.
type causeResult struct {
	Fingerprint string    `json:"fingerprint"`
	Kind        string    `json:"kind"`
	Class       string    `json:"class"`
	Message     string    `json:"message"`
	Hint        string    `json:"hint"`
	Competitors int       `json:"competitors"`
	Coaches     int       `json:"coaches"`
	FirstSeen   time.Time `json:"first_seen"`
	LastSeen    time.Time `json:"last_seen"`
}

// failuresResult is what flagpole failures --json prints. Open is the sum of the causes' competitors.
type failuresResult struct {
	Causes []causeResult `json:"causes"`
	Open   int           `json:"open"`
}

func (p *program) failuresCommand() *cobra.Command {
	var class, coach string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "failures", Short: "List what is wrong with syncs, by cause", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.failures(cmd.Context(), class, coach, asJSON) },
	}
	f := cmd.Flags()
	f.StringVar(&class, "class", "", "only the `class` of failures, as docs/failures.md lists them")
	f.StringVar(&coach, "coach", "", "only the competitors of the coach with this `id`")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (p *program) failures(ctx context.Context, class, coach string, asJSON bool) error {
	if err := knownClass(class); err != nil {
		return err
	}
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error { return p.showFailures(ctx, s, class, coach, asJSON) })
}

func (p *program) showFailures(ctx context.Context, s *store.Store, class, coach string, asJSON bool) error {
	if err := s.System().CheckSelection(ctx, store.Selection{CoachID: coach}); domain.CodeOf(err) == domain.NoSuch {
		return usage(err)
	} else if err != nil {
		return err
	}
	board, err := s.For(operator).FailureBoard(ctx, store.FailureQuery{Class: domain.FailureClass(class), CoachID: coach, At: time.Now()})
	if err != nil {
		return err
	}
	result := failuresResult{Causes: []causeResult{}, Open: board.Matching()}
	for _, c := range board.Causes {
		advice := c.Advice()
		result.Causes = append(result.Causes, causeResult{
			Fingerprint: c.Print, Kind: string(c.Kind), Class: string(c.Class), Message: causeMessage(c.Cause), Hint: advice.Do + " " + advice.Who,
			Competitors: c.Competitors, Coaches: c.Coaches, FirstSeen: c.FirstAt, LastSeen: c.LastAt,
		})
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(result)
	}
	return p.printFailures(result)
}

// causeMessage is a cause in plain words, with the platform's.
func causeMessage(c domain.Cause) string {
	if c.Kind == domain.KindBlocked || c.Message == "" {
		return views.CauseTitle(c)
	}
	return views.CauseTitle(c) + ": " + c.Message
}

func (p *program) printFailures(r failuresResult) error {
	for _, c := range r.Causes {
		_, err := fmt.Fprintf(p.stdout, "%s  %s\n    %d competitors of %d coaches, first %s, last %s\n    %s\n", c.Fingerprint, c.Message, c.Competitors, c.Coaches,
			c.FirstSeen.Format(time.RFC3339), c.LastSeen.Format(time.RFC3339), c.Hint)
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.stdout, "%d open.\n", r.Open)
	return err
}

// knownClass is a usage error for a class that there is none of.
func knownClass(class string) error {
	if class == "" || slices.Contains(domain.FailureClasses, domain.FailureClass(class)) {
		return nil
	}
	var all []string
	for _, c := range domain.FailureClasses {
		all = append(all, string(c))
	}
	return usage(fmt.Errorf("%q is no class of failures; use one of: %s", class, strings.Join(all, ", ")))
}

// operationOptions are the flags of flagpole retry and flagpole clear.
type operationOptions struct {
	all                                    bool
	class, fingerprint, competitor, reason string
}

// operationResult is what they print. Matched = Queued + Skipped; of a clear, queued are those that were cleared.
type operationResult struct {
	OperationID int64 `json:"operation_id"`
	Matched     int   `json:"matched"`
	Queued      int   `json:"queued"`
	Skipped     int   `json:"skipped"`
}

func (p *program) retryCommand() *cobra.Command {
	return p.operationCommand(store.OpRetry, "retry", "Have failed syncs tried now, by whoever serves or syncs")
}

func (p *program) clearCommand() *cobra.Command {
	return p.operationCommand(store.OpClear, "clear", "Acknowledge failures with a reason")
}

func (p *program) operationCommand(kind store.OperationKind, use, short string) *cobra.Command {
	var o operationOptions
	cmd := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.operate(cmd.Context(), kind, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "all that are open")
	f.StringVar(&o.class, "class", "", "those of the `class`")
	f.StringVar(&o.fingerprint, "fingerprint", "", "those with the `cause` of this fingerprint")
	f.StringVar(&o.competitor, "competitor", "", "that of the competitor with this `id`")
	f.StringVar(&o.reason, "reason", "", "why, in a few `words`")
	f.Bool("json", true, "print one JSON object, as it always does")
	return cmd
}

func (p *program) operate(ctx context.Context, kind store.OperationKind, o operationOptions) error {
	chosen := 0
	for _, given := range []bool{o.all, o.class != "", o.fingerprint != "", o.competitor != ""} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return usage(errors.New("say exactly one of --all, --class C, --fingerprint F, --competitor ID"))
	}
	if err := knownClass(o.class); err != nil {
		return err
	}
	return p.withStore(ctx, func(conf config.Config, s *store.Store) error { return p.begin(ctx, conf, s, kind, o) })
}

// begin has the operation begun and all of it queued, and prints what came of it.
func (p *program) begin(ctx context.Context, conf config.Config, s *store.Store, kind store.OperationKind, o operationOptions) error {
	if err := s.System().CheckSelection(ctx, store.Selection{CompetitorID: o.competitor}); domain.CodeOf(err) == domain.NoSuch {
		return usage(err)
	} else if err != nil {
		return err
	}
	pace := time.Duration(0)
	if o.competitor == "" {
		pace = time.Duration(domain.CallsPerSync / conf.RateLimit * float64(time.Second))
	}
	begun, err := s.For(operator).BeginOperation(ctx, store.OperationRequest{
		Kind: kind, Reason: o.reason, Pace: pace,
		Filter: store.FailureQuery{Class: domain.FailureClass(o.class), Fingerprint: o.fingerprint, CompetitorID: o.competitor},
	})
	if domain.CodeOf(err) == domain.Invalid {
		return usage(err)
	}
	if err != nil {
		return err
	}
	if err := operation.Finish(ctx, s.System()); err != nil {
		return err
	}
	end, err := s.For(operator).Operation(ctx, begun.ID)
	if err != nil {
		return err
	}
	skipped := end.SkippedAll()
	return json.NewEncoder(p.stdout).Encode(operationResult{OperationID: end.ID, Matched: end.Matched, Queued: end.Matched - skipped, Skipped: skipped})
}
