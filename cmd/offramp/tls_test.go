package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
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
	c, err := newCertificate(keyPair{"OFFRAMP_TLS", certFile, keyFile}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
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

// A self-signed certificate is for SMTP, never for the page; an authority of
// one's own may sign the page's, and loopback is for trying.
func TestSelfSignedIsNotForThePage(t *testing.T) {
	dir := t.TempDir()
	cert, key, err := selfSign([]string{"mail.lan", "192.0.2.1"}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	self := keyPair{cert: filepath.Join(dir, "self.pem"), key: filepath.Join(dir, "self-key.pem")}
	private := keyPair{cert: filepath.Join(dir, "private.pem"), key: self.key}
	for path, content := range map[string][]byte{self.cert: cert, self.key: key, private.cert: issued(t, cert, key)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		page, smtp keyPair
		url        string
		refused    bool
	}{
		"page":             {page: self, url: "https://offramp.example.org", refused: true},
		"page on loopback": {page: self, url: "https://127.0.0.1:8443"},
		"SMTP":             {smtp: self, url: "https://offramp.example.org"},
		"both":             {page: self, smtp: self, url: "https://offramp.example.org", refused: true},
		"own authority":    {page: private, smtp: self, url: "https://offramp.example.org"},
		"nothing":          {url: "https://offramp.example.org"},
	} {
		s := &settings{TLSCertFile: tt.page.cert, TLSKeyFile: tt.page.key, SMTPTLSCertFile: tt.smtp.cert, SMTPTLSKeyFile: tt.smtp.key}
		s.Gateway.PublicURL = tt.url
		err := s.checkKeys()
		if refused := err != nil && strings.Contains(err.Error(), "OFFRAMP_TLS_CERT_FILE: "+self.cert+" is self-signed"); refused != tt.refused || err != nil && !refused {
			t.Errorf("%s: %v, want refused %v", name, err, tt.refused)
		}
		p := parts{}
		if err := new(app).loadCertificates(&p, s); err != nil {
			t.Fatal(err)
		}
		if (p.SMTPTLS != nil) != (tt.smtp.cert != "" || tt.page.cert != "") || (p.HTTPTLS != nil) != (tt.page.cert != "") {
			t.Errorf("%s: SMTP has TLS %v, the page %v", name, p.SMTPTLS != nil, p.HTTPTLS != nil)
		}
		if (p.CertificateEnd == nil) != (len(p.certificates) == 0) {
			t.Errorf("%s: the end of %d certificates", name, len(p.certificates))
		}
	}
}

// issued is a certificate for the key that another one signed.
func issued(t *testing.T, cert, key []byte) []byte {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	signer := pair.PrivateKey.(*ecdsa.PrivateKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"offramp.example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}}, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
