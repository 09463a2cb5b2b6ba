package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"offramp/gateway/record"
	"offramp/store"
)

// importFlags are what suppress import was told.
type importFlags struct {
	list, reason string
	yes, dryRun  bool
}

func (a *app) suppressImport() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import suppressions from a file; - is stdin", Args: exactly("FILE"),
		Long: "Import suppressions from an export of Offramp (CSV or JSON lines), or from a\n" +
			"file with one address per line, in which lines that begin with # are\n" +
			"ignored. In CSV the columns are found by name: email, list, reason, created_at,\n" +
			"expires_at, note; only the first is required. In place of an address,\n" +
			"@example.org is every address of that domain, and *.example.org those of the\n" +
			"domains below it.\n\n" +
			"The whole file is read and summarised first. An import only adds: it never ends\n" +
			"an opt-out, shortens a pause or brings back an erased person. The date of each\n" +
			"record is kept. Importing a file again is safe.",
		Example: "  offramp suppress import people.csv\n  offramp suppress import bounces.txt --reason bounced --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			m := &importer{list: f.list, reason: store.Reason(f.reason), now: a.now()}
			if err := a.readImport(m, args[0]); err != nil {
				return err
			}
			if err := a.preview(m); err != nil {
				return err
			}
			if len(m.rows) == 0 || f.dryRun {
				return m.result()
			}
			if err := a.confirmImport(m, args[0], f.yes); err != nil {
				return err
			}
			err := a.operate(cmd.Context(), func(c *client) error { return a.apply(cmd.Context(), c, m.rows) })
			return errors.Join(err, m.result())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.reason, "reason", string(store.ReasonManual), "reason of records that have none: manual, bounced, complained or unsubscribed")
	flags.StringVar(&f.list, "list", "", "list where the file has no list column (default: all lists)")
	flags.BoolVar(&f.yes, "yes", false, "do not ask for confirmation")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what is in the file and change nothing")
	return cmd
}

func (a *app) readImport(m *importer, name string) error {
	var in io.Reader = a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fault("%s", plainPathError(err))
		}
		defer f.Close()
		in = f
	}
	err := m.readImport(in)
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fault("%s", plainPathError(err))
	}
	return err
}

// previewed is what is in a file that is to be imported.
type previewed struct {
	Records int            `json:"records"`
	Taken   map[string]int `json:"taken"` // by reason
	Over    int            `json:"over"`  // have ended
	Faulty  int            `json:"faulty"`
	Faults  []string       `json:"faults,omitempty"` // the first of them
}

func (a *app) preview(m *importer) error {
	p := previewed{Records: m.read, Taken: map[string]int{}, Over: m.over, Faulty: m.faulty, Faults: m.faults}
	for _, row := range m.rows {
		p.Taken[string(row.Reason)]++
	}
	if a.asJSON {
		return a.printLine(p)
	}
	a.say("%s in the file, %d to import:", plural(p.Records, "record"), len(m.rows))
	for _, reason := range slices.Sorted(maps.Keys(p.Taken)) {
		a.say("  %s: %d", reason, p.Taken[reason])
	}
	if p.Over > 0 {
		a.say("  ended already, left out: %d", p.Over)
	}
	if p.Faulty > 0 {
		a.say("  invalid, left out: %d", p.Faulty)
	}
	for _, text := range p.Faults {
		a.say("    %s", printable(text))
	}
	return nil
}

// result is an error when some of the file could not be taken.
func (m *importer) result() error {
	if m.faulty > 0 {
		return fmt.Errorf("%s of the file could not be read", plural(m.faulty, "record"))
	}
	return nil
}

// confirmImport asks whether what was shown is meant. A list that comes on
// stdin leaves nothing to ask on.
func (a *app) confirmImport(m *importer, name string, yes bool) error {
	question := fmt.Sprintf("Import %s?", plural(len(m.rows), "suppression"))
	if name == "-" && !yes {
		return fault("%s The file is read from stdin, so nothing can be asked there: add --yes", question)
	}
	return a.confirm(question, yes)
}

// importWorkers is how many records are on their way at a time: the store puts
// what comes together into one commit.
const importWorkers = 16

// imported is what an import did.
type imported struct {
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"` // recorded before, or more than that
}

// apply records every row. After an error the rest is left; what was recorded
// stays, and doing it again does the rest.
func (a *app) apply(ctx context.Context, c *client, rows []importRow) error {
	var changed, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(importWorkers)
	for i, row := range rows {
		if ctx.Err() != nil {
			break
		}
		if i%1000 == 0 {
			a.progress("%d of %d", i, len(rows))
		}
		group.Go(func() error {
			var result record.Changed
			err := c.call(ctx, "POST", "suppressions", record.Suppress{
				Recipient: row.Target.String(), List: row.List, Reason: string(row.Reason), Note: row.Note, Until: row.Until, Since: row.Since,
			}, &result)
			if err != nil {
				return err
			}
			done.Add(1)
			changed.Add(int64(result.Changed))
			return nil
		})
	}
	err := group.Wait()
	a.progress("")
	r := imported{Changed: changed.Load(), Unchanged: done.Load() - changed.Load()}
	if a.asJSON {
		err = errors.Join(err, a.printLine(r))
	} else {
		a.say("%s imported, %d already existed.", plural(r.Changed, "record"), r.Unchanged)
	}
	if left := int64(len(rows)) - done.Load(); left > 0 {
		a.say("Not imported: %s. Import the file again.", plural(left, "record"))
	}
	return err
}
