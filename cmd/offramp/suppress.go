package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/envelope"
	"offramp/gateway/exchange"
	"offramp/gateway/record"
	"offramp/store"
)

// suppressFlags are what the suppress commands share.
type suppressFlags struct {
	list   string
	reason string
	note   string
	until  string
}

func (f *suppressFlags) register(cmd *cobra.Command, reason, usage string) {
	cmd.Flags().StringVar(&f.list, "list", "", "only for this list (default: all lists)")
	cmd.Flags().StringVar(&f.reason, "reason", reason, usage)
}

func (a *app) suppressCommand() *cobra.Command {
	return group("suppress", "Show and change suppressions", a.suppressAdd(), a.suppressRm(), a.suppressGet(), a.suppressList(),
		a.suppressExport(), a.suppressImport())
}

func (a *app) suppressAdd() *cobra.Command {
	var f suppressFlags
	cmd := &cobra.Command{
		Use: "add ADDRESS...", Short: "Stop mail to addresses or domains; - reads them from stdin, one per line",
		Long: "Stop mail to addresses. With --reason unsubscribed it is recorded as the\n" +
			"person's own choice, for instance one made by telephone.\n\n" +
			"@example.org is every address of that domain, and *.example.org every address\n" +
			"of the domains below it, at any depth.",
		Example: "  offramp suppress add ada@example.org --reason complained\n  offramp suppress add - < addresses.txt\n" +
			"  offramp suppress add @example.org '*.example.org' --until 2030-03-31",
		RunE: func(cmd *cobra.Command, args []string) error {
			until, err := lastMoment("--until", f.until)
			if err != nil {
				return err
			}
			return a.suppressEach(cmd.Context(), args, suppressed.narrow, func(c *client, address string) (int, error) {
				var changed record.Changed
				err := c.call(cmd.Context(), "POST", "suppressions",
					record.Suppress{Recipient: address, List: f.list, Reason: f.reason, Note: f.note, Until: until}, &changed)
				return changed.Changed, err
			}, "suppressed")
		},
	}
	f.register(cmd, string(store.ReasonManual), "manual, bounced, complained or unsubscribed")
	cmd.Flags().StringVar(&f.note, "note", "", "note for the record")
	cmd.Flags().StringVar(&f.until, "until", "", "end by itself after this `DATE` (UTC), or at this time (RFC 3339); default: never")
	return cmd
}

func (a *app) suppressRm() *cobra.Command {
	var f suppressFlags
	cmd := &cobra.Command{
		Use: "rm ADDRESS...", Short: "End suppressions; - reads addresses or domains from stdin, one per line",
		Long: "End suppressions. A person's own opt-out stays, unless --reason unsubscribed\n" +
			"names it: do that only when the person asked for it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.suppressEach(cmd.Context(), args, anyTarget, func(c *client, address string) (int, error) {
				var result record.Unsuppressed
				err := c.call(cmd.Context(), "DELETE",
					"suppressions"+pairs("recipient", address, "list", f.list, "reason", f.reason), nil, &result)
				if err == nil && len(result.Remaining) > 0 {
					a.say("%s still gets no mail of some lists: see `offramp suppress get`", printable(address))
				}
				return result.Changed, err
			}, "removed")
		},
	}
	f.register(cmd, "", "only this reason: manual, bounced, complained, unsubscribed or unsubscribed-all (default: all but the person's own choice)")
	return cmd
}

// suppressEach applies a change to every address. All addresses are read before
// the first change, so that a typing mistake changes nothing.
func (a *app) suppressEach(ctx context.Context, args []string, allowed func(suppressed) error, change func(*client, string) (int, error), done string) error {
	addresses, err := a.addresses(args, allowed)
	if err != nil {
		return err
	}
	return a.operate(ctx, func(c *client) error {
		for _, address := range addresses {
			n, err := change(c, address)
			if err != nil {
				return err
			}
			switch {
			case a.asJSON:
				if err := a.printLine(map[string]any{"recipient": address, "changed": n}); err != nil {
					return err
				}
			case n > 0:
				a.say("%s %s", done, printable(address))
			default:
				a.say("unchanged %s", printable(address))
			}
		}
		return nil
	})
}

