package mime

import (
	"bytes"
	"io"
)

// lines is an io.Reader that gives out what it reads with normalised line ends. It
// works in the caller's buffer and copies only where a lone LF makes the text
// longer.
type lines struct {
	src    io.Reader
	reject bool

	wait []byte // normalised, not given out yet
	crs  int    // CRs that were read, what follows them decides
	any  bool   // something was given out
	last byte   // last byte given out or waiting
	err  error  // of src, or ours
}

// minRead is the smallest buffer to work in; smaller buffers are served from wait.
const minRead = 512

func (l *lines) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for idle := 0; len(l.wait) == 0; idle++ {
		if l.err != nil {
			return 0, l.err
		}
		if idle == 100 {
			return 0, io.ErrNoProgress
		}
		if len(p) < minRead {
			l.wait = l.fill(make([]byte, minRead))
			continue
		}
		if out := l.fill(p); len(out) <= len(p) && (len(out) == 0 || &out[0] == &p[0]) {
			if len(out) > 0 {
				return len(out), nil
			}
		} else {
			l.wait = out
		}
	}
	n := copy(p, l.wait)
	l.wait = l.wait[n:]
	return n, nil
}

// fill reads once and returns normalised text, in p where it fits.
func (l *lines) fill(p []byte) []byte {
	held := l.crs
	l.crs = 0
	for i := range held {
		p[i] = '\r'
	}
	n, err := l.src.Read(p[held:])
	text := p[:held+n]
	if err != nil {
		l.err = err
	} else {
		for len(text) > 0 && text[len(text)-1] == '\r' && l.crs < maxHeldCR {
			l.crs++
			text = text[:len(text)-1]
		}
	}
	text = l.settle(text)
	if len(text) > 0 {
		l.any, l.last = true, text[len(text)-1]
	}
	if l.err == io.EOF && l.any && l.last != '\n' {
		l.last = '\n'
		text = append(text[:len(text):len(text)], '\r', '\n')
	}
	return text
}

// settle normalises text, which does not end in a CR that still waits for its LF.
func (l *lines) settle(text []byte) []byte {
	if bytes.IndexByte(text, 0) >= 0 {
		l.err = ErrNUL
		return nil
	}
	lf, lone := 0, 0
	for pos := 0; ; lf++ {
		nl := bytes.IndexByte(text[pos:], '\n')
		if nl < 0 {
			break
		}
		if pos += nl; pos == 0 || text[pos-1] != '\r' {
			lone++
		}
		pos++
	}
	// CRs directly before CRLF are dropped, as a file with CRLF that a program
	// sends line by line has them; any other becomes a space.
	loneCR := bytes.Count(text, []byte{'\r'}) > lf-lone
	if lone == 0 && !loneCR {
		return text
	}
	if l.reject {
		l.err = ErrBareNewline
		return nil
	}
	if loneCR {
		text = withoutLoneCR(text)
	}
	if lone == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+lone)
	for i, c := range text {
		if c == '\n' && (i == 0 || text[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// maxHeldCR is how many CRs wait for what follows them. Of a longer run the
// first ones are not taken for a part of a line end.
const maxHeldCR = 8

// withoutLoneCR works in place: the text only gets shorter.
func withoutLoneCR(text []byte) []byte {
	out := text[:0]
	for i := 0; i < len(text); i++ {
		if text[i] != '\r' {
			out = append(out, text[i])
			continue
		}
		end := i
		for end < len(text) && text[end] == '\r' {
			end++
		}
		lone := end - i
		if end < len(text) && text[end] == '\n' {
			lone = max(0, lone-maxHeldCR)
		}
		for range lone {
			out = append(out, ' ')
		}
		if end < len(text) && text[end] == '\n' {
			out = append(out, '\r')
		}
		i = end - 1
	}
	return out
}
