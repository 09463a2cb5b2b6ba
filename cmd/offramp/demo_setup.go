package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"offramp/gateway"
	"offramp/gateway/dkim"
	"offramp/gateway/inbox"
	"offramp/gateway/sink"
	"offramp/store/sqlite"
	"offramp/testdata"
)

// people are the recipients of the demo.
var people = [...]inbox.Mailbox{
	{Name: "Ada", Address: "ada@example.org"},
	{Name: "Ben", Address: "ben@example.org"},
	{Name: "Chloe", Address: "chloe@example.org"},
}

// What the demo's newsletter comes from.
const (
	demoDomain   = "orchard.example"
	demoFeedback = "offramp.orchard.example"
	demoSender   = "letter@orchard.example"
	demoList     = "letter.orchard.example"
)

// demo is a running demo.
type demo struct {
	app      *app
	dir      string
	settings *settings
	gateway  *gateway.Gateway
	db       *sqlite.DB
	sink     *sink.Sink
	signing  []dkim.Key
	trust    *x509.CertPool // the made-up certificate
	certFile string
	web      net.Listener // inbox and pages, without TLS, for a browser on this machine
	issues   atomic.Int64 // sent, from the keyboard and from the inbox
	seen     int64        // last event that was shown
}

// startDemo makes keys, next hop, store and gateway in dir.
func (a *app) startDemo(ctx context.Context, dir string) (d *demo, err error) {
	d = &demo{app: a, dir: dir, certFile: filepath.Join(dir, "tls.pem"), trust: x509.NewCertPool()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if err := d.makeCertificate(); err != nil {
		return nil, err
	}
	if d.sink, err = sink.Start(sink.Options{Name: "mx.example.org"}); err != nil {
		return nil, err
	}
	if d.web, err = listenFrom(8080); err != nil {
		return nil, err
	}
	if err := d.makeSettings(); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if d.db, err = openStore(ctx, d.settings, sqlite.Options{Now: a.now, Log: log}); err != nil {
		return nil, err
	}
	p, err := a.parts(d.settings, log)
	if err != nil {
		return nil, err
	}
	if p.Tokens, _, err = d.settings.tokenKeys(); err != nil {
		return nil, err
	}
	if p.Receipts, err = d.settings.receipts(); err != nil {
		return nil, err
	}
	d.signing = p.Keys.All()
	keepIn(d.db, &p.Parts)
	d.gateway, err = gateway.New(d.settings.Gateway, p.Parts)
	return d, err
}

// makeSettings writes the settings the demo runs with, and reads them as serve
// does. Ports are free ones from the usual number on.
func (d *demo) makeSettings() error {
	ports := make([]string, 3)
	for i, from := range []int{2525, 8443, 8081} {
		l, err := listenFrom(from)
		if err != nil {
			return err
		}
		ports[i] = l.Addr().String()
		// The gateway opens it again in a moment.
		defer l.Close()
	}
	var keys []string
	for _, kind := range []string{"rsa", "ed25519"} {
		path := filepath.Join(d.dir, "dkim-"+kind+".pem")
		block, err := newDKIMKey(kind)
		if err != nil {
			return err
		}
		if err := writeNew(path, block); err != nil {
			return err
		}
		keys = append(keys, demoDomain+":demo-"+kind+":"+path)
	}
	env := map[string]string{
		"OFFRAMP_HOSTNAME": demoFeedback, "OFFRAMP_FEEDBACK_DOMAIN": demoFeedback,
		"OFFRAMP_OPERATOR_NAME": "The Orchard", "OFFRAMP_OPERATOR_ADDRESS": "1 Orchard Lane, Appleton",
		"OFFRAMP_SMTP_ADDR": ports[0], "OFFRAMP_HTTP_ADDR": ports[1], "OFFRAMP_ADMIN_ADDR": ports[2],
		"OFFRAMP_PUBLIC_URL": "https://" + ports[1], "OFFRAMP_NEXT_HOP": "smtp://" + d.sink.Addr(),
		"OFFRAMP_DATA_DIR": filepath.Join(d.dir, "data"), "OFFRAMP_DKIM_KEYS": strings.Join(keys, ","),
		"OFFRAMP_TLS_CERT_FILE": d.certFile, "OFFRAMP_TLS_KEY_FILE": filepath.Join(d.dir, "tls-key.pem"),
	}
	var file bytes.Buffer
	for _, name := range sortedKeys(env) {
		fmt.Fprintf(&file, "%s=%s\n", name, env[name])
	}
	if err := writeNew(filepath.Join(d.dir, dotEnv), file.Bytes()); err != nil {
		return err
	}
	s := new(settings)
	if err := parseEnviron(s, env); err != nil {
		return err
	}
	d.settings = s
	return s.Validate()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// listenFrom listens on loopback, on the first free port from a number on.
func listenFrom(port int) (net.Listener, error) {
	var err error
	for n := port; n < port+50; n++ {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("demo: no free port from %d on: %w", port, err)
}

// makeCertificate makes a certificate for 127.0.0.1: links must be https
// (RFC 8058 section 3.1).
func (d *demo) makeCertificate() error {
	public, secret, err := selfSign([]string{"localhost", "127.0.0.1", demoFeedback}, d.app.now(), 30*24*time.Hour)
	if err != nil {
		return err
	}
	d.trust.AppendCertsFromPEM(public)
	return errors.Join(writeNew(d.certFile, public), writeNew(filepath.Join(d.dir, "tls-key.pem"), secret))
}

// serveWeb serves the inbox, and the recipients' pages under the same address,
// so that a browser shows them without a warning about the made-up certificate.
func (d *demo) serveWeb(ctx context.Context) error {
	target, err := url.Parse(d.settings.Gateway.PublicURL)
	if err != nil {
		return err
	}
	pages := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: d.transport(),
	}
	mux := http.NewServeMux()
	mux.Handle("/", d.inbox().Handler())
	mux.Handle("/u/", pages)
	mux.Handle("/p/", pages)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(d.web); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (d *demo) inbox() *inbox.Inbox {
	return &inbox.Inbox{
		Mailboxes: people[:],
		Messages: func(address string) []inbox.Received {
			var all []inbox.Received
			for _, m := range d.sink.Messages() {
				if slices.Contains(m.Recipients, address) {
					all = append(all, inbox.Received{Raw: m.Data, At: m.At, Signed: d.verify(m.Data) == nil})
				}
			}
			return all
		},
		Press: d.oneClick,
		Send:  func(ctx context.Context) error { return errors.Join(d.sendIssue(ctx), d.settled(ctx)) },
		Link:  d.browserURL,
	}
}

// browserURL is where a browser reaches a link without a warning.
func (d *demo) browserURL(link string) string {
	if rest, ok := strings.CutPrefix(link, d.settings.Gateway.PublicURL); ok {
		return "http://" + d.web.Addr().String() + rest
	}
	return link
}

func (d *demo) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.trust, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

func (d *demo) oneClick(ctx context.Context, uri string) (inbox.Answer, error) {
	return inbox.Press(ctx, d.transport(), uri)
}

// close ends what startDemo began, apart from the gateway, which Run ends.
func (d *demo) close() error {
	var faults []error
	if d.web != nil {
		if err := d.web.Close(); !errors.Is(err, net.ErrClosed) {
			faults = append(faults, err)
		}
	}
	if d.sink != nil {
		faults = append(faults, d.sink.Close())
	}
	if d.db != nil {
		faults = append(faults, d.db.Close())
	}
	return errors.Join(faults...)
}

// issue returns the newsletter with a subject, date and Message-ID of its own.
func (d *demo) issue(now time.Time) ([]byte, error) {
	raw, err := testdata.Message(testdata.Newsletter)
	if err != nil {
		return nil, err
	}
	subjects := []string{"The first apples are in", "Cider pressing on Saturday", "The old pear bears again"}
	number := int(d.issues.Add(1))
	subject := subjects[(number-1)%len(subjects)]
	raw = bytes.Replace(raw, []byte("Subject: The first apples are in"), []byte("Subject: "+subject), 1)
	raw = bytes.Replace(raw, []byte("<2026-09.letter@"), fmt.Appendf(nil, "<issue-%d.%d.letter@", number, now.Unix()), 1)
	return bytes.Replace(raw, []byte("Mon, 07 Sep 2026 07:30:00 +0000"), []byte(now.UTC().Format(time.RFC1123Z)), 1), nil
}
