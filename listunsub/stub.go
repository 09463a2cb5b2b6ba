// Package listunsub: STUB, to be replaced by the real files.
package listunsub

import "time"

// CanonicalID returns the identifier of a list as tokens and stores use it.
// Lower case, trimmed; at most 60 octets: a longer or non-ASCII one keeps a readable
// head and ends in "~" and a hash, so that it always fits into a token.
func CanonicalID(id string) string { panic("stub") }

// ListKey is the short form of a canonical list id in address tokens (8 octets of SHA-256).
func ListKey(id string) uint64 { panic("stub") }

const PostValue = "List-Unsubscribe=One-Click"

// Compose returns the List-Unsubscribe value (folded between URIs, CRLF SP), https first.
func Compose(uris ...string) (string, error) { panic("stub") }

// Parse returns the URIs of a List-Unsubscribe value in order.
func Parse(value string) ([]string, error) { panic("stub") }

// ListID is the value of a List-Id field (RFC 2919).
type ListID struct{ Name, ID string }

func ParseListID(value string) (ListID, error) { panic("stub") }
func (l ListID) Compose() (string, error)      { panic("stub") }

// Purpose is what a token may do; bound into the seal.
type Purpose byte

const (
	HeaderLink Purpose = 'u' // https URI of the header field: a POST opts out
	BodyLink   Purpose = 'p' // link in a body: shows the page only
)

// Claims is what a token says.
type Claims struct {
	List      string    // canonical id
	Recipient string    // address as it is sent to (envelope wire form)
	Issued    time.Time // to the second
	Purpose   Purpose
}

// KeyRing seals with its first key and opens with all.
type KeyRing struct{ _ int }

// ParseKeyRing reads "base64key[,base64key...]"; every key 32 octets.
func ParseKeyRing(s string) (*KeyRing, error) { panic("stub") }

// NewKey returns a new key in the form ParseKeyRing reads.
func NewKey() string { panic("stub") }

// Seal returns the token: same claims, same token.
func (r *KeyRing) Seal(c Claims) (string, error) { panic("stub") }

// Open verifies. Every error wraps ErrToken.
func (r *KeyRing) Open(token string, p Purpose) (Claims, error) { panic("stub") }

// MAC authenticates data for a use that label names, with the first key; Verify tries every key.
func (r *KeyRing) MAC(label string, data ...[]byte) []byte               { panic("stub") }
func (r *KeyRing) Verify(mac []byte, label string, data ...[]byte) bool { panic("stub") }

// AddressKind is what mail to an address token is: opt-out or bounce.
type AddressKind byte

const (
	OptOutAddress AddressKind = 'u' // u+...
	BounceAddress AddressKind = 'b' // b+...
)

// AddressClaims is what an address token says.
type AddressClaims struct {
	Kind      AddressKind
	ListKey   uint64
	Recipient string
}

// SealAddress returns a local part ("u+...", at most 64 octets), or ErrTooLong.
func (r *KeyRing) SealAddress(c AddressClaims) (string, error) { panic("stub") }

// OpenAddress verifies a local part in any case. Every error wraps ErrToken.
func (r *KeyRing) OpenAddress(local string) (AddressClaims, error) { panic("stub") }

var ErrToken, ErrTooLong error
