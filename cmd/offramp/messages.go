package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/cmd/offramp/internal/terminal"
	"offramp/gateway/record"
	"offramp/store"
)

// messagesFlags are the flags of messages.
type messagesFlags struct {
	to, messageID, queueID string
	since                  time.Duration
	limit                  int
}

func (a *app) messagesCommand() *cobra.Command {
	var f messagesFlags
	cmd := &cobra.Command{
		Use: "messages", Short: "Show what became of mail: to a person, or of a message", Args: exactly(),
		Long: "Show what became of mail: when each message was accepted and who sent it, every\n" +
			"answer of the next hop, how it ended, and what the person did after it. First\n" +
			"those in the queue, then those that ended, the last first. It is known for\n" +
			"OFFRAMP_RETENTION_MESSAGES; texts and subjects of mail are never kept.",
		Example: "  offramp messages --to ada@example.net --since 72h\n  offramp messages --message-id '<123@shop.example>'\n  offramp messages --queue-id 3DQ7ZK5M2N --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.to == "" && f.messageID == "" && f.queueID == "":
				return fault("messages: give --to, --message-id or --queue-id")
			case f.since < 0 || f.limit < 1:
				return fault("messages: --since must not be negative, and --limit at least 1")
			}
			return a.operate(cmd.Context(), func(c *client) error { return a.showMessages(cmd.Context(), c, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "only mail to this address")
	flags.StringVar(&f.messageID, "message-id", "", "only the message with this Message-ID")
	flags.StringVar(&f.queueID, "queue-id", "", "only the message with this queue id")
	flags.DurationVar(&f.since, "since", 0, "only mail accepted within this time, e.g. 24h")
	flags.IntVar(&f.limit, "limit", 100, "at most this many messages")
	return cmd
}

// query makes the query of a page.
func (f messagesFlags) query(now time.Time, limit int, cursor string) string {
	since := time.Time{}
	if f.since > 0 {
		since = now.Add(-f.since)
	}
	return "messages" + pairs("to", f.to, "message_id", f.messageID, "queue_id", f.queueID, "since", timestamp(since),
		"limit", number(min(limit, 1000)), "cursor", cursor)
}

func (a *app) showMessages(ctx context.Context, c *client, f messagesFlags) error {
	now, shown, damaged := a.now(), 0, 0
	for cursor := ""; ; {
		var page record.MessagePage
		if err := c.call(ctx, "GET", f.query(now, f.limit-shown, cursor), nil, &page); err != nil {
			return err
		}
		for _, m := range page.Items {
			if err := a.printMessage(m); err != nil {
				return err
			}
		}
		shown += len(page.Items)
		damaged += page.Damaged
		if cursor = page.Cursor; cursor != "" && shown < f.limit {
			continue
		}
		if damaged > 0 {
			a.say("%s cannot be read and left out.", plural(damaged, "damaged record"))
		}
		if !a.asJSON {
			a.sumMessages(f, page, shown)
		}
		if shown == 0 {
			return silent{exitFailed}
		}
		return nil
	}
}

// sumMessages says how many there were, and how far back that is known.
func (a *app) sumMessages(f messagesFlags, page record.MessagePage, shown int) {
	known := "Known since " + page.From.Local().Format(time.DateTime) + "; what ended before may be forgotten, and mail to erased people is."
	switch {
	case shown == 0 && f.to != "":
		a.say("No such mail to %s. %s", printable(f.to), known)
	case shown == 0:
		a.say("No such message. %s", known)
	case page.Cursor != "":
		a.say("-- %s, and there are more: give --limit or --since.", plural(shown, "message"))
	default:
		a.say("-- %s. %s", plural(shown, "message"), known)
	}
}

// printMessage writes what became of one message, line by line in time.
func (a *app) printMessage(m record.Message) error {
	if a.asJSON {
		return a.printLine(m)
	}
	color := map[string]terminal.Style{"delivered": terminal.Green, "dropped": terminal.Yellow, "removed": terminal.Yellow, "bounced": terminal.Red, "failed": terminal.Red}[m.Outcome]
	if color == "" {
		color = terminal.Cyan
	}
	a.print("%s  %s  %s", a.paint(m.QueueID, terminal.Bold), a.paint(m.Outcome, color), orNone(m.MessageID, "(no Message-ID)"))
	line := func(what string, at time.Time, format string, args ...any) {
		when := strings.Repeat(" ", len(time.DateTime))
		if !at.IsZero() {
			when = at.Local().Format(time.DateTime)
		}
		a.print("  %-9s  %s  %s", what, when, printable(fmt.Sprintf(format, args...)))
	}
	line("accepted", m.Accepted, "%s", acceptedText(m))
	for _, t := range m.Tries {
		line("tried", t.First, "%s", tryText(t))
	}
	if text := outcomeText(m); text != "" {
		at := m.Ended
		if m.Outcome == "queued" {
			at = m.Next
		}
		what := m.Outcome
		if m.Outcome == "queued" {
			what = "next"
		}
		line(what, at, "%s", text)
	}
	for _, e := range m.Followed {
		line("then", e.Time, "%s", followedText(e, m.List))
	}
	a.print("")
	return nil
}

func acceptedText(m record.Message) string {
	text := "to " + m.Recipient + ", from "
	if m.Sender == "" {
		text += "<>"
	} else {
		text += m.Sender
	}
	if m.List != "" {
		text += ", list " + m.List
	} else {
		text += ", transactional"
	}
	if m.Client != "" {
		text += ", by " + m.Client
	}
	if m.Login != "" {
		text += " as " + m.Login
	}
	return text
}

func tryText(t record.Try) string {
	var parts []string
	if t.Relay != "" {
		parts = append(parts, t.Relay+":")
	}
	reply := t.Text
	if t.Status != "" && !strings.HasPrefix(reply, t.Status) {
		reply = strings.TrimSpace(t.Status + " " + reply)
	}
	if code := number(t.Code); code != "" && !strings.HasPrefix(reply, code) {
		reply = strings.TrimSpace(code + " " + reply)
	}
	parts = append(parts, reply)
	if t.Count > 1 {
		parts = append(parts, fmt.Sprintf("(%s, the last %s)", plural(t.Count, "time"), t.Last.Local().Format(time.DateTime)))
	}
	return strings.Join(parts, " ")
}

// outcomeText says how a message ended, or what it waits for.
func outcomeText(m record.Message) string {
	switch m.Outcome {
	case "delivered":
		return "the next hop took it; what it does with it is in its own log"
	case "dropped":
		return "not sent: " + reasonText(store.Reason(m.Reason))
	case "bounced":
		if m.Bounce == "" {
			return "failed for good; no bounce was due"
		}
		return "failed for good; the bounce is " + m.Bounce
	case "failed":
		return "failed for good; its bounce is being written"
	case "removed":
		return "by the operator, out of the queue"
	case "held":
		return "in the queue until `offramp queue release " + m.QueueID + "`"
	}
	if m.Attempts == 0 {
		return "in the queue, not tried yet"
	}
	return "in the queue, " + plural(m.Attempts, "attempt") + " so far"
}

// reasonText says in words why mail was not sent.
func reasonText(r store.Reason) string {
	texts := map[store.Reason]string{
		store.ReasonUnsubscribed: "the person left the list", store.ReasonUnsubscribedAll: "the person left all lists",
		store.ReasonErased: "the person had everything erased", store.ReasonPaused: "the person paused the list",
		store.ReasonPausedAll: "the person paused all lists", store.ReasonLimited: "over the frequency that the person chose for the list",
		store.ReasonLimitedAll: "over the frequency that the person chose for all lists",
		store.ReasonSharing:    "the list is a third party's, and the person refuses that data is shared",
		store.ReasonManual:     "the operator stopped the address", store.ReasonBounced: "the address is dead, mail to it bounced",
		store.ReasonComplained: "the person reported mail as spam",
	}
	if text, ok := texts[r]; ok {
		return text + " (" + string(r) + ")"
	}
	return string(r)
}

func followedText(e record.Followed, list string) string {
	text := e.Kind
	if e.Way != "" {
		text += " by " + e.Way
	}
	if e.List == "" && list != "" {
		text += ", all lists"
	}
	if e.Reason != "" && e.Reason != e.Kind {
		text += ", " + e.Reason
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if !e.NamesMessage {
		text += " (after this message, without naming it)"
	}
	return text
}
