package sqlite

import (
	"bytes"
	"container/list"
	"slices"
	"sync"

	"offramp/store"
)

// recentSize is how many bytes of recent mail are kept in memory.
const recentSize = 8 << 20

// recent keeps small messages that were just committed, since nearly all mail
// is sent at once: then neither its header nor its body is read back. What is
// here is on disk as well.
type recent struct {
	mu    sync.Mutex
	byNum map[int64]*list.Element // of *recentMessage
	byID  map[string]*list.Element
	order list.List // oldest first
	size  int
}

type recentMessage struct {
	num     int64
	message *store.Message
	body    []byte
	size    int
}

// add keeps a message with its whole body, which then belongs to recent.
func (c *recent) add(num int64, m *store.Message, body []byte) {
	own := *m
	own.Received = kept(m.Received)
	own.Trace, own.Header, own.BodyHash = bytes.Clone(m.Trace), bytes.Clone(m.Header), bytes.Clone(m.BodyHash)
	own.Parts = slices.Clone(m.Parts)
	own.Size = int64(len(body))
	r := &recentMessage{num: num, message: &own, body: body, size: cap(body) + len(own.Header) + len(own.Trace) + 512}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byNum == nil {
		c.byNum, c.byID = make(map[int64]*list.Element), make(map[string]*list.Element)
	}
	e := c.order.PushBack(r)
	c.byNum[num], c.byID[own.ID] = e, e
	for c.size += r.size; c.size > recentSize; {
		c.remove(c.order.Front())
	}
}

// remove forgets e. The caller holds mu.
func (c *recent) remove(e *list.Element) {
	r := c.order.Remove(e).(*recentMessage)
	delete(c.byNum, r.num)
	delete(c.byID, r.message.ID)
	c.size -= r.size
}

// drop forgets messages that left the spool.
func (c *recent) drop(nums []int64) {
	if len(nums) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, num := range nums {
		if e := c.byNum[num]; e != nil {
			c.remove(e)
		}
	}
}

// message returns a message or nil.
func (c *recent) message(num int64) *store.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byNum[num]; e != nil {
		return e.Value.(*recentMessage).message
	}
	return nil
}

// body returns the whole body of a message, which must not be changed.
func (c *recent) body(id string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		return e.Value.(*recentMessage).body, true
	}
	return nil, false
}
