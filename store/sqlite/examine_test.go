package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// alter changes the queue's file past the store, as damage does.
func alter(t *testing.T, dir, statement string) {
	t.Helper()
	c, err := openConn("file:" + filepath.Join(dir, spoolFile))
	must(t, err)
	_, err = c.exec(statement)
	must(t, errors.Join(err, c.close()))
}

// threeQueued are messages 1 to 3, each for r@x.example and s@x.example.
func threeQueued(t *testing.T, s *Spool) {
	t.Helper()
	ctx := context.Background()
	for _, id := range []string{"Q1", "Q2", "Q3"} {
		d, err := s.Create(ctx)
		must(t, err)
		must(t, d.Commit(ctx, &store.Message{ID: id, Received: moment(0), Header: []byte("Subject: a\r\n\r\n")}, []store.Recipient{
			{Address: "r@x.example", Domain: "x.example", Next: moment(0)}, {Address: "s@x.example", Domain: "x.example", Next: moment(0), Attempts: 1}}))
	}
}

// dueNow leases all, and returns to whom of message 2 mail would go; it checks that
// the others are all due.
func dueNow(t *testing.T, s *Spool) (to string) {
	t.Helper()
	jobs, err := s.Lease(context.Background(), moment(5), 99, nil)
	must(t, err)
	others := 0
	for _, j := range jobs {
		switch a := j.Recipient.Address; {
		case a != "r@x.example" && a != "s@x.example" || j.Recipient.Domain != "x.example":
			t.Errorf("mail to %s at %s", a, j.Recipient.Domain)
		case j.Message.ID != "Q2":
			others++
		default:
			to += a[:1]
		}
	}
	if to == "sr" {
		to = "rs"
	}
	if others != 4 {
		t.Errorf("%d of 4 other recipients are due", others)
	}
	return to
}

// What no release writes is told while the server runs and keeps no other mail; a
// repair finds again what one bit was flipped in, and names what it lost.
func TestExamine(t *testing.T) {
	const altered, of = "1 messages or recipients that are not what was written", " WHERE message = 2 AND n = 0"
	for name, c := range map[string]struct {
		alter, told string
		before      string // to whom of message 2 mail goes, before the repair and after
		after       string
		lost        int
	}{
		"nothing":         {"UPDATE recipients SET text = 'later'" + of, "", "rs", "rs", 0},
		"unknown state":   {"UPDATE recipients SET state = 'pueued'" + of, "1 recipients in an unknown state", "s", "rs", 0},
		"a state no more": {"UPDATE recipients SET state = ''" + of, "1 recipients in an unknown state", "s", "s", 0},
		"address":         {"UPDATE recipients SET address = 's@x.example'" + of, altered, "s", "rs", 0}, // r and s differ in one bit
		"domain":          {"UPDATE recipients SET domain = 'y.example'" + of, altered, "s", "rs", 0},
		"more than a bit": {"UPDATE recipients SET address = 'else@x.example'" + of, altered, "s", "s", 1},
		"no checksum":     {"UPDATE recipients SET seal = 1" + of, altered, "s", "s", 1},
		"number":          {"UPDATE recipients SET n = 4" + of, altered, "s", "rs", 0},
		"another message": {"UPDATE recipients SET message = 3, n = 8" + of, altered, "s", "s", 1},
		"no message":      {"UPDATE recipients SET message = 66" + of, "1 recipients without message", "s", "rs", 0},
		"attempts":        {"UPDATE recipients SET attempts = -1" + of, "1 recipients with an impossible", "rs", "rs", 0},
		"next":            {"UPDATE recipients SET next = next + (1 << 50)" + of, "1 recipients with an impossible", "s", "rs", 0},
		"no recipient":    {"DELETE FROM recipients WHERE message = 2", "1 messages without recipient", "", "", 1},
		"a list":          {"UPDATE messages SET list = 'other.example' WHERE num = 2", altered, "", "", 1},
		"earlier release": {"UPDATE recipients SET seal = 0" + of, "", "rs", "rs", 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			o := Options{Dir: t.TempDir(), PersonKey: testKey, Now: func() time.Time { return moment(5) }}
			db, err := Open(ctx, o)
			must(t, err)
			s := db.Spool()
			threeQueued(t, s)
			<-s.inspection.ended
			alter(t, o.Dir, c.alter)
			s.recent.drop([]int64{1, 2, 3})
			if err := s.inspect(ctx); err != nil || (c.told == "") != (s.Integrity().Damage == "") || !strings.Contains(s.Integrity().Damage, c.told) {
				t.Errorf("told %+v, %v", s.Integrity(), err)
			}
			if to := dueNow(t, s); to != c.before {
				t.Errorf("before the repair mail goes to %q", to)
			}
			if n, err := s.Recheck(ctx); n != 0 || err != nil {
				t.Errorf("%d are released though they are damaged, %v", n, err)
			}
			must(t, db.Close())
			done, err := Salvage(ctx, o)
			if err != nil || len(done.Lost) != c.lost || done.Damaged != (c.told != "") {
				t.Errorf("repair: %+v, %v", done, err)
			}
			s = openTest(t, o).Spool()
			<-s.inspection.ended
			if _, err := s.Recheck(ctx); err != nil || s.Integrity().Damage != "" {
				t.Errorf("still %+v, %v", s.Integrity(), err)
			}
			if to := dueNow(t, s); to != c.after {
				t.Errorf("after the repair mail goes to %q", to)
			}
		})
	}
}

