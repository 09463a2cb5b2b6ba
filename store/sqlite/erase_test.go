package sqlite

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/store"
)

// must ends a test that cannot go on.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// moment is a time of these tests.
func moment(minute int) time.Time {
	return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

// codeOf is the code that these tests give an address.
func codeOf(who, wire string) store.Code {
	sum := sha256.Sum256([]byte(wire))
	return store.Code{ID: [16]byte(sum[:16]), Recipient: who, Address: wire}
}

// records makes all that can be recorded of a person whose lookup key is who
// and whose address is spelled wire: choices, sharing, suppressions with notes,
// contacts, a turn, codes, and events of every kind but the engine's own.
func records(t *testing.T, c *Consent, who, wire string) {
	t.Helper()
	ctx := context.Background()
	change := store.Change{Sharing: &store.SharingChange{
		Sharing: store.Sharing{Recipient: who, Refused: true, Since: moment(1), Way: store.Page},
		Event:   store.Event{Time: moment(1), Kind: store.EventSharingRefused, Recipient: who, Detail: "gpc of " + wire},
	}}
	for i, state := range []store.State{store.Subscribed, store.Unsubscribed, store.Paused, store.Limited} {
		list := fmt.Sprintf("l%d.example", i)
		ch := store.Choice{Recipient: who, List: list, State: state, Since: moment(i), Way: store.Page}
		if state == store.Paused {
			ch.Until = moment(90 * 24 * 60)
		}
		change.Choices = append(change.Choices, store.ChoiceChange{Choice: ch, Event: store.Event{
			Time: moment(i), Kind: store.EventUnsubscribed, Recipient: who, List: list, Way: store.Page, IP: "2001:db8::7",
			UserAgent: "Mail of " + wire, MessageID: "<1." + wire + ">", Once: "decide " + list + " " + who,
		}})
	}
	_, err := c.Decide(ctx, change)
	must(t, err)
	for _, reason := range []store.Reason{store.ReasonManual, store.ReasonBounced, store.ReasonComplained} {
		_, err := c.Suppress(ctx, store.Suppression{Recipient: who, List: "l0.example", Reason: reason, Since: moment(2), Note: "550 <" + wire + "> is gone"},
			store.Event{Time: moment(2), Kind: store.EventSuppressed, Recipient: who, Reason: reason, Detail: "note " + wire, Who: wire})
		must(t, err)
	}
	must(t, c.Sent(ctx, store.Contact{Recipient: who, List: "l0.example", First: moment(1), Last: moment(3), Count: 4},
		store.Contact{Recipient: who, List: "l1.example", First: moment(1), Last: moment(3), Count: 1}))
	_, _, err = c.TakeTurn(ctx, store.Turn{Recipient: who, List: "l2.example", Holder: "Q1 " + wire, At: moment(4), Each: time.Hour})
	must(t, err)
	var events []store.Event
	for _, kind := range store.EventKinds() {
		if kind == store.EventErased || kind == store.EventRetired {
			continue
		}
		detail := "550 5.1.1 <" + wire + "> unknown"
		switch kind {
		case store.EventPaused:
			detail = "until " + moment(90*24*60).Format(time.RFC3339)
		case store.EventLimited:
			detail = string(store.Weekly)
		}
		events = append(events, store.Event{
			Time: moment(5), Kind: kind, Recipient: who, List: "l0.example", Way: store.Delivery, Reason: store.ReasonBounced, QueueID: "Q1",
			MessageID: "<" + wire + ">", IP: "192.0.2.1", UserAgent: "UA " + wire, Who: wire, Detail: detail, Once: string(kind) + wire,
		})
	}
	must(t, c.AddEvents(ctx, events...))
	must(t, c.KeepTargets(ctx, store.Target{Recipient: who, List: "l0.example", URI: "https://app.example/u?who=" + wire, Since: moment(1)},
		store.Target{Recipient: who, List: "l1.example", URI: "mailto:leave@app.example?subject=" + wire, Since: moment(1)}))
	for _, spelled := range []string{who, wire} {
		_, err := c.KeepCode(ctx, codeOf(who, spelled))
		must(t, err)
	}
}

// mail accepts two messages to a person: a small one that was tried and
// deferred with a reply, and one with several chunks, both naming the address.
func mail(t *testing.T, s *Spool, id, wire string) {
	t.Helper()
	ctx := context.Background()
	for i, body := range []string{"Dear " + wire, strings.Repeat("unsubscribe?who="+wire+"\r\n", 8000)} {
		d, err := s.Create(ctx)
		must(t, err)
		_, err = d.Write([]byte(body))
		must(t, err)
		m := &store.Message{
			ID: fmt.Sprint(id, "-", i), Received: moment(i), ReversePath: "b+" + wire, List: "l0.example", MessageID: "<m." + wire + ">",
			Trace: []byte("Received: for <" + wire + ">\r\n"), Header: []byte("To: <" + wire + ">\r\n\r\n"), EnvelopeID: wire,
		}
		_, domain, _ := strings.Cut(strings.ToLower(wire), "@")
		must(t, d.Commit(ctx, m, []store.Recipient{{Address: wire, Domain: domain, Original: "rfc822;" + wire, Next: moment(0)}}))
	}
	jobs, err := s.Lease(ctx, moment(1), 1000, nil)
	must(t, err)
	for _, j := range jobs {
		must(t, s.Settle(ctx, store.Result{Recipient: j.Recipient.ID, Kind: store.Deferred, Next: moment(100),
			Status: store.Status{Code: 450, Enhanced: "4.2.1", Text: "450 <" + j.Recipient.Address + "> is busy", Host: "mx." + j.Recipient.Domain}}))
	}
}

// crowd is people beside whom the person of the test lives. They come in no
// order, so that the pages of the files are divided and filled again: what a
// page held before it was divided is where an address could be left.
func crowd(t *testing.T, db *DB, part, parts, people int) {
	t.Helper()
	ctx := context.Background()
	order := rand.New(rand.NewPCG(1, 2)).Perm(people)
	for i, n := range order {
		if i%parts != part {
			continue
		}
		// Keys on both sides of the person's.
		who := fmt.Sprintf("z%c%d@other.example", "aeiou"[n%5], n)
		c := db.Consent()
		_, err := c.Decide(ctx, optOut(who))
		must(t, err)
		_, err = c.Suppress(ctx, store.Suppression{Recipient: who, Reason: store.ReasonManual, Note: strings.Repeat("note ", n%20)},
			store.Event{Kind: store.EventSuppressed, Recipient: who, Detail: strings.Repeat("detail ", n%20)})
		must(t, err)
		must(t, c.Sent(ctx, store.Contact{Recipient: who, List: "l0.example", First: moment(n), Last: moment(n), Count: 1}))
		_, err = c.KeepCode(ctx, codeOf(who, who))
		must(t, err)
		must(t, c.KeepTargets(ctx, store.Target{Recipient: who, List: "l0.example", URI: "https://app.example/" + who, Since: moment(n)}))
		if n%10 == 0 {
			mail(t, db.Spool(), fmt.Sprint("C", n), who)
		}
	}
}

// eraseAll is what the room gateway/consent does to erase a person.
func eraseAll(t *testing.T, db *DB, who string, at int) {
	t.Helper()
	ctx := context.Background()
	_, err := db.Spool().Forget(ctx, func(address string) bool { return strings.EqualFold(address, who) })
	must(t, err)
	must(t, db.Consent().Erase(ctx, who, store.Event{Time: moment(at), Kind: store.EventErased, Way: store.Page}))
	must(t, db.Consent().Scrub(ctx))
	scrubbed(t, db)
}

// scrubbed overwrites what is due.
func scrubbed(t *testing.T, db *DB) {
	t.Helper()
	must(t, db.Scrubber().work(context.Background()))
}

// TestErasedLeavesNoTrace looks for the address in every byte of the data
// folder, with the engine open and after it was closed.
func TestErasedLeavesNoTrace(t *testing.T) {
	for _, people := range []int{0, 40, 600} {
		t.Run(fmt.Sprint(people, " others"), func(t *testing.T) {
			dir := t.TempDir()
			db := openTest(t, Options{Dir: dir})
			crowd(t, db, 0, 2, people)
			records(t, db.Consent(), gone, goneWire)
			mail(t, db.Spool(), "G", goneWire)
			crowd(t, db, 1, 2, people)
			// The control: now it is there, in both files or their logs.
			before := strings.Join(traces(t, dir), "\n")
			if !strings.Contains(before, consentFile) || !strings.Contains(before, spoolFile) {
				t.Fatalf("before the erasure only: %s", before)
			}
			eraseAll(t, db, gone, 10)
			wantNoTrace(t, dir, "open")
			must(t, db.Close())
			wantNoTrace(t, dir, "closed")
			back := openTest(t, Options{Dir: dir})
			wantNoTrace(t, dir, "opened again")
			importAgain(t, back)
			must(t, back.Consent().Scrub(context.Background()))
			scrubbed(t, back)
			wantNoTrace(t, dir, "imported again")
			if q, err := back.Spool().Queue(context.Background(), store.QueueFilter{}); err != nil || len(q) != (people+9)/10*2 {
				t.Errorf("%d messages of others wait, want %d: %v", len(q), (people+9)/10*2, err)
			}
		})
	}
}

// TestEraseBesideEverythingElse erases a person while all else about them is
// being recorded, by many at once.
func TestEraseBesideEverythingElse(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	crowd(t, db, 0, 1, 40)
	c := db.Consent()
	var recorders sync.WaitGroup
	for range 8 {
		recorders.Go(func() {
			for range 5 {
				records(t, c, gone, goneWire)
			}
		})
	}
	for i := range 10 {
		eraseAll(t, db, gone, 10+i)
		st, err := c.Standing(ctx, gone, "l0.example")
		must(t, err)
		if off := slices.ContainsFunc(st.Choices, func(ch store.Choice) bool {
			return ch.List == store.AllLists && ch.State == store.Unsubscribed
		}); !st.Erased || !off {
			t.Errorf("after erasure %d: %+v", i, st)
		}
	}
	recorders.Wait()
	eraseAll(t, db, gone, 30)
	wantNoTrace(t, dir, "erased at last")
	importAgain(t, db)
	must(t, c.Scrub(ctx))
	scrubbed(t, db)
	wantNoTrace(t, dir, "imported again")
}

// importAgain brings the person back by every way there is, and checks that
// nobody came back.
func importAgain(t *testing.T, db *DB) {
	t.Helper()
	ctx := context.Background()
	c := db.Consent()
	_, err := c.EnsureList(ctx, store.List{ID: "new.example", Key: 77, Created: moment(20)})
	must(t, err)
	records(t, c, gone, goneWire)
	_, err = c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{
		Choice: store.Choice{Recipient: gone, List: "new.example", State: store.Subscribed, Since: moment(20), Way: store.Operator},
		Event:  store.Event{Time: moment(20), Kind: store.EventResubscribed, Recipient: gone, List: "new.example", Who: goneWire, Detail: "import of " + goneWire, Once: goneWire},
	}}})
	must(t, err)
	must(t, c.GiveTurn(ctx, store.Turn{Recipient: gone, List: "l2.example", Holder: "Q1 " + goneWire}))
	_, err = c.Unsuppress(ctx, store.Suppression{Recipient: gone, List: "l0.example", Reason: store.ReasonManual},
		store.Event{Time: moment(21), Kind: store.EventUnsuppressed, Recipient: gone, Detail: goneWire})
	must(t, err)
	for _, list := range []string{"new.example", "l0.example", "l1.example"} {
		st, err := c.Standing(ctx, gone, list)
		must(t, err)
		off := false
		for _, ch := range st.Choices {
			off = off || ch.List == store.AllLists && ch.State == store.Unsubscribed
		}
		if !st.Erased || !off {
			t.Errorf("%s: the person is back: %+v", list, st)
		}
	}
	events, err := c.Events(ctx, store.EventFilter{Recipient: gone})
	must(t, err)
	if len(events) < 10 {
		t.Errorf("%d events came since: nothing was imported", len(events))
	}
	p, err := c.Person(ctx, gone)
	if err != nil || !p.Erased {
		t.Errorf("person %+v, %v", p, err)
	}
	for _, k := range p.Contacts {
		t.Errorf("mail is counted: %+v", k)
	}
	for _, spelled := range []string{gone, goneWire, strings.ToUpper(gone)} {
		if kept, err := c.KeepCode(ctx, codeOf(gone, spelled)); err != nil || kept {
			t.Errorf("a code is kept: %v, %v", kept, err)
		}
	}
}
