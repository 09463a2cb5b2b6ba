package exchange

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// object is one JSON object, by the lower-case names of its keys.
type object map[string]json.RawMessage

func (o object) text(name string) string {
	raw := bytes.TrimSpace(o[name])
	var text string
	switch {
	case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
		return strings.TrimSpace(text)
	case raw[0] != '"' && raw[0] != '{' && raw[0] != '[':
		return string(raw) // a number
	}
	return ""
}

func (o object) texts(name string) (all []string) {
	if json.Unmarshal(o[name], &all) != nil && o.text(name) != "" {
		return []string{o.text(name)}
	}
	return all
}

// shape is a file of JSON objects.
type shape struct {
	format Format
	need   []string // keys of the first object
	may    []string
	take   func(*Reader, fields) ([]Record, Skip, error)
}

// shapes are all of them; the first that fits the first object counts.
var shapes = []shape{
	{JSON, []string{"email", "reason"}, ownColumns, ownRecord},
	{JSON, []string{"email"}, ownColumns, ownRecord},
	{Postmark, []string{"emailaddress", "suppressionreason"}, []string{"origin", "createdat"}, postmarkEntry},
	{SES, []string{"emailaddress", "reason"}, []string{"lastupdatetime"}, sesRow},
	{MailgunBounces, []string{"address", "code"}, []string{"error", "created_at", "createdat", "messagehash"}, mailgunBounce},
	{MailgunBounces, []string{"address", "error"}, []string{"created_at", "createdat", "messagehash"}, mailgunBounce},
	{MailgunUnsubscribes, []string{"address", "tags"}, []string{"tag", "created_at", "createdat"}, mailgunUnsubscribe},
	{MailgunComplaints, []string{"address"}, []string{"count", "created_at", "createdat"}, mailgunComplaint},
}

func (s *shape) unknown(o object) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range o {
			if !slices.Contains(s.need, name) && !slices.Contains(s.may, name) && !yield(name) {
				return
			}
		}
	})
}

// holders are the keys of listings under which their objects are.
var holders = []string{"items", "suppressions", "suppresseddestinationsummaries"}

// openJSON opens objects: one a line, or in the list of a listing.
func (r *Reader) openJSON(in *bufio.Reader, trimmed, first []byte) error {
	var src source
	first = bytes.TrimSpace(first)
	if trimmed[0] == '{' && json.Valid(first) && !holds(first) || trimmed[0] == '{' && !holds(trimmed) {
		src = &jsonLines{lines{r: in}}
	} else {
		src = newListing(in)
	}
	f, line, err := src.next()
	switch {
	case errors.Is(err, io.EOF):
		return fileFault("line 1: there is nothing in this file")
	case errors.Is(err, errRow):
		return fileFault("line %d: %v", line, err)
	case err != nil:
		return err
	}
	o := f.(object)
	if o["hash"] != nil || o["sha256"] != nil {
		return fileFault("line %d: this file has hashes instead of addresses: import one made without hashes", line)
	}
	for i := range shapes {
		s := &shapes[i]
		if r.o.Format != Auto && r.o.Format != s.format || slices.ContainsFunc(s.need, func(key string) bool { return o[key] == nil }) {
			continue
		}
		if err := r.o.refuse(s.format, line, s.unknown(o)); err != nil {
			return err
		}
		r.format, r.take = s.format, s.take
		r.source = &checked{source: src, shape: s, o: r.o, first: o, line: line}
		return nil
	}
	return fileFault("line %d: no known JSON: its keys are %s", line, quoted(strings.Join(slices.Sorted(maps.Keys(o)), ", ")))
}

// holds says whether the beginning of an object names a list of a listing.
func holds(text []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return false
	}
	for {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return false
		}
		if slices.Contains(holders, strings.ToLower(name)) {
			return true
		}
		var skipped json.RawMessage
		if dec.Decode(&skipped) != nil {
			return false
		}
	}
}

// checked has every object be of the shape of the first.
type checked struct {
	source
	shape *shape
	o     Options
	first object // read already; nil: handed over
	line  int64
}

