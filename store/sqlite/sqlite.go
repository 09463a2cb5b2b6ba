package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"offramp/store"
)

// The files in the data folder.
const (
	consentFile = "offramp.db"
	spoolFile   = "spool.db"
	lockFile    = "offramp.lock"
)

// Options say where the data is and how to open it.
type Options struct {
	// Dir is the folder of both files; it is made, readable by its owner
	// only, when it does not exist.
	Dir string
	// Existing refuses a folder without data with store.ErrNotFound and makes
	// nothing there: a volume that is not mounted looks like that.
	Existing bool
	// ReadOnly opens existing data beside a running server: nothing is made,
	// migrated, locked or changed, and there are no leases.
	ReadOnly bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log gets what no error reports; nil: nothing is logged.
	Log *slog.Logger
	// BusyTimeout is how long an operation waits for another program that
	// has locked a file before it fails; 0: 5 s.
	BusyTimeout time.Duration
	// PersonKey is the secret that hashes of people are made with, 32 bytes,
	// the same for as long as the data lives: without it nobody who had
	// everything erased is recognised. Another one than the data was created with
	// is store.ErrKey. It may only be missing with ReadOnly.
	PersonKey []byte
	// Random is where salts come from; nil: crypto/rand.
	Random io.Reader
	// EraseWithin is how long after an erasure the last copies of what was erased
	// may be left in a file; 0: 24 h. Where there is time, the [Scrubber] takes
	// no more than a quarter of the disk's.
	EraseWithin time.Duration
	// Readers is how many read connections each file gets at most; 0: 4.
	Readers int
	// AcceptLedger opens data whose choices are not those that its queue was last
	// used with, which is [ErrBehind] otherwise.
	AcceptLedger bool
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.EraseWithin == 0 {
		o.EraseWithin = 24 * time.Hour
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return o
}

// DB is an open data folder.
type DB struct {
	lock    *os.File // nil: read-only
	consent *Consent
	spool   *Spool
	scrub   *Scrubber
	unsee   func() // ends the notes on how far the ledger reaches; nil: there are none
}

// Open opens the data folder, brings its schema up to date and removes bodies
// of messages that were never committed. Errors wrap store.ErrInUse when
// another process serves from the folder, store.ErrNewer when a newer release
// wrote it, and store.ErrNotFound when it is to be there and does not exist.
func Open(ctx context.Context, o Options) (*DB, error) {
	o = o.withDefaults()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", o.Dir, err)
	}
	o.Dir = dir
	db := &DB{}
	if err := db.open(ctx, o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, o Options) (err error) {
	if begun, err := Begun(o.Dir); o.Existing && (err != nil || !begun) {
		return cmp.Or(err, fmt.Errorf("%s: %w: it has no %s", o.Dir, store.ErrNotFound, consentFile))
	}
	if !o.ReadOnly {
		if err := makeDir(o.Dir); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		if db.lock, err = acquire(filepath.Join(o.Dir, lockFile)); err != nil {
			return err
		}
		if err := whole(o); err != nil {
			return err
		}
	}
	consent, err := openFile(ctx, o, consentFile)
	if err != nil {
		return err
	}
	if db.consent, err = newConsent(consent, o); err != nil {
		return errors.Join(err, consent.close())
	}
	if err := db.consent.start(ctx); err != nil {
		return err
	}
	mail, err := openFile(ctx, o, spoolFile)
	if err != nil {
		return err
	}
	db.spool = newSpool(mail, o)
	db.scrub = newScrubber(db.consent, db.spool, o)
	if err := db.spool.start(ctx); err != nil || o.ReadOnly {
		return err
	}
	if err := db.behind(ctx); err != nil && !(o.AcceptLedger && errors.Is(err, ErrBehind)) {
		return err
	}
	db.unsee = background(o.Log, "how far the ledger reaches was noted", db.seeing)
	db.consent.verifyAlways()
	db.spool.inspectAlways()
	db.spool.indexAlways()
	return nil
}

// makeDir makes the data folder. A new one is also made to outlive a loss of
// power; SQLite sees to that for the files within.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if errors.Is(err, fs.ErrPermission) {
		return nil // a parent that may be passed through and not read
	}
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Consent returns the store of people's wishes.
func (db *DB) Consent() *Consent { return db.consent }

// Spool returns the store of mail.
func (db *DB) Spool() *Spool { return db.spool }

// Scrubber returns what overwrites what was erased, while its Run runs.
func (db *DB) Scrubber() *Scrubber { return db.scrub }

