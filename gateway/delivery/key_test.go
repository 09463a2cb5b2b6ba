package delivery

import (
	"crypto/ed25519"
	"testing"

	"offramp/gateway/dkim"
)

func testKey(t testing.TB) dkim.Key {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return dkim.Key{Domain: "example.com", Selector: "s1", Signer: ed25519.NewKeyFromSeed(seed)}
}
