package listunsub

import (
	"crypto/aes"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrTooLong says that what was to be sealed does not fit.
var ErrTooLong = errors.New("too long for a token")

// Purpose is what a token may do. It is part of what is authenticated: a token
// sealed for one purpose does not open for another.
type Purpose byte

// The purposes.
const (
	HeaderLink  Purpose = 'u' // https URI of the header field: a POST opts out
	BodyLink    Purpose = 'p' // link in a body: shows the page only
	ConfirmLink Purpose = 'c' // link in a mail that asks for confirmation: shows a page whose form acts
	ReturnPath  Purpose = 'r' // reverse-path the sender gave: Recipient is where a bounce is passed on to
	FeedbackID  Purpose = 'f' // CFBL-Feedback-ID (RFC 9477 section 5.2): recipient of a complaint
)

// Claims is what a token says.
type Claims struct {
	// List is the canonical identifier, at most MaxCanonicalID bytes. Empty
	// is a value like any other.
	List string
	// Recipient is the address as mail is sent to it, 1 to 320 bytes, kept
	// as it is.
	Recipient string
	// Issued is kept to the second; Open returns it in UTC. It only needs to
	// be of this or a neighbouring geological age.
	Issued  time.Time
	Purpose Purpose
}

// Layout of a token, before base64url without padding (RFC 4648 section 5):
//
//	0       version
//	1       key id: one byte derived from the key
//	2..17   synthetic IV: HMAC-SHA256 of version, purpose and text, cut to 128 bits
//	18..    text, encrypted with AES-256-CTR under that IV:
//	        issued (5 bytes, two's complement Unix seconds), length of the list
//	        (1 byte), list, recipient
//
// A 64-byte address with a 60-byte list makes 148 bytes, 198 characters.
const (
	tokenVersion  = 1
	tokenIV       = 2
	tokenText     = tokenIV + aes.BlockSize
	tokenIssued   = 5
	tokenFixed    = tokenIssued + 1
	maxRecipient  = 320 // RFC 5321 section 4.5.3.1: 64, "@", 255
	maxTokenBytes = tokenText + tokenFixed + MaxCanonicalID + maxRecipient
)

// Reasons are for the log of a developer; all of them wrap ErrToken.
var (
	errTokenText    = fmt.Errorf("%w: not base64url of a possible length", ErrToken)
	errTokenVersion = fmt.Errorf("%w: unknown version", ErrToken)
	errTokenKey     = fmt.Errorf("%w: no key in the ring opens it", ErrToken)
)

// Seal returns the token for c: same claims and key, same token. The error
// wraps ErrTooLong when List or Recipient is longer than Claims allows; any
// other error is a mistake of the caller.
func (r *KeyRing) Seal(c Claims) (string, error) {
	seconds := c.Issued.Unix()
	switch {
	case len(c.List) > MaxCanonicalID:
		return "", fmt.Errorf("list of %d bytes: %w", len(c.List), ErrTooLong)
	case len(c.Recipient) > maxRecipient:
		return "", fmt.Errorf("recipient of %d bytes: %w", len(c.Recipient), ErrTooLong)
	case c.Recipient == "":
		return "", errors.New("token without a recipient")
	case c.Purpose == 0:
		return "", errors.New("token without a purpose")
	case seconds>>39 != 0 && seconds>>39 != -1:
		return "", errors.New("token issued at an impossible time")
	}
	k := &r.keys[0]
	var room [maxTokenBytes]byte
	var iv [aes.BlockSize]byte
	raw := append(room[:0], tokenVersion, k.id)
	raw = append(raw, iv[:]...)
	raw = append(raw, byte(seconds>>32), byte(seconds>>24), byte(seconds>>16), byte(seconds>>8), byte(seconds))
	raw = append(raw, byte(len(c.List)))
	raw = append(raw, c.List...)
	raw = append(raw, c.Recipient...)

	k.tokenIV(&iv, c.Purpose, raw[tokenText:])
	copy(raw[tokenIV:], iv[:])
	k.token.crypt(&iv, raw[tokenText:])
	return r.base64.EncodeToString(raw), nil
}

// tokenIV computes the synthetic IV of a text in clear.
func (k *ringKey) tokenIV(iv *[aes.BlockSize]byte, p Purpose, text []byte) {
	m := k.token.mac.get()
	m.text = append(append(m.text, tokenVersion, byte(p)), text...)
	copy(iv[:], m.finish())
	k.token.mac.put(m)
}

// Open returns the claims of a token that was sealed for p under any key of
// the ring. Every error wraps ErrToken. A token has one spelling only: every
// other one, even with the same bits, is refused.
func (r *KeyRing) Open(token string, p Purpose) (Claims, error) {
	size := r.base64.DecodedLen(len(token))
	if size > maxTokenBytes || size <= tokenText+tokenFixed {
		return Claims{}, errTokenText
	}
	// The head comes first: guesses are refused before they cost anything.
	var head [3]byte
	if _, err := r.base64.Decode(head[:], []byte(token[:4])); err != nil {
		return Claims{}, errTokenText
	}
	if head[0] != tokenVersion {
		return Claims{}, errTokenVersion
	}
	if !slices.ContainsFunc(r.keys, func(k ringKey) bool { return k.id == head[1] }) {
		return Claims{}, errTokenKey
	}
	var room [maxTokenBytes]byte
	n, err := r.base64.Decode(room[:], []byte(token))
	if err != nil || strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return Claims{}, errTokenText
	}
	return r.open(room[:n], p)
}

// open tries every key that the decoded token can be of.
func (r *KeyRing) open(raw []byte, p Purpose) (Claims, error) {
	var want, got [aes.BlockSize]byte
	copy(want[:], raw[tokenIV:])
	var plain [maxTokenBytes]byte
	text := plain[:len(raw)-tokenText]
	for i := range r.keys {
		k := &r.keys[i]
		if k.id != raw[1] {
			continue
		}
		copy(text, raw[tokenText:])
		k.token.crypt(&want, text)
		k.tokenIV(&got, p, text)
		if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
			return parseClaims(text, p)
		}
	}
	return Claims{}, errTokenKey
}

// parseClaims reads an authentic text.
func parseClaims(text []byte, p Purpose) (Claims, error) {
	seconds := int64(int8(text[0]))<<32 | int64(text[1])<<24 | int64(text[2])<<16 | int64(text[3])<<8 | int64(text[4])
	list := int(text[tokenIssued])
	if list >= len(text)-tokenFixed {
		return Claims{}, errTokenText
	}
	both := string(text[tokenFixed:])
	return Claims{List: both[:list], Recipient: both[list:], Issued: time.Unix(seconds, 0).UTC(), Purpose: p}, nil
}
