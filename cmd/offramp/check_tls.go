package main

import (
	"net/url"
	"strings"
	"time"
)

// certificates looks at the certificate of the page and at that of SMTP.
func (c *checker) certificates() {
	s := c.settings
	switch {
	case s.ACMEEmail != "":
		c.add(findOK, "TLS", "the certificate is fetched by ACME", "")
	case s.TLSCertFile != "" && s.TLSKeyFile != "":
		c.pageCertificate()
	case s.TLSCertFile == "" && s.SMTPTLSCertFile != "":
		c.add(findWarn, "TLS", "there is no certificate for the page: a proxy in front must end https, or set OFFRAMP_TLS_CERT_FILE and OFFRAMP_TLS_KEY_FILE, or OFFRAMP_ACME_EMAIL", "")
	case s.TLSCertFile == "":
		c.add(findWarn, "TLS", "there is no certificate: a proxy in front must end https, and SMTP offers no STARTTLS. Set OFFRAMP_TLS_CERT_FILE and OFFRAMP_TLS_KEY_FILE, or OFFRAMP_ACME_EMAIL", "")
	}
	if s.SMTPTLSCertFile != "" && s.SMTPTLSKeyFile != "" {
		c.smtpCertificate()
	}
}

func (c *checker) pageCertificate() {
	s := c.settings
	cert, err := newCertificate(s.pageFiles(), c.app.now, nil)
	if err != nil {
		return // reported with the settings
	}
	c.validity("TLS", cert)
	if u, err := url.Parse(s.Gateway.PublicURL); err == nil && u.Hostname() != "" {
		if err := cert.Covers(u.Hostname()); err != nil {
			c.add(findFail, "TLS", err.Error()+", the host of OFFRAMP_PUBLIC_URL: get one that is", "")
		}
	}
}

func (c *checker) smtpCertificate() {
	cert, err := newCertificate(c.settings.smtpFiles(), c.app.now, nil)
	if err != nil {
		return // reported with the settings
	}
	c.validity("SMTP TLS", cert)
	if cert.SelfSigned() {
		c.add(findOK, "SMTP TLS", "the certificate is self-signed: clients that verify it need "+cert.files.cert+" as their CA file. The page never uses it", "")
	}
}

// validity says until when a certificate is good.
func (c *checker) validity(what string, cert *certificate) {
	left := cert.Expires().Sub(c.app.now())
	day := cert.Expires().Format(time.DateOnly)
	switch {
	case left <= 0:
		c.add(findFail, what, "the certificate in "+cert.files.cert+" expired on "+day+": renew it", "")
	case left < 14*24*time.Hour:
		c.add(findWarn, what, "the certificate in "+cert.files.cert+" expires on "+day+": renew it", "")
	default:
		c.add(findOK, what, "the certificate is good until "+day, "")
	}
}

// logins says where passwords are taken.
func (c *checker) logins() {
	s := c.settings
	if s.Gateway.SMTPUsers == "" {
		return
	}
	var where []string
	if s.encryptsSMTP() {
		where = append(where, "under TLS from everywhere")
	}
	if s.Gateway.SMTP.AuthLoopback {
		where = append(where, "without TLS over loopback. Set OFFRAMP_SMTP_AUTH_LOOPBACK=false if a proxy, tunnel or container on this machine hands on connections of others")
	}
	if len(where) > 0 {
		c.add(findOK, "logins", "are taken "+strings.Join(where, ", and "), "")
	}
	if !s.encryptsSMTP() {
		c.add(findWarn, "logins", "other machines cannot log in, because SMTP has no certificate. In a private network a self-signed one will do", c.app.command("init --tls-self-signed"))
	}
}
