package nexthop

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// security is how a connection to a hop is protected.
type security int

const (
	opportunistic security = iota // STARTTLS when offered, certificate not verified (RFC 7435)
	startTLS                      // STARTTLS demanded, certificate verified
	implicitTLS                   // TLS from the first byte (RFC 8314), certificate verified
)

// hop is one server that mail is handed to.
type hop struct {
	host     string // name or address, without brackets
	port     string
	lmtp     bool
	security security
	user     string
	password string
	profile  *Profile
	helo     bool // greeted with HELO: it leaves after EHLO
}

// address is what to dial, and the name of the hop in logs and statuses.
func (h hop) address() string { return net.JoinHostPort(h.host, h.port) }

// verify says whether the certificate must be right.
func (h hop) verify() bool { return h.security == startTLS || h.security == implicitTLS }

// needsEHLO says whether nothing can be done without extensions.
func (h hop) needsEHLO() bool { return h.lmtp || h.security == startTLS || h.user != "" }

// servers is the parsed setting: either hops or direct delivery.
type servers struct {
	direct  bool
	hops    []hop
	profile *Profile // of mail exchangers
}

// direct is the value of the setting that means delivery to mail exchangers.
const direct = "mx"

// parseServers reads OFFRAMP_NEXT_HOP. The error names every bad entry by its
// place, never by its text, which may hold a password.
func parseServers(values []string) (servers, error) {
	var all servers
	var errs []error
	for i, v := range values {
		v = strings.TrimSpace(v)
		if v == "" {
			continue
		}
		if strings.EqualFold(v, direct) {
			all.direct = true
			continue
		}
		h, err := parseHop(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("OFFRAMP_NEXT_HOP, entry %d: %w", i+1, err))
			continue
		}
		all.hops = append(all.hops, h)
	}
	switch {
	case len(errs) > 0:
	case all.direct && len(all.hops) > 0:
		errs = append(errs, errors.New("OFFRAMP_NEXT_HOP names both mx and a host: use one or the other"))
	case !all.direct && len(all.hops) == 0:
		errs = append(errs, ErrNoNextHop)
	case slices.ContainsFunc(all.hops, func(h hop) bool { return h.lmtp != all.hops[0].lmtp }):
		errs = append(errs, errors.New("OFFRAMP_NEXT_HOP mixes lmtp:// with other schemes: use one or the other"))
	}
	return all, errors.Join(errs...)
}

func parseHop(value string) (hop, error) {
	if !strings.Contains(value, "://") {
		return hop{}, errors.New("no scheme: write smtp://host:25, smtp+starttls://user:password@host:587, smtps://host:465, lmtp://host:24 or mx")
	}
	u, err := url.Parse(value)
	if err != nil {
		// url.Error repeats its input.
		return hop{}, errors.New("not a URL: percent-encode special characters of user and password")
	}
	h := hop{host: u.Hostname(), port: u.Port()}
	defaultPort := ""
	switch strings.ToLower(u.Scheme) {
	case "smtp":
		defaultPort = "25"
	case "smtp+starttls":
		h.security, defaultPort = startTLS, "587"
	case "smtps":
		h.security, defaultPort = implicitTLS, "465"
	case "lmtp":
		h.lmtp, defaultPort = true, "24"
	default:
		return hop{}, fmt.Errorf("scheme %q is unknown: use smtp, smtp+starttls, smtps or lmtp", u.Scheme)
	}
	if h.port == "" {
		h.port = defaultPort
	}
	if n, err := strconv.ParseUint(h.port, 10, 16); err != nil || n == 0 {
		return hop{}, errors.New("the port is not a number from 1 to 65535")
	}
	if !hostName(h.host) {
		return hop{}, errors.New("the host is missing or not a host name")
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return hop{}, errors.New("nothing may follow host and port")
	}
	if u.User != nil {
		h.user = u.User.Username()
		h.password, _ = u.User.Password()
		if h.user == "" || h.password == "" {
			return hop{}, errors.New("credentials need both a user and a password")
		}
		if h.security == opportunistic && !loopback(h.host) {
			return hop{}, errors.New("a password would travel unprotected: use smtp+starttls:// or smtps://")
		}
	}
	return h, nil
}

// hostName says whether s is an address or may be a host name.
func hostName(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c > '~' || c <= ' ' || strings.IndexByte(`"<>@\/:;,()[]%`, c) >= 0 {
			return false
		}
	}
	return true
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// loadCA reads the authorities of a PEM file.
func loadCA(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_NEXT_HOP_TLS_CA cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("OFFRAMP_NEXT_HOP_TLS_CA: %s contains no certificate in PEM format", path)
	}
	return pool, nil
}
