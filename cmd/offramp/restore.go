package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/store"
	"offramp/store/sqlite"
)

func (a *app) restoreCommand() *cobra.Command {
	var events []string
	var accept bool
	cmd := &cobra.Command{
		Use: "restore [DIR]", Short: "Put a backup into an empty data folder, and add the opt-outs made since", Args: cobra.MaximumNArgs(1),
		Long: "Verify the backup in DIR and put it into the data folder, which must be empty. All\n" +
			"queued mail is then held, since it may have gone out after the backup, and `offramp\n" +
			"serve` does not start: opt-outs made since the backup are missing, and people who\n" +
			"opted out would get mail. So, in this order:\n\n" +
			"1. `offramp restore --events FILE`, as often as there are files, adds opt-outs and\n" +
			"   erasures. FILE has JSON lines: of `offramp events --json` from a ledger that\n" +
			"   reaches further, or bodies of webhooks as their receivers kept them. A FILE of any\n" +
			"   other lines is read as a log of HTTP requests that has the links of opt-outs.\n" +
			"   Nothing in a file ever ends what stops mail.\n" +
			"2. `offramp restore --accept` lets the server start.\n" +
			"3. `offramp queue list` shows the mail that is held, `offramp queue release` or `rm`\n" +
			"   decides about it.",
		Example: "  offramp restore /backup/offramp-2026-11-29\n  offramp restore --events since.jsonl\n  offramp restore --accept",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && len(events) == 0 && !accept {
				return fault("restore: name the backup, --events FILE or --accept: see `offramp restore --help`")
			}
			return a.restore(cmd.Context(), args, events, accept)
		},
	}
	cmd.Flags().StringArrayVar(&events, "events", nil, "file of events, webhook bodies or requests made since the backup; - reads stdin; repeatable")
	cmd.Flags().BoolVar(&accept, "accept", false, "let the server start: no further opt-outs are to be had")
	return cmd
}

// restoreView is what a restore did, for --json.
type restoreView struct {
	Restored *restoredView `json:"restored,omitempty"`
	Applied  []appliedView `json:"applied,omitempty"`
	Ledger   reach         `json:"ledger"`
	Held     int           `json:"held"`   // recipients in the queue
	Starts   bool          `json:"starts"` // the server does from here on
}

type restoredView struct {
	From   string    `json:"from"`
	Time   time.Time `json:"time"`           // of the backup
	Held   int       `json:"held"`           // recipients that waited then
	Before int64     `json:"held_before"`    // recipients that were held already
	Failed int64     `json:"bounces_due"`    // recipients whose senders were not notified then
	Copy   []string  `json:"copy,omitempty"` // files that belong elsewhere
}

func (a *app) restore(ctx context.Context, dirs, events []string, accept bool) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	var v restoreView
	if len(dirs) == 1 {
		if v.Restored, err = a.restoreFrom(ctx, s, dirs[0]); err != nil {
			return err
		}
	}
	if err := s.suspectData(ctx, a); err != nil {
		return err
	}
	if err := a.withData(ctx, s, func(db *sqlite.DB) error {
		for _, name := range events {
			done, err := a.applyFile(ctx, s, db, name)
			if err != nil {
				return err
			}
			v.Applied = append(v.Applied, done)
		}
		usage, err := db.Spool().Usage(ctx)
		if err != nil {
			return err
		}
		v.Held = usage.Held
		head, err := db.Consent().Head(ctx)
		if err != nil {
			return err
		}
		v.Ledger, err = reached(ctx, db.Consent(), head)
		return err
	}); err != nil {
		return err
	}
	if accept {
		if err := s.acceptData(); err != nil {
			return err
		}
	}
	v.Starts = !s.undecided()
	return a.printRestored(s, v)
}

// reached is how far a ledger reaches, with the time of its last event.
func reached(ctx context.Context, people store.Consent, head store.Head) (reach, error) {
	at := reach{Event: head.ID, Link: [32]byte(head.Link)}
	if head.ID <= head.First {
		return at, nil
	}
	last, err := people.Entries(ctx, head.ID-1, 1)
	if err == nil && len(last) == 1 {
		at.Time = last[0].Event.Time
	}
	return at, err
}

// withData opens the data, also where its choices are older than its queue.
func (a *app) withData(ctx context.Context, s *settings, work func(*sqlite.DB) error) error {
	db, err := openStore(ctx, s, sqlite.Options{Existing: true, Now: a.now, Log: slog.New(slog.DiscardHandler), AcceptLedger: s.undecided()})
	if err != nil {
		return err
	}
	return errors.Join(work(db), db.Close())
}

// restoring is where a restore works before anything is in its place.
const restoring = "restore.part"

