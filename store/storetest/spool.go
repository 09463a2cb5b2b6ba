package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"offramp/store"
)

// Spool checks what store.Spool promises.
func Spool(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{
		{"in and out", inAndOut},
		{"bodies of every size", bodies},
		{"large body, little memory", largeBody},
		{"draft given up", aborted},
		{"draft refused", refused},
		{"damaged body", damaged},
		{"body unknown", bodyUnknown},
		{"context ended", spoolContext},
		{"mail at once", mailAtOnce},
		{"lease: order, limit, skip", leaseOrder},
		{"lease ends with the process", leaseReopened},
		{"next", next},
		{"settle", settle},
		{"settle: last recipient", settleLast},
		{"put off", putOff},
		{"failures", failures},
		{"report", report},
		{"report whole or absent", reportWhole},
		{"queue", queue},
		{"act", act},
		{"act on the leased", actLeased},
		{"usage", usage},
	})
}

// lease leases and fails the test on an error.
func lease(t *testing.T, s store.Spool, now time.Time, limit int, skip ...string) []store.Job {
	t.Helper()
	jobs, err := s.Lease(context.Background(), now, limit, skip)
	must(t, err)
	return jobs
}

func readBody(s store.Spool, id string) (string, error) {
	b, err := s.Body(context.Background(), id)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(b)
	return string(got), errors.Join(err, b.Close())
}

func inAndOut(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	rs := recipients(2, 1)
	rs[1].Address, rs[1].Domain = odd, "other.example"
	rs[1].Status = store.Status{Code: 250, Enhanced: "2.0.0", Text: odd, Host: "mx"}
	want := put(t, s, "Q1", "the body\r\n", rs)
	for _, reopened := range []bool{false, true} {
		if reopened {
			_, s = d.Open(t)
		}
		jobs := lease(t, s, at(1), 10)
		if len(jobs) != 2 || jobs[0].Message != jobs[1].Message {
			t.Fatalf("two jobs that share their message, got %v", jobs)
		}
		same(t, "message", jobs[0].Message, want)
		for i, j := range jobs {
			w := rs[i]
			w.ID, w.Next = j.Recipient.ID, kept(w.Next)
			same(t, "recipient", j.Recipient, w)
		}
		if jobs[0].Recipient.ID == jobs[1].Recipient.ID {
			t.Fatal("recipients share an ID")
		}
		got, err := readBody(s, "Q1")
		must(t, err)
		same(t, "body", got, "the body\r\n")
		if reopened {
			must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID}, store.Result{Recipient: jobs[1].Recipient.ID}))
		}
	}
	if _, err := s.Body(ctx, "Q1"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("body of a message that left: %v", err)
	}
	// Nothing but what cannot be left out.
	m := &store.Message{ID: "Q2"}
	must(t, commit(s, m, "", []store.Recipient{{Address: "a@b.example", Domain: "b.example"}}))
	jobs := lease(t, s, at(1), 10)
	if len(jobs) != 1 || jobs[0].Recipient.State != store.Queued || !jobs[0].Message.Received.IsZero() || !jobs[0].Recipient.Next.IsZero() {
		t.Fatalf("zero values: %+v", jobs)
	}
	same(t, "message without fields", jobs[0].Message, &store.Message{ID: "Q2"})
	got, err := readBody(s, "Q2")
	must(t, err)
	same(t, "empty body", got, "")
}

// octets makes n bytes that differ everywhere.
func octets(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(b)
	return b
}

func bodies(t *testing.T, d Data) {
	_, s := d.Open(t)
	sizes := []int{0, 1, 4095, 4096, 128<<10 - 1, 128 << 10, 128<<10 + 1, 256 << 10, 300_000}
	for i, size := range sizes {
		put(t, s, fmt.Sprint("Q", i), string(octets(size, uint64(i))), recipients(1, 1))
	}
	for _, reopened := range []bool{false, true} {
		if reopened {
			_, s = d.Open(t)
		}
		for i, size := range sizes {
			got, err := readBody(s, fmt.Sprint("Q", i))
			must(t, err)
			if got != string(octets(size, uint64(i))) {
				t.Fatalf("body of %d bytes differs", size)
			}
		}
	}
}

