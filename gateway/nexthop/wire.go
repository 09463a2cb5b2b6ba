package nexthop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	wireBuffer = 32 << 10
	// maxReplyLine is eight times what RFC 5321 section 4.5.3.1.5 allows.
	maxReplyLine = 4 << 10
	// replyLimit bounds the bytes of one reply.
	replyLimit = 64 << 10
)

// wire is the connection to a hop: every block that is written has a deadline,
// and replies are bounded and read one by one, so that one too many is noticed
// and never taken for the answer to the next command.
//
// It is used by one goroutine at a time, but for Close and cut.
type wire struct {
	net.Conn
	base         *polled // below TLS; nil: only what was read is known to have come
	writeTimeout time.Duration

	out []byte // staged, not written yet

	in         [maxReplyLine]byte
	start, end int       // unread bytes of in
	deadline   time.Time // for reads
}

func newWire(c net.Conn, base *polled, writeTimeout time.Duration) *wire {
	return &wire{Conn: c, base: base, writeTimeout: writeTimeout}
}

// cut ends the connection. When it returns nothing more is written, and a write that
// was under way has ended. It goes below TLS, whose Close first waits to say so.
func (w *wire) cut() {
	if w.base != nil {
		_ = w.base.Conn.Close()
		return
	}
	_ = w.Conn.Close()
}

// unread says whether bytes wait that were read from the connection.
func (w *wire) unread() bool { return w.start != w.end }

// quiet returns nil when the hop said nothing since its last reply, which is
// when a command may be sent: else the next reply would be that to another
// command.
func (w *wire) quiet() error {
	if !w.unread() && w.base != nil {
		// After its deadline a connection is not even looked at.
		if now := time.Now(); !now.Before(w.deadline) {
			w.deadline = now.Add(time.Minute)
			if err := w.Conn.SetReadDeadline(w.deadline); err != nil {
				return err
			}
		}
		w.base.now = true
		n, err := w.Conn.Read(w.in[:])
		w.base.now = false
		w.start, w.end = 0, n
		if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	if !w.unread() {
		return nil
	}
	// A server that goes away says so at any time (RFC 5321 section 3.8).
	if code, _, text, err := replyLine(w.in[w.start:w.end]); err == nil && code == 421 {
		return reply{code, text}.refused()
	}
	return errOutOfStep
}

// reply reads one reply. Lines within it that belong to none are read over, as
// other clients do.
func (w *wire) reply(timeout time.Duration) (reply, error) {
	w.deadline = time.Now().Add(timeout)
	if err := w.Conn.SetReadDeadline(w.deadline); err != nil {
		return reply{}, err
	}
	var r reply
	for taken, first := 0, true; ; first = false {
		line, err := w.line()
		if err != nil {
			return reply{}, err
		}
		if taken += len(line); taken > replyLimit {
			return reply{}, errReplyTooLong
		}
		code, more, text, err := replyLine(line)
		switch {
		case err != nil && !first:
			continue
		case err != nil:
			return reply{}, err
		case first:
			r.text = text
		case code/100 != r.code/100:
			return reply{}, errors.New("reply with several codes")
		default:
			r.text += "\n" + text
		}
		if r.code = code; !more {
			return r, nil
		}
	}
}

// line reads one line, with its end. It is valid until the next read.
func (w *wire) line() ([]byte, error) {
	for seen := 0; ; {
		if i := bytes.IndexByte(w.in[w.start+seen:w.end], '\n'); i >= 0 {
			line := w.in[w.start : w.start+seen+i+1]
			w.start += len(line)
			return line, nil
		}
		seen = w.end - w.start
		if seen == len(w.in) {
			return nil, errReplyTooLong
		}
		if w.start > 0 {
			copy(w.in[:], w.in[w.start:w.end])
			w.start, w.end = 0, seen
		}
		n, err := w.Conn.Read(w.in[w.end:])
		if n == 0 && err != nil {
			return nil, err
		}
		w.end += n
	}
}

// Write sends what was staged and p.
func (w *wire) Write(p []byte) (int, error) {
	if len(w.out) == 0 {
		return w.send(p)
	}
	w.out = append(w.out, p...)
	_, err := w.send(w.out)
	w.out = w.out[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// stage keeps p for the next Write, or sends it when enough is together.
func (w *wire) stage(p []byte) error {
	if w.out == nil {
		w.out = make([]byte, 0, wireBuffer+512)
	}
	for len(p) > 0 {
		n := min(len(p), wireBuffer-len(w.out))
		w.out = append(w.out, p[:n]...)
		p = p[n:]
		if len(w.out) == wireBuffer {
			if _, err := w.send(w.out); err != nil {
				return err
			}
			w.out = w.out[:0]
		}
	}
	return nil
}

func (w *wire) send(p []byte) (int, error) {
	if err := w.Conn.SetWriteDeadline(time.Now().Add(w.writeTimeout)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(p)
	if err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	return n, nil
}
