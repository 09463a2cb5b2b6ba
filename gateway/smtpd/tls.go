package smtpd

import "crypto/tls"

// serverTLS returns the configuration of s with our minimum version, and informs each
// connection when its handshake begins.
func (s *Server) serverTLS() *tls.Config {
	if s.TLS == nil {
		return nil
	}
	config := s.TLS.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12) // RFC 8996
	// Those of a certificate shared with HTTP would refuse mail clients.
	config.NextProtos = nil
	chosen := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if c, ok := hello.Conn.(*conn); ok {
			c.handshake()
		}
		if chosen != nil {
			return chosen(hello)
		}
		return nil, nil
	}
	return config
}
