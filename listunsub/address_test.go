package listunsub

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func mustSealAddress(t testing.TB, r *KeyRing, c AddressClaims) string {
	t.Helper()
	local, _, err := r.SealAddress(c)
	if err != nil {
		t.Fatalf("%q: %v", c.Recipient, err)
	}
	return local
}

// sealedAgain is what claims came from under the first key.
func sealedAgain(t testing.TB, r *KeyRing, c AddressClaims) string {
	t.Helper()
	if c.Recipient == "" {
		return r.sealCode(&r.keys[0], c)
	}
	return mustSealAddress(t, r, c)
}

func TestAddressRoundTrip(t *testing.T) {
	r := testRing(t, 1)
	for _, recipient := range []string{
		"john.longername@gmail.com", "max.mustermann@versicherung.example", "a@b.example", "a",
		"Ada.Lovelace@Example.NET", "ADA@example.net", "first.last+news_2026@sub.example.co.uk",
		"anna-maria.von-der-heide@t-online.de", "x123456789@qq.com", "o'brien@example.ie", "\"a b\"@example.com",
		"user@[192.0.2.1]", "bounce=x@example.org", "@gmail.com@gmail.com", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		".com.com.com", "müller@x.de", "\x00\xff", "z", "zoho@zoho.com", "p1q2r3s4t5@privaterelay.appleid.com",
	} {
		for _, kind := range []AddressKind{OptOutAddress, BounceAddress} {
			c := AddressClaims{Kind: kind, ListKey: ListKey("news.example.com"), Recipient: recipient}
			local := mustSealAddress(t, r, c)
			if len(local) > 64 || local[:2] != string(rune(kind))+"+" || strings.Trim(local[2:], lowerBase32) != "" {
				t.Errorf("%q became %q", recipient, local)
			}
			for _, changed := range []string{local, strings.ToUpper(local), local[:20] + strings.ToUpper(local[20:])} {
				if got, err := r.OpenAddress(changed); err != nil || got != c {
					t.Errorf("%q: got %+v, %v; want %+v", changed, got, err, c)
				}
			}
			if again := mustSealAddress(t, r, c); again != local {
				t.Errorf("sealed twice: %s and %s", local, again)
			}
		}
	}
}

