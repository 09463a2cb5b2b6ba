package nexthop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// authority makes a certificate for host and a PEM file of who signed it.
func authority(t *testing.T, host string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTLS(t *testing.T) {
	good, ca := authority(t, "127.0.0.1")
	wrong, wrongCA := authority(t, "other.example")
	broken := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, os.ErrNotExist }}
	cases := map[string]struct {
		scheme, ca string
		config     *tls.Config
		extensions []string
		fault      sink.Fault // at STARTTLS
		wantTLS    bool
		want       string // in the error, which is one of the settings; empty: delivered
	}{
		"opportunistic":               {scheme: "smtp://", config: &tls.Config{Certificates: []tls.Certificate{wrong}}, wantTLS: true},
		"opportunistic, not offered":  {scheme: "smtp://"},
		"opportunistic, refused":      {scheme: "smtp://", config: &tls.Config{Certificates: []tls.Certificate{good}}, fault: sink.Fault{Reply: "454 4.7.0 not now"}},
		"opportunistic, no handshake": {scheme: "smtp://", config: broken},
		"required":                    {scheme: "smtp+starttls://u%2C:p%40ss@", ca: ca, extensions: []string{"8BITMIME", "AUTH LOGIN PLAIN"}, config: &tls.Config{Certificates: []tls.Certificate{good}}, wantTLS: true},
		"required, not offered":       {scheme: "smtp+starttls://", ca: ca, want: "STARTTLS is not offered"},
		"required, other authority":   {scheme: "smtp+starttls://", ca: wrongCA, config: &tls.Config{Certificates: []tls.Certificate{good}}, want: "certificate"},
		"required, wrong name":        {scheme: "smtp+starttls://", ca: wrongCA, config: &tls.Config{Certificates: []tls.Certificate{wrong}}, want: "certificate"},
		"required, injection": {scheme: "smtp+starttls://", ca: ca, config: &tls.Config{Certificates: []tls.Certificate{good}},
			fault: sink.Fault{Reply: "220 go\r\n250-evil\r\n250 AUTH PLAIN"}, want: "reply without a command"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := startSink(t, sink.Options{TLS: c.config, Extensions: c.extensions, Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
				if at == sink.StartTLS {
					return c.fault
				}
				return sink.Fault{}
			}})
			hops := newHops(t, Config{Servers: []string{c.scheme + s.Addr()}, TLSCAFile: c.ca}, Parts{})
			session, err := hops.Open(t.Context(), "")
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || Explain(err).Class != Settings {
					t.Errorf("%v, want %q", err, c.want)
				}
				if err != nil && (strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), "p%40ss")) {
					t.Errorf("the password is in %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // what TLS reads for itself is no reply
				if errs := transact(session, "a@b.example"); errs[0] != nil {
					t.Fatal(errs)
				}
			}
			hops.Give(session)
			got := s.Wait(2, time.Now().Add(5*time.Second))
			if len(got) != 2 || got[1].TLS != c.wantTLS || strings.Contains(c.scheme, "u%2C") && got[1].Login != "u," {
				t.Errorf("got %+v", got)
			}
		})
	}
}
