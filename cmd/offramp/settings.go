package main

import (
	"errors"
	"maps"
	"os"
	"strings"

	"offramp/gateway"
)

// settings are all settings of the program.
type settings struct {
	Gateway gateway.Config

	TokenKeys   string   `env:"TOKEN_KEYS" topic:"Keys and data" secret:"true" doc:"keys of the unsubscribe links, comma separated: the first makes new links, all of them open links; empty: token.keys in the data folder, made there by offramp init or serve --new-data"`
	LedgerKey   string   `env:"LEDGER_KEY" secret:"true" doc:"32-byte key in base64 that signs receipts and recognises erased people; never change it; empty: ledger.key in the data folder, made there by offramp init or serve --new-data"`
	DKIMKeys    []string `env:"DKIM_KEYS" reload:"yes" doc:"domain:selector:path of each DKIM key, comma separated; RSA and Ed25519; none: mail goes out unsigned, and mailbox providers ignore its one-click header"`
	DataDir     string   `env:"DATA_DIR" envDefault:"./data" doc:"folder of the databases and keys"`
	DatabaseURL string   `env:"DATABASE_URL" secret:"true" doc:"must stay empty: this build keeps its data in the data folder"`
	TLSCertFile string   `env:"TLS_CERT_FILE" reload:"its file" topic:"Certificates" doc:"certificate chain in PEM, for the recipients' listener and SMTP, from an authority that browsers trust; reloaded when it changes"`
	TLSKeyFile  string   `env:"TLS_KEY_FILE" reload:"its file" doc:"private key of the certificate, in PEM"`

	SMTPTLSCertFile string `env:"SMTP_TLS_CERT_FILE" reload:"its file" doc:"certificate chain in PEM for SMTP alone, may be self-signed (offramp init --tls-self-signed); empty: that of OFFRAMP_TLS_CERT_FILE or ACME"`
	SMTPTLSKeyFile  string `env:"SMTP_TLS_KEY_FILE" reload:"its file" doc:"private key of that certificate, in PEM"`

	ACMEEmail string `env:"ACME_EMAIL" doc:"fetches a certificate for the host of OFFRAMP_PUBLIC_URL from Let's Encrypt, whose terms you accept by setting it; OFFRAMP_HTTP_ADDR must then be reachable on port 443"`
	LogLevel  string `env:"LOG_LEVEL" reload:"yes" topic:"Log" envDefault:"info" doc:"debug, info, warn or error"`
	LogFormat string `env:"LOG_FORMAT" envDefault:"text" doc:"text or json"`
}

// lenientSettings reads the settings for a command that does not serve: every
// value that is given must be right, but what only serve needs may be missing.
func (a *app) lenientSettings() (*settings, error) {
	s, err := a.readSettings()
	if err != nil {
		return nil, err
	}
	return s, s.checkDatabase()
}

// readSettings reads every value it can, and returns all faults of values and
// names; of a file that cannot be read, that fault alone.
func (a *app) readSettings() (*settings, error) {
	a.readsSettings = true
	env := maps.Clone(a.env)
	s := new(settings)
	var inFile error
	if a.envFile != "" {
		inFile = readEnvFile(a.envFile, env)
	}
	err := errors.Join(inFile, parseEnviron(s, env))
	if isUnread(inFile) {
		err = inFile
	}
	if s.Gateway.Hostname == "" {
		name, hostErr := os.Hostname()
		if hostErr != nil {
			name = "localhost"
		}
		s.Gateway.Hostname = name
	}
	return s, err
}

// unreadDotEnv says that settings lie here that the command did not read: what it
// says then is about the defaults.
func (a *app) unreadDotEnv() error {
	if _, err := os.Stat(dotEnv); err != nil || a.envFile != "" || !a.readsSettings {
		return nil
	}
	return fault("--env-file: there is a %s here that was not read: add --env-file %s", dotEnv, dotEnv)
}

func isUnread(err error) bool {
	var file unreadFile
	return errors.As(err, &file)
}

