package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

// ErrBehind says that offramp.db is not the one that spool.db was last used with,
// but an older copy or another: opt-outs are missing. See [Options.AcceptLedger].
var ErrBehind = fmt.Errorf("%s is not the one %s was last used with", consentFile, spoolFile)

// metaSeen holds how far the ledger reached: ID and link of an event, and a
// checksum over both, since a flipped bit must not stop a server.
const metaSeen = "ledger-seen"

const seenSize = 8 + len(store.Sum{}) + 8

func seenValue(h store.Head) []byte {
	value := append(binary.BigEndian.AppendUint64(nil, uint64(h.ID)), h.Link[:]...)
	sum := sha256.Sum256(value)
	return append(value, sum[:8]...)
}

// seenOf reads such a value; ok is false for what is not one.
func seenOf(value []byte) (h store.Head, ok bool) {
	if len(value) != seenSize {
		return h, false
	}
	h.ID, h.Link = int64(binary.BigEndian.Uint64(value)), store.Sum(value[8:8+len(store.Sum{})])
	return h, bytes.Equal(seenValue(h), value)
}

// seenEvery is how old what the queue's file knows of the ledger can be.
const seenEvery = 10 * time.Second

const selectLink = "SELECT link FROM events WHERE id = ?"

// behind compares the ledger with what the queue's file has seen of it. A queue
// that has seen none, a new or a repaired one, proves nothing.
func (db *DB) behind(ctx context.Context) error {
	var seen store.Head
	known := false
	if err := db.spool.file.readers.do(ctx, func(c *conn) error {
		_, err := c.one(selectMeta, func(r row) { seen, known = seenOf(r.blob(0)) }, metaSeen)
		return err
	}); err != nil || !known {
		return err
	}
	return db.consent.file.readers.snapshot(ctx, func(c *conn) error {
		head, err := readHead(c)
		if err != nil {
			return err
		}
		if head.ID < seen.ID {
			return fmt.Errorf("%w: its ledger ends with event %d, and mail was sent when it had reached event %d", ErrBehind, head.ID, seen.ID)
		}
		if head.First >= seen.ID { // retired since
			return nil
		}
		var have store.Sum
		if _, err := c.one(selectLink, func(r row) { have = sumOf(r.blob(0)) }, seen.ID); err != nil {
			return err
		}
		if have != seen.Link {
			return fmt.Errorf("%w: its event %d is another", ErrBehind, seen.ID)
		}
		return nil
	})
}

// seeing keeps what the queue's file knows of the ledger up to date, until ctx ends.
func (db *DB) seeing(ctx context.Context) {
	var seen store.Head
	for {
		if err := db.see(ctx, &seen); err != nil && ctx.Err() == nil {
			db.consent.guards.alarm.log.Debug("how far the ledger reaches is not noted in the queue's file", "error", err)
		}
		if !pause(ctx, seenEvery, nil) {
			return
		}
	}
}

// see notes how far the ledger reaches, where that is news. What is read there is
// on disk, so the note never is ahead of it.
func (db *DB) see(ctx context.Context, seen *store.Head) error {
	head, err := db.consent.Head(ctx)
	if err != nil || head == *seen || head.ID == 0 {
		return err
	}
	value := seenValue(head)
	err = db.spool.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(putMeta, metaSeen, value)
		return err
	}})
	if err == nil {
		*seen = head
	}
	return err
}

// lastSeen notes it once more, at the end.
func (db *DB) lastSeen() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := db.see(ctx, &store.Head{})
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) || errors.Is(err, context.DeadlineExceeded) {
		return nil // the note of before is older, not wrong
	}
	return err
}
