package main

import (
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

// certificate is a TLS certificate that follows its files: a renewal is taken
// up at the next handshake, without a restart.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	looked  time.Time // at the files
	changed time.Time // of the files that current was read from
	current *tls.Certificate
}

// lookEvery bounds how often handshakes look at the files.
const lookEvery = 10 * time.Second

// newCertificate loads the files and says in one sentence what is wrong.
func newCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
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
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return fault("OFFRAMP_TLS_CERT_FILE, OFFRAMP_TLS_KEY_FILE: %s", plainPathError(err))
		}
		return fault("OFFRAMP_TLS_CERT_FILE, OFFRAMP_TLS_KEY_FILE: %s and %s are not a certificate and its key in PEM: %v", c.certFile, c.keyFile, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fault("OFFRAMP_TLS_CERT_FILE: %s: %v", c.certFile, err)
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
	for name, path := range map[string]string{"OFFRAMP_TLS_CERT_FILE": c.certFile, "OFFRAMP_TLS_KEY_FILE": c.keyFile} {
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
