package stream

import (
	"net/netip"
	"strconv"
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// Rules are the operator's, for applications that cannot set a field. The first
// that matches decides. The zero value has none.
type Rules struct {
	all []Rule
}

// Len is how many rules there are.
func (r Rules) Len() int { return len(r.all) }

// Rule says what a message is when all its conditions hold.
type Rule struct {
	Kind Kind             // Listed or Exempt
	List listunsub.ListID // of Listed

	line       int // in the file
	conditions []condition
}

// condition is one comparison of a rule.
type condition struct {
	what    string // login, network, sender, from, subject, or a field name
	pattern string // lower case; * stands for any characters
	network netip.Prefix
	key     string // of an address without *
}

// The things a condition compares. A field is written as header:NAME.
const (
	onLogin   = "login"
	onNetwork = "network"
	onSender  = "sender"
	onFrom    = "from"
	onSubject = "subject"
	onField   = "header:"
)

func (r Rules) match(m Mail, f *facts) *Rule {
	for i := range r.all {
		if r.all[i].match(m, f) {
			return &r.all[i]
		}
	}
	return nil
}

// RuleMark begins the mark of what a rule decided.
const RuleMark = "rule in line "

func (r *Rule) name() string { return RuleMark + strconv.Itoa(r.line) }

func (r *Rule) match(m Mail, f *facts) bool {
	for i := range r.conditions {
		if !r.conditions[i].match(m, f) {
			return false
		}
	}
	return true
}

func (c *condition) match(m Mail, f *facts) bool {
	switch c.what {
	case onLogin:
		return m.Login != "" && like(c.pattern, m.Login)
	case onNetwork:
		return c.network.Contains(m.Client.Unmap().WithZone(""))
	case onSender:
		return c.address(m.Sender.String())
	case onFrom:
		return c.address(f.from)
	case onSubject:
		return like(c.pattern, f.decodedSubject())
	}
	name := c.what[len(onField):]
	for _, field := range f.fields {
		if strings.EqualFold(strings.TrimSpace(field.Name), name) && like(c.pattern, mime.DecodeWords(field.Value())) {
			return true
		}
	}
	return false
}

// decodedSubject decodes the Subject once for all rules.
func (f *facts) decodedSubject() string {
	if f.decoded == "" {
		f.decoded = mime.DecodeWords(f.subject)
	}
	return f.decoded
}

// address compares an address: with one by its lookup key, so that every spelling
// of it matches; with a pattern as text. A pattern without anything before the @
// is for every address of that domain.
func (c *condition) address(s string) bool {
	if c.key != "" {
		a, err := envelope.Parse(s)
		return err == nil && a.Key() == c.key
	}
	if strings.HasPrefix(c.pattern, "@") {
		at := strings.LastIndexByte(s, '@')
		return at >= 0 && like(c.pattern, s[at:])
	}
	return like(c.pattern, s)
}

// like compares in any case; pattern is in lower case, and each * in it stands
// for any number of characters. It takes time in proportion to the product of
// both lengths at most.
func like(pattern, s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	star, from, p, i := -1, 0, 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
