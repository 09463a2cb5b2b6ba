package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) eventsAck() *cobra.Command {
	return &cobra.Command{
		Use: "ack NAME ID", Short: "Record that another system has processed all events up to one", Args: exactly("NAME", "ID"),
		Long: "Record that another system, for instance a CRM, has processed all events up\n" +
			"to the one with that id. `offramp report` shows how far each is behind. It never\n" +
			"goes back.",
		Example: "  offramp events --after 41 --json | crm-import && offramp events ack crm 57",
		RunE: func(cmd *cobra.Command, args []string) error {
			through, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || through < 0 {
				return fault("events ack: invalid event id %q", args[1])
			}
			return a.operate(cmd.Context(), func(c *client) error {
				var r record.Reader
				if err := c.call(cmd.Context(), "PUT", "readers/"+url.PathEscape(args[0]), record.Acknowledge{Through: through}, &r); err != nil {
					return err
				}
				if a.asJSON {
					return a.printLine(r)
				}
				a.say("%s has the events up to %d.", printable(r.Name), r.Through)
				return nil
			})
		},
	}
}

func (a *app) eventsReaders() *cobra.Command {
	cmd := &cobra.Command{
		Use: "readers", Short: "Show the systems that follow the events", Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var page record.ReaderPage
				if err := c.call(cmd.Context(), "GET", "readers", nil, &page); err != nil {
					return err
				}
				return a.printReaders(page.Items)
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "rm NAME", Short: "Forget a system that no longer follows the events", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var changed record.Changed
				err := c.call(cmd.Context(), "DELETE", "readers/"+url.PathEscape(args[0]), nil, &changed)
				switch {
				case errors.Is(err, store.ErrNotFound):
					return fmt.Errorf("no system %q follows the events: `offramp events readers` lists them", args[0])
				case err != nil:
					return err
				case a.asJSON:
					return a.printLine(changed)
				}
				a.say("Forgot %s.", printable(args[0]))
				return nil
			})
		},
	})
	return cmd
}

func (a *app) printReaders(all []record.Reader) error {
	if a.asJSON {
		for _, r := range all {
			if err := a.printLine(r); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		a.say("No system follows the events: `offramp events ack` records one.")
		return nil
	}
	rows := [][]string{{"NAME", "THROUGH", "SINCE"}}
	for _, r := range all {
		rows = append(rows, []string{r.Name, strconv.FormatInt(r.Through, 10), r.Since.UTC().Format(time.RFC3339)})
	}
	return a.printTable(rows)
}
