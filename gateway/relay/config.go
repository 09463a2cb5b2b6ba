package relay

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/stream"
)

// Values of the settings that are words.
const (
	SignAll          = "all"
	SignList         = "list"
	SuppressedDrop   = "drop"
	SuppressedReject = "reject"
	BareFix          = "fix"
	bareMend         = "mend" // how older settings write fix
	BareReject       = "reject"
)

// Config holds the settings of acceptance. A zero number stands for its
// default, an empty word for the first of its values.
type Config struct {
	MaxMessageSize  envelope.Octets   `env:"MAX_MESSAGE_SIZE" envDefault:"50MiB" doc:"largest message accepted, header and body"`
	MaxHeaderSize   envelope.Octets   `env:"MAX_HEADER_SIZE" envDefault:"256KiB" doc:"largest header accepted"`
	MaxFieldSize    envelope.Octets   `env:"MAX_FIELD_SIZE" envDefault:"64KiB" doc:"largest single header field accepted"`
	MaxFields       int               `env:"MAX_FIELDS" envDefault:"1000" doc:"header fields accepted in one message"`
	MaxRecipients   int               `env:"MAX_RECIPIENTS" envDefault:"1000" doc:"recipients accepted in one transaction; further ones get 452 4.5.3 and are sent in another one"`
	MaxReceived     int               `env:"MAX_RECEIVED" envDefault:"50" doc:"Received fields accepted; a message with more is in a loop"`
	DefaultStream   string            `env:"DEFAULT_STREAM" doc:"what mail without any mark of a list is: auto and transactional relay it as transactional mail, list makes it mail of its From domain's list; empty: auto, but list for data of a release without this setting"`
	StreamRules     string            `env:"STREAM_RULES" reload:"yes" doc:"file of rules that say which mail is list mail or transactional, for applications that cannot set a field"`
	Sign            string            `env:"SIGN" envDefault:"all" doc:"which mail with a DKIM key for its From domain is signed: all, or list mail only; mail that has an aligned signature already gets none, unless it is list mail"`
	Suppressed      string            `env:"SUPPRESSED" envDefault:"drop" doc:"when every recipient opted out: drop (accept and record) or reject (550 5.7.1)"`
	BareNewline     string            `env:"BARE_NEWLINE" envDefault:"fix" doc:"what to do with a bare CR or LF: fix or reject (550 5.6.11)"`
	TrustedNetworks []Network         `env:"TRUSTED_NETWORKS" reload:"yes" envDefault:"127.0.0.0/8,::1/128" doc:"networks or addresses that may relay without AUTH; none: nobody"`
	LoginLists      map[string]string `env:"LOGIN_LISTS" reload:"yes" doc:"what a login's mail without any mark of a list is, as login:list or login:transactional, comma separated"`
	Postmaster      string            `env:"POSTMASTER" doc:"address that gets mail to postmaster at the feedback domain; empty: it is held in the queue"`
}

// Network is an address prefix of a setting; the word none and the zero value
// hold no address.
type Network struct{ prefix netip.Prefix }

// UnmarshalText reads a prefix such as 192.0.2.0/24, a single address, or none.
func (n *Network) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	if s == "none" {
		*n = Network{}
		return nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		*n = Network{netip.PrefixFrom(a, a.BitLen())}
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("invalid network %q: write one such as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7", s)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	*n = Network{p.Masked()}
	return nil
}

// String returns the prefix, or none.
func (n Network) String() string {
	if !n.prefix.IsValid() {
		return "none"
	}
	return n.prefix.String()
}

// MarshalText makes settings print as they are read.
func (n Network) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// Contains says whether a lies in the network. An IPv4 address mapped into
// IPv6 counts as the IPv4 address.
func (n Network) Contains(a netip.Addr) bool {
	return n.prefix.IsValid() && n.prefix.Contains(a.Unmap().WithZone(""))
}