// servingSettings reads the settings for serve and check, and returns every
// fault of every room. The settings are there also with an error.
func (a *app) servingSettings() (*settings, error) {
	s, unread := a.readSettings()
	if isUnread(unread) {
		return s, unread
	}
	faults := []error{unread}
	named := map[string]bool{}
	if unread != nil {
		for _, line := range lines(unread) {
			named[variable(line)] = true
		}
	}
	// A value that cannot be read counts as missing: what the rooms say about
	// it would be noise.
	if err := s.Validate(); err != nil {
		for _, line := range lines(err) {
			if !named[variable(line)] {
				faults = append(faults, fault("%s", line))
			}
		}
	}
	return s, errors.Join(faults...)
}

// variable is the name a fault begins with.
func variable(line string) string {
	end := strings.IndexFunc(line, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
	if end < 0 {
		return line
	}
	return strings.TrimSuffix(line[:end], "_FILE")
}

func (s *settings) checkDatabase() error {
	if s.DatabaseURL != "" {
		return fault("OFFRAMP_DATABASE_URL: this build has the embedded store only: remove it, the data folder is used")
	}
	return nil
}

// Validate returns every fault, one line each.
func (s *settings) Validate() error {
	faults := []error{s.checkDatabase(), s.Gateway.Validate(), s.checkKeys()}
	if len(s.Gateway.SMTPSAddr) > 0 && !s.encryptsSMTP() {
		faults = append(faults, fault("OFFRAMP_SMTPS_ADDR: needs a certificate: set OFFRAMP_TLS_CERT_FILE and OFFRAMP_TLS_KEY_FILE, OFFRAMP_ACME_EMAIL, or OFFRAMP_SMTP_TLS_CERT_FILE and OFFRAMP_SMTP_TLS_KEY_FILE"))
	}
	if s.ACMEEmail != "" {
		if s.TLSCertFile != "" {
			faults = append(faults, fault("OFFRAMP_ACME_EMAIL and OFFRAMP_TLS_CERT_FILE: both provide the certificate: remove one"))
		}
		if !strings.Contains(s.ACMEEmail, "@") {
			faults = append(faults, fault("OFFRAMP_ACME_EMAIL: invalid mail address %q", s.ACMEEmail))
		}
	}
	if _, err := s.level(); err != nil {
		faults = append(faults, err)
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		faults = append(faults, fault("OFFRAMP_LOG_FORMAT: invalid format %q: want text or json", s.LogFormat))
	}
	return errors.Join(faults...)
}

// checkKeys tries every key and certificate.
func (s *settings) checkKeys() error {
	_, err := s.dkimKeys()
	faults := []error{err}
	if s.TokenKeys != "" {
		_, _, err := s.tokenKeys()
		faults = append(faults, err)
	}
	if s.LedgerKey != "" {
		_, _, err := s.ledgerKeys()
		faults = append(faults, err)
	}
	faults = append(faults, s.pageFiles().check(), s.smtpFiles().check(), s.checkSelfSigned())
	return errors.Join(faults...)
}

// checkSelfSigned refuses a self-signed certificate on the page: no mail client
// presses the button behind it. On loopback it may be tried.
func (s *settings) checkSelfSigned() error {
	if s.TLSCertFile == "" || s.TLSKeyFile == "" || gateway.OnLoopback(s.Gateway.PublicURL) {
		return nil
	}
	cert, err := newCertificate(s.pageFiles(), nil, nil)
	if err != nil || !cert.SelfSigned() {
		return nil // what is wrong with the files is reported already
	}
	return fault("OFFRAMP_TLS_CERT_FILE: %s is self-signed, and no mail client or browser trusts it on the page: set OFFRAMP_ACME_EMAIL or a certificate of an authority; for SMTP in a private network move it to OFFRAMP_SMTP_TLS_CERT_FILE and OFFRAMP_SMTP_TLS_KEY_FILE", s.TLSCertFile)
}

// encryptsSMTP says whether the SMTP listeners have a certificate.
func (s *settings) encryptsSMTP() bool {
	return s.TLSCertFile != "" || s.SMTPTLSCertFile != "" || s.ACMEEmail != ""
}
