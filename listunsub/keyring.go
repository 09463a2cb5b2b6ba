package listunsub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"strings"
	"sync"
)

// keySize is the length of a key in bytes.
const keySize = 32

// ErrToken says that a token was not made with these keys, was damaged, or was made for
// another use. It never says which to a stranger.
var ErrToken = errors.New("not a valid token")

// KeyRing seals with its first key and opens with all. Make one with
// [ParseKeyRing]; the zero value has no key and cannot be used. It does not show its keys when it is printed or logged.
//
// A key is never used itself: HKDF-SHA256 (RFC 5869) derives from it one key
// for each use, so that no use can say anything about another.
type KeyRing struct {
	keys   []ringKey
	code   *addressCode
	base64 *base64.Encoding
	base32 *base32.Encoding
}

// ringKey is what one key of the ring became.
type ringKey struct {
	id      byte // distinguishes keys in tokens; not unique
	token   siv
	address siv
	label   *macPool
	person  *macPool
}

// NewKey returns a new random key in the form ParseKeyRing reads.
func NewKey() string {
	var key [keySize]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(key[:])
}

// ParseKeyRing reads "key[,key...]". Every key is 32 bytes in base64, of
// either alphabet, padded or not; white space around a key is ignored. To
// change keys put the new one in front and keep the old ones: links in mail
// that was sent must go on working.
// The error names the key by its place and never shows it.
func ParseKeyRing(s string) (*KeyRing, error) {
	r := &KeyRing{
		code:   newAddressCode(addressTable()),
		base64: base64.RawURLEncoding.Strict(),
		base32: base32.NewEncoding(lowerBase32).WithPadding(base32.NoPadding),
	}
	seen := make(map[string]int)
	for i, text := range strings.Split(s, ",") {
		key, err := parseKey(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if first, ok := seen[string(key)]; ok {
			return nil, fmt.Errorf("key %d repeats key %d", i+1, first)
		}
		seen[string(key)] = i + 1
		k, err := newRingKey(key)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func parseKey(s string) ([]byte, error) {
	if s == "" {
		return nil, errors.New("empty")
	}
	text := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64") // the package's error would show a part of the key
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%d bytes, want %d", len(key), keySize)
	}
	if strings.Count(string(key), string(key[:1])) == keySize {
		return nil, errors.New("one byte repeated is not a key")
	}
	return key, nil
}

func newRingKey(key []byte) (ringKey, error) {
	uses := [...]string{"key id", "token mac", "token encryption", "address mac", "address encryption", "label mac", "person code"}
	var derived [len(uses)][]byte
	for i, use := range uses {
		d, err := hkdf.Key(sha256.New, key, nil, "listunsub 1 "+use, keySize)
		if err != nil {
			return ringKey{}, fmt.Errorf("derive: %w", err)
		}
		derived[i] = d
	}
	token, err := newSIV(derived[1], derived[2])
	if err != nil {
		return ringKey{}, err
	}
	address, err := newSIV(derived[3], derived[4])
	if err != nil {
		return ringKey{}, err
	}
	return ringKey{
		id: derived[0][0], token: token, address: address, label: newMACPool(derived[5]), person: newMACPool(derived[6]),
	}, nil
}

// Len returns the number of keys.
func (r *KeyRing) Len() int { return len(r.keys) }

// String says how many keys the ring has.
func (r *KeyRing) String() string { return fmt.Sprintf("KeyRing(%d keys)", len(r.keys)) }

// GoString is String: no format shows a key.
func (r *KeyRing) GoString() string { return r.String() }

// LogValue implements [slog.LogValuer].
func (r *KeyRing) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MAC authenticates data for the use that label names, with the first key: 32
// bytes of HMAC-SHA256. The pieces are separated, so that ("ab", "c") and
// ("a", "bc") differ.
func (r *KeyRing) MAC(label string, data ...[]byte) []byte {
	return r.keys[0].label.labelled(label, data)
}

// Verify says whether mac was returned by MAC for label and data under any key
// of the ring, in constant time.
func (r *KeyRing) Verify(mac []byte, label string, data ...[]byte) bool {
	ok := 0
	for i := range r.keys {
		ok |= subtle.ConstantTimeCompare(mac, r.keys[i].label.labelled(label, data))
	}
	return ok == 1
}

// siv is a synthetic initialisation vector construction (deterministic
// authenticated encryption, Rogaway and Shrimpton 2006): a MAC over all that is
// said becomes the initialisation vector that encrypts it, and is checked after
// decryption. Two different claims never share a vector except by a collision
// of the MAC, and even that would show no more than the XOR of the two texts.
// The MAC is HMAC-SHA256 cut off, the cipher AES-256 in counter mode.
type siv struct {
	mac   *macPool
	block cipher.Block
}

func newSIV(macKey, encryptionKey []byte) (siv, error) {
	block, err := aes.NewCipher(encryptionKey)
	if err != nil {
		return siv{}, fmt.Errorf("cipher: %w", err)
	}
	return siv{mac: newMACPool(macKey), block: block}, nil
}

// crypt encrypts or decrypts text in place.
func (s siv) crypt(iv *[aes.BlockSize]byte, text []byte) {
	cipher.NewCTR(s.block, iv[:]).XORKeyStream(text, text)
}

// macPool keeps HMAC states that have the key in them already: setting up a
// key costs more than authenticating a token.
type macPool struct{ pool sync.Pool }

type macState struct {
	hash hash.Hash
	text []byte // room for what is authenticated, so that it need not be allocated
	sum  []byte // room for the result
}

func newMACPool(key []byte) *macPool {
	p := &macPool{}
	p.pool.New = func() any {
		return &macState{hash: hmac.New(sha256.New, key), text: make([]byte, 0, 256), sum: make([]byte, 0, sha256.Size)}
	}
	return p
}

func (p *macPool) get() *macState {
	m := p.pool.Get().(*macState)
	m.hash.Reset()
	m.text = m.text[:0]
	return m
}

func (p *macPool) put(m *macState) { p.pool.Put(m) }

// finish returns the MAC of what is in text; it is valid until put.
func (m *macState) finish() []byte {
	m.hash.Write(m.text)
	m.sum = m.hash.Sum(m.sum[:0])
	return m.sum
}

func (p *macPool) labelled(label string, data [][]byte) []byte {
	m := p.get()
	defer p.put(m)
	m.text = binary.AppendUvarint(m.text, uint64(len(label)))
	m.text = append(m.text, label...)
	for _, d := range data {
		m.text = binary.AppendUvarint(m.text, uint64(len(d)))
		m.text = append(m.text, d...)
	}
	return append([]byte(nil), m.finish()...)
}
