package smtpd

import "bytes"

// overlook blanks parameters of commands that go-smtp refuses, and with them the
// sender or recipient, though they change nothing here: AUTH of MAIL names who
// wrote the message, which nobody has to believe (RFC 4954 section 5), and ORCPT
// with an address of another kind only names it in notifications (RFC 3461
// section 4.2). p begins with a command; it is changed in place and
// keeps its length. A writer may not do that, but no other place sees commands in
// clear before go-smtp does: io.TeeReader shows the tap the reader's own buffer.
func overlook(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 || is(p, "DATA") || is(p, "BDAT") {
			return
		}
		line := p[:end]
		switch {
		case is(line, "MAIL"):
			blank(line, "AUTH=", func([]byte) bool { return true })
		case is(line, "RCPT"):
			blank(line, "ORCPT=", oddAddress)
		}
		p = p[end+1:]
	}
}

// blank writes spaces over the parameters that begin with a name and have a
// value that is to go.
func blank(line []byte, name string, goes func(value []byte) bool) {
	for rest := behindPath(line); len(rest) > 0; {
		begin := bytes.IndexFunc(rest, func(r rune) bool { return r != ' ' && r != '\t' })
		if begin < 0 {
			return
		}
		end := bytes.IndexAny(rest[begin:], " \t\r")
		if end < 0 {
			end = len(rest) - begin
		}
		word := rest[begin : begin+end]
		if is(word, name) && goes(word[len(name):]) {
			copy(word, bytes.Repeat([]byte{' '}, len(word)))
		}
		rest = rest[min(begin+end+1, len(rest)):]
	}
}

// behindPath is what follows the address. A quoted local part may hold ">".
func behindPath(line []byte) []byte {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quoted:
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '>' && !quoted:
			return line[i+1:]
		}
	}
	return nil
}

// oddAddress says whether go-smtp takes no ORCPT with this value although it is
// one: of a type other than rfc822 and utf-8, or not of US-ASCII.
func oddAddress(value []byte) bool {
	kind, address, ok := bytes.Cut(value, []byte(";"))
	switch {
	case !ok || len(kind) == 0 || len(address) == 0 || bytes.EqualFold(kind, []byte("utf-8")):
		return false
	case !bytes.EqualFold(kind, []byte("rfc822")):
		return true
	}
	for i, b := range address {
		if b >= 0x80 || b == '+' && i+2 < len(address) && address[i+1] >= '8' {
			return true // xtext: "+" and two hexadecimal digits
		}
	}
	return false
}
