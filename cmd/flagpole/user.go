package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"

	"github.com/spf13/cobra"

	"flagpole/internal/auth"
	"flagpole/internal/domain"
	"flagpole/store"
)

func (p *program) userCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "user", Short: "Manage who may sign in",
		Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error { return usage(errors.New("say: add")) },
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
	group.AddCommand(add)
	return group
}

func (p *program) addUser(ctx context.Context, email string, role domain.Role) (err error) {
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
	conf, err := p.config()
	if err != nil {
		return err
	}
	s, err := p.openMigrated(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := addUser(ctx, s, email, role, password); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "added %s as %s\n", email, role)
	return nil
}

func addUser(ctx context.Context, s *store.Store, email string, role domain.Role, password string) error {
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	_, err = s.Accounts().AddUser(ctx, email, role, hash)
	var known *domain.Error
	if errors.As(err, &known) {
		return known // what the store adds says nothing more to people
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
