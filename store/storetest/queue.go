package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"offramp/store"
)

// fail has every due recipient fail and returns them.
func fail(t *testing.T, s store.Spool, limit int) []store.Job {
	t.Helper()
	jobs := lease(t, s, at(1), limit)
	for _, j := range jobs {
		must(t, s.Settle(context.Background(), store.Result{
			Recipient: j.Recipient.ID, Kind: store.Bounced, Status: store.Status{Code: 550, Enhanced: "5.1.1", Text: "no such user"},
		}))
	}
	return jobs
}

func failures(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	want := func(what, want string, limit int) []store.Failure {
		t.Helper()
		all, err := s.Failures(ctx, limit)
		must(t, err)
		got := ""
		for _, f := range all {
			got += f.Message.ID + fmt.Sprint(len(f.Recipients))
		}
		same(t, what, got, want)
		return all
	}
	want("none", "", 9)
	put(t, s, "B", "", recipients(3, 1))
	put(t, s, "A", "", recipients(1, 1))
	jobs := fail(t, s, 1)
	want("others wait for their first attempt", "", 9)
	rest := lease(t, s, at(1), 2)
	want("others are leased", "", 9)
	must(t, s.Settle(ctx,
		store.Result{Recipient: rest[0].Recipient.ID, Kind: store.Deferred, Next: at(30)},
		store.Result{Recipient: rest[1].Recipient.ID, Kind: store.Bounced}))
	all := want("all were attempted", "B2", 9)
	if r := all[0].Recipients[0]; r.ID != jobs[0].Recipient.ID || r.Status.Enhanced != "5.1.1" {
		t.Fatalf("failed recipient: %+v", r)
	}
	fail(t, s, 9)
	want("oldest first", "B2A1", 9)
	want("limit", "B2", 1)
	again := lease(t, s, at(30), 9)
	want("leased again", "A1", 9)
	must(t, s.Settle(ctx, store.Result{Recipient: again[0].Recipient.ID}))
	_, s = d.Open(t)
	want("after reopening", "B2A1", 9)
}

func report(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "A", "", recipients(2, 1))
	put(t, s, "B", "", recipients(1, 1))
	jobs := fail(t, s, 2)
	b := &store.Bounce{
		Message:    store.Message{ID: "N", Received: at(2), Header: []byte("Subject: bounce\r\n\r\n"), Trace: []byte("T: 1\r\n")},
		Recipients: []store.Recipient{to("sender.example", 1)},
		Body:       octets(300_000, 1),
	}
	must(t, s.Report(ctx, b, []int64{jobs[0].Recipient.ID, jobs[1].Recipient.ID}))
	if _, err := s.Body(ctx, "A"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("reported, yet there: %v", err)
	}
	got, err := readBody(s, "N")
	must(t, err)
	same(t, "body of the bounce", got == string(b.Body), true)
	due := lease(t, s, at(1), 9)
	same(t, "the bounce is due", ids(due), "BN")
	want := b.Message
	want.Received, want.Size = kept(want.Received), int64(len(b.Body))
	same(t, "the bounce", due[1].Message, &want)
	must(t, s.Settle(ctx, store.Result{Recipient: due[0].Recipient.ID, Kind: store.Bounced}))
	must(t, s.Report(ctx, nil, []int64{due[0].Recipient.ID}))
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 1 || u.Failed != 0 || u.Queued != 1 {
		t.Fatalf("without a bounce: %+v", u)
	}
}

