package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"offramp/store"
)

// history is what became of mail. While mail waits, all that is known of it
// stands in the tables of the queue, so accepting it writes nothing more. What
// ends a recipient adds one row to the end of the table fates, in the same
// transaction. What rows are found by is put into an index in the background,
// many at once and sorted; until then a look-up reads them one by one.
type history struct {
	key     [16]byte // of the hashes in the index, made with the file
	waiting waiting
	log     *slog.Logger

	// Of the writer's goroutine alone:
	id, total int64 // of the last row
	buf       []byte
	broken    bool // the tables are damaged: nothing is recorded until the file is opened again

	every   atomic.Int64 // how many rows a new segment is about
	added   atomic.Int64 // the last row that was committed
	indexed atomic.Int64 // the last row that the index is about
	// changing is held while segments are made, merged or changed.
	changing sync.Mutex
	wake     chan struct{} // holds a token when there is something to index
	stop     func()        // nil: nothing runs
}

const (
	metaHistoryKey  = "history-key"
	metaHistoryFrom = "history-from" // what ended before that time may have gone

	selectLastFate = "SELECT id, total FROM fates ORDER BY id DESC LIMIT 1"
	selectHighest  = "SELECT coalesce(max(high), 0) FROM fate_segments"
	insertFate     = "INSERT INTO fates (id, total, data) VALUES (?, ?, ?)"
	deleteFate     = "DELETE FROM fates WHERE id = ?"
	// By the index: it has one short row for each page of entries.
	deleteStray = `DELETE FROM fate_blocks WHERE id IN (SELECT id FROM fate_blocks INDEXED BY fate_blocks_first
		WHERE segment NOT IN (SELECT id FROM fate_segments))`
)

// fateExtra is what a row takes besides its record: its key, and its entries in
// the index.
const fateExtra = 70

// begin is called at the start, before anything uses the file.
func (h *history) begin(c *conn, now time.Time) error {
	if _, err := c.exec(deleteStray); err != nil { // of a merge that was cut off
		return h.whatever(err)
	}
	found, err := h.readKey(c)
	if err != nil || found {
		return err
	}
	if _, err := rand.Read(h.key[:]); err != nil {
		return err
	}
	if _, err := c.exec(putMeta, metaHistoryKey, h.key[:]); err != nil {
		return err
	}
	return putFrom(c, micros(now))
}

func (h *history) readKey(c *conn) (found bool, err error) {
	_, err = c.one(selectMeta, func(r row) { found = copy(h.key[:], r.blob(0)) == len(h.key) }, metaHistoryKey)
	return found, err
}

// whatever notes damage to the history, which must not hold up mail.
func (h *history) whatever(err error) error {
	if !errors.Is(err, store.ErrDamaged) {
		return err
	}
	if !h.broken {
		h.broken = true
		h.log.Error("the history of mail is damaged, and nothing is added to it: stop the server and run `offramp repair`", "file", spoolFile, "error", err)
	}
	return nil
}

// load reads where the rows end, whenever the connection was opened.
func (h *history) load(c *conn) error { return h.whatever(h.readEnd(c)) }

func (h *history) readEnd(c *conn) error {
	var high int64
	if _, err := c.one(selectHighest, func(r row) { high = r.int(0) }); err != nil {
		return err
	}
	h.id, h.total = high, 0
	if _, err := c.one(selectLastFate, func(r row) { h.id, h.total = max(h.id, r.int(0)), r.int(1) }); err != nil {
		return err
	}
	h.indexed.Store(high)
	h.added.Store(h.id)
	return nil
}

// The kinds of entries in the index.
const (
	byPerson byte = iota + 1
	byQueueID
	byMessageID
)

// hash is the place of a text in the index. It has a key, so that nobody can
// choose texts that collide.
func (h *history) hash(kind byte, text string) int64 {
	var room [sealRoom]byte
	b := append(append(room[:0], h.key[:]...), kind)
	return int64(xxhash.Sum64(append(b, text...)))
}

// add records a fate, in a transaction, and returns the number of its row; 0:
// there is none.
func (h *history) add(c *conn, s *Spool, person string, f *store.Fate) (int64, error) {
	if h.broken {
		return 0, nil
	}
	h.buf = appendFate(h.buf[:0], person, f, s.crc)
	h.id++
	h.total += int64(len(h.buf)) + fateExtra
	if _, err := c.exec(insertFate, h.id, h.total, h.buf); err != nil {
		return 0, h.whatever(err)
	}
	return h.id, nil
}

// committed has rows indexed once there are many.
func (h *history) committed() {
	h.added.Store(h.id)
	if h.id-h.indexed.Load() >= h.every.Load() {
		h.poke()
	}
}

