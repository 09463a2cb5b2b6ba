package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"sync/atomic"
	"time"

	"offramp/store"
)

// chunkSize is how much of a body is written and read at once.
const chunkSize = 128 << 10

// recipientBits is how many bits of a recipient's ID number it within its
// message; the others are the number of the message.
const recipientBits = 20

// maxRecipients bounds the recipients of one message.
const maxRecipients = 1 << recipientBits

func recipientID(message, n int64) int64 { return message<<recipientBits | n }

func splitID(id int64) (message, n int64) { return id >> recipientBits, id & (maxRecipients - 1) }

// Spool implements store.Spool on spool.db.
type Spool struct {
	file     *file
	dir      string
	schedule schedule
	recent   recent
	history  history
	last     atomic.Int64 // number of the last message started
	crc      *crc32.Table
	now      func() time.Time

	inspection inspection
}

var (
	_ store.Spool   = (*Spool)(nil)
	_ store.History = (*Spool)(nil)
)

func newSpool(f *file, o Options) *Spool {
	s := &Spool{file: f, dir: o.Dir, crc: crc32.MakeTable(crc32.Castagnoli), now: o.Now}
	s.inspection.alarm.log, s.inspection.ended = o.Log, make(chan struct{})
	s.history.log, s.history.wake = o.Log, make(chan struct{}, 1)
	s.history.every.Store(segmentRows)
	s.schedule.replace(nil, counts{})
	return s
}

const (
	selectLast       = "SELECT max(coalesce((SELECT max(num) FROM messages), 0), coalesce((SELECT max(message) FROM chunks), 0))"
	deleteOrphans    = "DELETE FROM chunks WHERE message NOT IN (SELECT num FROM messages)"
	endFar           = "UPDATE recipients SET next = ?1 WHERE state = 'queued' AND (next > ?2 OR next > ?1 AND attempts = 0)"
	selectCounts     = "SELECT (SELECT count(*) FROM messages), count(CASE state WHEN 'held' THEN 1 END), count(CASE state WHEN 'failed' THEN 1 END) FROM recipients"
	selectHints      = "SELECT domain, next, message, n, state, address, track FROM recipients"
	selectMessageCnt = "SELECT count(*) FROM messages"
)

// start starts the writer and loads the order of work.
func (s *Spool) start(ctx context.Context) error {
	if s.file.writer == nil {
		return s.file.readers.snapshot(ctx, func(c *conn) error {
			_, err := s.history.readKey(c)
			return errors.Join(err, s.count(c))
		})
	}
	first := true
	return s.file.start(func(c *conn) error {
		if err := secure(c); err != nil {
			return err
		}
		if first {
			if err := s.clean(c); err != nil {
				return err
			}
			first = false
		}
		return s.load(c)
	})
}

// clean removes chunks of messages that were never committed. Only at the
// start: later they belong to drafts that are being written.
func (s *Spool) clean(c *conn) error {
	if _, err := c.exec(deleteOrphans); err != nil {
		return err
	}
	// What waits for longer than any retry was put off under a wrong clock, and
	// nothing is put off before its first attempt.
	now := s.now()
	if _, err := c.exec(endFar, micros(now), micros(now.Add(farthest))); err != nil {
		return err
	}
	if _, err := c.one(selectLast, func(r row) { s.last.Store(r.int(0)) }); err != nil {
		return err
	}
	return s.history.begin(c, now)
}

// farthest is more than any wait for another attempt.
const farthest = 7 * 24 * time.Hour

// load reads the order of work, at the start and whenever the connection had
// to be opened again, since the outcome of the last commit is unknown then.
func (s *Spool) load(c *conn) error {
	var all []waits
	var entries []entry
	domains := make(map[string]string) // one copy of each name
	err := c.query(selectHints, func(r row) error {
		id := recipientID(r.int(2), r.int(3))
		entries = s.history.entriesOf(entries, id, trackOf(r.blob(6), r.text(5)))
		if store.RecipientState(r.text(4)) != store.Queued {
			return nil
		}
		domain := r.text(0)
		if d, ok := domains[domain]; ok {
			domain = d
		} else {
			domains[domain] = domain
		}
		all = append(all, waits{domain: domain, next: r.int(1), id: id})
		return nil
	})
	if err != nil {
		return err
	}
	n := counts{queued: len(all)}
	if _, err := c.one(selectCounts, func(r row) {
		n.messages, n.held, n.failed = int(r.int(0)), int(r.int(1)), int(r.int(2))
	}); err != nil {
		return err
	}
	s.schedule.replace(all, n)
	s.history.waiting.replace(s.history.waiting.len(), entries)
	return s.history.load(c)
}

