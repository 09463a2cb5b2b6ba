package smtpd

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What HashPassword uses: the second choice of OWASP's cheat sheet, since a
// relay must not need much memory. Two at once are 38 MiB.
const (
	hashMemory   = 19 << 10 // KiB
	hashTime     = 2
	hashThreads  = 1
	hashSalt     = 16
	hashSum      = 32
	hashesAtOnce = 2
)

// argonHash is a hash in PHC string format, taken apart.
type argonHash struct {
	memory, time uint32 // memory in KiB
	threads      uint8
	salt, sum    []byte
}

func (h argonHash) cost() uint64 { return uint64(h.memory) * uint64(h.time) }

// HashPassword returns the argon2id hash of a password in PHC string format,
// as ParseLogins reads it.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	h := argonHash{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, hashSalt), sum: make([]byte, hashSum)}
	rand.Read(h.salt)
	h.sum = h.derive(password)
	return h.String(), nil
}

// String returns the PHC string.
func (h argonHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

func (h argonHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password), h.sum) == 1
}

func (h argonHash) derive(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.sum)))
}

var (
	errHash  = errors.New("not an argon2id hash ($argon2id$v=19$m=..,t=..,p=..$salt$sum)")
	errCosts = errors.New("hash with costs out of range (8 to 262144 KiB, 1 to 16 passes, 1 to 16 threads)")
)

// cutHash reads the hash that s begins with, and returns what follows.
func cutHash(s string) (h argonHash, rest string, err error) {
	const head = "$argon2id$v=19$"
	if !strings.HasPrefix(s, head) {
		return h, "", errHash
	}
	costs, s, ok := strings.Cut(s[len(head):], "$")
	if !ok {
		return h, "", errHash
	}
	if n, err := fmt.Sscanf(costs, "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); n != 3 || err != nil ||
		costs != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.time, h.threads) {
		return h, "", errHash
	}
	// A hash that needs a gigabyte would let every stranger use one.
	if h.memory < 8 || h.memory > 256<<10 || h.time < 1 || h.time > 16 || h.threads < 1 || h.threads > 16 {
		return h, "", errCosts
	}
	salt, s, ok := strings.Cut(s, "$")
	if !ok {
		return h, "", errHash
	}
	sum := s
	if end := strings.IndexAny(s, ", \t\r\n"); end >= 0 {
		sum, rest = s[:end], s[end:]
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(salt); err != nil || len(h.salt) < 8 {
		return h, "", errHash
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(sum); err != nil || len(h.sum) < 16 || len(h.sum) > 128 {
		return h, "", errHash
	}
	return h, rest, nil
}
