package listunsub

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustSeal(t testing.TB, r *KeyRing, c Claims) string {
	t.Helper()
	token, err := r.Seal(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var adasClaims = Claims{
	List: "news.example.com", Recipient: "Ada.Lovelace@example.net",
	Issued: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), Purpose: HeaderLink,
}

func TestTokenRoundTrip(t *testing.T) {
	r := testRing(t, 1)
	for name, change := range map[string]func(c *Claims){
		"plain":            func(c *Claims) {},
		"no list":          func(c *Claims) { c.List = "" },
		"one octet":        func(c *Claims) { c.Recipient = "a" },
		"longest":          func(c *Claims) { c.List = strings.Repeat("l", 60); c.Recipient = strings.Repeat("r", 320) },
		"any octets":       func(c *Claims) { c.Recipient = "\"\x00\xff\r\n\"@b" },
		"zero time":        func(c *Claims) { c.Issued = time.Time{} },
		"before 1970":      func(c *Claims) { c.Issued = time.Unix(-1, 0) },
		"after 2106":       func(c *Claims) { c.Issued = time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC) },
		"other zone":       func(c *Claims) { c.Issued = c.Issued.In(time.FixedZone("x", 3600)) },
		"part of a second": func(c *Claims) { c.Issued = c.Issued.Add(999 * time.Millisecond) },
		"body link":        func(c *Claims) { c.Purpose = BodyLink },
		"confirm link":     func(c *Claims) { c.Purpose = ConfirmLink },
	} {
		t.Run(name, func(t *testing.T) {
			c := adasClaims
			change(&c)
			token := mustSeal(t, r, c)
			got, err := r.Open(token, c.Purpose)
			c.Issued = c.Issued.UTC().Truncate(time.Second)
			if err != nil || got != c {
				t.Errorf("got %+v, %v; want %+v", got, err, c)
			}
			if again := mustSeal(t, r, c); again != token {
				t.Errorf("sealed twice: %s and %s", token, again)
			}
		})
	}
}

