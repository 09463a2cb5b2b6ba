package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/ledger"
	"offramp/store"
	"offramp/store/sqlite"
)

func (a *app) backupCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use: "backup DIR", Short: "Copy databases, keys and settings into a new folder, also while the server runs", Args: exactly("DIR"),
		Long: "Copy both databases, the keys and the files that settings name into the new folder\n" +
			"DIR, also while the server runs, and verify the copy. DIR appears when it is whole;\n" +
			"one that exists is never written to. It holds secrets: keep it like the data folder.\n\n" +
			"With --verify, verify a backup that was made earlier; exits 1 when it is damaged.\n" +
			"`offramp restore DIR` puts it into an empty data folder.",
		Example: "  offramp backup /backup/offramp-2026-11-29\n  offramp backup --verify /backup/offramp-2026-11-29",
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.giveWay != nil {
				a.giveWay() // to the server beside it
			}
			if verify {
				return a.verifyBackup(cmd.Context(), args[0])
			}
			return a.backup(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "verify the backup in DIR and write nothing")
	return cmd
}

// backupView is a backup, for --json.
type backupView struct {
	OK      bool     `json:"ok"`
	Path    string   `json:"path"`
	Bytes   int64    `json:"bytes"`
	Events  int64    `json:"events"` // of its ledger, as far as they could be verified
	Older   bool     `json:"older_release,omitempty"`
	Secrets []string `json:"secrets"`
	manifest
}

// backup writes under a name of its own beside DIR, and renames what is whole.
func (a *app) backup(ctx context.Context, dir string) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := s.mayBackUp(dir); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".part-")
	if err != nil {
		return fault("backup: %s", plainPathError(err))
	}
	v, err := a.fillBackup(ctx, s, part)
	if err == nil {
		err = errors.Join(syncTree(part), os.Rename(part, dir))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	v.Path = dir
	return a.printBackup(v, "backed up to")
}

// mayBackUp refuses what cannot become a backup.
func (s *settings) mayBackUp(dir string) error {
	if err := errors.Join(s.needData(), s.needLedgerKey(), s.needTokenKeys()); err != nil {
		return err
	}
	// No server runs without it, so the server's settings are elsewhere, and with them
	// the names of the DKIM keys.
	if s.Gateway.PublicURL == "" {
		return fault("backup: the server's settings are not here (OFFRAMP_PUBLIC_URL is not set), so they and the DKIM keys would be missing: run it with the --env-file or the environment that `offramp serve` has")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fault("backup: %s exists: name a folder that does not, a backup is never overwritten", dir)
	}
	data, err := filepath.Abs(s.DataDir)
	if err != nil {
		return err
	}
	if within, err := filepath.Rel(data, dir); err == nil && filepath.IsLocal(within) {
		return fault("backup: %s is inside the data folder: name a folder elsewhere, best on another disk", dir)
	}
	return nil
}

// fillBackup writes everything into dir and verifies it.
func (a *app) fillBackup(ctx context.Context, s *settings, dir string) (backupView, error) {
	m := manifest{Format: backupFormat, Release: readBuild().Version, Time: a.now().UTC().Truncate(time.Second), Host: s.Gateway.Hostname, URL: s.Gateway.PublicURL}
	var err error
	if m.DataDir, err = filepath.Abs(s.DataDir); err != nil {
		return backupView{}, err
	}
	// The keys come first: data that was created with them may come later.
	if m.Files, err = a.backupFiles(s); err != nil {
		return backupView{}, err
	}
	for i := range m.Files {
		if err := m.Files[i].write(dir); err != nil {
			return backupView{}, fault("backup: %s", plainPathError(err))
		}
	}
	data := filepath.Join(dir, backupData)
	err = sqlite.Backup(ctx, sqlite.BackupOptions{From: s.DataDir, To: data, Progress: func(name string, done, total int64) {
		a.progress("%s: %s of %s", name, bytesOf(done), bytesOf(total))
	}})
	a.progress("")
	if err != nil {
		return backupView{}, storeFault(s.DataDir, err)
	}
	for _, file := range []struct{ name, secret string }{{"offramp.db", secretDatabase}, {"spool.db", secretMail}} {
		f := backupFile{Path: backupData + "/" + file.name, From: filepath.Join(m.DataDir, file.name), Secret: file.secret}
		if err := f.sum(dir); err != nil {
			return backupView{}, err
		}
		m.Files = append(m.Files, f)
	}
	v, err := a.examineBackup(ctx, dir, m)
	if err != nil {
		var damage damagedBackup
		if errors.As(err, &damage) {
			return v, fmt.Errorf("the data in %s is damaged, so there is no backup (%s): copy the folder while the server is stopped, then run `offramp repair`", s.DataDir, strings.Join(damage.wrong, "; "))
		}
		return v, err
	}
	raw, err := json.MarshalIndent(v.manifest, "", "  ")
	if err != nil {
		return v, err
	}
	return v, writeNew(filepath.Join(dir, manifestFile), append(raw, '\n'))
}