func (h *history) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// personOf is the lookup key of a recipient, as far as the engine knows it.
func personOf(r store.Recipient) string {
	if r.Person != "" {
		return r.Person
	}
	return strings.ToLower(r.Address)
}

// fateIn is the fate of a recipient that is in the queue.
func fateIn(m *store.Message, r store.Recipient, t track) store.Fate {
	return store.Fate{
		QueueID: m.ID, MessageID: m.MessageID, ReversePath: m.ReversePath, List: m.List, Client: m.Client, Login: m.Login,
		Accepted: m.Received, Recipient: r.Address, Attempts: r.Attempts, Tries: t.tries,
	}
}

// ended adds the fate of a recipient that leaves; 0: none is recorded.
func (s *Spool) ended(c *conn, l *leased, res store.Result) (int64, error) {
	if l == nil || l.track.erased {
		return 0, nil
	}
	f := fateIn(l.message, l.recipient, l.track)
	f.End, f.Ended, f.Reason = store.EndDelivered, s.now(), res.Reason
	if res.Kind == store.Dropped {
		f.End = store.EndDropped
	} else {
		f.Attempts++
		f.Tries = withTry(f.Tries, f.Ended, res.Status)
	}
	return s.history.add(c, s, l.track.person, &f)
}

// removed adds the fate of a recipient that the operator removes.
func (s *Spool) removed(c *conn, l *leased) error {
	if l == nil || l.track.erased {
		return nil
	}
	f := fateIn(l.message, l.recipient, l.track)
	f.End, f.Ended = store.EndRemoved, s.now()
	_, err := s.history.add(c, s, l.track.person, &f)
	return err
}

// bounced adds the fates of recipients whose failure is reported.
func (s *Spool) bounced(c *conn, bounce *store.Bounce, reported []int64) error {
	for _, id := range reported {
		l, err := leavingRow(c, id)
		if err != nil {
			return err
		}
		if l == nil || l.track.erased || l.recipient.State != store.Failed {
			continue
		}
		f := fateIn(l.message, l.recipient, l.track)
		f.End, f.Ended = store.EndBounced, s.now()
		if notify := l.recipient.Notify; bounce != nil && (notify == "" || strings.Contains(strings.ToUpper(notify), "FAILURE")) {
			f.Bounce = bounce.Message.ID
		}
		if _, err := s.history.add(c, s, l.track.person, &f); err != nil {
			return err
		}
	}
	return nil
}

// Note records recipients that were dropped when their message was accepted.
func (s *Spool) Note(ctx context.Context, m *store.Message, stopped ...store.Stopped) error {
	if s.file.writer == nil {
		return fail("note", errReadOnly)
	}
	if err := ctx.Err(); err != nil || len(stopped) == 0 {
		return err
	}
	own := *m
	own.Header, own.Trace, own.Parts = nil, nil, nil
	err := s.file.writer.later(&op{
		cost: 200 * len(stopped),
		run: func(c *conn) error {
			for _, r := range stopped {
				if r.Recipient.Erased {
					continue
				}
				f := fateIn(&own, r.Recipient, track{})
				f.End, f.Ended, f.Reason = store.EndDropped, own.Received, r.Reason
				if _, err := s.history.add(c, s, personOf(r.Recipient), &f); err != nil {
					return err
				}
			}
			return nil
		},
		committed: s.history.committed,
	})
	return fail("note", err)
}

const selectLeaving = "SELECT " + recipientColumns + ", track FROM recipients WHERE message = ? AND n = ?"

// leavingRow reads a recipient that leaves without a lease, with its message;
// nil: it is gone, or not legible.
func leavingRow(c *conn, id int64) (*leased, error) {
	num, n := splitID(id)
	l := new(leased)
	found, err := c.one(selectLeaving, func(r row) {
		l.recipient = recipientOf(r)
		l.track = trackOf(r.blob(14), l.recipient.Address)
	}, num, n)
	if err != nil || !found {
		return nil, err
	}
	if _, err := c.one(selectOrigin, func(r row) { l.message = originOf(r) }, num); err != nil || l.message == nil {
		return nil, err
	}
	return l, nil
}

const selectOrigin = "SELECT id, received, reverse_path, client, login, message_id, list FROM messages WHERE num = ?"

func originOf(r row) *store.Message {
	return &store.Message{
		ID: r.text(0), Received: r.time(1), ReversePath: r.text(2), Client: r.text(3), Login: r.text(4), MessageID: r.text(5), List: r.text(6),
	}
}

// putFrom says since when all is known.
func putFrom(c *conn, at int64) error {
	_, err := c.exec(putMeta, metaHistoryFrom, fmt.Append(nil, at))
	return err
}
