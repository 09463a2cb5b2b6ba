package smtpd

import (
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// What the session passes to the connection below it.

// progress takes back that the command at hand counts as idle.
func (c *conn) progress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = max(0, c.idle-1)
}

// filled notes whether the transaction has all the recipients it may have. While
// it has, more are refused by go-smtp, which is not the client's error.
func (c *conn) filled(full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = full
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
	c.pipe = pipe
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

// forgive starts the count of idle commands again, for a client that may relay.
func (c *conn) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = 0
}
