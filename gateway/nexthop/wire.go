package nexthop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	wireBuffer = 32 << 10
	// replyLimit bounds the bytes of the replies to one write. A reply line
	// has at most 512 (RFC 5321 section 4.5.3.1.5).
	replyLimit = 64 << 10
)

var (
	errReplyTooLong = errors.New("reply is too long")
	errOutOfStep    = errors.New("reply without a command")
)

// wire is the connection below the go-smtp client and works around what the client
// leaves open: every block that is written has a deadline, replies are bounded
// and handed over one by one so that one too many is noticed and never taken
// for the answer to the next command, and the client's EHLO is answered from
// what the dialogue before it said.
//
// It is used by one goroutine at a time, but for Close.
type wire struct {
	net.Conn
	writeTimeout time.Duration
	limit        int // bytes that may be read until the next write

	out []byte // staged, not written yet

	in         [4 << 10]byte
	start, end int // unread bytes of in
	column     int // of the reply line that is handed over
	more       bool
	taken      int // bytes read since the last write

	hello  []byte // replies the client's greeting and EHLO get; nil: EHLO goes out
	replay []byte // rest of what is being replayed
}

func newWire(c net.Conn, writeTimeout time.Duration) *wire {
	return &wire{Conn: c, writeTimeout: writeTimeout, limit: replyLimit}
}

// Read returns at most the rest of one reply.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.replay) > 0 {
		n := copy(p, w.replay)
		w.replay = w.replay[n:]
		return n, nil
	}
	if w.start == w.end {
		if w.taken > w.limit {
			return 0, errReplyTooLong
		}
		n, err := w.Conn.Read(w.in[:])
		if n == 0 {
			return 0, err
		}
		w.start, w.end = 0, n
		w.taken += n
	}
	n := min(len(p), w.replyEnd())
	copy(p, w.in[w.start:w.start+n])
	w.start += n
	return n, nil
}

// replyEnd returns how many unread bytes belong to the current reply: up to
// the end of the first line whose code is not followed by a hyphen.
func (w *wire) replyEnd() int {
	for i, c := range w.in[w.start:w.end] {
		if c == '\n' {
			last := !w.more
			w.column, w.more = 0, false
			if last {
				return i + 1
			}
			continue
		}
		if w.column == 3 {
			w.more = c == '-'
		}
		w.column++
	}
	return w.end - w.start
}

// Write sends what was staged and p.
func (w *wire) Write(p []byte) (int, error) {
	if w.hello != nil && isHello(p) {
		w.replay = w.hello
		return len(p), nil
	}
	if w.start != w.end {
		return 0, errOutOfStep
	}
	w.taken = 0
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

// SetDeadline sets the deadline for replies. The client clears it after every
// command and would write the message without any; writes have their own.
func (w *wire) SetDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	return w.Conn.SetReadDeadline(t)
}

func isHello(p []byte) bool {
	return bytes.HasPrefix(p, []byte("EHLO ")) || bytes.HasPrefix(p, []byte("LHLO ")) || bytes.HasPrefix(p, []byte("HELO "))
}
