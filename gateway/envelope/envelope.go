package envelope

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// Recipient is a recipient with its DSN parameters (RFC 3461 section 4).
type Recipient struct {
	Address  Address
	Notify   string // "SUCCESS,FAILURE,DELAY" or some of them, "NEVER"; empty: not given
	Original string // ORCPT decoded, e.g. "rfc822;a@b.example"; empty: not given
}

// Envelope is what MAIL and RCPT said about one message.
type Envelope struct {
	ReversePath Address // zero value: null
	Recipients  []Recipient
	EightBit    bool   // BODY=8BITMIME (RFC 6152)
	UTF8        bool   // SMTPUTF8 (RFC 6531)
	RequireTLS  bool   // REQUIRETLS (RFC 8689)
	Return      string // RET: FULL, HDRS or empty (RFC 3461 section 4.3)
	EnvelopeID  string // ENVID decoded; empty: not given
	Size        int64  // SIZE declared, in bytes; 0: none
}

// idEpoch is where the time of queue ids begins, in milliseconds since 1970:
// 2020-01-01. 40 bits last until 2054, then the order starts over.
const idEpoch = 1577836800000

// NewQueueID returns an id of 16 lower-case base32 characters (RFC 4648 section
// 7 alphabet, so that ids sort by time): 40 bits of milliseconds, 40 bits of
// randomness. It is safe in logs, file names and URLs. A time before 2020 counts
// as the first millisecond.
func NewQueueID(now time.Time) string {
	ms := max(now.UnixMilli()-idEpoch, 0)
	var b [13]byte
	binary.BigEndian.PutUint64(b[:8], uint64(ms))
	rand.Read(b[8:]) // never fails (crypto/rand)
	var id [16]byte
	base32.HexEncoding.Encode(id[:], b[3:])
	for i, c := range id {
		if 'A' <= c && c <= 'Z' {
			id[i] = c + 'a' - 'A'
		}
	}
	return string(id[:])
}
