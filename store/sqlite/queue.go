package sqlite

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"offramp/store"
)

// Queue returns messages by queue id, with those of their recipients that f selects.
func (s *Spool) Queue(ctx context.Context, f store.QueueFilter) (all []store.QueueEntry, err error) {
	err = s.file.readers.snapshot(ctx, func(c *conn) error {
		all, err = s.selected(c, f)
		return err
	})
	return all, fail("queue", err)
}

// selected reads the messages f selects, at most f.Limit.
func (s *Spool) selected(c *conn, f store.QueueFilter) (all []store.QueueEntry, err error) {
	var nums []int64
	conditions, args := queueConditions(f)
	err = c.query("SELECT "+messageColumns+" FROM messages WHERE "+conditions+" ORDER BY id LIMIT ?", func(r row) error {
		// Damaged parts do not justify hiding a message from the operator.
		num, m, _ := messageOf(r)
		nums = append(nums, num)
		all = append(all, store.QueueEntry{Message: m})
		return nil
	}, append(args, limitOf(f.Limit))...)
	if err != nil {
		return nil, err
	}
	for i, num := range nums {
		e := &all[i]
		err := c.query(selectRecipients, func(row row) error {
			r := recipientOf(row)
			if !selects(f, r) {
				return nil
			}
			e.Recipients = append(e.Recipients, r)
			if s.schedule.isLeased(r.ID) {
				e.Active++
			}
			return nil
		}, num)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// selects reports whether f selects a recipient of a message that it selects.
func selects(f store.QueueFilter, r store.Recipient) bool {
	return (f.State == "" || f.State == r.State) && (f.Domain == "" || f.Domain == r.Domain)
}

// queueConditions puts together constant text; values are bound.
func queueConditions(f store.QueueFilter) (where string, args []any) {
	conditions := []string{"id > ?"}
	args = append(args, f.After)
	if f.ID != "" {
		conditions = append(conditions, "id = ?")
		args = append(args, f.ID)
	}
	if f.Sender != "" {
		conditions = append(conditions, "reverse_path = ?")
		args = append(args, f.Sender)
	}
	if f.State != "" || f.Domain != "" {
		conditions = append(conditions, `EXISTS (SELECT 1 FROM recipients
			WHERE message = num AND (? = '' OR state = ?) AND (? = '' OR domain = ?))`)
		args = append(args, string(f.State), string(f.State), f.Domain, f.Domain)
	}
	return strings.Join(conditions, " AND "), args
}

// actStep is how many messages one transaction of Act changes: few enough
// that mail which arrives meanwhile does not wait for long.
const actStep = 200

// Act applies an action to the recipients that f selects, some messages at a
// time.
func (s *Spool) Act(ctx context.Context, a store.QueueAction, f store.QueueFilter) (int, error) {
	switch a {
	case store.Retry, store.Hold, store.ReleaseHold, store.Remove:
	default:
		return 0, fmt.Errorf("unknown queue action %q", a)
	}
	f.After, f.Limit = "", actStep
	total := 0
	for {
		n, last, err := s.actStep(ctx, a, f)
		total += n
		if err != nil || last == "" {
			return total, fail("queue "+string(a), err)
		}
		f.After = last
	}
}

// act is one step of an action.
type act struct {
	s        *Spool
	action   store.QueueAction
	now      int64
	reserved map[int64]bool // recipients that no Lease may take meanwhile
	ch       change
	changed  int
	last     string // queue id of the last message looked at
}

func (s *Spool) actStep(ctx context.Context, action store.QueueAction, f store.QueueFilter) (int, string, error) {
	a := &act{s: s, action: action, now: micros(s.now()), reserved: make(map[int64]bool)}
	err := s.file.write(ctx, &op{
		frees:  true,
		before: func(c *conn) error { return a.recordEnds(c, f) },
		run: func(c *conn) error {
			a.ch, a.changed, a.last = change{}, 0, ""
			entries, err := s.selected(c, f)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := a.entry(c, e); err != nil {
					return err
				}
				a.last = e.Message.ID
			}
			return nil
		},
		committed: func() { s.apply(&a.ch) },
	})
	if err != nil {
		s.schedule.unlease(slices.Collect(maps.Keys(a.reserved)))
		return 0, "", err
	}
	return a.changed, a.last, nil
}

func (a *act) entry(c *conn, e store.QueueEntry) error {
	for _, r := range e.Recipients {
		changed, err := a.recipient(c, r)
		if err != nil {
			return err
		}
		if changed {
			a.changed++
		}
	}
	if a.action != store.Remove || len(e.Recipients) == 0 {
		return nil
	}
	num, _ := splitID(e.Recipients[0].ID)
	return dropUnused(c, []int64{num}, &a.ch)
}

const (
	setNext  = "UPDATE recipients SET state = 'queued', next = ? WHERE message = ? AND n = ?"
	setState = "UPDATE recipients SET state = ? WHERE message = ? AND n = ?"
)

// recipient applies the action to one recipient.
func (a *act) recipient(c *conn, r store.Recipient) (changed bool, err error) {
	num, n := splitID(r.ID)
	switch a.action {
	case store.Retry:
		if r.State != store.Queued || a.s.schedule.isLeased(r.ID) {
			return false, nil
		}
		return true, a.wait(c, r)
	case store.ReleaseHold:
		if r.State != store.Held {
			return false, nil
		}
		return true, a.wait(c, r)
	case store.Hold:
		if r.State != store.Queued {
			return false, nil
		}
		a.ch.counts.add(r.State, -1)
		a.ch.counts.add(store.Held, 1)
		_, err = c.exec(setState, string(store.Held), num, n)
		return true, err
	}
	if !a.reserve(r.ID) {
		return false, nil
	}
	a.ch.settled = append(a.ch.settled, r.ID)
	_, err = leave(c, r.ID, &a.ch)
	return true, err
}

// reserve keeps a recipient for its removal, unless it is being attempted.
func (a *act) reserve(id int64) bool {
	if !a.reserved[id] && a.s.schedule.reserve(id) {
		a.reserved[id] = true
	}
	return a.reserved[id]
}

// recordEnds adds the fates of recipients that the operator removes.
func (a *act) recordEnds(c *conn, f store.QueueFilter) error {
	if a.action != store.Remove {
		return nil
	}
	entries, err := a.s.selected(c, f)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, r := range e.Recipients {
			if !a.reserve(r.ID) {
				continue
			}
			l, err := leavingRow(c, r.ID)
			if err != nil {
				return err
			}
			if err := a.s.removed(c, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait makes a recipient due now.
func (a *act) wait(c *conn, r store.Recipient) error {
	num, n := splitID(r.ID)
	a.ch.counts.add(r.State, -1)
	a.ch.counts.add(store.Queued, 1)
	a.ch.due = append(a.ch.due, waits{domain: r.Domain, next: a.now, id: r.ID})
	_, err := c.exec(setNext, a.now, num, n)
	return err
}

// selectOldest: messages are numbered in the order they came.
const selectOldest = "SELECT received FROM messages ORDER BY num LIMIT 1"

// Usage returns what the spool holds and how much space is free. Free counts
// what is free on the volume and inside the file, whose size never shrinks.
func (s *Spool) Usage(ctx context.Context) (store.Usage, error) {
	n := s.schedule.usage()
	u := store.Usage{Messages: n.messages, Queued: n.queued, Held: n.held, Failed: n.failed}
	var unused int64
	err := s.file.readers.do(ctx, func(c *conn) error {
		if _, err := c.one(selectOldest, func(r row) { u.Oldest = r.time(0) }); err != nil {
			return err
		}
		_, err := c.one("SELECT (SELECT freelist_count FROM pragma_freelist_count()) * (SELECT page_size FROM pragma_page_size())",
			func(r row) { unused = r.int(0) })
		return err
	})
	if err != nil {
		return store.Usage{}, fail("usage", err)
	}
	if u.Messages == 0 {
		u.Oldest = time.Time{}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &fs); err != nil {
		return store.Usage{}, fmt.Errorf("usage: %w: %w", store.ErrUnavailable, err)
	}
	var log uint64
	if f, err := os.Stat(s.file.path + "-wal"); err == nil {
		log = uint64(f.Size())
	}
	u.Free = free(fs.Bavail*uint64(fs.Bsize), uint64(unused), log)
	u.Capacity = fs.Blocks * uint64(fs.Bsize)
	return u, nil
}

// free is how much mail still fits. What is in the log takes space again when
// it is copied back, unless pages of the file are free for it; and those are of
// use only while the log itself can grow to where it starts over.
func free(volume, unused, log uint64) uint64 {
	if log < checkpointAt && volume < checkpointAt-log || volume+unused < logRoom {
		return 0
	}
	return volume + unused - logRoom
}
