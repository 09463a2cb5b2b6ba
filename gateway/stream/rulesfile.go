package stream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"offramp/gateway/envelope"
	"offramp/listunsub"
)

// Limits of a file of rules.
const (
	maxRules = 1000
	maxRule  = 4096 // bytes of a line
)

// ParseRules reads a file of rules: one on each line, what the message is
// followed by conditions that must all hold.
//
//	list "Weekly news <weekly.example.com>"  from=news@example.com
//	list offers.example.com                  login=shop subject="Our offer*"
//	transactional                            network=192.0.2.0/24 header:X-Order=*
//
// A condition is login, network, sender (the envelope's), from, subject or
// header:NAME, an equals sign and a pattern in which * stands for any
// characters; case does not matter, and @example.com stands for every address of
// that domain. Text with blanks is put in double quotes. Empty lines and what
// follows a # at the beginning of a word are skipped. The error has one line for
// each line that cannot be read.
func ParseRules(in io.Reader) (Rules, error) {
	var r Rules
	var invalid []error
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxRule)
	n := 0
	for lines.Scan() {
		n++
		rule, err := parseRule(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case err != nil:
			invalid = append(invalid, fmt.Errorf("line %d: %w", n, err))
		case rule != nil:
			rule.line = n
			r.all = append(r.all, *rule)
		}
		if len(r.all) > maxRules || len(invalid) > 20 {
			invalid = append(invalid, fmt.Errorf("line %d: too many rules or errors", n))
			break
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		invalid = append(invalid, fmt.Errorf("line %d: longer than %d bytes", n+1, maxRule))
	case err != nil:
		invalid = append(invalid, err)
	}
	if err := errors.Join(invalid...); err != nil {
		return Rules{}, err
	}
	return r, nil
}

// parseRule reads one line; nil: it holds no rule.
func parseRule(line string) (*Rule, error) {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	r := new(Rule)
	rest := words[1:]
	switch words[0] {
	case Transactional:
		r.Kind = Exempt
	case List:
		if len(rest) == 0 || isCondition(rest[0]) {
			return nil, errors.New(`list needs the list's identifier, as in: list "Weekly news <weekly.example.com>" from=news@example.com`)
		}
		l, err := listunsub.ParseListID(rest[0])
		if err != nil {
			return nil, fmt.Errorf("invalid list %q: write an identifier such as weekly.example.com", rest[0])
		}
		r.Kind, r.List, rest = Listed, l, rest[1:]
	default:
		return nil, fmt.Errorf("a rule begins with %s or %s, not with %q", List, Transactional, words[0])
	}
	if len(rest) == 0 {
		return nil, errors.New("a rule needs a condition, such as from=news@example.com")
	}
	for _, w := range rest {
		c, err := parseCondition(w)
		if err != nil {
			return nil, err
		}
		r.conditions = append(r.conditions, c)
	}
	return r, nil
}

func isCondition(w string) bool {
	_, err := parseCondition(w)
	return err == nil
}

func parseCondition(w string) (condition, error) {
	what, pattern, ok := strings.Cut(w, "=")
	what = strings.ToLower(what)
	if !ok || pattern == "" {
		return condition{}, fmt.Errorf("invalid condition %q: write name=pattern, such as from=news@example.com", w)
	}
	c := condition{what: what, pattern: strings.ToLower(strings.TrimSpace(pattern))}
	switch {
	case what == onSender || what == onFrom:
		c.readAddress()
	case what == onLogin || what == onSubject:
	case what == onNetwork:
		var err error
		if c.network, err = parseNetwork(pattern); err != nil {
			return condition{}, fmt.Errorf("invalid network %q: write 192.0.2.0/24, 2001:db8::/32 or one address", pattern)
		}
	case strings.HasPrefix(what, onField) && fieldName(what[len(onField):]):
	default:
		return condition{}, fmt.Errorf("unknown condition %q: use login, network, sender, from, subject or header:NAME", what)
	}
	return c, nil
}

// readAddress brings an address, or the domain of a pattern, into the form in
// which messages have it.
func (c *condition) readAddress() {
	if strings.Contains(c.pattern, "*") {
		return
	}
	if domain, ok := strings.CutPrefix(c.pattern, "@"); ok {
		if a, err := envelope.Parse("x@" + domain); err == nil {
			c.pattern = "@" + a.Domain()
		}
	} else if a, err := envelope.Parse(c.pattern); err == nil {
		c.key = a.Key()
	}
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}

// fieldName says whether s can be the name of a header field (RFC 5322 section
// 3.6.8).
func fieldName(s string) bool {
	return s != "" && len(s) <= 76 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// split cuts a line into words at blanks. Double quotes keep blanks within a
// word; inside them a backslash takes the meaning from a quote or backslash.
func split(line string) ([]string, error) {
	var words []string
	var w strings.Builder
	inside, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\'):
			i++
			w.WriteByte(line[i])
		case c == '"':
			quoted, inside = !quoted, true
		case quoted || c != ' ' && c != '\t' && c != '\r':
			if c == '#' && !inside {
				return words, nil
			}
			w.WriteByte(c)
			inside = true
		case inside:
			words, inside = append(words, w.String()), false
			w.Reset()
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if inside {
		words = append(words, w.String())
	}
	return words, nil
}
