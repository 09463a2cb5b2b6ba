package sqlite

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

// Held as damaged: what can be read is queued again, what cannot stays, and so
// does what somebody held.
func TestRecheck(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	s := db.Spool()
	for _, id := range []string{"sound", "broken", "earlier", "byhand"} {
		must(t, commitSize(s, id, 300_000))
	}
	jobs, err := s.Lease(ctx, time.Now(), 10, nil)
	must(t, err)
	for _, j := range jobs {
		text := store.DamagedText
		switch j.Message.ID {
		case "earlier":
			text = earlierDamaged
		case "byhand":
			text = "held"
		}
		must(t, s.Settle(ctx, store.Result{Recipient: j.Recipient.ID, Kind: store.Parked, Status: store.Status{Text: text}}))
	}
	must(t, s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec("UPDATE chunks SET data = x'00' WHERE message = (SELECT num FROM messages WHERE id = 'broken') AND n = 1")
		return err
	}}))
	if n, err := s.Recheck(ctx); n != 2 || err != nil {
		t.Fatalf("%d were released, %v", n, err)
	}
	jobs, err = s.Lease(ctx, time.Now(), 10, nil)
	must(t, err)
	if u, err := s.Usage(ctx); err != nil || len(jobs) != 2 || u.Held != 2 || u.Queued != 2 {
		t.Errorf("%d are due, %+v, %v", len(jobs), u, err)
	}
	if n, err := s.Recheck(ctx); n != 0 || err != nil {
		t.Errorf("again: %d were released, %v", n, err)
	}
}
