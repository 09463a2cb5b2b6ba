package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyPair names the files of a certificate and its key, and the settings they
// come from: PREFIX_CERT_FILE and PREFIX_KEY_FILE.
type keyPair struct{ prefix, cert, key string }

// pageFiles is the certificate of the recipients' listener, and of SMTP where
// that has none of its own.
func (s *settings) pageFiles() keyPair {
	return keyPair{prefix + "TLS", s.TLSCertFile, s.TLSKeyFile}
}

// smtpFiles is the certificate of SMTP alone.
func (s *settings) smtpFiles() keyPair {
	return keyPair{prefix + "SMTP_TLS", s.SMTPTLSCertFile, s.SMTPTLSKeyFile}
}

// check returns what is wrong with the two settings and their files.
func (p keyPair) check() error {
	switch {
	case p.cert == "" && p.key == "":
		return nil
	case p.cert == "" || p.key == "":
		return fault("%s_CERT_FILE and %s_KEY_FILE: only one of them is set: set both or neither", p.prefix, p.prefix)
	}
	_, err := newCertificate(p, nil, nil)
	return err
}

// certificate is a TLS certificate that follows its files: a renewal is taken
// up at the next handshake, without a restart.
type certificate struct {
	files keyPair
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	looked  time.Time // at the files
	changed time.Time // of the files that current was read from
	current *tls.Certificate
}

// lookEvery bounds how often handshakes look at the files.
const lookEvery = 10 * time.Second

// newCertificate loads the files and says in one sentence what is wrong.
func newCertificate(files keyPair, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, now: now, log: log}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files again. On error the certificate stays as it was.
func (c *certificate) Reload() error {
	changed, err := c.modified()
	if err != nil {
		return err
	}
	f := c.files
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return fault("%s_CERT_FILE, %s_KEY_FILE: %s", f.prefix, f.prefix, plainPathError(err))
		}
		return fault("%s_CERT_FILE, %s_KEY_FILE: %s and %s are not a certificate and its key in PEM: %v", f.prefix, f.prefix, f.cert, f.key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fault("%s_CERT_FILE: %s: %v", f.prefix, f.cert, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.changed = &pair, changed
	return nil
}

// modified returns when the younger of the two files changed.
func (c *certificate) modified() (time.Time, error) {
	var latest time.Time
	for name, path := range map[string]string{c.files.prefix + "_CERT_FILE": c.files.cert, c.files.prefix + "_KEY_FILE": c.files.key} {
		info, err := os.Stat(path)
		if err != nil {
			return latest, fault("%s: %s", name, plainPathError(err))
		}
		if info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest, nil
}

// Get is tls.Config.GetCertificate.
func (c *certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	due := c.now().Sub(c.looked) >= lookEvery
	if due {
		c.looked = c.now()
	}
	known := c.changed
	c.mu.Unlock()
	if due {
		if changed, err := c.modified(); err != nil || !changed.Equal(known) {
			if err == nil {
				err = c.Reload()
			}
			if err != nil {
				c.log.Warn("certificate not reloaded, the old one stays in use", "error", err)
			} else {
				c.log.Info("certificate reloaded", "expires", c.Expires())
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, nil
}

// Expires is the end of the certificate's validity.
func (c *certificate) Expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf.NotAfter
}

// Covers says whether the certificate is for a host name.
func (c *certificate) Covers(host string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.current.Leaf.VerifyHostname(host); err != nil {
		return fmt.Errorf("the certificate is not for %s", host)
	}
	return nil
}

// SelfSigned says whether nobody but the certificate itself vouches for it.
func (c *certificate) SelfSigned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	leaf := c.current.Leaf
	return bytes.Equal(leaf.RawIssuer, leaf.RawSubject) &&
		leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}

// earliest returns when the first of the certificates expires; nil without certificates.
func earliest(all []*certificate) func() time.Time {
	if len(all) == 0 {
		return nil
	}
	return func() time.Time {
		first := all[0].Expires()
		for _, c := range all[1:] {
			if end := c.Expires(); end.Before(first) {
				first = end
			}
		}
		return first
	}
}