// reportWhole: a failure is reported once, and a bounce that cannot be added
// leaves the failure.
func reportWhole(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "A", "", recipients(2, 1))
	put(t, s, "B", "", recipients(1, 100))
	jobs := fail(t, s, 2)
	a, b := jobs[0].Recipient.ID, jobs[1].Recipient.ID
	bounce := func(id string) *store.Bounce {
		return &store.Bounce{Message: store.Message{ID: id}, Recipients: []store.Recipient{to("x.example", 1)}}
	}
	failed := func(n int) {
		t.Helper()
		u, err := s.Usage(ctx)
		must(t, err)
		q, err := s.Queue(ctx, store.QueueFilter{State: store.Failed})
		must(t, err)
		if u.Failed != n || n > 0 && len(q[0].Recipients) != n {
			t.Fatalf("%d failed recipients are left: %+v", n, u)
		}
	}
	if err := s.Report(ctx, bounce("B"), []int64{a, b}); err == nil {
		t.Fatal("a queue id that is taken")
	}
	failed(2)
	must(t, s.Report(ctx, bounce("N1"), []int64{a}))
	failed(1)
	if err := s.Report(ctx, bounce("N2"), []int64{b, a}); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("one that was reported already: %v", err)
	}
	failed(1)
	if _, err := s.Body(ctx, "N2"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal("the second bounce was kept")
	}
}

func queue(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "C", "x", []store.Recipient{to("x.example", 1), to("y.example", 5)})
	full := put(t, s, "A", "body", []store.Recipient{to("x.example", 5)})
	held := to("y.example", 5)
	held.State = store.Held
	put(t, s, "B", "", []store.Recipient{held, to("z.example", 5)})
	lease(t, s, at(1), 9)
	tests := []struct {
		name string
		f    store.QueueFilter
		want string // id, recipients, leased
	}{
		{"everything", store.QueueFilter{}, "A1/0 B2/0 C2/1 "},
		{"id", store.QueueFilter{ID: "B"}, "B2/0 "},
		{"unknown id", store.QueueFilter{ID: "Z"}, ""},
		{"state", store.QueueFilter{State: store.Held}, "B1/0 "},
		{"domain", store.QueueFilter{Domain: "y.example"}, "B1/0 C1/0 "},
		{"domain and state", store.QueueFilter{Domain: "z.example", State: store.Held}, ""},
		{"sender", store.QueueFilter{Sender: "bounces+C@example.com"}, "C2/1 "},
		{"after", store.QueueFilter{After: "A", Limit: 1}, "B2/0 "},
		{"limit", store.QueueFilter{Limit: 2}, "A1/0 B2/0 "},
	}
	for _, tt := range tests {
		q, err := s.Queue(ctx, tt.f)
		must(t, err)
		got := ""
		for _, e := range q {
			got += fmt.Sprintf("%s%d/%d ", e.Message.ID, len(e.Recipients), e.Active)
			if e.Message.ID == "A" {
				same(t, "message", e.Message, full)
			}
		}
		same(t, tt.name, got, tt.want)
	}
}

func doAct(t *testing.T, s store.Spool, a store.QueueAction, f store.QueueFilter, want int) {
	t.Helper()
	n, err := s.Act(context.Background(), a, f)
	must(t, err)
	if n != want {
		t.Fatalf("%s changed %d recipients, want %d", a, n, want)
	}
}

