package web

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
)

// Config holds the settings of the recipients' listener and its pages. The
// limits of connections have their defaults where they are zero.
type Config struct {
	TrustedProxies   []string `env:"TRUSTED_PROXIES" doc:"addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, comma separated"`
	MaxConnections   int      `env:"HTTP_MAX_CONNECTIONS" envDefault:"4096" doc:"HTTP connections in total; one more is closed at once"`
	ConnectionsPerIP int      `env:"HTTP_CONNECTIONS_PER_IP" envDefault:"256" doc:"HTTP connections of one client address (IPv6: one /64; of a /56 twice and of a /48 four times as many); those of OFFRAMP_TRUSTED_PROXIES are limited in total only"`
	SecurityContact  string   `env:"SECURITY_CONTACT" doc:"where to report security problems, as mailto: or https: URL; served at /.well-known/security.txt (RFC 9116)"`
	InvalidPerMinute int      `env:"INVALID_TOKENS_PER_MINUTE" envDefault:"60" doc:"requests with an invalid link per minute from one client network, then 429; valid links are never limited; 0: no limit"`

	OperatorName    string `env:"OPERATOR_NAME" doc:"name of the sender as recipients know it, for the page and mail that asks for confirmation; empty: the host of OFFRAMP_PUBLIC_URL"`
	OperatorAddress string `env:"OPERATOR_ADDRESS" doc:"postal address of the operator for the foot of the page, in one line"`
	OperatorEmail   string `env:"OPERATOR_EMAIL" doc:"mail address of the operator, for questions and as sender of mail that asks for confirmation; empty: none on the page, and postmaster at the feedback domain"`
	PrivacyURL      string `env:"PRIVACY_URL" doc:"https address of the operator's privacy notice, linked on the page"`
	ComplaintURL    string `env:"COMPLAINT_URL" doc:"where people can complain to the operator about what is done with their data, as https: or mailto: URL, linked on the page (United Kingdom: Data Protection Act 2018, section 164A)"`

	PageDir        string `env:"PAGE_DIR" doc:"folder with templates (*.html, style.css) and texts (texts/de.json and so on) that override those of the page"`
	PageAccent     string `env:"PAGE_ACCENT" doc:"colour of buttons and links on the page, as #rrggbb"`
	PageAccentDark string `env:"PAGE_ACCENT_DARK" doc:"that colour in dark mode, as #rrggbb"`
	PageLogo       string `env:"PAGE_LOGO" doc:"file with a logo for the page: SVG, PNG, JPEG or WebP of at most 256 KiB"`
	PageLanguage   string `env:"PAGE_LANGUAGE" envDefault:"en" doc:"language of the page when neither the browser nor the list asks for one of these: en zh de fr es pt it nl pl ja ar"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	_, faulty := parseProxies(c.TrustedProxies)
	faults := []error{faulty, c.checkConnections()}
	if c.SecurityContact != "" {
		u, err := url.Parse(c.SecurityContact)
		// RFC 9116 section 2.5.3: a URI, and https where it is a web page.
		if err != nil || strings.ContainsAny(c.SecurityContact, "\r\n ") ||
			(u.Scheme != "mailto" && u.Scheme != "https" && u.Scheme != "tel") {
			faults = append(faults, fmt.Errorf("OFFRAMP_SECURITY_CONTACT: invalid contact %q: give a mailto:, https: or tel: URL", c.SecurityContact))
		}
	}
	if c.InvalidPerMinute < 0 {
		faults = append(faults, fmt.Errorf("OFFRAMP_INVALID_TOKENS_PER_MINUTE: %d is negative: give 0 for no limit, or a number of requests", c.InvalidPerMinute))
	}
	if c.OperatorEmail != "" {
		if a, err := mail.ParseAddress(c.OperatorEmail); err != nil || a.Address != c.OperatorEmail {
			faults = append(faults, fmt.Errorf("OFFRAMP_OPERATOR_EMAIL: invalid mail address %q: write one such as privacy@example.org", c.OperatorEmail))
		}
	}
	if c.PrivacyURL != "" {
		if u, err := url.Parse(c.PrivacyURL); err != nil || u.Scheme != "https" || u.Host == "" {
			faults = append(faults, fmt.Errorf("OFFRAMP_PRIVACY_URL: invalid https URL %q: write one such as https://example.org/privacy", c.PrivacyURL))
		}
	}
	if c.ComplaintURL != "" {
		if u, err := url.Parse(c.ComplaintURL); err != nil || !(u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")) {
			faults = append(faults, fmt.Errorf("OFFRAMP_COMPLAINT_URL: invalid URL %q: write one such as https://example.org/complaints or mailto:privacy@example.org", c.ComplaintURL))
		}
	}
	return errors.Join(append(faults, c.checkColours())...)
}

func (c Config) checkConnections() error {
	var faults []error
	for _, n := range []struct {
		name  string
		value int
	}{
		{"OFFRAMP_HTTP_MAX_CONNECTIONS", c.MaxConnections}, {"OFFRAMP_HTTP_CONNECTIONS_PER_IP", c.ConnectionsPerIP},
	} {
		if n.value < 0 || n.value > mostConnections {
			faults = append(faults, fmt.Errorf("%s is %d: use a number from 1 to %d", n.name, n.value, mostConnections))
		}
	}
	if full := c.WithDefaults(); full.ConnectionsPerIP > full.MaxConnections {
		faults = append(faults, fmt.Errorf("OFFRAMP_HTTP_CONNECTIONS_PER_IP (%d) is over OFFRAMP_HTTP_MAX_CONNECTIONS (%d): lower it",
			full.ConnectionsPerIP, full.MaxConnections))
	}
	return errors.Join(faults...)
}

// WithDefaults fills in the limits of connections that are zero.
func (c Config) WithDefaults() Config {
	if c.MaxConnections == 0 {
		c.MaxConnections = 4096
	}
	if c.ConnectionsPerIP == 0 {
		c.ConnectionsPerIP = 256
	}
	return c
}

func (c Config) checkColours() error {
	var faults []error
	for _, setting := range []struct{ name, value, ground string }{
		{"OFFRAMP_PAGE_ACCENT", c.PageAccent, groundLight},
		{"OFFRAMP_PAGE_ACCENT_DARK", c.PageAccentDark, groundDark},
	} {
		if setting.value == "" {
			continue
		}
		accent, err := parseColour(setting.value)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: invalid colour %q: write one such as #14539a", setting.name, setting.value))
			continue
		}
		ground, _ := parseColour(setting.ground)
		if ratio := accent.contrast(ground); ratio < leastContrast {
			faults = append(faults, fmt.Errorf("%s: %s is hard to read on %s, contrast is %.1f to 1: choose one with at least %.1f to 1 (WCAG 2.2, 1.4.3)",
				setting.name, setting.value, setting.ground, ratio, leastContrast))
		}
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
				faults = append(faults, fmt.Errorf("OFFRAMP_TRUSTED_PROXIES: invalid address or network %q: write for example 10.0.0.5 or 10.0.0.0/8", text))
				continue
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, errors.Join(faults...)
}
