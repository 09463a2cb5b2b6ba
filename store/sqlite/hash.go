package sqlite

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"offramp/store"
)

// keySize is that of Options.PersonKey, in bytes.
const keySize = 32

var errNoKey = errors.New("a writable store needs a 32-byte key for hashes of people")

// people turns lookup keys of erased people into their hashes.
type people struct {
	key []byte
	// erased is how many people are known by their hash only. While there is
	// nobody, nothing is looked up.
	erased atomic.Int64
}

// mac is the keyed hash of text for one use.
func (p *people) mac(use, text string) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte(use))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return h.Sum(nil)
}

// hash is what replaces a lookup key. It begins with "~" and has no "@", so
// it is never taken for one; and it is its own hash.
func (p *people) hash(recipient string) string {
	if recipient == "" || strings.HasPrefix(recipient, "~") && !strings.Contains(recipient, "@") {
		return recipient
	}
	return "~" + base64.RawURLEncoding.EncodeToString(p.mac("person", recipient)[:16])
}

// Hash is the keyed hash of a lookup key.
func (s *Consent) Hash(recipient string) string { return s.people.hash(recipient) }

const (
	selectErased  = "SELECT 1 FROM erased WHERE hash = ?"
	countErased   = "SELECT count(*) FROM erased"
	insertErased  = "INSERT INTO erased (hash, since, seal) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	selectMeta    = "SELECT value FROM meta WHERE name = ?"
	putMeta       = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	deleteMeta    = "DELETE FROM meta WHERE name = ?"
	metaPersonKey = "person-key"
	metaScrub     = "scrub"
	metaStart     = "ledger-start"
	metaStream    = "default-stream"
)

// known returns the name a recipient is kept under: the hash of a person who
// was erased, and the key itself of everybody else.
func (p *people) known(c *conn, recipient string) (name string, erased bool, err error) {
	if recipient == "" || p.erased.Load() == 0 {
		return recipient, false, nil
	}
	hash := p.hash(recipient)
	erased, err = c.one(selectErased, func(row) {}, hash)
	if err != nil || !erased {
		return recipient, false, err
	}
	return hash, true, nil
}

// load counts erased people, when the file is opened.
func (p *people) load(c *conn) error {
	_, err := c.one(countErased, func(r row) { p.erased.Store(r.int(0)) })
	return err
}

// fingerprint distinguishes keys and reveals nothing else about them.
func (p *people) fingerprint() []byte { return p.mac("fingerprint", "")[:16] }

// check compares the key with the one the data was created with.
func (p *people) check(c *conn) (fresh bool, err error) {
	var have []byte
	found, err := c.one(selectMeta, func(r row) { have = r.blob(0) }, metaPersonKey)
	switch {
	case err != nil:
		return false, err
	case !found:
		return true, nil
	case subtle.ConstantTimeCompare(have, p.fingerprint()) != 1:
		return false, fmt.Errorf("%w: hashes of people were made with another one", store.ErrKey)
	}
	return false, nil
}