// addresses reads the arguments, or stdin, and returns every fault, also those
// that allowed finds.
func (a *app) addresses(args []string, allowed func(suppressed) error) ([]string, error) {
	if len(args) == 0 {
		return nil, fault("suppress: ADDRESS is missing")
	}
	if len(args) == 1 && args[0] == "-" {
		args = nil
		in := bufio.NewScanner(a.stdin)
		for in.Scan() {
			if line := strings.TrimSpace(in.Text()); line != "" && line[0] != '#' {
				args = append(args, exchange.Unguarded(line))
			}
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
	}
	var faults []error
	for _, text := range args {
		s, err := parseTarget(text)
		if err == nil {
			err = allowed(s)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	return args, errors.Join(faults...)
}

// suppressed names what a suppression stops: an address or a pattern.
type suppressed struct {
	address envelope.Address
	pattern envelope.Pattern
}

func parseTarget(text string) (s suppressed, err error) {
	if envelope.LikePattern(text) {
		if s.pattern, err = envelope.ParsePattern(text); err != nil {
			return s, fault("invalid pattern %q: write @example.org, or *.example.org for the domains below it", shortened(text))
		}
		return s, nil
	}
	if s.address, err = envelope.Parse(text); err != nil || s.address.IsNull() {
		return s, fault("invalid mail address %q", shortened(text))
	}
	return s, nil
}

// narrow refuses a pattern that takes in the domains of many.
func (s suppressed) narrow() error {
	if s.pattern.Public() {
		return fault("%s: %v", strings.Replace(s.pattern.Key(), "@*.", "*.", 1), envelope.ErrPublic)
	}
	return nil
}

// anyTarget allows all: what was recorded once can be shown and ended.
func anyTarget(suppressed) error { return nil }

func (s suppressed) String() string {
	if key := s.pattern.Key(); key != "" {
		return key
	}
	return s.address.Literal()
}

func (a *app) suppressGet() *cobra.Command {
	return &cobra.Command{
		Use: "get ADDRESS", Short: "Show what stops mail to an address or domain; exits 1 when nothing does", Args: exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			addresses, err := a.addresses(args, anyTarget)
			if err != nil {
				return err
			}
			found, err := a.showSuppressions(cmd.Context(), pairs("recipient", addresses[0]), 0)
			if err == nil && found == 0 {
				a.say("Nothing stops mail to this address.")
				return silent{exitFailed}
			}
			return err
		},
	}
}

func (a *app) suppressList() *cobra.Command {
	var f suppressFlags
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List all suppressions", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return fault("--limit: %d is negative", limit)
			}
			_, err := a.showSuppressions(cmd.Context(), pairs("list", f.list, "reason", f.reason), limit)
			return err
		},
	}
	f.register(cmd, "", "only this reason")
	cmd.Flags().Lookup("list").Usage = "only records of this list"
	cmd.Flags().IntVar(&limit, "limit", 0, "at most this many records (default: all)")
	return cmd
}

// showSuppressions prints page after page and returns how many records it
// found. limit 0: all.
func (a *app) showSuppressions(ctx context.Context, query string, limit int) (int, error) {
	var all []record.Suppression
	err := a.operate(ctx, func(c *client) error {
		next := ""
		for {
			path := "suppressions" + query
			if next != "" {
				path += separator(query) + strings.TrimPrefix(pairs("after", next), "?")
			}
			var page record.SuppressionPage
			if err := c.call(ctx, "GET", path, nil, &page); err != nil {
				return err
			}
			all = append(all, page.Items...)
			if next = page.Next; next == "" || limit > 0 && len(all) >= limit {
				return nil
			}
		}
	})
	if err != nil {
		return 0, err
	}
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return len(all), a.printSuppressions(all)
}

func separator(query string) string {
	if query == "" {
		return "?"
	}
	return "&"
}

func (a *app) printSuppressions(all []record.Suppression) error {
	if a.asJSON {
		for _, s := range all {
			if err := a.printLine(s); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		return nil
	}
	rows := [][]string{{"ADDRESS", "LIST", "REASON", "SINCE", "UNTIL", "BY", "NOTE"}}
	for _, s := range all {
		list := s.List
		if list == store.AllLists {
			list = "(all)"
		}
		until := ""
		if !s.Until.IsZero() {
			until = s.Until.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{s.Recipient, list, s.Reason, s.Since.Format(time.DateOnly), until, s.Way, s.Note})
	}
	return a.printTable(rows)
}

// shortened is a text for a message.
func shortened(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
