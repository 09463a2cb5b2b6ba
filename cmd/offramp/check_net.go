package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// dns looks for the records of every signing domain.
func (c *checker) dns(ctx context.Context) {
	keys, err := c.settings.dkimKeys()
	if err != nil {
		return
	}
	done := map[string]bool{}
	for _, k := range keys.All() {
		if done[k.Domain] {
			continue
		}
		done[k.Domain] = true
		all, err := zoneFor(k.Domain, c.settings, keys.All()).records()
		if err != nil {
			c.add(findFail, "DNS", err.Error(), "")
			continue
		}
		for _, r := range checkRecords(ctx, c.app.resolver, all) {
			name := r.Type + " " + r.Name
			switch {
			case r.Type == "CAA" || r.Type == "PTR" || done[name]:
			case r.State == stateOK:
				c.add(findOK, "DNS", name, "")
			case r.State == stateUnknown:
				c.add(findWarn, "DNS", name+": "+r.Note, "")
			case r.Need == must:
				c.add(findFail, "DNS", name+" is "+stateText(r), c.app.command("dns "+k.Domain))
			default:
				c.add(findWarn, "DNS", name+" is "+stateText(r), c.app.command("dns "+k.Domain))
			}
			done[name] = true
		}
	}
}

func stateText(r record) string {
	switch {
	case r.State == stateMissing:
		return "not published"
	case len(r.Have) > 1 && r.kind != "":
		return fmt.Sprintf("there %d times, which is a permanent error: keep one", len(r.Have))
	}
	return "not what it must be"
}

// nextHop greets every next hop, and sends nothing.
func (c *checker) nextHop(ctx context.Context) {
	for _, text := range c.settings.Gateway.NextHop.Servers {
		if text == "mx" {
			c.add(findOK, "next hop", "mail goes to each domain's own servers (mx)", "")
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue // already reported with the settings
		}
		if err := greet(ctx, u, c.settings.Gateway.Hostname); err != nil {
			c.add(findFail, "next hop", fmt.Sprintf("%s: %v. See that it runs and takes mail from this machine, or change OFFRAMP_NEXT_HOP", u.Redacted(), err), "")
			continue
		}
		c.add(findOK, "next hop", u.Redacted()+" answers", "")
	}
}

// greet connects, says EHLO and QUIT.
func greet(ctx context.Context, u *url.URL, hostname string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = map[string]string{"smtps": "465", "smtp+starttls": "587", "lmtp": "24"}[u.Scheme]
		if port == "" {
			port = "25"
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if u.Scheme == "smtps" {
		secured := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = secured
	}
	return converse(textproto.NewConn(conn), u.Scheme, hostname)
}

func converse(text *textproto.Conn, scheme, hostname string) error {
	if _, _, err := text.ReadResponse(220); err != nil {
		return err
	}
	hello := "EHLO"
	if scheme == "lmtp" {
		hello = "LHLO"
	}
	if err := text.PrintfLine("%s %s", hello, hostname); err != nil {
		return err
	}
	_, offered, err := text.ReadResponse(250)
	if err != nil {
		return err
	}
	if scheme == "smtp+starttls" && !strings.Contains(strings.ToUpper(offered), "STARTTLS") {
		return errors.New("it does not offer STARTTLS, which the setting asks for")
	}
	return text.PrintfLine("QUIT")
}

// publicURL asks for a link that is not one: Offramp's own 404 proves that the
// address leads here, without a redirect on the way (RFC 8058 section 3.1).
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/u/check", bytes.NewReader([]byte("List-Unsubscribe=One-Click")))
	if err != nil {
		return // already reported with the settings
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		c.add(findWarn, "public URL", fmt.Sprintf("%s is not reachable from this machine: %v. Try it from outside, and expect 404 with X-Robots-Tag", base, errors.Unwrap(err)),
			"curl -i -d List-Unsubscribe=One-Click "+shellQuote(base+"/u/check"))
		return
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		c.add(findFail, "public URL", fmt.Sprintf("%s answers with a redirect (%d), which mail clients do not follow: let OFFRAMP_PUBLIC_URL name the address that answers itself", base, resp.StatusCode), "")
	case resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Robots-Tag") == "":
		c.add(findFail, "public URL", fmt.Sprintf("%s answers %d, and not as Offramp does: it leads elsewhere. Send /u/ and /p/ of that host to OFFRAMP_HTTP_ADDR", base, resp.StatusCode), "")
	default:
		c.add(findOK, "public URL", base+" leads here", "")
	}
}
