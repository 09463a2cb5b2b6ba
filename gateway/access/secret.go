package access

import (
	"crypto/sha256"
	"encoding/base32"
	"io"
	"strings"
)

// An API key is prefix, ID, "_" and 32 random bytes, all in small letters and
// digits: scanners for secrets recognise it, and a double click takes all of it.
const (
	prefix     = "offramp_"
	idBytes    = 10 // 16 characters: never the same twice
	secretSize = 32
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret draws a key.
func newSecret(random io.Reader) (id, key string, err error) {
	var raw [idBytes + secretSize]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", "", err
	}
	id = encoding.EncodeToString(raw[:idBytes])
	return id, prefix + id + "_" + encoding.EncodeToString(raw[idBytes:]), nil
}

// idOf returns the ID of what has the form of a key.
func idOf(key string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(key, prefix)
	id, secret, found := strings.Cut(rest, "_")
	if !ok || !found || len(id) != encoding.EncodedLen(idBytes) || len(secret) != encoding.EncodedLen(secretSize) {
		return "", false
	}
	for _, part := range []string{id, secret} {
		if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			return "", false
		}
	}
	return id, true
}

// secretOf is what a caller has that is not kept anywhere.
func secretOf(credential string) [32]byte {
	return sha256.Sum256([]byte("offramp request\x00" + credential))
}