// count counts without loading anything, for a spool opened for reading.
func (s *Spool) count(c *conn) error {
	n := counts{}
	err := c.query("SELECT state, count(*) FROM recipients GROUP BY state", func(r row) error {
		n.add(store.RecipientState(r.text(0)), int(r.int(1)))
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := c.one(selectMessageCnt, func(r row) { n.messages = int(r.int(0)) }); err != nil {
		return err
	}
	s.schedule.replace(nil, n)
	return nil
}

const (
	insertMessage = `INSERT INTO messages (num, id, received, reverse_path, client, login, message_id, list, untouched, mark, unmarked,
		eight_bit, utf8, require_tls, ret, envelope_id, parts, long_lines, size, chunks, sum, body_hash, trace, header, tail, seal)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertRecipient = `INSERT INTO recipients (message, n, address, domain, notify, original, state, attempts, next, code, enhanced, text, host, seal, track)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertChunk = "INSERT INTO chunks (message, n, sum, data) VALUES (?, ?, ?, ?)"

	messageColumns   = `num, id, received, reverse_path, client, login, message_id, list, eight_bit, utf8, require_tls, ret, envelope_id, parts, size, body_hash, trace, header, untouched, mark, unmarked, long_lines, seal`
	selectMessage    = "SELECT " + messageColumns + " FROM messages WHERE num = ?"
	recipientColumns = "message, n, address, domain, notify, original, state, attempts, next, code, enhanced, text, host, seal"
	selectRecipient  = "SELECT " + recipientColumns + " FROM recipients WHERE message = ? AND n = ?"
	selectRecipients = "SELECT " + recipientColumns + " FROM recipients WHERE message = ?"
)

// arrival is a message on its way into the tables.
type arrival struct {
	num        int64
	message    *store.Message
	recipients []store.Recipient
	size       int64  // of the whole body
	chunks     int64  // of the body, stored already
	tail       []byte // of the body
}

// insert adds a message with its recipients and notes it in ch.
func (s *Spool) insert(c *conn, a arrival, ch *change) error {
	m := a.message
	parts, err := partsOut(m.Parts)
	if err != nil {
		return err
	}
	_, err = c.exec(insertMessage, a.num, m.ID, micros(m.Received), m.ReversePath, m.Client, m.Login, m.MessageID, m.List, m.Untouched, m.Mark, m.Unmarked,
		m.EightBit, m.UTF8, m.RequireTLS, m.Return, m.EnvelopeID, parts, m.LongLines, a.size, a.chunks,
		int64(s.sum(m.Trace, m.Header, a.tail)), m.BodyHash, m.Trace, m.Header, a.tail, int64(messageSeal(a.num, m)))
	if err != nil {
		return err
	}
	ch.counts.messages++
	for n, r := range a.recipients {
		if r.State == "" {
			r.State = store.Queued
		}
		r.ID = recipientID(a.num, int64(n))
		t := s.history.trackFor(m, r)
		if err := putRecipient(c, r, t); err != nil {
			return err
		}
		ch.entries = s.history.entriesOf(ch.entries, r.ID, t)
		ch.counts.add(r.State, 1)
		if r.State == store.Queued {
			ch.due = append(ch.due, waits{domain: r.Domain, next: micros(r.Next), id: r.ID})
		}
	}
	return nil
}

// putRecipient adds a recipient under the number that its ID has.
func putRecipient(c *conn, r store.Recipient, t track) error {
	num, n := splitID(r.ID)
	st := r.Status
	_, err := c.exec(insertRecipient, num, n, r.Address, r.Domain, r.Notify, r.Original, string(r.State), r.Attempts,
		micros(r.Next), st.Code, st.Enhanced, st.Text, st.Host, int64(recipientSeal(num, n, r)), t.blob(r.Address))
	return err
}

// apply updates what is kept in memory after a commit.
func (s *Spool) apply(ch *change) {
	s.schedule.apply(ch)
	s.history.waiting.add(ch.entries)
	s.history.committed()
	s.recent.drop(ch.dropped)
}

// check refuses what could never leave the spool again.
func check(recipients []store.Recipient) error {
	if len(recipients) == 0 {
		return errors.New("message without recipients")
	}
	if len(recipients) > maxRecipients {
		return fmt.Errorf("%d recipients for one message, at most %d", len(recipients), maxRecipients)
	}
	return nil
}

// sum is the checksum kept beside what is stored. It finds damage, not malice:
// who can write the file can do anything.
func (s *Spool) sum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, s.crc, p)
	}
	return sum
}

// messageOf reads a row of messageColumns. When only the parts are damaged
// it returns the message without them beside the error, and what is legible of
// one whose list or envelope are.
func messageOf(r row) (num int64, m *store.Message, err error) {
	m = &store.Message{
		ID: r.text(1), Received: r.time(2), ReversePath: r.text(3), Client: r.text(4), Login: r.text(5),
		MessageID: r.text(6), List: r.text(7), EightBit: r.bool(8), UTF8: r.bool(9), RequireTLS: r.bool(10),
		Return: r.text(11), EnvelopeID: r.text(12), Size: r.int(14), BodyHash: r.blob(15), Trace: r.blob(16), Header: r.blob(17),
		Untouched: r.bool(18), Mark: r.text(19), Unmarked: r.bool(20), LongLines: r.bool(21),
	}
	if r[13] != nil {
		if err := json.Unmarshal(r.blob(13), &m.Parts); err != nil {
			m.Parts = nil
			return r.int(0), m, fmt.Errorf("%w: parts of message %s: %w", store.ErrMessage, m.ID, err)
		}
	}
	if seal := r.seal(22); seal != 0 && seal != messageSeal(r.int(0), m) {
		return r.int(0), m, fmt.Errorf("%w: list or envelope of message %s", store.ErrMessage, m.ID)
	}
	return r.int(0), m, nil
}

func recipientOf(r row) store.Recipient {
	return store.Recipient{
		ID: recipientID(r.int(0), r.int(1)), Address: r.text(2), Domain: r.text(3), Notify: r.text(4), Original: r.text(5),
		State: store.RecipientState(r.text(6)), Attempts: int(r.int(7)), Next: r.time(8),
		Status: store.Status{Code: int(r.int(9)), Enhanced: r.text(10), Text: r.text(11), Host: r.text(12)},
	}
}

// unaltered says whether a row of recipientColumns names whom it was written for.
func unaltered(r row) bool {
	seal := r.seal(13)
	return seal == 0 && r[13] == int64(0) || seal == recipientSeal(r.int(0), r.int(1), recipientOf(r))
}

func partsOut(parts []store.Part) (any, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(parts)
	return string(text), err
}
