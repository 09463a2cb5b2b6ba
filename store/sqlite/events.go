package sqlite

import (
	"context"
	"strings"
	"time"

	"offramp/store"
)

const (
	eventColumns = "id, time, kind, recipient, list, way, reason, ref, queue_id, message_id, ip, user_agent, who, detail"
	selectEvents = "SELECT " + eventColumns + " FROM events"
	// Events come nearly in the order of their times, so a filter by time begins
	// with the first event of the hour after the first one by its time.
	selectEventSince = `SELECT min(id) FROM events
		WHERE time >= ?1 AND time < (SELECT min(time) FROM events WHERE time >= ?1) + 3600000000`
	// The index of references knows only those that are greater than 0.
	selectOptOuts = "SELECT " + eventColumns + `, coalesce((SELECT min(time) FROM events f WHERE f.ref = e.id AND f.ref > 0 AND f.kind = 'in-force'), 0)
		FROM events e WHERE id > ? AND kind = 'unsubscribed' AND +time >= ? ORDER BY id LIMIT ?`
)

// AddEvents adds all events in one transaction.
func (s *Consent) AddEvents(ctx context.Context, events ...store.Event) error {
	if len(events) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		for _, e := range events {
			if _, err := s.add(c, e); err != nil {
				return err
			}
		}
		return nil
	}})
	return fail("add events", err)
}

// Events returns events by ID. Emptied ones are left out.
func (s *Consent) Events(ctx context.Context, f store.EventFilter) (all []store.Event, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		if f.Recipient != "" {
			name, _, err := s.people.known(c, f.Recipient)
			if err != nil {
				return err
			}
			f.Recipient = name
		} else if !f.Since.IsZero() { // one person's events are few, those of an hour may be many
			first, err := firstSince(c, f.Since)
			if err != nil || first == 0 {
				return err
			}
			f.After = max(f.After, first-1)
		}
		where, args := eventConditions(f)
		order := " ORDER BY id LIMIT ?"
		if f.Latest {
			order = " ORDER BY id DESC LIMIT ?"
		}
		return c.query(selectEvents+where+order, func(r row) error {
			all = append(all, eventOf(r))
			return nil
		}, append(args, limitOf(f.Limit))...)
	})
	return all, fail("events", err)
}

// firstSince is the ID of the first event since then; 0: there is none.
func firstSince(c *conn, since time.Time) (id int64, err error) {
	_, err = c.one(selectEventSince, func(r row) { id = r.int(0) }, micros(since))
	return id, err
}

// eventConditions puts together constant text; values are bound. There are
// few combinations, so each stays prepared.
func eventConditions(f store.EventFilter) (where string, args []any) {
	conditions := []string{"id > ?", "kind IS NOT NULL"}
	args = append(args, f.After)
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	if f.Before > 0 {
		add("id < ?", f.Before)
	}
	if !f.Since.IsZero() {
		add("+time >= ?", micros(f.Since))
	}
	if f.Recipient != "" {
		add("recipient = ?", f.Recipient)
	}
	if f.List != nil {
		add("list = ?", *f.List)
	}
	if len(f.Kinds) > 0 {
		var kinds []any
		for _, k := range f.Kinds {
			kinds = append(kinds, string(k))
		}
		add("kind IN (?"+strings.Repeat(", ?", len(kinds)-1)+")", kinds...)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

func eventOf(r row) store.Event {
	return store.Event{
		ID: r.int(0), Time: r.time(1), Kind: store.EventKind(r.text(2)), Recipient: r.text(3), List: r.text(4),
		Way: store.Way(r.text(5)), Reason: store.Reason(r.text(6)), Ref: r.int(7), QueueID: r.text(8), MessageID: r.text(9),
		IP: r.text(10), UserAgent: r.text(11), Who: r.text(12), Detail: r.text(13),
	}
}

// OptOuts returns opt-outs with the time from which they were in force.
func (s *Consent) OptOuts(ctx context.Context, since time.Time, after int64, limit int) (all []store.OptOut, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		if !since.IsZero() {
			first, err := firstSince(c, since)
			if err != nil || first == 0 {
				return err
			}
			after = max(after, first-1)
		}
		return c.query(selectOptOuts, func(r row) error {
			all = append(all, store.OptOut{Event: eventOf(r), InForce: r.optional(14)})
			return nil
		}, after, sinceMicros(since), limitOf(limit))
	})
	return all, fail("opt-outs", err)
}

// sinceMicros is the least time for a filter without one, too.
func sinceMicros(since time.Time) int64 {
	if since.IsZero() {
		return -1 << 62
	}
	return micros(since)
}