// A row that is damaged while nothing looks for damage is not mailed, and told.
func TestAlteredRecipientIsParked(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	s := openTest(t, o).Spool()
	threeQueued(t, s)
	<-s.inspection.ended
	alter(t, o.Dir, "UPDATE recipients SET address = 'p@x.example' WHERE message = 2 AND n = 0")
	if to := dueNow(t, s); to != "s" {
		t.Errorf("mail goes to %q", to)
	}
	if i := s.Integrity(); i.Found != 1 || i.Damage == "" {
		t.Errorf("told %+v", i)
	}
	held, err := s.Queue(context.Background(), store.QueueFilter{State: store.Held})
	if err != nil || len(held) != 1 || held[0].Recipients[0].Status.Text != store.DamagedText {
		t.Errorf("held %+v, %v", held, err)
	}
}

// What an earlier release queued has no checksums, and neither an alarm: it is
// looked at all the same.
func TestPlausible(t *testing.T) {
	for _, c := range []struct {
		address, domain string
		want            bool
	}{
		{"a@b.example", "b.example", true},
		{`"a b"@b.example`, "b.example", true},
		{"a@[192.0.2.1]", "[192.0.2.1]", true},
		{"ä@ö.example", "xn--nda.example", true},
		{"Postmaster", "", true}, // RFC 5321 section 4.1.1.3
		{"a\x00b.example", "b.example", false},
		{"a\x01@b.example", "b.example", false},
		{"@b.example", "b.example", false},
		{"a@", "", false},
		{"a@b.example", "B.example", false},
		{"a@b.example", "\xe2.example", false},
	} {
		if got := plausible(c.address, c.domain); got != c.want {
			t.Errorf("%q at %q: %v", c.address, c.domain, got)
		}
	}
}

// An index that lost a row is told, also where there is no time for all of the file
// and the table of recipients has to do; a server that stops waits for neither.
func TestExamineStructure(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir}).Spool()
	threeQueued(t, s)
	<-s.inspection.ended
	c, err := openConn("file:" + filepath.Join(dir, spoolFile))
	must(t, err)
	for _, statement := range []string{
		"PRAGMA writable_schema = ON",
		"UPDATE sqlite_schema SET sql = replace(sql, 'failed''', 'queued''') WHERE name = 'recipients_failed'",
	} {
		_, err := c.exec(statement)
		must(t, err)
	}
	must(t, c.close())
	c, err = openConn("file:" + filepath.Join(dir, spoolFile))
	must(t, err)
	for most, partly := range map[time.Duration]bool{time.Minute: false, 0: true} {
		e := examined{}
		if err := e.checkStructure(ctx, c, most); err != nil || e.partly != partly || !strings.Contains(e.text(), "recipients_failed") {
			t.Errorf("within %v: %+v, %v", most, e, err)
		}
	}
	if e, err := examine(ctx, c, moment(5)); err != nil || !strings.Contains(e.text(), "recipients_failed") {
		t.Errorf("of all: %+v, %v", e, err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := examine(ended, c, moment(5)); !errors.Is(err, context.Canceled) {
		t.Errorf("for a server that stops: %v", err)
	}
	must(t, c.close())
}
