package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) webhookCommand() *cobra.Command {
	cmd := group("webhook", "Send events to your other systems",
		a.webhookAdd(), a.webhookList(), a.webhookShow(), a.webhookSet(), a.webhookTest(), a.webhookReplay(), a.webhookSkip(),
		a.webhookState("pause", "Send nothing until it is resumed", "Paused %s: events wait for it."),
		a.webhookState("resume", "Go on after the last acknowledged event, at once", "Resumed %s."),
		a.webhookRotate(), a.webhookRemove())
	cmd.Long = "Send events to your other systems: a webhook is called for each opt-out, bounce\n" +
		"and complaint, again and again until it answers 2xx, and in order for each person.\n" +
		"docs/webhooks.md has the formats and how a receiver verifies a call."
	return cmd
}

// webhookPath is the path of a webhook, or of what is done with it.
func webhookPath(name string, act ...string) string {
	return strings.Join(append([]string{"webhooks", url.PathEscape(name)}, act...), "/")
}

func (a *app) webhookAdd() *cobra.Command {
	var n record.NewWebhook
	var after int64
	var since, secretFile string
	cmd := &cobra.Command{
		Use: "add NAME URL", Short: "Add a webhook, and show its secret once", Args: exactly("NAME", "URL"),
		Long: "Add a webhook. It is sent what happens from now on; --after 0 begins with the oldest\n" +
			"event that is kept. The secret, with which the receiver verifies calls, is shown\n" +
			"this once. With - as URL, it is read from stdin: others on this machine can see the\n" +
			"password of a URL that is on the command line.",
		Example: "  offramp webhook add crm https://crm.example.org/hooks/offramp\n" +
			"  offramp webhook add listmonk - --format listmonk --act blocklist < url.txt",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			n.Name = args[0]
			if n.URL, err = a.webhookURL(args[1]); err != nil {
				return err
			}
			if n.Secret, err = a.secretFrom(secretFile); err != nil {
				return err
			}
			if cmd.Flags().Changed("after") {
				n.After = &after
			}
			if n.Since, err = a.moment("--since", since); err != nil {
				return err
			}
			return a.operate(cmd.Context(), func(c *client) error {
				var made record.CreatedWebhook
				if err := c.call(cmd.Context(), "POST", "webhooks", n, &made); err != nil {
					return err
				}
				return a.printCreated(made, "Added "+made.Name+".")
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&n.Format, "format", "", "standard (default), sendgrid, postmark, mailgun or listmonk")
	flags.StringVar(&n.Act, "act", "", "of the format listmonk: an opt-out becomes a complaint (default), or blocklist")
	flags.StringSliceVar(&n.Lists, "list", nil, "only events of these lists, and those of all lists")
	flags.StringSliceVar(&n.Kinds, "kind", nil, "only these kinds of events, as offramp events --help lists them")
	flags.StringVar(&secretFile, "secret-file", "", "of the formats standard and mailgun: file with the secret to sign with; - reads stdin (default: a new one is made)")
	flags.Int64Var(&after, "after", 0, "begin after the event with this id")
	flags.StringVar(&since, "since", "", "begin with the events of this time, such as 2026-11-29 or 24h")
	return cmd
}

// webhookURL is a URL of the command line; with -, the one on stdin.
func (a *app) webhookURL(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	return a.secretFrom(arg)
}

// secretFrom reads a secret, which the list of processes would show as an argument.
// Without a name there is none.
func (a *app) secretFrom(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	raw, err := a.readInput(name)
	return strings.TrimSpace(string(raw)), err
}

// moment reads a time, or how long ago one was.
func (a *app) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return a.now().Add(-d).UTC(), nil
	}
	if at, err := parseMoment(text); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, fault("%s: invalid time %q: write one such as 2026-11-29, 2026-11-29T12:00:00Z or 24h", flag, text)
}

// printCreated shows a secret, this once.
func (a *app) printCreated(made record.CreatedWebhook, what string) error {
	if a.asJSON {
		return a.printJSON(made)
	}
	a.say("%s", what)
	switch {
	case made.Secret == "":
		a.say("This format has no signatures: put a user name and a password into the URL.")
	case made.Format == "sendgrid":
		a.say("The receiver verifies calls with this public key:")
		a.print("%s", made.Secret)
	default:
		a.say("The receiver verifies calls with this secret. It is not shown again:")
		a.print("%s", made.Secret)
	}
	return nil
}

// webhookGone says which webhook there is not.
func webhookGone(path string, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "webhooks/"), "/")
	if plain, unescaped := url.PathUnescape(name); unescaped == nil {
		name = plain
	}
	return fmt.Errorf("there is no webhook %q: `offramp webhook list` lists them", name)
}

// aboutWebhook makes a call that answers with a webhook.
func (a *app) aboutWebhook(ctx context.Context, method, path string, in any, show func(record.Webhook) error) error {
	return a.operate(ctx, func(c *client) error {
		var one record.Webhook
		if err := c.call(ctx, method, path, in, &one); err != nil {
			return webhookGone(path, err)
		}
		if a.asJSON {
			return a.printJSON(one)
		}
		return show(one)
	})
}

