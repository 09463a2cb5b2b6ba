package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"offramp/gateway"
	"offramp/store"
	"offramp/store/sqlite"
)

// openStore opens the data folder and says in one sentence what is in the way.
// Without o.Existing it makes the folder, its databases and the ledger key.
func openStore(ctx context.Context, s *settings, o sqlite.Options) (*sqlite.DB, error) {
	if o.Existing {
		if err := s.needData(); err != nil {
			return nil, err
		}
	}
	if err := prepareDataDir(s.DataDir); err != nil {
		return nil, err
	}
	keys, made, err := s.ledgerKeys()
	if err != nil {
		return nil, err
	}
	o.Dir, o.PersonKey, o.EraseWithin = s.DataDir, keys.people, s.Gateway.Consent.OverwrittenWithin()
	db, err := sqlite.Open(ctx, o)
	switch {
	case errors.Is(err, store.ErrKey):
		return nil, s.wrongLedgerKey(made)
	case err != nil:
		return nil, storeFault(s.DataDir, err)
	}
	if made && o.Log != nil {
		o.Log.Info("created the ledger key: keep a copy, it signs receipts and recognises erased people", "file", s.ledgerKeyPath())
	}
	return db, nil
}

// keepIn gives a gateway the contracts that the engine keeps.
func keepIn(db *sqlite.DB, p *gateway.Parts) {
	p.Consent, p.Spool, p.Scrubber = db.Consent(), db.Spool(), db.Scrubber()
	p.Counts = db.Consent()
	p.APIKeys, p.Requests = db.Consent(), db.Consent()
	p.Jobs = db.Consent()
	p.Leaks = db.Consent()
	p.History = db.Spool()
	p.Consumers, p.Ledger, p.Targets = db.Consent(), db.Consent(), db.Consent()
}

// storePatience is how long to wait for data that another process has open:
// commands have it open for a moment only.
const storePatience = 3 * time.Second

// openWhenFree is openStore of data that exists. It waits for a moment while the
// data is in use, unless hopeless says that whoever has it will keep it.
func (a *app) openWhenFree(ctx context.Context, s *settings, log *slog.Logger, hopeless func() bool) (*sqlite.DB, error) {
	for end := time.Now().Add(storePatience); ; {
		db, err := openStore(ctx, s, sqlite.Options{Existing: true, Now: a.now, Log: log})
		if !errors.Is(err, store.ErrInUse) || time.Now().After(end) || hopeless() {
			return db, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// prepareDataDir makes the folder and tries whether it can be written.
func prepareDataDir(dir string) error {
	if err := makeDataDir(dir); err != nil {
		return &dataDirError{dir, "cannot be created: " + plainPathError(err), err}
	}
	probe, err := os.CreateTemp(dir, ".write-*")
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return &dataDirError{dir, fmt.Sprintf("is not writable by this user (uid %d): change its owner, or choose another folder", os.Getuid()), err}
		}
		return &dataDirError{dir, plainPathError(err), err}
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// dataDirError is a fault of the data folder. It keeps its cause for the exit code.
type dataDirError struct {
	dir, text string
	cause     error
}

func (e *dataDirError) Error() string {
	return "OFFRAMP_DATA_DIR: the data folder " + e.dir + " " + e.text
}
func (e *dataDirError) Unwrap() error { return e.cause }

// storeFault words why the store does not open.
func storeFault(dir string, err error) error {
	switch {
	case errors.Is(err, store.ErrInUse):
		return &dataDirError{dir, "is in use by another offramp process: stop it, or choose another folder", err}
	case errors.Is(err, store.ErrNewer):
		return &dataDirError{dir, "was written by a newer release of Offramp: run that release, or restore a backup", err}
	case errors.Is(err, sqlite.ErrHalf):
		return &dataDirError{dir, "is not whole: offramp.db is missing or empty beside spool.db, and without it nobody's opt-out is known: restore it, or move both away to start over", err}
	case errors.Is(err, sqlite.ErrBehind):
		return &dataDirError{dir, "does not fit together, and opt-outs may be missing: " + err.Error() + ". Put back the one that belongs to it, or take over the opt-outs made since with `offramp restore --events FILE` and then run `offramp restore --accept`", err}
	case errors.Is(err, sqlite.ErrLog):
		return &dataDirError{dir, "is not whole: " + err.Error(), err}
	case errors.Is(err, store.ErrDamaged):
		return &dataDirError{dir, "contains a damaged database: " + err.Error() + ": copy the folder, then run `offramp repair`", err}
	case errors.Is(err, store.ErrFull):
		return &dataDirError{dir, "is on a full volume: free some space", err}
	}
	return &dataDirError{dir, "cannot be opened: " + err.Error(), err}
}

// look says, without changing or locking anything, with which default stream
// the data was served before there was a choice (empty: with none, or there is no
// data), and whether an earlier release wrote it last.
func (s *settings) look(ctx context.Context) (earlier string, older bool, err error) {
	if _, err := os.Stat(filepath.Join(s.DataDir, "offramp.db")); errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Dir: s.DataDir, ReadOnly: true})
	if errors.Is(err, store.ErrOlder) {
		if earlier, err = sqlite.EarlierStream(ctx, s.DataDir); err != nil {
			err = storeFault(s.DataDir, err)
		}
		return earlier, true, err
	}
	if err != nil {
		return "", false, storeFault(s.DataDir, err)
	}
	earlier, err = db.Consent().EarlierStream(ctx)
	if err != nil {
		err = storeFault(s.DataDir, err)
	}
	return earlier, false, errors.Join(err, db.Close())
}

// addressOfCode reads the recipient of a code from the data, also beside a
// running server, and changes nothing. See [store.Consent].
func (s *settings) addressOfCode(ctx context.Context, id [16]byte) (address string, err error) {
	db, err := sqlite.Open(ctx, sqlite.Options{Dir: s.DataDir, ReadOnly: true})
	if errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err != nil {
		return "", storeFault(s.DataDir, err)
	}
	address, err = db.Consent().AddressOfCode(ctx, id)
	return address, errors.Join(err, db.Close())
}
