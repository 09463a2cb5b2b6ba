package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"offramp/store"
)

const (
	// The index that leads to a message can be damaged: what its row itself says
	// is read by its number.
	selectBody = `SELECT m.num, m.size, m.chunks, m.sum, m.trace, m.header, m.tail, m.id
		FROM messages i JOIN messages m ON m.num = i.num WHERE i.id = ?`
	selectChunk = "SELECT sum, data FROM chunks WHERE message = ? AND n = ?"
)

// Body opens the body of a message or returns store.ErrNotFound. A small one
// is read and verified here; of a large one each chunk is read when its turn
// comes, by a statement of its own, so that a slow reader holds nothing open.
// The checksum of the last chunk covers the header as well.
func (s *Spool) Body(ctx context.Context, id string) (io.ReadCloser, error) {
	if body, ok := s.recent.body(id); ok {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	b := &bodyReader{ctx: ctx, s: s, id: id}
	if err := b.readRow(); err != nil {
		return nil, err
	}
	if b.chunks > 0 {
		b.tail = nil // read again at the end: a slow reader holds one chunk only
	} else if err := b.finish(); err != nil {
		return nil, err
	}
	return b, nil
}

// bodyReader streams one body.
type bodyReader struct {
	ctx    context.Context
	s      *Spool
	id     string
	num    int64
	size   int64
	chunks int64
	n      int64 // next chunk
	read   int64 // bytes of verified chunks
	tail   []byte
	sound  bool // the tail and the header are what was written
	last   bool // buf is the tail
	buf    []byte
	err    error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, b.err
	}
	for len(b.buf) == 0 {
		if b.err == nil && b.last {
			b.err = io.EOF
		}
		if b.err == nil {
			b.err = b.next()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.buf)
	b.buf = b.buf[n:]
	return n, nil
}

func (b *bodyReader) Close() error {
	b.buf, b.tail = nil, nil
	if b.err == nil || b.err == io.EOF {
		b.err = errors.New("body is closed")
	}
	return nil
}

// next reads and verifies the next chunk, or the tail after the last one.
func (b *bodyReader) next() error {
	if b.n == b.chunks {
		if err := b.readRow(); err != nil {
			return err
		}
		return b.finish()
	}
	var sum int64
	err := b.s.file.readers.do(b.ctx, func(c *conn) error {
		found, err := c.one(selectChunk, func(r row) { sum, b.buf = r.int(0), r.blob(1) }, b.num, b.n)
		if err == nil && !found {
			return fmt.Errorf("%w: chunk is missing", store.ErrMessage)
		}
		return err
	})
	if err == nil && int64(b.s.sum(b.buf)) != sum {
		err = fmt.Errorf("%w: checksum differs", store.ErrMessage)
	}
	if err != nil {
		b.buf = nil
		return fmt.Errorf("body of %s, chunk %d: %w", b.id, b.n, err)
	}
	b.n++
	b.read += int64(len(b.buf))
	return nil
}

// readRow reads and verifies what the row of the message holds.
func (b *bodyReader) readRow() error {
	err := b.s.file.readers.do(b.ctx, func(c *conn) error {
		var id string
		found, err := c.one(selectBody, func(r row) {
			id = r.text(7)
			b.num, b.size, b.chunks, b.tail = r.int(0), r.int(1), r.int(2), r.blob(6)
			b.sound = r.int(3) == int64(b.s.sum(r.blob(4), r.blob(5), b.tail))
		}, b.id)
		switch {
		case err != nil:
			return err
		case !found:
			return store.ErrNotFound
		case id != b.id:
			return fmt.Errorf("%w: the index names another message", store.ErrDamaged)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("body of %s: %w", b.id, err)
	}
	return nil
}

// finish hands out the tail when it and the size are what was written.
func (b *bodyReader) finish() error {
	if !b.sound || b.read+int64(len(b.tail)) != b.size {
		return fmt.Errorf("body of %s: %w: checksum or size differs", b.id, store.ErrMessage)
	}
	b.buf, b.tail, b.last = b.tail, nil, true
	return nil
}
