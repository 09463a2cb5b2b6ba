package exchange

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// fields are the values of one row by the lower-case name of their column or key.
type fields interface {
	// text is the first value of that name that is not empty.
	text(name string) string
	// texts are the elements of a value that is a list.
	texts(name string) []string
}

// Reader reads a file row by row.
type Reader struct {
	o      Options
	format Format
	source source
	take   func(*Reader, fields) ([]Record, Skip, error)
	left   []Row // of a row with several records
}

// source yields rows. Its error wraps errRow where the next row can be read.
type source interface {
	next() (f fields, line int64, err error)
}

// NewReader reads the beginning of a file and finds out what it is. Errors that wrap
// ErrFile are about the file.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	r := &Reader{o: o.withDefaults()}
	text, err := decoded(in)
	if err != nil {
		return nil, err
	}
	if err := r.open(text); err != nil {
		return nil, err
	}
	return r, nil
}

// Format is what the file was recognised as.
func (r *Reader) Format() Format { return r.format }

// Next returns the next row; io.EOF: there is none.
func (r *Reader) Next() (Row, error) {
	if len(r.left) > 0 {
		row := r.left[0]
		r.left = r.left[1:]
		return row, nil
	}
	f, line, err := r.source.next()
	switch {
	case errors.Is(err, errRow):
		return Row{Line: line, Fault: err.Error()}, nil
	case err != nil:
		return Row{}, err
	}
	records, skip, err := r.take(r, f)
	if err != nil {
		return Row{Line: line, Fault: err.Error()}, nil
	}
	if skip != "" {
		return Row{Line: line, Skip: skip}, nil
	}
	r.left = r.left[:0]
	for _, record := range records {
		r.left = append(r.left, r.finish(line, record))
	}
	return r.Next()
}

// open sniffs the first record.
func (r *Reader) open(in *bufio.Reader) error {
	head, err := in.Peek(maxSniff)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	first, _, _ := bytes.Cut(trimmed, []byte("\n"))
	switch {
	case len(trimmed) == 0 || bytes.HasPrefix(trimmed, []byte("#")):
		return r.openPlain(in)
	case bytes.HasPrefix(trimmed, []byte("{")), bytes.HasPrefix(trimmed, []byte("[")):
		return r.openJSON(in, trimmed, first)
	}
	return r.openText(in, first)
}

// openText opens a file of rows, with or without a header.
func (r *Reader) openText(in *bufio.Reader, first []byte) error {
	c := &cells{r: in, comma: ','}
	if sep, ok := strings.CutPrefix(strings.TrimRight(string(first), "\r"), "sep="); ok && len(sep) == 1 {
		if _, err := (&lines{r: in}).next(); err != nil { // of Excel: names the separator
			return err
		}
		c.comma, c.line = sep[0], 1
		head, _ := in.Peek(maxSniff)
		first, _, _ = bytes.Cut(head, []byte("\n"))
	} else {
		c.comma = separator(first)
	}
	header := headerOf(first, c.comma)
	switch l, err := layoutOf(header, r.o.Format, r.o.Name); {
	case err != nil:
		return err
	case subscribed(header): // also where fields of the audience look like columns of others
		return fileFault("line 1: these are the subscribed contacts of a Mailchimp audience: nothing in this file stops mail")
	case slices.Contains(header, "sha256") || slices.Contains(header, "hash"):
		return fileFault("line 1: this file has hashes instead of addresses: import one made without hashes")
	case l != nil:
		return r.openTable(c, l, header)
	}
	return r.openRows(in, c, first, header)
}

// openRows opens what has no header that is known.
func (r *Reader) openRows(in *bufio.Reader, c *cells, first []byte, header []string) error {
	switch {
	case r.o.Format == SES || r.o.Format == Auto && len(header) == 2 && sesReason(header[1]) != "":
		r.format, r.take = SES, sesRow
		r.source = &table{cells: c, at: map[string][]int{"emailaddress": {0}, "reason": {1}}, width: 2}
		return nil
	case r.o.Format == Plain || r.o.Format == Auto && (len(header) == 1 || bytes.IndexByte(first, '@') >= 0 && len(header) == 1):
		return r.openPlain(in)
	case r.o.Format == Auto && bytes.IndexByte(first, '@') >= 0:
		return fileFault("line 1: several cells in a row and no header: write one with the column email, or one address a line")
	case r.o.Format == Auto:
		return fileFault("line 1: no known header: the column of addresses is called email; known are the exports of SendGrid, Mailgun, Amazon SES, Postmark, Mailchimp, Mandrill and listmonk")
	}
	return fileFault("line 1: the header is not that of a file of format %s", r.o.Format)
}

func (r *Reader) openPlain(in *bufio.Reader) error {
	if r.o.Format != Auto && r.o.Format != Plain {
		return fileFault("line 1: this is not a file of format %s", r.o.Format)
	}
	r.format, r.take, r.source = Plain, plainLine, &plain{lines{r: in}}
	return nil
}

func (r *Reader) openTable(c *cells, l *layout, header []string) error {
	before := c.line
	if _, _, err := c.next(); err != nil {
		return fileFault("line %d: header: %v", before+1, err)
	}
	if err := r.o.refuse(l.format, before+1, l.unknown(header)); err != nil {
		return err
	}
	at := map[string][]int{}
	for i, name := range header {
		at[name] = append(at[name], i)
	}
	r.format, r.take, r.source = l.format, l.take, &table{cells: c, at: at, width: len(header)}
	return nil
}

// separator is what separates the cells of a line: where Excel's language writes
// numbers with a comma, a semicolon.
func separator(first []byte) byte {
	best, most := byte(','), 0
	for _, sep := range []byte{',', ';', '\t'} {
		if n := bytes.Count(first, []byte{sep}); n > most {
			best, most = sep, n
		}
	}
	return best
}

// headerOf are the names in a line, in lower case.
func headerOf(first []byte, comma byte) []string {
	c := cells{r: bufio.NewReader(bytes.NewReader(first)), comma: comma}
	row, _, err := c.next()
	if err != nil {
		return nil
	}
	for i, name := range row {
		row[i] = strings.ToLower(strings.TrimSpace(name))
	}
	for len(row) > 1 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}

// table is a file with a header row.
type table struct {
	*cells
	at    map[string][]int
	width int
	row   []string
}

func (t *table) next() (fields, int64, error) {
	for {
		row, line, err := t.cells.next()
		if err != nil {
			return nil, line, err
		}
		t.row = row
		if slices.ContainsFunc(row, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			if len(row) > t.width && slices.ContainsFunc(row[t.width:], func(cell string) bool { return cell != "" }) {
				return nil, line, &rowError{"more cells than the header has"}
			}
			return t, line, nil
		}
	}
}

func (t *table) text(name string) string {
	for _, i := range t.at[name] {
		if i < len(t.row) {
			if text := Unguarded(strings.TrimSpace(t.row[i])); text != "" {
				return text
			}
		}
	}
	return ""
}

// texts are the tags of a cell: one, several behind commas, or a list of JSON's.
func (t *table) texts(name string) (all []string) {
	text := t.text(name)
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &all) == nil {
		return all
	}
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			all = append(all, tag)
		}
	}
	return all
}

// plain is a file with one address a line.
type plain struct{ lines }

func (p *plain) next() (fields, int64, error) {
	for {
		text, err := p.lines.next()
		if err != nil {
			return nil, p.line, err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' {
			return only(Unguarded(string(text))), p.line, nil
		}
	}
}

// only is a row with one value.
type only string

func (o only) text(string) string    { return string(o) }
func (o only) texts(string) []string { return nil }
