package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"offramp/store"
)

// Files are the names of the databases in a data folder, in the order in which
// they are copied and put back: see [Backup].
func Files() []string { return []string{spoolFile, consentFile} }

// BackupOptions say what is copied and where to.
type BackupOptions struct {
	From string // the data folder; a server may run on it
	To   string // a folder that has neither of the files
	// Progress is called while a file is copied, in bytes; nil: nobody asks.
	Progress func(file string, done, total int64)
}

// Backup copies both databases, each as it was at one moment, while others read
// and write them. The queue comes first, then the choices: whatever mail is in the
// copy, the opt-outs that were answered before that mail was accepted are in it
// too. The copies have no free pages, so nothing that was deleted is left in them.
func Backup(ctx context.Context, o BackupOptions) (err error) {
	if o.From, err = filepath.Abs(o.From); err != nil {
		return err
	}
	if o.To, err = filepath.Abs(o.To); err != nil {
		return err
	}
	for _, name := range Files() {
		if err := o.file(ctx, name); err != nil {
			return fail("back up "+name, err)
		}
	}
	return nil
}

const (
	// backupStep is how many pages are copied between two pauses: 2 MiB of the queue.
	backupStep = 256
	// longestRest bounds a pause, which is as long as the step before it took: half of
	// the disk is left to the server.
	longestRest = 50 * time.Millisecond
)

// file copies one database: first its pages, at a pace that leaves the server
// its share of the disk, then, past the server, into a file without free pages.
func (o BackupOptions) file(ctx context.Context, name string) (err error) {
	raw, whole := filepath.Join(o.To, name+".part"), filepath.Join(o.To, name)
	defer func() {
		if gone := os.Remove(raw); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	if err := o.pages(ctx, name, raw); err != nil {
		return err
	}
	c, err := openConn(plainDSN(raw, "rw"))
	if err != nil {
		return err
	}
	// The log of a copy is of no use, and a file that needs none can be read from
	// where nothing can be written.
	if err := c.pragma("PRAGMA journal_mode = DELETE"); err != nil {
		return errors.Join(err, c.close())
	}
	if err = empty(whole); err == nil {
		err = c.interruptible(ctx, "VACUUM INTO ?", func(row) error { return nil }, whole)
	}
	if err := errors.Join(err, c.close()); err != nil {
		return err
	}
	return syncFile(whole)
}

// pages copies the pages of one moment: the transaction that pins it lasts until
// the end, so the server's writes never have the copy begin again.
func (o BackupOptions) pages(ctx context.Context, name, to string) error {
	if err := empty(to); err != nil {
		return err
	}
	from, err := openConn(dsn(filepath.Join(o.From, name), forReading, Options{}.withDefaults().BusyTimeout))
	if err != nil {
		return err
	}
	copied, err := openConn(plainDSN(to, "rw") + "&_synchronous=OFF&_journal_mode=OFF")
	if err != nil {
		return errors.Join(err, from.close())
	}
	return errors.Join(o.steps(ctx, name, from, copied), copied.close(), from.close())
}

func (o BackupOptions) steps(ctx context.Context, name string, from, to *conn) error {
	if _, err := from.exec("BEGIN"); err != nil {
		return err
	}
	if _, err := from.one("SELECT count(*) FROM sqlite_master", func(row) {}); err != nil {
		return err
	}
	b, err := to.c.Backup("main", from.c, "main")
	if err != nil {
		return mapped(err)
	}
	for done := false; !done && err == nil; {
		begun := time.Now()
		if done, err = b.Step(backupStep); err != nil {
			break
		}
		if o.Progress != nil {
			pages, size := int64(b.PageCount()), int64(pageSize(name))
			o.Progress(name, (pages-int64(b.Remaining()))*size, pages*size)
		}
		if !done && !pause(ctx, min(time.Since(begun), longestRest), nil) {
			err = ctx.Err()
		}
	}
	return errors.Join(mapped(err), b.Finish(), from.rollback())
}

// empty makes a file that its owner alone can read: SQLite would make it with the
// process's umask.
func empty(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unavailable(err)
	}
	return f.Close()
}

