package smtpd

import (
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// What the session passes to the connection below it.

// greetedBy notes that EHLO was answered, and where replies can be written now.
func (c *conn) greetedBy(upper net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hello, c.upper = true, upper
}

// handshake notes that TLS begins: until the next EHLO nothing can be said.
func (c *conn) handshake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hello, c.mail = false, false
	if !c.implicit {
		c.upper, c.secret = nil, true
		c.records.on = true
	}
}

// progress takes back that the command at hand counts as idle.
func (c *conn) progress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = max(0, c.idle-1)
}

// transaction notes whether a transaction is open and full. While it is full,
// recipients are refused by go-smtp, which is not the client's error.
func (c *conn) transaction(open, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mail, c.full = open, full
}

// endAfterReply makes r the last thing said, after the reply at hand.
func (c *conn) endAfterReply(r *reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = r
	}
}

// beginBody says that the session reads a message, from pipe when it comes by
// BDAT; false: the connection has ended. Each true is followed by endBody.
func (c *conn) beginBody(pipe *io.PipeReader) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.bodies++
	c.body, c.pipe, c.dots = true, pipe, pipe == nil
	c.reading.Add(1)
	return true
}

// endBody ends what beginBody began. A message that was read to its end starts
// the count of idle commands again.
func (c *conn) endBody(whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies--
	c.reading.Done()
	if whole {
		c.idle = 0
		c.pipe = nil
	}
}

// settled waits until go-smtp has finished a message that was broken off
// between two chunks of BDAT. Its goroutine would else hand the result over to
// the next message, whose client would get the reply to a failure that was not its
// own. The last thing that goroutine does is to close its end of the pipe,
// after which a read has another error than before.
func (c *conn) settled() bool {
	c.mu.Lock()
	pipe := c.pipe
	c.pipe = nil
	c.mu.Unlock()
	if pipe == nil {
		return true
	}
	for wait := time.Microsecond; wait < 4*time.Second; wait *= 2 {
		if _, err := pipe.Read(nil); err != smtp.ErrDataReset {
			return true
		}
		time.Sleep(wait)
	}
	return false
}

// took notes that the session got n bytes of a message.
func (c *conn) took(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken += int64(n)
}

// whole says whether the last read that go-smtp asked for gave it bytes. When
// a client vanishes inside the last chunk of BDAT, go-smtp takes the end of
// the connection for the end of the message, so this is asked there: a chunk
// that is complete ends with bytes that came, one that was cut off with a
// read that gave none. It holds for TLS too, since a read below TLS gives one
// record at most: the record that closes TLS is a read of its own.
func (c *conn) whole() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.unseen && !c.closed
}

func (c *conn) saidHelo() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.helo
}

// forgive starts the count of idle commands again, for a client that may relay.
func (c *conn) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = 0
}