// largeBody writes and reads 20 MiB, and looks at what the heap holds.
func largeBody(t *testing.T, d Data) {
	const size, room = 20 << 20, 8 << 20
	ctx := context.Background()
	_, s := d.Open(t)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	draft, err := s.Create(ctx)
	must(t, err)
	hash, part := sha256.New(), octets(70_001, 1)
	for left := size; left > 0; {
		n := min(left, len(part))
		hash.Write(part[:n])
		if w, err := draft.Write(part[:n]); err != nil || w != n {
			t.Fatal(w, err)
		}
		left -= n
	}
	if held := heap(); held > before+room {
		t.Fatalf("a draft of %d bytes holds %d", size, held-before)
	}
	if jobs := lease(t, s, at(1), 1); len(jobs) != 0 {
		t.Fatal("leased before it was committed")
	}
	must(t, draft.Commit(ctx, message("Q1"), recipients(1, 1)))
	jobs := lease(t, s, at(1), 1)
	if len(jobs) != 1 || jobs[0].Message.Size != size {
		t.Fatalf("size: %v", jobs)
	}
	body, err := s.Body(ctx, "Q1")
	must(t, err)
	got := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{got}, struct{ io.Reader }{body}, make([]byte, 9_999))
	must(t, err)
	if held := heap(); held > before+room {
		t.Fatalf("a reader of %d bytes holds %d", size, held-before)
	}
	must(t, body.Close())
	if n != size || !bytes.Equal(got.Sum(nil), hash.Sum(nil)) {
		t.Fatalf("%d bytes, or other ones than were written", n)
	}
	must(t, s.Settle(ctx, store.Result{Recipient: jobs[0].Recipient.ID}))
}

func aborted(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	for _, size := range []int{0, 10, 400_000} {
		draft, err := s.Create(ctx)
		must(t, err)
		_, err = draft.Write(octets(size, 1))
		must(t, err)
		draft.Abort()
		if _, err := draft.Write([]byte("x")); err == nil {
			t.Fatal("written after Abort")
		}
		if err := draft.Commit(ctx, message("Q1"), recipients(1, 1)); err == nil {
			t.Fatal("committed after Abort")
		}
	}
	draft, err := s.Create(ctx)
	must(t, err)
	must(t, draft.Commit(ctx, message("Q2"), recipients(1, 1)))
	draft.Abort()
	if err := draft.Commit(ctx, message("Q3"), recipients(1, 1)); err == nil {
		t.Fatal("committed twice")
	}
	left, err := s.Create(ctx) // given up by a process that ends
	must(t, err)
	_, err = left.Write(octets(400_000, 1))
	must(t, err)
	_, s = d.Open(t)
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 1 || u.Queued != 1 {
		t.Fatalf("Abort after Commit does nothing, others leave nothing: %+v", u)
	}
	// What the next message stores must not mix with what was given up.
	put(t, s, "Q4", string(octets(500_000, 4)), recipients(1, 1))
	got, err := readBody(s, "Q4")
	must(t, err)
	if got != string(octets(500_000, 4)) {
		t.Fatal("body differs")
	}
}

// refused: what cannot be kept is not kept in part.
func refused(t *testing.T, d Data) {
	ctx := context.Background()
	_, s := d.Open(t)
	put(t, s, "Q1", "first", recipients(1, 1))
	if err := commit(s, message("Q1"), "second", recipients(3, 1)); err == nil {
		t.Fatal("one queue id twice")
	}
	if err := commit(s, message("Q2"), "", nil); err == nil {
		t.Fatal("a message without recipients could never leave")
	}
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 1 || u.Queued != 1 {
		t.Fatalf("kept in part: %+v", u)
	}
	got, err := readBody(s, "Q1")
	must(t, err)
	same(t, "the first one stays", got, "first")
}

