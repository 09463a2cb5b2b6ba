// Package dkim: STUB, to be replaced by the real files.
package dkim

import (
	"crypto"
	"io"
	"time"
)

// Key signs for one domain and selector. RSA of 2048 bits or more, or Ed25519.
type Key struct {
	Domain   string // signing domain (SDID), A-label
	Selector string
	Signer   crypto.Signer
}

// LoadKey reads a PEM key (PKCS#1, PKCS#8); ErrWeakKey under 2048 bits.
func LoadKey(domain, selector, path string) (Key, error) { panic("stub") }

// Record is the TXT record value for the key ("v=DKIM1; k=rsa; p=...").
func (k Key) Record() (string, error) { panic("stub") }

// Keys chooses by From domain: the domain itself, else the nearest parent within its organizational domain.
type Keys struct{ _ int }

func NewKeys(keys ...Key) (*Keys, error)          { panic("stub") }
func (k *Keys) For(fromDomain string) []Key       { panic("stub") } // RSA first; none: unsigned
func (k *Keys) All() []Key                        { panic("stub") }

// BodyHash computes the relaxed body hash (RFC 6376 section 3.4.4) as the body streams by.
type BodyHash struct{ _ int }

func NewBodyHash() *BodyHash                     { panic("stub") }
func (b *BodyHash) Write(p []byte) (int, error)  { panic("stub") }
func (b *BodyHash) Sum() []byte                  { panic("stub") }

var _ io.Writer = (*BodyHash)(nil)

// Sign returns the DKIM-Signature field, folded below 78, CRLF at its end. fields are the header's
// fields in order, each raw with its CRLF; bodyHash comes from BodyHash; t is the time of acceptance.
func (k Key) Sign(fields [][]byte, bodyHash []byte, t time.Time) ([]byte, error) { panic("stub") }

var ErrWeakKey error
