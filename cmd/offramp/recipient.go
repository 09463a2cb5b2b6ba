package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) recipientCommand() *cobra.Command {
	return group("recipient", "Show, change and erase what is stored about a person", a.recipientShow(), a.recipientChoose(), a.recipientErase())
}

// recipientPath is the API's path of the person an argument names.
func (a *app) recipientPath(args []string) (string, error) {
	addresses, err := a.addresses(args[:1], anyTarget)
	if err != nil {
		return "", err
	}
	if len(addresses) != 1 {
		return "", fault("invalid mail address %q", args[0])
	}
	return "recipients/" + url.PathEscape(addresses[0]), nil
}

func (a *app) recipientShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ADDRESS", Short: "Show everything stored about a person", Args: exactly("ADDRESS"),
		Long: "Show everything stored about a person: choices, suppressions, what was sent when.\n" +
			"The history is in `offramp events --recipient ADDRESS`, what became of each message\nin `offramp messages --to ADDRESS`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.recipientPath(args)
			if err != nil {
				return err
			}
			return a.operate(cmd.Context(), func(c *client) error {
				var r record.Person
				if err := c.call(cmd.Context(), "GET", path, nil, &r); err != nil {
					return err
				}
				return a.printRecipient(r)
			})
		},
	}
}

func (a *app) printRecipient(r record.Person) error {
	if a.asJSON {
		return a.printJSON(r)
	}
	if r.Erased {
		a.print("This person was erased; the choices are kept under the hash %s.", printable(r.Recipient))
	}
	if r.Damaged {
		a.print("Records of this person are damaged or lost. What follows is what is legible, and nothing is sent to them until you stop the server and run `%s`.", a.command("repair"))
	}
	if empty(r) && !r.Damaged {
		a.say("Nothing is stored about this address.")
		return nil
	}
	rows := [][]string{{"WHAT", "LIST", "", "SINCE", "BY"}}
	for _, c := range r.Choices {
		rows = append(rows, []string{"choice", listName(c.List), choiceText(c), c.Since.UTC().Format(time.RFC3339), c.Way})
	}
	for _, s := range r.Suppressions {
		rows = append(rows, []string{"suppression", listName(s.List), suppressionText(s, r.Recipient), s.Since.UTC().Format(time.RFC3339), ""})
	}
	if s := r.Sharing; s != nil {
		text := "allowed"
		if s.Refused {
			text = "refused"
		}
		rows = append(rows, []string{"sharing", "", text, s.Since.UTC().Format(time.RFC3339), s.Way})
	}
	for _, c := range r.Contacts {
		text := plural(c.Count, "message") + ", the last " + c.Last.UTC().Format(time.RFC3339)
		rows = append(rows, []string{"mail", listName(c.List), text, c.First.UTC().Format(time.RFC3339), ""})
	}
	for _, t := range r.Targets {
		rows = append(rows, []string{"notified at", listName(t.List), targetHost(t.URI), t.Since.UTC().Format(time.RFC3339), ""})
	}
	if b := r.Bounces; b != nil {
		text := strconv.FormatInt(b.Count, 10) + " soft, the last " + b.Last.UTC().Format(time.RFC3339)
		rows = append(rows, []string{"bounces", "", text, b.First.UTC().Format(time.RFC3339), ""})
	}
	return a.printTable(rows)
}

// empty says whether nothing is stored about a person but, perhaps, events.
func empty(r record.Person) bool {
	return !r.Erased && r.Sharing == nil && r.Bounces == nil && len(r.Choices)+len(r.Suppressions)+len(r.Contacts)+len(r.Targets) == 0
}

// targetHost is where a target is; the rest of it may be a secret of the person's.
func targetHost(uri string) string {
	if address, ok := strings.CutPrefix(uri, "mailto:"); ok {
		address, _, _ = strings.Cut(address, "?")
		return "mail to " + address[strings.LastIndexByte(address, '@')+1:]
	}
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// suppressionText says why mail is stopped, by what pattern and until when.
func suppressionText(s record.Suppression, recipient string) string {
	text := s.Reason
	if s.Recipient != recipient {
		text += " for " + s.Recipient
	}
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format(time.RFC3339)
	}
	return strings.TrimSpace(text + " " + s.Note)
}

func listName(id string) string {
	if id == store.AllLists {
		return "(all)"
	}
	return id
}

func choiceText(c record.Choice) string {
	text := c.State
	if !c.Until.IsZero() {
		text += " until " + c.Until.UTC().Format(time.RFC3339)
	}
	if c.Every != "" {
		text += ", at most one a " + c.Every
	}
	return text
}

// chooseFlags are what recipient choose was told.
type chooseFlags struct {
	list, state, until, every, sharing string
	days                               int
}

