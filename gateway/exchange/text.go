package exchange

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decoded returns a file in UTF-8, without a byte order mark. Excel writes UTF-16
// with one.
func decoded(in io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(in, maxSniff)
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return bufio.NewReaderSize(transform.NewReader(r, utf16.UTF16(utf16.LittleEndian, utf16.ExpectBOM).NewDecoder()), maxSniff), nil
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = r.Discard(3)
		return r, err
	case bytes.IndexByte(head, 0) >= 0:
		return nil, fileFault("line 1: NUL bytes: this is not text, or UTF-16 without a byte order mark; save it as UTF-8")
	}
	return r, nil
}

// lines reads lines of bounded length.
type lines struct {
	r    *bufio.Reader
	line int64 // of the one that was read last
	buf  []byte
}

// next returns the next line without its end; it is good until the next call.
func (l *lines) next() (text []byte, err error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > maxRecord {
			return nil, fileFault("line %d: longer than 1 MiB: this does not look like a file of addresses", l.line+1)
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(l.buf) > 0:
		case err != nil:
			return nil, err
		}
		l.line++
		return bytes.TrimRight(l.buf, "\r\n"), nil
	}
}

// oneLine makes a text a note: one line, of at most maxNote bytes.
func oneLine(text string) string {
	text = text[:min(len(text), 4*maxNote)]
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote], "")
	}
	return strings.TrimSpace(text)
}

// quoted is a text of a file for a message. What could be an address is not repeated:
// messages are kept with the job.
func quoted(text string) string {
	const most = 40
	if strings.ContainsAny(text, "@\uFF20") {
		return "(not shown)"
	}
	cut := text
	if len(cut) > most {
		for cut = cut[:most]; len(cut) > 0 && !utf8.ValidString(cut); {
			cut = cut[:len(cut)-1]
		}
		cut += "..."
	}
	return `"` + oneLine(cut) + `"`
}

// Guarded puts a ' in front of a cell that a spreadsheet would take for a formula, or
// for one that was guarded.
func Guarded(cell string) string {
	if formula(cell) {
		return "'" + cell
	}
	return cell
}

// Unguarded takes back what Guarded did.
func Unguarded(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && formula(rest) {
		return rest
	}
	return cell
}

// formula says whether a cell, but for any number of ' in front, begins as a
// formula does.
func formula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0
}
