package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"offramp/store"
)

var update = flag.Bool("update", false, "write the golden files")

var received = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

func signer(t testing.TB, name string) *Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s, err := NewSigner(name, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func one() Receipt {
	return Receipt{
		Recipient: "ada@example.org", List: "letter.example.org", Kind: store.EventUnsubscribed, Way: store.OneClick,
		Received: received, InForce: received.Add(2100 * time.Microsecond), Event: 17, Link: sha256.Sum256([]byte("link")),
	}
}

func TestOpenReturnsWhatWasSigned(t *testing.T) {
	s := signer(t, "offramp.example.org")
	all, open, odd := one(), one(), one()
	all.List = store.AllLists
	open.InForce = time.Time{}
	odd.Recipient, odd.List, odd.Way = `" : list"@exämple.org `, "all lists", " in force: "
	for name, want := range map[string]Receipt{"one": one(), "all": all, "open": open, "odd": odd} {
		text, err := s.Sign(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := OpenReceipt(text, signer(t, "another.example").Verifier(), s.Verifier(), s.Verifier())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		golden := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(golden, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(kept), string(text)); d != "" {
			t.Errorf("%s: receipts that were given out look otherwise: %s", name, d)
		}
	}
}

// A time in another zone, or finer than a receipt tells, is no other receipt.
func TestTimesAreOneText(t *testing.T) {
	s := signer(t, "offramp.example.org")
	elsewhere := one()
	elsewhere.Received = received.Add(7 * time.Nanosecond).In(time.FixedZone("x", 3600))
	a, errA := s.Sign(one())
	b, errB := s.Sign(elsewhere)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("%s and %s, %v, %v", a, b, errA, errB)
	}
}

// The package's text says how to check a receipt by hand: this is that.
func TestCheckByHand(t *testing.T) {
	s := signer(t, "offramp.example.org")
	text, err := s.Sign(one())
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(s.Verifier(), "+", 3)[2])
	if err != nil || len(key) != 33 || key[0] != 1 {
		t.Fatalf("key %x, %v", key, err)
	}
	lines, last, _ := strings.Cut(string(text), "\n\n")
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(last[strings.LastIndexByte(last, ' ')+1:]))
	if err != nil || len(signature) != 68 {
		t.Fatalf("signature %x, %v", signature, err)
	}
	if !ed25519.Verify(key[1:], []byte(lines+"\n"), signature[4:]) {
		t.Error("the signature does not verify as the package says")
	}
}

