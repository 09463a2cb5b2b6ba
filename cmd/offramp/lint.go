package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"offramp/cmd/offramp/internal/terminal"
	"offramp/listunsub"
)

// lintLimit is how much of a message lint reads: more than any header.
const lintLimit = 64 << 20

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lint FILE|-", Short: "Check a message's unsubscribe headers against the RFCs; exits 1 on an error", Args: exactly("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			in := a.stdin
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fault("lint: %s", plainPathError(err))
				}
				defer f.Close()
				in = f
			}
			raw, err := io.ReadAll(io.LimitReader(in, lintLimit))
			if err != nil {
				return err
			}
			return a.printFindings(listunsub.Lint(raw))
		},
	}
}

// printFindings writes one finding a line and fails on an error.
func (a *app) printFindings(all []listunsub.Finding) error {
	failed := false
	for _, f := range all {
		failed = failed || f.Severity == listunsub.Error
		if a.asJSON {
			if err := a.printLine(f); err != nil {
				return err
			}
			continue
		}
		colour := terminal.Yellow
		if f.Severity == listunsub.Error {
			colour = terminal.Red
		}
		at := ""
		if f.Line > 0 {
			at = fmt.Sprintf("line %d: ", f.Line)
		}
		a.print("%s: %s%s [%s, %s]", a.paint(string(f.Severity), colour), at, printable(f.Text), f.Rule, f.Section)
	}
	if failed {
		return silent{exitFailed}
	}
	if len(all) == 0 {
		a.say("No problems found.")
	}
	return nil
}
