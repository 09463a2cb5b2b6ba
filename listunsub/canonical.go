package listunsub

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// MaxCanonicalID is the length in bytes that CanonicalID never exceeds, so
// that a token for any list stays under 200 characters.
const MaxCanonicalID = 60

// lowerBase32 survives a change of case and needs no escaping anywhere.
const lowerBase32 = "abcdefghijklmnopqrstuvwxyz234567"

// CanonicalID returns the identifier of a list as tokens and stores use it:
// without white space around it, in lower case, printable US-ASCII without
// spaces, at most 60 bytes. An identifier that cannot be written so keeps a
// readable head and ends in "~" and 80 bits of a hash of the whole, so that it
// always fits. CanonicalID(CanonicalID(id)) == CanonicalID(id).
// It is empty only when id is empty or white space.
func CanonicalID(id string) string {
	id = strings.TrimSpace(id)
	if utf8.ValidString(id) {
		id = strings.ToLower(id)
	} else {
		id = lowerASCII(id) // ToLower would make all invalid bytes alike
	}
	if len(id) <= MaxCanonicalID && isPrintable(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	tail := "~" + base32.NewEncoding(lowerBase32).EncodeToString(sum[:10])
	var head strings.Builder
	for i := 0; i < len(id) && head.Len() < MaxCanonicalID-len(tail); i++ {
		if c := id[i]; c > ' ' && c < 0x7f {
			head.WriteByte(c)
		} else if h := head.String(); h != "" && h[len(h)-1] != '-' {
			head.WriteByte('-')
		}
	}
	return head.String() + tail
}

// ListKey is the short form of a list identifier in address tokens: the first
// 8 bytes, big-endian, of the SHA-256 of its canonical form.
func ListKey(id string) uint64 {
	sum := sha256.Sum256([]byte(CanonicalID(id)))
	return binary.BigEndian.Uint64(sum[:8])
}

// lowerASCII changes A to Z only, byte by byte.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
