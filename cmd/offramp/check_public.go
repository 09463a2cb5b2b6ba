package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"offramp/listunsub"
)

// publicURL asks for a link that is not one: Offramp's own 404 proves that the
// address leads here, without a redirect on the way (RFC 8058 section 3.1).
// Then it opens a link of the kind that mail programs make of one.
func (c *checker) publicURL(ctx context.Context) {
	base := strings.TrimRight(c.settings.Gateway.PublicURL, "/")
	if base == "" {
		return
	}
	if !c.running {
		c.add(findWarn, "public URL", base+" is not tried, since the server does not run: start it, then check again", c.app.command("serve"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	resp, err := askPage(ctx, http.MethodPost, base+"/u/check")
	if err != nil {
		c.add(findWarn, "public URL", fmt.Sprintf("%s is not reachable from this machine: %v. Try it from outside, and expect 404 with X-Robots-Tag", base, errors.Unwrap(err)),
			"curl -i -d List-Unsubscribe=One-Click "+shellQuote(base+"/u/check"))
		return
	}
	switch {
	case redirects(resp):
		c.add(findFail, "public URL", fmt.Sprintf("%s answers with a redirect (%d), which mail clients do not follow: let OFFRAMP_PUBLIC_URL name the address that answers itself", base, resp.StatusCode), "")
		return
	case resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Robots-Tag") == "":
		c.add(findFail, "public URL", fmt.Sprintf("%s answers %d, and not as Offramp does: it leads elsewhere. Send /u/ and /p/ of that host to OFFRAMP_HTTP_ADDR", base, resp.StatusCode), "")
		return
	}
	c.add(findOK, "public URL", base+" leads here", "")
	c.proxy(ctx, base, resp)
}

// proxy looks for what a proxy in front adds to answers and does to links.
func (c *checker) proxy(ctx context.Context, base string, posted *http.Response) {
	if len(posted.Header.Values("Set-Cookie")) > 0 {
		c.add(findFail, "proxy", "a proxy in front of "+base+" adds a cookie to the page, which works without: turn session cookies off for /u/, /p/ and /c/", "")
	}
	if posted.Header.Get("Access-Control-Allow-Origin") != "*" {
		c.add(findWarn, "proxy", "a proxy in front of "+base+" removes or changes Access-Control-Allow-Origin: web mail programs cannot see that a one-click request worked", "")
	}
	target, err := c.trialLink(base)
	if err != nil {
		return // already reported with the token keys
	}
	// Doubled slashes, capitals, an encoded slash and what stands behind a link.
	resp, err := askPage(ctx, http.MethodGet, target)
	switch {
	case err != nil:
		c.add(findWarn, "proxy", fmt.Sprintf("%s is not reachable from this machine: %v", base, errors.Unwrap(err)), "")
	case redirects(resp):
		c.add(findFail, "proxy", fmt.Sprintf("a proxy in front of %s redirects (%d) links with a doubled slash or something behind them, which mail clients do not follow: let it pass paths on as they come", base, resp.StatusCode), "")
	case resp.StatusCode != http.StatusOK || resp.Header.Get("X-Robots-Tag") == "":
		c.add(findFail, "proxy", fmt.Sprintf("a proxy in front of %s answers %d to a valid link with a doubled slash and something behind it: let it pass paths on as they come, in their case, and decide nothing by them", base, resp.StatusCode), "")
	default:
		c.add(findOK, "proxy", "links arrive as they are sent", "")
	}
}

// trialLink is a link that opens the page of nobody, as mail programs send it.
// Opening one changes nothing.
func (c *checker) trialLink(base string) (string, error) {
	if err := c.settings.needTokenKeys(); err != nil {
		return "", err
	}
	ring, _, err := c.settings.tokenKeys()
	if err != nil {
		return "", err
	}
	token, err := ring.Seal(listunsub.Claims{
		List: "check.invalid", Recipient: "check@offramp.invalid", Issued: c.app.now(), Purpose: listunsub.BodyLink})
	return base + "//p/" + token + "%2F%E3%80%82%20and%20more;x=1", err
}

func redirects(resp *http.Response) bool { return resp.StatusCode >= 300 && resp.StatusCode < 400 }

// askPage sends one request to the page, and returns the answer without its body.
func askPage(ctx context.Context, method, target string) (*http.Response, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("List-Unsubscribe=One-Click")
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}
