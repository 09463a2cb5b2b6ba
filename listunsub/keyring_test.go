package listunsub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// testKey returns a key that differs for each n and is not a secret.
func testKey(n int) string {
	key := make([]byte, keySize)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

func testRing(t testing.TB, keys ...int) *KeyRing {
	t.Helper()
	var texts []string
	for _, n := range keys {
		texts = append(texts, testKey(n))
	}
	r, err := ParseKeyRing(strings.Join(texts, ","))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeyRotation(t *testing.T) {
	before, after, without := testRing(t, 1), testRing(t, 2, 1), testRing(t, 2)
	old := mustSeal(t, before, adasClaims)
	if got, err := after.Open(old, HeaderLink); err != nil || got != adasClaims {
		t.Errorf("after rotation: %+v, %v", got, err)
	}
	if _, err := without.Open(old, HeaderLink); !errors.Is(err, ErrToken) {
		t.Errorf("key gone: %v", err)
	}
	renewed := mustSeal(t, after, adasClaims)
	if renewed == old {
		t.Error("the first key does not seal")
	}
	if _, err := before.Open(renewed, HeaderLink); !errors.Is(err, ErrToken) {
		t.Errorf("key not known yet: %v", err)
	}
}

// TestSameKeyID holds a ring in which several keys share their id.
func TestSameKeyID(t *testing.T) {
	byID := make(map[byte]int)
	for n := 1; ; n++ {
		id := testRing(t, n).keys[0].id
		other, ok := byID[id]
		if !ok {
			byID[id] = n
			continue
		}
		token := mustSeal(t, testRing(t, n), adasClaims)
		local, _, err := testRing(t, n).SealAddress(AddressClaims{Kind: OptOutAddress, Recipient: "a@b.example"})
		if err != nil {
			t.Fatal(err)
		}
		both := testRing(t, other, n)
		if got, err := both.Open(token, HeaderLink); err != nil || got != adasClaims {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := both.OpenAddress(local); err != nil || got.Recipient != "a@b.example" {
			t.Errorf("%+v, %v", got, err)
		}
		return
	}
}

func TestParseKeyRing(t *testing.T) {
	std := testKey(1)
	raw, _ := base64.StdEncoding.DecodeString(std)
	token := mustSeal(t, testRing(t, 1), adasClaims)
	for _, s := range []string{std, " " + std + "\n", strings.TrimRight(std, "="), base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)} {
		r, err := ParseKeyRing(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Open(token, HeaderLink); err != nil {
			t.Errorf("%q is another key", s)
		}
	}
	for _, tc := range []struct{ s, want string }{
		{"", "key 1: empty"},
		{std + ",", "key 2: empty"},
		{std + "," + std, "key 2 repeats key 1"},
		{"secret!secret", "key 1: not base64"},
		{"c2hvcnQ=", "key 1: 5 bytes, want 32"},
		{strings.Repeat("A", 43) + "=", "key 1: one byte repeated is not a key"},
		{std + "," + std + "AAAA", "key 2: not base64"},
	} {
		if r, err := ParseKeyRing(tc.s); err == nil || err.Error() != tc.want || r != nil {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
}

func TestNewKey(t *testing.T) {
	a, b := NewKey(), NewKey()
	if a == b {
		t.Error("two equal keys")
	}
	if r, err := ParseKeyRing(a + "," + b); err != nil || r.Len() != 2 {
		t.Errorf("%v, %v", r, err)
	}
}

func TestKeysAreNotShown(t *testing.T) {
	r := testRing(t, 1, 2)
	raw, _ := base64.StdEncoding.DecodeString(testKey(1))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("ring", "ring", r)
	//lint:ignore SA9005 the empty object is what is asked for
	j, _ := json.Marshal(r)
	//lint:ignore S1025 every verb is tried
	for _, s := range []string{fmt.Sprint(r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), fmt.Sprintf("%s", r), log.String(), string(j)} {
		if strings.Contains(s, testKey(1)[:8]) || strings.Contains(s, string(raw[:4])) || len(s) > 200 {
			t.Errorf("shows %s", s)
		}
	}
	if got := fmt.Sprintf("%v", r); got != "KeyRing(2 keys)" {
		t.Errorf("got %s", got)
	}
}

func TestMAC(t *testing.T) {
	old, r := testRing(t, 1), testRing(t, 2, 1)
	mac := old.MAC("form", []byte("ab"), []byte("c"))
	if len(mac) != 32 || !r.Verify(mac, "form", []byte("ab"), []byte("c")) {
		t.Errorf("%x does not verify after rotation", mac)
	}
	for name, ok := range map[string]bool{
		"other label":     r.Verify(mac, "forn", []byte("ab"), []byte("c")),
		"shifted":         r.Verify(mac, "form", []byte("a"), []byte("bc")),
		"joined":          r.Verify(mac, "form", []byte("abc")),
		"one more":        r.Verify(mac, "form", []byte("ab"), []byte("c"), nil),
		"label and data":  r.Verify(mac, "formab", []byte("c")),
		"cut":             r.Verify(mac[:31], "form", []byte("ab"), []byte("c")),
		"empty":           r.Verify(nil, "form", []byte("ab"), []byte("c")),
		"other key":       testRing(t, 3).Verify(mac, "form", []byte("ab"), []byte("c")),
		"key gone":        testRing(t, 2).Verify(mac, "form", []byte("ab"), []byte("c")),
		"first key's own": bytes.Equal(mac, r.MAC("form", []byte("ab"), []byte("c"))),
	} {
		if ok {
			t.Errorf("%s verifies", name)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	r := testRing(t, 1, 2)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 300 {
				c := adasClaims
				c.Recipient = fmt.Sprintf("p%d.%d@example.net", n, i)
				token, err := r.Seal(c)
				if got, e := r.Open(token, HeaderLink); err != nil || e != nil || got != c {
					t.Errorf("%+v, %v, %v", got, err, e)
					return
				}
				a := AddressClaims{Kind: BounceAddress, ListKey: uint64(i), Recipient: c.Recipient}
				local, _, err := r.SealAddress(a)
				if got, e := r.OpenAddress(local); err != nil || e != nil || got != a {
					t.Errorf("%+v, %v, %v", got, err, e)
					return
				}
			}
		})
	}
	wg.Wait()
}
