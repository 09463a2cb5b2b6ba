package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"offramp/gateway/ledger"
)

// The ledger key is made once, for its owner alone, and gives the same keys
// wherever it stands.
func TestLedgerKeyOnce(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	if err := s.needLedgerKey(); err == nil {
		t.Error("a key is needed and none is there, and nobody says so")
	}
	first, made, err := s.ledgerKeys()
	if err != nil || !made || len(first.people) != 32 || len(first.receipts) != 32 || bytes.Equal(first.people, first.receipts) {
		t.Fatalf("first start: %v, made %v, %v", first, made, err)
	}
	if info, err := os.Stat(s.ledgerKeyPath()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	second, made, err := s.ledgerKeys()
	if err != nil || made || !bytes.Equal(first.people, second.people) || !bytes.Equal(first.receipts, second.receipts) {
		t.Errorf("second start: made %v, %v, or other keys", made, err)
	}
	raw, err := os.ReadFile(s.ledgerKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &settings{DataDir: t.TempDir(), LedgerKey: strings.TrimSpace(string(raw))}
	third, made, err := elsewhere.ledgerKeys()
	if err != nil || made || !bytes.Equal(first.people, third.people) {
		t.Errorf("by the setting: made %v, %v, or other keys", made, err)
	}
	if err := elsewhere.needLedgerKey(); err != nil {
		t.Error(err)
	}
}

// The derivation never changes: people are recognised by what it gave once.
func TestLedgerKeysStay(t *testing.T) {
	keys, err := parseLedgerKey(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(keys.people) + " " + base64.StdEncoding.EncodeToString(keys.receipts); got != wantLedgerKeys {
		t.Errorf("derived %s", got)
	}
}

// wantLedgerKeys was computed from RFC 5869 with another program.
const wantLedgerKeys = "Ko/kZlFoOULyFd1+61xshbZi6tWDF9Z0/ODV+D3onvM= JcInbM37ZqArf7+9HVPreSjxPJK9lio2gyYq+H3nvRY="

func TestLedgerKeysThatAreNone(t *testing.T) {
	for _, text := range []string{"x", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 33)), strings.Repeat("!", 44)} {
		s := &settings{DataDir: t.TempDir(), LedgerKey: text}
		if _, _, err := s.ledgerKeys(); exitCode(err) != exitUsage || !strings.HasPrefix(err.Error(), "OFFRAMP_LEDGER_KEY: ") {
			t.Errorf("%q: %v", text, err)
		}
		s.LedgerKey = ""
		if err := os.WriteFile(s.ledgerKeyPath(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ledgerKeys(); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "restore it from a backup") {
			t.Errorf("file %q: %v", text, err)
		}
	}
}

// A key that was made for data with another goes again; one of the operator's stays.
func TestWrongLedgerKey(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	if _, _, err := s.ledgerKeys(); err != nil {
		t.Fatal(err)
	}
	if err := s.wrongLedgerKey(false); exitCode(err) != exitUsage || s.needLedgerKey() != nil {
		t.Errorf("%v, or the file is gone", err)
	}
	if err := s.wrongLedgerKey(true); exitCode(err) != exitUsage || len(lines(err)) != 1 || s.needLedgerKey() == nil {
		t.Errorf("%v, or the file is there", err)
	}
	s.LedgerKey = newLedgerKey()
	if err := s.wrongLedgerKey(false); !strings.HasPrefix(err.Error(), "OFFRAMP_LEDGER_KEY: the data in ") {
		t.Errorf("%v", err)
	}
}

// Receipts are signed under the name recipients know.
func TestReceiptsName(t *testing.T) {
	s := &settings{LedgerKey: newLedgerKey()}
	s.Gateway.Hostname = "mx.example.org"
	for url, want := range map[string]string{"": "mx.example.org+", "https://out.example.org:8443/x": "out.example.org+"} {
		s.Gateway.PublicURL = url
		if signer, err := s.receipts(); err != nil || !strings.HasPrefix(signer.Verifier(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
	s.Gateway.PublicURL, s.Gateway.Hostname = "", "a host"
	if _, err := s.receipts(); exitCode(err) != exitUsage {
		t.Errorf("%v", err)
	}
}

// A file with several receipts is all of them, each as it was signed.
func TestSplitReceipts(t *testing.T) {
	one, two := "offramp receipt v1\nrecipient: a\n\n— x y\n", "offramp receipt v1\nrecipient: b\n\n— x z\n"
	for text, want := range map[string][]string{
		one: {one}, one + "\n" + two: {one, two}, one + two: {one, two}, "\n\n" + strings.ReplaceAll(one, "\n", "\r\n") + "\r\n": {one},
		"": {""}, "hello\n": {"hello\n"}, "hello\n" + one: {"hello\n" + one},
	} {
		if got := splitReceipts(text); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q is split to %q", text, got)
		}
	}
}

func FuzzSplitReceipts(f *testing.F) {
	signer, err := ledger.NewSigner("x.example", make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", receiptHeading, receiptHeading + receiptHeading, "\n\n" + receiptHeading + "x\n\n\n", "a" + receiptHeading} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts := splitReceipts(text)
		if len(parts) == 0 {
			t.Fatal("no part: an empty file would be right")
		}
		for _, p := range parts {
			if r, err := ledger.OpenReceipt([]byte(p), signer.Verifier()); err == nil {
				t.Errorf("%q is a receipt: %+v", p, r)
			}
		}
	})
}