func (c *checked) next() (fields, int64, error) {
	if first := c.first; first != nil {
		c.first = nil
		return first, c.line, nil
	}
	f, line, err := c.source.next()
	if err != nil {
		return nil, line, err
	}
	if err := c.o.refuse(c.shape.format, line, c.shape.unknown(f.(object))); err != nil {
		return nil, line, &rowError{"unknown field: " + strings.Join(err.(*ColumnsError).Unknown, ", ")}
	}
	return f, line, nil
}

// jsonLines is a file with one object a line.
type jsonLines struct{ lines }

func (l *jsonLines) next() (fields, int64, error) {
	for {
		text, err := l.lines.next()
		if err != nil {
			return nil, l.line, err
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		o, err := objectOf(text)
		return o, l.line, err
	}
}

func objectOf(text []byte) (object, error) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil || raw == nil {
		return nil, &rowError{"not a JSON object"}
	}
	o := make(object, len(raw))
	for name, value := range raw {
		o[strings.ToLower(name)] = value
	}
	return o, nil
}

// listing reads the objects of the lists of one answer of an API, or of several, one
// behind the other.
type listing struct {
	dec    *json.Decoder
	in     *counted
	inside bool // of a list
	deep   bool // the list is in an object
}

func newListing(in io.Reader) *listing {
	c := &counted{in: in}
	return &listing{dec: json.NewDecoder(c), in: c}
}

func (l *listing) next() (fields, int64, error) {
	for {
		if !l.inside {
			if err := l.enter(); err != nil {
				return nil, l.at(), l.fault(err)
			}
		}
		if !l.dec.More() {
			if err := l.leave(); err != nil {
				return nil, l.at(), l.fault(err)
			}
			continue
		}
		l.at()
		line := l.in.begin()
		var raw json.RawMessage
		if err := l.dec.Decode(&raw); err != nil {
			return nil, line, l.fault(err)
		}
		o, err := objectOf(raw)
		return o, line, err
	}
}

// enter goes into the next list.
func (l *listing) enter() error {
	for {
		l.at()
		t, err := l.dec.Token()
		if err != nil {
			return err
		}
		switch name, isName := t.(string); {
		case t == json.Delim('['):
			l.inside = true
			return nil
		case t == json.Delim('{'), t == json.Delim('}'):
		case isName && slices.Contains(holders, strings.ToLower(name)):
			if t, err = l.dec.Token(); err != nil {
				return err
			}
			if t == json.Delim('[') {
				l.inside, l.deep = true, true
				return nil
			}
		case isName: // paging and the like
			var skipped json.RawMessage
			if err := l.dec.Decode(&skipped); err != nil {
				return err
			}
		default:
			return errors.New("not a listing")
		}
	}
}

func (l *listing) leave() error {
	_, err := l.dec.Token()
	l.inside, l.deep = false, false
	return err
}

// at is the line that was read last; all before it is done with.
func (l *listing) at() int64 { return l.in.until(l.dec.InputOffset()) }

func (l *listing) fault(err error) error {
	switch {
	case errors.Is(err, ErrFile):
		return err
	case errors.Is(err, io.EOF) && !l.inside && !l.deep:
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fileFault("line %d: the file ends within a listing", l.at())
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fileFault("line %d: not valid JSON", l.at())
	}
	return err
}

// counted counts lines, and bounds how much is read for one value.
type counted struct {
	in   io.Reader
	line int64  // line feeds before pending
	from int64  // offset of pending
	rest []byte // read, and not done with
}

func (c *counted) Read(p []byte) (int, error) {
	if len(c.rest) > 2*maxRecord {
		return 0, fileFault("line %d: a value longer than 1 MiB", c.line+1)
	}
	n, err := c.in.Read(p[:min(len(p), maxSniff)])
	c.rest = append(c.rest, p[:n]...)
	return n, err
}

// until says in which line an offset is, and forgets what is before it.
func (c *counted) until(offset int64) int64 {
	n := min(max(int(offset-c.from), 0), len(c.rest))
	c.line += int64(bytes.Count(c.rest[:n], []byte("\n")))
	c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	c.from += int64(n)
	return c.line + 1
}

// begin is the line in which the next value begins.
func (c *counted) begin() int64 {
	gap := len(c.rest) - len(bytes.TrimLeft(c.rest, " \t\r\n,"))
	return c.line + 1 + int64(bytes.Count(c.rest[:gap], []byte("\n")))
}
