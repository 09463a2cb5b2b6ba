package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

func fateForgotten(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	for i := range 5 {
		mailTo(t, s, fmt.Sprint("Q", i), "Ada@example.net", "bob@example.net")
	}
	settleAll(t, s, store.Delivered, took)
	mailTo(t, s, "waits", "ada@example.net")
	mailTo(t, s, "sent", "ada@example.net")
	jobs, err := s.Lease(ctx, at(5), 1, nil)
	must(t, err)
	if n, err := d.History(t).ForgetFates(ctx, "ada@example.net"); n != 5 || err != nil {
		t.Fatalf("%d fates were forgotten, %v", n, err)
	}
	theirs, others := store.FateFilter{Person: "ada@example.net"}, store.FateFilter{Person: "bob@example.net"}
	sameFates(t, fatesOf(t, d.History(t), theirs))
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID, Status: took}))
	_, s = d.Open(t)
	sameFates(t, fatesOf(t, d.History(t), theirs))
	settleAll(t, s, store.Deferred, took)
	settleAll(t, s, store.Delivered, took) // the mail itself goes on
	if u, err := s.Usage(ctx); err != nil || u.Messages != 0 {
		t.Fatalf("%+v, %v", u, err)
	}
	sameFates(t, fatesOf(t, d.History(t), theirs))
	if got := fatesOf(t, d.History(t), others); len(got) != 5 {
		t.Fatalf("%d fates of another person", len(got))
	}
	if got := fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q0"}); len(got) != 1 || got[0].Recipient != "bob@example.net" {
		t.Fatalf("of a message to both: %+v", got)
	}
	// What comes later is new.
	mailTo(t, s, "later", "ada@example.net")
	settleAll(t, s, store.Delivered, took)
	if got := fatesOf(t, d.History(t), theirs); len(got) != 1 {
		t.Fatalf("%d fates of later mail", len(got))
	}
}

func fateErased(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	f := store.FateFilter{Person: "ada@example.net"}
	for i, kind := range []store.ResultKind{store.Delivered, store.Dropped, store.Bounced, store.Parked} {
		must(t, commit(s, message(fmt.Sprint("Q", i)), "x", []store.Recipient{{Address: "ada@example.net", Erased: true, Domain: "example.net", Next: at(1)}}))
		sameFates(t, fatesOf(t, d.History(t), f))
		settleAll(t, s, store.Deferred, took)
		settleAll(t, s, kind, took)
	}
	failures, err := s.Failures(ctx, 9)
	must(t, err)
	must(t, s.Report(ctx, nil, []int64{failures[0].Recipients[0].ID}))
	_, err = s.Act(ctx, store.Remove, store.QueueFilter{})
	must(t, err)
	sameFates(t, fatesOf(t, d.History(t), f))
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q0"}))
}

func fateBounceForgotten(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	for _, id := range []string{"ended", "waits"} {
		mailTo(t, s, id, "ada@example.net")
		settleAll(t, s, store.Bounced, store.Status{Code: 550})
		failures, err := s.Failures(ctx, 9)
		must(t, err)
		verp := store.Recipient{Address: "b+ada=example.net@example.com", Domain: "example.com", Next: at(1)}
		must(t, s.Report(ctx, &store.Bounce{Message: *message("B" + id), Recipients: []store.Recipient{verp}}, []int64{failures[0].Recipients[0].ID}))
		if id == "ended" {
			settleAll(t, s, store.Delivered, took)
		}
	}
	if n, err := d.History(t).ForgetFates(ctx, "ada@example.net"); n != 2 || err != nil {
		t.Fatalf("%d fates were forgotten, %v", n, err)
	}
	settleAll(t, s, store.Delivered, took)
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{QueueID: "Bended"}))
	sameFates(t, fatesOf(t, d.History(t), store.FateFilter{QueueID: "Bwaits"}))
}

func fateRetired(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	h := d.History(t)
	first, err := h.Fates(ctx, store.FateFilter{Person: "x"})
	must(t, err)
	if first.From.IsZero() || time.Since(first.From) > time.Hour {
		t.Fatalf("fates are known from %s on", first.From)
	}
	mailTo(t, s, "Q1", "ada@example.net")
	settleAll(t, s, store.Delivered, took)
	time.Sleep(2 * time.Millisecond) // the engine's own clock
	between := time.Now()
	time.Sleep(2 * time.Millisecond)
	mailTo(t, s, "Q2", "ada@example.net")
	settleAll(t, s, store.Delivered, took)
	mailTo(t, s, "Q3", "ada@example.net")
	if n := retireAll(t, h, between, 0); n != 1 {
		t.Fatalf("%d retired", n)
	}
	a, err := h.Fates(ctx, store.FateFilter{Person: "ada@example.net"})
	must(t, err)
	if len(a.Fates) != 2 || a.Fates[0].QueueID != "Q3" || a.Fates[1].QueueID != "Q2" {
		t.Fatalf("%+v", a.Fates)
	}
	if !a.From.After(first.From) || !a.From.Before(between) {
		t.Fatalf("known from %s on, retired before %s", a.From, between)
	}
	if n := retireAll(t, h, time.Now().Add(time.Hour), 0); n != 1 {
		t.Fatalf("%d retired", n)
	}
	d.Open(t)
	if got := fatesOf(t, d.History(t), store.FateFilter{Person: "ada@example.net"}); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
}

func retireAll(t *testing.T, h store.History, before time.Time, most int64) (total int64) {
	t.Helper()
	for {
		n, err := h.RetireFates(context.Background(), before, most)
		must(t, err)
		if n == 0 {
			return total
		}
		total += n
	}
}

func fateBounded(t *testing.T, d Data) {
	_, s := d.Open(t)
	h := d.History(t)
	for i := range 200 {
		must(t, h.Note(context.Background(), message(fmt.Sprint("Q", i)), store.Stopped{Recipient: store.Recipient{Address: "ada@example.net"}, Reason: store.ReasonManual}))
	}
	mailTo(t, s, "last", "bob@example.net")
	const most = 20_000
	if n := retireAll(t, h, time.Time{}, most); n < 50 || n > 190 {
		t.Fatalf("%d of 200 retired to keep %d bytes", n, most)
	}
	got := fatesOf(t, h, store.FateFilter{Person: "ada@example.net", Limit: 500})
	if len(got) < 10 || got[0].QueueID != "Q199" {
		t.Fatalf("%d kept, first %s", len(got), got[0].QueueID)
	}
	if n := retireAll(t, h, time.Time{}, most); n != 0 {
		t.Fatalf("%d retired again", n)
	}
}

func fateOnce(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	mailTo(t, s, "Q1", "ada@example.net")
	jobs, err := s.Lease(ctx, at(5), 9, nil)
	must(t, err)
	r := store.Result{Recipient: jobs[0].Recipient.ID, Status: took}
	must(t, s.Settle(ctx, r, r))
	must(t, s.Settle(ctx, r))
	if got := fatesOf(t, d.History(t), store.FateFilter{QueueID: "Q1"}); len(got) != 1 {
		t.Fatalf("%d fates: %+v", len(got), got)
	}
}