// examineBackup reads all of a backup, and completes the manifest m where it says
// nothing yet of how far the ledger reaches.
func (a *app) examineBackup(ctx context.Context, dir string, m manifest) (backupView, error) {
	v := backupView{Path: dir, manifest: m, Bytes: m.size(), Secrets: m.secrets()}
	err := m.verifyFiles(dir, func(done, total int64) { a.progress("verified %s of %s", bytesOf(done), bytesOf(total)) })
	a.progress("")
	if err != nil {
		return v, err
	}
	data := filepath.Join(dir, backupData)
	raw, err := os.ReadFile(filepath.Join(data, ledgerKeyFile))
	if err != nil {
		return v, err
	}
	keys, err := parseLedgerKey(string(raw))
	if err != nil {
		return v, damagedBackup{dir, []string{ledgerKeyFile + " holds no ledger key"}}
	}
	o := sqlite.Options{Dir: data, PersonKey: keys.people, ReadOnly: true, Now: a.now}
	found, err := sqlite.Examine(ctx, o)
	switch {
	case errors.Is(err, store.ErrKey):
		return v, damagedBackup{dir, []string{ledgerKeyFile + " is not the key that the data was created with"}}
	case err != nil:
		return v, storeFault(data, err)
	case len(found.Damage) > 0:
		return v, damagedBackup{dir, found.Damage}
	}
	v.Older = found.Older
	if m.Schemas == nil {
		v.Schemas, v.Messages, v.Waiting = found.Schemas, found.Messages, found.Recipients
	}
	if found.Older {
		v.OK = true
		return v, nil
	}
	at, events, err := a.ledgerOf(ctx, o)
	if errors.Is(err, ledger.ErrTampered) {
		return v, damagedBackup{dir, []string{err.Error()}}
	}
	if err != nil {
		return v, err
	}
	if m.Schemas == nil {
		v.Ledger = at
	} else if at.Event != m.Ledger.Event || at.Link != m.Ledger.Link {
		return v, damagedBackup{dir, []string{fmt.Sprintf("its ledger ends with event %d, and not as the manifest says", at.Event)}}
	}
	v.OK, v.Events = true, events
	return v, nil
}

// ledgerOf verifies the ledger of data that nobody writes, from end to end.
func (a *app) ledgerOf(ctx context.Context, o sqlite.Options) (at reach, events int64, err error) {
	db, err := sqlite.Open(ctx, o)
	if err != nil {
		return at, 0, storeFault(o.Dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return a.verifyLedger(ctx, db.Consent())
}

func (a *app) verifyLedger(ctx context.Context, people store.Consent) (at reach, events int64, err error) {
	head, err := people.Head(ctx)
	if err != nil {
		return at, 0, err
	}
	at.Event, at.Link = head.ID, [32]byte(head.Link)
	var verifier ledger.Verifier
	for after := head.First; after < head.ID; {
		page, err := people.Entries(ctx, after, 5000)
		if err != nil {
			return at, events, err
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if err := verifier.Add(e); err != nil {
				return at, events, err
			}
			after, at.Time = e.Event.ID, e.Event.Time
			events++
		}
		a.progress("verified %s of %d", plural(events, "event"), head.ID-head.First)
	}
	a.progress("")
	return at, events, verifier.End(head)
}

func (a *app) verifyBackup(ctx context.Context, dir string) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	v, err := a.examineBackup(ctx, dir, m)
	if err != nil {
		return err
	}
	return a.printBackup(v, "verified")
}

func (a *app) printBackup(v backupView, did string) error {
	if a.asJSON {
		return a.printJSON(v)
	}
	a.print("%s %s: %s in %s, release %s", did, v.Path, bytesOf(v.Bytes), plural(len(v.Files), "file"), v.Release)
	if !v.Older {
		a.print("reaches %s; %s with %s in the queue", v.Ledger, plural(v.Messages, "message"), plural(v.Waiting, "recipient"))
	}
	if v.Older {
		a.print("verified: checksums of files and the structure of the databases. They are of an earlier release: `offramp restore` verifies the rest.")
	} else {
		a.print("verified: checksums of files, the structure of both databases, the records that stop mail, and the ledger (%s)", plural(v.Events, "event"))
	}
	a.print("It holds secrets; keep it where only you can read it:")
	for _, s := range v.Secrets {
		a.print("  %s", s)
	}
	return nil
}

func (r reach) String() string {
	if r.Event == 0 {
		return "no event"
	}
	return fmt.Sprintf("event %d of %s", r.Event, r.Time.UTC().Format(time.RFC3339))
}

// bytesOf writes a size for people.
func bytesOf(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// syncTree makes the names of all files below dir durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}
