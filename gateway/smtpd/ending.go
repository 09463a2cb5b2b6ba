package smtpd

import "bytes"

// ending finds the end of a message by DATA where go-smtp finds it. Its zero value
// stands at the beginning of a message. Only CR LF . CR LF ends one (RFC 5321
// section 4.1.1.4); who takes more or less for an end than the server behind it
// lets messages be smuggled (CVE-2023-51764).
type ending struct {
	begun bool
	at    place
}

// inside says whether a message was begun and goes on.
func (e *ending) inside() bool { return e.begun && e.at != atEnd }

// place is where in a line the next byte stands. The states are those of go-smtp's
// dataReader, which net/textproto has, too.
type place int

const (
	atBegin place = iota // of a line
	afterDot
	afterDotCR
	afterCR // which may end the line
	inLine
	atEnd // of the message
)

// scan returns how many bytes of p belong to the message, with its end, and where
// in them two CRs may first stand together, or their number.
func (e *ending) scan(p []byte) (n, twice int) {
	e.begun, twice = true, len(p)
	for i := 0; i < len(p); i++ {
		if e.at == inLine {
			next := bytes.IndexByte(p[i:], '\r')
			if next < 0 {
				return len(p), twice
			}
			i += next
		}
		if p[i] == '\r' && (e.at == afterCR || e.at == afterDotCR) && twice == len(p) {
			twice = max(i-1, 0)
		}
		if e.at = e.at.after(p[i]); e.at == atEnd {
			return i + 1, min(twice, i+1)
		}
	}
	if e.at == afterCR || e.at == afterDotCR {
		twice = min(twice, max(len(p)-1, 0))
	}
	return len(p), twice
}

// after is the place behind b.
func (at place) after(b byte) place {
	switch {
	case at == atBegin && b == '.':
		return afterDot
	case at == afterDot && b == '\r':
		return afterDotCR
	case at == afterDotCR && b == '\n':
		return atEnd
	case at == afterCR && b == '\n':
		return atBegin
	case (at == atBegin || at == inLine) && b == '\r':
		return afterCR
	}
	return inLine
}
