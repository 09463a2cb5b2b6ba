package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/store"
)

// How an export names people.
const (
	hashNone   = "none"
	hashSHA256 = "sha256"
	hashKeyed  = "keyed"
)

// exported is one line of an export. One of Email, SHA256 and Hash is set.
type exported struct {
	Email   string `json:"email,omitempty"`
	SHA256  string `json:"sha256,omitempty"` // of the address in lower case, as partners compute it
	Hash    string `json:"hash,omitempty"`   // keyed: only this gateway can compute it
	List    string `json:"list"`             // empty: all lists
	Reason  string `json:"reason"`
	Source  string `json:"source"`               // how it came
	Created string `json:"created_at"`           // RFC 3339, UTC
	Expires string `json:"expires_at,omitempty"` // when it ends by itself
	Note    string `json:"note,omitempty"`
	EventID int64  `json:"event_id,omitempty"`
}

// exportFlags are what suppress export was told.
type exportFlags struct{ format, hash, list string }

func (a *app) suppressExport() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use: "export", Short: "Export all suppressions, for `suppress import` or for partners", Args: exactly(),
		Long: "Export everything that stops mail: opt-outs, pauses that have not ended, and\n" +
			"other suppressions. `offramp suppress import` reads it again.\n\n" +
			"With --hash sha256, partners can match their own addresses: each hash is the\n" +
			"SHA-256 of the address in lower case. With --hash keyed nobody can guess\n" +
			"addresses; only you can see which lines are about the same person. Notes are left\n" +
			"out of hashed exports. Erased people are known by their keyed hash only, and so\n" +
			"are in that export only.\n\n" +
			"In CSV a cell that a spreadsheet would take for a formula has a ' in front.",
		Example: "  offramp suppress export > people.csv\n  offramp suppress export --hash sha256 --list offers.example.org > partner.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.asJSON {
				f.format = "json"
			}
			if f.format != "csv" && f.format != "json" {
				return fault("--format: invalid value %q: want csv or json", f.format)
			}
			if f.hash != hashNone && f.hash != hashSHA256 && f.hash != hashKeyed {
				return fault("--hash: invalid value %q: want none, sha256 or keyed", f.hash)
			}
			named := cmd.Flags().Changed("list")
			return a.operate(cmd.Context(), func(c *client) error { return a.export(cmd.Context(), c, f, named) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "csv", "csv, or json: one object per line")
	flags.StringVar(&f.hash, "hash", hashNone, "how people are named: none (by address), sha256 or keyed")
	flags.StringVar(&f.list, "list", "", "only records of this list; '': those of all lists")
	return cmd
}

// export writes page after page; named says that a list was given, be it the
// empty one.
func (a *app) export(ctx context.Context, c *client, f exportFlags, named bool) error {
	out := newExporter(a.stdout, f)
	if err := out.begin(); err != nil {
		return err
	}
	keyed := ""
	if f.hash == hashKeyed {
		keyed = hashKeyed
	}
	query := pairs("full", "true", "hash", keyed)
	if named {
		query += "&list=" + url.QueryEscape(f.list)
	}
	for next := ""; ; {
		path := "suppressions" + query
		if next != "" {
			path += "&" + strings.TrimPrefix(pairs("after", next), "?")
		}
		var page record.SuppressionPage
		if err := c.call(ctx, "GET", path, nil, &page); err != nil {
			return err
		}
		for _, s := range page.Items {
			if err := out.write(s); err != nil {
				return err
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if out.erased > 0 {
		a.say("Left out: %s of erased people; --hash keyed includes them.", plural(out.erased, "record"))
	}
	if out.wide > 0 {
		a.say("Left out: %s of whole domains, which have no hash.", plural(out.wide, "record"))
	}
	return nil
}

// exporter writes records in one format.
type exporter struct {
	exportFlags
	csv    *csv.Writer
	json   *json.Encoder
	erased int // records left out, since their address is gone
	wide   int // records left out, since they are about a domain
}

func newExporter(w io.Writer, f exportFlags) *exporter {
	e := &exporter{exportFlags: f, csv: csv.NewWriter(w), json: json.NewEncoder(w)}
	e.json.SetEscapeHTML(false)
	return e
}

func (e *exporter) begin() error {
	if e.format != "csv" {
		return nil
	}
	whom := map[string]string{hashNone: "email", hashSHA256: "sha256", hashKeyed: "hash"}[e.hash]
	return e.csv.Write([]string{whom, "list", "reason", "source", "created_at", "expires_at", "note", "event_id"})
}

func (e *exporter) end() error {
	e.csv.Flush()
	return e.csv.Error()
}

func (e *exporter) write(s record.Suppression) error {
	line := exported{List: s.List, Reason: s.Reason, Source: s.Way, Created: written(s.Since), Expires: written(s.Until), EventID: s.Event}
	address, err := envelope.ParseUnquoted(s.Recipient)
	switch {
	case e.hash == hashKeyed:
		line.Hash = s.Recipient
	case store.IsPattern(s.Recipient) && e.hash == hashNone:
		line.Email, line.Note = s.Recipient, s.Note
	case store.IsPattern(s.Recipient):
		e.wide++
		return nil
	case err != nil: // a hash has no @
		e.erased++
		return nil
	case e.hash == hashSHA256:
		sum := sha256.Sum256([]byte(strings.ToLower(s.Recipient)))
		line.SHA256 = hex.EncodeToString(sum[:])
	default:
		line.Email, line.Note = address.Literal(), s.Note
	}
	if e.format != "csv" {
		return e.json.Encode(line)
	}
	event := ""
	if line.EventID != 0 {
		event = strconv.FormatInt(line.EventID, 10)
	}
	cells := []string{line.Email + line.SHA256 + line.Hash, line.List, line.Reason, line.Source, line.Created, line.Expires, line.Note, event}
	for i, cell := range cells {
		cells[i] = guarded(cell)
	}
	return e.csv.Write(cells)
}

// written is a time as exports have it; the zero time is empty.
func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// guarded puts a ' in front of a cell that a spreadsheet would take for a
// formula, or for one that was guarded.
func guarded(cell string) string {
	if formula(cell) {
		return "'" + cell
	}
	return cell
}

// unguarded takes back what guarded did.
func unguarded(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && formula(rest) {
		return rest
	}
	return cell
}

// formula says whether a cell, but for any number of ' in front, begins as a
// formula does.
func formula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0
}
