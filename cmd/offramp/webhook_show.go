package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
)

func (a *app) webhookList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the systems that are sent events", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var page record.WebhookPage
				if err := c.call(cmd.Context(), "GET", "webhooks", nil, &page); err != nil {
					return err
				}
				return a.printWebhooks(page.Items)
			})
		},
	}
}

func (a *app) printWebhooks(all []record.Webhook) error {
	if a.asJSON {
		for _, one := range all {
			if err := a.printLine(one); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		a.say("No system is sent events: `offramp webhook add` adds one.")
		return nil
	}
	rows := [][]string{{"NAME", "KIND", "STATE", "ACKNOWLEDGED", "BEHIND", "FAILING SINCE", "URL", "ERROR"}}
	for _, one := range all {
		failing := "-"
		if !one.Failing.IsZero() {
			failing = one.Failing.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{
			one.Name, cmp.Or(one.Format, one.Kind), one.State, strconv.FormatInt(one.Cursor, 10), strconv.FormatInt(max(one.Head-one.Cursor, 0), 10), failing, one.URL, one.Error,
		})
	}
	return a.printTable(rows)
}

func (a *app) webhookShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one of them, and what holds it up", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.aboutWebhook(cmd.Context(), "GET", webhookPath(args[0]), nil, a.printWebhook)
		},
	}
}

func (a *app) printWebhook(one record.Webhook) error {
	rows := [][]string{{"name", one.Name}, {"kind", one.Kind}, {"state", one.State}}
	row := func(name, value string) {
		if value != "" && value != "0" {
			rows = append(rows, []string{name, value})
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	row("url", one.URL)
	row("format", one.Format)
	row("act", one.Act)
	row("lists", strings.Join(one.Lists, ", "))
	row("kinds", strings.Join(one.Kinds, ", "))
	row("since", at(one.Created))
	rows = append(rows, []string{"acknowledged", fmt.Sprintf("up to event %d of %d", one.Cursor, one.Head)})
	if one.Ahead > 0 {
		row("ahead", plural(one.Ahead, "event")+" after it")
	}
	if one.Stuck > 0 {
		row("held up by", fmt.Sprintf("event %d, tried %s since %s", one.Stuck, plural(one.Attempts, "time"), at(one.Failing)))
	}
	row("next attempt", at(one.Next))
	row("error", one.Error)
	if one.Missed > 0 {
		row("missed", plural(one.Missed, "event")+" left the ledger by age before they were sent")
	}
	for _, key := range one.PublicKeys {
		row("public key", key)
	}
	return a.printTable(rows)
}

func (a *app) webhookTest() *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Send a test event, and show what the receiver answers", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var result record.WebhookTest
				if err := c.call(cmd.Context(), "POST", webhookPath(args[0], "test"), nil, &result); err != nil {
					return webhookGone(webhookPath(args[0]), err)
				}
				if a.asJSON {
					if err := a.printJSON(result); err != nil {
						return err
					}
				} else if result.OK {
					a.print("ok: answered %d after %d ms", result.Status, result.Millis)
				} else {
					a.print("failed after %d ms: %s", result.Millis, printable(result.Error))
				}
				if !a.asJSON && result.Body != "" {
					a.print("%s", printable(result.Body))
				}
				if !result.OK {
					return silent{exitFailed}
				}
				return nil
			})
		},
	}
}
