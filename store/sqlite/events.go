package sqlite

import (
	"context"
	"strings"

	"offramp/store"
)

const (
	insertEvent = `INSERT INTO events (time, kind, recipient, list, way, reason, queue_id, message_id, ip, user_agent, who, detail, once)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING`
	selectEvents = `SELECT id, time, kind, recipient, list, way, reason, queue_id, message_id, ip, user_agent, who, detail, once FROM events`
	// Events come nearly in the order of their times, so the index on time
	// finds where a filter by time can begin.
	selectEventSince = "SELECT min(id) FROM events WHERE time >= ?"
)

// addEvent adds e within the transaction of c.
func addEvent(c *conn, e store.Event) error {
	var once any
	if e.Once != "" {
		once = e.Once
	}
	_, err := c.exec(insertEvent, micros(e.Time), string(e.Kind), e.Recipient, e.List, string(e.Way), string(e.Reason),
		e.QueueID, e.MessageID, e.IP, e.UserAgent, e.Who, e.Detail, once)
	return err
}

// AddEvents adds all events in one transaction.
func (s *Consent) AddEvents(ctx context.Context, events ...store.Event) error {
	if len(events) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		for _, e := range events {
			if err := addEvent(c, e); err != nil {
				return err
			}
		}
		return nil
	}})
	return fail("add events", err)
}

// Events returns events by ID.
func (s *Consent) Events(ctx context.Context, f store.EventFilter) (all []store.Event, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		if !f.Since.IsZero() {
			first := int64(0)
			if _, err := c.one(selectEventSince, func(r row) { first = r.int(0) }, micros(f.Since)); err != nil {
				return err
			}
			if first == 0 {
				return nil // none since then
			}
			f.After = max(f.After, first-1)
		}
		where, args := eventConditions(f)
		return c.query(selectEvents+where+" ORDER BY id LIMIT ?", func(r row) error {
			all = append(all, eventOf(r))
			return nil
		}, append(args, limitOf(f.Limit))...)
	})
	return all, fail("events", err)
}

// eventConditions puts together constant text; values are bound. There are
// few combinations, so each stays prepared.
func eventConditions(f store.EventFilter) (where string, args []any) {
	conditions := []string{"id > ?"}
	args = append(args, f.After)
	add := func(condition string, arg any) {
		conditions = append(conditions, condition)
		args = append(args, arg)
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
	if f.Kind != "" {
		add("kind = ?", string(f.Kind))
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

func eventOf(r row) store.Event {
	return store.Event{
		ID: r.int(0), Time: r.time(1), Kind: store.EventKind(r.text(2)), Recipient: r.text(3), List: r.text(4),
		Way: store.Way(r.text(5)), Reason: store.Reason(r.text(6)), QueueID: r.text(7), MessageID: r.text(8),
		IP: r.text(9), UserAgent: r.text(10), Who: r.text(11), Detail: r.text(12), Once: r.text(13),
	}
}
