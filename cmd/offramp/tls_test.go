package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificate writes a self-signed certificate and its key.
func writeCertificate(t *testing.T, dir, host string, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-time.Hour), NotAfter: until, DNSNames: []string{host}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// A renewed certificate is taken up without a restart; a broken one is not.
func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	first, second := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	now := time.Date(2029, 12, 1, 0, 0, 0, 0, time.UTC)
	certFile, keyFile := writeCertificate(t, dir, "offramp.example.org", first)
	c, err := newCertificate(certFile, keyFile, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := func() time.Time {
		t.Helper()
		got, err := c.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.NotAfter
	}
	if got := served(); !got.Equal(first) {
		t.Fatalf("serves one that ends %v, want %v", got, first)
	}
	if err := c.Covers("other.example.org"); err == nil {
		t.Error("covers a name it does not have")
	}

	writeCertificate(t, dir, "offramp.example.org", second)
	later := time.Now().Add(time.Minute) // file systems keep coarse times
	for _, f := range []string{certFile, keyFile} {
		if err := os.Chtimes(f, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := served(); !got.Equal(first) {
		t.Error("looks at the files at every handshake")
	}
	now = now.Add(lookEvery)
	if got := served(); !got.Equal(second) {
		t.Errorf("serves one that ends %v after the renewal, want %v", got, second)
	}

	if err := os.WriteFile(certFile, []byte("half a certif"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	if got := served(); !got.Equal(second) {
		t.Error("gave up a good certificate for a broken file")
	}
	if err := c.Reload(); err == nil {
		t.Error("Reload takes a broken file")
	}
}