// Close waits for running operations, closes both files and lets another
// process open them. Operations that come later fail with store.ErrUnavailable.
func (db *DB) Close() error {
	var errs []error
	if db.unsee != nil {
		db.unsee()
		errs = append(errs, db.lastSeen())
		db.unsee = nil
	}
	if db.consent != nil {
		errs = append(errs, db.consent.close())
	}
	if db.spool != nil {
		errs = append(errs, db.spool.close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
		db.lock = nil
	}
	return errors.Join(errs...)
}

// file is one database file: its writer and its readers.
type file struct {
	path    string
	busy    time.Duration // how long an operation waits for another program
	readers *pool
	writer  *writer // nil: read-only

	mu      sync.Mutex
	raw     rawFile // for what SQLite does not offer; nil: not opened yet
	openRaw func(path string) (rawFile, error)
}

// openFile makes or finds a database file and checks its schema.
func openFile(ctx context.Context, o Options, name string) (*file, error) {
	path := filepath.Join(o.Dir, name)
	f := &file{path: path, busy: o.BusyTimeout, openRaw: openRaw, readers: newPool(dsn(path, forReading, o.BusyTimeout), o.Readers)}
	if o.ReadOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w: %w", path, store.ErrNotFound, err)
		}
		return f, checkSchema(ctx, f, name)
	}
	switch err := logWhole(path, pageSize(name)); {
	case err != nil && name == spoolFile && errors.Is(err, store.ErrDamaged):
		o.Log.Error("mail in the log of the queue is damaged and lost, accepted mail perhaps", "file", name, "error", err)
	case err != nil:
		return nil, unavailable(err)
	}
	if err := create(path, pageSize(name)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, unavailable(err))
	}
	if name == consentFile {
		if err := hollow(ctx, f, o); err != nil {
			return nil, errors.Join(err, f.readers.close())
		}
	}
	if err := migrate(ctx, dsn(path, forWriting, o.BusyTimeout), name); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.writer = &writer{
		dsn: dsn(path, forWriting, o.BusyTimeout), log: o.Log, name: name,
		checkpointPages: checkpointAt / int64(pageSize(name)),
	}
	return f, nil
}

// pageSize is that of SQLite for small records; messages are stored in fewer,
// larger pages with a tenth less work.
func pageSize(name string) int {
	if name == spoolFile {
		return 8192
	}
	return 4096
}

// checkpointAt is how long a log may grow, in bytes.
const checkpointAt = 16 << 20

// logRoom is kept free for the log: up to a checkpoint and one batch beyond
// it. Without it a full volume could not even record that mail has left.
const logRoom = checkpointAt + maxBatch

// create makes an empty database file. SQLite itself would make it with the
// process's umask; its log files copy the mode. The size of pages cannot be
// changed later.
func create(path string, pageSize int) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	// With a journal beside it the file was being made when the power failed.
	if _, err := os.Stat(path + "-journal"); info.Size() > 0 && err != nil {
		return nil
	}
	u := url.URL{Scheme: "file", Path: path}
	c, err := openConn(u.String())
	if err != nil {
		return err
	}
	for _, p := range []string{
		"PRAGMA schema_version", // the file is read, and by a journal emptied again
		fmt.Sprintf("PRAGMA page_size = %d", pageSize),
		"PRAGMA journal_mode = WAL",
	} {
		if err = c.pragma(p); err != nil {
			break
		}
	}
	return errors.Join(err, c.close())
}

// start starts the writer, if there is to be one; setup runs on each new
// connection before it is used.
func (f *file) start(setup func(*conn) error) error {
	if f.writer == nil {
		return nil
	}
	f.writer.setup = setup
	if err := f.writer.start(); err != nil {
		f.writer = nil
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

// write makes a change durable.
func (f *file) write(ctx context.Context, o *op) error {
	if f.writer == nil {
		return errReadOnly
	}
	return f.writer.do(ctx, o)
}

var errReadOnly = fmt.Errorf("%w: opened for reading only", store.ErrUnavailable)

func (f *file) close() error {
	err := f.readers.close()
	if f.writer != nil && f.writer.ended != nil {
		err = errors.Join(err, f.writer.close())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.raw != nil {
		err = errors.Join(err, f.raw.Close())
		f.raw = nil
	}
	return err
}

// rawFile is a database file past SQLite.
type rawFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

func openRaw(path string) (rawFile, error) { return os.OpenFile(path, os.O_RDWR, 0) }

// itself opens the file itself. It is closed after every connection: to close
// it ends the locks that SQLite has on it in this process (fcntl(2)).
func (f *file) itself() (rawFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.raw != nil {
		return f.raw, nil
	}
	raw, err := f.openRaw(f.path)
	if err != nil {
		return nil, unavailable(err)
	}
	f.raw = raw
	return raw, nil
}
