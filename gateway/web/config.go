package web

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Config holds the settings of the recipients' listener.
type Config struct {
	TrustedProxies   []string `env:"TRUSTED_PROXIES" doc:"addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, comma separated"`
	SecurityContact  string   `env:"SECURITY_CONTACT" doc:"where to report security problems, as mailto: or https: URL; served at /.well-known/security.txt (RFC 9116)"`
	InvalidPerMinute int      `env:"INVALID_TOKENS_PER_MINUTE" envDefault:"60" doc:"requests with a wrong link that one client network may send in a minute before it is answered 429; valid links are never limited; 0: no limit"`
}

// Validate returns every fault of the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	if _, err := parseProxies(c.TrustedProxies); err != nil {
		faults = append(faults, err)
	}
	if c.SecurityContact != "" {
		u, err := url.Parse(c.SecurityContact)
		// RFC 9116 section 2.5.3: a URI, and https where it is a web page.
		if err != nil || strings.ContainsAny(c.SecurityContact, "\r\n ") ||
			(u.Scheme != "mailto" && u.Scheme != "https" && u.Scheme != "tel") {
			faults = append(faults, fmt.Errorf("OFFRAMP_SECURITY_CONTACT: %q is no contact: give a mailto:, https: or tel: URL", c.SecurityContact))
		}
	}
	if c.InvalidPerMinute < 0 {
		faults = append(faults, fmt.Errorf("OFFRAMP_INVALID_TOKENS_PER_MINUTE: %d is negative: give 0 for no limit, or a number of requests", c.InvalidPerMinute))
	}
	return errors.Join(faults...)
}

func parseProxies(texts []string) (proxies, error) {
	var prefixes proxies
	var faults []error
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, errAddr := netip.ParseAddr(text)
			if errAddr != nil || a.Zone() != "" {
				faults = append(faults, fmt.Errorf("OFFRAMP_TRUSTED_PROXIES: %q is no address or network: write for example 10.0.0.5 or 10.0.0.0/8", text))
				continue
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, errors.Join(faults...)
}
