package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
)

func (a *app) clockCommand() *cobra.Command {
	return group("clock", "Show whether the machine's clock is believed, and accept it", a.clockShow(), a.clockAccept())
}

func (a *app) clockShow() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what the clock says and what the server has seen; exits 1 when the clock is not believed", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				s, err := c.clock(cmd.Context(), "GET")
				if err != nil {
					return err
				}
				if err := a.printClock(s); err != nil || s.Off == 0 {
					return err
				}
				return silent{exitFailed}
			})
		},
	}
}

func (a *app) clockAccept() *cobra.Command {
	return &cobra.Command{
		Use: "accept", Short: "Say that the clock is right, after a long stop or a correction", Args: exactly(),
		Long: "Say that the clock of this machine is right. A clock that is further ahead of all\n" +
			"that the server has seen than OFFRAMP_CLOCK_TOLERANCE is not believed: no record\n" +
			"is retired, no queued mail given up, and no pause or limit ends. After a stop that\n" +
			"was longer than that, look at the time and accept it. What is due by then happens\n" +
			"within the hour, and cannot be undone.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				s, err := c.clock(cmd.Context(), "POST")
				if err != nil {
					return err
				}
				return a.printClock(s)
			})
		},
	}
}

// clock asks for the state of the clock, or with POST accepts it.
func (c *client) clock(ctx context.Context, method string) (s record.Clock, err error) {
	err = c.call(ctx, method, "clock", nil, &s)
	return s, err
}

func (a *app) printClock(s record.Clock) error {
	if a.asJSON {
		return a.printLine(s)
	}
	a.print("%s", clockText(s))
	if s.Off != 0 {
		a.say("Set the clock right; where it is right, such as after a long stop: %s", a.command("clock accept"))
	}
	return nil
}

// clockText says in one sentence what is known about the clock.
func clockText(s record.Clock) string {
	off := time.Duration(s.Off * float64(time.Second))
	now := "the clock shows " + s.Now.UTC().Format(time.RFC3339)
	switch {
	case off > 0:
		return now + ", " + days(off) + " ahead of all that this server has seen: no record is retired, no mail given up, and no pause or limit ends"
	case off < 0:
		return now + ", " + days(-off) + " behind what this server has seen"
	}
	return now + " and is believed"
}

// days writes how long something is, in whole days, or exactly where it is short.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return shortDuration(d.Round(time.Minute))
	}
	return plural(int64(d.Round(24*time.Hour)/(24*time.Hour)), "day")
}

// clockSeen asks whether the clock is believed.
func (c *checker) clockSeen(ctx context.Context) {
	var s record.Clock
	err := c.operate(ctx, func(api *client) (err error) {
		s, err = api.clock(ctx, "GET")
		return err
	})
	if err != nil || s.Off == 0 {
		return // no data yet, or reported by other findings
	}
	c.addFinding(finding{State: findFail, What: "clock", Text: clockText(s),
		Do: "set the clock right; where it is right, such as after a long stop, accept it (" + c.app.command("clock accept") + ")"})
}
