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

// message is what the tasks of one message share.
type message struct {
	stored *store.Message

	mu       sync.Mutex
	prepared *render.Message
	body     []byte // when it is small and was read
}

// contentError is an error of the spool while content is read.
type contentError struct{ error }

func (e *contentError) Unwrap() error { return e.error }

// prepare does what is the same for all recipients, once. The list is looked up for it: it may have
// been marked transactional since the message was accepted.
func (m *message) prepare(ctx context.Context, lists Lists, r *render.Renderer) (*render.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.prepared != nil {
		return m.prepared, nil
	}
	var l store.List
	if m.stored.List != "" {
		var err error
		if l, err = lists.List(ctx, m.stored.List); err != nil {
			return nil, err
		}
	}
	prepared, err := r.Prepare(m.stored, l)
	m.prepared = prepared
	return prepared, err
}

// open returns a function that opens the body.
func (m *message) open(ctx context.Context, spool Bodies) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if m.stored.Size > smallBody {
			in, err := spool.Body(ctx, m.stored.ID)
			if err != nil {
				return nil, &contentError{err}
			}
			return &content{in}, nil
		}
		body, err := m.small(ctx, spool)
		if err != nil {
			return nil, &contentError{err}
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
}

func (m *message) small(ctx context.Context, spool Bodies) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.body != nil {
		return m.body, nil
	}
	in, err := spool.Body(ctx, m.stored.ID)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body := bytes.NewBuffer(make([]byte, 0, m.stored.Size+bytes.MinRead))
	if _, err := body.ReadFrom(in); err != nil {
		return nil, err
	}
	m.body = body.Bytes()
	return m.body, nil
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