// TestAddressFormat fails when the format changes: tokens live in mailboxes for years.
func TestAddressFormat(t *testing.T) {
	const want = "u+dwcepxrtqxznewlwufvila4olxursvp67vbndxrayybsxng"
	c := AddressClaims{Kind: OptOutAddress, ListKey: 0x0123456789abcdef, Recipient: "John.Longername@gmail.com"}
	r := testRing(t, 1)
	if got := mustSealAddress(t, r, c); got != want {
		t.Errorf("got %s", got)
	}
	if got, err := r.OpenAddress(want); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAddressTable holds the table to what its comment promises.
func TestAddressTable(t *testing.T) {
	c := newAddressCode(addressTable())
	seen := make(map[string]bool)
	kraft, last := 0, c.symbols[len(c.symbols)-1]
	for _, s := range c.symbols {
		if seen[s.text] {
			t.Errorf("%q occurs twice", s.text)
		}
		seen[s.text] = true
		if s.text != strings.ToLower(s.text) && s.kind == plainSymbol {
			t.Errorf("%q is not lower case", s.text)
		}
		kraft += 1 << (last.bits - s.bits)
	}
	if kraft != 1<<last.bits {
		t.Errorf("the code is not complete: %d of %d", kraft, 1<<last.bits)
	}
	if last.word != 1<<last.bits-1 || last.bits < 5 {
		t.Errorf("the last word is %b of %d bits", last.word, last.bits)
	}
	for ch := 'a'; ch <= 'z'; ch++ {
		if !seen[string(ch)] {
			t.Errorf("no word for %c, which SHIFT needs", ch)
		}
	}
	if !seen[shiftName] || !seen[escapeName] {
		t.Error("no SHIFT or no ESCAPE")
	}
	for b, word := range c.octets {
		if word.bits == 0 || word.bits > 32 {
			t.Errorf("octet %d has a word of %d bits", b, word.bits)
		}
	}
}

func TestAddressesThatFit(t *testing.T) {
	r := testRing(t, 1)
	for recipient, fits := range map[string]bool{
		"john.longername@gmail.com":                       true,
		"firstname.middlename.lastname@hotmail.com":       true,
		"elisabeth.hohenzollern-schmidt@gmx.de":           true,
		"marketing.department@company.com":                true,
		"benedetta.franco@poste-italiane.it":              true,
		"alexandra.papadopoulou1987@yahoo.co.uk":          true,
		"konstantinos.papadimitriou@university.gr":        false,
		"this.address.is.far.too.long.to.fit@example.org": false,
		strings.Repeat("x", 64) + "@example.com":          false,
		strings.Repeat("a", 200):                          false,
		strings.Repeat("@privaterelay.appleid.com", 12):   false,
		strings.Repeat("@privaterelay.appleid.com", 5):    true,
		"用户名很长很长@例子.example":                              false,
	} {
		local, code, err := r.SealAddress(AddressClaims{Kind: OptOutAddress, Recipient: recipient})
		if err != nil || (code == PersonCode{}) != fits || len(local) > maxLocal {
			t.Errorf("%q: %q, %x, %v", recipient, local, code, err)
		}
	}
}

// TestAddressBrim fills the local part to its last bit.
func TestAddressBrim(t *testing.T) {
	r := testRing(t, 1)
	lengths := make(map[int]bool)
	for _, letters := range []string{"aeinor", "bcdhlm", "fgjkp1", "v0257-", "QZ"} {
		for n := 1; n < 60; n++ {
			recipient := strings.Repeat(letters, n)[:n]
			local, code, err := r.SealAddress(AddressClaims{Kind: BounceAddress, Recipient: recipient})
			if err != nil {
				t.Fatal(err)
			}
			if code != (PersonCode{}) {
				break
			}
			lengths[len(local)] = true
			if got, err := r.OpenAddress(local); err != nil || got.Recipient != recipient {
				t.Fatalf("%q: %+v, %v", recipient, got, err)
			}
		}
	}
	if !lengths[64] || lengths[65] {
		t.Errorf("lengths seen: %v", lengths)
	}
}

func TestSealAddressRefuses(t *testing.T) {
	r := testRing(t, 1)
	for _, c := range []AddressClaims{{Recipient: "a@b.example"}, {Kind: 'x', Recipient: "a@b.example"}, {Kind: OptOutAddress}, {Kind: OptOutAddress, Code: PersonCode{1}}} {
		if got, code, err := r.SealAddress(c); err == nil || got != "" || code != (PersonCode{}) || errors.Is(err, ErrTooLong) {
			t.Errorf("%+v: %q, %x, %v", c, got, code, err)
		}
	}
	got, _, err := r.SealAddress(AddressClaims{Kind: OptOutAddress, Recipient: strings.Repeat("a", 310) + "@b.example1"})
	if !errors.Is(err, ErrTooLong) || got != "" || strings.Contains(err.Error(), "@") {
		t.Errorf("321 bytes: %q, %v", got, err)
	}
}

// longRecipient is one that does not fit into an address token.
const longRecipient = "Konstantinos.Papadimitriou@students.university.example.gr"

func TestForgedAddresses(t *testing.T) {
	r := testRing(t, 1, 2)
	flips := 0
	for n := 0; flips < 20_000; n++ {
		c := AddressClaims{Kind: OptOutAddress, ListKey: uint64(n), Recipient: fmt.Sprintf("person%d@example.net", n)}
		if n%2 == 1 {
			c.Recipient = fmt.Sprint(n, longRecipient)
		}
		local := mustSealAddress(t, r, c)
		for i := addressPrefix; i < len(local); i++ {
			value := strings.IndexByte(lowerBase32, local[i])
			for bit := range 5 {
				other := local[:i] + lowerBase32[value^1<<bit:][:1] + local[i+1:]
				if got, err := r.OpenAddress(other); !errors.Is(err, ErrToken) {
					t.Fatalf("%s opens as %+v, %v", other, got, err)
				}
				flips++
			}
		}
		for _, other := range []string{
			"b" + local[1:], "p" + local[1:], local[1:], "u_" + local[2:], "u=" + local[2:], "u%2d" + local[2:], "u" + local[2:],
			local[:len(local)-1], local + "a", local + "\n", local[:30] + "\r\n" + local[30:], " " + local, local + "=", "", "u", "u+", "u%2",
			strings.Replace(local, "+", "++", 1), strings.Replace(local, "+", "+-", 1), strings.Replace(local, "+", "%252b", 1),
		} {
			if got, err := r.OpenAddress(other); !errors.Is(err, ErrToken) {
				t.Fatalf("%q opens as %+v, %v", other, got, err)
			}
		}
	}
}

func TestRandomAddresses(t *testing.T) {
	r := testRing(t, 1, 2)
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, maxLocal)
	for range 50_000 {
		b := text[:31+random.IntN(34)]
		for i := range b {
			b[i] = lowerBase32[random.IntN(32)]
		}
		b[0], b[1] = 'u', '+'
		if c, err := r.OpenAddress(string(b)); !errors.Is(err, ErrToken) {
			t.Fatalf("%s opens as %+v, %v", b, c, err)
		}
	}
}

