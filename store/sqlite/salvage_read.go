package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"offramp/store"
)

// salvage moves whole messages from a damaged file into a new one.
type salvage struct {
	from *conn
	to   *Spool
	done *Salvaged
	nums []int64          // of messages, as far as any table knows them
	ids  map[int64]string // queue ids by the index

	sealed bool                        // recipients have checksums
	found  map[int64][]store.Recipient // by message: what no look for it finds
}

const (
	salvageNumsUp     = "SELECT num, 0 FROM messages NOT INDEXED WHERE num > ? ORDER BY num LIMIT 1"
	salvageNumsDown   = "SELECT num, 0 FROM messages NOT INDEXED WHERE num < ? ORDER BY num DESC LIMIT 1"
	salvageRcptUp     = "SELECT message, n FROM recipients WHERE message > ? ORDER BY message, n LIMIT 1"
	salvageRcptDown   = "SELECT message, n FROM recipients WHERE message < ? ORDER BY message DESC, n DESC LIMIT 1"
	salvageIDsUp      = "SELECT id, num FROM messages INDEXED BY sqlite_autoindex_messages_1 WHERE id > ? ORDER BY id LIMIT 1"
	salvageIDsDown    = "SELECT id, num FROM messages INDEXED BY sqlite_autoindex_messages_1 WHERE id < ? ORDER BY id DESC LIMIT 1"
	salvageNum        = "SELECT num, 0 FROM messages NOT INDEXED WHERE num = ?"
	salvageRcptOf     = "SELECT message, n FROM recipients WHERE message = ? LIMIT 1"
	salvageMessage    = "SELECT chunks, sum, tail, " + messageColumns + " FROM messages NOT INDEXED WHERE num = ?"
	salvageRecipients = "SELECT " + recipientColumns + " FROM recipients WHERE message = ?1 AND n > ?2 ORDER BY n LIMIT 1"
	salvageLast       = "SELECT " + recipientColumns + " FROM recipients WHERE message = ?1 AND n < ?2 ORDER BY n DESC LIMIT 1"
)

// How many numbers are tried one by one: between two that are known, and beyond
// the last.
const (
	mostProbed = 1 << 20
	mostBeyond = 1 << 14
)

// columns is a query of recipients for the file of an earlier release as well.
func (g *salvage) columns(query string) string {
	if g.sealed {
		return query
	}
	return strings.Replace(query, recipientColumns, strings.TrimSuffix(recipientColumns, "seal")+"0", 1)
}

func (g *salvage) run(ctx context.Context) error {
	known := make(map[int64]bool)
	if err := g.scan(); err != nil {
		return err
	}
	for num := range g.found {
		known[num] = true
	}
	for _, t := range [][3]string{{salvageNumsUp, salvageNumsDown, salvageNum}, {salvageRcptUp, salvageRcptDown, salvageRcptOf}} {
		if err := g.numbers(ctx, t[0], t[1], t[2], known); err != nil {
			return err
		}
	}
	if err := g.index(known); err != nil {
		return err
	}
	for num := range known {
		g.nums = append(g.nums, num)
	}
	slices.Sort(g.nums)
	for _, num := range g.nums {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := g.message(ctx, num); err != nil {
			return err
		}
	}
	return g.fates(ctx)
}

// numbers finds messages by a table: up from the first until a page cannot be
// read, down from the last, and what is between by every number.
func (g *salvage) numbers(ctx context.Context, up, down, one string, known map[int64]bool) error {
	low, high := int64(0), int64(1)<<(63-recipientBits)
	walk := func(query string, at *int64, step int) (whole bool, err error) {
		for {
			next := *at
			found, err := g.from.one(query, func(r row) { next = r.int(0) }, *at)
			if err != nil || !found {
				return err == nil, err
			}
			if cmp.Compare(next, *at) != step {
				return false, errOrder
			}
			*at = next
			known[next] = true
		}
	}
	whole, err := walk(up, &low, +1)
	if whole || err != nil && !unreadable(err) {
		return err
	}
	if _, err := walk(down, &high, -1); err != nil && !unreadable(err) {
		return err
	}
	if high == 1<<(63-recipientBits) {
		// The last page cannot be read either: from the last that is known on.
		for num := range known {
			low = max(low, num)
		}
		high = low + mostBeyond
	}
	for num := low + 1; num < min(high, low+mostProbed); num++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := g.from.one(one, func(row) { known[num] = true }, num); err != nil && !unreadable(err) {
			return err
		}
	}
	return nil
}

// index finds messages by their queue ids.
func (g *salvage) index(known map[int64]bool) error {
	for _, walk := range []struct {
		query, at string
		step      int
	}{{salvageIDsUp, "", +1}, {salvageIDsDown, "\x7f", -1}} {
		for {
			next := walk.at
			found, err := g.from.one(walk.query, func(r row) {
				next = r.text(0)
				g.ids[r.int(1)] = next
				known[r.int(1)] = true
			}, walk.at)
			if err != nil && !unreadable(err) {
				return err
			}
			if err != nil || !found || cmp.Compare(next, walk.at) != walk.step {
				break
			}
			walk.at = next
		}
	}
	return nil
}

