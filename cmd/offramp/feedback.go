package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/diagnosis"
	"offramp/gateway/mime"
)

// feedbackDir holds mail that came back and was not understood.
func (s *settings) feedbackDir() string { return filepath.Join(s.DataDir, "feedback") }

// importDir holds files of suppressions until they are imported.
func (s *settings) importDir() string { return filepath.Join(s.DataDir, "imports") }

func (a *app) feedbackCommand() *cobra.Command {
	return group("feedback", "See how returned mail is classified", a.feedbackTestCommand())
}

func (a *app) feedbackTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test FILE|-...", Short: "Show how a bounce, complaint or reply would be classified, and why; records nothing",
		Example: "  offramp feedback test bounce.eml\n  offramp feedback test data/feedback/*.eml --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault("%s: FILE is missing: see `%s --help`", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				raw, err := a.readMessage(name)
				if err != nil {
					return err
				}
				if err := a.printDiagnosis(name, raw, len(args) > 1); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// diagnosed is one line of JSON: what a file says about one recipient.
type diagnosed struct {
	File string `json:"file"`
	diagnosis.Finding
}

// readMessage reads as much of a file as would be looked at.
func (a *app) readMessage(name string) ([]byte, error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault("feedback test: %s", plainPathError(err))
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, diagnosis.MaxSize))
	if err != nil {
		return nil, fault("feedback test: %s", plainPathError(err))
	}
	return raw, nil
}

// printDiagnosis writes what a message is: one object for each recipient, or a
// table for people.
func (a *app) printDiagnosis(name string, raw []byte, several bool) error {
	// What delivered it to the file wrote the envelope down, if anybody did.
	null := strings.TrimSpace(mime.ParseHeader(raw).Get("Return-Path")) == "<>"
	for _, f := range diagnosis.Read(raw, null).Findings {
		if a.asJSON {
			if err := a.printLine(diagnosed{name, f}); err != nil {
				return err
			}
			continue
		}
		var rows [][]string
		add := func(what, value string) {
			if value != "" {
				rows = append(rows, []string{what, printable(value)})
			}
		}
		if several {
			add("file", name)
		}
		add("kind", string(f.Kind))
		add("class", string(f.Class))
		add("why", f.Why)
		add("recipient", f.Recipient)
		add("status", f.Status)
		add("reply", f.Reply)
		add("cause", string(f.Cause))
		add("type", f.FeedbackType)
		add("system", f.System)
		add("said", f.Diagnostic)
		if err := a.printTable(rows); err != nil {
			return err
		}
		a.print("")
	}
	return nil
}
