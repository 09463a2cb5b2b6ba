package sqlite

import (
	"context"
	"strings"
	"time"

	"offramp/store"
)

const (
	addTraffic = `INSERT INTO traffic (sender, login, list, mark, unmarked, messages, recipients, dropped, repeated, peak, precedence, feedback_id, first, last)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (sender, login, list, mark) DO UPDATE SET messages = messages + excluded.messages, recipients = recipients + excluded.recipients,
			dropped = dropped + excluded.dropped, repeated = repeated + excluded.repeated, peak = max(peak, excluded.peak),
			precedence = precedence + excluded.precedence, feedback_id = feedback_id + excluded.feedback_id,
			first = min(first, excluded.first), last = max(last, excluded.last)`
	selectTrafficOf  = "SELECT 1 FROM traffic WHERE sender = ? AND login = ? AND list = ? AND mark = ?"
	countTraffic     = "SELECT count(*) FROM traffic"
	deleteOldTraffic = "DELETE FROM traffic WHERE last < ?"
	deleteTrafficOf  = "DELETE FROM traffic WHERE sender = ?"
	selectTraffic    = `SELECT sender, login, list, mark, unmarked, messages, recipients, dropped, repeated, peak, precedence, feedback_id, first, last
		FROM traffic ORDER BY unmarked AND dropped > 0 DESC, messages DESC, sender, login, list, mark LIMIT ?`
)

// maxTraffic is from how many rows on new senders are counted by their domain;
// at twice as many no row is added until old ones went. Rows that are there count
// on.
const maxTraffic = 10_000

// AddTraffic adds to the rows of traffic, and drops those of long ago.
func (s *Consent) AddTraffic(ctx context.Context, since time.Time, rows ...store.Traffic) error {
	if len(rows) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		var kept int64
		if _, err := c.one(countTraffic, func(r row) { kept = r.int(0) }); err != nil {
			return err
		}
		for _, t := range rows {
			if err := s.addTraffic(c, t, &kept); err != nil {
				return err
			}
		}
		_, err := c.exec(deleteOldTraffic, micros(since))
		return err
	}})
	return fail("add traffic", err)
}

// addTraffic adds to one row; kept is how many there are.
func (s *Consent) addTraffic(c *conn, t store.Traffic, kept *int64) error {
	domain := t.Sender[max(0, strings.LastIndexByte(t.Sender, '@')):]
	// The address of an erased person is in no record, whoever it writes as.
	if _, erased, err := s.people.known(c, t.Sender); err != nil {
		return err
	} else if erased {
		t.Sender = domain
	}
	known := func() (bool, error) { return c.one(selectTrafficOf, func(row) {}, t.Sender, t.Login, t.List, t.Mark) }
	found, err := known()
	if err == nil && !found && *kept >= maxTraffic {
		t.Sender = domain
		found, err = known()
	}
	if err != nil || !found && *kept >= 2*maxTraffic {
		return err
	}
	if !found {
		*kept++
	}
	_, err = c.exec(addTraffic, t.Sender, t.Login, t.List, t.Mark, t.Unmarked, t.Messages, t.Recipients, t.Dropped, t.Repeated, t.Peak,
		t.Precedence, t.FeedbackID, micros(t.First), micros(t.Last))
	return err
}

// Traffic returns rows of traffic: first those of unmarked mail that opt-outs
// stopped, then those with the most messages.
func (s *Consent) Traffic(ctx context.Context, limit int) (all []store.Traffic, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectTraffic, func(r row) error {
			all = append(all, store.Traffic{
				Sender: r.text(0), Login: r.text(1), List: r.text(2), Mark: r.text(3), Unmarked: r.bool(4),
				Messages: r.int(5), Recipients: r.int(6), Dropped: r.int(7), Repeated: r.int(8), Peak: r.int(9),
				Precedence: r.int(10), FeedbackID: r.int(11), First: r.time(12), Last: r.time(13),
			})
			return nil
		}, limitOf(limit))
	})
	return all, fail("traffic", err)
}