// plainDSN opens a file that no server uses.
func plainDSN(path, mode string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode}
	return u.String()
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return unavailable(err)
	}
	return errors.Join(f.Sync(), f.Close())
}

const selectCopied = "SELECT (SELECT count(*) FROM messages), count(*), count(CASE state WHEN 'failed' THEN 1 END) FROM recipients"

// Examined is what is found in databases that nobody writes.
type Examined struct {
	Schemas map[string]int64 // version of the schema, by file
	// Older says that an earlier release wrote them: then only their structure was
	// examined, and the rest can be once they are opened and so brought up to date.
	Older                        bool
	Messages, Recipients, Failed int64    // in the queue; Failed: recipients whose senders are not notified yet
	Damage                       []string // what was found, a sentence each; none: nothing
}

// Examine reads both databases of a folder from end to end and changes nothing:
// their structure, the checksums over the records that stop mail, and those over
// queued mail but its bodies. Errors are those of [Open] with ReadOnly.
func Examine(ctx context.Context, o Options) (found Examined, err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return found, err
	}
	o.ReadOnly = true
	found.Schemas = map[string]int64{}
	for _, name := range Files() {
		if err := found.structure(ctx, o, name); err != nil {
			return found, err
		}
	}
	if len(found.Damage) > 0 {
		return found, nil
	}
	db, err := Open(ctx, o)
	if errors.Is(err, store.ErrOlder) {
		found.Older = true
		return found, nil
	}
	if err != nil {
		return found, err
	}
	err = found.records(ctx, db)
	return found, errors.Join(err, db.Close())
}

func (found *Examined) structure(ctx context.Context, o Options, name string) error {
	c, err := openConn(dsn(filepath.Join(o.Dir, name), forReading, o.withDefaults().BusyTimeout))
	if err != nil {
		return unavailable(err)
	}
	defer c.close()
	err = c.interruptible(ctx, structureOfAll, func(r row) error {
		if text := r.text(0); text != "ok" {
			found.Damage = append(found.Damage, name+": "+text[:min(len(text), 200)])
		}
		return nil
	})
	if err == nil {
		found.Schemas[name], err = schemaOf(c)
	}
	if unreadable(err) {
		found.Damage, err = append(found.Damage, name+": it cannot be read"), nil
	}
	return err
}

func (found *Examined) records(ctx context.Context, db *DB) error {
	people, err := openConn(db.consent.file.readers.dsn)
	if err != nil {
		return err
	}
	expected, err := db.consent.expected(ctx)
	if err != nil {
		return errors.Join(err, people.close())
	}
	sure, _, err := db.consent.scan(ctx, people, newFilter(expected))
	if err := errors.Join(err, people.close()); err != nil {
		return err
	}
	if sure.text != "" {
		found.Damage = append(found.Damage, consentFile+": "+sure.text)
	}
	mail, err := db.spool.examineFile(ctx)
	if err != nil {
		return err
	}
	if text := mail.text(); text != "" {
		found.Damage = append(found.Damage, spoolFile+": "+text)
	}
	return db.spool.file.readers.do(ctx, func(c *conn) error {
		_, err := c.one(selectCopied, func(r row) {
			found.Messages, found.Recipients, found.Failed = r.int(0), r.int(1), r.int(2)
		})
		return err
	})
}

// Named returns the lookup keys whose hashes are asked for, of all people the
// records name; it reads all of them.
func (s *Consent) Named(ctx context.Context, hashes map[string]bool) (keys []string, err error) {
	for _, table := range []string{"choices", "suppressions", "sharing", "contacts", "events"} {
		err = s.file.readers.do(ctx, func(c *conn) error {
			return c.query("SELECT DISTINCT recipient FROM "+table+" WHERE recipient IS NOT NULL", func(r row) error {
				if key := r.text(0); hashes[s.people.hash(key)] && s.people.hash(key) != key {
					keys = append(keys, key)
				}
				return ctx.Err()
			})
		})
		if err != nil {
			return nil, fail("find people", err)
		}
	}
	return keys, nil
}
