package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"offramp/store/sqlite"
)

// markFile is in a data folder whose choices may lack opt-outs, until the operator
// says that no more of them are to be had.
const markFile = "restored.json"

// mark says what such data is.
type mark struct {
	From     string    `json:"from,omitempty"` // the backup; empty: an older offramp.db was put in place
	Backup   time.Time `json:"backup,omitzero"`
	Restored time.Time `json:"restored"`
	Ledger   reach     `json:"ledger"`
}

func (s *settings) mark(m mark) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeNew(filepath.Join(s.DataDir, markFile), append(raw, '\n'))
}

// undecided says whether the data may lack opt-outs and nobody has decided yet.
func (s *settings) undecided() bool { return s.holds(markFile) }

// refuseUndecided has a server not start on such data.
func (s *settings) refuseUndecided() error {
	if !s.undecided() {
		return nil
	}
	return fault("OFFRAMP_DATA_DIR: %s was restored, and opt-outs made since the backup may be missing: add them with `offramp restore --events FILE`, then run `offramp restore --accept`", s.DataDir)
}

// suspectData marks data whose choices are older than its queue: they were put
// there by hand.
func (s *settings) suspectData(ctx context.Context, a *app) error {
	if s.undecided() {
		return nil
	}
	db, err := openStore(ctx, s, sqlite.Options{Existing: true, Now: a.now})
	switch {
	case err == nil:
		return db.Close()
	case errors.Is(err, sqlite.ErrBehind):
		return s.mark(mark{Restored: a.now().UTC()})
	}
	return err
}

// acceptData lets the server start.
func (s *settings) acceptData() error {
	err := os.Remove(filepath.Join(s.DataDir, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncDir(s.DataDir))
}

// printRestored says what was done, what the data lacks, and what is to be decided.
func (a *app) printRestored(s *settings, v restoreView) error {
	if a.asJSON {
		return a.printJSON(v)
	}
	if r := v.Restored; r != nil {
		a.print("restored %s, made %s, into %s and verified it", r.From, r.Time.Format(time.RFC3339), s.DataDir)
	}
	for _, done := range v.Applied {
		done.print(a)
	}
	a.print("The data reaches %s.", v.Ledger)
	if r := v.Restored; r != nil {
		a.printLacks(r)
	}
	if v.Starts {
		a.print("\nThe server may start: `%s`.", a.command("serve"))
		if v.Restored == nil && v.Held > 0 {
			a.print("%s held in the queue since before the backup, or because of the restore: see `%s`, then `release` or `rm`.",
				plural(v.Held, "recipient is", "recipients are"), a.command("queue list"))
		}
		return nil
	}
	a.print("\nThe server does not start yet. Add the opt-outs made since:\n  %s\nthen let it start:\n  %s", a.command("restore --events FILE"), a.command("restore --accept"))
	return nil
}

func (a *app) printLacks(r *restoredView) {
	a.print("\nIt lacks what happened since:")
	a.print("  opt-outs: people who unsubscribed since would get mail. Take them from the receivers of webhooks,")
	a.print("    from a ledger that reaches further (`offramp events --json` on the old data), or from the log of the proxy in front of the page;")
	a.print("  erasures: who was erased since is in the data again, until a later ledger is applied or `offramp recipient erase` is repeated;")
	a.print("  API keys: one that was revoked since is valid again, see `%s`;", a.command("apikey list"))
	a.print("  mail: what was accepted since is not in the queue.")
	a.print("%s waited at the time of the backup and may have been delivered since: held until `%s`.", plural(r.Held, "recipient"), a.command("queue release"))
	if r.Before > 0 {
		a.print("%s had been held before: `queue release --all` releases them too.", plural(r.Before, "recipient"))
	}
	if r.Failed > 0 {
		a.print("Senders of %s are sent a bounce when the server starts, perhaps a second one.", plural(r.Failed, "failed recipient"))
	}
	if len(r.Copy) > 0 {
		a.print("\nThese files belong outside of the data folder; copy them to where the settings name them:")
		for _, path := range r.Copy {
			a.print("  %s", path)
		}
	}
}
