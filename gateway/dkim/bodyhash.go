package dkim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
)

// BodyHash computes the SHA-256 of a body in relaxed form (RFC 6376 section
// 3.4.4) as the body streams by. Make one with [NewBodyHash].
//
// Runs of SP and HTAB become one SP, those at line ends and all empty lines at
// the end of the body go, and a body without a final CRLF gets one. A body that
// is empty then stays empty. Write may cut the body anywhere.
type BodyHash struct {
	h hash.Hash

	// What was read and not yet hashed, in this order: line ends, white space,
	// a CR whose LF may follow.
	ends    int
	blank   bool
	cr      bool
	started bool // something was hashed: a final CRLF is due

	// staged gathers small pieces, since hashing each alone would be slow.
	staged [1024]byte
	n      int
}

var _ io.Writer = (*BodyHash)(nil)

// NewBodyHash returns a BodyHash that has read nothing.
func NewBodyHash() *BodyHash { return &BodyHash{h: sha256.New()} }

// Write adds a piece of the body. It never fails.
func (b *BodyHash) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		c := p[0]
		if b.cr && c != '\n' {
			b.literalCR()
		}
		n := 1
		switch c {
		case ' ', '\t':
			b.blank = true
			for n < len(p) && isBlank(p[n]) {
				n++
			}
		case '\r':
			b.cr = true
		case '\n':
			b.ends++
			b.blank, b.cr = false, false
		default:
			b.settle()
			n = cleanPrefix(p)
			b.emit(p[:n])
		}
		p = p[n:]
	}
	return written, nil
}

// Clone returns a BodyHash that has read the same. The two go on apart.
func (b *BodyHash) Clone() *BodyHash {
	c := *b
	// Every hash of the standard library is a Cloner, and its Clone never fails.
	c.h, _ = b.h.(hash.Cloner).Clone()
	return &c
}

// Sum returns the 32 bytes of the hash of what was written so far.
func (b *BodyHash) Sum() []byte {
	end := b.Clone()
	if end.cr {
		end.literalCR()
	}
	if end.started {
		end.emitShort("\r\n")
	}
	end.flush()
	return end.h.Sum(nil)
}

// literalCR takes the pending CR for a byte of the text, which it is when no
// LF follows.
func (b *BodyHash) literalCR() {
	b.settle()
	b.cr = false
	b.emitShort("\r")
}

// settle hashes the pending line ends and white space, since text follows them.
func (b *BodyHash) settle() {
	b.started = true
	for ; b.ends > 0; b.ends-- {
		b.emitShort("\r\n")
	}
	if b.blank {
		b.emitShort(" ")
		b.blank = false
	}
}

// emit hashes p; what is short waits in staged.
func (b *BodyHash) emit(p []byte) {
	if len(p) > len(b.staged)-b.n {
		b.flush()
		if len(p) >= len(b.staged) {
			b.h.Write(p)
			return
		}
	}
	b.n += copy(b.staged[b.n:], p)
}

// emitShort is emit for a few bytes.
func (b *BodyHash) emitShort(s string) {
	if len(s) > len(b.staged)-b.n {
		b.flush()
	}
	b.n += copy(b.staged[b.n:], s)
}

func (b *BodyHash) flush() {
	b.h.Write(b.staged[:b.n])
	b.n = 0
}

// cleanPrefix returns the length of the longest start of p that is in relaxed
// form already whatever comes after p. p starts with neither white space nor a
// line end, so the result is never 0. It ends with text, not with a line end
// or white space.
func cleanPrefix(p []byte) int {
	// A long line is looked at in pieces: it could otherwise be searched for
	// its end once for each of its bytes.
	const longest = 1024
	clean := 0 // end of the last text that is known to be clean
	for start := 0; ; {
		line := p[start:min(start+longest, len(p))]
		lf := bytes.IndexByte(line, '\n')
		if lf < 0 {
			text := line
			if len(text) > 0 && text[len(text)-1] == '\r' {
				text = text[:len(text)-1]
			}
			return cleanEnd(text, start, clean)
		}
		text := line[:lf]
		if len(text) == 0 || text[len(text)-1] != '\r' {
			return cleanEnd(text, start, clean)
		}
		text = text[:len(text)-1]
		if len(text) > 0 {
			end := cleanEnd(text, start, clean)
			if end != start+len(text) {
				return end
			}
			clean = end
		}
		start += lf + 1
	}
}

// cleanEnd returns where, counted from the start of p, the clean text at the
// start of a line ends; clean when there is none.
func cleanEnd(text []byte, start, clean int) int {
	if n := cleanText(text); n > 0 {
		return start + n
	}
	return clean
}

// cleanText returns the length of the start of text, a line or the beginning
// of one, before the first white space that relaxed form changes or may
// change: a tab, a blank before another one, a blank at the end.
func cleanText(text []byte) int {
	i := 0
	if n := len(text); n > 8 && !isBlank(text[n-1]) {
		if i = cleanWords(text); i == n {
			return n
		}
	}
	for ; i < len(text); i++ {
		switch text[i] {
		case '\t':
			if i > 0 && text[i-1] == ' ' {
				return i - 1
			}
			return i
		case ' ':
			if i+1 == len(text) || isBlank(text[i+1]) {
				return i
			}
		}
	}
	return len(text)
}

// cleanWords returns the length of a start of text that holds no tab, and whose
// blanks have no other one behind them. It looks at many bytes at a time and
// may stop too early, never too late. text has at least nine bytes, and its
// last one is not white space.
func cleanWords(text []byte) int {
	i := 0
	if last := len(text) - 33; last >= 0 {
		for {
			b := (*[33]byte)(text[i:])
			if suspicious(b[0:9])|suspicious(b[8:17])|suspicious(b[16:25])|suspicious(b[24:33]) != 0 {
				return i
			}
			if i == last {
				return len(text)
			}
			i = min(i+32, last) // some bytes a second time at the end
		}
	}
	for last := len(text) - 9; ; i = min(i+8, last) {
		if suspicious(text[i:i+9]) != 0 {
			return i
		}
		if i == last {
			return len(text)
		}
	}
}

// suspicious is not 0 when one of the first eight of nine bytes is a control
// character, such as a tab, or a blank with a blank behind it.
func suspicious(nine []byte) uint64 {
	const (
		ones   = 0x0101010101010101
		highs  = 0x8080808080808080
		blanks = ones * ' '
	)
	word := binary.LittleEndian.Uint64(nine)
	next := binary.LittleEndian.Uint64(nine[1:9])
	pair := (word ^ blanks) | (next ^ blanks) // a byte of it is 0 where two blanks meet
	control := (word - blanks) &^ word        // the high bit of a byte below a blank, if all before it are above
	return ((pair-ones)&^pair | control) & highs
}
