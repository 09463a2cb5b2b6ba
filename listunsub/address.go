package listunsub

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// AddressKind is what mail to an address token is: opt-out or bounce. It is
// the first character of the local part and part of what is authenticated.
type AddressKind byte

// The kinds.
const (
	OptOutAddress AddressKind = 'u' // u+...
	BounceAddress AddressKind = 'b' // b+...
)

// AddressClaims is what an address token says: the recipient, or a code to look
// the recipient up by.
type AddressClaims struct {
	Kind      AddressKind
	ListKey   uint64     // of the list, see the function ListKey
	Recipient string     // as mail is sent to it; kept as it is, upper case too; empty: there is a Code
	Code      PersonCode // zero: there is a Recipient
}

// Layout of an address token, before base32 (RFC 4648 section 6, lower case,
// no padding) and after "u+" or "b+":
//
//	bits 0..3     version
//	bits 4..7     low half of the key id
//	bits 8..79    MAC of 72 bits, which is also the synthetic IV: HMAC-SHA256 of
//	              version and key id, kind, list key and what follows, cut off
//	bits 80..     encrypted with AES-256-CTR, IV = the MAC and 7 zero bytes:
//	              list key (64 bits, big-endian), then in version 1 the recipient
//	              in the code of addressTable, ones up to a multiple of 5 bits,
//	              in version 2 the person code (128 bits) and zeros
//
// 62 characters hold 310 bits, so 166 are left for the recipient: about 35
// bytes at a domain of its own, 45 at a well-known one. Of the addresses the
// table was made from 98 in 100 fit. Words for pairs and triples of letters
// were tried: 7 in 100 fewer bits, 2 in 1,000 more addresses, not worth it.
const (
	addressVersion = 1
	codeVersion    = 2
	addressPrefix  = 2  // "u+"
	maxLocal       = 64 // RFC 5321 section 4.5.3.1.1
	maxText        = maxLocal - addressPrefix
	maxAddressBits = maxText * 5
	addressMAC     = 1
	addressText    = addressMAC + 9
	addressCoded   = addressText + 8
	addressBytes   = (maxAddressBits + 7) / 8
	addressChars   = (addressBytes*8 + 4) / 5 // of the whole buffer, more than are used
	codeChars      = ((addressCoded+len(PersonCode{}))*8 + 4) / 5
)

var errAddressText = fmt.Errorf("%w: not an address token", ErrToken)

// SealAddress returns the local part of a mail address, "u+..." or "b+...", of
// at most 64 bytes in lower case letters, digits and "+". Same claims and key,
// same result.
//
// A recipient of up to about 35 bytes is in the address itself, and code is
// zero. A longer one, of up to 320 bytes, is not: the address holds code
// instead, and works only where the recipient is found by it. Who sends mail
// keeps code and recipient first. c.Code counts for nothing.
//
// The error wraps ErrTooLong for a longer recipient; any other is a mistake of
// the caller.
func (r *KeyRing) SealAddress(c AddressClaims) (local string, code PersonCode, err error) {
	switch {
	case c.Kind != OptOutAddress && c.Kind != BounceAddress:
		return "", code, errors.New("address token of no kind")
	case c.Recipient == "":
		return "", code, errors.New("address token without a recipient")
	case len(c.Recipient) > maxRecipient:
		return "", code, fmt.Errorf("recipient of %d bytes: %w", len(c.Recipient), ErrTooLong)
	}
	k := &r.keys[0]
	if local, ok := r.sealRecipient(k, c); ok {
		return local, code, nil
	}
	c.Code = k.personCode(c.Recipient)
	return r.sealCode(k, c), c.Code, nil
}

