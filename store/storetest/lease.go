package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// to makes one recipient at a destination, due at second.
func to(domain string, second int) store.Recipient {
	return store.Recipient{Address: "a@" + domain, Domain: domain, State: store.Queued, Next: at(second)}
}

func ids(jobs []store.Job) string {
	s := ""
	for _, j := range jobs {
		s += j.Message.ID
	}
	return s
}

func leaseOrder(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "C", "", []store.Recipient{to("x.example", 3)})
	put(t, s, "A", "", []store.Recipient{to("y.example", 1)})
	put(t, s, "B", "", []store.Recipient{to("x.example", 2)})
	put(t, s, "D", "", []store.Recipient{to("z.example", 4)})
	held := to("x.example", 1)
	held.State = store.Held
	put(t, s, "H", "", []store.Recipient{held})
	same(t, "none is due", ids(lease(t, s, at(0), 9)), "")
	same(t, "oldest first", ids(lease(t, s, at(9), 1)), "A")
	same(t, "without those to skip", ids(lease(t, s, at(9), 9, "x.example", "q.example")), "D")
	same(t, "not before its time", ids(lease(t, s, at(2), 9)), "B")
	rest := lease(t, s, at(9), 9)
	same(t, "none twice", ids(rest), "C")
	same(t, "none is left", ids(lease(t, s, at(9), 9)), "")
	must(t, s.Settle(ctx, store.Result{Recipient: rest[0].Recipient.ID, Kind: store.Returned}))
	same(t, "returned: due again", ids(lease(t, s, at(9), 9)), "C")
	same(t, "limit 0", ids(lease(t, s, at(9), 0)), "")
}

func leaseReopened(t *testing.T, d Data) {
	_, s := d.Open(t)
	put(t, s, "A", "", []store.Recipient{to("x.example", 1), to("y.example", 2)})
	first := lease(t, s, at(5), 1)
	_, s = d.Open(t)
	again := lease(t, s, at(5), 9)
	if len(again) != 2 || again[0].Recipient.ID != first[0].Recipient.ID || again[0].Recipient.Attempts != 0 {
		t.Fatalf("leased by a process that ended: due again, got %v", again)
	}
}

func next(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	want := func(what string, second int, skip ...string) {
		t.Helper()
		got, ok, err := s.Next(ctx, skip)
		must(t, err)
		if ok != (second > 0) || ok && !got.Equal(kept(at(second))) {
			t.Fatalf("%s: %v %t", what, got, ok)
		}
	}
	want("empty", 0)
	put(t, s, "A", "", []store.Recipient{to("x.example", 5), to("y.example", 7)})
	put(t, s, "B", "", []store.Recipient{to("z.example", 9)})
	held := to("x.example", 1)
	held.State = store.Held
	put(t, s, "H", "", []store.Recipient{held})
	want("first", 5)
	want("skip", 7, "x.example")
	want("skip two", 9, "x.example", "y.example")
	want("skip all", 0, "x.example", "y.example", "z.example")
	jobs := lease(t, s, at(5), 1)
	want("one is leased", 7)
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID, Kind: store.Deferred, Next: at(6)}))
	want("deferred", 6)
	_, err := s.Act(ctx, store.Remove, store.QueueFilter{ID: "A"})
	must(t, err)
	want("removed", 9)
	_, err = s.Act(ctx, store.Hold, store.QueueFilter{})
	must(t, err)
	want("held", 0)
}

// one returns the only recipient of a message in the queue.
func one(t *testing.T, s store.Spool, id string) store.Recipient {
	t.Helper()
	q, err := s.Queue(context.Background(), store.QueueFilter{ID: id})
	must(t, err)
	if len(q) != 1 || len(q[0].Recipients) != 1 {
		t.Fatalf("queue of %s: %+v", id, q)
	}
	return q[0].Recipients[0]
}

