package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

// plenty are limits that no test but that of limits reaches.
var plenty = store.RequestLimits{Count: 1000, Bytes: 1 << 20, All: 1 << 20}

func request(n byte, caller string, second int) store.Request {
	return store.Request{
		ID: [32]byte{n, 0, 0xff}, Caller: caller, Digest: [32]byte{0xff, n}, Started: at(second),
		Holder: [16]byte{n, byte(second)}, Until: at(second + 60),
	}
}

// keptRequest is what an engine returns of a request.
func keptRequest(r store.Request) store.Request {
	r.Started, r.Until = kept(r.Started), kept(r.Until)
	return r
}

func wantNew(t *testing.T) func(store.Request, bool, error) {
	return func(before store.Request, found bool, err error) {
		t.Helper()
		if err != nil || found {
			t.Fatalf("found %v, %+v, %v: want a new one", found, before, err)
		}
	}
}

func wantFound(t *testing.T, want store.Request) func(store.Request, bool, error) {
	return func(before store.Request, found bool, err error) {
		t.Helper()
		if err != nil || !found {
			t.Fatalf("found %v, %v", found, err)
		}
		same(t, "request", before, keptRequest(want))
	}
}

func requests(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	r, other := request(1, odd, 1), request(2, "other", 1)
	if err := c.EndRequest(ctx, r, plenty); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("ended before it began: %v", err)
	}
	if err := c.DropRequest(ctx, r); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("dropped before it began: %v", err)
	}
	wantNew(t)(c.BeginRequest(ctx, r, at(0), plenty))
	wantNew(t)(c.BeginRequest(ctx, other, at(0), plenty))
	again := request(1, odd, 5)
	wantFound(t, r)(c.BeginRequest(ctx, again, at(0), plenty))
	if err := c.EndRequest(ctx, again, plenty); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("ended by who does not run it: %v", err)
	}
	if err := c.DropRequest(ctx, again); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("dropped by who does not run it: %v", err)
	}
	r.Answer = []byte("sealed" + odd)
	must(t, c.EndRequest(ctx, r, plenty))
	if err := c.EndRequest(ctx, r, plenty); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("ended twice: %v", err)
	}
	if err := c.DropRequest(ctx, r); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("dropped after it ended: %v", err)
	}
	must(t, c.DropRequest(ctx, other))
	c = openKeys(t, d)
	wantFound(t, r)(c.BeginRequest(ctx, request(1, odd, 500), at(0), plenty))
	wantNew(t)(c.BeginRequest(ctx, other, at(0), plenty))
	// What is too old is not there.
	wantNew(t)(c.BeginRequest(ctx, request(1, odd, 600), at(2), plenty))
}

func requestsAtOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	var all sync.WaitGroup
	var began atomic.Int64
	for n := range byte(20) {
		all.Go(func() {
			r := request(1, "one", 1)
			r.Holder = [16]byte{n}
			_, found, err := c.BeginRequest(ctx, r, at(0), plenty)
			if err != nil {
				t.Error(err)
			}
			if !found {
				began.Add(1)
			}
		})
	}
	all.Wait()
	if began.Load() != 1 {
		t.Errorf("%d run it", began.Load())
	}
}

// requestsTakenOver: who ended without an answer keeps nobody from asking again.
func requestsTakenOver(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	r := request(1, "one", 1)
	wantNew(t)(c.BeginRequest(ctx, r, at(0), plenty))
	c = openKeys(t, d)
	wantFound(t, r)(c.BeginRequest(ctx, request(1, "one", 30), at(0), plenty))
	other := request(1, "one", 100)
	other.Digest = [32]byte{7}
	wantFound(t, r)(c.BeginRequest(ctx, other, at(0), plenty))
	second := request(1, "one", 100)
	wantNew(t)(c.BeginRequest(ctx, second, at(0), plenty))
	r.Answer = []byte("late")
	if err := c.EndRequest(ctx, r, plenty); !errors.Is(err, store.ErrChanged) {
		t.Fatalf("the first holder ended it: %v", err)
	}
	second.Answer = []byte("answer")
	must(t, c.EndRequest(ctx, second, plenty))
	second.Started = r.Started // it is as old as it was
	wantFound(t, second)(c.BeginRequest(ctx, request(1, "one", 900), at(0), plenty))
}

func requestLimits(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	few := store.RequestLimits{Count: 2, Bytes: 10, All: 15}
	for n := range byte(2) {
		wantNew(t)(c.BeginRequest(ctx, request(n, "one", 1), at(0), few))
	}
	if _, _, err := c.BeginRequest(ctx, request(9, "one", 1), at(0), few); !errors.Is(err, store.ErrFull) {
		t.Fatalf("one too many: %v", err)
	}
	wantFound(t, request(0, "one", 1))(c.BeginRequest(ctx, request(0, "one", 2), at(0), few))
	wantNew(t)(c.BeginRequest(ctx, request(2, "two", 1), at(0), few))
	end := func(n byte, caller string, size int) error {
		r := request(n, caller, 1)
		r.Answer = make([]byte, size)
		return c.EndRequest(ctx, r, few)
	}
	if err := end(0, "one", 11); !errors.Is(err, store.ErrFull) {
		t.Fatalf("an answer that is too long: %v", err)
	}
	must(t, end(0, "one", 8))
	if err := end(1, "one", 3); !errors.Is(err, store.ErrFull) {
		t.Fatalf("answers of a caller that are too long together: %v", err)
	}
	if err := end(2, "two", 8); !errors.Is(err, store.ErrFull) {
		t.Fatalf("answers that are too long together: %v", err)
	}
	must(t, end(2, "two", 7))
	c = openKeys(t, d)
	must(t, c.DropRequest(ctx, request(1, "one", 1)))
	// A day later all of it is free again.
	wantNew(t)(c.BeginRequest(ctx, request(3, "one", 100), at(99), few))
	for n := range byte(1) {
		wantNew(t)(c.BeginRequest(ctx, request(10+n, "two", 100), at(99), few))
	}
}

func requestsRetired(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	for n := range byte(100) {
		r := request(n, "one", int(n))
		wantNew(t)(c.BeginRequest(ctx, r, at(0), plenty))
		r.Answer = []byte("answer")
		must(t, c.EndRequest(ctx, r, plenty))
	}
	gone := int64(0)
	for {
		n, err := c.RetireRequests(ctx, at(60))
		must(t, err)
		if gone += n; n == 0 {
			break
		}
	}
	if gone != 60 {
		t.Errorf("%d went", gone)
	}
	before, found, err := c.BeginRequest(ctx, request(60, "one", 200), at(0), plenty)
	if err != nil || !found || string(before.Answer) != "answer" {
		t.Errorf("the oldest that stays: %+v, %v", before, err)
	}
	// The share is what is left: 40 of them.
	exactly := store.RequestLimits{Count: 41, Bytes: 40 * 6, All: 40 * 6}
	wantNew(t)(c.BeginRequest(ctx, request(0, "one", 200), at(0), exactly))
	if _, _, err := c.BeginRequest(ctx, request(1, "one", 200), time.Time{}, exactly); !errors.Is(err, store.ErrFull) {
		t.Errorf("one too many: %v", err)
	}
}
