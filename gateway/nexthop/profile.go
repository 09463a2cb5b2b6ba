package nexthop

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is what a kind of next hop does to a message that it passes on, as
// far as signatures depend on it.
type Profile struct {
	Name string
	// Rewrites are the header fields that the hop replaces or adds: a
	// signature that covers one is broken behind it.
	Rewrites []string
	// Signatures is how many DKIM-Signature fields the hop takes in one
	// message; 0: any number.
	Signatures int
	// SignsAlone says that no signature lives through the hop, or that none is
	// wanted: the hop signs.
	SignsAlone bool
	// Repeats is the header field whose value the hop repeats in its reports,
	// since it repeats none that is ours; empty: there is none.
	Repeats string
	// Means says for an operator what follows from it.
	Means string

	domains []string // those of the hosts it is chosen by
	label   string   // what a label of such a host begins with; empty: any host
}

// The words that choose no profile of their own.
const (
	Automatic = "auto"    // by the host name
	Generic   = "generic" // the hop changes nothing that is signed
)

// profiles are all there are; docs/next-hops.md has the sources of each.
//
// Amazon SES adds a Feedback-ID of its own and says of Date and Message-ID that
// it overwrites them. What Mailjet and Brevo do to List-* and Message-ID is known
// from reports. Where it is not certain that a field is replaced, it is listed:
// a signature that leaves it out says less, one that covers it may be broken.
var profiles = []Profile{
	{
		Name:  Generic,
		Means: "every field is signed, with every key, and signatures that a message came with stay",
	},
	{
		Name: "ses", Rewrites: []string{"Message-ID", "Date", "Feedback-ID"}, Signatures: 1,
		Means: "one signature, by the RSA key where there is one, without Date, Message-ID and Feedback-ID, which Amazon SES replaces; signatures that a message came with give way; " +
			"bounces go to Amazon SES, which reports them by mail to the reverse-path or by Amazon SNS to /hooks/ses",
		// Other hosts of these domains are machines of customers.
		domains: []string{"amazonaws.com", "amazonaws.com.cn"}, label: "email-smtp",
	},
	{
		Name: "mailjet", Rewrites: []string{"Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "CFBL-Address", "CFBL-Feedback-ID"},
		Means:   "Message-ID and the List-* fields are not signed, since Mailjet replaces them: the button in mail programs is then Mailjet's, and people who press it are unsubscribed there and not here",
		domains: []string{"mailjet.com"},
	},
	{
		Name: "brevo", Rewrites: []string{"Message-ID", "Feedback-ID"},
		Means:   "Message-ID and Feedback-ID are not signed, since Brevo replaces them",
		domains: []string{"brevo.com", "sendinblue.com"},
	},
	{
		Name: "mailgun", Repeats: "X-Mailgun-Variables",
		Means:   "every field is signed, with every key, and signatures that a message came with stay; list mail has a variable by which complaints that Mailgun reports to /hooks/mailgun find their list",
		domains: []string{"mailgun.org"},
	},
	{
		Name: "postmark", SignsAlone: true, Repeats: "X-PM-Metadata-offramp",
		Means:   "nothing is signed here, since Postmark takes a message apart and builds a new one: it signs with the key set there",
		domains: []string{"postmarkapp.com"},
	},
	{
		Name: "unsigned", SignsAlone: true,
		Means: "nothing is signed here: the next hop must sign, List-Unsubscribe and List-Unsubscribe-Post included (RFC 8058 section 4)",
	},
}

// profileNamed returns the profile of a name.
func profileNamed(name string) (*Profile, bool) {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return nil, false
	}
	return &profiles[i], true
}

// profileOf returns the profile of a smarthost by its name.
func profileOf(host string) *Profile {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for i, p := range profiles {
		for _, domain := range p.domains {
			if strings.HasSuffix(host, "."+domain) && strings.Contains("."+host, "."+p.label) {
				return &profiles[i]
			}
		}
	}
	return &profiles[0]
}

// withProfiles gives every hop its profile. words is the setting: none, one for
// all, or one for each hop in turn. The exchangers of a domain are whose mail
// they take, so their names choose nothing.
func (s servers) withProfiles(words []string) (servers, error) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.TrimSpace(w) == "" })
	if len(words) > 1 && len(words) != len(s.hops) {
		return s, fmt.Errorf("OFFRAMP_NEXT_HOP_PROFILE: the number of words is %d, and of next hops %d: write one for all, or one for each in the same order", len(words), max(len(s.hops), 1))
	}
	chosen := func(i int, automatic *Profile) (*Profile, error) {
		word := Automatic
		if len(words) > 0 {
			word = strings.ToLower(strings.TrimSpace(words[min(i, len(words)-1)]))
		}
		if word == Automatic {
			return automatic, nil
		}
		p, ok := profileNamed(word)
		if !ok {
			return p, fmt.Errorf("OFFRAMP_NEXT_HOP_PROFILE: unknown profile %q: use %s", word, strings.Join(profileWords(), ", "))
		}
		return p, nil
	}
	var err error
	if s.profile, err = chosen(0, &profiles[0]); err != nil {
		return s, err
	}
	s.hops = slices.Clone(s.hops)
	for i, h := range s.hops {
		if s.hops[i].profile, err = chosen(i, profileOf(h.host)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// profileWords are the values of the setting.
func profileWords() []string {
	words := []string{Automatic}
	for _, p := range profiles {
		words = append(words, p.Name)
	}
	return words
}

// Profiled is a next hop with the profile in force for it.
type Profiled struct {
	Host    string // name or address; empty: the mail exchangers of each domain
	Profile Profile
}

// Profiles returns the next hops with their profiles, in order.
func (c Config) Profiles() ([]Profiled, error) {
	all, err := c.servers()
	if err != nil {
		return nil, err
	}
	if all.direct {
		return []Profiled{{"", *all.profile}}, nil
	}
	list := make([]Profiled, len(all.hops))
	for i, h := range all.hops {
		list[i] = Profiled{h.host, *h.profile}
	}
	return list, nil
}

// servers reads where mail goes, with the profile of each.
func (c Config) servers() (servers, error) {
	all, err := parseServers(c.Servers)
	if err != nil {
		return all, err
	}
	return all.withProfiles(c.Profile)
}

// Profile is the one of the first server, which usually takes the mail.
func (h *Hops) Profile() Profile {
	if h.Direct() {
		return *h.route.servers.profile
	}
	return *h.route.servers.hops[0].profile
}

// Profile is the one of the hop.
func (s *Session) Profile() Profile { return *s.profile }
