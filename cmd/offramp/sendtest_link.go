package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"offramp/gateway/mime"
	"offramp/gateway/record"
	"offramp/listunsub"
)

// link follows the link of a message to nobody, as a person's browser and then a
// mailbox provider would.
func (t *tester) link(ctx context.Context, raw []byte) {
	h, _ := mime.Split(raw)
	uris, err := listunsub.Parse(h.Get(fieldUnsubscribe))
	if err != nil || len(uris) == 0 || !strings.HasPrefix(strings.ToLower(uris[0]), "https:") {
		return // what is wrong with it is reported
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	page, body, err := t.ask(ctx, http.MethodGet, uris[0])
	if err != nil {
		t.add(findFail, "link", unreachableLink(uris[0], err), "")
		return
	}
	host := hostOf(uris[0])
	switch {
	case redirects(page):
		t.add(findFail, "page", fmt.Sprintf("%s answers the link with a redirect (%d): OFFRAMP_PUBLIC_URL must name the address that answers itself", host, page.StatusCode), "")
	case page.Header.Get("X-Robots-Tag") == "":
		t.add(findFail, "page", fmt.Sprintf("%s answers the link (%d), and not as Offramp does: another server answers there", host, page.StatusCode), "")
		return
	case page.StatusCode == http.StatusNotFound:
		t.add(findFail, "page", fmt.Sprintf("an Offramp on %s does not know the link: it is another one, or has other token keys", host), "")
		return
	case page.StatusCode != http.StatusOK || !strings.Contains(body, "<form"):
		t.add(findFail, "page", fmt.Sprintf("%s answers the link with %d and no page to choose on", host, page.StatusCode), "")
	default:
		t.add(findOK, "page", host+" is reached with a valid certificate and shows the page", "")
	}
	t.press(ctx, uris[0], host)
}

// press does what the button does (RFC 8058 section 3.2).
func (t *tester) press(ctx context.Context, uri, host string) {
	answer, _, err := t.ask(ctx, http.MethodPost, uri)
	switch {
	case err != nil:
		t.add(findFail, "one-click", unreachableLink(uri, err), "")
	case redirects(answer):
		t.add(findFail, "one-click", fmt.Sprintf("the one-click POST to %s is answered with a redirect (%d), which mail clients do not follow", host, answer.StatusCode), "")
	case len(answer.Header.Values("Set-Cookie")) > 0:
		t.add(findFail, "one-click", fmt.Sprintf("a proxy in front of %s adds a cookie to the answer of the one-click POST (RFC 8058 section 3.1 forbids what needs one)", host), "")
	case answer.StatusCode != http.StatusOK:
		t.add(findFail, "one-click", fmt.Sprintf("the one-click POST to %s is answered %d, and must be 200", host, answer.StatusCode), "")
	case !t.recorded(ctx):
		t.add(findFail, "one-click", fmt.Sprintf("%s answers the one-click POST with 200, and the opt-out is not in this server's data: another server answers there", host), "")
	default:
		t.add(findOK, "one-click", "the POST is answered 200 without redirect or cookie, and recorded (for "+testPerson+", who is nobody)", "")
	}
}

// recorded says whether the opt-out of nobody is in the data of the server.
func (t *tester) recorded(ctx context.Context) bool {
	var person record.Person
	if err := t.api.call(ctx, http.MethodGet, "recipients/"+url.PathEscape(testPerson), nil, &person); err != nil {
		return false
	}
	for _, c := range person.Choices {
		if c.List == listunsub.CanonicalID(t.flags.list) && c.State == "unsubscribed" {
			return true
		}
	}
	return false
}

// ask sends one request and reads some of the answer.
func (t *tester) ask(ctx context.Context, method, target string) (*http.Response, string, error) {
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(listunsub.PostValue)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: t.app.roots, MinVersion: tls.VersionTLS12, Time: t.app.now}, DisableKeepAlives: true},
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp, string(text), err
}

func hostOf(uri string) string {
	if u, err := url.Parse(uri); err == nil {
		return u.Host
	}
	return uri
}

// unreachableLink says why a link cannot be followed.
func unreachableLink(uri string, err error) string {
	host := hostOf(uri)
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s is not valid now: it runs from %s to %s", host, invalid.Cert.NotBefore.UTC().Format(time.DateTime), invalid.Cert.NotAfter.UTC().Format(time.DateTime))
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is for another name: %s", host, strings.Join(name.Certificate.DNSNames, ", "))
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not from an authority that mail clients trust", host)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no address in the DNS for %s", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on %s: the port is closed from here", host)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s does not answer within 30 s from here", host)
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Sprintf("%s is not reached from here: %v", host, err)
}
