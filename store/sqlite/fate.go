package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"offramp/store"
)

// fateVersion is the first octet of a record.
const fateVersion = 1

// The ends, in records.
var ends = []store.End{"", store.EndDelivered, store.EndDropped, store.EndBounced, store.EndRemoved}

// keyed is what a fate is found by. It is the beginning of its record.
type keyed struct{ person, queueID, messageID string }

// appendFate writes a record. person is the lookup key.
func appendFate(b []byte, person string, f *store.Fate, sum *crc32.Table) []byte {
	from := len(b)
	b = append(b, fateVersion)
	for _, text := range []string{person, f.QueueID, f.MessageID, f.Recipient, f.ReversePath, f.List, f.Client, f.Login, string(f.Reason), f.Bounce} {
		b = putText(b, text)
	}
	b = append(b, byte(max(slices.Index(ends, f.End), 0)))
	b = binary.AppendVarint(b, micros(f.Accepted))
	b = binary.AppendVarint(b, micros(f.Ended))
	b = binary.AppendUvarint(b, uint64(max(f.Attempts, 0)))
	b = appendTries(b, f.Tries)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[from:], sum))
}

// fateOf reads a record. An error is store.ErrDamaged.
func fateOf(b []byte, sum *crc32.Table) (key keyed, f store.Fate, err error) {
	c := &cursor{b: b}
	if c.keys(&key, sum); c.bad {
		return key, f, errFate
	}
	f = store.Fate{QueueID: key.queueID, MessageID: key.messageID}
	for _, text := range []*string{&f.Recipient, &f.ReversePath, &f.List, &f.Client, &f.Login} {
		*text = c.text()
	}
	f.Reason, f.Bounce = store.Reason(c.text()), c.text()
	if end := int(c.octet()); end < len(ends) {
		f.End = ends[end]
	} else {
		c.bad = true
	}
	f.Accepted, f.Ended = c.time(), c.time()
	f.Attempts = int(c.uint())
	f.Tries = c.tries()
	if c.bad {
		return key, f, errFate
	}
	return key, f, nil
}

// keysOf reads what a record is found by.
func keysOf(b []byte, sum *crc32.Table) (key keyed, ok bool) {
	c := &cursor{b: b}
	c.keys(&key, sum)
	return key, !c.bad
}

var errFate = fmt.Errorf("%w: what became of a message", store.ErrDamaged)

func appendTries(b []byte, tries []store.Try) []byte {
	b = binary.AppendUvarint(b, uint64(len(tries)))
	for _, t := range tries {
		b = binary.AppendVarint(b, micros(t.First))
		b = binary.AppendVarint(b, t.Last.Sub(t.First).Microseconds())
		b = binary.AppendUvarint(b, uint64(t.Count))
		b = binary.AppendUvarint(b, uint64(max(t.Status.Code, 0)))
		b = putText(putText(putText(b, t.Status.Enhanced), t.Status.Text), t.Status.Host)
	}
	return b
}

// withTry adds an attempt. Of many the first stays and the last few.
func withTry(tries []store.Try, at time.Time, s store.Status) []store.Try {
	s.Text = shortReply(s.Text)
	at = kept(at)
	if n := len(tries); n > 0 && tries[n-1].Status == s {
		tries[n-1].Last = at
		tries[n-1].Count++
		return tries
	}
	tries = append(tries, store.Try{First: at, Last: at, Count: 1, Status: s})
	if len(tries) > store.MostTries {
		tries = slices.Delete(tries, 1, 2)
	}
	return tries
}

// shortReply bounds a reply, and leaves out half a character at its end.
func shortReply(text string) string {
	if len(text) <= store.MostTryReply {
		return text
	}
	return strings.ToValidUTF8(text[:store.MostTryReply], "")
}

// cursor reads what putText and its like wrote. Once something is wrong, bad is
// set and all it reads is zero.
type cursor struct {
	b   []byte
	bad bool
}

// keys reads the beginning of a record whose checksum is right.
func (c *cursor) keys(k *keyed, sum *crc32.Table) {
	n := len(c.b) - crc32.Size
	if n < 1 || c.b[0] != fateVersion || crc32.Checksum(c.b[:n], sum) != binary.BigEndian.Uint32(c.b[n:]) {
		c.bad = true
		return
	}
	c.b = c.b[1:n]
	k.person, k.queueID, k.messageID = c.text(), c.text(), c.text()
}

func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	part := c.b[:n]
	c.b = c.b[n:]
	return part
}

func (c *cursor) octet() byte {
	if b := c.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (c *cursor) uint() uint64 {
	n, size := binary.Uvarint(c.b)
	if c.take(uint64(max(size, 0))); size <= 0 {
		c.bad = true
	}
	if c.bad {
		return 0
	}
	return n
}

func (c *cursor) int() int64 {
	n, size := binary.Varint(c.b)
	if c.take(uint64(max(size, 0))); size <= 0 {
		c.bad = true
	}
	if c.bad {
		return 0
	}
	return n
}

func (c *cursor) text() string { return string(c.take(c.uint())) }

func (c *cursor) time() time.Time { return unixMicro(c.int()) }

func (c *cursor) tries() (tries []store.Try) {
	n := c.uint()
	if n > store.MostTries {
		c.bad = true
	}
	for range n {
		if c.bad {
			return nil
		}
		t := store.Try{First: c.time()}
		t.Last = t.First.Add(time.Duration(c.int()) * time.Microsecond)
		t.Count = int(c.uint())
		t.Status = store.Status{Code: int(c.uint()), Enhanced: c.text(), Text: c.text(), Host: c.text()}
		tries = append(tries, t)
	}
	return tries
}
