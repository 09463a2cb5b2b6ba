package listunsub

import (
	"errors"
	"net/url"
	"strings"
)

// ErrNoAction says that a header offers nothing that can be done without the
// person.
var ErrNoAction = errors.New("no opt-out that can be made without the person")

// maxAction is the longest URI that is called, in bytes.
const maxAction = 2000

// Action returns the URI by which an opt-out is made without asking the person
// again, from the values of all List-Unsubscribe and List-Unsubscribe-Post
// fields of a message: the first https URI where the header says that it takes
// a one-click POST (RFC 8058 section 3.1), or else its first http URI, or else
// the first mailto URI (RFC 2369 section 3.2). An http or https URI without that
// field may lead to a page that asks, so it is not taken.
//
// A header with several List-Unsubscribe fields, which RFC 2369 section 3
// forbids, offers nothing: nobody can say which of them counts. The same holds
// for several List-Unsubscribe-Post fields. A URI is passed over that is longer
// than 2,000 bytes, holds characters RFC 3986 does not allow or a stray %, or
// is no http or https URI with a host and without a user name. The fragment is
// cut off, since it is never sent. A mailto URI must name exactly one address.
//
// The only error is ErrNoAction.
func Action(unsubscribe, post []string) (string, error) {
	if len(unsubscribe) != 1 {
		return "", ErrNoAction
	}
	uris, err := Parse(unsubscribe[0])
	if err != nil {
		return "", ErrNoAction
	}
	oneClick := len(post) == 1 && ParsePost(unfold(post[0]))
	for _, scheme := range [...]string{"https:", "http:", "mailto:"} {
		if scheme != "mailto:" && !oneClick {
			continue
		}
		for _, u := range uris {
			if len(u) > len(scheme) && strings.EqualFold(u[:len(scheme)], scheme) {
				if action, ok := callable(u); ok {
					return action, nil
				}
			}
		}
	}
	return "", ErrNoAction
}

// callable returns a URI as it is called, its scheme in lower case.
func callable(u string) (string, bool) {
	if len(u) > maxAction || badEscape(u) >= 0 || strings.ContainsFunc(u, func(r rune) bool { return !isURIRune(r) }) {
		return "", false
	}
	scheme, rest, _ := strings.Cut(u, ":")
	scheme = strings.ToLower(scheme)
	if scheme == "mailto" {
		_, err := ParseMailto(u)
		return scheme + ":" + rest, err == nil
	}
	rest, _, _ = strings.Cut(rest, "#")
	u = scheme + ":" + rest
	p, err := url.Parse(u)
	return u, err == nil && p.Hostname() != "" && p.User == nil && p.Opaque == ""
}

// Letter is the mail that a mailto URI asks for.
type Letter struct {
	To      string // one address, decoded
	Subject string // decoded; may hold anything but line ends
	Body    string // decoded
}

// ParseMailto reads a mailto URI (RFC 6068) with exactly one address. Of its
// fields subject and body count, once each; a client must not take others
// blindly (section 4 of the RFC). The error wraps ErrURI.
func ParseMailto(uri string) (Letter, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	rest, _, _ = strings.Cut(rest, "#")
	m := parseMailto(rest)
	if !strings.EqualFold(scheme, "mailto") || len(m.addresses) != 1 || !m.plain {
		return Letter{}, ErrURI
	}
	l := Letter{To: m.addresses[0]}
	for _, f := range m.fields {
		switch {
		case f.name == "subject" && l.Subject == "":
			l.Subject = strings.Map(endsLine, f.value)
		case f.name == "body" && l.Body == "":
			l.Body = f.value
		case f.name == "to" && f.value != "": // further addresses
			return Letter{}, ErrURI
		}
	}
	return l, nil
}

// endsLine makes a space of what would begin another line.
func endsLine(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
