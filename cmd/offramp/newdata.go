package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"offramp/store/sqlite"
)

// needData refuses to go on where there is no data: to start anew in the place
// of a volume that is not mounted mails everybody who had opted out.
func (s *settings) needData() error {
	begun, err := sqlite.Begun(s.DataDir)
	switch {
	case err != nil:
		return storeFault(s.DataDir, err)
	case begun:
		return nil
	}
	found := "there is no data in " + s.DataDir
	if s.hasKeys() {
		found = "the databases are missing from " + s.DataDir + ", which has keys"
	}
	return fault("OFFRAMP_DATA_DIR: %s. If this server has run before, mount the volume or restore the folder: without it, people who opted out would get mail. "+
		"For a new installation run `offramp init --data`, or `offramp serve --new-data` once", found)
}

// lostVolume is needData where files that settings name in the data folder are
// gone with the data: each of them alone looks like a wrong path.
func (s *settings) lostVolume() error {
	missing := s.needData()
	if missing == nil {
		return nil
	}
	paths := []string{s.Gateway.Relay.StreamRules}
	entries, _ := s.dkimEntries() // its faults are reported with the others
	for _, e := range entries {
		paths = append(paths, e.path)
	}
	for _, path := range paths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && s.inDataDir(path) {
			return missing
		}
	}
	return nil
}

func (s *settings) inDataDir(path string) bool {
	dir, err := filepath.Abs(s.DataDir)
	file, fileErr := filepath.Abs(path)
	return err == nil && fileErr == nil && filepath.Dir(file) == dir
}

// hasKeys says whether the data folder has keys that Offramp made there.
func (s *settings) hasKeys() bool {
	return s.holds(tokenKeysFile) || s.holds(ledgerKeyFile)
}

// holds says whether a file is in the data folder.
func (s *settings) holds(name string) bool {
	_, err := os.Stat(filepath.Join(s.DataDir, name))
	return err == nil
}

// refuseData refuses what is only for the first start: left in a unit file or a
// compose file, it would start anew wherever the data is gone.
func (s *settings) refuseData() error {
	begun, err := sqlite.Begun(s.DataDir)
	if err != nil {
		return storeFault(s.DataDir, err)
	}
	if begun {
		return fault("--new-data: there is data in %s already: remove --new-data from the command, which is for the first start only", s.DataDir)
	}
	if s.holds(ledgerKeyFile) {
		return fault("--new-data: the databases are missing from %s, which has the ledger key of an earlier start: restore them, since without them people who opted out would get mail, "+
			"and remove --new-data from the command. If nothing was ever sent from here, run `offramp init --data`", s.DataDir)
	}
	return nil
}

// made says which keys are new.
type made struct{ tokens, ledger bool }

// makeData makes the databases and keys of a new installation: nothing else
// does, apart from the demo.
func (a *app) makeData(ctx context.Context, s *settings, log *slog.Logger) (m made, err error) {
	if err := prepareDataDir(s.DataDir); err != nil {
		return m, err
	}
	if _, m.tokens, err = s.tokenKeys(); err != nil {
		return m, err
	}
	if _, m.ledger, err = s.ledgerKeys(); err != nil {
		return m, err
	}
	db, err := openStore(ctx, s, sqlite.Options{Now: a.now, Log: log})
	if err != nil {
		return m, err
	}
	return m, errors.Join(db.Close(), giveAllToFolder(s.DataDir))
}

// giveAllToFolder does what giveToFolder does, to the files of the databases.
func giveAllToFolder(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, pattern := range []string{"offramp.db*", "spool.db*", "offramp.lock"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			f, err := os.Open(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // a log that ended with its database
			}
			if err != nil {
				return err
			}
			giveToFolder(f)
			if err := f.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}
