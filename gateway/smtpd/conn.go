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

// conn is the connection below go-smtp, and below TLS. It limits how long
// reads may take, ends the connection when there is cause, and knows whether
// the client is still there.
//
// go-smtp sets a read deadline before each line it reads as a command, and at
// no other time. That call is the mark between commands here; the deadline
// itself is not used.
type conn struct {
	net.Conn
	limits   Config
	most     int64 // bytes between two marks
	stats    *Stats
	addr     netip.Addr
	implicit bool

	mu      sync.Mutex
	records records        // of TLS, once it began
	upper   net.Conn       // where replies can be written in clear; nil: not now
	greeted bool           // the greeting is out
	secret  bool           // the handshake of STARTTLS began, no command came yet
	hello   bool           // EHLO was answered
	helo    bool           // it was HELO
	mail    bool           // a transaction is open
	full    bool           // it has all the recipients it may have
	body    bool           // a message, or the rest of one that was refused, is read
	bodies  int            // messages being read by the session
	pipe    *io.PipeReader // of a message by BDAT that was not read to its end
	closed  bool           // nothing is read any more
	drain   bool           // the next command is not read
	blocked bool           // a read waits for the client
	fresh   bool           // nothing has come since the mark
	await   bool           // the tap has seen nothing since the mark
	wrote   bool           // what the tap sees next is a reply
	unseen  bool           // a read began that the tap has not seen succeed
	idle    int            // commands without progress
	tapped  int64          // bytes of a message that passed the tap since the mark
	taken   int64          // of these, what the session got
	line    int            // bytes of the line that goes on
	spent   time.Duration
	octets  int64
	dots    bool   // a message by DATA is read
	twice   bool   // it may hold CR CR
	ends    int    // bytes of crcrDot that were seen last
	ended   bool   // crcrDot has ended the data
	last    *reply // said before the connection ends, at the next mark

	saying  sync.Mutex     // held while last words are said: Close waits for them
	reading sync.WaitGroup // bodies
	once    sync.Once
	done    chan struct{} // closed by Close
}

func (s *Server) newConn(raw net.Conn, implicit bool) *conn {
	c := &conn{
		Conn: raw, limits: s.limits, most: 4*int64(s.MaxMessageSize) + 1<<20, stats: s.Stats,
		addr: addrOf(raw), implicit: implicit, done: make(chan struct{}),
	}
	if implicit {
		c.records.on = true
	} else {
		c.upper = c
	}
	return c
}

func addrOf(c net.Conn) netip.Addr {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// Replies that conn gives by itself.
var (
	replyDrain    = &reply{421, smtp.EnhancedCode{4, 3, 2}, "service not available, shutting down"}
	replyIdle     = &reply{421, smtp.EnhancedCode{4, 7, 0}, "too many commands without a message"}
	replyTimeout  = &reply{421, smtp.EnhancedCode{4, 4, 2}, "timeout exceeded"}
	replyLost     = &reply{421, smtp.EnhancedCode{4, 4, 2}, "connection lost"}
	replyTalking  = &reply{554, smtp.EnhancedCode{5, 5, 0}, "command sent before the reply (improper pipelining)"}
	replyLongLine = &reply{500, smtp.EnhancedCode{5, 5, 2}, "line too long"}
)

// SetReadDeadline is the mark between commands. It ends the connection when
// that is due, which go-smtp takes without a word.
func (c *conn) SetReadDeadline(time.Time) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.fresh, c.await, c.wrote, c.spent, c.octets = true, true, false, 0, 0
	c.body, c.tapped, c.taken = c.bodies > 0, 0, 0
	c.dots, c.twice, c.ends, c.ended = false, false, 0, false
	last := c.last
	switch {
	case last != nil:
	case c.drain && c.bodies == 0:
		last = replyDrain
	case !c.full && c.bodies == 0:
		if c.idle++; c.idle > c.limits.IdleCommands {
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
// the client, not while we are busy.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	if c.ended || c.ends == len(crcrDot) {
		ended := c.ended
		c.mu.Unlock()
		if ended {
			return 0, errCRCR
		}
		return c.silence(p)
	}
	wait := c.patience()
	p = c.records.limit(p)
	c.blocked, c.unseen = true, true
	c.mu.Unlock()

	began := time.Now()
	n, err := 0, error(os.ErrDeadlineExceeded)
	if wait > 0 {
		if err = c.Conn.SetReadDeadline(began.Add(wait)); err == nil {
			n, err = c.Conn.Read(p)
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = false
	if c.closed {
		return 0, net.ErrClosed
	}
	if !c.fresh || n == 0 {
		c.spent += time.Since(began) // a pause before a command does not count as slowness
	}
	c.octets += int64(n)
	c.records.advance(p[:n])
	command := c.fresh && c.bodies == 0
	c.fresh = c.fresh && n == 0
	if err == nil || n > 0 {
		return n, nil
	}
	return 0, c.readError(err, command)
}

// patience is how long the next read may take: a command as long as a client
// may be idle, a block of a message DataTimeout, and everything since the mark
// must keep to the least rate after that. A message that goes on far beyond
// the largest, which go-smtp reads to its end before it refuses it, ends it.
func (c *conn) patience() time.Duration {
	if c.octets > c.most {
		return 0
	}
	block := c.limits.DataTimeout
	if c.fresh {
		block = c.limits.IdleTimeout
	}
	budget := max(c.limits.DataTimeout, c.limits.IdleTimeout) +
		time.Duration(float64(c.octets)/float64(c.limits.MinRate)*float64(time.Second))
	return min(block, budget-c.spent)
}

// readError returns what go-smtp sees. It answers a timeout on a command
// well, but sends the text of any other error to the client, so all others are
// its own error type. After an error nothing is read any more: go-smtp would
// take the rest of a message for commands.
func (c *conn) readError(err error, command bool) error {
	timeout := errors.Is(err, os.ErrDeadlineExceeded)
	if timeout {
		c.stats.Timeouts.Add(1)
	}
	c.closed = true
	switch {
	case err == io.EOF, timeout && command:
		return err
	case timeout:
		return errTimeout
	}
	return errLost
}

// Write writes below TLS.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.wrote = true
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Close ends the connection.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.saying.Lock()
	defer c.saying.Unlock()
	err := c.Conn.Close()
	c.once.Do(func() { close(c.done) })
	return err
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
	upper := c.upper
	if !c.greeted {
		upper = nil
	}
	c.mu.Unlock()
	if upper == nil {
		return
	}
	c.Conn.SetWriteDeadline(time.Now().Add(sayTimeout))
	io.WriteString(upper, r.line())
	if t, ok := upper.(*tls.Conn); ok {
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
