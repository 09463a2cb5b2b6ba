package callout

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Targets are the origins that may be called although they are at a private
// address or without TLS. The zero Targets are none.
type Targets struct{ all []target }

// target is an origin, or those of all hosts below a domain.
type target struct {
	scheme string
	host   string // in lower case, without a full stop at its end
	port   string // empty: every port
	below  bool
}

// ParseTargets reads "https://crm.internal:8443", and "*.example.net" for the hosts
// below a domain. Without a scheme it is https, on every port if it names none.
func ParseTargets(texts []string) (Targets, error) {
	var t Targets
	for _, text := range texts {
		one, err := parseTarget(text)
		if err != nil {
			return Targets{}, err
		}
		t.all = append(t.all, one)
	}
	return t, nil
}

func parseTarget(text string) (target, error) {
	scheme, rest, named := strings.Cut(text, "://")
	if !named {
		scheme, rest = "https", text
	}
	below := strings.HasPrefix(rest, "*.")
	rest = strings.TrimPrefix(rest, "*.")
	// What a URL may have besides scheme, host and port is not part of an origin.
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return target{}, errors.New("is not an origin")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return target{}, errors.New("has another scheme than https or http")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return target{}, errors.New("has more than scheme, host and port")
	}
	if below && (isAddress(u.Hostname()) || !strings.Contains(u.Hostname(), ".")) {
		return target{}, errors.New("names a whole top-level domain or addresses")
	}
	one := target{scheme: u.Scheme, host: plainHost(u.Hostname()), port: u.Port(), below: below}
	if one.port == "" && named {
		one.port = port(u)
	}
	if n, err := strconv.ParseUint(one.port, 10, 16); one.port != "" && (err != nil || n == 0) {
		return target{}, errors.New("has no valid port")
	}
	return one, nil
}

// Has says whether the origin of a URL is one of them.
func (t Targets) Has(u *url.URL) bool {
	host := plainHost(u.Hostname())
	return slices.ContainsFunc(t.all, func(one target) bool {
		if one.scheme != u.Scheme || one.port != "" && one.port != port(u) {
			return false
		}
		return one.host == host && !one.below || one.below && strings.HasSuffix(host, "."+one.host)
	})
}

// port is that of a URL, named or not.
func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// plainHost is one spelling of a host. An address has one, too: ::ffff:10.0.0.5 is
// 10.0.0.5.
func plainHost(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
