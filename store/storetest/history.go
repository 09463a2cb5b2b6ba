package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offramp/store"
)

// History is the suite for store.History.
func History(t *testing.T, newData func(t *testing.T) Data) {
	runAll(t, newData, []test{
		{"in the queue, then delivered", fateDelivered},
		{"attempts, the first and the last", fateTries},
		{"dropped, at an attempt and on acceptance", fateDropped},
		{"bounced", fateBounced},
		{"removed, and forgotten", fateRemoved},
		{"found by recipient, queue id, Message-ID", fateFound},
		{"since, and page by page", fatePages},
		{"a person forgotten", fateForgotten},
		{"of an erased person nothing", fateErased},
		{"a bounce is forgotten with its mail", fateBounceForgotten},
		{"retired by age", fateRetired},
		{"retired by size", fateBounded},
		{"settled twice is one", fateOnce},
	})
}

// mailTo puts a message to those addresses, due at once.
func mailTo(t *testing.T, s store.Spool, id string, addresses ...string) *store.Message {
	t.Helper()
	var rs []store.Recipient
	for _, a := range addresses {
		rs = append(rs, store.Recipient{Address: a, Domain: "example.net", Next: at(1)})
	}
	return put(t, s, id, "text of "+id, rs)
}

// settleAll leases everything and ends it as kind.
func settleAll(t *testing.T, s store.Spool, kind store.ResultKind, st store.Status) {
	t.Helper()
	ctx := context.Background()
	jobs, err := s.Lease(ctx, at(50), 1000, nil)
	must(t, err)
	for _, j := range jobs {
		r := store.Result{Recipient: j.Recipient.ID, Kind: kind, Status: st, Next: at(2)}
		if kind == store.Dropped {
			r.Status, r.Reason = store.Status{}, store.ReasonPaused
		}
		must(t, s.Settle(ctx, r))
	}
}

func fatesOf(t *testing.T, h store.History, f store.FateFilter) []store.Fate {
	t.Helper()
	a, err := h.Fates(context.Background(), f)
	must(t, err)
	if a.Damaged > 0 {
		t.Fatalf("%d damaged", a.Damaged)
	}
	return a.Fates
}

// sameFates compares fates but for the times at which the engine recorded them.
func sameFates(t *testing.T, got []store.Fate, want ...store.Fate) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(store.Fate{}, "Ended"), cmpopts.IgnoreFields(store.Try{}, "First", "Last")); d != "" {
		t.Fatalf("fates (-want +got):\n%s", d)
	}
	for _, f := range got {
		if (f.End == "") != f.Ended.IsZero() || f.End != "" && time.Since(f.Ended) > time.Hour && f.End != store.EndDropped {
			t.Errorf("%s %s ended at %s", f.QueueID, f.End, f.Ended)
		}
		for _, try := range f.Tries {
			if try.First.IsZero() || try.Last.Before(try.First) || try.Count == 0 {
				t.Errorf("try %+v", try)
			}
		}
	}
}

// fate is what is known of a message of mailTo from the start.
func fate(m *store.Message, address string) store.Fate {
	return store.Fate{
		QueueID: m.ID, MessageID: m.MessageID, ReversePath: m.ReversePath, List: m.List, Client: m.Client, Login: m.Login,
		Accepted: m.Received, Recipient: address,
	}
}

var took = store.Status{Code: 250, Text: "2.0.0 ok, queued as " + odd, Host: "mx.example.net"}

func fateDelivered(t *testing.T, d Data) {
	_, s := d.Open(t)
	m := mailTo(t, s, "Q1", "Ada@example.net", "bob@example.net")
	waits := fate(m, "Ada@example.net")
	waits.State, waits.Next = store.Queued, kept(at(1))
	f := store.FateFilter{Person: "ada@example.net"}
	sameFates(t, fatesOf(t, d.History(t), f), waits)
	_, s = d.Open(t)
	sameFates(t, fatesOf(t, d.History(t), f), waits)

	settleAll(t, s, store.Delivered, took)
	done := fate(m, "Ada@example.net")
	done.End, done.Attempts, done.Tries = store.EndDelivered, 1, []store.Try{{Count: 1, Status: took}}
	sameFates(t, fatesOf(t, d.History(t), f), done)
	d.Open(t)
	sameFates(t, fatesOf(t, d.History(t), f), done)
}