func act(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	var many []store.Recipient
	for range 3 {
		many = append(many, to("x.example", 1000))
	}
	put(t, s, "A", string(octets(300_000, 1)), append(many, to("y.example", 1000)))
	const others = 250 // more than an engine would change in one step
	var wg sync.WaitGroup
	for i := range others {
		wg.Go(func() {
			if err := commit(s, message(fmt.Sprint("M", i)), "", []store.Recipient{to("many.example", 1000)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	future := at(1000)
	doAct(t, s, store.Hold, store.QueueFilter{Domain: "many.example"}, others)
	doAct(t, s, store.Hold, store.QueueFilter{Domain: "many.example"}, 0)
	doAct(t, s, store.Remove, store.QueueFilter{Domain: "many.example", After: "Z", Limit: 1}, others)
	same(t, "not due yet", ids(lease(t, s, at(100), 9)), "")
	doAct(t, s, store.Hold, store.QueueFilter{ID: "A", Domain: "x.example"}, 3)
	same(t, "held", ids(lease(t, s, future, 9)), "A")
	_, s = d.Open(t)
	doAct(t, s, store.Retry, store.QueueFilter{State: store.Held}, 0)
	doAct(t, s, store.ReleaseHold, store.QueueFilter{}, 3)
	doAct(t, s, store.Retry, store.QueueFilter{Domain: "y.example"}, 1)
	if got, ok, err := s.Next(ctx, nil); err != nil || !ok || got.Equal(kept(future)) {
		t.Fatalf("released: next attempt now, got %v %t %v", got, ok, err)
	}
	same(t, "all are due", ids(lease(t, s, at(1_000_000_000), 9)), "AAAA")
	_, s = d.Open(t)
	doAct(t, s, store.Remove, store.QueueFilter{Domain: "x.example"}, 3)
	if _, err := readBody(s, "A"); err != nil {
		t.Fatalf("one recipient is left: %v", err)
	}
	doAct(t, s, store.Remove, store.QueueFilter{Sender: "bounces+A@example.com"}, 1)
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 0 || u.Queued != 0 || u.Held != 0 || u.Failed != 0 {
		t.Fatalf("removed: %+v", u)
	}
	if _, err := s.Act(ctx, "explode", store.QueueFilter{}); err == nil {
		t.Fatal("unknown action")
	}
}

func actLeased(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "A", "", recipients(3, 1))
	jobs := lease(t, s, at(1), 2)
	doAct(t, s, store.Remove, store.QueueFilter{}, 1)
	doAct(t, s, store.Retry, store.QueueFilter{}, 0)
	doAct(t, s, store.Hold, store.QueueFilter{}, 2)
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID, Kind: store.Delivered}))
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[1].Recipient.ID, Kind: store.Deferred, Next: at(1)}))
	if r := one(t, s, "A"); r.State != store.Held || r.Attempts != 1 {
		t.Fatalf("held while it was leased: %+v", r)
	}
	same(t, "held", ids(lease(t, s, at(9), 9)), "")
	doAct(t, s, store.ReleaseHold, store.QueueFilter{}, 1)
	jobs = lease(t, s, at(1_000_000_000), 9)
	same(t, "released", ids(jobs), "A")
	// Held, released and held while leased, then given back.
	doAct(t, s, store.Hold, store.QueueFilter{}, 1)
	doAct(t, s, store.ReleaseHold, store.QueueFilter{}, 1)
	doAct(t, s, store.Hold, store.QueueFilter{}, 1)
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID, Kind: store.Returned}))
	same(t, "held again", ids(lease(t, s, at(1_000_000_000), 9)), "")
	doAct(t, s, store.ReleaseHold, store.QueueFilter{}, 1)
	same(t, "released again", ids(lease(t, s, at(1_000_000_000), 9)), "A")
}

func usage(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	want := func(messages, queued, held, failed int) store.Usage {
		t.Helper()
		u, err := s.Usage(ctx)
		must(t, err)
		if u.Messages != messages || u.Queued != queued || u.Held != held || u.Failed != failed {
			t.Fatalf("usage %+v, want %d %d %d %d", u, messages, queued, held, failed)
		}
		return u
	}
	u := want(0, 0, 0, 0)
	if !u.Oldest.IsZero() || u.Free == 0 || u.Capacity == 0 {
		t.Fatalf("empty: %+v", u)
	}
	held := to("x.example", 1)
	held.State = store.Held
	put(t, s, "A", "", []store.Recipient{held, to("x.example", 1), to("x.example", 2)})
	put(t, s, "B", "", recipients(1, 3))
	if u := want(2, 3, 1, 0); !u.Oldest.Equal(kept(at(1))) {
		t.Fatalf("oldest: %v", u.Oldest)
	}
	fail(t, s, 1)
	want(2, 2, 1, 1)
	doAct(t, s, store.Hold, store.QueueFilter{ID: "B"}, 1)
	want(2, 1, 2, 1)
	_, s = d.Open(t)
	want(2, 1, 2, 1)
	doAct(t, s, store.ReleaseHold, store.QueueFilter{}, 2)
	want(2, 3, 0, 1)
	doAct(t, s, store.Remove, store.QueueFilter{}, 4)
	want(0, 0, 0, 0)
}
