package mime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
)

var errBase64 = errors.New("invalid base64")

// base64Decoder decodes base64 text that comes in pieces. White space and line
// ends are skipped; everything else that is not clean base64 is an error, so
// that nothing is re-encoded that another reader would read differently.
type base64Decoder struct {
	emit  func([]byte)
	in    [1024]byte
	n     int
	out   [768]byte
	ended bool  // padding was seen
	read  int64 // bytes decoded from so far, with line ends
	last  int64 // read as it was behind the last byte that is not white space
	bad   bool
}

func (d *base64Decoder) decode(p []byte) {
	for len(p) > 0 && !d.bad {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			end = len(p)
		}
		d.line(p[:end])
		p = p[end:]
	}
}

// line takes text with a line end at its end, if any.
func (d *base64Decoder) line(p []byte) {
	text := bytes.TrimRight(p, " \t\r\n")
	if len(text) > 0 {
		d.last = d.read + int64(len(text))
	}
	d.read += int64(len(p))
	for len(text) > 0 {
		word := len(text)
		if i := bytes.IndexByte(text, ' '); i >= 0 {
			word = i
		}
		if i := bytes.IndexByte(text[:word], '\t'); i >= 0 {
			word = i
		}
		d.put(text[:word])
		text = text[min(word+1, len(text)):]
	}
}

func (d *base64Decoder) put(p []byte) {
	for len(p) > 0 && !d.bad {
		n := copy(d.in[d.n:], p)
		d.n += n
		p = p[n:]
		if d.n == len(d.in) {
			d.flush()
		}
	}
}

func (d *base64Decoder) flush() {
	whole := d.n &^ 3
	if whole == 0 {
		return
	}
	n, err := base64.StdEncoding.Decode(d.out[:], d.in[:whole])
	if err != nil || d.ended {
		d.bad = true
		return
	}
	d.ended = d.in[whole-1] == '='
	d.n = copy(d.in[:], d.in[whole:d.n])
	d.emit(d.out[:n])
}

// finish decodes what is left.
func (d *base64Decoder) finish() {
	d.flush()
	d.bad = d.bad || d.n > 0
}

// base64Encoder writes base64 in lines of 76 characters, without a line end
// behind the last one.
type base64Encoder struct {
	dst   io.Writer
	in    [57]byte // one line
	n     int
	wrote bool
	line  [78]byte
}

func (e *base64Encoder) Write(p []byte) (int, error) {
	size := len(p)
	for len(p) > 0 {
		if e.n == len(e.in) { // only now is it sure that another line follows
			if err := e.put(); err != nil {
				return 0, err
			}
		}
		n := copy(e.in[e.n:], p)
		e.n += n
		p = p[n:]
	}
	return size, nil
}

// put writes one line with the line end of the one before.
func (e *base64Encoder) put() error {
	out := e.line[:0]
	if e.wrote {
		out = append(out, '\r', '\n')
	}
	out = base64.StdEncoding.AppendEncode(out, e.in[:e.n])
	e.wrote, e.n = true, 0
	_, err := e.dst.Write(out)
	return err
}

func (e *base64Encoder) finish() error {
	if e.n == 0 {
		return nil
	}
	return e.put()
}

// isBase64 says whether p is of the alphabet of base64, or white space.
func isBase64(p []byte) bool {
	for _, c := range p {
		if !base64Digit(c) && c != '=' && !isSpace(c) && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

func base64Digit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
