package sqlite

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// noteFate records a fate the short way.
func noteFate(t *testing.T, s *Spool, id, messageID, to string) {
	t.Helper()
	m := &store.Message{ID: id, MessageID: messageID, Received: moment(1), ReversePath: "shop@x.example", List: "news.example"}
	must(t, s.Note(t.Context(), m, store.Stopped{Recipient: store.Recipient{Address: to}, Reason: store.ReasonManual}))
}

// written waits until all that was noted is durable.
func written(t *testing.T, s *Spool) {
	t.Helper()
	must(t, s.file.write(context.Background(), &op{run: func(*conn) error { return nil }}))
}

// ids asks for fates and returns their queue ids, page by page.
func fateIDs(t *testing.T, s *Spool, f store.FateFilter) (ids []string) {
	t.Helper()
	for {
		a, err := s.Fates(context.Background(), f)
		must(t, err)
		for _, fate := range a.Fates {
			ids = append(ids, fate.QueueID)
		}
		if f.Before = a.More; f.Before == 0 {
			return ids
		}
	}
}

// checkIndex holds the index to what must be true of it: blocks in order, no
// entry twice, every row found, and entries of no person but those.
func checkIndex(t *testing.T, s *Spool, people map[string]bool) (segments []segment) {
	t.Helper()
	h := &s.history
	allowed := make(map[int64]bool)
	for p := range people {
		allowed[h.hash(byPerson, p)] = true
	}
	indexed := make(map[entry]bool)
	must(t, s.file.readers.snapshot(context.Background(), func(c *conn) (err error) {
		if segments, err = segmentsOf(c); err != nil {
			return err
		}
		for _, g := range segments {
			last := entry{-1 << 63, 0}
			err := c.query("SELECT data, first FROM fate_blocks WHERE segment = ? ORDER BY first, id", func(r row) error {
				for _, e := range entriesIn(r.blob(0)) {
					if compareEntries(e, last) <= 0 || indexed[e] || e.hash < r.int(1) {
						t.Errorf("entry %v after %v in a block that begins with %d", e, last, r.int(1))
					}
					if e.id < g.low || e.id > g.high {
						t.Errorf("entry of row %d in the segment from %d to %d", e.id, g.low, g.high)
					}
					last, indexed[e] = e, true
				}
				return nil
			}, g.id)
			if err != nil {
				return err
			}
		}
		return c.query("SELECT id, data FROM fates WHERE id <= ?", func(r row) error {
			for _, e := range h.fateEntries(nil, r.int(0), r.blob(1), s) {
				if !indexed[e] {
					t.Errorf("row %d is not indexed by %d", e.id, e.hash)
				}
				delete(indexed, e)
			}
			return nil
		}, h.indexed.Load())
	}))
	// What is left is of rows that have gone.
	for e := range indexed {
		if allowed[e.hash] {
			t.Errorf("entry %v of somebody who was forgotten", e)
		}
	}
	return segments
}

// Whatever is recorded, indexed, merged, forgotten and retired, in whatever
// order: each person's fates are found, and nobody else's.
func TestHistoryIsFound(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			ctx, random := t.Context(), rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			db := openTest(t, Options{Dir: dir})
			s := db.Spool()
			s.history.every.Store(16)
			byPerson, byMessage, everybody := map[string][]string{}, map[string][]string{}, []string{}
			people := map[string]bool{}
			for i := range 3000 {
				to, mid := fmt.Sprintf("p%d@x.example", random.IntN(40)), fmt.Sprintf("<m%d@x.example>", random.IntN(900))
				if random.IntN(4) == 0 {
					to = "often@x.example" // over several blocks
				}
				id := fmt.Sprintf("Q%05d", i)
				noteFate(t, s, id, mid, to)
				people[to] = true
				byPerson[to], byMessage[mid], everybody = append(byPerson[to], id), append(byMessage[mid], id), append(everybody, id)
				switch n := random.IntN(300); {
				case n < 20:
					written(t, s)
					must(t, s.index(ctx))
				case n == 20:
					_, err := s.ForgetFates(ctx, to)
					must(t, err)
					gone := byPerson[to]
					delete(byPerson, to)
					byMessage = without(byMessage, gone)
					everybody = slices.DeleteFunc(everybody, func(id string) bool { return slices.Contains(gone, id) })
				case n == 21:
					written(t, s)
					n, err := s.RetireFates(ctx, time.Time{}, s.history.total/2)
					must(t, err)
					gone := everybody[:min(int(n), len(everybody))]
					everybody = everybody[len(gone):]
					byPerson, byMessage = without(byPerson, gone), without(byMessage, gone)
				case n == 22:
					must(t, db.Close())
					db = openTest(t, Options{Dir: dir})
					s = db.Spool()
					s.history.every.Store(16)
				}
			}
			written(t, s)
			must(t, s.index(ctx))
			if n := len(checkIndex(t, s, nil)); n > 3*mergeAtOnce+40 {
				t.Errorf("%d segments", n)
			}
			same := func(what string, got, want []string) {
				t.Helper()
				slices.Reverse(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d found, want %d", what, len(got), len(want))
				}
			}
			for who := range people {
				same(who, fateIDs(t, s, store.FateFilter{Person: who, Limit: 1 + random.IntN(50)}), byPerson[who])
			}
			for mid, ids := range byMessage {
				same(mid, fateIDs(t, s, store.FateFilter{MessageID: mid}), ids)
			}
			for _, id := range everybody {
				same(id, fateIDs(t, s, store.FateFilter{QueueID: id}), []string{id})
			}
		})
	}
}