func fateTries(t *testing.T, d Data) {
	_, s := d.Open(t)
	m := mailTo(t, s, "Q1", "ada@example.net")
	busy := func(n int) store.Status {
		return store.Status{Code: 450, Enhanced: "4.2.1", Text: fmt.Sprint("busy ", n), Host: "mx.example.net"}
	}
	want := fate(m, "ada@example.net")
	want.State, want.Next, want.Attempts = store.Queued, kept(at(2)), 30
	for n := range 10 {
		for range 3 {
			settleAll(t, s, store.Deferred, busy(n))
		}
		if n == 0 || n >= 5 {
			want.Tries = append(want.Tries, store.Try{Count: 3, Status: busy(n)})
		}
		if n == 7 {
			_, s = d.Open(t)
		}
	}
	f := store.FateFilter{QueueID: "Q1"}
	sameFates(t, fatesOf(t, d.History(t), f), want)
	if n := len(want.Tries); n != store.MostTries {
		t.Fatalf("%d tries", n)
	}

	long := took
	long.Text = strings.Repeat("x", 500)
	settleAll(t, s, store.Delivered, long)
	long.Text = long.Text[:store.MostTryReply]
	want.State, want.Next, want.End, want.Attempts = "", time.Time{}, store.EndDelivered, 31
	want.Tries = append(append(want.Tries[:1:1], want.Tries[2:]...), store.Try{Count: 1, Status: long})
	sameFates(t, fatesOf(t, d.History(t), f), want)

	// A line that is put off as a whole counts like any other attempt.
	mailTo(t, s, "Q2", "ada@example.net")
	_, _, err := s.PutOff(context.Background(), store.Line{
		Domain: "example.net", Now: at(3), Status: busy(1),
		Next: func(*store.Message, store.Recipient) (time.Time, bool) { return at(9), true },
	})
	must(t, err)
	got := fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q2"})
	if len(got) != 1 || len(got[0].Tries) != 1 || got[0].Tries[0].Status != busy(1) {
		t.Fatalf("put off: %+v", got)
	}
}

func fateDropped(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	m := mailTo(t, s, "Q1", "ada@example.net")
	settleAll(t, s, store.Dropped, store.Status{})
	noted := message("Q2")
	must(t, d.History(t).Note(ctx, noted,
		store.Stopped{Recipient: store.Recipient{Address: "Ada@example.net"}, Reason: store.ReasonUnsubscribed},
		store.Stopped{Recipient: store.Recipient{Address: "gone@example.net", Erased: true}, Reason: store.ReasonErased}))
	mailTo(t, s, "Q3", "bob@example.net") // what was noted before is durable with it
	d.Open(t)
	atAttempt, onAcceptance := fate(m, "ada@example.net"), fate(noted, "Ada@example.net")
	atAttempt.End, atAttempt.Reason = store.EndDropped, store.ReasonPaused
	onAcceptance.End, onAcceptance.Reason = store.EndDropped, store.ReasonUnsubscribed
	onAcceptance.Accepted = kept(noted.Received)
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{Person: "ada@example.net"}), onAcceptance, atAttempt)
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{MessageID: noted.MessageID}), onAcceptance)
}

func fateBounced(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	m := mailTo(t, s, "Q1", "ada@example.net")
	no := store.Status{Code: 550, Enhanced: "5.1.1", Text: "no such user", Host: "mx.example.net"}
	settleAll(t, s, store.Bounced, no)
	f := store.FateFilter{Person: "ada@example.net"}
	want := fate(m, "ada@example.net")
	want.State, want.Next, want.Attempts, want.Tries = store.Failed, kept(at(1)), 1, []store.Try{{Count: 1, Status: no}}
	sameFates(t, fatesOf(t, d.History(t), f), want)

	failures, err := s.Failures(ctx, 9)
	must(t, err)
	id := failures[0].Recipients[0].ID
	dsn := &store.Bounce{Message: *message("B1"), Recipients: []store.Recipient{{Address: "sender@example.com", Domain: "example.com"}}, Body: []byte("no")}
	must(t, s.Report(ctx, dsn, []int64{id}))
	want.State, want.Next, want.End, want.Bounce = "", time.Time{}, store.EndBounced, "B1"
	sameFates(t, fatesOf(t, d.History(t), f), want)
	if err := s.Report(ctx, nil, []int64{id}); err == nil {
		t.Fatal("reported twice")
	}
	sameFates(t, fatesOf(t, d.History(t), f), want)
}

