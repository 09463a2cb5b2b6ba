package sqlite

import (
	"context"
	"strings"

	"offramp/store"
)

const (
	metaDefaultStream = "default-stream"

	addTraffic = `INSERT INTO traffic (sender, login, list, mark, unmarked, messages, recipients, dropped, repeated, peak, precedence, feedback_id, first, last)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (sender, login, list, mark) DO UPDATE SET messages = messages + excluded.messages, recipients = recipients + excluded.recipients,
			dropped = dropped + excluded.dropped, repeated = repeated + excluded.repeated, peak = max(peak, excluded.peak),
			precedence = precedence + excluded.precedence, feedback_id = feedback_id + excluded.feedback_id,
			first = min(first, excluded.first), last = max(last, excluded.last)`
	countTraffic  = "SELECT count(*) FROM traffic"
	oldTraffic    = "DELETE FROM traffic WHERE last < ?"
	trafficOf     = "DELETE FROM traffic WHERE sender = ?"
	selectTraffic = `SELECT sender, login, list, mark, unmarked, messages, recipients, dropped, repeated, peak, precedence, feedback_id, first, last
		FROM traffic ORDER BY unmarked AND dropped > 0 DESC, messages DESC, sender, login, list, mark LIMIT ?`
)

// maxTraffic is from how many rows on new ones are counted by domain; beyond
// twice as many nothing is added until old ones went.
const maxTraffic = 10_000

// AddTraffic adds to the rows of traffic, and drops those of long ago.
func (s *Consent) AddTraffic(ctx context.Context, rows ...store.Traffic) error {
	if len(rows) == 0 {
		return nil
	}
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		newest := rows[0].Last
		var kept int64
		if _, err := c.one(countTraffic, func(r row) { kept = r.int(0) }); err != nil {
			return err
		}
		for _, t := range rows {
			// The address of an erased person is in no record, whoever it writes as.
			sender := t.Sender
			if _, erased, err := s.people.known(c, sender); err != nil {
				return err
			} else if erased || kept > maxTraffic {
				sender = sender[max(0, strings.LastIndexByte(sender, '@')):]
			}
			if kept > 2*maxTraffic {
				break // senders without end; those that count are known by now
			}
			_, err := c.exec(addTraffic, sender, t.Login, t.List, t.Mark, t.Unmarked, t.Messages, t.Recipients, t.Dropped, t.Repeated, t.Peak,
				t.Precedence, t.FeedbackID, micros(t.First), micros(t.Last))
			if err != nil {
				return err
			}
			if t.Last.After(newest) {
				newest = t.Last
			}
		}
		_, err := c.exec(oldTraffic, micros(newest.Add(-store.TrafficKept)))
		return err
	}})
	return fail("add traffic", err)
}

// Traffic returns rows of traffic, those with the most messages first.
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

// EarlierStream returns the default stream that the data was served with before
// there was a choice; empty: it never was.
func (s *Consent) EarlierStream(ctx context.Context) (stream string, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		_, err := c.one(selectMeta, func(r row) { stream = string(r.blob(0)) }, metaDefaultStream)
		return err
	})
	return stream, fail("earlier stream", err)
}
