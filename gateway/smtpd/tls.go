package smtpd

import (
	"crypto/tls"
	"fmt"
	"time"
)

// serverTLS returns the configuration of s with our minimum version.
func (s *Server) serverTLS() *tls.Config {
	if s.TLS == nil {
		return nil
	}
	config := s.TLS.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12) // RFC 8996
	// Those of a certificate shared with HTTP would refuse mail clients.
	config.NextProtos = nil
	return config
}

// beginTLS makes TLS begin. A client whose handshake fails is not heard in clear
// any more (RFC 3207 section 4.1). Until it is over, nothing can be said.
func (c *conn) beginTLS(config *tls.Config) error {
	t := tls.Server(c.Conn, config)
	c.mu.Lock()
	c.wire = nil
	c.blocked, c.fresh, c.began = true, true, time.Now()
	c.Conn.SetDeadline(c.began.Add(c.pace().idle))
	c.mu.Unlock()
	err := t.Handshake()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = false
	if err != nil {
		c.closed = true
		return fmt.Errorf("TLS handshake: %w", err)
	}
	c.wire = t
	return nil
}