func fateRemoved(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	m := mailTo(t, s, "Q1", "ada@example.net")
	mailTo(t, s, "Q2", "bob@example.net")
	if n, err := s.Act(ctx, store.Remove, store.QueueFilter{ID: "Q1"}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	want := fate(m, "ada@example.net")
	want.End = store.EndRemoved
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q1"}), want)
	if n, err := s.Forget(ctx, func(string) bool { return true }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q2"}))
}

func fateFound(t *testing.T, d Data) {
	_, s := d.Open(t)
	quoted := `"Ada B"@example.net`
	m := message("Q1")
	must(t, commit(s, m, "x", []store.Recipient{
		{Address: quoted, Person: "ada b@example.net", Domain: "example.net", Next: at(1)},
		{Address: "bob@example.net", Domain: "example.net", Next: at(1)},
	}))
	unnamed := message("Q2")
	unnamed.MessageID = ""
	must(t, commit(s, unnamed, "x", []store.Recipient{{Address: "bob@example.net", Domain: "example.net", Next: at(1)}}))
	for _, when := range []string{"in the queue", "ended"} {
		for _, tt := range []struct {
			f    store.FateFilter
			want int
		}{
			{store.FateFilter{Person: "ada b@example.net"}, 1},
			{store.FateFilter{Person: "bob@example.net"}, 2},
			{store.FateFilter{Person: quoted}, 0},
			{store.FateFilter{Person: "Bob@example.net"}, 0},
			{store.FateFilter{QueueID: "Q1"}, 2},
			{store.FateFilter{QueueID: "q1"}, 0},
			{store.FateFilter{MessageID: m.MessageID}, 2},
			{store.FateFilter{MessageID: m.MessageID, Person: "bob@example.net"}, 1},
			{store.FateFilter{QueueID: "Q2", MessageID: m.MessageID}, 0},
			{store.FateFilter{QueueID: "Q2", Person: "bob@example.net"}, 1},
			{store.FateFilter{Person: "bob@example.net", Since: at(2)}, 0},
			{store.FateFilter{Person: "bob@example.net", Since: at(0)}, 2},
		} {
			if got := fatesOf(t, d.History(t), tt.f); len(got) != tt.want {
				t.Errorf("%s, %+v: %d, want %d", when, tt.f, len(got), tt.want)
			}
		}
		settleAll(t, s, store.Delivered, took)
	}
	if _, err := d.History(t).Fates(context.Background(), store.FateFilter{}); err == nil {
		t.Error("a look-up of everybody")
	}
}

func fatePages(t *testing.T, d Data) {
	_, s := d.Open(t)
	for i := range 25 {
		m := message(fmt.Sprintf("Q%02d", i))
		m.Received = at(i)
		must(t, commit(s, m, "x", []store.Recipient{{Address: "ada@example.net", Domain: "example.net", Next: at(1)}}))
		mailTo(t, s, fmt.Sprintf("other%02d", i), "bob@example.net")
		if i == 14 {
			settleAll(t, s, store.Delivered, took)
		}
	}
	for _, limit := range []int{1, 3, 10, 25, 26} {
		var ids []string
		f := store.FateFilter{Person: "ada@example.net", Limit: limit, Since: at(5)}
		for range 40 {
			a, err := d.History(t).Fates(context.Background(), f)
			must(t, err)
			if len(a.Fates) > limit {
				t.Fatalf("%d of at most %d", len(a.Fates), limit)
			}
			for _, fate := range a.Fates {
				ids = append(ids, fate.QueueID)
			}
			if f.Before = a.More; f.Before == 0 {
				break
			}
		}
		var want []string
		for i := 24; i >= 5; i-- {
			want = append(want, fmt.Sprintf("Q%02d", i))
		}
		same(t, fmt.Sprint("ids by ", limit), ids, want)
	}
}
