package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flagpole/internal/auth"
	"flagpole/internal/config"
	"flagpole/internal/domain"
	"flagpole/store"
)

func (p *program) userCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "user", Short: "Manage who may sign in",
		Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(errors.New("say: add, list, disable, enable, reset-password or two-factor-off"))
		},
	}
	var email, role string
	var fromStdin bool
	add := &cobra.Command{
		Use: "add", Short: "Add a user; the password is the first line of the standard input", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !fromStdin {
				return usage(errors.New("give the password on the standard input and say --password-stdin"))
			}
			return p.addUser(cmd.Context(), email, domain.Role(role))
		},
	}
	add.Flags().StringVar(&email, "email", "", "email to sign in with")
	add.Flags().StringVar(&role, "role", "", "coach, admin or product")
	add.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from the standard input")
	list := &cobra.Command{
		Use: "list", Short: "List who may sign in", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.listUsers(cmd.Context()) },
	}
	group.AddCommand(add, list,
		p.userChange("disable", "Keep a user from signing in, at once", func(ctx context.Context, s *store.Scope, id string) error { return s.SetUserDisabled(ctx, id, true) }),
		p.userChange("enable", "Let a user sign in again", func(ctx context.Context, s *store.Scope, id string) error { return s.SetUserDisabled(ctx, id, false) }),
		p.userChange("reset-password", "Give a user a new password: the first line of the standard input; it ends all sessions", p.newPassword),
		p.userChange("two-factor-off", "Have the password alone be enough for a user who has lost the phone", func(ctx context.Context, s *store.Scope, id string) error { return s.DropTwoFactor(ctx, id) }))
	return group
}

// userChange is a command that does something to the user with an email.
func (p *program) userChange(name, short string, change func(context.Context, *store.Scope, string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " EMAIL", Short: short, Args: oneArg("email"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withUsers(cmd.Context(), func(ctx context.Context, s *store.Scope) error {
				id, err := s.UserIDByEmail(ctx, args[0])
				if err == nil {
					err = change(ctx, s, id)
				}
				if err != nil {
					return plainError(err)
				}
				fmt.Fprintf(p.stdout, "%s: done\n", name)
				return nil
			})
		},
	}
}

// withUsers runs do with everything on users allowed, as the command line.
func (p *program) withUsers(ctx context.Context, do func(context.Context, *store.Scope) error) error {
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error { return do(ctx, s.For(operator)) })
}

func (p *program) newPassword(ctx context.Context, s *store.Scope, id string) error {
	password, err := firstLine(p.stdin)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	return s.SetUserPassword(ctx, id, hash)
}

func (p *program) listUsers(ctx context.Context) error {
	return p.withUsers(ctx, func(ctx context.Context, s *store.Scope) error {
		return s.EachUser(ctx, func(u store.UserRow) error {
			code, last := "no code", "never"
			if u.TwoFactor {
				code = "code"
			}
			if !u.LastSignInAt.IsZero() {
				last = u.LastSignInAt.UTC().Format(time.RFC3339)
			}
			_, err := fmt.Fprintf(p.stdout, "%s\t%s\t%s\t%s\t%s\n", u.Email, u.Role, u.State, code, last)
			return err
		})
	})
}

func (p *program) addUser(ctx context.Context, email string, role domain.Role) error {
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return usage(errors.New("--email: this is not an email address"))
	}
	if !role.Valid() {
		return usage(errors.New("--role: must be coach, admin or product"))
	}
	password, err := firstLine(p.stdin)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error {
		if err := addUser(ctx, s, email, role, password); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "added %s as %s\n", email, role)
		return nil
	})
}

func addUser(ctx context.Context, s *store.Store, email string, role domain.Role, password string) error {
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	_, err = s.Accounts().AddUser(ctx, email, role, hash)
	return plainError(err)
}

// plainError leaves out what the store adds to an error that is for people: it says nothing more to them.
func plainError(err error) error {
	var known *domain.Error
	if errors.As(err, &known) {
		return known
	}
	return err
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
