package smtpd

import (
	"bytes"
	"errors"
	"time"

	"github.com/emersion/go-smtp"
)

// A program that hands a file with CRLF line ends to a mailer that adds its own
// CR sends lines that end in CR CR LF, and CR CR LF . CR LF at the end of data.
// go-smtp takes neither for a line end, so such a client would wait for ever.
//
// That sequence ends the data only when nothing follows it: a relay in front
// that takes it for text sends on, and what it sends must not become commands.
// So it is believed after a silence, nothing that comes meanwhile is read, and
// the connection ends with the reply.

// crcrDot is how the data of such a client ends.
const crcrDot = "\r\r\n.\r\n"

// crcrSilence is how long nothing may follow.
const crcrSilence = time.Second

var (
	replyCRCR = &reply{421, smtp.EnhancedCode{4, 5, 0}, "lines end in CR CR LF: one message for each connection"}
	// errCRCR is what reads return where such data has ended.
	errCRCR = errors.New("end of data after CR CR LF")
)

// crcr follows a message by DATA. Its zero value stands at the beginning of one.
type crcr struct {
	twice bool // the message may hold CR CR
	seen  int  // bytes of crcrDot that came last
	ended bool // the silence behind it was long enough
}

// complete says whether the message ends here, when nothing follows.
func (c *crcr) complete() bool { return c.seen == len(crcrDot) }

// follow looks for the end in p, where two CRs may first stand together at begin,
// and says whether nothing stands behind it there.
func (c *crcr) follow(p []byte, begin int) bool {
	if c.twice {
		begin = 0 // p goes on with what came before
	}
	for i := begin; i < len(p); i++ {
		if c.seen == 0 {
			if i = beginOf(p, i); i == len(p) {
				return true
			}
			c.twice = true
		}
		b := p[i]
		switch {
		case c.complete():
			return false
		case b == crcrDot[c.seen]:
			c.seen++
		case b == '\r' && c.seen == 2: // one more CR
		case b == '\r':
			c.seen = 1
		default:
			c.seen = 0
		}
	}
	return true
}

// beginOf returns where in p, from i on, CR CR may begin, or len(p).
func beginOf(p []byte, i int) int {
	if n := bytes.Index(p[i:], []byte("\r\r")); n >= 0 {
		return i + n
	}
	if len(p) > i && p[len(p)-1] == '\r' {
		return len(p) - 1
	}
	return len(p)
}

// silence waits for what follows the end.
func (d *dialogue) silence() error {
	silent := false
	if d.in.Buffered() == 0 {
		var err error
		if silent, err = d.silent(crcrSilence); err != nil {
			return errLost
		}
	}
	if !silent {
		return d.fail(replyTalking)
	}
	d.crcr.ended = true
	d.endAfterReply(replyCRCR)
	return errCRCR
}

// unstuffer takes the doubled dot (RFC 5321 section 4.5.2) off lines behind one
// that ends in CR CR LF, which go-smtp leaves on.
type unstuffer struct {
	crs   int    // CRs just before
	start bool   // of a line, behind CR CR LF
	held  []byte // what follows a dot that was taken off, as long as it may be the end
}

// take writes what it makes of in to out, which may begin len(held) before in in
// the same buffer.
func (u *unstuffer) take(out, in []byte) []byte {
	for i := 0; i < len(in); i++ {
		if !u.start && u.crs == 0 && len(u.held) == 0 {
			next := beginOf(in, i)
			out = append(out, in[i:next]...)
			if i = next; i == len(in) {
				break
			}
		}
		b := in[i]
		switch {
		case u.start && b == '.':
			u.start = false
			u.held = append(u.held[:0], '.')
			continue
		case len(u.held) == 1 && b == '\r', len(u.held) == 2 && b == '\n':
			u.held = append(u.held, b)
			continue
		case len(u.held) > 0:
			// It was no end.
			out = append(out, u.held[1:]...)
			if u.crs = 0; len(u.held) == 2 {
				u.crs = 1
			}
			u.held = u.held[:0]
		}
		u.start = b == '\n' && u.crs > 1
		if b == '\r' {
			u.crs++
		} else {
			u.crs = 0
		}
		out = append(out, b)
	}
	return out
}