func TestOpenRefusesWhatWasChanged(t *testing.T) {
	s := signer(t, "offramp.example.org")
	text, err := s.Sign(one())
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if r, err := OpenReceipt(changed, s.Verifier()); err == nil {
			t.Errorf("octet %d: opens as %+v", i, r)
		}
		if r, err := OpenReceipt(text[:i], s.Verifier()); err == nil {
			t.Errorf("the first %d octets open as %+v", i, r)
		}
	}
	for name, c := range map[string]struct {
		text []byte
		keys []string
		want error
	}{
		"no key":       {text, nil, ErrSignature},
		"another key":  {text, []string{signer(t, "another.example").Verifier()}, ErrSignature},
		"no such key":  {text, []string{"offramp.example.org"}, ErrKey},
		"empty":        {nil, []string{s.Verifier()}, ErrReceipt},
		"no note":      {[]byte("hello\n"), []string{s.Verifier()}, ErrReceipt},
		"signed twice": {cosigned(t, text), []string{s.Verifier()}, ErrReceipt},
		"long":         {bytes.Repeat([]byte("x"), maxText+1), []string{s.Verifier()}, ErrReceipt},
		"changed text": {bytes.Replace(text, []byte("ada"), []byte("eve"), 1), []string{s.Verifier()}, ErrSignature},
	} {
		if _, err := OpenReceipt(c.text, c.keys...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// cosigned adds the signature of somebody unknown.
func cosigned(t *testing.T, text []byte) []byte {
	t.Helper()
	s := signer(t, "offramp.example.org")
	v, err := note.NewVerifier(s.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := note.Sign(n, signer(t, "another.example").signer)
	if err != nil {
		t.Fatal(err)
	}
	return twice
}

// Whoever holds the key still signs receipts only, in one form.
func TestOpenRefusesOtherSignedText(t *testing.T) {
	s := signer(t, "offramp.example.org")
	good, err := one().text()
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(string) string{
		"another version": func(s string) string { return strings.Replace(s, "v1", "v2", 1) },
		"a field twice":   func(s string) string { return strings.Replace(s, "way: ", "way: x\nway: ", 1) },
		"a field less":    func(s string) string { return strings.Replace(s, "way: one-click\n", "", 1) },
		"another order": func(s string) string {
			return strings.Replace(s, "what: unsubscribed\nway: one-click", "way: one-click\nwhat: unsubscribed", 1)
		},
		"an empty value":   func(s string) string { return strings.Replace(s, "one-click", "", 1) },
		"a tab":            func(s string) string { return strings.Replace(s, "ada@", "ada\t@", 1) },
		"a control octet":  func(s string) string { return strings.Replace(s, "ada@", "ada\u0085@", 1) },
		"no scope":         func(s string) string { return strings.Replace(s, "scope: list ", "scope: ", 1) },
		"fewer digits":     func(s string) string { return strings.Replace(s, ".123456Z", ".123Z", 1) },
		"another zone":     func(s string) string { return strings.Replace(s, ".123456Z", ".123456+00:00", 1) },
		"a sign":           func(s string) string { return strings.Replace(s, "event: 17", "event: +17", 1) },
		"no event":         func(s string) string { return strings.Replace(s, "event: 17", "event: 0", 1) },
		"upper case":       func(s string) string { return strings.Replace(s, "ledger link: ", "ledger link: AA", 1) },
		"a line more":      func(s string) string { return s + "note: x\n" },
		"an empty line":    func(s string) string { return s + "\n" },
		"a date of no day": func(s string) string { return strings.Replace(s, "2026-11-23", "2026-11-31", 1) },
	} {
		signed, err := note.Sign(&note.Note{Text: edit(good)}, s.signer)
		if err != nil {
			continue // the format itself refuses it
		}
		if r, err := OpenReceipt(signed, s.Verifier()); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestSignRefusesWhatHasNoText(t *testing.T) {
	s := signer(t, "offramp.example.org")
	for name, edit := range map[string]func(*Receipt){
		"no recipient": func(r *Receipt) { r.Recipient = "" },
		"two lines":    func(r *Receipt) { r.Recipient = "a\nway: b" },
		"not UTF-8":    func(r *Receipt) { r.Recipient = "\xff@example.org" },
		"no kind":      func(r *Receipt) { r.Kind = "" },
		"no way":       func(r *Receipt) { r.Way = "" },
		"no event":     func(r *Receipt) { r.Event = 0 },
		"no time":      func(r *Receipt) { r.Received = time.Time{} },
	} {
		r := one()
		edit(&r)
		if text, err := s.Sign(r); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestNewSignerRefusesBadNamesAndSeeds(t *testing.T) {
	seed := make([]byte, 32)
	for name, c := range map[string]struct {
		name string
		seed []byte
	}{
		"short seed": {"a.example", seed[:31]}, "no seed": {"a.example", nil}, "no name": {"", seed},
		"space": {"a example", seed}, "plus": {"a+example", seed}, "newline": {"a\nexample", seed},
	} {
		if _, err := NewSigner(c.name, c.seed); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a, b := signer(t, "a.example"), signer(t, "a.example"); a.Verifier() != b.Verifier() {
		t.Error("one seed gives two keys")
	}
}

func TestOfTakesEverythingOverFromAnOptOut(t *testing.T) {
	want := one()
	got := ReceiptOf(store.OptOut{InForce: want.InForce, Event: store.Event{
		ID: want.Event, Time: want.Received, Kind: want.Kind, Recipient: want.Recipient, List: want.List, Way: want.Way,
	}}, want.Link)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Text of strangers opens only when it is, byte for byte, what Sign makes.
func FuzzOpen(f *testing.F) {
	s := signer(f, "offramp.example.org")
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds, %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, false)
		signed, _, _ := bytes.Cut(text, []byte("\n\n"))
		f.Add(append(signed, '\n'), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, sign bool) {
		if sign { // reach what stands behind the signature
			signed, err := note.Sign(&note.Note{Text: string(text)}, s.signer)
			if err != nil {
				return
			}
			text = signed
		}
		r, err := OpenReceipt(text, s.Verifier())
		if err != nil {
			if !errors.Is(err, ErrReceipt) && !errors.Is(err, ErrSignature) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := s.Sign(r)
		if err != nil || !bytes.Equal(text, again) {
			t.Errorf("%q opens as %+v, which signs as %q, %v", text, r, again, err)
		}
	})
}
