package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/store"
)

// sentResult is one thing that would be sent to the platform, as flagpole onboarding --json prints it.
type sentResult struct {
	CoachID   string            `json:"coach_id"`
	Confirmed bool              `json:"confirmed"` // somebody has agreed to what is sent about the coach's people
	Step      string            `json:"step"`      // coach, account, removal, team or assignment
	Subject   string            `json:"subject_id"`
	Fields    map[string]string `json:"fields"`
}

func (p *program) onboardingCommand() *cobra.Command {
	var coach string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "onboarding", Short: "Show what would be sent to the game platform about coaches' people; nothing is sent", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.onboarding(cmd.Context(), coach, asJSON) },
	}
	cmd.Flags().StringVar(&coach, "coach", "", "only the people of the coach with this `id`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}

func (p *program) onboarding(ctx context.Context, coach string, asJSON bool) error {
	return p.withStore(ctx, func(conf config.Config, s *store.Store) error {
		return p.showOnboarding(ctx, s.For(operator), onboardingRules(conf), coach, asJSON)
	})
}

func (p *program) showOnboarding(ctx context.Context, scope *store.Scope, rules store.OnboardingRules, coach string, asJSON bool) error {
	coaches := []string{coach}
	if coach == "" {
		list, _, err := scope.OnboardingCoaches(ctx, rules, 100_000)
		if err != nil {
			return err
		}
		coaches = nil
		for _, c := range list {
			coaches = append(coaches, c.ID)
		}
	}
	result := []sentResult{}
	for _, id := range coaches {
		preview, err := scope.OnboardingPreview(ctx, rules, id)
		if domain.CodeOf(err) == domain.NoSuch {
			return usage(err)
		}
		if err != nil {
			return err
		}
		if !asJSON {
			p.printPreview(preview)
		}
		result = append(result, sentOf(preview)...)
	}
	if err := scope.Audit(ctx, "onboarding.preview", "", "command"); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(result)
	}
	state := "Onboarding is switched on."
	if !rules.Enabled {
		state = "Onboarding is switched off: GAME_PLATFORM_ONBOARDING_ENABLED=true switches it on."
	}
	fmt.Fprintf(p.stdout, "%d things would be sent. Nothing was sent. %s\n", len(result), state)
	return nil
}

func sentOf(preview store.OnboardingPreview) []sentResult {
	var list []sentResult
	for _, s := range preview.Sent {
		one := sentResult{preview.Coach.ID, !preview.ConfirmedAt.IsZero(), string(s.Step), s.SubjectID, map[string]string{}}
		for _, f := range s.Fields {
			one.Fields[f.Name] = f.Value
		}
		list = append(list, one)
	}
	return list
}

func (p *program) printPreview(preview store.OnboardingPreview) {
	if len(preview.Sent) == 0 {
		return
	}
	agreed := "nobody has agreed yet"
	if !preview.ConfirmedAt.IsZero() {
		agreed = "agreed to by " + preview.ConfirmedBy
	}
	fmt.Fprintf(p.stdout, "%s (%s), %s:\n", preview.Coach.Name, preview.Coach.ID, agreed)
	for _, s := range preview.Sent {
		fields := make([]string, len(s.Fields))
		for i, f := range s.Fields {
			fields[i] = fmt.Sprintf("%s=%q", f.Name, f.Value)
		}
		fmt.Fprintf(p.stdout, "  %-10s %s\n", s.Step, strings.Join(fields, " "))
	}
}
