package listunsub

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// DigitCount is the length of what [KeyRing.Digits] returns.
const DigitCount = 8

// Digits derives from data, for the use that label names, decimal digits that a
// person can type. They follow from the first key alone: any process with the
// ring knows them, and nobody else does. There are 100 million of them, so
// whoever takes guesses must count them.
func (r *KeyRing) Digits(label string, data ...[]byte) string {
	return digitsOf(r.MAC(label, data...))
}

// VerifyDigits says whether digits are what Digits returned for label and data
// under any key of the ring. It compares in constant time.
func (r *KeyRing) VerifyDigits(digits, label string, data ...[]byte) bool {
	ok := 0
	for i := range r.keys {
		ok |= subtle.ConstantTimeCompare([]byte(digits), []byte(digitsOf(r.keys[i].label.labelled(label, data))))
	}
	return ok == 1
}

// digitsOf cuts a MAC down. 64 bits are so many more than digits that none is
// more likely than another by a measure that counts.
func digitsOf(mac []byte) string {
	return fmt.Sprintf("%0*d", DigitCount, binary.BigEndian.Uint64(mac)%100_000_000)
}
