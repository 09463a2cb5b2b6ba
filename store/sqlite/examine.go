package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"offramp/store"
)

// examined is what an examination of the queue's file found that no release
// writes.
type examined struct {
	structure string // what SQLite says of tables and indexes; empty: they are whole
	unread    error  // rows that cannot be read
	altered   int64  // recipients, or messages, that are not what was written
	states    int64  // recipients in no state that there is
	times     int64  // recipients that wait for longer than any retry, or with an impossible count of attempts
	strays    int64  // recipients of no message
	empty     int64  // messages of no recipient
	partly    bool   // there was no time for all of the structure
}

// text says what was found; empty: nothing.
func (e *examined) text() string {
	var all []string
	for _, c := range []struct {
		n    int64
		what string
	}{
		{e.altered, "messages or recipients that are not what was written"},
		{e.states, "recipients in an unknown state"},
		{e.times, "recipients with an impossible time or count of attempts"},
		{e.strays, "recipients without message"},
		{e.empty, "messages without recipient"},
	} {
		if c.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if e.structure != "" {
		all = append(all, "structure: "+e.structure)
	}
	if e.unread != nil {
		all = append(all, "rows that cannot be read")
	}
	return strings.Join(all, "; ")
}

const (
	// Few at a time, since the log cannot start over while they are read.
	examineStep      = 2000
	examinedColumns  = "r.message, r.n, r.address, r.domain, r.notify, r.original, r.state, r.attempts, r.next, r.code, r.enhanced, r.text, r.host, r.seal"
	selectExamined   = "SELECT " + examinedColumns + ", m.num FROM recipients r LEFT JOIN messages m ON m.num = r.message WHERE (r.message, r.n) > (?, ?) ORDER BY r.message, r.n LIMIT ?"
	selectEnvelopes  = "SELECT " + messageColumns + ", EXISTS (SELECT 1 FROM recipients WHERE message = num) FROM messages WHERE num > ? ORDER BY num LIMIT ?"
	mostAttempts     = 1 << 20
	examineStructure = 20 * time.Second
	structureOfAll   = "PRAGMA integrity_check(10)"
	// The rows that nothing but this says are missing.
	structureOfRecipients = "PRAGMA integrity_check(recipients)"
)

// examine looks for damage in the queue's file. An error says that it could not.
func examine(ctx context.Context, c *conn, now time.Time) (e examined, err error) {
	if err := e.checkStructure(ctx, c, examineStructure); err != nil {
		return e, err
	}
	for _, err := range []error{e.recipients(ctx, c, now), e.messages(ctx, c)} {
		switch {
		case unreadable(err):
			e.unread = err
		case err != nil:
			return e, err
		}
	}
	return e, nil
}

// checkStructure has SQLite look for damage: of all the file, or, where that takes
// too long, of the table whose rows have no other proof that they exist.
func (e *examined) checkStructure(ctx context.Context, c *conn, most time.Duration) error {
	short, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := e.structureBy(short, c, structureOfAll)
	if short.Err() != nil && ctx.Err() == nil {
		e.partly = true
		err = e.structureBy(ctx, c, structureOfRecipients)
	}
	if unreadable(err) {
		e.structure, err = "it cannot be read", nil
	}
	return err
}

func (e *examined) structureBy(ctx context.Context, c *conn, pragma string) error {
	return c.interruptible(ctx, pragma, func(r row) error {
		if text := r.text(0); text != "ok" && e.structure == "" {
			e.structure = strings.ReplaceAll(text[:min(len(text), 200)], "\n", ", ")
		}
		return nil
	})
}

func (e *examined) recipients(ctx context.Context, c *conn, now time.Time) error {
	latest := micros(now.Add(farthest))
	for num, n, more := int64(-1)<<62, int64(0), true; more && ctx.Err() == nil; {
		more = false
		from, after := num, n
		if err := c.query(selectExamined, func(r row) error {
			num, n = r.int(0), r.int(1)
			// In a tree that is out of order the same rows could come for ever.
			more = num > from || num == from && n > after
			e.recipient(r, latest)
			return nil
		}, from, after, examineStep); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (e *examined) recipient(r row, latest int64) {
	if !unaltered(r) || r.seal(13) == 0 && !plausible(r.text(2), r.text(3)) {
		e.altered++
	}
	state, _ := r[6].(string)
	switch store.RecipientState(state) {
	case store.Queued, store.Held, store.Failed:
	default:
		e.states++
	}
	if tries := r.int(7); tries < 0 || tries > mostAttempts || state == string(store.Queued) && r.int(8) > latest {
		e.times++
	}
	if r[14] == nil {
		e.strays++
	}
}

// plausible says whether an address and a domain of an earlier release, which
// have no checksum, can be.
func plausible(address, domain string) bool {
	if strings.EqualFold(address, "postmaster") {
		return true
	}
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 || domain == "" || domain != strings.ToLower(domain) {
		return false
	}
	for _, octets := range []string{address, domain} {
		if strings.ContainsFunc(octets, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
			return false
		}
	}
	return true
}

func (e *examined) messages(ctx context.Context, c *conn) error {
	for num, more := int64(-1)<<62, true; more && ctx.Err() == nil; {
		more = false
		from := num
		if err := c.query(selectEnvelopes, func(r row) error {
			var err error
			if num, _, err = messageOf(r); err != nil {
				e.altered++
			}
			if !r.bool(23) {
				e.empty++
			}
			more = num > from
			return nil
		}, from, examineStep); err != nil {
			return err
		}
	}
	return ctx.Err()
}
