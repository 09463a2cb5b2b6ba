// Package envelope: STUB, to be replaced by the real files.
package envelope

import "time"

// Address is a mailbox of an SMTP envelope; the zero value is the null reverse-path.
type Address struct{ local, domain string }

// Parse reads an address as MAIL or RCPT carries it, without angle brackets (go-smtp hands
// it over unquoted: split at the LAST @). Also what listunsub and the CLI hand over.
func Parse(s string) (Address, error) { panic("stub") }

// String returns the wire form, quoted where RFC 5321 asks for it; Parse(a.String()) == a.
func (a Address) String() string { panic("stub") }

// Key is the lookup key: local part NFC + case-folded, "@", domain lower-case A-label.
func (a Address) Key() string { panic("stub") }

// Local is the local part without quotes; Domain the lower-case A-label domain or [literal].
func (a Address) Local() string  { panic("stub") }
func (a Address) Domain() string { panic("stub") }
func (a Address) IsNull() bool   { panic("stub") }

// UTF8 says whether the address needs SMTPUTF8 (RFC 6531).
func (a Address) UTF8() bool { panic("stub") }

// Masked returns the address for pages and logs: "a•••@e•••.example".
func (a Address) Masked() string { panic("stub") }

var ErrAddress error

// Recipient is a recipient with its DSN parameters.
type Recipient struct {
	Address  Address
	Notify   string // "SUCCESS,FAILURE,DELAY", "NEVER" or empty
	Original string // ORCPT "rfc822;..." xtext decoded, or empty
}

// Envelope is what MAIL and RCPT said.
type Envelope struct {
	ReversePath Address
	Recipients  []Recipient
	EightBit    bool
	UTF8        bool
	RequireTLS  bool
	Return      string // FULL, HDRS or empty
	EnvelopeID  string
	Size        int64 // declared, 0: none
}

// NewQueueID returns an id of 16 lower-case base32 characters that sorts by time:
// 40 bits of milliseconds, 40 bits of randomness. Safe in logs, files and URLs.
func NewQueueID(now time.Time) string { panic("stub") }

// Octets is a size in settings: "50MiB", "256KiB", "1000000".
type Octets int64

func (o *Octets) UnmarshalText(b []byte) error { panic("stub") }
func (o Octets) String() string                { panic("stub") }
