package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"offramp/gateway/dkim"
	"offramp/listunsub"
	"offramp/store"
)

// tokenKeysFile holds the key ring in the data folder.
const tokenKeysFile = "token.keys"

// tokenKeys returns the key ring: of the setting, else of the data folder,
// where it is made when it is missing.
func (s *settings) tokenKeys() (ring *listunsub.KeyRing, made bool, err error) {
	if s.TokenKeys != "" {
		ring, err = listunsub.ParseKeyRing(s.TokenKeys)
		if err != nil {
			return nil, false, fault("OFFRAMP_TOKEN_KEYS: is not a list of 32-byte keys in base64: make one with `offramp keygen token`")
		}
		return ring, false, nil
	}
	path := filepath.Join(s.DataDir, tokenKeysFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := listunsub.NewKey()
		if err := writeNew(path, []byte(key+"\n")); err != nil {
			return nil, false, fault("OFFRAMP_DATA_DIR: the token keys cannot be written: %s", plainPathError(err))
		}
		ring, err = listunsub.ParseKeyRing(key)
		return ring, true, err
	}
	if err != nil {
		return nil, false, fault("OFFRAMP_DATA_DIR: the token keys cannot be read: %s", plainPathError(err))
	}
	ring, err = listunsub.ParseKeyRing(strings.Join(strings.Fields(string(raw)), ","))
	if err != nil {
		return nil, false, fault("OFFRAMP_DATA_DIR: %s contains no token keys any more: restore it from a backup, since links already sent need it", path)
	}
	return ring, false, nil
}

// needTokenKeys refuses to go on where tokenKeys would make the first keys: a
// command that opens links has no use for new ones.
func (s *settings) needTokenKeys() error {
	path := filepath.Join(s.DataDir, tokenKeysFile)
	if _, err := os.Stat(path); s.TokenKeys == "" && errors.Is(err, fs.ErrNotExist) {
		return fault("OFFRAMP_DATA_DIR: no token keys in %s: name the server's data folder, or set OFFRAMP_TOKEN_KEYS", s.DataDir)
	}
	return nil
}

// keptTokenKeys refuses to go on where tokenKeys would make keys in the place of
// others that were lost: every link that was sent would be dead.
func (s *settings) keptTokenKeys(ctx context.Context, people interface {
	Lists(ctx context.Context) ([]store.List, error)
}) error {
	path := filepath.Join(s.DataDir, tokenKeysFile)
	if _, err := os.Stat(path); s.TokenKeys != "" || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lists, err := people.Lists(ctx)
	if err != nil || len(lists) == 0 { // a list is there once mail was accepted for it
		return err
	}
	return fault("OFFRAMP_TOKEN_KEYS: is not set and there is no %s, but links were sent before: restore the file or set the keys used then; to invalidate those links, run `offramp keygen token > %s`", path, path)
}

// writeNew writes a file that must not exist yet, readable by its owner alone,
// and returns when it is on disk. What root writes belongs to the folder's owner.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	giveToFolder(f)
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// dkimEntry is one entry of OFFRAMP_DKIM_KEYS.
type dkimEntry struct{ domain, selector, path string }

func (e dkimEntry) setting() string { return e.domain + ":" + e.selector + ":" + e.path }

// dkimEntries splits OFFRAMP_DKIM_KEYS.
func (s *settings) dkimEntries() ([]dkimEntry, error) {
	var entries []dkimEntry
	var faults []error
	for _, item := range s.DKIMKeys {
		parts := strings.SplitN(strings.TrimSpace(item), ":", 3)
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
			faults = append(faults, fault("OFFRAMP_DKIM_KEYS: %q: write domain:selector:path, entries separated by commas", item))
			continue
		}
		entries = append(entries, dkimEntry{parts[0], parts[1], parts[2]})
	}
	return entries, errors.Join(faults...)
}

// dkimKeys loads every key of OFFRAMP_DKIM_KEYS and returns all faults.
func (s *settings) dkimKeys() (*dkim.Keys, error) {
	entries, err := s.dkimEntries()
	if err != nil {
		return nil, err
	}
	keys, err := loadKeys(entries)
	if err != nil {
		return nil, err
	}
	ring, err := dkim.NewKeys(keys...)
	if err != nil {
		return nil, fault("OFFRAMP_DKIM_KEYS: %v", err)
	}
	return ring, nil
}

// loadKeys loads the keys of entries and returns all faults.
func loadKeys(entries []dkimEntry) ([]dkim.Key, error) {
	var keys []dkim.Key
	var faults []error
	for _, e := range entries {
		key, err := dkim.LoadKey(e.domain, e.selector, e.path)
		if err != nil {
			faults = append(faults, dkimFault(e, err))
			continue
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(faults...)
}

// dkimFault words why a key cannot be used.
func dkimFault(e dkimEntry, err error) error {
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, dkim.ErrWeakKey):
		return fault("OFFRAMP_DKIM_KEYS: the key in %s has fewer than 2048 bits, which receivers refuse: make a new one with `offramp keygen dkim`", e.path)
	case errors.As(err, &pathErr):
		return fault("OFFRAMP_DKIM_KEYS: %s", plainPathError(err))
	}
	return fault("OFFRAMP_DKIM_KEYS: %s: %s", e.path, strings.TrimPrefix(fmt.Sprint(err), e.path+": "))
}
