package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

// eventFlags are the flags of the events command.
type eventFlags struct {
	recipient, list, kind string
	since                 time.Duration
	after                 int64
	limit                 int
	follow                bool
}

func (a *app) eventsCommand() *cobra.Command {
	var f eventFlags
	cmd := &cobra.Command{
		Use: "events", Short: "Show what happened: choices, drops, failures", Args: unknownCommand,
		Long: "Show what happened. Every change of a choice is an event; the events are a\n" +
			"tamper-evident ledger: see `offramp events verify`.",
		Example: "  offramp events --recipient ada@example.org\n  offramp events --since 24h --kind unsubscribed --json\n  offramp events --follow",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.since < 0 || f.limit < 0 || f.after < 0 {
				return fault("events: --since, --after and --limit must not be negative")
			}
			return a.operate(cmd.Context(), func(c *client) error { return a.showEvents(cmd.Context(), c, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.recipient, "recipient", "", "only events of this address")
	flags.StringVar(&f.list, "list", "", "only events of this list")
	flags.StringVar(&f.kind, "kind", "", "only these kinds, separated by commas: "+eventKinds())
	flags.DurationVar(&f.since, "since", 0, "only events newer than this, e.g. 24h")
	flags.Int64Var(&f.after, "after", 0, "only events after the one with this id")
	flags.IntVar(&f.limit, "limit", 0, "at most this many events (default: all)")
	flags.BoolVar(&f.follow, "follow", false, "keep showing events as they happen; needs the running server")
	cmd.AddCommand(a.eventsVerify(), a.eventsAck(), a.eventsReaders())
	return cmd
}

// eventKinds names every kind.
func eventKinds() string {
	var names []string
	for _, k := range store.EventKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// query makes the query of everything but the page.
func (f eventFlags) query(now time.Time, after int64, limit int) string {
	since := time.Time{}
	if f.since > 0 {
		since = now.Add(-f.since)
	}
	return "events" + pairs("recipient", f.recipient, "list", f.list, "kind", f.kind,
		"since", timestamp(since), "after", number(after), "limit", number(limit))
}

// followEvery is how often --follow asks for new events.
const followEvery = time.Second

// showEvents prints page after page, and with --follow goes on until the user
// ends it.
func (a *app) showEvents(ctx context.Context, c *client, f eventFlags) error {
	if f.follow && c.files {
		return fault("events --follow: no server is running on this data: start `offramp serve`")
	}
	shown, after, started := 0, f.after, a.now()
	for {
		limit := 1000
		if f.limit > 0 {
			limit = min(limit, f.limit-shown)
		}
		var page record.EventPage
		if err := c.call(ctx, "GET", f.query(started, after, limit), nil, &page); err != nil {
			return ended(ctx, f.follow, err)
		}
		for _, e := range page.Items {
			if err := a.printEvent(e); err != nil {
				return err
			}
			after = e.ID
		}
		shown += len(page.Items)
		switch {
		case f.limit > 0 && shown >= f.limit:
			return nil
		case page.Next != 0:
			continue
		case !f.follow:
			if shown == 0 && !a.asJSON {
				a.say("No events.")
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

// ended hides the error of a --follow that the user ended.
func ended(ctx context.Context, follow bool, err error) error {
	if follow && ctx.Err() != nil {
		return nil
	}
	return err
}

func (a *app) printEvent(e record.Event) error {
	if a.asJSON {
		return a.printLine(e)
	}
	line := e.Time.Local().Format(time.DateTime) + "  " + e.Kind + "  " + printable(e.Recipient)
	ref := ""
	if e.Ref != 0 {
		ref = strconv.FormatInt(e.Ref, 10)
	}
	for _, part := range []struct{ label, value string }{
		{"list", e.List}, {"by", e.Way}, {"reason", e.Reason}, {"about", ref}, {"message", e.QueueID}, {"ip", e.IP}, {"who", e.Who}, {"", e.Detail},
	} {
		switch {
		case part.value == "":
		case part.label == "":
			line += "  " + printable(part.value)
		default:
			line += "  " + part.label + "=" + printable(part.value)
		}
	}
	a.print("%s", line)
	return nil
}
