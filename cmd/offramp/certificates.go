package main

import (
	"crypto/tls"
	"net/url"

	"golang.org/x/crypto/acme/autocert"
)

// loadCertificates gives each listener its certificate.
func (a *app) loadCertificates(p *parts, s *settings) error {
	load := func(files keyPair) (*tls.Config, error) {
		c, err := newCertificate(files, a.now, p.Log)
		if err != nil {
			return nil, err
		}
		p.certificates = append(p.certificates, c)
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.Get}, nil
	}
	var err error
	switch {
	case s.TLSCertFile != "":
		if p.HTTPTLS, err = load(s.pageFiles()); err != nil {
			return err
		}
		p.SMTPTLS = p.HTTPTLS.Clone()
	case s.ACMEEmail != "":
		p.SMTPTLS, p.HTTPTLS = s.acme()
	}
	if s.SMTPTLSCertFile != "" {
		if p.SMTPTLS, err = load(s.smtpFiles()); err != nil {
			return err
		}
	}
	p.CertificateEnd = earliest(p.certificates)
	return nil
}

// acme returns configurations whose certificate is fetched and renewed by the
// ACME protocol (RFC 8555), with tls-alpn-01 on the recipients' listener.
func (s *settings) acme() (smtp, http *tls.Config) {
	host := s.Gateway.PublicURL
	if u, err := url.Parse(host); err == nil {
		host = u.Hostname()
	}
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Email: s.ACMEEmail, HostPolicy: autocert.HostWhitelist(host),
		Cache: autocert.DirCache(s.DataDir + "/acme"),
	}
	http = manager.TLSConfig()
	http.MinVersion = tls.VersionTLS12
	// Mail servers often send no server name: there is one certificate.
	smtp = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		named := *hello
		named.ServerName, named.SupportedProtos = host, nil
		return manager.GetCertificate(&named)
	}}
	return smtp, http
}
