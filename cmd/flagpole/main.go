// Command flagpole is the portal of a cyber-competition programme: it serves the pages, keeps the results in step with
// the game platform, and holds the tools of those who run it. This package wires the others together; nobody imports
// it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitFailed = 1 // the work could not be done, or a part of it failed
	exitUsage  = 2 // the command line or the configuration is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitStatus(err, os.Stderr))
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := newRoot(&program{getenv: withDotEnv(getenv), stdin: stdin, stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// statusError ends the program with a status of its own; without a cause nothing more is printed.
type statusError struct {
	status int
	cause  error
}

func (e *statusError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *statusError) Unwrap() error { return e.cause }

// usage marks an error of the command line or the configuration.
func usage(err error) error { return &statusError{exitUsage, err} }

// failed ends the program with status 1 after everything has been said.
func failed() error { return &statusError{status: exitFailed} }

// exitStatus prints what is left to say and gives the status to exit with.
func exitStatus(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	status := exitFailed
	var own *statusError
	if errors.As(err, &own) {
		status = own.status
		if own.cause == nil {
			return status
		}
	}
	_, _ = fmt.Fprintln(stderr, "flagpole:", err) // there is nowhere else to tell it
	return status
}
