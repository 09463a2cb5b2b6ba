package sqlite

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"offramp/store"
)

const (
	insertEvent = "INSERT INTO events (" + eventColumns + `, salt, erased, digest, link, once)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING`
	selectHead    = "SELECT id, link FROM events ORDER BY id DESC LIMIT 1"
	selectEntries = "SELECT " + eventColumns + ", salt, erased, digest, link FROM events WHERE id > ? ORDER BY id LIMIT ?"

	selectUnchained = "SELECT " + eventColumns + ", once FROM events WHERE length(link) = 0 ORDER BY id"
	chainEvent      = "UPDATE events SET salt = ?, digest = ?, link = ?, once = ? WHERE id = ?"
)

// saltSize is enough that nobody finds a salt by trying.
const saltSize = 16

// ledger is the end of the chain as the writer knows it. It belongs to the
// goroutine of the writer.
type ledger struct {
	random io.Reader
	known  bool
	id     int64
	link   store.Sum
}

// forget has the end read again: a transaction was rolled back.
func (l *ledger) forget() { l.known = false }

// load reads the end of the chain.
func (l *ledger) load(c *conn) error {
	if l.known {
		return nil
	}
	h, err := readHead(c)
	if err != nil {
		return err
	}
	l.id, l.link, l.known = h.ID, h.Link, true
	return nil
}

// readHead reads how far the ledger reaches. Where all events were retired the
// chain goes on from the last of them.
func readHead(c *conn) (h store.Head, err error) {
	if _, err := c.one(selectMeta, func(r row) {
		if v := r.blob(0); len(v) == 8+len(store.Sum{}) {
			h.First, h.FirstLink = int64(binary.BigEndian.Uint64(v)), store.Sum(v[8:])
		}
	}, metaStart); err != nil {
		return h, err
	}
	h.ID, h.Link = h.First, h.FirstLink
	_, err = c.one(selectHead, func(r row) { h.ID, h.Link = r.int(0), sumOf(r.blob(1)) })
	return h, err
}

// sumOf reads a sum; one of a wrong length matches nothing.
func sumOf(b []byte) (s store.Sum) {
	if len(b) == len(s) {
		copy(s[:], b)
	}
	return s
}

// add appends an event within the transaction of c and returns its ID, or 0
// for one whose Once is there already.
func (s *Consent) add(c *conn, e store.Event) (int64, error) {
	name, erased, err := s.people.known(c, e.Recipient)
	if err != nil {
		return 0, err
	}
	if e.Recipient = name; erased {
		e = bare(e)
	}
	var once any
	if e.Once != "" {
		once = s.people.mac("once", e.Once)
	}
	l := &s.ledger
	if err := l.load(c); err != nil {
		return 0, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(l.random, salt); err != nil {
		return 0, fmt.Errorf("salt: %w", err)
	}
	e.Time = kept(e.Time)
	id, digest := l.id+1, e.Digest(salt)
	link := store.LinkAfter(l.link, id, e.Time, digest)
	n, err := c.exec(insertEvent, id, micros(e.Time), string(e.Kind), e.Recipient, e.List, string(e.Way), string(e.Reason), e.Ref,
		e.QueueID, e.MessageID, e.IP, e.UserAgent, e.Who, e.Detail, salt, digest[:], link[:], once)
	if err != nil || n == 0 {
		return 0, err
	}
	l.id, l.link = id, link
	return id, nil
}

// bare is what is kept of an event of a person who was erased: that it
// happened, and nothing that could name the person again.
func bare(e store.Event) store.Event {
	kept := store.Event{
		Time: e.Time, Kind: e.Kind, Recipient: e.Recipient, List: e.List, Way: e.Way, Reason: e.Reason, Ref: e.Ref,
		QueueID: e.QueueID, Once: e.Once,
	}
	switch e.Kind {
	case store.EventPaused, store.EventLimited:
		kept.Detail = e.Detail
	case store.EventErased:
		kept.Detail, kept.Who = e.Detail, e.Who
	}
	return kept
}

// chainOld gives salt, digest and link to events of schema 1.
func (s *Consent) chainOld(c *conn) error {
	type old struct {
		e    store.Event
		once []byte
	}
	var all []old
	if err := c.query(selectUnchained, func(r row) error {
		all = append(all, old{eventOf(r), r.blob(14)})
		return nil
	}); err != nil || len(all) == 0 {
		return err
	}
	l := &s.ledger
	l.id, l.link, l.known = all[0].e.ID-1, store.Sum{}, true
	for _, o := range all {
		salt := make([]byte, saltSize)
		if _, err := io.ReadFull(l.random, salt); err != nil {
			return fmt.Errorf("salt: %w", err)
		}
		digest := o.e.Digest(salt)
		l.id, l.link = o.e.ID, store.LinkAfter(l.link, o.e.ID, o.e.Time, digest)
		var once any
		if o.once != nil {
			once = s.people.mac("once", string(o.once))
		}
		if _, err := c.exec(chainEvent, salt, digest[:], l.link[:], once, o.e.ID); err != nil {
			return err
		}
	}
	return nil
}

// Entries returns the ledger by ID, after the entry with that ID.
func (s *Consent) Entries(ctx context.Context, after int64, limit int) (all []store.Entry, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		all, err = readEntries(c, after, limitOf(limit))
		return err
	})
	return all, fail("entries", err)
}