func settle(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	status := store.Status{Code: 451, Enhanced: "4.3.0", Text: odd, Host: "mx.example"}
	tests := []struct {
		kind     store.ResultKind
		state    store.RecipientState
		attempts int
		next     time.Time
		status   store.Status
	}{
		{store.Deferred, store.Queued, 1, at(40), status},
		{store.Bounced, store.Failed, 1, at(1), status},
		{store.Parked, store.Held, 1, at(1), status},
		{store.Returned, store.Queued, 0, at(1), store.Status{}},
	}
	for i, tt := range tests {
		id := fmt.Sprint("Q", i)
		put(t, s, id, "", []store.Recipient{to("x.example", 1)})
		jobs := lease(t, s, at(1), 1)
		r := jobs[0].Recipient
		must(t, s.Settle(ctx, store.Result{Recipient: r.ID, Kind: tt.kind, Next: at(40), Status: status}))
		r.State, r.Attempts, r.Next, r.Status = tt.state, tt.attempts, kept(tt.next), tt.status
		same(t, id, one(t, s, id), r)
		if tt.kind == store.Returned {
			same(t, "due again", ids(lease(t, s, at(1), 9)), id)
		} else {
			same(t, "not due", ids(lease(t, s, at(1), 9)), "")
		}
	}
	same(t, "due later", ids(lease(t, s, at(40), 9)), "Q0")
	must(t, s.Settle(ctx, store.Result{Recipient: one(t, s, "Q0").ID, Kind: store.Deferred, Next: at(50)}))
	if r := one(t, s, "Q0"); r.Attempts != 2 {
		t.Fatalf("%d attempts after two", r.Attempts)
	}
	must(t, s.Settle(ctx, store.Result{Recipient: 1 << 50, Kind: store.Bounced})) // gone: no error
	must(t, s.Settle(ctx))
	_, s = d.Open(t)
	if r := one(t, s, "Q1"); r.State != store.Failed || r.Status != status {
		t.Fatalf("after reopening: %+v", r)
	}
}

func settleLast(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "A", string(octets(300_000, 1)), recipients(3, 1))
	jobs := lease(t, s, at(1), 9)
	r := func(i int, k store.ResultKind) store.Result {
		return store.Result{Recipient: jobs[i].Recipient.ID, Kind: k, Next: at(9)}
	}
	must(t, s.Settle(ctx, r(0, store.Delivered), r(1, store.Deferred)))
	if _, err := readBody(s, "A"); err != nil {
		t.Fatalf("with recipients left: %v", err)
	}
	must(t, s.Settle(ctx, r(1, store.Dropped), r(2, store.Delivered)))
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 0 || u.Queued != 0 {
		t.Fatalf("left behind: %+v", u)
	}
	must(t, s.Settle(ctx, r(2, store.Delivered))) // gone: no error
	put(t, s, "A", "", recipients(1, 1))          // its id is free again
}

// putOff: a line is deferred as a whole, and what is to stay due stays so.
func putOff(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	var many []store.Recipient
	for i := range 5000 {
		r := to("down.example", 1)
		r.Address = fmt.Sprintf("r%d@down.example", i)
		many = append(many, r)
	}
	leased := put(t, s, "A", "", []store.Recipient{to("down.example", 0)})
	jobs := lease(t, s, at(0), 1)
	same(t, "leased", jobs[0].Message.ID, leased.ID)
	put(t, s, "M", "", many)
	put(t, s, "L", "", []store.Recipient{to("down.example", 8)})
	put(t, s, "O", "", []store.Recipient{to("other.example", 1)})
	stays := put(t, s, "S", "", []store.Recipient{to("down.example", 2)})
	held := to("down.example", 1)
	held.State = store.Held
	put(t, s, "H", "", []store.Recipient{held})

	status := store.Status{Code: 421, Enhanced: "4.4.1", Text: odd, Host: "mx.example"}
	line := store.Line{Domain: "down.example", Now: at(5), Status: status}
	line.Next = func(m *store.Message, r store.Recipient) (time.Time, bool) {
		if !m.Received.Equal(stays.Received) || m.ReversePath == "" || r.Attempts != 0 || r.Domain != "down.example" {
			t.Errorf("asked about %+v of %+v", r, m)
		}
		return at(40), m.ReversePath != stays.ReversePath
	}
	off, left, err := s.PutOff(ctx, line)
	must(t, err)
	same(t, "put off and left", []int{off, left}, []int{5000, 1})
	same(t, "still due", ids(lease(t, s, at(30), 9)), "OSL")
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID, Kind: store.Delivered}))
	same(t, "due later", len(lease(t, s, at(40), 9999)), 5000)

	_, s = d.Open(t)
	q, err := s.Queue(ctx, store.QueueFilter{ID: "M"})
	must(t, err)
	if r := q[0].Recipients[4999]; r.Attempts != 1 || !r.Next.Equal(kept(at(40))) || r.Status != status || r.State != store.Queued {
		t.Errorf("put off: %+v", r)
	}
	if r := one(t, s, "H"); r.State != store.Held || r.Attempts != 0 {
		t.Errorf("held: %+v", r)
	}
	off, left, err = s.PutOff(ctx, store.Line{Domain: "nobody.example", Now: at(50), Next: line.Next})
	must(t, err)
	same(t, "of nobody", []int{off, left}, []int{0, 0})
}
