package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/exchange"
	"offramp/gateway/record"
	"offramp/store"
)

// importFlags are what suppress import was told.
type importFlags struct {
	format, list, reason, since string
	ignore                      []string
	blocks, yes, dryRun         bool
	resume                      string
	status                      bool
}

func (a *app) suppressImport() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import suppressions from a file; - is stdin",
		Args: func(cmd *cobra.Command, args []string) error { return f.args(cmd, args) },
		Long: "Import suppressions from an export of Offramp, SendGrid, Mailgun, Amazon SES,\n" +
			"Postmark, Mailchimp, Mandrill or listmonk, or from a file with one address per\n" +
			"line, in which lines that begin with # are ignored. The format is recognised by\n" +
			"the header row. A column that is not known is refused, since it could change\n" +
			"what a row means; --ignore-columns says that it does not.\n\n" +
			"In place of an address, @example.org is every address of that domain, and\n" +
			"*.example.org those of the domains below it.\n\n" +
			"The whole file is checked and summarised first. An import only adds: it never ends\n" +
			"an opt-out, shortens a pause or brings back an erased person, and who came back\n" +
			"after the date of a record stays. The earliest date is kept. Importing a file\n" +
			"again is safe. An import that was interrupted goes on where it stopped when the\n" +
			"server runs again, or with --resume ID.",
		Example: "  offramp suppress import suppression_bounces.csv\n" +
			"  offramp suppress import unsubscribed.csv --list news.example.org --yes\n" +
			"  offramp suppress import bounces.txt --reason bounced --dry-run\n" +
			"  offramp suppress import --status",
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := f.query(args)
			if err != nil {
				return err
			}
			return a.operate(cmd.Context(), func(c *client) error {
				return a.working(cmd.Context(), c, func(ctx context.Context) error {
					switch {
					case f.status:
						return a.importStatus(ctx, c)
					case f.resume != "":
						return a.resumeImport(ctx, c, f.resume)
					}
					return a.importFile(ctx, c, args[0], query, f)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", string(exchange.Auto), "format of the file: "+strings.Join(exchange.Formats(), ", "))
	flags.StringVar(&f.list, "list", "", "list where the file names none (default: all lists)")
	flags.StringVar(&f.reason, "reason", string(store.ReasonManual), "reason of records that have none: manual, bounced, complained or unsubscribed")
	flags.StringVar(&f.since, "since", "", "`DATE` of records that have none (default: now)")
	flags.StringSliceVar(&f.ignore, "ignore-columns", nil, "columns that change nothing in what a row means, comma separated; '*' is every one")
	flags.BoolVar(&f.blocks, "include-blocks", false, "take soft bounces and blocks too, as bounces")
	flags.BoolVar(&f.yes, "yes", false, "do not ask for confirmation")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what is in the file and change nothing")
	flags.StringVar(&f.resume, "resume", "", "go on with the import with this `ID`, and wait for its end")
	flags.BoolVar(&f.status, "status", false, "show the last imports and how far they are")
	return cmd
}

func (f *importFlags) args(cmd *cobra.Command, args []string) error {
	switch {
	case f.resume != "" && f.status:
		return fault("suppress import: --resume or --status, not both")
	case (f.resume != "" || f.status) && len(args) > 0:
		return fault("suppress import: --resume and --status take no FILE")
	case f.resume == "" && !f.status:
		return exactly("FILE")(cmd, args)
	}
	return nil
}

// query is the flags as parameters of the API.
func (f *importFlags) query(args []string) (string, error) {
	since := ""
	if f.since != "" {
		t, err := parseMoment(f.since)
		if err != nil {
			return "", fault("--since: invalid date %q: write one such as 2026-03-31 or 2026-03-31T12:00:00Z", shortened(f.since))
		}
		since = t.UTC().Format(time.RFC3339)
	}
	if !slices.Contains(exchange.Formats(), f.format) {
		return "", fault("--format: invalid value %q: want %s", shortened(f.format), strings.Join(exchange.Formats(), ", "))
	}
	name, soft := "", ""
	if len(args) > 0 && args[0] != "-" {
		name = filepath.Base(args[0])
	}
	if f.blocks {
		soft = "true"
	}
	return pairs("name", name, "format", f.format, "list", f.list, "reason", f.reason, "since", since, "soft", soft,
		"ignore", strings.Join(f.ignore, ",")), nil
}

// working runs do while what the API only takes is done: by the server, or by this
// process.
func (a *app) working(ctx context.Context, c *client, do func(context.Context) error) error {
	if c.work == nil {
		return do(ctx)
	}
	workCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- c.work(workCtx) }()
	err := do(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// importFile sends a file, shows what is in it, asks, and waits for the end.
func (a *app) importFile(ctx context.Context, c *client, name, query string, f importFlags) error {
	if name == "-" && !f.yes && !f.dryRun {
		return fault("The file is read from stdin, so nothing can be asked there: add --yes, or --dry-run to see what is in it")
	}
	in := a.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fault("%s", plainPathError(err))
		}
		defer file.Close()
		in = file
	}
	var job record.Import
	if err := c.upload(ctx, "imports"+query, in, &job); err != nil {
		return err
	}
	job, err := a.follow(ctx, c, job, "checked", "checking")
	if err != nil {
		return err
	}
	if job.State == "failed" {
		return fault("%s: %s", printable(nameOf(name)), printable(job.Error))
	}
	if !a.asJSON {
		a.preview(job)
	}
	if f.dryRun || job.Records == 0 {
		return errors.Join(a.endImport(ctx, c, job, "cancelled"), a.resultOf(job))
	}
	if err := a.confirm(fmt.Sprintf("Import %s?", plural(job.Records, "record")), f.yes); err != nil {
		return errors.Join(a.endImport(ctx, c, job, "cancelled"), err)
	}
	return a.runImport(ctx, c, job)
}

func nameOf(name string) string {
	if name == "-" {
		return "stdin"
	}
	return filepath.Base(name)
}

func (a *app) endImport(ctx context.Context, c *client, job record.Import, state string) error {
	return c.call(ctx, "PATCH", "imports/"+url.PathEscape(job.ID), record.ImportChange{State: state}, &job)
}

// runImport starts an import that was checked and waits for its end.
func (a *app) runImport(ctx context.Context, c *client, job record.Import) error {
	if err := c.call(ctx, "PATCH", "imports/"+url.PathEscape(job.ID), record.ImportChange{State: "running"}, &job); err != nil {
		return err
	}
	job, err := a.follow(ctx, c, job, "imported", "running")
	if err != nil {
		return err
	}
	if !a.asJSON {
		a.counts(job)
	}
	switch {
	case job.State == "done":
		return a.resultOf(job)
	case job.State == "paused" && job.Error == "":
		return fmt.Errorf("the import was paused: `offramp suppress import --resume %s` goes on", job.ID)
	case job.State == "paused":
		return fmt.Errorf("the import is paused (%s): `offramp suppress import --resume %s` goes on", printable(job.Error), job.ID)
	}
	return importEnded(job)
}

// importEnded says of an import that ended early that it cannot go on.
func importEnded(job record.Import) error {
	why := ""
	if job.Error != "" {
		why = " (" + printable(job.Error) + ")"
	}
	return fmt.Errorf("the import is %s%s and its file is gone: import the file again, nothing is recorded twice", job.State, why)
}

func (a *app) resumeImport(ctx context.Context, c *client, id string) error {
	var job record.Import
	err := c.call(ctx, "GET", "imports/"+url.PathEscape(id), nil, &job)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no import with the ID %q: `offramp suppress import --status` shows the last ones", id)
	}
	if err != nil {
		return err
	}
	if job.State == "checking" {
		if job, err = a.follow(ctx, c, job, "checked", "checking"); err != nil {
			return err
		}
		if job.State == "failed" {
			return fault("%s", printable(job.Error))
		}
	}
	switch job.State {
	case "done":
		a.counts(job)
		return a.resultOf(job)
	case "cancelled", "failed":
		return importEnded(job)
	}
	return a.runImport(ctx, c, job)
}

// follow waits until an import is in another state, and shows how far it is.
func (a *app) follow(ctx context.Context, c *client, job record.Import, done, state string) (record.Import, error) {
	const least, most = 20 * time.Millisecond, time.Second
	for wait := least; job.State == state; wait = min(wait*3/2, most) {
		a.progress("%s %s of %s", bar(job.Done, job.Total), done, percent(job.Done, job.Total))
		select {
		case <-ctx.Done():
			a.progress("")
			a.say("Interrupted. `offramp suppress import --resume %s` goes on.", job.ID)
			return job, ctx.Err()
		case <-time.After(wait):
		}
		if err := c.call(ctx, "GET", "imports/"+url.PathEscape(job.ID), nil, &job); err != nil {
			if ctx.Err() == nil {
				a.say("`offramp suppress import --resume %s` waits for its end.", job.ID)
			}
			return job, err
		}
	}
	a.progress("")
	return job, nil
}

const barWidth = 30

func bar(done, total int64) string {
	n := 0
	if total > 0 {
		n = int(min(done, total) * barWidth / total)
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(" ", barWidth-n) + "]"
}

func percent(done, total int64) string {
	if total <= 0 {
		return "0 %"
	}
	return fmt.Sprintf("%d %%", min(done, total)*100/total)
}

// preview shows what is in a file.
func (a *app) preview(job record.Import) {
	a.say("%s in the file (format %s), %s to import:", plural(job.Rows, "row"), job.Format, plural(job.Records, "record"))
	for _, reason := range slices.Sorted(maps.Keys(job.Reasons)) {
		a.say("  %s: %d", reason, job.Reasons[reason])
	}
	if len(job.Lists) > 0 {
		const most = 10
		shown := strings.Join(job.Lists[:min(most, len(job.Lists))], ", ")
		if more := len(job.Lists) - most; more > 0 {
			shown += fmt.Sprintf(" and %d more", more)
		}
		a.say("  lists: %s", printable(shown))
	}
	for _, skip := range slices.Sorted(maps.Keys(job.Skipped)) {
		text := map[string]string{
			string(exchange.SkipSoft): "soft bounces and blocks, left out (--include-blocks takes them)", string(exchange.SkipActive): "people who get mail, left out",
			string(exchange.SkipEnded): "ended already, left out",
		}[skip]
		a.say("  %s: %d", text, job.Skipped[skip])
	}
	if strings.HasPrefix(job.Format, "mailchimp-unsub") && job.List == store.AllLists {
		a.say("  These people left one audience; without --list they are unsubscribed from all lists.")
	}
	if job.Invalid > 0 {
		a.say("  invalid, left out: %d", job.Invalid)
	}
	for _, f := range job.Errors {
		a.say("    line %d: %s", f.Line, printable(f.Text))
	}
}

// counts shows what an import did.
func (a *app) counts(job record.Import) {
	a.say("%s imported, %d already existed.", plural(job.Added, "record"), job.Same+job.Dated)
	if job.Dated > 0 {
		a.say("Of these, %d got the earlier date of the file.", job.Dated)
	}
	if job.Kept > 0 {
		a.say("Left as it is: %s of people who chose otherwise after its date.", plural(job.Kept, "record"))
	}
}

// resultOf is an error when some of the file could not be taken.
func (a *app) resultOf(job record.Import) (err error) {
	if a.asJSON {
		err = a.printLine(job)
	}
	if job.Invalid > 0 {
		err = errors.Join(err, fmt.Errorf("%s of the file could not be read", plural(job.Invalid, "row")))
	}
	return err
}

func (a *app) importStatus(ctx context.Context, c *client) error {
	var page record.ImportPage
	if err := c.call(ctx, "GET", "imports", nil, &page); err != nil {
		return err
	}
	rows := [][]string{{"ID", "STATE", "FILE", "RECORDS", "DONE", "ADDED", "CHANGED"}}
	for _, job := range page.Items {
		if a.asJSON {
			if err := a.printLine(job); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{
			job.ID, job.State, job.Name, fmt.Sprint(job.Records), percent(job.Done, job.Total), fmt.Sprint(job.Added), job.Changed.Format(time.RFC3339),
		})
	}
	if a.asJSON || len(rows) == 1 {
		return nil
	}
	return a.printTable(rows)
}