func damaged(t *testing.T, d Data) {
	_, s := d.Open(t)
	put(t, s, "small", string(octets(10_000, 1)), recipients(1, 1))
	put(t, s, "large", string(octets(1<<20, 2)), recipients(1, 1))
	put(t, s, "sound", string(octets(10_000, 3)), recipients(1, 1))
	d.Damage(t, "small")
	d.Damage(t, "large")
	_, s = d.Open(t)
	for id, want := range map[string][]byte{"small": octets(10_000, 1), "large": octets(1<<20, 2)} {
		b, err := s.Body(context.Background(), id)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(b)
		}
		if !errors.Is(err, store.ErrMessage) || !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%s: %v", id, err)
		}
		if !bytes.HasPrefix(want, got) || len(got) == len(want) {
			t.Fatalf("%s: %d bytes were read, not all of them as written", id, len(got))
		}
	}
	_, err := readBody(s, "sound")
	must(t, err)
}

func bodyUnknown(t *testing.T, d Data) {
	_, s := d.Open(t)
	if _, err := s.Body(context.Background(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("body: %v", err)
	}
	put(t, s, "Q1", "body", recipients(1, 1))
	b, err := s.Body(context.Background(), "Q1")
	must(t, err)
	must(t, b.Close())
}

func spoolContext(t *testing.T, d Data) {
	_, s := d.Open(t)
	put(t, s, "Q1", "body", recipients(1, 1))
	ctx, cancel := context.WithCancel(context.Background())
	draft, err := s.Create(ctx)
	must(t, err)
	cancel()
	if err := draft.Commit(ctx, message("Q2"), recipients(1, 1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("commit: %v", err)
	}
	draft.Abort()
	if _, err := s.Lease(ctx, at(1), 1, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("lease: %v", err)
	}
	if jobs := lease(t, s, at(1), 5); len(jobs) != 1 || jobs[0].Message.ID != "Q1" {
		t.Fatalf("after a lease that failed, the recipient is due as before: %v", jobs)
	}
}

// mailAtOnce has many put in and take out mail at the same time.
func mailAtOnce(t *testing.T, d Data) {
	const workers, each, recipientsEach = 12, 8, 3
	ctx := context.Background()
	_, s := d.Open(t)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("Q%d-%d", w, i)
				if err := commit(s, message(id), id, recipients(recipientsEach, 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	taken := &leased{seen: make(map[int64]int), left: workers * each * recipientsEach}
	for range 4 {
		wg.Go(func() { taken.settleAll(ctx, t, s) })
	}
	wg.Wait()
	if len(taken.seen) != workers*each*recipientsEach {
		t.Fatalf("%d recipients of %d", len(taken.seen), workers*each*recipientsEach)
	}
	for id, n := range taken.seen {
		if n != 1 {
			t.Fatalf("recipient %d was leased %d times", id, n)
		}
	}
	u, err := s.Usage(ctx)
	must(t, err)
	if u.Messages != 0 || u.Queued != 0 || !u.Oldest.IsZero() {
		t.Fatalf("something is left: %+v", u)
	}
}

// leased counts how often each recipient was leased.
type leased struct {
	mu   sync.Mutex
	seen map[int64]int
	left int
}

// add notes recipients that were leased and says whether all have been.
func (l *leased) add(jobs []store.Job) (done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range jobs {
		l.seen[j.Recipient.ID]++
	}
	l.left -= len(jobs)
	return l.left == 0
}

// settleAll leases and settles until every recipient was leased.
func (l *leased) settleAll(ctx context.Context, t *testing.T, s store.Spool) {
	for {
		jobs, err := s.Lease(ctx, at(1), 7, nil)
		if err != nil {
			t.Error(err)
			return
		}
		var results []store.Result
		for _, j := range jobs {
			if body, err := readBody(s, j.Message.ID); err != nil || body != j.Message.ID {
				t.Errorf("body %q: %v", body, err)
			}
			results = append(results, store.Result{Recipient: j.Recipient.ID, Kind: store.Delivered})
		}
		done := l.add(jobs)
		if err := s.Settle(ctx, results...); err != nil {
			t.Error(err)
		}
		if done || t.Failed() {
			return
		}
		runtime.Gosched()
	}
}
