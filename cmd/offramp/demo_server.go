package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"offramp/cmd/offramp/internal/demo"
	"offramp/gateway"
	"offramp/store/sqlite"
)

// Files in the demo's folder.
const (
	demoCert    = "tls.pem"
	demoCertKey = "tls-key.pem"
)

// demoServer makes keys, settings, store and gateway in dir, in front of the next
// hop at hop. end closes the store once the server has run.
func (a *app) demoServer(ctx context.Context, dir, hop string) (server demo.Server, end func() error, err error) {
	if server.Trust, err = a.makeDemoCertificate(dir); err != nil {
		return server, nil, err
	}
	s, err := demoSettings(dir, hop)
	if err != nil {
		return server, nil, err
	}
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := openStore(ctx, s, sqlite.Options{Now: a.now, Log: log})
	if err != nil {
		return server, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	p, err := a.parts(s, log)
	if err != nil {
		return server, nil, err
	}
	if p.Tokens, _, err = s.tokenKeys(); err != nil {
		return server, nil, err
	}
	if p.Receipts, err = s.receipts(); err != nil {
		return server, nil, err
	}
	keepIn(db, &p.Parts)
	g, err := gateway.New(s.Gateway, p.Parts)
	if err != nil {
		return server, nil, err
	}
	server.SMTPAddr, server.AdminAddr, server.PublicURL = s.Gateway.SMTPAddr[0], s.Gateway.AdminAddr, s.Gateway.PublicURL
	server.CertFile, server.EnvFile = filepath.Join(dir, demoCert), filepath.Join(dir, dotEnv)
	server.Signing, server.Tokens = p.Keys.All(), p.Tokens
	server.Consent, server.Spool, server.Run = p.Consent, p.Spool, g.Run
	return server, db.Close, nil
}

// demoSettings writes the settings the demo runs with, and reads them as serve
// does. Ports are free ones from the usual number on.
func demoSettings(dir, hop string) (*settings, error) {
	ports := make([]string, 3)
	for i, from := range []int{2525, 8443, 8081} {
		l, err := demo.ListenFrom(from)
		if err != nil {
			return nil, err
		}
		ports[i] = l.Addr().String()
		// The gateway opens it again in a moment.
		defer l.Close()
	}
	var keys []string
	for _, kind := range []string{"rsa", "ed25519"} {
		path := filepath.Join(dir, "dkim-"+kind+".pem")
		block, err := newDKIMKey(kind)
		if err != nil {
			return nil, err
		}
		if err := writeNew(path, block); err != nil {
			return nil, err
		}
		keys = append(keys, demo.Domain+":demo-"+kind+":"+path)
	}
	env := map[string]string{
		"OFFRAMP_HOSTNAME": demo.Feedback, "OFFRAMP_FEEDBACK_DOMAIN": demo.Feedback,
		"OFFRAMP_OPERATOR_NAME": "The Orchard", "OFFRAMP_OPERATOR_ADDRESS": "1 Orchard Lane, Appleton",
		"OFFRAMP_SMTP_ADDR": ports[0], "OFFRAMP_HTTP_ADDR": ports[1], "OFFRAMP_ADMIN_ADDR": ports[2],
		"OFFRAMP_PUBLIC_URL": "https://" + ports[1], "OFFRAMP_NEXT_HOP": "smtp://" + hop,
		"OFFRAMP_DATA_DIR": filepath.Join(dir, "data"), "OFFRAMP_DKIM_KEYS": strings.Join(keys, ","),
		"OFFRAMP_TLS_CERT_FILE": filepath.Join(dir, demoCert), "OFFRAMP_TLS_KEY_FILE": filepath.Join(dir, demoCertKey),
	}
	var file bytes.Buffer
	for _, name := range sortedKeys(env) {
		fmt.Fprintf(&file, "%s=%s\n", name, env[name])
	}
	if err := writeNew(filepath.Join(dir, dotEnv), file.Bytes()); err != nil {
		return nil, err
	}
	s := new(settings)
	if err := parseEnviron(s, env); err != nil {
		return nil, err
	}
	return s, s.Validate()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// makeDemoCertificate makes a certificate for 127.0.0.1: links must be https
// (RFC 8058 section 3.1).
func (a *app) makeDemoCertificate(dir string) (*x509.CertPool, error) {
	public, secret, err := selfSign([]string{"localhost", "127.0.0.1", demo.Feedback}, a.now(), 30*24*time.Hour)
	if err != nil {
		return nil, err
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(public)
	return trust, errors.Join(writeNew(filepath.Join(dir, demoCert), public), writeNew(filepath.Join(dir, demoCertKey), secret))
}
