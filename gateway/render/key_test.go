package render

import (
	"crypto/ed25519"
	"testing"

	"offramp/gateway/dkim"
	"offramp/listunsub"
)

func testKey(t testing.TB) dkim.Key {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return dkim.Key{Domain: "example.com", Selector: "s1", Signer: ed25519.NewKeyFromSeed(seed)}
}

const ringKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(ringKey)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := dkim.NewKeys(testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return &Renderer{Tokens: ring, Keys: keys, PublicURL: "https://out.example.com", FeedbackDomain: "out.example.com"}
}
