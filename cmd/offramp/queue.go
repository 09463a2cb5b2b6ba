package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) queueCommand() *cobra.Command {
	return group("queue", "Show and manage queued mail",
		a.queueList(), a.queueShow(), a.queueFlush(),
		a.queueAct("retry", "Retry messages now", store.Retry),
		a.queueAct("hold", "Keep messages until they are released", store.Hold),
		a.queueAct("release", "Release held messages and retry them now", store.ReleaseHold),
		a.queueAct("rm", "Remove messages without a bounce", store.Remove))
}

// selection is which part of the queue a command is about.
type selection struct {
	domain, sender string
	all            bool
}

func (q *selection) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.domain, "domain", "", "only recipients of this domain")
	cmd.Flags().StringVar(&q.sender, "sender", "", "only messages of this reverse-path")
}

func (a *app) queueList() *cobra.Command {
	var q selection
	cmd := &cobra.Command{
		Use: "list", Short: "Show the queue", Args: exactly(),
		Long: "Show the queue like mailq; a * after the id: being delivered,\na !: held. With --json, one object per line like `postqueue -j`.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showQueue(cmd.Context(), q, "") },
	}
	q.register(cmd)
	return cmd
}

func (a *app) queueShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one message and the status of each recipient", Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showQueue(cmd.Context(), selection{}, args[0])
		},
	}
}

func (a *app) queueAct(name, short string, action store.QueueAction) *cobra.Command {
	var q selection
	cmd := &cobra.Command{Use: name + " [ID...]", Short: short}
	q.register(cmd)
	cmd.Flags().BoolVar(&q.all, "all", false, "the whole queue")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		narrowed := q.domain != "" || q.sender != ""
		switch {
		case len(args) == 0 && !narrowed && !q.all:
			return fault("queue %s: nothing selected: give an ID, --domain, --sender or --all", name)
		case len(args) > 0 && q.all:
			return fault("queue %s: --all and an ID exclude each other", name)
		}
		return a.operate(cmd.Context(), func(c *client) error { return a.actOn(cmd.Context(), c, action, q, args) })
	}
	return cmd
}

func (a *app) actOn(ctx context.Context, c *client, action store.QueueAction, q selection, ids []string) error {
	one := record.QueueAct{Action: string(action), Domain: q.domain, Sender: q.sender, All: q.all}
	acts := []record.QueueAct{one}
	if len(ids) > 0 {
		acts = nil
		for _, id := range ids {
			one.ID = id
			acts = append(acts, one)
		}
	}
	total, missed := 0, false
	for _, act := range acts {
		var changed record.Changed
		if err := c.call(ctx, "POST", "queue", act, &changed); err != nil {
			return err
		}
		total += changed.Changed
		if changed.Changed == 0 && act.ID != "" {
			missed = true
			a.say("%s: nothing to change", printable(act.ID))
		}
	}
	if a.asJSON {
		if err := a.printLine(map[string]any{"action": string(action), "recipients": total}); err != nil {
			return err
		}
	} else {
		a.say("%s: %s", action, plural(total, "recipient"))
	}
	if missed {
		return silent{exitFailed}
	}
	return nil
}

func (a *app) queueFlush() *cobra.Command {
	return &cobra.Command{
		Use: "flush", Short: "Retry the whole queue now", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				return a.actOn(cmd.Context(), c, store.Retry, selection{all: true}, nil)
			})
		},
	}
}

// showQueue prints the messages q selects, page after page, or the one with id.
func (a *app) showQueue(ctx context.Context, q selection, id string) error {
	var messages, recipients int
	one := id != ""
	err := a.operate(ctx, func(c *client) error {
		after := ""
		for {
			var page record.QueuePage
			path := "queue" + pairs("id", id, "domain", q.domain, "sender", q.sender, "after", after)
			if err := c.call(ctx, "GET", path, nil, &page); err != nil {
				return err
			}
			for _, e := range page.Items {
				if err := a.printEntry(e, one, messages == 0); err != nil {
					return err
				}
				messages, recipients = messages+1, recipients+len(e.Recipients)
			}
			if after = page.Next; after == "" {
				return nil
			}
		}
	})
	switch {
	case err != nil:
		return err
	case one && messages == 0:
		return fmt.Errorf("%s is not in the queue", printable(id))
	case a.asJSON || one:
		return nil
	case messages == 0:
		a.print("Mail queue is empty")
	default:
		a.print("-- %s, %s", plural(messages, "message"), plural(recipients, "recipient"))
	}
	return nil
}

// printEntry writes one message in the manner of mailq.
func (a *app) printEntry(e record.QueueEntry, whole, first bool) error {
	if a.asJSON {
		return a.printLine(e)
	}
	if first && !whole {
		a.print("-Queue ID-------- --Size-- ----Arrival Time---- -Sender/Recipient-------")
	}
	mark := map[string]string{"active": "*", "hold": "!"}[e.QueueName]
	sender := e.Sender
	if sender == "" {
		sender = "MAILER-DAEMON"
	}
	arrived := time.Unix(e.ArrivalTime, 0).Local().Format("Mon Jan _2 15:04:05")
	a.print("%-17s %8d %-20s %s", e.QueueID+mark, e.MessageSize, arrived, printable(sender))
	for _, r := range e.Recipients {
		if r.DelayReason != "" {
			a.print("%*s(%s)", 12, "", printable(r.DelayReason))
		}
		a.print("%48s%s%s", "", printable(r.Address), recipientNote(r, whole))
	}
	a.print("")
	if whole {
		return a.printTable([][]string{
			{"List:", orNone(e.List, "none (exempt)")}, {"Message-ID:", orNone(e.MessageID, "none")},
			{"Client:", orNone(e.Client, "unknown")}, {"Login:", orNone(e.Login, "none")},
		})
	}
	return nil
}

func recipientNote(r record.QueueRecipient, whole bool) string {
	if !whole {
		return ""
	}
	note := fmt.Sprintf("  %s, %s", r.State, plural(r.Attempts, "attempt"))
	if !r.Next.IsZero() {
		note += ", next " + r.Next.Local().Format(time.DateTime)
	}
	return note
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return printable(s)
}
