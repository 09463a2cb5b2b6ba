package dkim

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Keys chooses the keys that sign for a From domain. [Keys.Replace] changes them
// while they are used; nil holds no keys.
type Keys struct{ current atomic.Pointer[ring] }

// ring is keys that do not change.
type ring struct {
	all      []Key
	byDomain map[string][]Key
}

// NewKeys checks all keys and returns them in a Keys, or all errors found.
// Domains are brought into lower-case A-label form.
func NewKeys(keys ...Key) (*Keys, error) {
	k := &ring{byDomain: make(map[string][]Key)}
	var faults []error
	seen := make(map[string]bool)
	for _, key := range keys {
		key, err := key.checked()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		name := key.Selector + "._domainkey." + key.Domain
		if seen[name] {
			faults = append(faults, fmt.Errorf("two DKIM keys for %s: give each its own selector", name))
			continue
		}
		seen[name] = true
		k.all = append(k.all, key)
		k.byDomain[key.Domain] = append(k.byDomain[key.Domain], key)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for _, keys := range k.byDomain {
		// Some verifiers stop at the first signature, and many do not know
		// Ed25519 yet: RSA comes first (RFC 8463 section 6).
		slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Compare(a.rank(), b.rank()) })
	}
	keyring := new(Keys)
	keyring.current.Store(k)
	return keyring, nil
}

// Replace has k hold the keys of other from now on. What was begun with the
// earlier ones is signed with them.
func (k *Keys) Replace(other *Keys) { k.current.Store(other.ring()) }

func (k *Keys) ring() *ring {
	if k == nil {
		return nil
	}
	return k.current.Load()
}

// For returns the keys that sign mail from a domain: those of the domain
// itself, else those of its nearest parent within its organizational domain,
// which DMARC takes for aligned (RFC 7489 section 3.1.1). RSA comes before
// Ed25519. None: the mail goes out unsigned. The slice must not be changed.
func (k *Keys) For(fromDomain string) []Key {
	r := k.ring()
	if r == nil || len(r.byDomain) == 0 {
		return nil
	}
	from := aLabel(fromDomain)
	if keys := r.byDomain[from]; keys != nil {
		return keys
	}
	_, parent, ok := strings.Cut(from, ".")
	for ; ok; _, parent, ok = strings.Cut(parent, ".") {
		keys := r.byDomain[parent]
		if keys == nil {
			continue
		}
		organization, err := publicsuffix.EffectiveTLDPlusOne(from)
		if err != nil || len(parent) < len(organization) {
			return nil
		}
		return keys
	}
	return nil
}

// Signs says whether mail from a domain is signed.
func (k *Keys) Signs(fromDomain string) bool { return len(k.For(fromDomain)) > 0 }

// Header returns the header of a message of our own: fields with their CRLF, below a
// signature of each key for fromDomain, and the empty line. bodyHash and t are as in
// [Key.Sign].
func (k *Keys) Header(fromDomain string, fields [][]byte, bodyHash []byte, t time.Time) ([]byte, error) {
	var header []byte
	for _, key := range k.For(fromDomain) {
		signature, err := key.Sign(fields, bodyHash, t, 0)
		if err != nil {
			return nil, fmt.Errorf("sign for %s: %w", key.Domain, err)
		}
		header = append(header, signature...)
	}
	return append(append(header, bytes.Join(fields, nil)...), "\r\n"...), nil
}

// All returns all keys in the order given. The slice must not be changed.
func (k *Keys) All() []Key {
	if r := k.ring(); r != nil {
		return r.all
	}
	return nil
}

// checked returns the key with its domain and selector in canonical form.
func (k Key) checked() (Key, error) {
	k.Domain, k.Selector = aLabel(k.Domain), strings.ToLower(k.Selector)
	if !isDomain(k.Domain) {
		return Key{}, fmt.Errorf("DKIM key: %q is not a domain", k.Domain)
	}
	if !isDomain(k.Selector) {
		return Key{}, fmt.Errorf("DKIM key of %s: %q is not a selector: use letters, digits and hyphens", k.Domain, k.Selector)
	}
	_, _, err := k.algorithm()
	return k, err
}

func (k Key) rank() int {
	if _, ok := k.Signer.Public().(ed25519.PublicKey); ok {
		return 1
	}
	return 0
}

// aLabel returns the lower-case A-label form of a domain, and one that has
// none in lower case.
func aLabel(domain string) string {
	domain = strings.TrimSuffix(domain, ".")
	if isDomain(domain) {
		return domain // nearly always, and cheaper
	}
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return strings.ToLower(domain)
}

// isDomain says whether s is labels of lower-case letters, digits, hyphens and
// underscores, which cannot end a tag early or break a line (RFC 6376 section
// 3.5).
func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-' && label > 0:
			if label++; label > 63 {
				return false
			}
		case c == '.' && label > 0 && s[i-1] != '-':
			label = 0
		default:
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}