// TestTokenFormat fails when the format changes: tokens live in mailboxes for years.
func TestTokenFormat(t *testing.T) {
	const want = "Ab2vZKSlTK9VeMqlR1_N1AEypCQ9i1XjD9ghoTtufN3yW6ZKjFgF8CTZuZ33hs3yZQM1_ERT8EQWkc8Hj-nHlg"
	r := testRing(t, 1)
	if got := mustSeal(t, r, adasClaims); got != want {
		t.Errorf("got %s", got)
	}
	if got, err := r.Open(want, HeaderLink); err != nil || got != adasClaims {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTokenHidesAndFits(t *testing.T) {
	r := testRing(t, 1)
	c := adasClaims
	c.Recipient = strings.Repeat("a", 52) + "@example.net"
	c.List = strings.Repeat("l", MaxCanonicalID)
	token := mustSeal(t, r, c)
	if len(c.Recipient) != 64 || len(token) >= 200 {
		t.Errorf("%d characters for an address of %d", len(token), len(c.Recipient))
	}
	if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("not URL-safe: %s", token)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	if bytes.Contains(raw, []byte("aaaa")) || bytes.Contains(raw, []byte("llll")) {
		t.Error("claims show")
	}
	if how := showsAddress("/u/" + token); how != "" {
		t.Errorf("our own linter sees an address %s", how)
	}
}

func TestSealRefuses(t *testing.T) {
	r := testRing(t, 1)
	for name, tc := range map[string]struct {
		change  func(c *Claims)
		tooLong bool
	}{
		"no recipient":   {func(c *Claims) { c.Recipient = "" }, false},
		"long recipient": {func(c *Claims) { c.Recipient = strings.Repeat("r", 321) }, true},
		"long list":      {func(c *Claims) { c.List = strings.Repeat("l", 61) }, true},
		"no purpose":     {func(c *Claims) { c.Purpose = 0 }, false},
		"far future":     {func(c *Claims) { c.Issued = time.Unix(1<<39, 0) }, false},
		"far past":       {func(c *Claims) { c.Issued = time.Unix(-1<<39-1, 0) }, false},
	} {
		c := adasClaims
		tc.change(&c)
		if got, err := r.Seal(c); err == nil || got != "" || errors.Is(err, ErrTooLong) != tc.tooLong {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestPurposeIsBound(t *testing.T) {
	r := testRing(t, 1)
	for _, sealed := range []Purpose{HeaderLink, BodyLink, ConfirmLink} {
		c := adasClaims
		c.Purpose = sealed
		token := mustSeal(t, r, c)
		for p := range 256 {
			_, err := r.Open(token, Purpose(p))
			if (err == nil) != (Purpose(p) == sealed) {
				t.Errorf("sealed for %q, opened for %d: %v", sealed, p, err)
			}
		}
	}
}

// TestTokensDoNotMix: what is sealed for one person and list never opens as
// another, however the lengths of the two are shifted.
func TestTokensDoNotMix(t *testing.T) {
	r := testRing(t, 1)
	seen := make(map[string]Claims)
	for list := range 20 {
		for recipient := range 50 {
			c := adasClaims
			c.List = "l" + strings.Repeat("a", list)
			c.Recipient = strings.Repeat("a", recipient) + "@x"
			token := mustSeal(t, r, c)
			if other, ok := seen[token]; ok {
				t.Fatalf("%+v and %+v have one token", other, c)
			}
			seen[token] = c
		}
	}
	for token, c := range seen {
		if got, err := r.Open(token, HeaderLink); err != nil || got != c {
			t.Fatalf("got %+v, %v; want %+v", got, err, c)
		}
	}
	a, b := adasClaims, adasClaims
	b.Recipient = "Bob.Lovelace@example.net"
	rawA, _ := base64.RawURLEncoding.DecodeString(mustSeal(t, r, a))
	rawB, _ := base64.RawURLEncoding.DecodeString(mustSeal(t, r, b))
	for cut := 1; cut < len(rawA); cut++ { // the head of one with the tail of the other
		spliced := append(bytes.Clone(rawA[:cut]), rawB[cut:]...)
		if bytes.Equal(spliced, rawA) || bytes.Equal(spliced, rawB) {
			continue
		}
		if got, err := r.Open(base64.RawURLEncoding.EncodeToString(spliced), HeaderLink); err == nil {
			t.Fatalf("cut at %d opens as %+v", cut, got)
		}
	}
}

func TestRandomTokens(t *testing.T) {
	r := testRing(t, 1, 2, 3)
	const tokens, longest = 1_000_000, 184
	raw := make([]byte, base64.RawURLEncoding.DecodedLen(tokens+longest))
	rand.NewChaCha8([32]byte{7}).Read(raw)
	random := base64.RawURLEncoding.EncodeToString(raw) // every place in it begins a token
	var heads []string
	for _, k := range r.keys { // what gets a token as far as the MAC
		heads = append(heads, base64.RawURLEncoding.EncodeToString([]byte{tokenVersion, k.id, 'x'}))
	}
	var wg sync.WaitGroup
	const workers = 4
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < tokens; i += workers {
				token := random[i : i+35+i%150]
				if i/workers%32 == 0 {
					token = heads[i/128%3] + token
				}
				if c, err := r.Open(token, HeaderLink); !errors.Is(err, ErrToken) {
					t.Errorf("%s opens as %+v, %v", token, c, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestFlippedTokens(t *testing.T) {
	r := testRing(t, 1, 2)
	flips := 0
	for n := 0; flips < 10_000; n++ {
		c := adasClaims
		c.Recipient = fmt.Sprintf("person%d@example.net", n)
		token := mustSeal(t, r, c)
		raw, _ := base64.RawURLEncoding.DecodeString(token)
		for bit := range len(raw) * 8 {
			raw[bit/8] ^= 1 << (bit % 8)
			if got, err := r.Open(base64.RawURLEncoding.EncodeToString(raw), HeaderLink); !errors.Is(err, ErrToken) {
				t.Fatalf("bit %d: %+v, %v", bit, got, err)
			}
			raw[bit/8] ^= 1 << (bit % 8)
			flips++
		}
		for bit := range len(token) * 8 { // and in the text
			b := []byte(token)
			b[bit/8] ^= 1 << (bit % 8)
			if got, err := r.Open(string(b), HeaderLink); !errors.Is(err, ErrToken) {
				t.Fatalf("text bit %d: %+v, %v", bit, got, err)
			}
		}
	}
}

func TestTokenHasOneSpelling(t *testing.T) {
	r := testRing(t, 1)
	trailing := 0
	for extra := range 3 { // every number of trailing bits
		c := adasClaims
		c.Recipient += strings.Repeat("x", extra)
		token := mustSeal(t, r, c)
		for _, other := range []string{
			token + "=", token + "==", token + "A", token + "\n", "\r\n" + token, token[:10] + "\r\n" + token[10:],
			" " + token, token + " ", token[:len(token)-1], token + "/", strings.ToLower(token), "", ".",
			token[:9] + "%" + token[9:], token + "\x00",
		} {
			if got, err := r.Open(other, HeaderLink); !errors.Is(err, ErrToken) {
				t.Errorf("%q opens: %+v, %v", other, got, err)
			}
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := len(token) - 1
		for _, ch := range alphabet {
			if other := token[:last] + string(ch); other != token {
				raw, err := base64.RawURLEncoding.DecodeString(other)
				same, _ := base64.RawURLEncoding.DecodeString(token)
				if err == nil && bytes.Equal(raw, same) {
					trailing++
				}
				if _, err := r.Open(other, HeaderLink); !errors.Is(err, ErrToken) {
					t.Errorf("last character %q: %v", ch, err)
				}
			}
		}
	}
	if trailing != 15+3 {
		t.Errorf("%d spellings differ in trailing bits only, the test wants 18", trailing)
	}
}

func FuzzOpen(f *testing.F) {
	r := testRing(f, 1, 2)
	f.Add(mustSeal(f, r, adasClaims), "a@b.example", "l")
	f.Add("AQ", "", "")
	f.Add("", "\xff", strings.Repeat("l", 60))
	f.Fuzz(func(t *testing.T, token, recipient, list string) {
		if c, err := r.Open(token, HeaderLink); err == nil {
			if again := mustSeal(t, r, c); again != token {
				t.Fatalf("%s opens as %+v, which seals as %s", token, c, again)
			}
		} else if !errors.Is(err, ErrToken) {
			t.Fatal(err)
		}
		c := Claims{List: list, Recipient: recipient, Issued: adasClaims.Issued, Purpose: HeaderLink}
		sealed, err := r.Seal(c)
		if err != nil {
			return
		}
		if got, err := r.Open(sealed, HeaderLink); err != nil || got != c {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	r := testRing(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		mustSeal(b, r, adasClaims)
	}
}

func BenchmarkOpen(b *testing.B) {
	r := testRing(b, 1, 2)
	token := mustSeal(b, r, adasClaims)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(token, HeaderLink); err != nil {
			b.Fatal(err)
		}
	}
}
