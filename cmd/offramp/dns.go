package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
)

// resourceRecord is one DNS record the operator publishes.
type resourceRecord struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Value string   `json:"value,omitempty"`
	Note  string   `json:"note,omitempty"`
	Need  string   `json:"need"` // must, should
	Have  []string `json:"have,omitempty"`
	State string   `json:"state,omitempty"` // ok, missing, differs, unknown
	kind  string   // what a TXT record begins with, where a name may have others
}

// What the texts begin with that a name may have one of.
const (
	kindSPF   = "v=spf1"
	kindDMARC = "v=DMARC1"
)

// The weights of a record.
const (
	must   = "must"
	should = "should"
)

// zoneLine writes the record as a line of a zone file; a record whose value
// Offramp cannot know is a comment.
func (r resourceRecord) zoneLine() string {
	value := r.Value
	if value == "" {
		return fmt.Sprintf("; %s. IN %s: %s", r.Name, r.Type, r.Note)
	}
	if r.Type == "TXT" {
		value = quoteTXT(value)
	}
	return fmt.Sprintf("%s.\t3600\tIN\t%s\t%s", r.Name, r.Type, value)
}

// quoteTXT splits a text into strings of at most 255 bytes (RFC 1035 section
// 3.3.14); whoever reads the record joins them again (RFC 7208 section 3.3,
// RFC 6376 section 3.6.2.2).
func quoteTXT(value string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	if len(value) <= 255 {
		return `"` + escape.Replace(value) + `"`
	}
	var parts []string
	for len(value) > 0 {
		n := min(255, len(value))
		parts = append(parts, `"`+escape.Replace(value[:n])+`"`)
		value = value[n:]
	}
	return "( " + strings.Join(parts, " ") + " )"
}

// zone is what the records are made from.
type zone struct {
	domain   string // From domain of the newsletters
	hostname string // of this server, where mail to the feedback domain goes
	feedback string // domain of opt-out and bounce addresses
	webHost  string // host of the public URL
	// feedbackSPF is how much the feedback domain needs an SPF record.
	feedbackSPF string
	sends       sending // what SPF must name
	keys        []dkim.Key
	joined      bool // the host and its feedback domain are set up already
}

// zoneFor takes from the settings what is set and proposes the rest.
func zoneFor(domain string, s *settings, keys []dkim.Key) zone {
	z := zone{domain: domain, hostname: s.Gateway.Hostname, keys: keys}
	if u, err := url.Parse(s.Gateway.PublicURL); err == nil && u.Hostname() != "" {
		z.webHost = u.Hostname()
	} else {
		z.webHost = proposedHost(domain)
	}
	z.feedbackSPF = should
	if z.feedback = s.Gateway.FeedbackDomain; z.feedback == "" {
		z.feedback = z.webHost
	}
	if s.Gateway.BouncesComeBack() {
		z.feedbackSPF = must
	}
	if !strings.Contains(z.hostname, ".") {
		z.hostname = z.webHost
	}
	z.sends = sendingBy(s.Gateway.NextHop.Servers, z.hostname)
	return z
}

// proposedHost is the host init proposes for links and feedback.
func proposedHost(domain string) string { return "offramp." + domain }

// records lists what to publish.
func (z zone) records() ([]resourceRecord, error) {
	var all []resourceRecord
	for _, key := range z.keys {
		if key.Domain != z.domain && !strings.HasSuffix(z.domain, "."+key.Domain) {
			continue
		}
		value, err := key.Record()
		if err != nil {
			return nil, err
		}
		all = append(all, resourceRecord{
			Name: key.Selector + "._domainkey." + key.Domain, Type: "TXT", Value: value, Need: must,
			Note: "DKIM key: without it mailbox providers ignore the one-click header (RFC 8058 section 4)",
		})
	}
	if len(all) == 0 {
		all = append(all, resourceRecord{
			Name: "offramp._domainkey." + z.domain, Type: "TXT", Need: must,
			Note: "DKIM key: none is configured for this domain; make one with init",
		})
	}
	all = append(all, z.spf(z.domain, should), resourceRecord{
		Name: "_dmarc." + z.domain, Type: "TXT", Value: kindDMARC + "; p=none; rua=mailto:postmaster@" + z.domain, Need: should, kind: kindDMARC,
		Note: "DMARC starter: reports only; tighten p= when the reports are clean",
	})
	if z.joined {
		return all, nil
	}
	return append(all, z.host()...), nil
}

