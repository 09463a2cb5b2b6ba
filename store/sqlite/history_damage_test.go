package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// A record that is not what was written is counted and left out.
func TestADamagedFateIsLeftOut(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, Options{Dir: t.TempDir()}).Spool()
	for i := range 3 {
		noteFate(t, s, fmt.Sprint("Q", i), "", "ada@x.example")
	}
	must(t, s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec("UPDATE fates SET data = CAST(substr(data, 1, 30) || x'00' || substr(data, 32) AS BLOB) WHERE id = 2")
		return err
	}}))
	a, err := s.Fates(ctx, store.FateFilter{Person: "ada@x.example"})
	if err != nil || a.Damaged != 1 || len(a.Fates) != 2 || a.Fates[0].QueueID != "Q2" || a.Fates[1].QueueID != "Q0" {
		t.Errorf("%+v, %v", a, err)
	}
}

// What a merge that was cut off left is removed at the next start.
func TestStrayBlocksAreRemoved(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	db := openTest(t, Options{Dir: dir})
	must(t, db.spool.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(insertBlock, 77, 1, blockOf([]entry{{1, 1}}))
		return err
	}}))
	must(t, db.Close())
	db = openTest(t, Options{Dir: dir})
	must(t, db.spool.file.readers.do(ctx, func(c *conn) error {
		return c.query("SELECT segment FROM fate_blocks", func(r row) error { return fmt.Errorf("a block of segment %d", r.int(0)) })
	}))
}

// With any table of the history damaged mail is taken, delivered and settled, also
// after the next start.
func TestADamagedHistoryHoldsUpNoMail(t *testing.T) {
	for _, table := range []string{"fates", "fate_segments", "fate_blocks", "fate_blocks_first"} {
		t.Run(table, func(t *testing.T) {
			ctx, dir := t.Context(), t.TempDir()
			queued(t, dir, 2)
			changePage(t, dir, rootPage(t, dir, table), func(b []byte) {
				for i := range b {
					b[i] = 0xa5
				}
			})
			for i := range 3 {
				db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
				must(t, err)
				s := db.Spool()
				must(t, commitSize(s, fmt.Sprint("new", i), 100))
				jobs, err := s.Lease(ctx, time.Now().Add(time.Hour), 100, nil)
				must(t, err)
				if len(jobs) == 0 {
					t.Error("nothing to deliver")
				}
				for _, j := range jobs {
					must(t, s.Settle(ctx, store.Result{Recipient: j.Recipient.ID}))
				}
				if u, err := s.Usage(ctx); err != nil || u.Messages != 0 {
					t.Errorf("%+v, %v", u, err)
				}
				must(t, db.Close())
			}
		})
	}
}

// A repair takes over what became of mail, and the attempts at what is queued: all
// but what stood on the page that is bad.
func TestSalvageKeepsTheHistory(t *testing.T) {
	for _, bad := range []string{"fate_blocks", "fates", "recipients_failed"} {
		t.Run(bad, func(t *testing.T) {
			ctx, dir := context.Background(), t.TempDir()
			db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
			must(t, err)
			s := db.Spool()
			s.history.every.Store(16)
			const n = 300
			for i := range n {
				noteFate(t, s, fmt.Sprint("Q", i), "<m@x.example>", "ada@x.example")
			}
			mail(t, s, "W", goneWire)
			must(t, s.index(ctx))
			before, err := s.Fates(ctx, store.FateFilter{Person: gone})
			must(t, err)
			must(t, db.Close())
			page := rootPage(t, dir, bad)
			if bad == "fates" { // a leaf of it
				page = firstLeaf(t, dir, page)
			}
			changePage(t, dir, page, func(b []byte) { clear(b) })
			done, err := Salvage(ctx, Options{Dir: dir})
			if err != nil || !done.Damaged || done.Kept != 2 {
				t.Fatalf("%+v, %v", done, err)
			}
			s = openTest(t, Options{Dir: dir}).Spool()
			got := fateIDs(t, s, store.FateFilter{Person: "ada@x.example"})
			least := n
			if bad == "fates" {
				least = n / 2
			}
			if len(got) < least || len(got) == n && bad == "fates" {
				t.Errorf("%d of %d fates", len(got), n)
			}
			after, err := s.Fates(ctx, store.FateFilter{Person: gone})
			must(t, err)
			if len(after.Fates) != 2 || len(after.Fates[0].Tries) != 1 || after.Fates[0].Tries[0] != before.Fates[0].Tries[0] || !after.From.Equal(before.From) {
				t.Errorf("in the queue %+v, before %+v", after, before)
			}
		})
	}
}

// firstLeaf is the first page below one that has others below it.
func firstLeaf(t *testing.T, dir string, root int64) (page int64) {
	t.Helper()
	changePage(t, dir, root, func(b []byte) {
		if b[0] != 5 {
			t.Fatalf("page of type %d", b[0])
		}
		cell := b[int(b[12])<<8|int(b[13]):]
		page = int64(cell[0])<<24 | int64(cell[1])<<16 | int64(cell[2])<<8 | int64(cell[3])
	})
	return page
}

// A merge that fails leaves nothing behind: it is tried again with every segment, and
// what each attempt left would fill the disk.
func TestAFailedMergeLeavesNothing(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, Options{Dir: t.TempDir()}).Spool()
	s.history.every.Store(1 << 40) // not in the background
	for i := range mergeAtOnce * segmentRows {
		noteFate(t, s, fmt.Sprint("Q", i), "<m@x.example>", "ada@x.example")
	}
	written(t, s)
	must(t, s.file.write(ctx, &op{run: func(c *conn) error { // more blocks than a new segment has
		_, err := c.exec(`CREATE TRIGGER full BEFORE INSERT ON fate_blocks WHEN (SELECT count(*) FROM fate_blocks WHERE segment = new.segment) > 100
			BEGIN SELECT RAISE(ABORT, 'no more'); END`)
		return err
	}}))
	s.history.every.Store(segmentRows)
	if err := s.index(ctx); err == nil {
		t.Fatal("the merge did not fail")
	}
	must(t, s.file.readers.do(ctx, func(c *conn) error {
		return c.query("SELECT count(*) FROM fate_blocks WHERE segment NOT IN (SELECT id FROM fate_segments)", func(r row) error {
			if r.int(0) > 0 {
				t.Errorf("%d blocks are left", r.int(0))
			}
			return nil
		})
	}))
	if got := fateIDs(t, s, store.FateFilter{QueueID: "Q77"}); len(got) != 1 {
		t.Errorf("found %v", got)
	}
}
