// Package receipt makes signed receipts of what people chose, which prove
// themselves without Offramp: text in the signed note format that
// transparency logs use, under an Ed25519 key.
package receipt

import (
	"time"

	"offramp/store"
)

// Receipt is what is attested.
type Receipt struct {
	Recipient string // lookup key
	List      string // empty: all lists
	Kind      store.EventKind
	Way       store.Way
	Received  time.Time
	InForce   time.Time // zero: not recorded
	Event     int64     // in the ledger
	Link      store.Sum // of that event: the ledger up to it is fixed by this receipt
}

// Signer signs receipts. Safe for concurrent use.
type Signer struct{}

// NewSigner makes a signer of a 32-octet seed; name is the host of the
// gateway, without spaces and plus signs.
func NewSigner(name string, seed []byte) (*Signer, error) { panic("to be built") }

// Sign returns the receipt as signed text.
func (s *Signer) Sign(r Receipt) ([]byte, error) { panic("to be built") }

// Verifier is the public key, as text to publish.
func (s *Signer) Verifier() string { panic("to be built") }

// Open returns a receipt that one of the public keys signed.
func Open(text []byte, verifiers ...string) (Receipt, error) { panic("to be built") }