// without takes ids out of every list.
func without(lists map[string][]string, gone []string) map[string][]string {
	left := make(map[string][]string)
	for key, ids := range lists {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(gone, id) })
		if len(ids) > 0 {
			left[key] = ids
		}
	}
	return left
}

// Of a person who was forgotten nothing is left in any byte of the files: not of
// mail that was delivered, failed, dropped or was removed, indexed or not.
func TestHistoryLeavesNoTrace(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		t.Run(fmt.Sprint("indexed ", indexed), func(t *testing.T) {
			ctx := t.Context()
			dir := t.TempDir()
			db := openTest(t, Options{Dir: dir})
			s := db.Spool()
			s.history.every.Store(1 << 40)
			if indexed {
				s.history.every.Store(8)
			}
			others := map[string]bool{}
			for i := range 60 {
				who := fmt.Sprintf("z%d@other.example", i)
				others[who] = true
				noteFate(t, s, fmt.Sprint("O", i), "<x@y.example>", who)
				if i%20 == 10 {
					endMail(t, s, fmt.Sprint("G", i))
				}
				if indexed {
					written(t, s)
					must(t, s.index(ctx))
				}
			}
			mail(t, s, "W", goneWire) // it waits when the person goes
			if before := strings.Join(traces(t, dir), "\n"); !strings.Contains(before, spoolFile) {
				t.Fatalf("before: %s", before)
			}
			n, err := s.ForgetFates(ctx, gone)
			must(t, err)
			if n != 3*7 {
				t.Errorf("%d fates forgotten", n)
			}
			eraseAll(t, db, gone, 10)
			wantNoTrace(t, dir, "open")
			checkIndex(t, s, map[string]bool{gone: true})
			for who := range maps.Keys(others) {
				if got := fateIDs(t, s, store.FateFilter{Person: who}); len(got) != 1 {
					t.Errorf("%s: %v", who, got)
				}
			}
			must(t, db.Close())
			wantNoTrace(t, dir, "closed")
		})
	}
}

// endMail sends mail to the person and ends it in every way, seven times in all.
func endMail(t *testing.T, s *Spool, id string) {
	t.Helper()
	ctx := t.Context()
	reply := store.Status{Code: 550, Text: "<" + goneWire + "> is gone", Host: "mx.xylophon.example"}
	noteFate(t, s, id+"-noted", "<"+goneWire+">", goneWire)
	for _, kind := range []store.ResultKind{store.Delivered, store.Dropped, store.Bounced} {
		mail(t, s, fmt.Sprint(id, kind), goneWire) // two messages
		jobs, err := s.Lease(ctx, moment(1000), 10, nil)
		must(t, err)
		for _, j := range jobs {
			must(t, s.Settle(ctx, store.Result{Recipient: j.Recipient.ID, Kind: kind, Status: reply, Reason: store.ReasonManual}))
		}
	}
	failures, err := s.Failures(ctx, 9)
	must(t, err)
	for i, f := range failures {
		var bounce *store.Bounce
		if i == 0 {
			bounce = &store.Bounce{Message: store.Message{ID: id + "-bounce"}, Recipients: []store.Recipient{{Address: "b+" + goneWire, Domain: "y.example", Next: moment(0)}}}
		}
		must(t, s.Report(ctx, bounce, []int64{f.Recipients[0].ID}))
	}
	jobs, err := s.Lease(ctx, moment(1000), 10, nil)
	must(t, err)
	for _, j := range jobs { // the bounce
		must(t, s.Settle(ctx, store.Result{Recipient: j.Recipient.ID, Status: reply}))
	}
}

// What is in memory of the queue is read anew once most of it has left.
func TestWaitingIsTidied(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, Options{Dir: t.TempDir()}).Spool()
	mail(t, s, "Q", goneWire)
	s.history.waiting.add(make([]entry, slackEntries+100))
	must(t, s.index(ctx))
	if n := s.history.waiting.len(); n != 4 {
		t.Errorf("%d entries of two messages", n)
	}
	if got := fateIDs(t, s, store.FateFilter{Person: gone}); len(got) != 2 {
		t.Errorf("found %v", got)
	}
}

// A long reply is cut between characters, not within one.
func TestShortReply(t *testing.T) {
	text := strings.Repeat("x", store.MostTryReply-1)
	if got := shortReply(text + "éé"); got != text {
		t.Errorf("%q", got)
	}
	if got := shortReply(text + "y"); got != text+"y" {
		t.Errorf("%q", got)
	}
}
