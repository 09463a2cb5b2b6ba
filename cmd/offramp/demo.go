package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"offramp/store"
)

func (a *app) demoCommand() *cobra.Command {
	var keep, script bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Try it all on this machine, with nothing to set up", Args: exactly(),
		Long: "Run Offramp with made-up keys and a next hop of its own, send a newsletter to\n" +
			"three people, and show what each of them gets. Everything stays on loopback.\n" +
			"With --script it runs unattended and checks every step.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), keep, script)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the folder with keys and data, and print how to serve from it")
	cmd.Flags().BoolVar(&script, "script", false, "run unattended and check each step; exits 0 or reports what failed")
	return cmd
}

func (a *app) demo(ctx context.Context, keep, script bool) (err error) {
	// Until the folder with its keys is gone, no further signal ends the process:
	// where a whole process group is ended, make passes its own signal on too.
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer release()
	dir, err := os.MkdirTemp("", "offramp-demo-")
	if err != nil {
		return fmt.Errorf("demo: %s", plainPathError(err))
	}
	defer func() {
		if keep {
			a.say("\nKept %s. Set OFFRAMP_NEXT_HOP in %s/.env, then: offramp serve --env-file %s/.env", dir, dir, dir)
			return
		}
		if removeErr := os.RemoveAll(dir); removeErr != nil && (err == nil || ctx.Err() != nil) {
			err = removeErr
		}
	}()
	err = a.runDemo(ctx, dir, script)
	if err != nil && ctx.Err() != nil { // whatever was under way failed for that reason
		a.say("The demo was stopped.")
		err = silent{exitFailed}
	}
	return err
}

// runDemo runs the demo in dir until it is done.
func (a *app) runDemo(ctx context.Context, dir string, script bool) error {
	d, err := a.startDemo(ctx, dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { defer stop(); return d.gateway.Run(ctx) })
	group.Go(func() error { defer stop(); return d.serveWeb(ctx) })
	group.Go(func() error {
		defer stop()
		if script {
			return d.play(ctx)
		}
		return d.show(ctx)
	})
	err = group.Wait()
	if closeErr := d.close(); err == nil {
		err = closeErr
	}
	return err
}

// show sends the first issue, explains it, and does what the person at the
// keyboard asks for until the end.
func (d *demo) show(ctx context.Context) error {
	if err := d.sendIssue(ctx); err != nil {
		return err
	}
	letters, err := d.await(ctx, len(people))
	if err != nil {
		return err
	}
	if err := d.explain(letters); err != nil {
		return err
	}
	keys := d.keys(ctx)
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			d.app.say("\nThe demo ends.")
			return nil
		case <-look.C:
			if err := d.news(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case key, ok := <-keys:
			if !ok {
				keys = nil // no keyboard: until a signal comes
				continue
			}
			if end, err := d.press(ctx, key); end || err != nil {
				return err
			}
		}
	}
}

// keys reads one letter a line. Its goroutine ends with the input or, since a
// read of a terminal cannot be called off, with the process.
func (d *demo) keys(ctx context.Context) <-chan string {
	keys := make(chan string)
	go func() {
		defer close(keys)
		in := bufio.NewScanner(d.app.stdin)
		for in.Scan() {
			select {
			case keys <- strings.ToLower(strings.TrimSpace(in.Text())):
			case <-ctx.Done():
				return
			}
		}
	}()
	return keys
}

// press does what a key asks for.
func (d *demo) press(ctx context.Context, key string) (end bool, err error) {
	switch key {
	case "u":
		return false, d.pressAda(ctx)
	case "s":
		return false, d.sendAgain(ctx)
	case "q":
		return true, nil
	case "":
		return false, nil
	}
	d.app.say("u, s or q, then Enter.")
	return false, nil
}

func (d *demo) pressAda(ctx context.Context) error {
	ada := d.lettersOf(people[0])
	uri := oneClickURI(ada[0].Data)
	answer, err := d.oneClick(ctx, uri)
	if err != nil {
		return err
	}
	d.app.print("  Ada's provider posted List-Unsubscribe=One-Click and was answered %s. Press s to send the next issue.",
		d.app.paint(fmt.Sprint(answer.Status), green))
	return nil
}

// news prints what happened since the last look, also through the browser.
func (d *demo) news(ctx context.Context) error {
	events, err := d.db.Consent().Events(ctx, store.EventFilter{After: d.seen})
	for _, e := range events {
		d.seen = e.ID
		what := string(e.Kind)
		if e.Reason != "" && e.Kind == store.EventDropped {
			what += " (" + string(e.Reason) + ")"
		}
		d.app.print("  %s %s %s, by %s", d.app.paint(e.Time.Local().Format(time.TimeOnly), dim), e.Recipient, what, e.Way)
	}
	return err
}

func (d *demo) sendAgain(ctx context.Context) error {
	before := map[string]int{}
	for _, p := range people {
		before[p.Address] = len(d.lettersOf(p))
	}
	if err := d.sendIssue(ctx); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	for _, p := range people {
		if len(d.lettersOf(p)) > before[p.Address] {
			d.app.print("  %-6s got it", p.Name)
		} else {
			d.app.print("  %-6s %s", p.Name, d.app.paint("not sent: opted out", yellow))
		}
	}
	return nil
}

// lookAgain is how often the demo looks for news.
const lookAgain = 300 * time.Millisecond

// patience is how long the demo waits for mail to pass through.
const patience = 20 * time.Second
