package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) apikeyCommand() *cobra.Command {
	return group("apikey", "Create, show and revoke API keys", a.apikeyCreate(), a.apikeyList(), a.apikeyRevoke())
}

func (a *app) apikeyCreate() *cobra.Command {
	var q record.NewAPIKey
	var expires string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create an API key and print it, this once", Args: exactly("NAME"),
		Long: "Create an API key and print it. The key is kept nowhere: who loses it creates\n" +
			"another one. NAME is in the records that the key makes.\n" +
			"\n" +
			"The scope read sees what is recorded, write also changes what people get, and\n" +
			"admin what the server does. A key for some lists (--list) sees and changes only\n" +
			"what is recorded about those.",
		Example: "  offramp apikey create shop --scope write\n" +
			"  offramp apikey create agency --scope write --list news.example.com --expires 2030-03-31",
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if q.Expires, err = lastMoment("--expires", expires); err != nil {
				return err
			}
			q.Name = args[0]
			return a.operate(cmd.Context(), func(c *client) error {
				var key record.CreatedAPIKey
				if err := c.call(cmd.Context(), "POST", "apikeys", q, &key); err != nil {
					return err
				}
				if a.asJSON {
					return a.printLine(key)
				}
				a.print("%s", key.Key)
				a.say("This key is shown once. `offramp apikey revoke %s` ends it.", key.ID)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&q.Scope, "scope", "read", "what it may do: read, write or admin")
	cmd.Flags().StringSliceVar(&q.Lists, "list", nil, "only for this `LIST`; may be repeated; default: for everything")
	cmd.Flags().StringVar(&expires, "expires", "", "end by itself after this `DATE` (UTC), or at this time (RFC 3339); default: never")
	return cmd
}

func (a *app) apikeyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show all API keys, without the keys themselves", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var page record.APIKeyPage
				if err := c.call(cmd.Context(), "GET", "apikeys", nil, &page); err != nil {
					return err
				}
				return a.printKeys(page.Items)
			})
		},
	}
}

func (a *app) printKeys(all []record.APIKey) error {
	if a.asJSON {
		for _, k := range all {
			if err := a.printLine(k); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		a.say("There are no API keys: `offramp apikey create` makes one.")
		return nil
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	rows := [][]string{{"ID", "NAME", "SCOPE", "STATE", "CREATED", "LAST USED", "EXPIRES", "LISTS"}}
	for _, k := range all {
		rows = append(rows, []string{
			k.ID, k.Name, k.Scope, k.State, k.Created.UTC().Format(time.DateOnly), moment(k.Used), moment(k.Expires), cmp.Or(strings.Join(k.Lists, ", "), "all"),
		})
	}
	return a.printTable(rows)
}

func (a *app) apikeyRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End an API key at once", Args: exactly("ID"),
		Long: "End an API key at once, on every node. ID is what `offramp apikey list` shows,\n" +
			"or the key itself.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				var changed record.Changed
				err := c.call(cmd.Context(), "DELETE", "apikeys/"+url.PathEscape(keyID(args[0])), nil, &changed)
				switch {
				case errors.Is(err, store.ErrNotFound):
					return fmt.Errorf("there is no API key with this ID: `offramp apikey list` shows all")
				case err != nil:
					return err
				case a.asJSON:
					return a.printLine(changed)
				case changed.Changed == 0:
					a.say("It was revoked before.")
				default:
					a.say("Revoked. Requests with this key are refused from now on.")
				}
				return nil
			})
		},
	}
}

// keyID is the part of a key that names it: the key itself must not be in a path,
// which others may log.
func keyID(text string) string {
	rest, isKey := strings.CutPrefix(text, "offramp_")
	if !isKey {
		return text
	}
	id, _, _ := strings.Cut(rest, "_")
	return id
}
