package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
)

func (a *app) reportCommand() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "report", Short: "Show how soon opt-outs were in force, against every deadline", Args: exactly(),
		Long: "Show how soon opt-outs were in force, and the oldest opt-out each connected\n" +
			"system has not acknowledged, against the deadlines of Gmail and Yahoo, Australia,\n" +
			"New Zealand, CAN-SPAM and CASL, CCPA and GDPR (--json names the source of each).\n" +
			"Business days are Monday to Friday in the time zone that ends first; holidays\n" +
			"count as business days. It exits 1 when a deadline was missed or is overdue.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return fault("--since: invalid duration %s: write one such as 720h", since)
			}
			var r record.Report
			err := a.operate(cmd.Context(), func(c *client) error {
				return c.call(cmd.Context(), "GET", "report"+pairs("since", timestamp(a.now().Add(-since))), nil, &r)
			})
			if err != nil {
				return err
			}
			if err := a.printReport(r); err != nil {
				return err
			}
			if late(r) {
				return silent{exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&since, "since", 30*24*time.Hour, "how far back to look")
	cmd.AddCommand(a.leaksCommand())
	return cmd
}

// late says whether a deadline was missed or is overdue.
func late(r record.Report) bool {
	if slices.ContainsFunc(r.Deadlines, func(d record.Deadline) bool { return d.Missed > 0 }) {
		return true
	}
	return slices.ContainsFunc(r.Readers, func(b record.ReaderReport) bool {
		return slices.ContainsFunc(b.Due, func(d record.Due) bool { return d.Overdue })
	})
}

func (a *app) printReport(r record.Report) error {
	if a.asJSON {
		return a.printJSON(r)
	}
	a.print("%s from %s to %s", plural(r.OptOuts, "opt-out"), r.Since.Format(time.RFC3339), r.Until.Format(time.RFC3339))
	for _, way := range slices.Sorted(maps.Keys(r.ByWay)) {
		a.print("  by %s: %d", printable(way), r.ByWay[way])
	}
	if r.OptOuts > r.Unrecorded {
		a.print("From received to in force: half within %s, 95 of 100 within %s, the longest %s",
			seconds(r.Median), seconds(r.P95), seconds(r.Longest))
	}
	if r.Unrecorded > 0 {
		a.print("Without a recorded time in force: %d", r.Unrecorded)
	}
	a.print("")
	rows := [][]string{{"DEADLINE", "FOR", "KEPT", "MISSED", "LEAST LEFT"}}
	for _, d := range r.Deadlines {
		left := "-"
		if d.Event != 0 {
			left = fmt.Sprintf("%s (event %d)", seconds(d.Left), d.Event)
		}
		rows = append(rows, []string{d.Name, d.For, strconv.FormatInt(d.Kept, 10), strconv.FormatInt(d.Missed, 10), left})
	}
	if err := a.printTable(rows); err != nil {
		return err
	}
	return a.printBehind(r.Readers)
}

// printBehind shows how far other systems are behind.
func (a *app) printBehind(readers []record.ReaderReport) error {
	if len(readers) == 0 {
		return nil
	}
	a.print("")
	rows := [][]string{{"SYSTEM", "THROUGH", "OLDEST OPT-OUT NOT ACKNOWLEDGED", "DUE"}}
	for _, b := range readers {
		row := []string{b.Name, strconv.FormatInt(b.Through, 10), "none", ""}
		if b.Oldest != 0 {
			row[2] = fmt.Sprintf("event %d, %s old", b.Oldest, seconds(b.Age))
			var due []string
			for _, d := range b.Due {
				text := d.Name + " " + d.At.UTC().Format("2006-01-02T15:04Z")
				if d.Overdue {
					text = d.Name + " OVERDUE"
				}
				due = append(due, text)
			}
			row[3] = strings.Join(due, ", ")
		}
		rows = append(rows, row)
	}
	return a.printTable(rows)
}

// seconds words a number of seconds: exact below a minute, in minutes below two
// days, in days above.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch size := d.Abs(); {
	case size < time.Minute:
		return d.Round(10 * time.Microsecond).String()
	case size < 48*time.Hour:
		return shortDuration(d.Round(time.Minute))
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}
