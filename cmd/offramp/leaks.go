package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
)

func (a *app) leaksCommand() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "leaks", Short: "Show which applications still send mail to people who unsubscribed", Args: exactly(),
		Long: "Show which applications (by login or address, and the sender's domain) still send\n" +
			"mail to people who unsubscribed: how much was dropped, of which lists, the newest\n" +
			"example, and which connected systems had acknowledged that opt-out, since when.\n" +
			"It exits 1 when there is any.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return fault("--since: invalid duration %s: write one such as 720h", since)
			}
			var l record.Leaks
			err := a.operate(cmd.Context(), func(c *client) error {
				return c.call(cmd.Context(), "GET", "report/leaks"+pairs("since", timestamp(a.now().Add(-since))), nil, &l)
			})
			if err != nil {
				return err
			}
			if err := a.printLeaks(l); err != nil {
				return err
			}
			if len(l.Applications) > 0 {
				return silent{exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&since, "since", 30*24*time.Hour, "how far back to look")
	return cmd
}

func (a *app) printLeaks(l record.Leaks) error {
	if a.asJSON {
		return a.printJSON(l)
	}
	period := fmt.Sprintf("from %s to %s", l.Since.Format(time.RFC3339), l.Until.Format(time.RFC3339))
	if len(l.Applications) == 0 {
		a.print("No mail to people who unsubscribed %s.", period)
		return nil
	}
	a.print("Mail to people who unsubscribed, dropped %s:", period)
	if l.Partial {
		a.print("(There was more: only the newest million, and 100 applications, are counted.)")
	}
	for _, one := range l.Applications {
		a.printLeak(one)
	}
	return nil
}

// maxListsShown is how many lists of an application are printed; --json has all.
const maxListsShown = 5

func (a *app) printLeak(one record.Application) {
	name := "login " + one.Login
	if one.Login == "" {
		name = "without a login from " + cmp.Or(one.Client, "an unknown address")
	}
	if one.Sender != "" {
		name += ", sender " + one.Sender
	}
	a.print("\n%s: %s, last at %s", printable(name), plural(one.Dropped, "recipient"), one.Last.Format(time.RFC3339))
	for _, l := range one.Lists[:min(len(one.Lists), maxListsShown)] {
		a.print("  list %s: %s, %s", printable(l.List), plural(l.Dropped, "message"), plural(l.People, "person", "people"))
	}
	if more := len(one.Lists) - maxListsShown; more > 0 {
		a.print("  and %s", plural(more, "more list"))
	}
	e := one.Example
	if e == nil {
		return
	}
	a.print("  newest: %s to %s, list %s, %s, Message-ID %s (event %d)", e.Time.Format(time.RFC3339),
		printable(e.Recipient), printable(e.List), printable(e.Reason), printable(cmp.Or(e.MessageID, "none")), e.Event)
	if e.Left == nil {
		a.print("  left: before the oldest event that is kept")
		return
	}
	a.print("  left: %s, %s before that (%s, event %d)", e.Left.Time.Format(time.RFC3339), seconds(e.Time.Sub(e.Left.Time).Seconds()), printable(e.Left.Kind), e.Left.Event)
	if len(e.Notified) == 0 {
		a.print("  no connected system has acknowledged it")
		return
	}
	var names []string
	for _, n := range e.Notified {
		names = append(names, n.Name+" at "+n.At.Format(time.RFC3339))
	}
	a.print("  acknowledged by %s", printable(strings.Join(names, ", ")))
}
