package sqlite

import (
	"context"
	"errors"
	"sync"
)

// pool is a bounded set of read connections with their prepared statements.
type pool struct {
	dsn   string
	slots chan struct{} // one token for each connection that may be in use

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(dsn string, size int) *pool {
	return &pool{dsn: dsn, slots: make(chan struct{}, size)}
}

// do runs read on a connection of its own.
func (p *pool) do(ctx context.Context, read func(*conn) error) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.take()
	if err != nil {
		return err
	}
	ok := false
	defer func() { p.put(c, ok) }() // also when read panics
	err = read(c)
	ok = !distrusts(err)
	return err
}

// snapshot runs read in a read transaction, so that its statements see one state.
func (p *pool) snapshot(ctx context.Context, read func(*conn) error) error {
	return p.do(ctx, func(c *conn) error {
		if _, err := c.exec("BEGIN"); err != nil {
			return err
		}
		err := read(c)
		return errors.Join(err, c.rollback())
	})
}

func (p *pool) take() (*conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return openConn(p.dsn)
}

// put gives c back, or closes it when it cannot be used again.
func (p *pool) put(c *conn, ok bool) {
	p.mu.Lock()
	keep := ok && !p.closed && c.c.AutoCommit()
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		// Nothing was written on it, so nothing can be lost with it.
		_ = c.close()
	}
}

// close waits for reads that run and closes the connections.
func (p *pool) close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	var errs []error
	for _, c := range idle {
		errs = append(errs, c.close())
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return errors.Join(errs...)
}
