package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"offramp/gateway/access"
	"offramp/gateway/callout"
	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/database"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/gateway/history"
	"offramp/gateway/hook"
	"offramp/gateway/jobs"
	"offramp/gateway/nexthop"
	"offramp/gateway/outbox"
	"offramp/gateway/policy"
	"offramp/gateway/program"
	"offramp/gateway/queue"
	"offramp/gateway/relay"
	"offramp/gateway/render"
	"offramp/gateway/smtpd"
	"offramp/gateway/web"
	"offramp/listunsub"
)

// Config holds the settings of the process and of every room.
type Config struct {
	PublicURL string   `env:"PUBLIC_URL" topic:"Addresses and listeners" doc:"https address under which recipients reach OFFRAMP_HTTP_ADDR; part of every link; required by serve"`
	Hostname  string   `env:"HOSTNAME" doc:"name in greeting, EHLO and Received; empty: the machine's name"`
	SMTPAddr  []string `env:"SMTP_ADDR" envDefault:":2525" doc:"listeners for mail, relay and feedback, with STARTTLS when there is a certificate; comma separated"`
	SMTPSAddr []string `env:"SMTPS_ADDR" doc:"listeners for mail with implicit TLS (RFC 8314), comma separated; empty: none"`
	HTTPAddr  string   `env:"HTTP_ADDR" envDefault:":8080" doc:"listener for recipients' pages and one-click requests; https with a certificate or ACME"`
	AdminAddr string   `env:"ADMIN_ADDR" envDefault:"127.0.0.1:8081" doc:"listener for the API, /metrics, /livez and /readyz"`

	FeedbackDomain string `env:"FEEDBACK_DOMAIN" doc:"domain of opt-out and bounce addresses, with its MX on this server; empty: the host of OFFRAMP_PUBLIC_URL"`

	SMTPUsers string `env:"SMTP_USERS" reload:"yes" secret:"true" doc:"logins that may relay, made by offramp keygen smtp-user, one per line or separated by commas"`

	NextHop nexthop.Config `topic:"Next hop and delivery"`
	Render  render.Config
	Queue   queue.Config
	Relay   relay.Config   `topic:"Accepting mail"`
	SMTP    smtpd.Config   `topic:"SMTP server"`
	Policy  policy.Config  `topic:"Postfix policy service"`
	Consent consent.Config `topic:"Suppression and retention"`
	History history.Config
	Clock   clock.Config
	Returns feedback.Config `topic:"Bounces, complaints and replies"`
	Hooks   hook.Config     `topic:"Webhooks of email providers"`
	Callout callout.Config  `topic:"Webhooks to your systems"`
	Outbox  outbox.Config
	Exec    program.Config `topic:"A program or database of yours that gets the events"`
	SQL     database.Config
	Web     web.Config    `topic:"Recipients' page"`
	Admin   access.Config `topic:"API and metrics"`
	Import  jobs.Config
}

// Validate returns every error in the settings, one line each, each naming its
// variable and the remedy.
func (c Config) Validate() error {
	faults := []error{c.checkPublicURL(), c.checkDomains(), c.checkListeners(), c.checkAdmin(), c.checkRelaying(), c.checkCircle()}
	if _, err := smtpd.ParseLogins(c.SMTPUsers); err != nil {
		faults = append(faults, loginFault(err))
	}
	for _, room := range []interface{ Validate() error }{
		c.SMTP, c.Relay, c.NextHop, c.Render, c.Queue, c.Policy, c.Consent, c.History, c.Clock, c.Returns, c.Hooks,
		c.Callout, c.Outbox, c.Exec, c.SQL, c.Web, c.Admin, c.Import,
	} {
		faults = append(faults, room.Validate())
	}
	return errors.Join(faults...)
}

// Feedback is the domain of opt-out and bounce addresses, as an A-label in
// lower case.
func (c Config) Feedback() string {
	domain := c.FeedbackDomain
	if domain == "" {
		if u, err := url.Parse(c.PublicURL); err == nil {
			domain = u.Hostname()
		}
	}
	if address, err := envelope.Parse("postmaster@" + domain); err == nil {
		return address.Domain()
	}
	return domain
}

// publicHost is the host of the public URL.
func (c Config) publicHost() string {
	if u, err := url.Parse(c.PublicURL); err == nil {
		return u.Hostname()
	}
	return ""
}

