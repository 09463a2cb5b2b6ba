package nexthop

import (
	"net"
	"syscall"
	"time"
)

// polled is a connection that can be asked what has come already. TLS goes on
// top of it: what TLS reads for itself, such as session tickets, is no reply.
type polled struct {
	net.Conn
	raw syscall.RawConn // nil: cannot be asked without a wait
	now bool            // Read does not wait
}

// pollWait is how long is waited where it cannot be avoided.
const pollWait = time.Millisecond

func newPolled(c net.Conn) *polled {
	p := &polled{Conn: c}
	if s, ok := c.(syscall.Conn); ok && canPoll {
		p.raw, _ = s.SyscallConn()
	}
	return p
}

// Read fails with os.ErrDeadlineExceeded when it may not wait and nothing came.
func (p *polled) Read(b []byte) (int, error) {
	switch {
	case !p.now:
		return p.Conn.Read(b)
	case p.raw != nil:
		return readNow(p.raw, b)
	}
	if err := p.Conn.SetReadDeadline(time.Now().Add(pollWait)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}
