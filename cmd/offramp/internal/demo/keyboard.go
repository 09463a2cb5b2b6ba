package demo

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"offramp/cmd/offramp/internal/terminal"
	"offramp/store"
)

// show sends the first issue, explains it, and does what the person at the
// keyboard asks for until the end.
func (d *Demo) show(ctx context.Context) error {
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
			d.Screen.Say("\nThe demo ends.")
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
func (d *Demo) keys(ctx context.Context) <-chan string {
	keys := make(chan string)
	go func() {
		defer close(keys)
		in := bufio.NewScanner(d.In)
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
func (d *Demo) press(ctx context.Context, key string) (end bool, err error) {
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
	d.Screen.Say("u, s or q, then Enter.")
	return false, nil
}

func (d *Demo) pressAda(ctx context.Context) error {
	ada := d.lettersOf(people[0])
	uri := oneClickURI(ada[0].Data)
	answer, err := d.oneClick(ctx, uri)
	if err != nil {
		return err
	}
	d.Screen.Print("  Ada's provider posted List-Unsubscribe=One-Click and was answered %s. Press s to send the next issue.",
		d.Screen.Paint(fmt.Sprint(answer.Status), terminal.Green))
	return nil
}

// news prints what happened since the last look, also through the browser.
func (d *Demo) news(ctx context.Context) error {
	events, err := d.server.Consent.Events(ctx, store.EventFilter{After: d.seen})
	for _, e := range events {
		d.seen = e.ID
		what := string(e.Kind)
		if e.Reason != "" && e.Kind == store.EventDropped {
			what += " (" + string(e.Reason) + ")"
		}
		d.Screen.Print("  %s %s %s, by %s", d.Screen.Paint(e.Time.Local().Format(time.TimeOnly), terminal.Dim), e.Recipient, what, e.Way)
	}
	return err
}

func (d *Demo) sendAgain(ctx context.Context) error {
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
			d.Screen.Print("  %-6s got it", p.Name)
		} else {
			d.Screen.Print("  %-6s %s", p.Name, d.Screen.Paint("not sent: opted out", terminal.Yellow))
		}
	}
	return nil
}

// lookAgain is how often the demo looks for news.
const lookAgain = 300 * time.Millisecond

// patience is how long the demo waits for mail to pass through.
const patience = 20 * time.Second