// path is the path of the public URL, without a slash at its end.
func (c Config) path() string {
	if u, err := url.Parse(c.PublicURL); err == nil {
		return strings.TrimRight(u.Path, "/")
	}
	return ""
}

// BouncesComeBack says whether list mail leaves with our reverse-path.
// Without a domain of their own bounce addresses are not to be expected: the
// host of the public URL often has no MX and no SPF record.
func (c Config) BouncesComeBack() bool {
	return c.Returns.ReturnPath == feedback.VERP || c.Returns.ReturnPath == "" && c.FeedbackDomain != ""
}

// waysBack says what list mail is given to bring back what happens to it.
func (c Config) waysBack() render.Feedback {
	r := c.Returns
	return render.Feedback{Bounces: c.BouncesComeBack(), PassOn: r.PassOn, Complaints: r.CFBL, SenderID: r.SenderID}
}

// operatorMailbox is the sender of mail to recipients.
func (c Config) operatorMailbox() (envelope.Address, error) {
	address := cmp.Or(c.Web.OperatorEmail, "postmaster@"+c.Feedback())
	from, err := envelope.Parse(address)
	if err != nil {
		return envelope.Address{}, fmt.Errorf("OFFRAMP_OPERATOR_EMAIL: invalid mail address %q: write one such as privacy@example.org", address)
	}
	return from, nil
}

func (c Config) checkPublicURL() error {
	if c.PublicURL == "" {
		return errors.New("OFFRAMP_PUBLIC_URL: is not set: give the https address recipients reach this server at, e.g. https://offramp.example.org")
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("OFFRAMP_PUBLIC_URL: invalid URL %q: write one such as https://offramp.example.org", c.PublicURL)
	case u.Scheme != "https":
		return fmt.Errorf("OFFRAMP_PUBLIC_URL: %q must begin with https: mail clients use one-click over https only (RFC 8058 section 3.1)", c.PublicURL)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("OFFRAMP_PUBLIC_URL: %q must be scheme, host and perhaps a path, without ?, # and user name", c.PublicURL)
	case len(c.PublicURL) > 100:
		return errors.New("OFFRAMP_PUBLIC_URL: is longer than 100 characters: links would be too long for mail clients")
	}
	for _, r := range c.PublicURL {
		if r > '~' || r <= ' ' {
			return fmt.Errorf("OFFRAMP_PUBLIC_URL: %q must be in US-ASCII: write an international name in its xn-- form", c.PublicURL)
		}
	}
	// What cannot stand in the header would hold up every message, and clients
	// clean paths before they ask.
	_, noURI := listunsub.Compose(c.PublicURL)
	_, noPort := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16)
	trimmed := strings.TrimRight(u.Path, "/")
	if noURI != nil || noPort != nil || !isHost(u.Hostname()) || trimmed != "" && path.Clean(trimmed) != trimmed {
		return fmt.Errorf("OFFRAMP_PUBLIC_URL: %q contains characters that a link cannot have: write one such as https://offramp.example.org", c.PublicURL)
	}
	return nil
}

// isHost says whether host is a domain name or an IP address.
func isHost(host string) bool {
	_, notIP := netip.ParseAddr(host)
	_, noName := envelope.Parse("x@" + host)
	return notIP == nil || noName == nil
}

// isIP says whether a URL has an IP address for a host.
func isIP(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil
}

// OnLoopback says whether a URL leads to this machine only.
func OnLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLoopback(u.Hostname())
}

// isGreeting says whether name can stand in EHLO and Received: an address
// literal, or a domain in US-ASCII. It may be a number alone, which machines
// are called that someone else named.
func isGreeting(name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
		return false
	}
	_, noLiteral := envelope.Parse("x@" + name)
	_, noName := envelope.Parse("x@" + name + ".invalid")
	return noLiteral == nil || noName == nil
}