func (a *app) webhookSet() *cobra.Command {
	var address, act string
	var lists, kinds []string
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change its URL, lists or kinds of events", Args: exactly("NAME"),
		Example: "  offramp webhook set crm --url https://crm2.example.org/hooks/offramp",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var p record.WebhookPatch
			for _, flag := range []struct {
				name string
				set  func()
			}{
				{"url", func() { p.URL = &address }}, {"act", func() { p.Act = &act }}, {"list", func() { p.Lists = &lists }}, {"kind", func() { p.Kinds = &kinds }},
			} {
				if cmd.Flags().Changed(flag.name) {
					flag.set()
				}
			}
			if p == (record.WebhookPatch{}) {
				return fault("webhook set: nothing to change: give --url, --act, --list or --kind")
			}
			if address, err = a.webhookURL(address); err != nil {
				return err
			}
			return a.aboutWebhook(cmd.Context(), "PATCH", webhookPath(args[0]), p, func(one record.Webhook) error {
				a.say("Changed %s.", one.Name)
				return nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&address, "url", "", "another URL; - reads it from stdin")
	flags.StringVar(&act, "act", "", "of the format listmonk: complaint or blocklist")
	flags.StringSliceVar(&lists, "list", nil, "only events of these lists; --list= for all")
	flags.StringSliceVar(&kinds, "kind", nil, "only these kinds of events; --kind= for the usual ones")
	return cmd
}

func (a *app) webhookReplay() *cobra.Command {
	var after int64
	var since string
	cmd := &cobra.Command{
		Use: "replay NAME (--after ID | --since TIME)", Short: "Send events again, from one or from a time on", Args: exactly("NAME"),
		Long: "Send events again, also those that were acknowledged, with the ids that they had. A\n" +
			"webhook that is paused is resumed.",
		Example: "  offramp webhook replay crm --since 48h",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var q record.WebhookReplay
			if cmd.Flags().Changed("after") {
				q.After = &after
			}
			if q.After == nil && since == "" {
				return fault("webhook replay: give --after or --since")
			}
			if q.Since, err = a.moment("--since", since); err != nil {
				return err
			}
			return a.aboutWebhook(cmd.Context(), "POST", webhookPath(args[0], "replay"), q, func(one record.Webhook) error {
				a.say("Sending events after %d to %s.", one.Cursor, one.Name)
				return nil
			})
		},
	}
	cmd.Flags().Int64Var(&after, "after", 0, "after the event with this id; 0: all that are kept")
	cmd.Flags().StringVar(&since, "since", "", "from this time on, such as 2026-11-29 or 24h")
	return cmd
}

func (a *app) webhookSkip() *cobra.Command {
	return &cobra.Command{
		Use: "skip NAME EVENT", Short: "Pass over an event that the receiver will never take", Args: exactly("NAME", "EVENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			event, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || event < 1 {
				return fault("webhook skip: invalid event id %q", args[1])
			}
			return a.aboutWebhook(cmd.Context(), "POST", webhookPath(args[0], "skip"), record.WebhookSkip{Event: event}, func(one record.Webhook) error {
				a.say("Event %d is not sent to %s.", event, one.Name)
				return nil
			})
		},
	}
}

// webhookState makes a command that needs a name and nothing else.
func (a *app) webhookState(act, short, done string) *cobra.Command {
	return &cobra.Command{
		Use: act + " NAME", Short: short, Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.aboutWebhook(cmd.Context(), "POST", webhookPath(args[0], act), nil, func(one record.Webhook) error {
				a.say(done, one.Name)
				return nil
			})
		},
	}
}

func (a *app) webhookRotate() *cobra.Command {
	var q record.WebhookRotation
	var overlap time.Duration
	var secretFile string
	cmd := &cobra.Command{
		Use: "rotate NAME", Short: "Make a new secret, and show it once", Args: exactly("NAME"),
		Long: "Make a new secret. During the overlap, calls of the format standard bear signatures\n" +
			"with both secrets; of sendgrid and mailgun, which have one signature, the new one\n" +
			"signs after it.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if q.Secret, err = a.secretFrom(secretFile); err != nil {
				return err
			}
			q.Overlap = new(int64(overlap / time.Second))
			return a.operate(cmd.Context(), func(c *client) error {
				var made record.CreatedWebhook
				if err := c.call(cmd.Context(), "POST", webhookPath(args[0], "rotate"), q, &made); err != nil {
					return webhookGone(webhookPath(args[0]), err)
				}
				return a.printCreated(made, "The secret before is valid for another "+overlap.String()+".")
			})
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the secret before is used, too")
	cmd.Flags().StringVar(&secretFile, "secret-file", "", "of the formats standard and mailgun: file with the new secret; - reads stdin (default: one is made)")
	return cmd
}

func (a *app) webhookRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Remove a webhook", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var changed record.Changed
				if err := c.call(cmd.Context(), "DELETE", webhookPath(args[0]), nil, &changed); err != nil {
					return webhookGone(webhookPath(args[0]), err)
				}
				if a.asJSON {
					return a.printLine(changed)
				}
				a.say("Removed %s.", printable(args[0]))
				return nil
			})
		},
	}
}
