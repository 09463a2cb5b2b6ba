package smtpd

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// dialogue is what go-smtp gets for a connection: it stands between the client
// and go-smtp, above TLS. Commands go through it one line at a time, so that each
// can be looked at, and corrected, before go-smtp reads it, and what was sent behind
// it stays here. A message goes through up to its end and no further.
//
// go-smtp sets a read deadline before each line it reads as a command or as a
// response to AUTH, and at no other time. That call is the mark between commands;
// the deadline itself is not used. A read without a mark is of a message. Where
// that does not fit what the client was seen to send, the connection ends: a
// guess could make commands of a message.
//
// STARTTLS ends a dialogue. Another begins under TLS, which knows nothing of the
// first (RFC 3207 section 4.2).
//
// All but Close is for the goroutine of go-smtp that reads commands.
type dialogue struct {
	*conn
	name   string // ours
	tls    *tls.Config
	secure bool // TLS is on
	quiet  bool // the greeting was said before TLS began

	in     *bufio.Reader
	marked bool   // a line comes next
	rest   []byte // of a line, still to be read
	sasl   bool   // the next line is a response to AUTH
	hello  bool   // EHLO or HELO was answered
	helo   bool   // it was HELO
	now    command
	left   uint64 // bytes of a chunk by BDAT
	end    ending // of a message by DATA
	crcr   crcr   // the same
	goesOn bool   // a reply has more lines

	once    sync.Once
	done    chan struct{} // closed by Close
	upgrade bool          // STARTTLS was answered; set before Close
}

// Longest lines with their ends, in bytes. RFC 5321 section 4.5.3.1.4 has 512 for
// a command, and each extension adds some: all together they stay under 2048,
// which is what Postfix takes.
const (
	maxLine     = 2048
	maxAuthLine = 12288 // RFC 4954 section 4
)

func (s *Server) newDialogue(c *conn, secure, quiet bool) *dialogue {
	d := &dialogue{conn: c, name: s.Hostname, tls: s.tls, secure: secure, quiet: quiet, done: make(chan struct{})}
	d.in = bufio.NewReaderSize(c, 16<<10) // a TLS record, and any line
	return d
}

var (
	replyTalking  = &reply{554, smtp.EnhancedCode{5, 5, 0}, "command sent before the reply (improper pipelining)"}
	replyLongLine = &reply{500, smtp.EnhancedCode{5, 5, 2}, "line too long"}
	replyLost     = &reply{421, smtp.EnhancedCode{4, 4, 2}, "connection lost"}
	replyTimeout  = &reply{421, smtp.EnhancedCode{4, 4, 2}, "timeout exceeded"}
	replyPlace    = &reply{421, smtp.EnhancedCode{4, 3, 0}, "cannot tell commands from the message"}
)

// SetReadDeadline is the mark between commands.
func (d *dialogue) SetReadDeadline(time.Time) error {
	inside := d.marked || len(d.rest) > 0 || d.left > 0 || d.end.inside()
	if err := d.mark(d.in.Buffered() == 0); err != nil {
		return err
	}
	if inside {
		return d.fail(replyPlace)
	}
	d.marked = true
	return nil
}

