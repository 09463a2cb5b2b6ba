package queue

import (
	"bytes"
	"context"
	"io"
	"sync"

	"offramp/gateway/render"
	"offramp/store"
)

// smallBody is the size up to which a body is kept in memory while recipients
// of its message are at hand, instead of being read again for each.
const smallBody = 128 << 10

// parcel is what the tasks of one message share.
type parcel struct {
	m *store.Message

	mu     sync.Mutex
	letter *render.Message
	body   []byte // when it is small and was read
}

// contentError is an error of the spool while content is read.
type contentError struct{ error }

func (e *contentError) Unwrap() error { return e.error }

// prepare makes the letter, once. The list is looked up for it: it may have
// been marked transactional since the message was accepted.
func (p *parcel) prepare(ctx context.Context, lists Lists, r *render.Renderer) (*render.Message, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.letter != nil {
		return p.letter, nil
	}
	var l store.List
	if p.m.List != "" {
		var err error
		if l, err = lists.List(ctx, p.m.List); err != nil {
			return nil, err
		}
	}
	letter, err := r.Prepare(p.m, l)
	p.letter = letter
	return letter, err
}

// open returns a function that opens the body.
func (p *parcel) open(ctx context.Context, spool Bodies) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if p.m.Size > smallBody {
			in, err := spool.Body(ctx, p.m.ID)
			if err != nil {
				return nil, &contentError{err}
			}
			return &content{in}, nil
		}
		body, err := p.small(ctx, spool)
		if err != nil {
			return nil, &contentError{err}
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
}

func (p *parcel) small(ctx context.Context, spool Bodies) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.body != nil {
		return p.body, nil
	}
	in, err := spool.Body(ctx, p.m.ID)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body := bytes.NewBuffer(make([]byte, 0, p.m.Size+bytes.MinRead))
	if _, err := body.ReadFrom(in); err != nil {
		return nil, err
	}
	p.body = body.Bytes()
	return p.body, nil
}

// content marks the errors of a body, so that they are not taken for the
// connection's.
type content struct{ io.ReadCloser }

func (c *content) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &contentError{err}
	}
	return n, err
}
