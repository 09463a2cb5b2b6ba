package database

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"offramp/store"
)

// parameters are what a statement can name, in the order of the documentation.
var parameters = [...]struct {
	name string
	of   func(e store.Event) any
}{
	{"event_id", func(e store.Event) any { return e.ID }},
	{"time", func(e store.Event) any { return e.Time.UTC().Truncate(time.Microsecond) }},
	{"kind", func(e store.Event) any { return storable(string(e.Kind)) }},
	{"recipient", func(e store.Event) any { return storable(e.Recipient) }},
	{"list", func(e store.Event) any { return storable(e.List) }},
	{"way", func(e store.Event) any { return storable(string(e.Way)) }},
	{"reason", func(e store.Event) any { return storable(string(e.Reason)) }},
	{"ref", func(e store.Event) any { return e.Ref }},
	{"queue_id", func(e store.Event) any { return storable(e.QueueID) }},
	{"message_id", func(e store.Event) any { return storable(e.MessageID) }},
	{"ip", func(e store.Event) any { return storable(e.IP) }},
	{"user_agent", func(e store.Event) any { return storable(e.UserAgent) }},
	{"who", func(e store.Event) any { return storable(e.Who) }},
	{"detail", func(e store.Event) any { return storable(e.Detail) }},
}

// storable is what every server stores. A Message-ID is kept as its sender wrote it, and
// PostgreSQL refuses a row for a NUL or for bytes that are not UTF-8: one message
// could stop what all others are recorded by.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", " ")
}

// names are those of all parameters, for messages.
func names() string {
	var all []string
	for _, p := range parameters {
		all = append(all, ":"+p.name)
	}
	return strings.Join(all, ", ")
}

// Statement is a statement of the operator's, with bound variables only.
type Statement struct {
	Text string // as the server gets it
	args []int  // of parameters, for each variable
}

// values are those that an event has for the variables.
func (s Statement) values(e store.Event) []any {
	values := make([]any, len(s.args))
	for i, n := range s.args {
		values[i] = parameters[n].of(e)
	}
	return values
}

// ParseStatement reads one statement with named parameters, and makes variables
// of them as the dialect has them. What stands in quotes and comments is left as
// it is.
func ParseStatement(text string, d Dialect) (Statement, error) {
	p := parser{dialect: d, rest: strings.TrimRight(text, " \t\r\n;")}
	for p.rest != "" {
		if err := p.next(); err != nil {
			return Statement{}, err
		}
	}
	if len(p.args) == 0 {
		return Statement{}, fmt.Errorf("has no parameter: use some of %s", names())
	}
	return Statement{p.out.String(), p.args}, nil
}

type parser struct {
	dialect Dialect
	rest    string
	last    byte // before rest
	out     strings.Builder
	args    []int
}

// take moves n bytes to what goes out.
func (p *parser) take(n int) {
	n = min(n, len(p.rest))
	p.out.WriteString(p.rest[:n])
	p.last = p.rest[n-1]
	p.rest = p.rest[n:]
}

func (p *parser) next() error {
	switch c := p.rest[0]; {
	case c == 0:
		return errors.New("holds a NUL character")
	case c == '\'' || c == '"' || c == '`':
		return p.quoted(c)
	case p.lineComment():
		n := strings.IndexByte(p.rest, '\n')
		if n < 0 {
			n = len(p.rest)
		}
		p.take(n)
	case strings.HasPrefix(p.rest, "/*"):
		return p.comment()
	case c == '$':
		return p.dollar()
	case c == ';':
		return errors.New("is more than one statement")
	case c == '?':
		return errors.New("holds a ?: name parameters, such as :recipient; the operator ? of PostgreSQL has a function, such as jsonb_exists")
	case strings.HasPrefix(p.rest, "::"), strings.HasPrefix(p.rest, ":="):
		p.take(2)
	case c == ':':
		return p.parameter()
	default:
		p.take(1)
	}
	return nil
}

// lineComment says whether a comment begins that ends with its line. MySQL wants
// white space behind "--".
func (p *parser) lineComment() bool {
	if p.dialect == PostgreSQL {
		return strings.HasPrefix(p.rest, "--")
	}
	return p.rest[0] == '#' || p.rest == "--" || strings.HasPrefix(p.rest, "--") && strings.IndexByte(" \t\r\n", p.rest[2]) >= 0
}

// quoted takes what is in quotes. Two of them in a row are one of the text; a
// backslash is taken for more than itself where the dialect does that.
func (p *parser) quoted(quote byte) error {
	escapes := p.dialect == MySQL && quote != '`' || p.dialect == PostgreSQL && quote == '\'' && (p.last == 'E' || p.last == 'e')
	for i := 1; i < len(p.rest); i++ {
		switch {
		case p.rest[i] == '\\' && escapes:
			i++
		case p.rest[i] == quote && i+1 < len(p.rest) && p.rest[i+1] == quote:
			i++
		case p.rest[i] == quote:
			p.take(i + 1)
			return nil
		}
	}
	return fmt.Errorf("has a %c that is not closed", quote)
}

// comment takes a comment; those of PostgreSQL can hold others.
func (p *parser) comment() error {
	depth := 0
	for i := 0; i+1 < len(p.rest); i++ {
		switch {
		case p.rest[i:i+2] == "/*" && (depth == 0 || p.dialect == PostgreSQL):
			depth++
			i++
		case p.rest[i:i+2] == "*/":
			i++
			if depth--; depth == 0 {
				p.take(i + 1)
				return nil
			}
		}
	}
	return errors.New("has a comment that is not closed")
}

// dollar takes a text in dollar quotes.
func (p *parser) dollar() error {
	n := 1
	for n < len(p.rest) && isName(p.rest[n]) {
		n++
	}
	switch {
	case p.dialect != PostgreSQL || isName(p.last):
		p.take(1)
		return nil
	case n > 1 && p.rest[1] >= '0' && p.rest[1] <= '9':
		return fmt.Errorf("holds %s: name parameters, such as :recipient", p.rest[:n])
	case n == len(p.rest) || p.rest[n] != '$':
		p.take(1)
		return nil
	}
	tag := p.rest[:n+1]
	end := strings.Index(p.rest[len(tag):], tag)
	if end < 0 {
		return fmt.Errorf("has a %s that is not closed", tag)
	}
	p.take(end + 2*len(tag))
	return nil
}

func (p *parser) parameter() error {
	n := 1
	for n < len(p.rest) && isName(p.rest[n]) {
		n++
	}
	name := p.rest[1:n]
	if name == "" || name[0] >= '0' && name[0] <= '9' { // a slice of an array
		p.take(n)
		return nil
	}
	for i := range parameters {
		if parameters[i].name == name {
			p.bind(i)
			p.last = name[len(name)-1]
			p.rest = p.rest[n:]
			return nil
		}
	}
	return fmt.Errorf("unknown parameter :%s: use some of %s", name, names())
}

// bind puts the variable of a parameter in its place.
func (p *parser) bind(parameter int) {
	if p.dialect == MySQL {
		p.out.WriteByte('?')
		p.args = append(p.args, parameter)
		return
	}
	at := slices.Index(p.args, parameter)
	if at < 0 {
		at = len(p.args)
		p.args = append(p.args, parameter)
	}
	fmt.Fprintf(&p.out, "$%d", at+1)
}

func isName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