// Validate returns every fault of the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("OFFRAMP_"+format, args...))
	}
	c.checkLimits(fault)
	word := func(name, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			fault("%s is %q: use %s", name, value, strings.Join(allowed, " or "))
		}
	}
	word("DEFAULT_STREAM", c.DefaultStream, stream.Auto, stream.List, stream.Transactional)
	word("SIGN", c.Sign, SignAll, SignList)
	word("SUPPRESSED", c.Suppressed, SuppressedDrop, SuppressedReject)
	word("BARE_NEWLINE", c.BareNewline, BareFix, BareReject, bareMend)
	for _, n := range c.TrustedNetworks {
		if n.prefix.IsValid() && n.prefix.Bits() == 0 {
			fault("TRUSTED_NETWORKS holds %s, which makes an open relay: name the networks of your own servers", n)
		}
	}
	for _, login := range slices.Sorted(maps.Keys(c.LoginLists)) {
		if login == "" || strings.TrimSpace(c.LoginLists[login]) == "" {
			fault("LOGIN_LISTS has an entry without a login or a list: write login:list")
		}
	}
	if _, err := c.rules(); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fault("STREAM_RULES: %s", line)
		}
	}
	if c.Postmaster != "" {
		if _, err := envelope.Parse(c.Postmaster); err != nil {
			fault("POSTMASTER is not a valid mail address: %w", err)
		}
	}
	return errors.Join(faults...)
}

// NewClassifier returns what decides about mail by these settings. signs says
// whether mail from a domain is signed here. The error has a line for each rule
// that cannot be read.
func (c Config) NewClassifier(signs func(domain string) bool) (*stream.Classifier, error) {
	rules, err := c.rules()
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_STREAM_RULES: %w", err)
	}
	return &stream.Classifier{Default: c.DefaultStream, Rules: rules, LoginLists: c.LoginLists, Signs: signs}, nil
}

func (c Config) rules() (stream.Rules, error) {
	if c.StreamRules == "" {
		return stream.Rules{}, nil
	}
	in, err := os.Open(c.StreamRules)
	if err != nil {
		return stream.Rules{}, err
	}
	defer in.Close()
	rules, err := stream.ParseRules(in)
	if err == nil {
		return rules, nil
	}
	var lines []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, fmt.Errorf("%s: %s", c.StreamRules, line))
	}
	return stream.Rules{}, errors.Join(lines...)
}

func (c Config) checkLimits(fault func(string, ...any)) {
	if c.MaxMessageSize != 0 && (c.MaxMessageSize < 64<<10 || c.MaxMessageSize > 2<<30) {
		fault("MAX_MESSAGE_SIZE is %s: use a size from 64KiB to 2GiB", c.MaxMessageSize)
	}
	if c.MaxHeaderSize != 0 && (c.MaxHeaderSize < 4<<10 || c.MaxHeaderSize > 16<<20) {
		fault("MAX_HEADER_SIZE is %s: use a size from 4KiB to 16MiB", c.MaxHeaderSize)
	}
	if c.MaxFieldSize != 0 && (c.MaxFieldSize < 1<<10 || c.MaxFieldSize > 16<<20) {
		fault("MAX_FIELD_SIZE is %s: use a size from 1KiB to 16MiB", c.MaxFieldSize)
	}
	for _, n := range []struct {
		name            string
		value, min, max int
	}{
		{"MAX_FIELDS", c.MaxFields, 50, 100000},
		{"MAX_RECIPIENTS", c.MaxRecipients, 100, 100000}, // RFC 5321 section 4.5.3.1.8 asks for 100
		{"MAX_RECEIVED", c.MaxReceived, 5, 1000},
	} {
		if n.value != 0 && (n.value < n.min || n.value > n.max) {
			fault("%s is %d: use a number from %d to %d", n.name, n.value, n.min, n.max)
		}
	}
}

// WithDefaults returns c with every zero number replaced by its default.
func (c Config) WithDefaults() Config {
	size := func(o *envelope.Octets, value envelope.Octets) {
		if *o == 0 {
			*o = value
		}
	}
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	size(&c.MaxMessageSize, 50<<20)
	size(&c.MaxHeaderSize, 256<<10)
	size(&c.MaxFieldSize, 64<<10)
	number(&c.MaxFields, 1000)
	number(&c.MaxRecipients, 1000)
	number(&c.MaxReceived, 50)
	return c
}