func TestAddressKeyRotation(t *testing.T) {
	for _, recipient := range []string{"a@b.example", longRecipient} {
		want := AddressClaims{Kind: BounceAddress, ListKey: 1, Recipient: recipient}
		local, code, err := testRing(t, 1).SealAddress(want)
		if err != nil {
			t.Fatal(err)
		}
		if want.Code = code; code != (PersonCode{}) {
			want.Recipient = ""
		}
		if got, err := testRing(t, 2, 3, 1).OpenAddress(local); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := testRing(t, 2).OpenAddress(local); !errors.Is(err, ErrToken) {
			t.Errorf("key gone: %v", err)
		}
	}
}

func FuzzOpenAddress(f *testing.F) {
	r := testRing(f, 1, 2)
	f.Add(mustSealAddress(f, r, AddressClaims{Kind: OptOutAddress, ListKey: 1, Recipient: "Ada@gmail.com"}), "Ada@gmail.com", uint64(1))
	f.Add(mustSealAddress(f, r, AddressClaims{Kind: BounceAddress, ListKey: 1, Recipient: longRecipient}), longRecipient, uint64(1))
	f.Add(strings.Replace(mustSealAddress(f, r, AddressClaims{Kind: OptOutAddress, ListKey: 2, Recipient: longRecipient}), "+", "%2B", 1), "", uint64(1))
	f.Add("u+", "\xff\x00Z@yahoo.com.br", uint64(0))
	f.Add("b=2baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a", uint64(1<<63))
	f.Fuzz(func(t *testing.T, local, recipient string, key uint64) {
		if c, err := r.OpenAddress(local); err == nil {
			kind, text, _ := CutAddress(local)
			if again := sealedAgain(t, r, c); again != string(kind)+"+"+lowerASCII(text) {
				t.Fatalf("%s opens as %+v, which seals as %s", local, c, again)
			}
		} else if !errors.Is(err, ErrToken) {
			t.Fatal(err)
		}
		c := AddressClaims{Kind: BounceAddress, ListKey: key, Recipient: recipient}
		sealed, code, err := r.SealAddress(c)
		if err != nil {
			return
		}
		if c.Code = code; code != (PersonCode{}) {
			c.Recipient = ""
		}
		if got, err := r.OpenAddress(sealed); err != nil || got != c || len(sealed) > maxLocal {
			t.Fatalf("%q: %+v, %v", sealed, got, err)
		}
	})
}

func BenchmarkSealAddress(b *testing.B) {
	r := testRing(b, 1)
	for name, recipient := range map[string]string{"recipient": "john.longername@gmail.com", "code": longRecipient} {
		b.Run(name, func(b *testing.B) {
			c := AddressClaims{Kind: BounceAddress, ListKey: 1, Recipient: recipient}
			b.ReportAllocs()
			for b.Loop() {
				mustSealAddress(b, r, c)
			}
		})
	}
}

func BenchmarkOpenAddress(b *testing.B) {
	r := testRing(b, 1)
	for name, recipient := range map[string]string{"recipient": "john.longername@gmail.com", "code": longRecipient} {
		b.Run(name, func(b *testing.B) {
			local := mustSealAddress(b, r, AddressClaims{Kind: BounceAddress, ListKey: 1, Recipient: recipient})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.OpenAddress(local); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