func (a *app) recipientChoose() *cobra.Command {
	var f chooseFlags
	cmd := &cobra.Command{
		Use: "choose ADDRESS", Short: "Record a choice that a person asked you for", Args: exactly("ADDRESS"),
		Long: "Record a choice that a person asked you for, as their own choice. The event names\n" +
			"you, the operator, as its channel.",
		Example: "  offramp recipient choose ada@example.org --list letter.example.org --state paused --days 30\n" +
			"  offramp recipient choose ada@example.org --state limited --every week\n" +
			"  offramp recipient choose ada@example.org --sharing refused",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.recipientPath(args)
			if err != nil {
				return err
			}
			choose, err := f.choose(a.now())
			if err != nil {
				return err
			}
			return a.operate(cmd.Context(), func(c *client) error {
				var chosen record.Chosen
				if err := c.call(cmd.Context(), "POST", path+"/choices", choose, &chosen); err != nil {
					return err
				}
				switch {
				case a.asJSON:
					return a.printLine(chosen)
				case len(chosen.Events) == 0:
					a.say("unchanged %s", printable(args[0]))
				default:
					a.say("recorded %s", printable(args[0]))
				}
				return nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.list, "list", "", "only for this list (default: all lists)")
	flags.StringVar(&f.state, "state", "", "subscribed, unsubscribed, paused or limited")
	flags.StringVar(&f.until, "until", "", "end of a pause: 2026-12-24 or 2026-12-24T18:00:00Z")
	flags.IntVar(&f.days, "days", 0, "end of a pause, so many days from now")
	flags.StringVar(&f.every, "every", "", "at most one message a day, week or month; with a pause, what applies afterwards")
	flags.StringVar(&f.sharing, "sharing", "", "refused or allowed: whether the person's data may be shared")
	return cmd
}

func (f chooseFlags) choose(now time.Time) (record.Choose, error) {
	var c record.Choose
	switch f.sharing {
	case "":
	case "refused", "allowed":
		refused := f.sharing == "refused"
		c.RefuseSharing = &refused
	default:
		return c, fault("--sharing: invalid value %q: want refused or allowed", f.sharing)
	}
	if f.state == "" {
		if c.RefuseSharing == nil || f.list != "" || f.until != "" || f.days != 0 || f.every != "" {
			return c, fault("recipient choose: nothing to record: give --state or --sharing")
		}
		return c, nil
	}
	wish := record.Wish{List: f.list, State: f.state, Every: f.every}
	switch {
	case f.until != "" && f.days != 0:
		return c, fault("--until and --days: only one of them can end a pause")
	case f.days < 0:
		return c, fault("--days: %d is in the past", f.days)
	case f.days > 0:
		wish.Until = now.UTC().AddDate(0, 0, f.days)
	case f.until != "":
		var err error
		if wish.Until, err = parseMoment(f.until); err != nil {
			return c, fault("--until: %q: write 2026-12-24 or 2026-12-24T18:00:00Z", f.until)
		}
	}
	c.Choices = []record.Wish{wish}
	return c, nil
}

// parseMoment reads a time, or a day, which stands for its beginning in UTC.
func parseMoment(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

func (a *app) recipientErase() *cobra.Command {
	var yes, noWait bool
	cmd := &cobra.Command{
		Use: "erase ADDRESS", Short: "Erase a person: address, history and evidence", Args: exactly("ADDRESS"),
		Long: "Erase a person: address, history, evidence and queued list mail, for good. What\n" +
			"stays is a keyed hash, unsubscribed from all lists, so that neither an import nor\n" +
			"a sender can bring the person back. It cannot be undone. Of an address about\n" +
			"which nothing is held, that hash is all: no list can send it mail any more.\n\n" +
			"Erased records are gone at once. Their last copies on the disk are overwritten in\n" +
			"the background, within OFFRAMP_ERASE_WITHIN; the command waits for that.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.recipientPath(args)
			if err != nil {
				return err
			}
			if err := a.confirmErasure(cmd.Context(), path, yes); err != nil {
				return err
			}
			return a.operate(cmd.Context(), func(c *client) error {
				var erased record.Erased
				if err := c.call(cmd.Context(), "DELETE", path, nil, &erased); err != nil {
					return err
				}
				if a.asJSON {
					if err := a.printLine(erased); err != nil {
						return err
					}
				} else {
					a.say("Erased. The choices are kept under the hash %s.", printable(erased.Recipient))
				}
				return a.overwritten(cmd.Context(), c, erased.Scrub, !noWait)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until the last copies on the disk are overwritten; without a running server that is done by the next one")
	return cmd
}

// confirmErasure asks before a person is erased. Where nothing is held, all that
// comes of it is that the address is blocked: somebody may have mistyped it.
func (a *app) confirmErasure(ctx context.Context, path string, yes bool) error {
	address, err := url.PathUnescape(strings.TrimPrefix(path, "recipients/"))
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Erase %s for good?", printable(address))
	if !yes && !a.inputTTY {
		return a.confirm(question, yes)
	}
	held := false
	err = a.operate(ctx, func(c *client) error {
		var r record.Person
		if err := c.call(ctx, "GET", path, nil, &r); err != nil {
			return err
		}
		var page record.EventPage
		if err := c.call(ctx, "GET", "events?limit=1&recipient="+url.QueryEscape(address), nil, &page); err != nil {
			return err
		}
		var mail record.MessagePage
		if err := c.call(ctx, "GET", "messages?limit=1&to="+url.QueryEscape(address), nil, &mail); err != nil {
			return err
		}
		held = !empty(r) || len(page.Items) > 0 || len(mail.Items) > 0
		return nil
	})
	if err != nil {
		return err
	}
	if !held {
		a.say("Nothing was held about %s.", printable(address))
		question = "Block the address all the same, so that no list can send it mail?"
	}
	return a.confirm(question, yes)
}

// confirm asks before something that cannot be taken back. Where nobody can be
// asked, --yes is needed.
func (a *app) confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !a.inputTTY {
		return fault("%s There is no terminal to ask on: add --yes", question)
	}
	fmt.Fprintf(a.stderr, "%s Type yes: ", question)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != "yes" {
		a.say("Nothing was changed.")
		return silent{exitFailed}
	}
	return nil
}
