package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/api"
	"offramp/gateway/exchange"
	"offramp/gateway/record"
)

// exportFlags are what suppress export was told.
type exportFlags struct{ format, hash, list, reason string }

func (a *app) suppressExport() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use: "export", Short: "Export all suppressions, for `suppress import`, another system or partners", Args: exactly(),
		Long: "Export everything that stops mail: opt-outs, pauses that have not ended, and\n" +
			"other suppressions. In the formats csv and json nothing is lost, and\n" +
			"`offramp suppress import` reads it again.\n\n" +
			"The other formats are for leaving Offramp: one line for an address, with the\n" +
			"strongest reason that the file has a word for. SendGrid and Mailgun take a file\n" +
			"for each kind. With --list, everybody is in it who gets no mail of that list;\n" +
			"without, only what is for all lists, so that nobody loses more than they left.\n" +
			"What has no place in the file is counted on stderr.\n\n" +
			"With --hash sha256, partners can match their own addresses: each hash is the\n" +
			"SHA-256 of the address in lower case. With --hash keyed nobody can guess\n" +
			"addresses; only you can see which lines are about the same person. Notes are left\n" +
			"out of hashed exports. Erased people are known by their keyed hash only, and so\n" +
			"are in that export only.\n\n" +
			"In CSV a cell that a spreadsheet would take for a formula has a ' in front.",
		Example: "  offramp suppress export > people.csv\n  offramp suppress export --format sendgrid-bounces > bounces.csv\n" +
			"  offramp suppress export --hash sha256 --list offers.example.org > partner.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.asJSON {
				f.format = string(exchange.JSON)
			}
			if !slices.Contains(exchange.WriteFormats(), f.format) {
				return fault("--format: invalid value %q: want %s", shortened(f.format), strings.Join(exchange.WriteFormats(), ", "))
			}
			if f.hash != exchange.HashNone && f.hash != exchange.HashSHA256 && f.hash != exchange.HashKeyed {
				return fault("--hash: invalid value %q: want none, sha256 or keyed", shortened(f.hash))
			}
			query := pairs("format", f.format, "hash", f.hash, "reason", f.reason)
			if cmd.Flags().Changed("list") { // be it the empty one
				query += "&list=" + url.QueryEscape(f.list)
			}
			return a.operate(cmd.Context(), func(c *client) error { return a.export(cmd.Context(), c, query) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", string(exchange.CSV), strings.Join(exchange.WriteFormats(), ", "))
	flags.StringVar(&f.hash, "hash", exchange.HashNone, "how people are named in csv, json and plain: none (by address), sha256 or keyed")
	flags.StringVar(&f.list, "list", "", "only records of this list; '': those of all lists")
	flags.StringVar(&f.reason, "reason", "", "only this reason: unsubscribed, paused, manual, bounced or complained")
	return cmd
}

// export writes the file as it comes.
func (a *app) export(ctx context.Context, c *client, query string) error {
	left, err := c.download(ctx, "exports"+query, a.stdout)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		n    int64
		what string
	}{
		{left.Erased, "of erased people; --hash keyed includes them"},
		{left.Wide, "of whole domains, for which the file has no place"},
		{left.Lists, "of single lists; --list names one"},
		{left.Other, "with a reason for which the file has no word"},
		{left.Weaker, "of addresses that are in the file with another record"},
	} {
		if part.n > 0 {
			a.say("Left out: %s %s.", plural(part.n, "record"), part.what)
		}
	}
	return nil
}

// slow is the connection to the server without its limit of time, which is for answers
// that come at once.
func (c *client) slow() http.Client {
	over := c.http
	over.Timeout = 0
	return over
}

// upload sends a file.
func (c *client) upload(ctx context.Context, path string, file io.Reader, out any) error {
	resp, err := c.send(ctx, c.slow(), http.MethodPost, path, "application/octet-stream", io.NopCloser(file))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// download writes a file, and returns what is not in it.
func (c *client) download(ctx context.Context, path string, to io.Writer) (left record.LeftOut, err error) {
	resp, err := c.send(ctx, c.slow(), http.MethodGet, path, "", http.NoBody)
	if err != nil {
		return left, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(to, resp.Body); err != nil {
		return left, errors.Join(errors.New("the export broke off, and is not whole"), err)
	}
	if err := json.Unmarshal([]byte(resp.Trailer.Get(api.LeftHeader)), &left); err != nil {
		return left, errors.New("the export is not whole: its end is missing")
	}
	return left, nil
}
