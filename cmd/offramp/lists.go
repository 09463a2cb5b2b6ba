package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/admin"
	"offramp/store"
)

func (a *app) listsCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "list", Short: "Show the lists people can leave", Args: exactly(), RunE: a.runLists,
	}
	cmd := &cobra.Command{
		Use: "lists", Short: "Show and describe the lists people can leave", Args: unknownCommand, RunE: a.runLists,
		Long: "Show and describe the lists people can leave. A list comes into being when\n" +
			"the first message for it is seen.",
	}
	cmd.AddCommand(show, a.listsSet())
	return cmd
}

func (a *app) runLists(cmd *cobra.Command, _ []string) error {
	return a.operate(cmd.Context(), func(c *client) error {
		var page admin.ListPage
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
			a.say("There are no lists yet: a list comes into being with its first message.")
			return nil
		}
		rows := [][]string{{"LIST", "KIND", "SINCE", "NAME", "DESCRIPTION"}}
		for _, l := range all {
			kind := "bulk"
			if l.Transactional {
				kind = "transactional"
			}
			rows = append(rows, []string{l.ID, kind, l.Created.Format(time.DateOnly), l.Name, l.Description})
		}
		return a.printTable(rows)
	})
}

func (a *app) listsSet() *cobra.Command {
	var name, description string
	var transactional bool
	cmd := &cobra.Command{
		Use: "set ID", Short: "Name, describe or exempt a list", Args: exactly("ID"),
		Example: "  offramp lists set letter.example.org --name 'The Letter' --description 'One mail a month.'\n" +
			"  offramp lists set receipts.example.org --transactional",
	}
	flags := cmd.Flags()
	flags.StringVar(&name, "name", "", "name people see")
	flags.StringVar(&description, "description", "", "one plain sentence people see")
	flags.BoolVar(&transactional, "transactional", false, "exempt: nobody opts out of it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !flags.Changed("name") && !flags.Changed("description") && !flags.Changed("transactional") {
			return fault("lists set: say what to set: --name, --description or --transactional")
		}
		var patch admin.ListPatch
		if flags.Changed("name") {
			patch.Name = &name
		}
		if flags.Changed("description") {
			patch.Description = &description
		}
		if flags.Changed("transactional") {
			patch.Transactional = &transactional
		}
		return a.operate(cmd.Context(), func(c *client) error {
			var l admin.List
			err := c.call(cmd.Context(), "PATCH", "lists/"+url.PathEscape(args[0]), patch, &l)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("there is no list %q: `offramp lists` shows them", args[0])
			}
			if err != nil {
				return err
			}
			if a.asJSON {
				return a.printLine(l)
			}
			a.say("Changed %s.", l.ID)
			return nil
		})
	}
	return cmd
}
