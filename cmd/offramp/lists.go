package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) listsCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "list", Short: "Show the lists people can unsubscribe from", Args: exactly(), RunE: a.runLists,
	}
	cmd := &cobra.Command{
		Use: "lists", Short: "Show and describe the lists people can unsubscribe from", Args: unknownCommand, RunE: a.runLists,
		Long: "Show and describe the lists people can unsubscribe from. A list is created by\n" +
			"its first message, or by `offramp lists add`.\n" +
			"\n" +
			"A public list is shown on everybody's page, others to people who get their mail.\n" +
			"A third-party list is not sent to people who opted out of data sharing.",
	}
	cmd.AddCommand(show, a.listsAdd(), a.listsSet())
	return cmd
}

func (a *app) runLists(cmd *cobra.Command, _ []string) error {
	return a.operate(cmd.Context(), func(c *client) error {
		var page record.ListPage
		if err := c.call(cmd.Context(), "GET", "lists", nil, &page); err != nil {
			return err
		}
		all := page.Items
		if a.asJSON {
			for _, l := range all {
				if err := a.printLine(l); err != nil {
					return err
				}
			}
			return nil
		}
		if len(all) == 0 {
			a.say("There are no lists yet: a list is created by its first message.")
			return nil
		}
		rows := [][]string{{"LIST", "KIND", "SHOWN", "LANGUAGE", "SINCE", "NAME", "SENDER", "DESCRIPTION", "FOOTER"}}
		for _, l := range all {
			rows = append(rows, []string{
				l.ID, kindOf(l), shownTo(l), cmp.Or(l.Language, "-"), l.Created.Format(time.DateOnly), l.Name, l.Sender, l.Description, l.Footer,
			})
		}
		return a.printTable(rows)
	})
}

func kindOf(l record.List) string {
	switch {
	case l.Transactional:
		return "transactional"
	case l.ThirdParty:
		return "third-party"
	}
	return "bulk"
}

func shownTo(l record.List) string {
	if l.Public {
		return "public"
	}
	return "hidden"
}

// listFlags are what can be said of a list.
type listFlags struct {
	texts map[string]*string
	marks map[string]*bool
}

func newListFlags(flags *pflag.FlagSet) listFlags {
	f := listFlags{texts: map[string]*string{}, marks: map[string]*bool{}}
	for name, usage := range map[string]string{
		"name": "name people see", "description": "one plain sentence people see", "sender": "name of the sender, as people know it",
		"footer": "one line at the foot of the list's page, e.g. an imprint", "language": "language of its mail, e.g. de or pt-BR",
	} {
		f.texts[name] = flags.String(name, "", usage)
	}
	for name, usage := range map[string]string{
		"transactional": "exempt: nobody can opt out of it", "public": "shown on everybody's page; --public=false: only to people who get its mail",
		"third-party": "sent for others: not to people who opted out of data sharing",
	} {
		f.marks[name] = flags.Bool(name, false, usage)
	}
	return f
}

// patch holds the flags that were given.
func (f listFlags) patch(flags *pflag.FlagSet) record.ListPatch {
	text := func(name string) *string {
		if !flags.Changed(name) {
			return nil
		}
		return f.texts[name]
	}
	mark := func(name string) *bool {
		if !flags.Changed(name) {
			return nil
		}
		return f.marks[name]
	}
	return record.ListPatch{
		Name: text("name"), Description: text("description"), Sender: text("sender"), Footer: text("footer"), Language: text("language"),
		Transactional: mark("transactional"), Public: mark("public"), ThirdParty: mark("third-party"),
	}
}

func (a *app) listsAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add ID", Short: "Add a list before its first message", Args: exactly("ID"),
		Example: "  offramp lists add offers.example.org --name Offers --public",
	}
	f := newListFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.operate(cmd.Context(), func(c *client) error {
			var l record.List
			if err := c.call(cmd.Context(), "POST", "lists", record.NewList{ID: args[0], ListPatch: f.patch(cmd.Flags())}, &l); err != nil {
				return err
			}
			return a.listDone("Added", l)
		})
	}
	return cmd
}

func (a *app) listsSet() *cobra.Command {
	cmd := &cobra.Command{
		Use: "set ID", Short: "Name, describe, show or exempt a list", Args: exactly("ID"),
		Example: "  offramp lists set letter.example.org --name 'The Letter' --description 'One mail a month.'\n" +
			"  offramp lists set receipts.example.org --transactional",
	}
	f := newListFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		patch := f.patch(cmd.Flags())
		if patch == (record.ListPatch{}) {
			return fault("lists set: nothing to set: give --name, --description, --sender, --footer, --language, --public, --third-party or --transactional")
		}
		return a.operate(cmd.Context(), func(c *client) error {
			var l record.List
			err := c.call(cmd.Context(), "PATCH", "lists/"+url.PathEscape(args[0]), patch, &l)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("there is no list %q: `offramp lists` shows them, `offramp lists add` adds one", args[0])
			}
			if err != nil {
				return err
			}
			return a.listDone("Changed", l)
		})
	}
	return cmd
}

func (a *app) listDone(done string, l record.List) error {
	if a.asJSON {
		return a.printLine(l)
	}
	a.say("%s %s.", done, l.ID)
	return nil
}
