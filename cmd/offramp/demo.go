package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"offramp/cmd/offramp/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var keep, script bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Try it all on this machine, with nothing to set up", Args: exactly(),
		Long: "Run Offramp with made-up keys and a next hop of its own, send a newsletter to\n" +
			"three people, and show what each of them gets. Everything stays on loopback.\n" +
			"With --script it runs unattended and checks every step.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), keep, script)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the folder with keys and data, and print how to serve from it")
	cmd.Flags().BoolVar(&script, "script", false, "run unattended and check each step; exits 0 or reports what failed")
	return cmd
}

func (a *app) demo(ctx context.Context, keep, script bool) (err error) {
	// Until the folder with its keys is gone, no further signal ends the process:
	// where a whole process group is ended, make passes its own signal on too.
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer release()
	dir, err := os.MkdirTemp("", "offramp-demo-")
	if err != nil {
		return fmt.Errorf("demo: %s", plainPathError(err))
	}
	defer func() {
		if keep {
			a.say("\nKept %s. Set OFFRAMP_NEXT_HOP in %s/.env, then: offramp serve --env-file %s/.env", dir, dir, dir)
			return
		}
		if removeErr := os.RemoveAll(dir); removeErr != nil && (err == nil || ctx.Err() != nil) {
			err = removeErr
		}
	}()
	err = a.runDemo(ctx, dir, script)
	if errors.Is(err, demo.ErrFailed) {
		err = silent{exitFailed}
	}
	if err != nil && ctx.Err() != nil { // whatever was under way failed for that reason
		a.say("The demo was stopped.")
		err = silent{exitFailed}
	}
	return err
}

// runDemo runs the demo in dir until it is done.
func (a *app) runDemo(ctx context.Context, dir string, script bool) (err error) {
	d := &demo.Demo{Screen: a.screen(), In: a.stdin, Now: a.now}
	if n, err := strconv.Atoi(a.env["COLUMNS"]); err == nil && n > 0 {
		d.Width = n
	}
	hop, err := d.Listen()
	if err != nil {
		return err
	}
	defer func() { err = first(err, d.Close()) }()
	server, end, err := a.demoServer(ctx, dir, hop)
	if err != nil {
		return err
	}
	defer func() { err = first(err, end()) }()
	return d.Run(ctx, server, script)
}

// first is the first error of two.
func first(err, then error) error {
	if err == nil {
		return then
	}
	return err
}
