package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"offramp/store"
)

// TestHeaderDamaged: the checksum of a body covers its header.
func TestHeaderDamaged(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	s := db.Spool()
	d, err := s.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(ctx, &store.Message{ID: "Q1", Header: []byte("Subject: a\r\n\r\n")}, []store.Recipient{{}}); err != nil {
		t.Fatal(err)
	}
	if err := s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec("UPDATE messages SET header = CAST('Subject: b' AS BLOB)")
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	s.recent.drop([]int64{1})
	if _, err := s.Body(ctx, "Q1"); !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
}

// TestRecent: memory of recent mail is bounded, and what was forgotten is read back.
func TestRecent(t *testing.T) {
	db := openTest(t, Options{})
	s := db.Spool()
	const n, size = 100, 100_000
	for i := range n {
		if err := commitSize(s, fmt.Sprintf("Q%03d", i), size); err != nil {
			t.Fatal(err)
		}
	}
	if s.recent.size > recentSize || s.recent.order.Len() == n || s.recent.order.Len() < 10 {
		t.Fatalf("%d messages, %d octets are kept", s.recent.order.Len(), s.recent.size)
	}
	jobs, err := s.Lease(context.Background(), time.Now(), n, nil)
	if err != nil || len(jobs) != n {
		t.Fatalf("lease: %d %v", len(jobs), err)
	}
	for _, j := range jobs {
		b, err := s.Body(context.Background(), j.Message.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.Copy(io.Discard, b); err != nil || got != size || j.Message.Size != size {
			t.Fatalf("%d octets, %v", got, err)
		}
		if err := s.Settle(context.Background(), store.Result{Recipient: j.Recipient.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if s.recent.size != 0 || s.recent.order.Len() != 0 || len(s.recent.byID) != 0 || len(s.recent.byNum) != 0 {
		t.Fatal("mail that left is kept in memory")
	}
}

// TestCheckpoint: the log does not grow without bound under load.
func TestCheckpoint(t *testing.T) {
	db := openTest(t, Options{})
	s := db.Spool()
	s.file.writer.checkpointPages = 100
	for i := range 100 {
		if err := commitSize(s, fmt.Sprint("Q", i), 100_000); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(s.file.path + "-wal")
	if err != nil || info.Size() > 4<<20 {
		t.Fatalf("10 MB went through a log of %d octets, %v", info.Size(), err)
	}
}

// TestUnreadable: a message whose row cannot be understood is held, and
// others are leased.
func TestUnreadable(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	s := db.Spool()
	for _, id := range []string{"bad", "good"} {
		if err := commitSize(s, id, 10); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec("UPDATE messages SET parts = '[{' WHERE id = 'bad'")
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	s.recent.drop([]int64{1, 2})
	jobs, err := s.Lease(ctx, time.Now(), 10, nil)
	if err != nil || len(jobs) != 1 || jobs[0].Message.ID != "good" {
		t.Fatalf("lease: %v %v", jobs, err)
	}
	q, err := s.Queue(ctx, store.QueueFilter{State: store.Held})
	if err != nil || len(q) != 1 || q[0].Message.ID != "bad" || q[0].Recipients[0].Status.Text != store.DamagedText {
		t.Fatalf("held: %+v %v", q, err)
	}
}

// Mail that was put off for years under a wrong clock is due once a server starts
// with the right one.
func TestPutOffUnderAWrongClock(t *testing.T) {
	ctx := context.Background()
	now := moment(0)
	o := Options{Dir: t.TempDir(), Now: func() time.Time { return now }}
	db := openTest(t, o)
	for id, r := range map[string]store.Recipient{
		"Qfar":   {Next: now.Add(4 * 365 * 24 * time.Hour), Attempts: 1},
		"Qnear":  {Next: now.Add(6 * 24 * time.Hour), Attempts: 1},
		"Qnever": {Next: now.Add(time.Hour)}, // tried
	} {
		r.Address = "a@b.example"
		d, err := db.Spool().Create(ctx)
		must(t, err)
		must(t, d.Commit(ctx, &store.Message{ID: id, Header: []byte("Subject: a\r\n\r\n")}, []store.Recipient{r}))
	}
	must(t, db.Close())
	jobs, err := openTest(t, o).Spool().Lease(ctx, now, 9, nil)
	must(t, err)
	if len(jobs) != 2 || jobs[0].Message.ID == "Qnear" || jobs[1].Message.ID == "Qnear" {
		t.Errorf("due: %+v", jobs)
	}
}
