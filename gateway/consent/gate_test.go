package consent_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// After OptOut has returned, nobody begins to send, however many attempts were
// under way. Workers send as delivery does; the write of MAIL is where they look
// whether the opt-out was acknowledged already.
func TestNoAttemptBeginsAfterTheAnswer(t *testing.T) {
	const people, workers = 400, 3
	f := &fakeStore{}
	c := newConsent(f)
	ctx := context.Background()
	var sent, late atomic.Int64
	for i := range people {
		who := address(t, fmt.Sprintf("p%d@example.net", i))
		s := consent.Subject{Recipient: who, List: "news"}
		stop := func() error {
			_, err := c.OptOut(ctx, s, store.OneClick, evidence)
			return err
		}
		if i%2 == 1 {
			stop = func() error {
				_, err := c.Suppress(ctx, consent.Stop{Subject: s, Reason: store.ReasonManual, Note: ""}, evidence)
				return err
			}
		}
		var acknowledged atomic.Bool
		var running sync.WaitGroup
		begun := make(chan struct{}, workers)
		for range workers {
			running.Go(func() {
				for n := 0; ; n++ {
					done := c.Start(who)
					v, err := c.Verdict(ctx, who, "news")
					if err != nil {
						t.Error(err)
					}
					if v.Drop || err != nil {
						done()
						return
					}
					runtime.Gosched() // EHLO, RSET and the like
					if acknowledged.Load() {
						late.Add(1)
					}
					sent.Add(1)
					done()
					done()
					if n == 0 {
						begun <- struct{}{}
					}
				}
			})
		}
		<-begun
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		acknowledged.Store(true)
		running.Wait()
	}
	if late.Load() != 0 || sent.Load() < people {
		t.Errorf("%d attempts began after the answer, %d in all", late.Load(), sent.Load())
	}
}

func TestOptOutWaitsForEarlierStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		c := newConsent(f)
		who := address(t, "a@example.net")
		s := consent.Subject{Recipient: who, List: "news"}
		first, second := c.Start(who), c.Start(address(t, "A@example.net"))

		var changed bool
		var err error
		returned := make(chan struct{})
		go func() {
			changed, err = c.OptOut(context.Background(), s, store.OneClick, evidence)
			close(returned)
		}()
		waits := func(what string) {
			t.Helper()
			synctest.Wait()
			select {
			case <-returned:
				t.Fatalf("OptOut returned %s", what)
			default:
			}
		}
		waits("while two attempts were starting")
		if len(f.choices) != 1 {
			t.Error("the choice is not on disk while OptOut waits")
		}
		first()
		first()
		waits("while one attempt was starting")

		later := c.Start(who) // sees the choice: nobody waits for it
		defer later()
		second()
		<-returned
		if !changed || err != nil {
			t.Errorf("OptOut = %v, %v", changed, err)
		}
	})
}

// An attempt that never says it is through delays an answer and holds up
// nobody else.
func TestStartWithoutDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		c := newConsent(f)
		who := address(t, "a@example.net")
		s := consent.Subject{Recipient: who, List: "news"}
		stuck := c.Start(who)

		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		began := time.Now()
		changed, err := c.OptOut(ctx, s, store.OneClick, evidence)
		if !changed || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second {
			t.Errorf("OptOut = %v, %v after %v", changed, err, time.Since(began))
		}
		// Nothing changes, but the answer must wait all the same.
		began = time.Now()
		changed, err = c.OptOut(context.Background(), s, store.OneClick, evidence)
		if changed || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("OptOut without a deadline = %v, %v after %v", changed, err, time.Since(began))
		}
		for range 100 { // Start does not wait, and neither does what lifts a stop
			c.Start(who)()
			if _, err := c.Resubscribe(context.Background(), s, store.Page, evidence); err != nil {
				t.Error(err)
			}
		}
		stuck()
		if changed, err := c.OptOut(context.Background(), s, store.OneClick, evidence); !changed || err != nil {
			t.Errorf("OptOut after the end = %v, %v", changed, err)
		}
	})
}

func BenchmarkStart(b *testing.B) {
	c := newConsent(&fakeStore{})
	who := address(b, "anna@example.net")
	b.ReportAllocs()
	for b.Loop() {
		c.Start(who)()
	}
}
