package smtpd

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// conn is one connection, from its beginning to its end and with TLS or without.
// It limits how long reads may take, ends the connection when there is cause, and
// knows whether the client is still there. What is said over it is a [dialogue].
type conn struct {
	net.Conn
	limits   Config
	most     int64 // bytes between two marks
	places   *places
	stats    *Stats
	addr     netip.Addr
	implicit bool
	held     []byte // replies that go out with the next one, or before a read; for the goroutine that reads

	mu       sync.Mutex
	wire     net.Conn       // what is read and written: the connection itself or TLS over it; nil: a handshake runs
	full     bool           // the transaction has all the recipients it may have
	bodies   int            // messages being read by the session
	pipe     *io.PipeReader // of a message by BDAT that was not read to its end
	closed   bool           // nothing is read any more
	drain    bool           // the next command is not read
	stranger bool           // it has the place of one
	blocked  bool           // a read waits for the client
	began    time.Time      // that read
	fresh    bool           // nothing has come since the mark
	idle     int            // commands without progress
	spent    time.Duration
	octets   int64
	last     *reply // said before the connection ends, at the next mark

	saying  sync.Mutex     // held while last words are said: Close waits for them
	reading sync.WaitGroup // bodies
}

func (s *Server) newConn(raw net.Conn, implicit bool) *conn {
	return &conn{
		Conn: raw, wire: raw, limits: s.limits, most: 4*int64(s.MaxMessageSize) + 1<<20, places: &s.places, stats: s.Stats,
		addr: addrOf(raw), implicit: implicit,
	}
}

func addrOf(c net.Conn) netip.Addr {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// Replies that conn gives by itself.
var (
	replyDrain = &reply{421, smtp.EnhancedCode{4, 3, 2}, "service not available, shutting down"}
	replyIdle  = &reply{421, smtp.EnhancedCode{4, 7, 0}, "too many commands without a message"}
)

// mark begins the wait for a command. It ends the connection when that is due.
// fresh: nothing of the command has come.
func (c *conn) mark(fresh bool) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.fresh, c.spent, c.octets = fresh, 0, 0
	last := c.last
	switch {
	case last != nil:
	case c.drain && c.bodies == 0:
		last = replyDrain
	case !c.full && c.bodies == 0:
		if c.idle++; c.idle > c.pace().commands {
			last = replyIdle
			c.stats.Misbehaved.Add(1)
		}
	}
	c.mu.Unlock()
	if last == nil {
		return nil
	}
	c.hangUp(last)
	return net.ErrClosed
}

// Read reads with the deadlines of the limits. Time counts while it waits for
// the client, not while we are busy. Its errors are a timeout and, for all others,
// io.EOF. After an error nothing is read any more: go-smtp would take the rest of
// a message for commands.
func (c *conn) Read(p []byte) (int, error) {
	c.flush()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, io.EOF
	}
	wait := c.patience()
	wire := c.wire
	n, err := 0, error(os.ErrDeadlineExceeded)
	c.blocked, c.began = true, time.Now()
	if wait > 0 {
		err = c.Conn.SetReadDeadline(c.began.Add(wait))
	}
	c.mu.Unlock()

	if err == nil {
		n, err = wire.Read(p)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = false
	if c.closed {
		return 0, io.EOF
	}
	if !c.fresh || n == 0 {
		c.spent += time.Since(c.began) // a pause before a command does not count as slowness
	}
	c.octets += int64(n)
	c.fresh = c.fresh && n == 0
	if err == nil || n > 0 {
		return n, nil
	}
	c.closed = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.stats.Timeouts.Add(1)
		return 0, os.ErrDeadlineExceeded
	}
	return 0, io.EOF
}

// patience is how long the next read may take: a command as long as a client
// may be idle, a block of a message DataTimeout, and everything since the mark
// must keep to the least rate after that. A message that goes on far beyond
// the largest, which go-smtp reads to its end before it refuses it, ends it.
func (c *conn) patience() time.Duration {
	if c.octets > c.most {
		return 0
	}
	p := c.pace()
	wait := p.block
	if c.fresh {
		wait = p.idle
	}
	budget := max(p.block, p.idle) + time.Duration(float64(c.octets)/p.rate*float64(time.Second))
	return min(wait, budget-c.spent)
}

// silent says whether nothing comes for a while. Whatever comes is lost.
func (c *conn) silent(wait time.Duration) (bool, error) {
	c.Conn.SetReadDeadline(time.Now().Add(wait))
	n, err := c.wire.Read(make([]byte, 1))
	switch {
	case n > 0:
		return false, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return true, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return false, err
}

// Write writes with the deadline of the limits, behind what was held.
func (c *conn) Write(p []byte) (int, error) {
	c.held = append(c.held, p...)
	return len(p), c.flush()
}

// hold keeps a reply until the next one, which the client does not wait for.
func (c *conn) hold(p []byte) error {
	if c.held = append(c.held, p...); len(c.held) > maxHeld {
		return c.flush()
	}
	return nil
}

// maxHeld bounds the replies that are held, in bytes.
const maxHeld = 4 << 10

func (c *conn) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	c.Conn.SetWriteDeadline(time.Now().Add(c.limits.WriteTimeout))
	_, err := c.wire.Write(c.held)
	c.held = c.held[:0]
	return err
}

// Close ends the connection.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.saying.Lock()
	defer c.saying.Unlock()
	return c.Conn.Close()
}

// hangUp says r, where it can be said, and ends the connection. It is called
// by the goroutine that reads.
func (c *conn) hangUp(r *reply) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	c.mu.Unlock()
	c.flush()
	c.say(r)
	c.linger()
	c.Close()
}

// Last words must not hold up an end.
const (
	sayTimeout    = 2 * time.Second
	lingerTimeout = time.Second
	lingerOctets  = 256 << 10
)

func (c *conn) say(r *reply) {
	c.mu.Lock()
	wire := c.wire
	c.mu.Unlock()
	if wire == nil {
		return
	}
	c.Conn.SetWriteDeadline(time.Now().Add(sayTimeout))
	io.WriteString(wire, r.line())
	if t, ok := wire.(*tls.Conn); ok {
		t.CloseWrite()
	}
}

// linger reads what the client still sends, for a moment: closing before would
// reset the connection, and the client might lose the replies on their way.
func (c *conn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.Conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	io.CopyN(io.Discard, c.Conn, lingerOctets)
}

// stop makes the next command the last one, and ends the connection at once
// when it waits for a command (RFC 5321 section 3.8).
func (c *conn) stop() {
	if c.lastWords() {
		c.Close()
	}
}

// lastWords says 421 to a client that waits for nothing, and whether it did.
func (c *conn) lastWords() bool {
	c.saying.Lock()
	defer c.saying.Unlock()
	c.mu.Lock()
	c.drain = true
	idle := c.blocked && c.fresh && c.bodies == 0 && !c.closed
	c.closed = c.closed || idle
	c.mu.Unlock()
	if idle {
		c.say(replyDrain)
	}
	return idle
}
