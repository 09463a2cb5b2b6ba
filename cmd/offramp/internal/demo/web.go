package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	"offramp/cmd/offramp/internal/demo/inbox"
)

// serveWeb serves the inbox, and the recipients' pages under the same address,
// so that a browser shows them without a warning about the made-up certificate.
func (d *Demo) serveWeb(ctx context.Context) error {
	target, err := url.Parse(d.server.PublicURL)
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

func (d *Demo) inbox() *inbox.Inbox {
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
func (d *Demo) browserURL(link string) string {
	if rest, ok := strings.CutPrefix(link, d.server.PublicURL); ok {
		return "http://" + d.web.Addr().String() + rest
	}
	return link
}

func (d *Demo) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.server.Trust, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

func (d *Demo) oneClick(ctx context.Context, uri string) (inbox.Answer, error) {
	return inbox.Press(ctx, d.transport(), uri)
}
