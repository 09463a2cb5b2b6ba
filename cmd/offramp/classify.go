package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/envelope"
	"offramp/gateway/stream"
	"offramp/listunsub"
)

func (a *app) classifyCommand() *cobra.Command {
	var as sentAs
	var summary bool
	cmd := &cobra.Command{
		Use: "classify FILE|FOLDER|-...", Short: "Show which mail would be list mail or transactional, and why; nothing is recorded",
		Long: "Show how the gateway would classify each message, and why: a dry run before\n" +
			"going live. Takes messages, mbox files, Maildirs and other folders of messages.\n" +
			"The settings decide as they do in serve, with OFFRAMP_STREAM_RULES and the keys.\n" +
			"Files of a folder that are not messages are skipped. A table of all reasons goes to stderr.",
		Example: "  offramp classify newsletter.eml reset.eml\n" +
			"  offramp classify --summary Maildir/ archive.mbox\n" +
			"  offramp classify --login shop --json order.eml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault("%s: FILE is missing: see `%s --help`", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.newClassifying(cmd.Context(), as)
			if err != nil {
				return err
			}
			c.quiet = summary
			return c.run(args)
		},
	}
	cmd.Flags().StringVar(&as.login, "login", "", "login the mail is sent with")
	cmd.Flags().StringVar(&as.client, "client", "127.0.0.1", "address of the client that sends it")
	cmd.Flags().StringVar(&as.sender, "sender", "", "envelope sender, <> for the null one (default: Return-Path of the message)")
	cmd.Flags().StringVar(&as.stream, "default", "", "try another OFFRAMP_DEFAULT_STREAM: auto, list or transactional")
	cmd.Flags().BoolVar(&summary, "summary", false, "only count by what decided")
	return cmd
}

// sentAs is how the messages are thought to be sent.
type sentAs struct{ login, client, sender, stream string }

// classifying is one run of the command.
type classifying struct {
	app        *app
	classifier *stream.Classifier
	mail       stream.Mail
	sender     bool // mail.Sender was given
	quiet      bool
	messages   int
	skipped    int
	counts     map[[3]string]int // by kind, list and what decided
}

func (a *app) newClassifying(ctx context.Context, as sentAs) (*classifying, error) {
	s, err := a.lenientSettings()
	if err != nil {
		return nil, err
	}
	keys, err := s.dkimKeys()
	if err != nil {
		return nil, err
	}
	relay := s.Gateway.Relay
	if as.stream != "" {
		relay.DefaultStream = as.stream
	}
	if relay.DefaultStream == "" {
		if relay.DefaultStream, _, err = s.look(ctx); err != nil {
			return nil, err
		}
	}
	if err := relay.Validate(); err != nil {
		return nil, fault("%v", err)
	}
	c := &classifying{app: a, counts: map[[3]string]int{}, sender: as.sender != ""}
	c.classifier, err = relay.NewClassifier(keys.Signs)
	if err != nil {
		return nil, err
	}
	c.mail.Login = as.login
	if c.mail.Client, err = netip.ParseAddr(as.client); err != nil {
		return nil, fault("--client: invalid address %q", as.client)
	}
	if c.mail.Sender, err = envelope.ParseReversePath(strings.Trim(as.sender, "<>")); err != nil {
		return nil, fault("--sender: invalid address %q", as.sender)
	}
	return c, nil
}

func (c *classifying) run(paths []string) error {
	unread := 0
	for _, path := range paths {
		before := c.messages
		err := eachMessage(path, c.app.stdin, c.classify, func(err error) {
			unread++
			c.app.say("offramp: %v", err)
		})
		if err != nil {
			return err
		}
		// In a folder other files may lie; a file was named on purpose.
		if info, err := os.Stat(path); c.messages == before && (err != nil || !info.IsDir()) {
			unread++
			c.app.say("offramp: classify: %s is not a message", path)
		}
	}
	if err := c.summarize(); err != nil || unread == 0 {
		return err
	}
	return silent{exitFailed}
}

// classified is one line of JSON.
type classified struct {
	File string `json:"file"`
	Is   string `json:"is"` // list, transactional or untouched
	List string `json:"list,omitempty"`
	Step string `json:"step"`
	Mark string `json:"mark"`
	From string `json:"from,omitempty"`
	// Ignored is why the control field is not followed.
	Ignored string `json:"ignored,omitempty"`
}

// classify shows one message.
func (c *classifying) classify(m found) error {
	if !m.isMail() {
		c.skipped++
		return nil
	}
	c.messages++
	mail := c.mail
	if !c.sender {
		mail.Sender = m.sender()
	}
	d := c.classifier.Classify(mail, m.header.Fields())
	v := classified{File: m.name, Is: d.Kind.String(), Step: string(d.Step), Mark: d.Mark, From: d.From, Ignored: d.Ignored}
	if d.List.ID != "" {
		v.List = listunsub.CanonicalID(d.List.ID)
	}
	c.counts[[3]string{v.Is, listOf(v), v.Step}]++
	switch {
	case c.quiet:
		return nil
	case c.app.asJSON:
		return c.app.printLine(v)
	}
	is := v.Is
	if v.Is == stream.Listed.String() {
		is += " " + v.List
	}
	why := v.Step
	switch {
	case strings.HasPrefix(v.Mark, v.Step): // "rule in line 2"
		why = v.Mark
	case d.Step != stream.ByDefault: // its mark is the column before
		why += ": " + v.Mark
	}
	if d.Ignored != "" {
		why += " (" + stream.ControlHeader + " is ignored: " + d.Ignored + ")"
	}
	c.app.print("%s\t%s\t%s", printable(v.File), printable(is), printable(why))
	return nil
}

// listOf is the list in the table: what is untouched belongs to none.
func listOf(v classified) string {
	if v.Is != stream.Listed.String() {
		return ""
	}
	return v.List
}

// summarize writes how many messages were what, the most first: to stdout when
// it is all that was asked for.
func (c *classifying) summarize() error {
	type line struct {
		Messages int    `json:"messages"`
		Is       string `json:"is"`
		List     string `json:"list,omitempty"`
		Step     string `json:"step"`
	}
	var all []line
	for k, n := range c.counts {
		all = append(all, line{n, k[0], k[1], k[2]})
	}
	slices.SortFunc(all, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Is, b.Is), cmp.Compare(a.Step, b.Step), cmp.Compare(a.List, b.List))
	})
	if c.quiet && c.app.asJSON {
		return c.app.printJSON(all)
	}
	rows := [][]string{{"MESSAGES", "ARE", "LIST", "DECIDED BY"}}
	for _, l := range all {
		rows = append(rows, []string{fmt.Sprint(l.Messages), l.Is, l.List, l.Step})
	}
	if c.skipped > 0 {
		rows = append(rows, []string{fmt.Sprint(c.skipped), "skipped", "", "not a message"})
	}
	switch {
	case c.quiet:
		return c.app.printTable(rows)
	case len(rows) > 2 && !c.app.asJSON:
		return writeTable(c.app.stderr, rows)
	}
	return nil
}