// restoreFrom puts a backup into the data folder. The files of the databases come
// last, that of people's choices after all others: no server starts before.
func (a *app) restoreFrom(ctx context.Context, s *settings, dir string) (*restoredView, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if err := s.mayRestore(); err != nil {
		return nil, err
	}
	backup, err := a.examineBackup(ctx, dir, m)
	if err != nil {
		return nil, err
	}
	if err := s.fitsKeys(dir); err != nil {
		return nil, err
	}
	if err := prepareDataDir(s.DataDir); err != nil {
		return nil, err
	}
	part := filepath.Join(s.DataDir, restoring)
	if err := os.RemoveAll(part); err != nil {
		return nil, err
	}
	v, err := a.rebuild(ctx, s, backup, dir, part)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(part))
	}
	return v, s.settle(part)
}

// mayRestore refuses a folder that has anything in it.
func (s *settings) mayRestore() error {
	entries, err := os.ReadDir(s.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &dataDirError{s.DataDir, plainPathError(err), err}
	}
	var names []string
	for _, e := range entries {
		if e.Name() != restoring && e.Name() != "lost+found" {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fault("OFFRAMP_DATA_DIR: %s is not empty (%s): a backup is restored into an empty folder only. Move what is there away, and keep it: its ledger may have opt-outs that the backup lacks",
		s.DataDir, strings.Join(names[:min(len(names), 5)], ", "))
}

// fitsKeys refuses keys in the settings that are not those of the data: nothing
// that was made with the others would be recognised.
func (s *settings) fitsKeys(dir string) error {
	for _, k := range []struct{ setting, name, value string }{
		{"OFFRAMP_LEDGER_KEY", ledgerKeyFile, s.LedgerKey}, {"OFFRAMP_TOKEN_KEYS", tokenKeysFile, s.TokenKeys},
	} {
		raw, err := os.ReadFile(filepath.Join(dir, backupData, k.name))
		if err != nil {
			return err
		}
		for _, key := range strings.Fields(string(raw)) {
			if k.value != "" && !slices.Contains(strings.FieldsFunc(k.value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }), key) {
				return fault("%s: is another key than the backup's: set that one, or remove the setting, the backup has the key", k.setting)
			}
		}
	}
	return nil
}

// rebuild makes the data of a backup in the folder part, brings it up to date,
// verifies all of it again and holds what is queued.
func (a *app) rebuild(ctx context.Context, s *settings, backup backupView, dir, part string) (*restoredView, error) {
	for _, f := range backup.Files {
		name, ok := strings.CutPrefix(f.Path, backupData+"/")
		if !ok {
			continue
		}
		copied := backupFile{Path: name, From: filepath.Join(dir, filepath.FromSlash(f.Path))}
		if err := copied.write(part); err != nil {
			return nil, fault("restore: %s", plainPathError(err))
		}
		if copied.SHA256 != f.SHA256 {
			return nil, damagedBackup{dir, []string{f.Path + " changed while it was copied"}}
		}
	}
	inPart := *s
	inPart.DataDir = part
	v := &restoredView{From: dir, Time: backup.Time}
	if err := a.withData(ctx, &inPart, func(db *sqlite.DB) error { return a.hold(ctx, db, v) }); err != nil {
		return nil, err
	}
	for _, f := range backup.elsewhere() {
		v.Copy = append(v.Copy, filepath.Join(dir, filepath.FromSlash(f.Path)))
	}
	return v, inPart.mark(mark{From: dir, Backup: backup.Time, Restored: a.now().UTC(), Ledger: backup.Ledger})
}

// hold verifies what was restored and holds all mail that waits.
func (a *app) hold(ctx context.Context, db *sqlite.DB, v *restoredView) error {
	people, mail, err := integrityOf(db)(ctx)
	if err != nil {
		return err
	}
	if damage := people.Damage + mail.Damage; damage != "" {
		return fmt.Errorf("%w: %s", store.ErrDamaged, damage)
	}
	if _, _, err := a.verifyLedger(ctx, db.Consent()); err != nil {
		return err
	}
	usage, err := db.Spool().Usage(ctx)
	if err != nil {
		return err
	}
	v.Before, v.Failed = int64(usage.Held), int64(usage.Failed)
	v.Held, err = db.Spool().Act(ctx, store.Hold, store.QueueFilter{})
	return err
}

// moves are the names of what was rebuilt, in the order in which they are moved: the
// databases last, and of them that of people's choices, without which nothing starts.
func moves(entries []fs.DirEntry) []string {
	last := sqlite.Files()
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !slices.Contains(last, e.Name()) && e.Name() != "offramp.lock" {
			names = append(names, e.Name())
		}
	}
	return append(names, last...)
}

// settle moves what was rebuilt to its place.
func (s *settings) settle(part string) error {
	entries, err := os.ReadDir(part)
	if err != nil {
		return err
	}
	if err := syncTree(part); err != nil {
		return err
	}
	for _, name := range moves(entries) {
		if err := os.Rename(filepath.Join(part, name), filepath.Join(s.DataDir, name)); err != nil {
			return err
		}
		if err := syncDir(s.DataDir); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(part), syncDir(s.DataDir), giveRestored(s.DataDir))
}

// giveRestored gives what root restored to the owner of the data folder.
func giveRestored(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	folder, ok := ownerOf(info)
	if !ok || folder.uid == 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, folder.uid, folder.gid)
	})
}
