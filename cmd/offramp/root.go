package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// commands builds the command tree.
func (a *app) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "offramp",
		Short: "An SMTP relay that adds a working unsubscribe to every bulk message",
		Long: "Offramp is an SMTP relay that adds a working unsubscribe to every bulk message:\n" +
			"one-click headers with each recipient's own token, under your DKIM signature. It\nstops mail to people who unsubscribed.\n\n" +
			"Settings come from the environment or --env-file; `offramp config` lists them.\n" +
			"Start with `offramp demo`, then `offramp init DOMAIN`.",
		SilenceErrors: true, SilenceUsage: true,
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version: readBuild().String(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault("%v: see `%s --help`", err, cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = false
	flags := root.PersistentFlags()
	flags.BoolVar(&a.asJSON, "json", false, "write data as JSON")
	flags.StringVar(&a.envFile, "env-file", "", "read settings from a file of NAME=value lines")
	root.AddGroup(
		&cobra.Group{ID: "start", Title: "Getting started:"},
		&cobra.Group{ID: "operation", Title: "Operation:"},
		&cobra.Group{ID: "audit", Title: "Audit:"},
		&cobra.Group{ID: "tools", Title: "Tools:"},
	)
	for _, g := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{"start", []*cobra.Command{a.demoCommand(), a.initCommand(), a.dnsCommand(), a.checkCommand(), a.sendTestCommand()}},
		{"operation", []*cobra.Command{
			a.serveCommand(), a.healthCommand(), a.backupCommand(), a.restoreCommand(), a.repairCommand(), a.configCommand(),
			a.queueCommand(), a.listsCommand(), a.suppressCommand(), a.recipientCommand(), a.webhookCommand(), a.apikeyCommand(), a.clockCommand(),
		}},
		{"audit", []*cobra.Command{a.messagesCommand(), a.eventsCommand(), a.receiptCommand(), a.reportCommand()}},
		{"tools", []*cobra.Command{a.lintCommand(), a.classifyCommand(), a.feedbackCommand(), a.keygenCommand(), a.tokenCommand(), a.manCommand(), a.versionCommand()}},
	} {
		for _, command := range g.commands {
			command.GroupID = g.id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID("tools")
	root.SetCompletionCommandGroupID("tools")
	return root
}

// unknownCommand refuses an unknown command and suggests one that exists.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fault("%s has no command %q: did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return fault("%s has no command %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: unknownCommand, RunE: func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return fault("%s: a command is missing: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}}
	cmd.AddCommand(commands...)
	return cmd
}

// exactly wants as many arguments as names, and names those that are missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fault("%s: %s is missing: see `%s --help`", cmd.CommandPath(), strings.Join(names[len(args):], " and "), cmd.CommandPath())
		case len(args) > len(names):
			return fault("%s: unexpected argument %q", cmd.CommandPath(), args[len(names)])
		}
		return nil
	}
}

// command is how the program is called again with the settings of this call.
func (a *app) command(words string) string {
	if a.envFile == "" {
		return "offramp " + words
	}
	return "offramp --env-file " + shellQuote(a.envFile) + " " + words
}