// stored is a message as it is in the damaged file.
type stored struct {
	arrival
	sum int64
}

// message moves one message, or notes it as lost.
func (g *salvage) message(ctx context.Context, num int64) error {
	lost := Lost{ID: g.ids[num]}
	m := stored{arrival: arrival{num: num}}
	var changed error // the envelope is not what was written
	found, err := g.from.one(salvageMessage, func(r row) {
		m.chunks, m.sum, m.tail = r.int(0), r.int(1), r.blob(2)
		_, m.message, changed = messageOf(r[3:])
		m.size = m.message.Size
	}, num)
	if err != nil && !unreadable(err) {
		return err
	}
	legible := err == nil && found
	gone := err == nil && !found
	recipients, all, err := g.recipients(num)
	if err != nil {
		return err
	}
	if gone && all && len(recipients) == 0 && lost.ID == "" {
		return nil // a recipient of another message, who was found again
	}
	for _, r := range recipients {
		lost.Recipients = append(lost.Recipients, r.Address)
	}
	if legible {
		lost.ID, lost.Sender = m.message.ID, m.message.ReversePath
	}
	switch m.recipients = recipients; {
	case legible && changed != nil:
		lost.Why = "its envelope is not what was written"
	case !legible:
		lost.Why = "its envelope and header cannot be read"
	case len(recipients) == 0:
		lost.Why = "its recipients cannot be read"
	default:
		err := g.move(ctx, m)
		switch {
		case err == nil:
			g.done.Kept++
			if all {
				return nil
			}
			lost.Recipients, lost.Why = nil, "further recipients cannot be read; those that can be are kept"
		case unreadable(err):
			lost.Why = "its text cannot be read, or is not what was written"
		case isConstraint(err):
			lost.Why = "its queue id is that of another message"
		default:
			return err
		}
	}
	g.done.Lost = append(g.done.Lost, lost)
	return nil
}

// recipients reads those of a message from both ends; all says that there are
// no others between.
func (g *salvage) recipients(num int64) (found []store.Recipient, all bool, err error) {
	altered := false
	read := func(query string, at int64, step int) (list []store.Recipient, err error) {
		for {
			var r store.Recipient
			whole, next := true, at
			ok, err := g.from.one(g.columns(query), func(row row) {
				if r, whole = recipientOf(row), unaltered(row); !whole {
					_, found := corrected(row) // then it is among what scan found
					altered = altered || !found
				}
				next = row.int(1)
			}, num, at)
			if err != nil || !ok {
				return list, err
			}
			if cmp.Compare(next, at) != step {
				return list, errOrder
			}
			if at = next; whole {
				list = append(list, r)
			}
		}
	}
	if found, err = read(salvageRecipients, -1, +1); err == nil || !unreadable(err) {
		return g.merge(num, found), err == nil && !altered, err
	}
	rest, err := read(salvageLast, maxRecipients, -1)
	if err != nil && !unreadable(err) {
		return nil, false, err
	}
	slices.Reverse(rest)
	return g.merge(num, append(found, rest...)), false, nil
}

// errOrder says that rows do not come in their order, as on a damaged page: to go
// on from one of them might never end.
var errOrder = fmt.Errorf("%w: rows out of order", store.ErrDamaged)

// errSum says that a message is not what was written.
var errSum = fmt.Errorf("%w: checksum or size differs", store.ErrMessage)

// move copies a message, chunk by chunk, and makes it part of the new spool once
// all of it was what was written.
func (g *salvage) move(ctx context.Context, m stored) (err error) {
	defer func() {
		if err != nil && m.chunks > 0 {
			err = errors.Join(err, g.to.file.write(ctx, &op{run: func(c *conn) error {
				_, err := c.exec(deleteChunks, m.num)
				return err
			}}))
		}
	}()
	if m.sum != int64(g.to.sum(m.message.Trace, m.message.Header, m.tail)) {
		return errSum
	}
	size := int64(len(m.tail))
	for n := range m.chunks {
		var data []byte
		var sum int64
		found, err := g.from.one(selectChunk, func(r row) { sum, data = r.int(0), r.blob(1) }, m.num, n)
		if err != nil {
			return err
		}
		if !found || int64(g.to.sum(data)) != sum {
			return errSum
		}
		size += int64(len(data))
		if err := g.to.file.write(ctx, &op{cost: len(data), run: func(c *conn) error {
			_, err := c.exec(insertChunk, m.num, n, sum, data)
			return err
		}}); err != nil {
			return err
		}
	}
	if size != m.size {
		return errSum
	}
	recipients := m.recipients
	m.recipients = nil
	return g.to.file.write(ctx, &op{cost: len(m.tail), run: func(c *conn) error {
		if err := g.to.insert(c, m.arrival, &change{}); err != nil {
			return err
		}
		for _, r := range recipients { // with the numbers that others know them by
			t := g.to.history.trackFor(m.message, r)
			t.tries = g.tries(r)
			if err := putRecipient(c, r, t); err != nil {
				return err
			}
		}
		return nil
	}})
}
