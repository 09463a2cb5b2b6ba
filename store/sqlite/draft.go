package sqlite

import (
	"context"
	"errors"
	"fmt"

	"offramp/store"
)

// Create begins a message. ctx bounds the writes of its body too.
func (s *Spool) Create(ctx context.Context) (store.Draft, error) {
	if s.file.writer == nil {
		return nil, fail("create", errReadOnly)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &draft{ctx: ctx, s: s, num: s.last.Add(1)}, nil
}

// draft is a body on its way in. Small ones wait in buf and go into the one
// transaction of Commit; of large ones each full chunk is written on its own.
type draft struct {
	ctx    context.Context
	s      *Spool
	num    int64
	buf    []byte
	chunks int64 // written
	size   int64
	err    error // of a write: sticks
	ended  bool
}

var errEnded = errors.New("draft has ended")

// Write adds bytes to the body.
func (d *draft) Write(p []byte) (int, error) {
	if d.ended {
		return 0, errEnded
	}
	written := 0
	for d.err == nil && len(p) > 0 {
		if len(d.buf) == chunkSize {
			if d.err = d.flush(); d.err != nil {
				break
			}
		}
		n := min(len(p), chunkSize-len(d.buf))
		d.buf = append(d.buf, p[:n]...)
		p = p[n:]
		written += n
		d.size += int64(n)
	}
	return written, fail("write body", d.err)
}

// flush writes the full chunk in buf.
func (d *draft) flush() error {
	s, sum := d.s, d.s.sum(d.buf)
	err := s.file.write(d.ctx, &op{cost: len(d.buf), run: func(c *conn) error {
		_, err := c.exec(insertChunk, d.num, d.chunks, int64(sum), d.buf)
		return err
	}})
	if err != nil {
		return err
	}
	d.chunks++
	d.buf = d.buf[:0]
	return nil
}

// Commit makes the message and all its recipients durable together. The size
// stored is that of what was written. After an error Abort is still due.
func (d *draft) Commit(ctx context.Context, m *store.Message, recipients []store.Recipient) error {
	if d.ended {
		return fail("commit", errEnded)
	}
	if d.err != nil {
		return fail("commit", d.err)
	}
	if err := check(recipients); err != nil {
		return fail("commit", err)
	}
	var ch change
	err := d.s.file.write(ctx, &op{
		cost: len(d.buf) + len(m.Header),
		run: func(c *conn) error {
			ch = change{}
			return d.s.insert(c, arrival{num: d.num, message: m, recipients: recipients, size: d.size, chunks: d.chunks, tail: d.buf}, &ch)
		},
		committed: func() {
			if d.chunks == 0 {
				d.s.recent.add(d.num, m, d.buf)
			}
			d.s.apply(&ch)
		},
	})
	if err != nil {
		return fmt.Errorf("commit %s: %w", m.ID, err)
	}
	d.ended = true
	d.buf = nil
	return nil
}

const deleteChunks = "DELETE FROM chunks WHERE message = ?"

// Abort gives the draft up. Chunks on disk are removed by and by, those that
// cannot be removed now by the next Open.
func (d *draft) Abort() {
	if d.ended {
		return
	}
	d.ended = true
	d.buf = nil
	if d.chunks == 0 && d.err == nil {
		return
	}
	// Not enqueued means closed: the next Open does it.
	_ = d.s.file.writer.later(&op{frees: true, run: func(c *conn) error {
		_, err := c.exec(deleteChunks, d.num)
		return err
	}})
}
