package listunsub

import (
	"encoding/binary"
	"strings"
)

// PersonCode stands in an address token for a recipient that does not fit. It
// is an HMAC-SHA256 of the recipient, cut off, under a key of its own: the same
// recipient has the same code for as long as the key is the first of its ring,
// and nothing of the recipient can be read from it. The zero value is no code.
type PersonCode [16]byte

func (k *ringKey) personCode(recipient string) (code PersonCode) {
	m := k.person.get()
	m.text = append(m.text, recipient...)
	copy(code[:], m.finish())
	k.person.put(m)
	return code
}

// sealCode seals version 2.
func (r *KeyRing) sealCode(k *ringKey, c AddressClaims) string {
	var raw [addressBytes]byte
	raw[0] = codeVersion<<4 | k.id&0x0f
	binary.BigEndian.PutUint64(raw[addressText:], c.ListKey)
	copy(raw[addressCoded:], c.Code[:])

	m := k.address.mac.get()
	m.text = append(m.text, raw[0], byte(c.Kind))
	m.text = binary.BigEndian.AppendUint64(m.text, c.ListKey)
	m.text = append(m.text, c.Code[:]...)
	copy(raw[addressMAC:addressText], m.finish())
	k.address.mac.put(m)
	return r.addressOf(k, c.Kind, &raw, codeChars)
}

// separators may stand between the kind of an address token and its text. Only
// "+" is ever written. Some systems replace it, since it is where they cut off
// what follows (subaddress), and some encode it (RFC 3986 section 2.1, RFC 2045
// section 6.7) and do not decode it again. In lower case.
var separators = [...]string{"+", "-", ".", "%2b", "=2b"}

// CutAddress separates what an address token begins with, in either case, from
// its text: "u" or "b", then "+", "-", ".", "%2b" or "=2b". ok is false when
// local does not begin so. Whether it is valid only OpenAddress says.
func CutAddress(local string) (kind AddressKind, text string, ok bool) {
	if local == "" {
		return 0, "", false
	}
	kind = AddressKind(local[0] | 0x20)
	if kind != OptOutAddress && kind != BounceAddress {
		return 0, "", false
	}
	for _, s := range separators {
		if end := 1 + len(s); len(local) >= end && strings.EqualFold(local[1:end], s) {
			return kind, local[end:], true
		}
	}
	return 0, "", false
}