func (c Config) checkDomains() error {
	var faults []error
	if c.FeedbackDomain != "" {
		if a, err := envelope.Parse("postmaster@" + c.FeedbackDomain); err != nil || strings.HasPrefix(a.Domain(), "[") {
			faults = append(faults, fmt.Errorf("OFFRAMP_FEEDBACK_DOMAIN: invalid domain name %q: write one such as bounce.example.org", c.FeedbackDomain))
		}
	}
	if c.FeedbackDomain == "" && isIP(c.PublicURL) {
		faults = append(faults, errors.New("OFFRAMP_FEEDBACK_DOMAIN: is not set, and OFFRAMP_PUBLIC_URL has an IP address as its host: write a domain such as bounce.example.org"))
	}
	if a, err := envelope.Parse(c.Relay.Postmaster); err == nil && a.Domain() == c.Feedback() {
		faults = append(faults, fmt.Errorf("OFFRAMP_POSTMASTER: %q is in the feedback domain, so its mail would come back here: name a mailbox elsewhere", c.Relay.Postmaster))
	}
	for _, one := range c.Returns.Addresses {
		if strings.EqualFold(one, c.Relay.Postmaster) {
			faults = append(faults, fmt.Errorf("OFFRAMP_FEEDBACK_ADDRESSES: %q is also OFFRAMP_POSTMASTER, so nobody would read its mail: remove it from one of them", one))
		}
	}
	if c.Hostname != "" && !isGreeting(c.Hostname) {
		faults = append(faults, fmt.Errorf("OFFRAMP_HOSTNAME: invalid host name %q: write one such as offramp.example.org", c.Hostname))
	}
	return errors.Join(faults...)
}

func (c Config) checkListeners() error {
	var faults []error
	check := func(name string, required bool, addrs ...string) {
		given := 0
		for _, addr := range addrs {
			if strings.TrimSpace(addr) == "" {
				continue
			}
			given++
			_, port, err := net.SplitHostPort(addr)
			n, portErr := strconv.ParseUint(port, 10, 16)
			if err != nil || portErr != nil || n > 65535 {
				faults = append(faults, fmt.Errorf("%s: invalid listen address %q: write host:port, or :port for all addresses", name, addr))
			}
		}
		if required && given == 0 {
			faults = append(faults, fmt.Errorf("%s: is empty: give a listen address such as :8080", name))
		}
	}
	check("OFFRAMP_SMTP_ADDR", len(c.SMTPSAddr) == 0, c.SMTPAddr...)
	check("OFFRAMP_SMTPS_ADDR", false, c.SMTPSAddr...)
	check("OFFRAMP_HTTP_ADDR", true, c.HTTPAddr)
	check("OFFRAMP_ADMIN_ADDR", true, c.AdminAddr)
	return errors.Join(faults...)
}

func (c Config) checkAdmin() error {
	if c.Admin.Token == "" && !listensOnLoopback(c.AdminAddr) {
		return fmt.Errorf("OFFRAMP_ADMIN_ADDR: %s can be reached from outside: set OFFRAMP_ADMIN_TOKEN, or listen on 127.0.0.1", c.AdminAddr)
	}
	return nil
}

// checkRelaying refuses a public listener that nobody may relay through.
func (c Config) checkRelaying() error {
	for _, network := range c.Relay.TrustedNetworks {
		if network != (relay.Network{}) {
			return nil
		}
	}
	for _, addr := range append(append([]string{}, c.SMTPAddr...), c.SMTPSAddr...) {
		if !listensOnLoopback(addr) && c.SMTPUsers == "" {
			return fmt.Errorf("OFFRAMP_TRUSTED_NETWORKS: names no network and OFFRAMP_SMTP_USERS no login, so nobody may send through the public listener %s: set one of them", addr)
		}
	}
	return nil
}

// checkCircle refuses a next hop that is a listener of our own.
func (c Config) checkCircle() error {
	usual := map[string]string{"smtp": "25", "smtp+starttls": "587", "smtps": "465", "lmtp": "24"}
	var faults []error
	for _, hop := range c.NextHop.Servers {
		u, err := url.Parse(strings.TrimSpace(hop))
		if err != nil || !isLoopback(u.Hostname()) {
			continue // the room says what is wrong with it
		}
		for _, addr := range append(append([]string{}, c.SMTPAddr...), c.SMTPSAddr...) {
			host, port, err := net.SplitHostPort(addr)
			ip, notIP := netip.ParseAddr(host)
			everywhere := host == "" || notIP == nil && ip.IsUnspecified()
			if err == nil && port == cmp.Or(u.Port(), usual[u.Scheme]) && (everywhere || host == u.Hostname()) {
				faults = append(faults, fmt.Errorf("OFFRAMP_NEXT_HOP: %s is this server's own listener %s, so mail would loop: name the server that takes mail from Offramp", u.Host, addr))
			}
		}
	}
	return errors.Join(faults...)
}

// loginFault names the variable. The error repeats nothing of the entry.
func loginFault(err error) error {
	return fmt.Errorf("OFFRAMP_SMTP_USERS: %w", err)
}

// listensOnLoopback says whether an address is reached from this machine only.
func listensOnLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
