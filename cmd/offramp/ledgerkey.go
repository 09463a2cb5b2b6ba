package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"offramp/gateway/ledger"
)

// ledgerKeyFile holds the ledger key in the data folder.
const ledgerKeyFile = "ledger.key"

// ledgerKeySize is how many bytes the ledger key and each derived key has.
const ledgerKeySize = 32

// ledgerKeys are what is derived from the ledger key, so that neither use
// tells anything about the other.
type ledgerKeys struct {
	people   []byte // of the hashes that erased people are recognised by
	receipts []byte // seed of the key that signs receipts
}

func newLedgerKey() string {
	key := make([]byte, ledgerKeySize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	return base64.StdEncoding.EncodeToString(key)
}

var errLedgerKey = errors.New("not 32 bytes in base64")

func parseLedgerKey(text string) (ledgerKeys, error) {
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(master) != ledgerKeySize {
		return ledgerKeys{}, errLedgerKey
	}
	var k ledgerKeys
	if k.people, err = hkdf.Key(sha256.New, master, nil, "offramp people", ledgerKeySize); err != nil {
		return k, err
	}
	k.receipts, err = hkdf.Key(sha256.New, master, nil, "offramp receipts", ledgerKeySize)
	return k, err
}

func (s *settings) ledgerKeyPath() string { return filepath.Join(s.DataDir, ledgerKeyFile) }

// ledgerKeys returns the keys: of the setting, else of the data folder, where
// the ledger key is made when it is missing.
func (s *settings) ledgerKeys() (keys ledgerKeys, made bool, err error) {
	if s.LedgerKey != "" {
		if keys, err = parseLedgerKey(s.LedgerKey); err != nil {
			return keys, false, fault("OFFRAMP_LEDGER_KEY: is not a 32-byte key in base64: make one with `offramp keygen ledger`")
		}
		return keys, false, nil
	}
	path := s.ledgerKeyPath()
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := newLedgerKey()
		if err := writeNew(path, []byte(key+"\n")); err != nil {
			return keys, false, fault("OFFRAMP_DATA_DIR: the ledger key cannot be written: %s", plainPathError(err))
		}
		keys, err = parseLedgerKey(key)
		return keys, true, err
	}
	if err != nil {
		return keys, false, fault("OFFRAMP_DATA_DIR: the ledger key cannot be read: %s", plainPathError(err))
	}
	if keys, err = parseLedgerKey(string(raw)); err != nil {
		return keys, false, fault("OFFRAMP_DATA_DIR: %s contains no ledger key any more: restore it from a backup, since erased people are recognised by it", path)
	}
	return keys, false, nil
}

// needLedgerKey refuses to go on where ledgerKeys would make the first key: a
// command that looks at data has no use for a new one.
func (s *settings) needLedgerKey() error {
	if _, err := os.Stat(s.ledgerKeyPath()); s.LedgerKey == "" && errors.Is(err, fs.ErrNotExist) {
		return fault("OFFRAMP_LEDGER_KEY: is not set and there is no %s: set the server's key or restore the file; if the data is from a release without ledger keys, start `offramp serve` once", s.ledgerKeyPath())
	}
	return nil
}

// wrongLedgerKey words that the data was begun with another key. One that was
// made for it in this moment goes again: nothing was kept under it.
func (s *settings) wrongLedgerKey(made bool) error {
	switch {
	case made:
		fault := fault("OFFRAMP_LEDGER_KEY: is not set and there is no %s, but the data was created with a key: restore the file or set that key, since erased people are recognised by it", s.ledgerKeyPath())
		return errors.Join(fault, os.Remove(s.ledgerKeyPath()))
	case s.LedgerKey != "":
		return fault("OFFRAMP_LEDGER_KEY: the data in %s was created with another key: set that one, since erased people are recognised by it", s.DataDir)
	}
	return fault("OFFRAMP_LEDGER_KEY: the data was created with another key than %s: restore that one, since erased people are recognised by it", s.ledgerKeyPath())
}

// receipts returns the signer of receipts, under the name recipients know.
func (s *settings) receipts() (*ledger.Signer, error) {
	keys, _, err := s.ledgerKeys()
	if err != nil {
		return nil, err
	}
	name := s.Gateway.Hostname
	if u, err := url.Parse(s.Gateway.PublicURL); err == nil && u.Hostname() != "" {
		name = u.Hostname()
	}
	signer, err := ledger.NewSigner(name, keys.receipts)
	if err != nil {
		return nil, fault("OFFRAMP_HOSTNAME: %q cannot sign receipts: use a host name", name)
	}
	return signer, nil
}