// spf is the SPF record of a domain that stands in reverse-paths.
func (z zone) spf(name, need string) resourceRecord {
	r := resourceRecord{Name: name, Type: "TXT", Need: need, Note: z.sends.note, kind: kindSPF}
	if len(z.sends.mechanisms) > 0 {
		r.Value = kindSPF + " " + strings.Join(z.sends.mechanisms, " ") + " ~all"
	}
	return r
}

// host lists the records of this server and its feedback domain, which all
// sending domains share.
func (z zone) host() []resourceRecord {
	all := []resourceRecord{
		{Name: z.feedback, Type: "MX", Value: "10 " + z.hostname + ".", Need: must,
			Note: "mail to opt-out and bounce addresses; port 25 there must reach OFFRAMP_SMTP_ADDR"},
		{Name: z.webHost, Type: "A", Need: must,
			Note: "the address (and AAAA) of this server, where OFFRAMP_PUBLIC_URL is answered"},
		{Name: z.webHost, Type: "CAA", Need: should,
			Note: "if the domain has CAA records, they must name the authority of the certificate, e.g. 0 issue \"letsencrypt.org\""},
		{Name: z.hostname, Type: "PTR", Need: should,
			Note: "with direct delivery, the server's addresses must resolve back to " + z.hostname},
	}
	if z.feedback != z.domain {
		r := z.spf(z.feedback, z.feedbackSPF)
		r.Note += "; " + z.feedback + " is in the reverse-path of list mail"
		all = append(all, r)
	}
	return all
}

func (a *app) dnsCommand() *cobra.Command {
	var how dnsOptions
	var format string
	cmd := &cobra.Command{
		Use: "dns DOMAIN", Short: "Print the DNS records a sending domain needs, or check them", Args: exactly("DOMAIN"),
		Example: "  offramp dns example.org\n  offramp dns example.org --check",
		RunE: func(cmd *cobra.Command, args []string) error {
			domain, err := parseDomain(args[0])
			if err != nil {
				return err
			}
			if format != "bind" && format != "json" {
				return fault("--format: invalid value %q: want bind or json", format)
			}
			a.asJSON = a.asJSON || format == "json"
			return a.dns(cmd.Context(), domain, how)
		},
	}
	cmd.Flags().BoolVar(&how.check, "check", false, "ask the DNS and compare; exits 1 when a needed record is missing or differs, 75 when the DNS does not answer")
	cmd.Flags().BoolVar(&how.offline, "offline", false, "do not ask which SPF and DMARC records are there already")
	cmd.Flags().StringVar(&format, "format", "bind", "bind or json")
	return cmd
}

// dnsOptions are what to do beside printing.
type dnsOptions struct{ check, offline bool }

func (a *app) dns(ctx context.Context, domain string, how dnsOptions) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	keys, err := s.dkimKeys()
	if err != nil {
		return err
	}
	all, err := zoneFor(domain, s, keys.All()).records()
	if err != nil {
		return err
	}
	if how.check {
		return a.printChecked(checkRecords(ctx, a.resolver, all))
	}
	if !how.offline {
		mergeExisting(ctx, a.resolver, all)
	}
	if a.asJSON {
		return a.printJSON(all)
	}
	a.printZone(all)
	return nil
}

// parseDomain refuses what is no domain name.
func parseDomain(s string) (string, error) {
	address, err := envelope.Parse("postmaster@" + s)
	if err != nil || strings.Contains(s, "@") || !strings.Contains(address.Domain(), ".") || strings.HasPrefix(address.Domain(), "[") {
		return "", fault("invalid domain name %q: write one such as example.org", s)
	}
	return address.Domain(), nil
}
