package dkim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysFor(t *testing.T) {
	ed, rs := rfc8463Key(t).Signer, rsaKey(t).Signer
	keys, err := NewKeys(
		Key{"Example.ORG.", "ed", ed},
		Key{"example.org", "RSA", rs},
		Key{"example.org", "ed2", ed},
		Key{"news.example.org", "n", ed},
		Key{"shop.co.uk", "s", ed},
		Key{"co.uk", "registry", ed},
		Key{"Bücher.example", "b", ed},
		Key{"localhost", "l", ed},
		Key{"github.io", "g", ed}, // a public suffix of its own
	)
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"example.org":              "rsa ed ed2",
		"EXAMPLE.org.":             "rsa ed ed2",
		"a.b.example.org":          "rsa ed ed2",
		"news.example.org":         "n",
		"a.news.example.org":       "n",
		"notexample.org":           "",
		"org":                      "",
		"mail.shop.co.uk":          "s",
		"other.co.uk":              "", // never the key of a public suffix
		"www.other.co.uk":          "",
		"co.uk":                    "registry",
		"bücher.example":           "b",
		"xn--bcher-kva.example":    "b",
		"mail.BÜCHER.example":      "b",
		"localhost":                "l",
		"user.github.io":           "",
		"":                         "",
		"[192.0.2.1]":              "",
		"a b":                      "",
		strings.Repeat("a.", 2000): "",
	} {
		var got []string
		for _, k := range keys.For(from) {
			got = append(got, k.Selector)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("For(%.40q) = %v, want %q", from, got, want)
		}
	}
	if n := len(keys.All()); n != 9 || keys.All()[0].Domain != "example.org" {
		t.Errorf("All returns %d keys", n)
	}
	var none *Keys
	if none.For("example.org") != nil || none.All() != nil {
		t.Error("nil Keys holds keys")
	}
}

func TestNewKeysRefuses(t *testing.T) {
	ed := rfc8463Key(t).Signer
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewKeys(
		Key{"example.org", "s", ed},
		Key{"EXAMPLE.org", "S", ed},
		Key{"example.org", "weak", weak},
		Key{"exa mple.org", "s", ed},
		Key{"example.org", "a;b", ed},
		Key{"example.org", "", ed},
		Key{"example.org", "x", nil},
	)
	if !errors.Is(err, ErrWeakKey) {
		t.Errorf("error %v does not wrap ErrWeakKey", err)
	}
	for i, want := range []string{"two DKIM keys for s._domainkey.example.org", "too short: 1024 bits", `"exa mple.org" is not a domain`, `"a;b" is not a selector`, `"" is not a selector`, "no signer"} {
		if lines := strings.Split(err.Error(), "\n"); len(lines) != 6 || !strings.Contains(lines[i], want) {
			t.Errorf("fault %d of %q does not say %q", i, lines, want)
		}
	}
}

func TestLoadKey(t *testing.T) {
	dir := t.TempDir()
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	good := rsaKey(t).Signer.(*rsa.PrivateKey)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	generated, err := GenerateEd25519()
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(good.Public())
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(good))
	// As openssl genpkey made it: below what Go itself is willing to generate.
	tiny, err := os.ReadFile("testdata/rsa512.pem")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		text []byte
		want string // part of the error; empty: none
	}{
		"PKCS#1":           {pkcs1, ""},
		"PKCS#8":           {generated, ""},
		"words before":     {append([]byte("made for example.org\r\n"), pkcs1...), ""},
		"public key first": {append(encode("PUBLIC KEY", public), pkcs1...), ""},
		"CRLF":             {bytes.ReplaceAll(pkcs1, []byte("\n"), []byte("\r\n")), ""},
		"weak":             {encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak)), "1024 bits, at least 2048"},
		"very weak":        {tiny, "512 bits, at least 2048"},
		"public":           {encode("PUBLIC KEY", public), "name the file with the private key"},
		"curve":            {encode("PRIVATE KEY", curveDER), "want RSA or Ed25519"},
		"encrypted":        {encode("ENCRYPTED PRIVATE KEY", []byte("x")), "without a passphrase"},
		"encrypted PKCS#1": {[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "without a passphrase"},
		"damaged":          {encode("RSA PRIVATE KEY", []byte("x")), "damaged PKCS#1 key"},
		"damaged PKCS#8":   {encode("PRIVATE KEY", []byte("x")), "damaged or unknown PKCS#8 key"},
		"cut off":          {pkcs1[:500], "is not a PEM file"},
		"empty":            {nil, "is not a PEM file"},
		"endless":          {bytes.Repeat([]byte("x"), 1<<20), "is not a PEM file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, "#", ""))
			if err := os.WriteFile(path, test.text, 0o600); err != nil {
				t.Fatal(err)
			}
			key, err := LoadKey("Example.org", "s", path)
			if test.want == "" {
				if err != nil || key.Domain != "example.org" || key.Selector != "s" || key.Signer == nil {
					t.Errorf("LoadKey = %+v, %v", key.Domain, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not name the path and say %q in one line", err, test.want)
			}
			if weak := strings.Contains(name, "weak"); errors.Is(err, ErrWeakKey) != weak {
				t.Errorf("error %v: ErrWeakKey is %v", err, !weak)
			}
		})
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "absent"): "offramp keygen",
		dir:                          "can read",
	} {
		_, err := LoadKey("example.org", "s", path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") || strings.Count(err.Error(), path) != 1 {
			t.Errorf("LoadKey(%s): %v", path, err)
		}
	}
}

func TestGenerate(t *testing.T) {
	if _, err := GenerateRSA(1024); !errors.Is(err, ErrWeakKey) {
		t.Errorf("GenerateRSA(1024): %v", err)
	}
	if _, err := GenerateRSA(1 << 20); err == nil || errors.Is(err, ErrWeakKey) {
		t.Errorf("GenerateRSA(1<<20): %v", err)
	}
	text, err := GenerateRSA(MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey("example.org", "s", path)
	if err != nil {
		t.Fatal(err)
	}
	record, err := key.Record()
	if err != nil || !strings.HasPrefix(record, "v=DKIM1; k=rsa; p=MIIB") {
		t.Errorf("Record = %.40q, %v", record, err)
	}
	fields := [][]byte{[]byte("From: a@example.org\r\n")}
	if err := verifyByMsgauth(sign(t, fields, nil, key), 1, lookUpIn(t, key)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("PRIVATE KEY", func() string { b, _ := pem.Decode(text); return b.Type }()); diff != "" {
		t.Error(diff)
	}
}
