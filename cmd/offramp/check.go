package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"offramp/cmd/offramp/internal/terminal"
	"offramp/store"
)

// finding is one thing check looked at.
type finding struct {
	State string `json:"state"` // ok, warn or fail
	What  string `json:"what"`
	Text  string `json:"text"`
	Fix   string `json:"fix,omitempty"` // a command that works as printed
	Do    string `json:"do,omitempty"`  // what only a person can do, after Fix where that is set too
}

// The states of a finding.
const (
	findOK   = "ok"
	findWarn = "warn"
	findFail = "fail"
)

func (a *app) checkCommand() *cobra.Command {
	var offline bool
	var postfix string
	cmd := &cobra.Command{
		Use: "check", Short: "Report what is wrong with the set-up, and print the line that fixes it; exits 1 on a failure",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && postfix == usualPostfix {
				return fault("%s: unexpected argument %q: for another Postfix write --postfix=%s", cmd.CommandPath(), args[0], shellQuote(args[0]))
			}
			return exactly()(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := &checker{app: a, offline: offline}
			if c.run(cmd.Context()) && postfix != "" {
				c.postfix(cmd.Context(), postfix)
			}
			return a.printCheck(c.findings)
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "leave out the DNS, the next hop and the public address")
	cmd.Flags().StringVar(&postfix, "postfix", "", "look at the Postfix of this machine too; write --postfix=`DIR`, with =, for the folder of another main.cf")
	cmd.Flags().Lookup("postfix").NoOptDefVal = usualPostfix
	return cmd
}

func (a *app) printCheck(all []finding) error {
	failed := false
	for _, f := range all {
		failed = failed || f.State == findFail
	}
	if a.asJSON {
		if err := a.printJSON(all); err != nil {
			return err
		}
	} else {
		colours := map[string]terminal.Style{findOK: terminal.Green, findWarn: terminal.Yellow, findFail: terminal.Red}
		for _, f := range all {
			a.print("%s %-12s %s", a.paint(fmt.Sprintf("%-4s", f.State), colours[f.State]), f.What, printable(f.Text))
			if f.Fix != "" {
				a.print("%18s-> %s", "", f.Fix)
			}
			if f.Do != "" {
				a.print("%18sby hand: %s", "", printable(f.Do))
			}
		}
	}
	if failed {
		return silent{exitFailed}
	}
	return nil
}

// checker collects findings.
type checker struct {
	app      *app
	offline  bool
	settings *settings
	running  bool   // the server of this data folder answers
	other    string // what answers in its place
	findings []finding
}

func (c *checker) add(state, what, text, fix string) {
	c.findings = append(c.findings, finding{State: state, What: what, Text: text, Fix: fix})
}

// addFinding adds one that a person has to do something about.
func (c *checker) addFinding(f finding) { c.findings = append(c.findings, f) }

// run looks at everything, and returns whether the settings could be read: with
// the defaults in their place, nothing else that it could say would be true.
func (c *checker) run(ctx context.Context) bool {
	s, err := c.app.servingSettings()
	if err != nil {
		for _, line := range lines(err) {
			c.add(findFail, "settings", line, "")
		}
		if unread := c.app.unreadDotEnv(); unread != nil {
			c.add(findFail, "settings", unread.Error(), "")
			c.app.hinted = true
		}
	}
	c.settings = s
	if isUnread(err) {
		return false
	}
	if err == nil {
		c.add(findOK, "settings", "every value is valid", "")
	}
	c.running, c.other = s.answers(ctx)
	c.dataDir()
	c.owned()
	c.ports()
	c.openFiles()
	c.tokenKeys()
	c.ledgerKey()
	c.dkim()
	c.profiles()
	c.certificates()
	c.logins()
	c.operator()
	c.listNames(ctx)
	c.clock()
	c.clockSeen(ctx)
	c.unsigned(ctx)
	c.streams(ctx)
	c.noticed(ctx)
	c.webhooks(ctx)
	c.verify(ctx)
	c.scrub(ctx)
	c.policy(ctx)
	if !c.offline {
		c.dns(ctx)
		c.nextHop(ctx)
		c.publicURL(ctx)
	}
	return true
}

// operate asks the data; what an earlier release wrote is left as it is.
func (c *checker) operate(ctx context.Context, work func(*client) error) error {
	if _, older, _ := c.settings.look(ctx); older && !c.running {
		return store.ErrOlder
	}
	return c.app.operate(ctx, work)
}
