package smtpd

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Wrong passwords from elsewhere do not lock out a login where it was right of
// late, and slow it down in places that are new.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Logins
		var g guesses
		g.open(Config{AuthFailures: 5})
		ctx := t.Context()
		addr := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i)) }
		quick := func(what string, one guess, want bool) {
			t.Helper()
			began := time.Now()
			if got := g.turn(ctx, one); got != want || time.Since(began) != 0 {
				t.Errorf("%s: %v after %s", what, got, time.Since(began))
			}
		}
		home := l.guess("shop", addr(1))
		g.right(home)
		for i := range 5 {
			g.wrong(l.guess("shop", addr(10+i)))
		}
		quick("at home", home, true)
		quick("another login elsewhere", l.guess("else", addr(99)), true)

		began := time.Now()
		if !g.turn(ctx, l.guess("shop", addr(2))) || time.Since(began) != brakeWait {
			t.Errorf("from a new network: not slowed down, %s", time.Since(began))
		}
		// However many guess, few do it at once.
		var tried sync.Map
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { tried.Store(i, g.turn(ctx, l.guess("shop", addr(100+i)))) })
		}
		synctest.Wait()
		quick("at home meanwhile", home, true)
		all.Wait()
		n := 0
		for _, ok := range tried.Range {
			if ok.(bool) {
				n++
			}
		}
		if n != brakeQueue || len(g.waiting) != 0 {
			t.Errorf("%d of 50 guesses are looked at, want %d; %d wait on", n, brakeQueue, len(g.waiting))
		}
		for range 5 {
			g.wrong(home)
		}
		quick("after many failures at home", home, false)
		quick("another login there, for which it is not home", l.guess("else", addr(1)), false)
		stopped, stop := context.WithCancel(ctx)
		stop()
		if g.turn(stopped, l.guess("shop", addr(3))) {
			t.Error("a wait goes on after its session")
		}
		time.Sleep(homeKept)
		for i := range 5 {
			g.wrong(l.guess("shop", addr(10+i)))
		}
		began = time.Now()
		if g.turn(ctx, home); time.Since(began) != brakeWait {
			t.Error("a network is known for ever")
		}
	})
}
