package smtpd

import (
	"bytes"
	"strconv"

	"github.com/emersion/go-smtp"
)

// maxLine is how long a command may grow. It is far over what RFC 5321 asks
// for, since a block of a BDAT chunk can pass here before the session gets it.
const maxLine = 64 << 10

// tap is the Debug writer of go-smtp: it sees the bytes of both directions in
// clear, each after it was read or written. It never fails. What was read it sees
// in the buffer of the reader, before go-smtp does: see [overlook].
type tap struct{ c *conn }

// Write sees bytes.
func (t tap) Write(p []byte) (int, error) {
	if fault := t.look(p); fault != nil {
		t.c.stats.Misbehaved.Add(1)
		t.c.hangUp(fault)
	}
	return len(p), nil
}

func (t tap) look(p []byte) *reply {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unseen = false
	if c.wrote {
		// go-smtp writes a reply below before it shows it here. A write that
		// TLS makes on its own only lets the next read pass unseen.
		c.wrote, c.greeted = false, true
		// A reply that comes before any command under TLS says in clear that
		// the handshake failed. Nothing good can follow.
		c.closed = c.closed || c.secret
		return nil
	}
	c.secret = false
	if c.await {
		c.await = false
		if !c.body { // DATA came with others before it, and this is the message
			if fault := c.command(p); fault != nil {
				return fault
			}
		}
	}
	if c.body {
		c.line = 0
		if fault := c.follow(p); fault != nil {
			return fault
		}
		// Between two chunks of BDAT a command can come, too: what the session
		// does not get of the message is such a line.
		if c.tapped += int64(len(p)); c.bodies > 0 && c.pipe != nil && c.tapped-c.taken > maxLine {
			return replyLongLine
		}
		return nil
	}
	if end := bytes.LastIndexByte(p, '\n'); end >= 0 {
		c.line = 0
		p = p[end+1:]
	}
	if c.line += len(p); c.line > maxLine {
		return replyLongLine
	}
	return nil
}

// command looks at the bytes that begin with a command. A client that goes on
// before the reply to EHLO or STARTTLS either injects commands (CVE-2011-0411,
// CVE-2021-38371) or does not listen (RFC 2920 section 3.1, RFC 3207 section
// 4). Only what came in the same piece can be seen; go-smtp throws away what
// it has buffered when TLS begins.
func (c *conn) command(p []byte) *reply {
	first, rest, _ := bytes.Cut(p, []byte("\n"))
	if !c.hello {
		if is(first, "HELO") || is(first, "EHLO") {
			c.helo = is(first, "HELO")
		}
		if len(rest) > 0 {
			return replyTalking
		}
	}
	if !c.mail && len(rest) > 0 && is(first, "STARTTLS") {
		return replyTalking
	}
	overlook(p)
	return chunks(p)
}

// replyChunk ends a session in which nobody knows where a message begins.
var replyChunk = &reply{501, smtp.EnhancedCode{5, 5, 4}, "invalid BDAT command"}

// chunks looks for a BDAT that go-smtp cannot read among commands that come
// together. It would take the chunk behind it for commands (RFC 3030 section 2).
func chunks(p []byte) *reply {
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		switch {
		case !whole, is(line, "DATA"):
			return nil
		case is(line, "BDAT"):
			if !isChunk(line[len("BDAT"):]) {
				return replyChunk
			}
			return nil // its bytes follow
		}
		p = rest
	}
	return nil
}

// isChunk says whether BDAT can be read: a size, and perhaps LAST.
func isChunk(args []byte) bool {
	words := bytes.Fields(args)
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && !bytes.EqualFold(words[1], []byte("LAST")) {
		return false
	}
	_, err := strconv.ParseUint(string(words[0]), 10, 32)
	return err == nil
}

// is says whether line begins with a command, in any case, as go-smtp sees it.
func is(line []byte, command string) bool {
	return len(line) >= len(command) && bytes.EqualFold(line[:len(command)], []byte(command))
}