// Read gives what go-smtp asks for, and nothing beyond it.
func (d *dialogue) Read(p []byte) (int, error) {
	switch {
	case len(d.rest) > 0:
	case d.marked:
		d.marked = false
		if err := d.readLine(); err != nil {
			return 0, err
		}
	case d.now.is("BDAT"):
		return d.readChunk(p)
	case d.now.is("DATA"):
		return d.readData(p)
	default:
		return 0, d.fail(replyPlace)
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// readLine reads a line and corrects it. A line without end is none.
func (d *dialogue) readLine() error {
	line, err := d.in.ReadSlice('\n')
	most := maxLine
	if d.sasl || is(line, "AUTH") {
		most = maxAuthLine
	}
	switch {
	case len(line) > most:
		return d.fail(replyLongLine)
	case err != nil:
		return err // go-smtp answers a timeout well
	}
	d.end, d.crcr = ending{}, crcr{}
	var fault *reply
	if d.sasl {
		d.sasl = false
		d.now, d.rest = response(line)
	} else {
		d.now, d.rest, fault = d.command(line)
	}
	switch {
	case fault != nil:
		return d.fail(fault)
	case d.upgrade:
		if _, err := d.conn.Write([]byte("220 2.0.0 Ready to start TLS\r\n")); err != nil {
			d.upgrade = false
		}
		return io.EOF
	}
	return nil
}

// readChunk reads from a chunk of a message.
func (d *dialogue) readChunk(p []byte) (int, error) {
	if d.left == 0 {
		return 0, d.fail(replyPlace)
	}
	n, err := d.in.Read(p[:min(uint64(len(p)), d.left)])
	d.left -= uint64(n)
	return n, lost(err)
}

// readData reads from a message by DATA.
func (d *dialogue) readData(p []byte) (int, error) {
	switch {
	case d.crcr.ended:
		return 0, errCRCR
	case d.crcr.complete():
		return 0, d.silence()
	case d.end.at == atEnd:
		return 0, d.fail(replyPlace)
	}
	if _, err := d.in.Peek(1); err != nil {
		return 0, lost(err)
	}
	text, _ := d.in.Peek(min(d.in.Buffered(), len(p)))
	n, twice := d.end.scan(text)
	text = text[:n]
	if !d.crcr.follow(text, twice) {
		return 0, d.fail(replyTalking)
	}
	copy(p, text)
	d.in.Discard(n)
	if d.end.at == atEnd && d.crcr.complete() { // CR CR CR LF is a line end to go-smtp
		if err := d.silence(); err != errCRCR {
			return 0, err
		}
	}
	return n, nil
}

// What a read returns to go-smtp when the connection failed inside a message: an
// error of its own type, because it sends the text of any other to the client, and
// takes io.EOF for the end of a chunk.
var (
	errTimeout = replyTimeout.smtp()
	errLost    = replyLost.smtp()
)

func lost(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTimeout
	}
	return errLost
}

// fail ends the connection for what the client did. go-smtp takes the error
// without a word.
func (d *dialogue) fail(r *reply) error {
	d.stats.Misbehaved.Add(1)
	d.hangUp(r)
	return net.ErrClosed
}

// Write takes one line of a reply, and sends the reply when it is whole. The only
// one of more lines is that to EHLO, which offers here what go-smtp would offer
// only if it knew of TLS. Replies to commands that came together go out together
// (RFC 2920 section 3.2).
func (d *dialogue) Write(p []byte) (int, error) {
	if d.quiet {
		d.quiet = false
		return len(p), nil
	}
	d.sasl = bytes.HasPrefix(p, []byte("334 "))
	if len(p) > 3 && p[3] == '-' {
		offer := ""
		switch {
		case d.goesOn:
		case d.secure:
			offer = "250-REQUIRETLS\r\n"
		case d.tls != nil:
			offer = "250-STARTTLS\r\n"
		}
		d.goesOn = true
		return len(p), d.hold(append(p[:len(p):len(p)], offer...))
	}
	d.goesOn = false
	if d.now.is("MAIL") || d.now.is("RCPT") || d.now.is("RSET") {
		return len(p), d.hold(p)
	}
	return d.conn.Write(p)
}

// SetWriteDeadline does nothing: each reply has the deadline of the limits.
func (d *dialogue) SetWriteDeadline(time.Time) error { return nil }

// Close ends the dialogue, and the connection unless it goes on under TLS.
func (d *dialogue) Close() error {
	d.once.Do(func() { close(d.done) })
	if d.upgrade {
		return nil
	}
	if t, ok := d.wire.(*tls.Conn); ok {
		t.CloseWrite()
	}
	return d.conn.Close()
}
