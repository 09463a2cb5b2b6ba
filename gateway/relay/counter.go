package relay

import "io"

// counter passes a message on until it is larger than it may be.
type counter struct {
	r    io.Reader
	left int64
	read int64
}

func (c *counter) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, ErrTooLarge
	}
	// One octet more than is left tells a message that ends here from one
	// that goes on.
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	c.read += int64(n)
	if c.left < 0 {
		return n, ErrTooLarge
	}
	return n, err
}