func readEntries(c *conn, after int64, limit int) (all []store.Entry, err error) {
	err = c.query(selectEntries, func(r row) error {
		all = append(all, store.Entry{
			Event: eventOf(r), Salt: r.blob(14), Erased: r.int(15), Digest: sumOf(r.blob(16)), Link: sumOf(r.blob(17)),
		})
		return nil
	}, after, limit)
	return all, err
}

// Head returns how far the ledger reaches.
func (s *Consent) Head(ctx context.Context) (h store.Head, err error) {
	err = s.file.readers.snapshot(ctx, func(c *conn) (err error) {
		h, err = readHead(c)
		return err
	})
	return h, fail("head", err)
}

// perRetire is how many events leave in one transaction.
const perRetire = 5000

const (
	selectRetired  = "SELECT id, time, link FROM events ORDER BY id LIMIT ?"
	deleteRetired  = "DELETE FROM events WHERE id <= ?"
	deleteEnded    = "DELETE FROM suppressions WHERE (recipient, list, reason) IN (SELECT recipient, list, reason FROM suppressions WHERE until > 0 AND until < ? LIMIT ?) RETURNING recipient, seal"
	deleteContacts = "DELETE FROM contacts WHERE (recipient, list) IN (SELECT recipient, list FROM contacts WHERE last < ? LIMIT ?)"
)

// Retire removes events, contacts, targets and bounces that are older than before, and
// suppressions that ended before, as many as one transaction should; it returns how
// many records went.
func (s *Consent) Retire(ctx context.Context, before time.Time, e store.Event) (gone int64, err error) {
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		gone = 0
		var last int64
		var link []byte
		old := true
		if err := c.query(selectRetired, func(r row) error {
			if old = old && r.int(1) < micros(before); old {
				last, link = r.int(0), r.blob(2)
				gone++
			}
			return nil
		}, perRetire); err != nil {
			return err
		}
		events := gone
		for _, old := range []string{deleteContacts, deleteOldTargets, deleteOldBounces} {
			n, err := c.exec(old, micros(before), perRetire)
			if err != nil {
				return err
			}
			gone += n
		}
		n, err := s.drop(c, deleteEnded, micros(before), perRetire)
		if err != nil {
			return err
		}
		gone += n
		if events == 0 {
			return nil
		}
		start := append(binary.BigEndian.AppendUint64(nil, uint64(last)), link...)
		if _, err := c.exec(putMeta, metaStart, start); err != nil {
			return err
		}
		if _, err := c.exec(deleteRetired, last); err != nil {
			return err
		}
		e.Ref, e.Detail = last, hex.EncodeToString(link)
		_, err = s.add(c, e)
		return err
	}})
	return gone, fail("retire", err)
}