// sealRecipient seals version 1, if the recipient fits.
func (r *KeyRing) sealRecipient(k *ringKey, c AddressClaims) (local string, ok bool) {
	var raw [addressBytes]byte
	raw[0] = addressVersion<<4 | k.id&0x0f
	binary.BigEndian.PutUint64(raw[addressText:], c.ListKey)
	w := bitWriter{out: raw[:], at: addressCoded * 8, limit: maxAddressBits}
	if !r.code.encode(&w, c.Recipient) {
		return "", false
	}
	for w.at%5 != 0 {
		w.write(codeWord{1, 1})
	}

	m := k.address.mac.get()
	m.text = append(m.text, raw[0], byte(c.Kind))
	m.text = binary.BigEndian.AppendUint64(m.text, c.ListKey)
	m.text = append(m.text, c.Recipient...)
	copy(raw[addressMAC:addressText], m.finish())
	k.address.mac.put(m)
	return r.addressOf(k, c.Kind, &raw, w.at/5), true
}

// addressOf encrypts raw, which has its MAC, and writes it as a local part.
func (r *KeyRing) addressOf(k *ringKey, kind AddressKind, raw *[addressBytes]byte, chars int) string {
	k.cryptAddress(raw)
	var local [addressPrefix + addressChars]byte
	local[0], local[1] = byte(kind), '+'
	r.base32.Encode(local[addressPrefix:], raw[:])
	return string(local[:addressPrefix+chars])
}

func (k *ringKey) cryptAddress(raw *[addressBytes]byte) {
	var iv [aes.BlockSize]byte
	copy(iv[:], raw[addressMAC:addressText])
	k.address.crypt(&iv, raw[addressText:])
}

// OpenAddress returns the claims of a local part that SealAddress made under
// any key of the ring, in whatever case and with whichever separator of
// CutAddress it comes back. Every error wraps ErrToken.
func (r *KeyRing) OpenAddress(local string) (AddressClaims, error) {
	kind, text, ok := CutAddress(local)
	if !ok || len(text) > maxText || len(text)*5 <= addressCoded*8 {
		return AddressClaims{}, errAddressText
	}
	text = lowerASCII(text)
	raw, ok := r.decodeAddress(text)
	if !ok {
		return AddressClaims{}, errAddressText
	}
	if v := raw[0] >> 4; v != addressVersion && v != codeVersion {
		return AddressClaims{}, errTokenVersion
	}
	for i := range r.keys {
		k := &r.keys[i]
		if k.id&0x0f != raw[0]&0x0f {
			continue
		}
		// Only a text that comes out the same when it is sealed again, every
		// bit of it, is authentic.
		c, again, ok := r.tryAddress(k, kind, raw, len(text))
		if ok && subtle.ConstantTimeCompare([]byte(again[addressPrefix:]), []byte(text)) == 1 {
			return c, nil
		}
	}
	return AddressClaims{}, errTokenKey
}

// decodeAddress undoes base32. The text holds more bits than the bytes have
// characters for; the rest is zero.
func (r *KeyRing) decodeAddress(text string) (raw [addressBytes]byte, ok bool) {
	var full [addressChars]byte
	for i := range full {
		full[i] = lowerBase32[0]
	}
	copy(full[:], text)
	n, err := r.base32.Decode(raw[:], full[:])
	return raw, err == nil && n == len(raw) // n is smaller when line ends were skipped, which the decoder does
}

// tryAddress decrypts with one key and seals what it found again.
func (r *KeyRing) tryAddress(k *ringKey, kind AddressKind, raw [addressBytes]byte, chars int) (c AddressClaims, again string, ok bool) {
	k.cryptAddress(&raw)
	c = AddressClaims{Kind: kind, ListKey: binary.BigEndian.Uint64(raw[addressText:])}
	if raw[0]>>4 == codeVersion {
		copy(c.Code[:], raw[addressCoded:])
		return c, r.sealCode(k, c), true
	}
	bits := bitReader{in: raw[:], at: addressCoded * 8, end: chars * 5}
	if c.Recipient, ok = r.code.decode(&bits); !ok {
		return AddressClaims{}, "", false
	}
	again, ok = r.sealRecipient(k, c)
	return c, again, ok
}
