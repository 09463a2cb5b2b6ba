package queue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/listunsub"
	"offramp/store"
)

// smallBody is the size up to which a body is kept in memory while recipients
// of its message are at hand, instead of being read again for each.
const smallBody = 128 << 10

// message is what the tasks of one message share.
type message struct {
	stored *store.Message

	mu       sync.Mutex
	prepared map[string]*render.Message // by the profile of the next hop
	body     []byte                     // when it is small and was read
}

// contentError is an error of the spool while content is read.
type contentError struct{ error }

func (e *contentError) Unwrap() error { return e.error }

// prepare does what is the same for all recipients, once for each kind of next
// hop. The list is looked up for it: it may have been marked transactional since
// the message was accepted.
func (q *Queue) prepare(ctx context.Context, m *message, hop nexthop.Profile) (*render.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if prepared := m.prepared[hop.Name]; prepared != nil {
		return prepared, nil
	}
	l, err := q.list(ctx, m.stored.List)
	if err != nil {
		return nil, err
	}
	prepared, err := q.Renderer.Prepare(m.stored, l, render.Signing{Rewritten: hop.Rewrites, Most: hop.Signatures, None: hop.SignsAlone, Repeats: hop.Repeats})
	if err != nil {
		return nil, err
	}
	if m.prepared == nil {
		m.prepared = make(map[string]*render.Message, 1)
	}
	m.prepared[hop.Name] = prepared
	return prepared, nil
}

// list is the list of a message; id is empty for none. One that is not in the store
// was lost with a restore from an older copy: its mail goes out under the
// identifier, as the page shows it, and every choice about it holds.
func (q *Queue) list(ctx context.Context, id string) (store.List, error) {
	if id == "" {
		return store.List{}, nil
	}
	l, err := q.Lists.List(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.List{ID: id, Key: listunsub.ListKey(id)}, nil
	}
	return l, err
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
